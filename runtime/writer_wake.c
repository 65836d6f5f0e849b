/* writer_wake.c: an instance that runs again: what became overdue while it waited is looked at now.
 *
 * The scan of the due table has passed those rows. Instead of beginning it again from the front, the timers
 * and tasks of the instance itself are looked through, in the turn after the one that made it run: by then
 * that is durable. After a restart the scan begins at the front anyway. */
#include <stdlib.h>
#include <string.h>

#include "runtime/writer_due.h"

void fsm__writer_wake(fsm__writer *w, uint64_t number) {
  if (w->woken_count == w->woken_cap) {
    size_t cap = w->woken_cap ? w->woken_cap * 2 : 16;
    uint64_t *grown = realloc(w->woken, cap * sizeof *grown);
    if (grown == NULL) return fsm__due_look_again(w);
    w->woken = grown;
    w->woken_cap = cap;
  }
  w->woken[w->woken_count++] = number;
}

typedef struct overdue {
  fsm__due *at;
  size_t count, cap;
} overdue;

static bool add(fsm__writer *w, overdue *list, fsm__due due) {
  if (list->count == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 16;
    fsm__due *grown = fsm_arena_alloc(&w->internal, cap * sizeof *grown);
    if (grown == NULL) return false;
    if (list->count > 0) memcpy(grown, list->at, list->count * sizeof *grown);
    list->at = grown;
    list->cap = cap;
  }
  list->at[list->count++] = due;
  return true;
}

static fsm_code read_due(fsm__writer *w, const fsm__row *row, uint64_t number, char kind, fsm__due *out,
                         fsm_error *err) {
  fsm__timer timer;
  fsm__task task;
  *out = (fsm__due){.number = number, .kind = kind};
  fsm_code code = kind == 't' ? fsm__timer_read(row, &w->internal, &timer, err)
                              : fsm__task_read(row, &w->internal, &task, err);
  if (code != FSM_OK) return code;
  out->due_ns = kind == 't' ? timer.due_ns : task.next_ns;
  out->id = kind == 't' ? timer.id : task.id;
  out->order = kind == 't' ? fsm__timer_order(&timer) : 0;
  return FSM_OK;
}

/* A row that cannot be read ends it: commands that touch it are refused by name. */
static bool collect(fsm__writer *w, uint64_t number, char kind, int64_t now_ns, overdue *list) {
  fsm__key prefix = fsm__key_instance(number, kind, NULL, 0);
  fsm__range range;
  fsm__row row;
  fsm__due due;
  bool found = false, room = true;
  fsm_error err;
  fsm_code code;
  fsm__range_open(&range, w->core.store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (room && (code = fsm__range_next(&range, &row, &found, &err)) == FSM_OK && found) {
    code = read_due(w, &row, number, kind, &due, &err);
    if (code != FSM_OK) break;
    if (due.due_ns <= now_ns) room = add(w, list, due);
  }
  fsm__range_close(&range);
  return room && code != FSM_ENOMEM;
}

static int by_due(const void *a, const void *b) {
  const fsm__due *x = a, *y = b;
  if (x->due_ns != y->due_ns) return x->due_ns < y->due_ns ? -1 : 1;
  return (x->order > y->order) - (x->order < y->order);
}

void fsm__due_woken(fsm__writer *w) {
  bool held = false;
  for (size_t ran = 0; w->woken_count > 0 && ran < FSM_TURN_DUE_MAX && !w->full;) {
    const uint64_t number = w->woken[w->woken_count - 1];
    const int64_t now_ns = fsm__writer_now(w, &held);
    overdue list = {.count = 0};
    if (!collect(w, number, 't', now_ns, &list) || !collect(w, number, 'k', now_ns, &list)) {
      fsm__due_look_again(w);
      list.count = 0;
    }
    if (list.count > 1) qsort(list.at, list.count, sizeof *list.at, by_due);
    const bool whole = list.count <= FSM_TURN_DUE_MAX - ran;
    const size_t count = whole ? list.count : FSM_TURN_DUE_MAX - ran;
    if (whole) w->woken_count--;
    for (size_t i = 0; i < count && !w->full; i++) fsm__due_run(w, &list.at[i]);
    ran += count;
  }
}
