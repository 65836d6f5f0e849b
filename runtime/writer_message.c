/* writer_message.c: messages between instances that are due, each a command of the runtime's own. */
#include "runtime/sends.h"
#include "runtime/writer_due.h"

/* What it led to was decided and could not be stored. */
static bool is_lost(const fsm__decision *decision) {
  const fsm_code code = decision->refusal.code;
  return decision->count == 0 && code != FSM_OK && code != FSM_ENOMEM && code != FSM_EFULL &&
         code != FSM_ECORRUPT && code != FSM_EPAUSED && code != FSM_EINCIDENT;
}

static void deliver(fsm__writer *w, const fsm__due *due, const fsm__send *send, const char *cause) {
  fsm_error err;
  fsm_command command = fsm__by_time;
  command.causation = cause;
  command.correlation = send->corr;
  command.trace = send->trace;
  command.event = send->event[0] != '\0' ? send->event : NULL;
  fsm__case at = fsm__writer_case(w, &w->internal, &command, 0);
  fsm__decision *decision = fsm_arena_zalloc(&w->internal, 1, sizeof *decision);
  if (decision == NULL) return fsm__due_look_again(w);
  fsm_code code = fsm__decide_message(&at, due->number, send, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
  if (is_lost(decision)) {
    const fsm_error why = decision->refusal;
    at = fsm__writer_case(w, &w->internal, &command, 0);
    code = fsm__decide_message_failed(&at, due->number, send, &why, decision, &err);
    fsm__due_take(w, &at, decision, code, &err);
  }
  if (decision->count > 0 && decision->records[0].kind == FSM_RECORD_REJECTED) w->core.refused++;
}

void fsm__due_message(fsm__writer *w, const fsm__due *due) {
  fsm_error err;
  fsm__send send;
  fsm_code code = fsm__send_load(w->core.store, due->number, due->id, &w->internal, &send, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  char *cause = fsm_arena_alloc(&w->internal, FSM_CORRELATION_MAX);
  if (code == FSM_ENOMEM || cause == NULL) return fsm__due_look_again(w);
  if (code != FSM_OK) return; /* consumed or taken back meanwhile, or damaged: then it is left */
  fsm_record_id(&w->core.origin, send.seq, cause, FSM_CORRELATION_MAX);
  deliver(w, due, &send, cause);
}
