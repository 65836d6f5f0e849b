/* decide_admin.h: between the files of an operator's commands.
 *
 * Each command is one record of its kind (set, retry and skip of a named thing: `admin`) with cause admin
 * and, in detail, the reason and the command; and behind it, in the same frame, the records of the step that
 * it causes. What it finds out of place it refuses, and nothing has changed. */
#ifndef FSM_RUNTIME_DECIDE_ADMIN_H
#define FSM_RUNTIME_DECIDE_ADMIN_H

#include "runtime/decide.h"

enum { FSM_ADMIN_DETAIL_MAX = 4 }; /* further members of detail */

/* The record of the command, with further members of its detail; NULL without memory. */
fsm_record *fsm__admin_record(const fsm__case *at, fsm__decision *out, fsm_record_kind kind,
                              const fsm_pair *more, unsigned more_count);
/* incident_closed, when the instance is an incident: afterwards it runs. */
FSM_MUST_USE fsm_code fsm__admin_close_incident(const fsm__case *at, fsm__decision *out, fsm_error *err);
/* The status after the command, for its answer. */
void fsm__admin_status(fsm__decision *out, fsm__status status);

/* The context with the fields of the patch set; otherwise why that is refused, or FSM_ENOMEM. */
FSM_MUST_USE fsm_code fsm__set_check(const fsm__instance *in, const fsm_value *patch, fsm_arena *arena,
                                     fsm_value *context, fsm_error *refusal);

typedef fsm_code fsm__admin_fn(const fsm__case *at, fsm__decision *out, fsm_error *err);
fsm__admin_fn fsm__admin_force, fsm__admin_set;  /* decide_admin_state.c */
fsm__admin_fn fsm__admin_retry, fsm__admin_skip; /* decide_admin_again.c */

#endif
