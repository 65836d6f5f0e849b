/* outbox_scene.h: an outbox over a filled journal, to another side that a test plays: what it has got, in
 * order, and how it behaves. */
#ifndef FSM_TESTS_OUTBOX_SCENE_H
#define FSM_TESTS_OUTBOX_SCENE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/outbox.h"
#include "tests/filled_journal.h"
#include "tests/wait_for.h"

enum { GOT_MAX = 20000, NOTES_MAX = 4096 };

typedef struct got {
  uint64_t seq, after;
  bool repair, decoded;
} got;

typedef struct scene {
  fsm__sink sink; /* first */
  pthread_mutex_t lock;
  filled_journal filled;
  fsm__sink_config config;
  fsm__outbox *outbox;

  got got[GOT_MAX];
  size_t got_count;
  uint64_t tickets[GOT_MAX]; /* gathered, not flushed yet */
  size_t gathered, flushes, largest;
  unsigned prepares, reconciles, clears;
  uint64_t life;
  uint64_t poison_from, poison_to; /* rejected for what they are */
  uint64_t stop_at;                /* rejected for how the other side is doing */
  uint64_t back_to;                /* where prepare puts the cursor, when it is less; 0 = nowhere */
  bool fork;                       /* prepare stops until it is cleared */
  bool away;
  fsm__sink_lost lost; /* told once */
  uint64_t settled;

  char notes[NOTES_MAX][16];
  uint64_t note_seqs[NOTES_MAX];
  size_t note_count;
} scene;

static scene *s;

static inline void scene_lock(void) { pthread_mutex_lock(&s->lock); }
static inline void scene_unlock(void) { pthread_mutex_unlock(&s->lock); }

#define LOCKED(statement) \
  do {                    \
    scene_lock();         \
    statement;            \
    scene_unlock();       \
  } while (0)

static inline fsm_code scene_prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                                     fsm_error *err) {
  (void)sink, (void)view;
  scene_lock();
  s->prepares++;
  bool is_away = s->away, is_fork = s->fork;
  uint64_t back = s->back_to;
  s->back_to = 0;
  scene_unlock();
  if (is_away) return fsm_fail(err, FSM_EUNREACHABLE, "scene", "it is away");
  if (is_fork) return fsm_fail(err, FSM_EVERIFY, "scene", "another record is there");
  if (back > 0 && back < cursor->seq) cursor->seq = back;
  return FSM_OK;
}

static inline fsm_code scene_publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  fsm_code code = FSM_OK;
  const fsm__exported *out = &record->out;
  scene_lock();
  if (out->seq >= s->poison_from && out->seq <= s->poison_to)
    code = FSM_EDATA;
  else if (out->seq == s->stop_at)
    code = FSM_EBUSY;
  else
    s->got[s->got_count++] = (got){out->seq, out->after, out->repair, out->record != NULL};
  if (code == FSM_OK && sink->flush != NULL) s->tickets[s->gathered++] = record->ticket;
  scene_unlock();
  if (code == FSM_EDATA && out->seq % 2 == 0)
    return fsm_fail(err, code, "scene", "a field is of another type");
  if (code != FSM_OK)
    sink->ack(sink->ack_arg, record->ticket, code, 0, "a field is of another type");
  else if (sink->flush == NULL)
    sink->ack(sink->ack_arg, record->ticket, FSM_OK, out->seq, NULL);
  return FSM_OK;
}

static inline fsm_code scene_flush(fsm__sink *sink, fsm_error *err) {
  (void)err;
  for (size_t i = 0; i < s->gathered; i++) sink->ack(sink->ack_arg, s->tickets[i], FSM_OK, 0, NULL);
  LOCKED(s->flushes++; if (s->gathered > s->largest) s->largest = s->gathered; s->gathered = 0);
  return FSM_OK;
}

