/* writer_wake.c: an instance that runs again: what became overdue while it waited is looked at now.
 *
 * The scan of the due table has passed those rows. Instead of beginning it again from the front, the timers
 * and tasks of the instance itself are looked through, and the messages that were held for it, in the turn
 * after the one that made it run: by then that is durable. After a restart the scan begins at the front
 * anyway. */
#include <stdlib.h>
#include <string.h>

#include "runtime/writer_due.h"

void fsm__writer_wake(fsm__writer *w, uint64_t number) {
  if (w->woken_count == w->woken_cap) {
    size_t cap = w->woken_cap ? w->woken_cap * 2 : 16;
    fsm__woken *grown = realloc(w->woken, cap * sizeof *grown);
    if (grown == NULL) return fsm__due_look_again(w); /* it takes longer, that is all */
    w->woken = grown;
    w->woken_cap = cap;
  }
  w->woken[w->woken_count++] = (fsm__woken){
      .number = number,
      .since = {.wall_ns = w->core.last_time_ns, .boot_ns = w->boot != 0 ? fsm__boot_now(&w->options) : 0}};
}

static fsm_code key_of(const fsm__row *row, uint64_t number, fsm_arena *arena, fsm__key *out,
                       fsm_error *err) {
  fsm__timer timer;
  fsm__task task;
  if (((const char *)row->key)[8] == 't') {
    fsm_code code = fsm__timer_read(row, arena, &timer, err);
    if (code == FSM_OK) *out = fsm__key_due_timer(number, &timer);
    return code;
  }
  fsm_code code = fsm__task_read(row, arena, &task, err);
  if (code == FSM_OK) *out = fsm__key_due(task.next_ns, number, 'k', task.id);
  return code;
}

static int compare(const void *a, const void *b) {
  const fsm__key *x = a, *y = b;
  int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
  return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

typedef struct due_keys {
  fsm__key *keys;
  size_t count, cap;
} due_keys;

static bool add(due_keys *all, const fsm__key *key) {
  if (all->count == all->cap) {
    size_t cap = all->cap ? all->cap * 2 : 16;
    fsm__key *grown = realloc(all->keys, cap * sizeof *grown);
    if (grown == NULL) return false;
    all->keys = grown;
    all->cap = cap;
  }
  all->keys[all->count++] = *key;
  return true;
}

/* The due keys of one kind of its rows, behind woken->at and not after now_ns. A row that cannot be read is
 * left: commands that touch it are refused by name. */
static bool collect(fsm__writer *w, const fsm__woken *woken, char kind, int64_t now_ns, due_keys *out) {
  fsm__key prefix = fsm__key_instance(woken->number, kind, NULL, 0), key;
  fsm__range range;
  fsm__row row;
  bool found = false, whole = true;
  fsm_error err;
  fsm__range_open(&range, w->core.store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (whole) {
    fsm_code code = fsm__range_next(&range, &row, &found, &err);
    if (code == FSM_ECORRUPT) continue;
    if (code != FSM_OK) fsm__writer_fatal(w, &err);
    if (!found) break;
    code = key_of(&row, woken->number, &w->internal, &key, &err);
    if (code == FSM_ENOMEM) whole = false;
    if (code != FSM_OK || (int64_t)fsm__key_read_u64(key.bytes) > now_ns) continue;
    if (woken->at.len == 0 || compare(&woken->at, &key) < 0) whole = add(out, &key);
  }
  fsm__range_close(&range);
  return whole;
}

/* Messages of others that waited for it: from the list of held ones into this one. */
static bool take_held(fsm__writer *w, const fsm__woken *woken, int64_t now_ns, due_keys *out) {
  fsm__key key;
  bool whole = true;
  for (size_t at = 0; whole && fsm__due_held(w, woken->number, &at, &key);) {
    if ((int64_t)fsm__key_read_u64(key.bytes) > now_ns || compare(&woken->at, &key) >= 0) continue;
    whole = add(out, &key);
    if (whole) fsm__due_let_go(w, --at);
  }
  return whole;
}

/* True when nothing is left of it. */
static bool run(fsm__writer *w, fsm__woken *woken, int64_t now_ns) {
  due_keys all = {.keys = NULL};
  bool whole = collect(w, woken, 't', now_ns, &all) && collect(w, woken, 'k', now_ns, &all);
  whole = take_held(w, woken, now_ns, &all) && whole;
  if (!whole) fsm__due_look_again(w);
  if (all.count > 0) qsort(all.keys, all.count, sizeof *all.keys, compare);
  size_t count = all.count < FSM_TURN_DUE_MAX ? all.count : FSM_TURN_DUE_MAX;
  for (size_t i = 0; i < count && !w->full; i++) {
    fsm__due due;
    woken->at = all.keys[i];
    if (!fsm__due_read(w, all.keys[i].bytes, all.keys[i].len, &w->internal, &due)) {
      fsm__due_look_again(w); /* also for the messages, which are in no list any more */
      break;
    }
    due.since = woken->since;
    fsm__due_run(w, &due);
  }
  for (size_t i = count; i < all.count; i++) /* not yet */
    if (all.keys[i].bytes[FSM_DUE_KIND] == 'm') fsm__due_hold(w, &all.keys[i], woken->number);
  bool over = count == all.count && !w->full;
  free(all.keys);
  return over;
}

/* One instance in a turn. Firing may park it and let others run again: the list may move. */
void fsm__due_woken(fsm__writer *w, int64_t now_ns) {
  if (w->woken_count == 0 || w->full) return;
  fsm__woken woken = w->woken[0];
  memmove(w->woken, w->woken + 1, --w->woken_count * sizeof *w->woken);
  if (run(w, &woken, now_ns)) return;
  if (w->woken_count == w->woken_cap) return fsm__due_look_again(w);
  w->woken[w->woken_count++] = woken;
}
