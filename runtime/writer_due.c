/* writer_due.c: what time brings: timers that fire, attempts that run out, tasks to be offered.
 *
 * The due table is scanned from where the last scan ended. That misses nothing: recorded times strictly
 * grow, so whatever is set later is due later. A task that was offered and not begun is offered
 * again from a list in memory; after a restart the scan starts from the front and offers all. */
#include <stdlib.h>
#include <string.h>

#include "runtime/writer.h"

static const fsm_command by_timer = {.kind = FSM_CMD_SEND, .expect_rev = -1};

/* ---- offers ------------------------------------------------------------------------------------- */

/* Tells whoever runs services. The task may be gone or begun by now, or wait for its back-off: then it is not
 * offered. */
static bool offer(fsm__writer *w, uint64_t number, const char *id, fsm_arena *arena) {
  fsm__task task;
  fsm__instance in;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, number, id, arena, &task, &err);
  if (code == FSM_OK && (task.started || task.next_ns > w->core.last_time_ns)) return false;
  if (code == FSM_OK) code = fsm__instance_load(w->core.store, w->core.catalog, number, arena, &in, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code != FSM_OK) return false;
  if (w->options.task_ready == NULL) return true;
  fsm_task out = {.service = task.service,
                  .instance = in.id,
                  .machine = in.deployed->id,
                  .invoke = task.id,
                  .input = task.input,
                  .attempt = task.attempt + 1,
                  .attempts = task.attempts,
                  .timeout_ns = task.timeout_ns,
                  .correlation = task.corr,
                  .trace = task.trace};
  memcpy(out.token, task.token, sizeof out.token);
  w->options.task_ready(w->options.task_arg, &out);
  return true;
}

static void offer_again(fsm__writer *w) {
  int64_t mono = fsm__monotonic_ns();
  uint64_t number = 0;
  const char *id = NULL;
  for (unsigned i = 0; i < FSM_TURN_DUE_MAX && fsm__offers_take(w->offers, mono, &number, &id); i++)
    if (!offer(w, number, id, &w->internal)) fsm__offers_forget(w->offers, number, id);
}

void fsm__writer_undelivered(fsm__writer *w, const uint8_t token[16]) {
  fsm__offers_undelivered(w->offers, fsm__key_read_u64(token), fsm__monotonic_ns());
}

/* ---- the due table ------------------------------------------------------------------------------ */

/* No memory to look at a due row: the scan begins again from the front. */
static void look_again(fsm__writer *w) { w->due_at.len = 0; }

/* What was decided about a due row. A damaged row is left: commands that touch it are refused by name. */
static void take_due(fsm__writer *w, const fsm__case *at, fsm__decision *decision, fsm_code code,
                     const fsm_error *err) {
  if (code != FSM_OK) fsm__writer_settle(w, at, decision, err);
  if (decision->count > 0) fsm__writer_take(w, at, decision);
  if (decision->refusal.code == FSM_ENOMEM) look_again(w);
}

static void due_task(fsm__writer *w, uint64_t number, const char *id, int64_t due_ns) {
  fsm__task task;
  fsm_error err;
  fsm_code code = fsm__task_load(w->core.store, number, id, &w->internal, &task, &err);
  if (code == FSM_ENOMEM) look_again(w);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code != FSM_OK) return;
  if (task.next_ns != due_ns) return; /* opened anew in this very scan: not durable yet */
  if (!task.started) {
    if (offer(w, number, id, &w->internal))
      (void)fsm__offers_note(w->offers, number, id, fsm__monotonic_ns());
    return;
  }
  fsm__case at = fsm__writer_case(w, &w->internal, &by_timer, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return look_again(w);
  code = fsm__decide_task_timeout(&at, number, id, decision, &err);
  take_due(w, &at, decision, code, &err);
}

static void due_timer(fsm__writer *w, uint64_t number, const char *id) {
  fsm_error err;
  fsm__case at = fsm__writer_case(w, &w->internal, &by_timer, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return look_again(w);
  fsm_code code = fsm__decide_timer(&at, number, id, decision, &err);
  take_due(w, &at, decision, code, &err);
}

typedef struct due {
  int64_t due_ns;
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
    out[count] = (due){.due_ns = (int64_t)fsm__key_read_u64(key),
                       .number = fsm__key_read_u64(key + 8),
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
      due_task(w, rows[i].number, rows[i].id, rows[i].due_ns);
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
  if (fsm__offers_next(w->offers) < next) next = fsm__offers_next(w->offers);
  int64_t sum_ns = fsm__refusals_next(w->refusals);
  if (sum_ns != INT64_MAX) {
    int64_t wait = sum_ns - w->core.last_time_ns;
    int64_t at = wait <= 0 ? mono : mono + wait;
    if (at < next) next = at;
  }
  return next;
}
