/* admit.h: a command as it comes from outside, checked against the stated limits and copied into a
 * job's arena. What passes here can be stored: every text is bounded, every value packs. */
#ifndef FSM_RUNTIME_ADMIT_H
#define FSM_RUNTIME_ADMIT_H

#include "runtime/fsm_runtime.h"

/* now_ns is for the ids that are made when absent (instance id, correlation); *made_id says that the
 * instance id was. err->where names the field. */
FSM_MUST_USE fsm_code fsm__admit(const fsm_command *command, int64_t now_ns, fsm_arena *arena,
                                 fsm_command *out, bool *made_id, fsm_error *err);
/* A deep copy of a query. */
FSM_MUST_USE fsm_code fsm__admit_query(const fsm_query *query, fsm_arena *arena, fsm_query *out,
                                       fsm_error *err);

#endif