static inline fsm_code scene_reconcile(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                                       fsm__sink_lost *lost, fsm_error *err) {
  (void)sink, (void)view, (void)err;
  LOCKED(s->reconciles++; *lost = s->lost; s->lost.from = 0;
         if (s->settled > 0) cursor->settled_seq = s->settled);
  return FSM_OK;
}

static inline void scene_clear(fsm__sink *sink) {
  (void)sink;
  LOCKED(s->clears++; s->fork = false);
}

static inline uint64_t scene_life(fsm__sink *sink) {
  (void)sink;
  uint64_t life;
  LOCKED(life = s->life);
  return life;
}

static inline void scene_note(void *arg, const char *sink, const char *what, const fsm_value *more,
                              const fsm_value *actor, const char *reason) {
  (void)arg, (void)actor, (void)reason;
  assert_string_equal(sink, "scene");
  const fsm_value *seq = fsm_map_get(more, "seq");
  scene_lock();
  if (s->note_count < NOTES_MAX) {
    snprintf(s->notes[s->note_count], sizeof s->notes[0], "%s", what);
    s->note_seqs[s->note_count++] = seq != NULL ? (uint64_t)seq->i : 0;
  }
  scene_unlock();
}

static inline unsigned noted(const char *what) {
  unsigned n = 0;
  LOCKED(for (size_t i = 0; i < s->note_count; i++) n += strcmp(s->notes[i], what) == 0);
  return n;
}

static inline int scene_up(void **state) {
  (void)state;
  s = calloc(1, sizeof *s);
  pthread_mutex_init(&s->lock, NULL);
  s->sink =
      (fsm__sink){.name = "scene", .prepare = scene_prepare, .publish = scene_publish, .life = scene_life};
  s->config = (fsm__sink_config){.name = "scene",
                                 .kind = "file",
                                 .batch = 64,
                                 .batch_bytes = 1 << 20,
                                 .backoff_ns = 5000000,
                                 .backoff_max_ns = 20000000,
                                 .timeout_ns = INT64_C(2000000000),
                                 .window = 64};
  return filled_journal_new(&s->filled, 0x7b) ? 0 : -1;
}

static inline int scene_down(void **state) {
  (void)state;
  fsm__outbox_free(s->outbox);
  filled_journal_free(&s->filled);
  pthread_mutex_destroy(&s->lock);
  free(s);
  return 0;
}

static inline fsm__outbox_options scene_options(void) {
  return (fsm__outbox_options){.dir = s->filled.dir,
                               .journal = s->filled.journal,
                               .origin = s->filled.origin,
                               .sink = &s->sink,
                               .config = &s->config,
                               .note = scene_note,
                               .failing_ns = 50000000};
}

static inline void scene_start_with(const fsm__outbox_options *options) {
  fsm_error err = {0};
  if (fsm__outbox_start(options, &s->outbox, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static inline void scene_start(void) {
  fsm__outbox_options options = scene_options();
  scene_start_with(&options);
}

static inline void scene_stop(void) {
  fsm__outbox_free(s->outbox);
  s->outbox = NULL;
}

static inline void scene_add(unsigned count) {
  assert_true(filled_journal_add(&s->filled, count, "x"));
  if (s->outbox != NULL) fsm__outbox_wake(s->outbox);
}

static inline fsm__outbox_status scene_status(void) {
  fsm__outbox_status status;
  fsm__outbox_status_get(s->outbox, &status);
  return status;
}

static inline fsm__cursor scene_cursor(void) {
  fsm__cursor c;
  bool there = false;
  assert_int_equal(fsm__cursor_load(s->filled.dir, "scene", &c, &there, NULL), FSM_OK);
  assert_true(there);
  return c;
}

static inline unsigned scene_prepared(void) {
  unsigned n;
  LOCKED(n = s->prepares);
  return n;
}

static inline size_t scene_got(bool repair) {
  size_t n = 0;
  LOCKED(for (size_t i = 0; i < s->got_count; i++) n += s->got[i].repair == repair);
  return n;
}

#endif
