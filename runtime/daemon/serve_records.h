/* serve_records.h: what pages and streams of records share: their filter. */
#ifndef FSM_DAEMON_SERVE_RECORDS_H
#define FSM_DAEMON_SERVE_RECORDS_H

#include "runtime/daemon/routes.h"

/* The parameters but after and limit as the document of runtime/record_filter.h. */
FSM_MUST_USE fsm_code fsm__records_filter(const fsm__target *target, fsm_arena *arena, fsm_value *out,
                                          fsm_error *err);
/* A pointer into that document becomes the name of the parameter. Returns code. */
fsm_code fsm__records_fault(fsm_code code, fsm_error *err);

#endif
