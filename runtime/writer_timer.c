/* writer_timer.c: timers that are due fire, one command each. */
#include "runtime/writer_due.h"

void fsm__due_timer(fsm__writer *w, const fsm__due *due) {
  fsm_error err;
  fsm__case at = fsm__writer_case(w, &w->internal, &fsm__by_time, 0);
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL) return fsm__due_look_again(w);
  fsm_code code = fsm__decide_timer(&at, due->number, due->id, due->order, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
}
