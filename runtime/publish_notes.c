/* publish_notes.c: see publish_notes.h. A ring of notes, each with an arena of its own.
 *
 * Invariant: a note is given to the runtime only when none before it waits. */
#include "runtime/publish_notes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct note {
  fsm_arena arena;
  const char *sink, *what, *reason;
  fsm_value more, actor;
} note;

struct fsm__notes {
  pthread_mutex_t lock;
  fsm_runtime *runtime;
  note *ring[FSM_NOTES_MAX];
  size_t first, count;
  uint64_t untold;          /* since the last that was taken */
  _Atomic uint64_t refused; /* that were taken and then could not be written; any thread */
};

fsm_code fsm__notes_new(fsm__notes **out, fsm_error *err) {
  fsm__notes *n = calloc(1, sizeof *n);
  if (n == NULL || pthread_mutex_init(&n->lock, NULL) != 0) {
    free(n);
    return fsm_fail(err, FSM_ENOMEM, "notes", "no memory for notes about sinks");
  }
  *out = n;
  return FSM_OK;
}

static void free_note(note *one) {
  if (one == NULL) return;
  fsm_arena_free(&one->arena);
  free(one);
}

/* NULL without memory. */
static note *copy(const char *sink, const char *what, const fsm_value *more, const fsm_value *actor,
                  const char *reason) {
  note *one = calloc(1, sizeof *one);
  if (one == NULL) return NULL;
  fsm_arena_init(&one->arena, 0);
  one->sink = fsm_arena_strdup(&one->arena, sink);
  one->what = fsm_arena_strdup(&one->arena, what);
  one->reason = reason != NULL ? fsm_arena_strdup(&one->arena, reason) : NULL;
  bool whole = one->sink != NULL && one->what != NULL && (reason == NULL || one->reason != NULL);
  if (whole && more != NULL) whole = fsm_value_copy(&one->arena, more, &one->more, NULL) == FSM_OK;
  if (whole && actor != NULL) whole = fsm_value_copy(&one->arena, actor, &one->actor, NULL) == FSM_OK;
  if (whole) return one;
  free_note(one);
  return NULL;
}

/* Says with the note how many others there were. */
static void tell_untold(fsm__notes *n, note *one) {
  fsm_pair pair = {fsm_string("untold"), fsm_uint(n->untold)};
  fsm_value map;
  fsm_code code = fsm_map(&pair, 1, &map, NULL);
  if (code == FSM_OK) code = fsm_map_merge(&one->arena, &one->more, &map, &one->more);
  FSM_ASSERT(code == FSM_OK || code == FSM_ENOMEM);
}

/* A disk without room, most likely. */
static void on_answer(void *arg, const fsm_answer *answer) {
  fsm__notes *n = arg;
  if (answer->error.code != FSM_OK) atomic_fetch_add(&n->refused, 1);
}

/* Only a full queue is worth another try. An operator is named only together with a reason. */
static bool send(fsm__notes *n, note *one) {
  fsm_command c = fsm_command_new(FSM_CMD_SINK_NOTE);
  n->untold += atomic_exchange(&n->refused, 0);
  if (n->untold > 0) tell_untold(n, one);
  c.name = one->sink;
  c.event = one->what;
  c.data = one->more;
  if (one->reason != NULL && fsm_is(&one->actor, FSM_MAP)) {
    c.actor = one->actor;
    c.reason = one->reason;
  }
  fsm_code code = fsm_submit(n->runtime, &c, on_answer, n, NULL);
  if (code == FSM_EBUSY || code == FSM_ENOMEM) return false;
  n->untold = code == FSM_OK ? 0 : n->untold + 1;
  return true;
}

static size_t send_all(fsm__notes *n) {
  while (n->runtime != NULL && n->count > 0 && send(n, n->ring[n->first])) {
    free_note(n->ring[n->first]);
    n->first = (n->first + 1) % FSM_NOTES_MAX;
    n->count--;
  }
  return n->count;
}

void fsm__notes_open(fsm__notes *n, fsm_runtime *runtime) {
  pthread_mutex_lock(&n->lock);
  n->runtime = runtime;
  pthread_mutex_unlock(&n->lock);
}

void fsm__notes_take(void *arg, const char *sink, const char *what, const fsm_value *more,
                     const fsm_value *actor, const char *reason) {
  fsm__notes *n = arg;
  note *one = copy(sink, what, more, actor, reason);
  pthread_mutex_lock(&n->lock);
  if (one == NULL || n->count == FSM_NOTES_MAX) {
    n->untold++;
    free_note(one);
  } else {
    n->ring[(n->first + n->count++) % FSM_NOTES_MAX] = one;
    send_all(n);
  }
  pthread_mutex_unlock(&n->lock);
}

size_t fsm__notes_send(fsm__notes *n) {
  pthread_mutex_lock(&n->lock);
  size_t left = send_all(n);
  pthread_mutex_unlock(&n->lock);
  return left;
}

void fsm__notes_free(fsm__notes *n) {
  if (n == NULL) return;
  for (size_t i = 0; i < n->count; i++) free_note(n->ring[(n->first + i) % FSM_NOTES_MAX]);
  pthread_mutex_destroy(&n->lock);
  free(n);
}
