/* writer_due.c: what time brings: the scan of the due table.
 *
 * The table is scanned from where the last scan ended. That misses nothing: recorded times strictly
 * grow, so whatever is set later is due later. What each kind of row means is in a file of its own. */
#include "runtime/writer_due.h"

const fsm_command fsm__by_time = {.kind = FSM_CMD_SEND, .expect_rev = -1};

static fsm__due_fn kind_of(char kind) {
  static const struct {
    char kind;
    fsm__due_fn run;
  } kinds[] = {
      {'t', fsm__due_timer},
      {'k', fsm__due_task},
      {'p', fsm__due_purge},
      {'m', fsm__due_message},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (kinds[i].kind == kind) return kinds[i].run;
  return NULL;
}

void fsm__due_run(fsm__writer *w, const fsm__due *due) {
  fsm__due_fn run = kind_of(due->kind);
  if (run != NULL) run(w, due);
}

void fsm__due_look_again(fsm__writer *w) { w->due_at.len = 0; }

void fsm__due_take(fsm__writer *w, const fsm__case *at, fsm__decision *decision, fsm_code code,
                   const fsm_error *err) {
  if (code != FSM_OK) fsm__writer_settle(w, at, decision, err);
  if (decision->count > 0) fsm__writer_take(w, at, decision);
  if (decision->refusal.code == FSM_ENOMEM) fsm__due_look_again(w);
}

/* Copies up to max rows that are due out of the table, so that what they cause may change it. */
static size_t collect(fsm__writer *w, int64_t now_ns, fsm__due *out, size_t max) {
  enum { DUE_ID = 25 }; /* where the id begins in a key */
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
    if (!found || row.key_len < DUE_ID + 1 || (int64_t)fsm__key_read_u64(row.key) > now_ns) break;
    const uint8_t *key = row.key;
    out[count] =
        (fsm__due){.due_ns = (int64_t)fsm__key_read_u64(key),
                   .order = fsm__key_read_u64(key + 8),
                   .number = fsm__key_read_u64(key + 16),
                   .kind = (char)key[24],
                   .id = fsm_arena_strndup(&w->internal, (const char *)key + DUE_ID, row.key_len - DUE_ID)};
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
  fsm__due rows[FSM_TURN_DUE_MAX];
  bool held = false;
  fsm__due_offers(w);
  fsm__due_lost(w);
  fsm__due_woken(w);
  size_t count = collect(w, fsm__writer_now(w, &held), rows, FSM_TURN_DUE_MAX);
  for (size_t i = 0; i < count && !w->full && w->due_at.len > 0; i++) /* 0: again from the front, in order */
    fsm__due_run(w, &rows[i]);
  if (w->full) w->due_at.len = 0; /* what found no room is looked for again */
  return count == FSM_TURN_DUE_MAX;
}

int64_t fsm__writer_next_due(fsm__writer *w) {
  fsm__range range;
  fsm__row row;
  bool found = false, held = false;
  int64_t mono = fsm__monotonic_ns(), next = INT64_MAX;
  fsm_error err;
  if (w->woken_count > 0) return mono;
  fsm__range_open(&range, w->core.store, FSM_T_DUE, NULL, 0);
  if (w->due_at.len > 0) fsm__range_from(&range, w->due_at.bytes, w->due_at.len);
  fsm_code code = fsm__range_next(&range, &row, &found, &err);
  if (code != FSM_OK) fsm__writer_fatal(w, &err);
  if (found) {
    int64_t due_ns = (int64_t)fsm__key_read_u64(row.key), now = fsm__writer_now(w, &held);
    next = due_ns <= now ? mono : due_ns - now > INT64_MAX - mono ? INT64_MAX : mono + (due_ns - now);
  }
  fsm__range_close(&range);
  if (w->losing) next = mono;
  if (fsm__offers_next(w->offers) < next) next = fsm__offers_next(w->offers);
  int64_t sum_ns = fsm__refusals_next(w->refusals);
  if (sum_ns != INT64_MAX) {
    int64_t wait = sum_ns - w->core.last_time_ns;
    int64_t at = wait <= 0 ? mono : mono + wait;
    if (at < next) next = at;
  }
  return next;
}
