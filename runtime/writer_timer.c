/* writer_timer.c: timers that are due fire, one command each. */
#include "runtime/writer_due.h"

/* Was it due, by both clocks, when nobody could see to it? */
static bool overdue(const fsm__writer *w, const fsm__due *due, const fsm__timer *timer) {
  if (timer->due_ns >= due->since.wall_ns) return false;
  return timer->boot == 0 || timer->boot != w->boot || timer->boot_due_ns < due->since.boot_ns;
}

void fsm__due_timer(fsm__writer *w, const fsm__due *due) {
  fsm_error err;
  fsm__timer timer;
  fsm_code code =
      fsm__timer_load_from(w->core.store, due->number, due->id, due->order, &w->internal, &timer, &err);
  if (code == FSM_ENOMEM) fsm__due_look_again(w);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  if (code != FSM_OK || fsm__timer_order(&timer) != due->order) return; /* gone since it was found due */
  int64_t left_ns = w->boot != 0 ? fsm__timer_left(&timer, w->boot, fsm__boot_now(&w->options)) : 0;
  if (left_ns > 0) return fsm__due_wait(w, due, timer.boot_due_ns);
  fsm__case at = fsm__writer_case(w, &w->internal, &fsm__by_time, 0);
  at.overdue = overdue(w, due, &timer);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return fsm__due_look_again(w);
  code = fsm__decide_timer(&at, due->number, &timer, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
}
