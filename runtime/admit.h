/* admit.h: a command as it comes from outside, checked against the stated limits and copied into a
 * job's arena. What passes here can be stored: every text is bounded, every value packs. */
#ifndef FSM_RUNTIME_ADMIT_H
#define FSM_RUNTIME_ADMIT_H

#include "runtime/fsm_runtime.h"

enum {
  FSM_SINK_WHAT_MAX = 31,             /* bytes of what befell a sink: [A-Za-z0-9_-] */
  FSM_SINK_NOTE_BYTES_MAX = 4 * 1024, /* of what more there is to say, as JSON */
  FSM_SINK_NOTE_DEPTH_MAX = 4
};

/* Of routes, machines and sinks: of no instance. */
static inline bool fsm__command_of_store(fsm_command_kind kind) {
  return kind >= FSM_CMD_ROUTE_SET && kind <= FSM_CMD_SINK_NOTE;
}

/* now_ns is for the ids that are made when absent (instance id, correlation); *made_id says that the
 * instance id was. err->where names the field. */
FSM_MUST_USE fsm_code fsm__admit(const fsm_command *command, int64_t now_ns, fsm_arena *arena,
                                 fsm_command *out, bool *made_id, fsm_error *err);
/* Of a command of the store whose texts and values are checked already: what its kind needs, and its own
 * limits. */
FSM_MUST_USE fsm_code fsm__admit_store(const fsm_command *command, fsm_error *err);
/* A deep copy of a query. */
FSM_MUST_USE fsm_code fsm__admit_query(const fsm_query *query, fsm_arena *arena, fsm_query *out,
                                       fsm_error *err);

#endif
