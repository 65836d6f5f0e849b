/* writer_due.c: what time brings: timers that fire, attempts that run out, tasks to be offered.
 *
 * The due table is scanned from where the last scan ended. That misses nothing: recorded times strictly
 * grow, so whatever is set later is due later. A task that was offered and not begun is offered
 * again from a list in memory; after a restart the scan starts from the front and offers all. */
#include <stdlib.h>
#include <string.h>

#include "runtime/writer.h"

enum { OFFER_AGAIN_MS = 30000, UNDELIVERED_AGAIN_MS = 500 };

static const fsm_command by_timer = {.kind = FSM_CMD_SEND, .expect_rev = -1};

/* ---- offers ------------------------------------------------------------------------------------- */

static fsm__offer *offer_find(fsm__writer *w, uint64_t number, const char *id) {
  for (size_t i = 0; i < w->offer_count; i++)
    if (w->offers[i].number == number && strcmp(w->offers[i].id, id) == 0) return &w->offers[i];
  return NULL;
}

static void offer_forget(fsm__writer *w, fsm__offer *offer) {
  free(offer->id);
  *offer = w->offers[--w->offer_count];
}

static void offer_note(fsm__writer *w, uint64_t number, const char *id) {
  if (w->offer_count == w->offer_cap) {
    size_t cap = w->offer_cap ? w->offer_cap * 2 : 64;
    fsm__offer *grown = realloc(w->offers, cap * sizeof *grown);
    if (grown == NULL) return; /* offered once; again after a restart */
    w->offers = grown;
    w->offer_cap = cap;
  }
  char *copy = strdup(id);
  if (copy == NULL) return;
  int64_t again_ns = fsm__monotonic_ns() + (int64_t)OFFER_AGAIN_MS * 1000000;
  w->offers[w->offer_count++] = (fsm__offer){.number = number, .id = copy, .again_ns = again_ns};
  if (again_ns < w->offers_next_ns) w->offers_next_ns = again_ns;
}

/* Tells whoever runs services. The task may be gone or begun by now, or wait for its back-off: then it is not
 * offered. */
static bool offer(fsm__writer *w, uint64_t number, const char *id, fsm_arena *arena) {
  fsm__task task;
  fsm__instance in;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, number, id, arena, &task, &err);
  if (code == FSM_OK && (task.started || task.next_ns > w->core.last_time_ns)) return false;
  if (code == FSM_OK) code = fsm__instance_load(w->core.store, w->core.catalog, number, arena, &in, &err);
  if (code == FSM_ENOTFOUND) return false;
  if (code != FSM_OK) fsm__writer_fatal(w, &err);
  if (w->options.task_ready == NULL) return true;
  fsm_task out = {.service = task.service,
                  .instance = in.id,
                  .machine = in.deployed->id,
                  .invoke = task.id,
                  .input = task.input,
                  .attempt = task.attempt + 1,
                  .attempts = task.attempts,
                  .timeout_ns = task.timeout_ns,
                  .correlation = task.corr};
  memcpy(out.token, task.token, sizeof out.token);
  w->options.task_ready(w->options.task_arg, &out);
  return true;
}

static void offer_again(fsm__writer *w) {
  int64_t mono = fsm__monotonic_ns();
  if (mono < w->offers_next_ns) return;
  for (size_t i = 0; i < w->offer_count;) {
    fsm__offer *o = &w->offers[i];
    if (o->again_ns > mono) {
      i++;
    } else if (offer(w, o->number, o->id, &w->internal)) {
      o->again_ns = mono + (int64_t)OFFER_AGAIN_MS * 1000000;
      i++;
    } else {
      offer_forget(w, o);
    }
  }
  w->offers_next_ns = INT64_MAX;
  for (size_t i = 0; i < w->offer_count; i++)
    if (w->offers[i].again_ns < w->offers_next_ns) w->offers_next_ns = w->offers[i].again_ns;
}

void fsm__writer_undelivered(fsm__writer *w, const uint8_t token[16]) {
  uint64_t number = fsm__key_read_u64(token);
  int64_t again_ns = fsm__monotonic_ns() + (int64_t)UNDELIVERED_AGAIN_MS * 1000000;
  for (size_t i = 0; i < w->offer_count; i++)
    if (w->offers[i].number == number) w->offers[i].again_ns = again_ns;
  if (again_ns < w->offers_next_ns) w->offers_next_ns = again_ns;
}

/* ---- the due table ------------------------------------------------------------------------------ */

