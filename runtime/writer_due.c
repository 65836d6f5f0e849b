/* writer_due.c: what time brings: the scan of the due table.
 *
 * The table is scanned from where the last scan ended. That misses nothing: recorded times strictly
 * grow, so whatever is set later is due later. What the scan has passed and could not be done is kept: timers
 * that wait for the clock of the boot (waits.h); and of an instance that runs again its own rows are read
 * (writer_wake.c). What each kind of row means is in a file of its own. */
#include "runtime/writer_due.h"
#include "runtime/clock.h"

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

void fsm__due_look_again(fsm__writer *w) {
  w->due_at.len = 0;
  fsm__waits_clear(&w->waits); /* the scan meets them again */
}

void fsm__due_take(fsm__writer *w, const fsm__case *at, fsm__decision *decision, fsm_code code,
                   const fsm_error *err) {
  if (code != FSM_OK) fsm__writer_settle(w, at, decision, err);
  if (decision->count > 0) fsm__writer_take(w, at, decision);
  if (decision->refusal.code == FSM_ENOMEM) fsm__due_look_again(w);
}

bool fsm__due_read(const fsm__writer *w, const void *key, size_t len, fsm_arena *arena, fsm__due *out) {
  enum { NUMBER = 16, KIND = 24, ID = 25 }; /* where they stand in a key */
  const uint8_t *at = key;
  *out = (fsm__due){.due_ns = (int64_t)fsm__key_read_u64(at),
                    .order = fsm__key_read_u64(at + 8),
                    .number = fsm__key_read_u64(at + NUMBER),
                    .kind = (char)at[KIND],
                    .id = fsm_arena_strndup(arena, (const char *)at + ID, len - ID),
                    .since = w->opened};
  return out->id != NULL;
}

void fsm__due_run(fsm__writer *w, const fsm__due *due) {
  fsm__due_fn run = kind_of(due->kind);
  if (run != NULL) run(w, due);
}

/* Copies up to max rows that are due out of the table, so that what they cause may change it. */
static size_t collect(fsm__writer *w, int64_t now_ns, fsm__due *out, size_t max) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  size_t count = 0;
  fsm_error err;
  fsm__range_open(&range, w->core.store, FSM_T_DUE, NULL, 0);
  if (w->due_at.len > 0)
    fsm__range_from(&range, w->due_at.bytes, w->due_at.len);
  else
    fsm__due_let_all_go(w); /* it finds them again */
  while (count < max) {
    fsm_code code = fsm__range_next(&range, &row, &found, &err);
    if (code != FSM_OK) fsm__writer_fatal(w, &err);
    if (!found || row.key_len < FSM_DUE_KEY_MIN || (int64_t)fsm__key_read_u64(row.key) > now_ns) break;
    if (!fsm__due_read(w, row.key, row.key_len, &w->internal, &out[count])) break;
    w->due_at.len = 0;
    fsm__key_add(&w->due_at, row.key, row.key_len);
    fsm__key_add(&w->due_at, "", 1); /* just behind it */
    count++;
  }
  fsm__range_close(&range);
  return count;
}

/* ---- what waits for the clock of the boot ------------------------------------------------------- */

void fsm__due_wait(fsm__writer *w, const fsm__due *due, int64_t boot_ns) {
  const fsm__wait wait = {
      .at_ns = boot_ns, .due_ns = due->due_ns, .order = due->order, .number = due->number};
  if (!fsm__waits_add(&w->waits, &wait)) fsm__due_look_again(w);
}

/* The row that it came from, if it is still there. */
static bool waited(fsm__writer *w, const fsm__wait *wait, fsm__due *out) {
  fsm__key key = {.len = 0};
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_error err;
  fsm__key_u64(&key, (uint64_t)wait->due_ns);
  fsm__key_u64(&key, wait->order);
  fsm__key_u64(&key, wait->number);
  fsm__range_open(&range, w->core.store, FSM_T_DUE, key.bytes, key.len);
  if (fsm__range_next(&range, &row, &found, &err) != FSM_OK) fsm__writer_fatal(w, &err);
  if (found &&
      (row.key_len < FSM_DUE_KEY_MIN || !fsm__due_read(w, row.key, row.key_len, &w->internal, out))) {
    fsm__due_look_again(w);
    found = false;
  }
  fsm__range_close(&range);
  return found;
}

static unsigned run_waits(fsm__writer *w) {
  unsigned count = 0;
  fsm__wait wait;
  fsm__due due;
  if (w->waits.count == 0) return 0;
  const int64_t now_ns = fsm__boot_now(&w->options);
  while (count < FSM_TURN_DUE_MAX && !w->full && fsm__waits_take(&w->waits, now_ns, &wait)) {
    if (waited(w, &wait, &due)) fsm__due_run(w, &due);
    count++;
  }
  return count;
}

/* ---- a turn ------------------------------------------------------------------------------------- */

bool fsm__writer_due(fsm__writer *w) {
  fsm__due rows[FSM_TURN_DUE_MAX];
  bool held = false;
  const int64_t now_ns =
      fsm__writer_now(w, &held); /* what this turn opens is due later: it is not durable yet */
  fsm__due_offers(w);
  fsm__due_lost(w);
  unsigned waits = run_waits(w);
  fsm__due_woken(w, now_ns);
  size_t count = w->full ? 0 : collect(w, now_ns, rows, FSM_TURN_DUE_MAX);
  for (size_t i = 0; i < count && !w->full && w->due_at.len > 0; i++) /* 0: again from the front, in order */
    fsm__due_run(w, &rows[i]);
  fsm__due_lines(w);
  if (w->full) fsm__due_look_again(w); /* what found no room is looked for again */
  return count == FSM_TURN_DUE_MAX || waits == FSM_TURN_DUE_MAX || w->woken_count > 0;
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
  if (w->waits.count > 0) {
    int64_t left_ns = fsm__waits_next(&w->waits) - fsm__boot_now(&w->options);
    int64_t at = left_ns > 0 ? mono + left_ns : mono;
    if (at < next) next = at;
  }
  if (fsm__offers_next(w->offers) < next) next = fsm__offers_next(w->offers);
  int64_t sum_ns = fsm__refusals_next(w->refusals);
  if (sum_ns != INT64_MAX) {
    int64_t wait = sum_ns - w->core.last_time_ns;
    int64_t at = wait <= 0 ? mono : mono + wait;
    if (at < next) next = at;
  }
  return next;
}
