/* problem.h: faults as application/problem+json (RFC 9457): type "urn:fsmd:error:<code>", title, status,
 * detail, code, where?, refusal?, correlation; of a dry run dry_run, records. */
#ifndef FSM_DAEMON_PROBLEM_H
#define FSM_DAEMON_PROBLEM_H

#include "runtime/daemon/request.h"

/* The request's answer becomes the problem. status 0 = the code's own; refusal may be NULL. */
void fsm__problem(fsm__request *request, const fsm_error *err, int status, const fsm_value *refusal);
/* The same with what a dry run would write; null: it was none. */
void fsm__problem_dry(fsm__request *request, const fsm_error *err, const fsm_value *refusal,
                      const fsm_value *records);
/* The same for a fault that is made here. */
void fsm__problem_make(fsm__request *request, fsm_code code, int status, const char *where,
                       const char *format, ...) FSM_PRINTF(5, 6);
/* The text alone, for an answer that must not touch the request. */
void fsm__problem_text(fsm_buf *out, const fsm_error *err, int status, const fsm_value *refusal,
                       const fsm_value *records, const char *correlation);

#endif