static void due_task(fsm__writer *w, uint64_t number, const char *id) {
  fsm__task task;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, number, id, &w->internal, &task, &err);
  if (code == FSM_ENOTFOUND) return;
  if (code != FSM_OK) fsm__writer_fatal(w, &err);
  if (!task.started) {
    fsm__offer *known = offer_find(w, number, id);
    if (known != NULL) offer_forget(w, known);
    if (offer(w, number, id, &w->internal)) offer_note(w, number, id);
    return;
  }
  fsm__case at = fsm__writer_case(w, &w->internal, &by_timer, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return;
  code = fsm__decide_task_timeout(&at, number, id, decision, &err);
  if (code != FSM_OK) fsm__writer_settle(w, &at, decision, &err);
  if (decision->count > 0) fsm__writer_take(w, &at, decision);
}

static void due_timer(fsm__writer *w, uint64_t number, const char *id) {
  fsm_error err;
  fsm__case at = fsm__writer_case(w, &w->internal, &by_timer, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return;
  fsm_code code = fsm__decide_timer(&at, number, id, decision, &err);
  if (code != FSM_OK) fsm__writer_settle(w, &at, decision, &err);
  if (decision->count > 0) fsm__writer_take(w, &at, decision);
}

typedef struct due {
  uint64_t number;
  char type;
  const char *id;
} due;

/* Copies up to max rows that are due out of the table, so that what they cause may change it. */
static size_t collect(fsm__writer *w, int64_t now_ns, due *out, size_t max) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  size_t count = 0;
  fsm_error err;
  fsm__range_open(&range, w->core.store, FSM_T_DUE, NULL, 0);
  if (w->due_at.len > 0) fsm__range_from(&range, w->due_at.bytes, w->due_at.len);
  while (count < max) {
    fsm_code code = fsm__range_next(&range, &row, &found, &err);
    if (code != FSM_OK) fsm__writer_fatal(w, &err);
    if (!found || row.key_len < 18 || (int64_t)fsm__key_read_u64(row.key) > now_ns) break;
    const uint8_t *key = row.key;
    out[count] = (due){.number = fsm__key_read_u64(key + 8),
                       .type = (char)key[16],
                       .id = fsm_arena_strndup(&w->internal, (const char *)key + 17, row.key_len - 17)};
    w->due_at.len = 0;
    fsm__key_add(&w->due_at, key, row.key_len);
    fsm__key_add(&w->due_at, "", 1); /* just behind it */
    if (out[count].id == NULL) break;
    count++;
  }
  fsm__range_close(&range);
  return count;
}

bool fsm__writer_due(fsm__writer *w) {
  due rows[FSM_TURN_DUE_MAX];
  bool held = false;
  offer_again(w);
  size_t count = collect(w, fsm__writer_now(w, &held), rows, FSM_TURN_DUE_MAX);
  for (size_t i = 0; i < count && !w->full; i++) {
    if (rows[i].type == 't')
      due_timer(w, rows[i].number, rows[i].id);
    else
      due_task(w, rows[i].number, rows[i].id);
  }
  if (w->full) w->due_at.len = 0; /* what found no room is looked for again */
  return count == FSM_TURN_DUE_MAX;
}

int64_t fsm__writer_next_due(fsm__writer *w) {
  fsm__range range;
  fsm__row row;
  bool found = false, held = false;
  int64_t mono = fsm__monotonic_ns(), next = INT64_MAX;
  fsm_error err;
  fsm__range_open(&range, w->core.store, FSM_T_DUE, NULL, 0);
  if (w->due_at.len > 0) fsm__range_from(&range, w->due_at.bytes, w->due_at.len);
  fsm_code code = fsm__range_next(&range, &row, &found, &err);
  if (code != FSM_OK) fsm__writer_fatal(w, &err);
  if (found) {
    int64_t due_ns = (int64_t)fsm__key_read_u64(row.key), now = fsm__writer_now(w, &held);
    next = due_ns <= now ? mono : due_ns - now > INT64_MAX - mono ? INT64_MAX : mono + (due_ns - now);
  }
  fsm__range_close(&range);
  if (w->offers_next_ns < next) next = w->offers_next_ns;
  int64_t sum_ns = fsm__refusals_next(w->refusals);
  if (sum_ns != INT64_MAX) {
    int64_t wait = sum_ns - w->core.last_time_ns;
    int64_t at = wait <= 0 ? mono : mono + wait;
    if (at < next) next = at;
  }
  return next;
}
