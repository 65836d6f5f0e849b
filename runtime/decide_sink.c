/* decide_sink.c: what befell a sink, or what a person did to it, goes on record. It changes no row: sinks and
 * their cursors are not of the store. */
#include "runtime/decide.h"

fsm_code fsm__decide_sink_note(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm_value *more = &command->data;
  const unsigned more_count = fsm_is(more, FSM_MAP) ? more->len : 0;
  fsm_pair *pairs = fsm_arena_alloc(at->arena, (4 + more_count) * sizeof *pairs);
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_ADMIN);
  if (pairs == NULL || record == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  unsigned count = 0;
  pairs[count++] = (fsm_pair){fsm_string("command"), fsm_string("sink")};
  pairs[count++] = (fsm_pair){fsm_string("sink"), fsm_string(command->name)};
  pairs[count++] = (fsm_pair){fsm_string("what"), fsm_string(command->event)};
  if (command->reason != NULL) pairs[count++] = (fsm_pair){fsm_string("reason"), fsm_string(command->reason)};
  for (unsigned i = 0; i < more_count; i++) pairs[count++] = more->pairs[i];
  if (command->reason != NULL) record->cause = FSM_CAUSE_ADMIN;
  return fsm_map(pairs, count, &record->detail, err);
}
