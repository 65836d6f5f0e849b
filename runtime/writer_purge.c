/* writer_purge.c: instances that have ended and were kept long enough leave the store, by a record. */
#include "runtime/writer_due.h"

void fsm__due_purge(fsm__writer *w, const fsm__due *due) {
  fsm_error err;
  fsm_command command = {.kind = FSM_CMD_PURGE, .expect_rev = -1};
  fsm_pair actor = {fsm_string("type"), fsm_string("system")};
  fsm__decision *decision = fsm_arena_alloc(&w->internal, sizeof *decision);
  if (decision == NULL || fsm_map(&actor, 1, &command.actor, NULL) != FSM_OK) return fsm__due_look_again(w);
  fsm__case at = fsm__writer_case(w, &w->internal, &command, 0);
  fsm_code code = fsm__decide_purge(&at, due->number, due->due_ns, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
}
