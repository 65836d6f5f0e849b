/* trace_context.h: the trace that a request belongs to: W3C Trace Context (Recommendation, 2021) or B3
 * (openzipkin/b3-propagation), as the list of fsm_command.trace.
 *
 * The first of traceparent, b3 and X-B3-* that is valid counts. What is not valid is left out, never an error:
 * whoever traces must not stop the business. tracestate is carried as it came when it is valid and a
 * traceparent is. */
#ifndef FSM_DAEMON_TRACE_CONTEXT_H
#define FSM_DAEMON_TRACE_CONTEXT_H

#include "runtime/daemon/request.h"

enum { FSM__TRACESTATE_MEMBERS_MAX = 32 };

/* "00-<32 hex>-<16 hex>-<2 hex>": false when it is not valid. */
bool fsm__trace_parse(fsm_arena *arena, const char *text, fsm_value *out);
/* "<32 or 16 hex>-<16 hex>[-<0, 1 or d>[-<16 hex>]]": a shorter trace id is filled up with zeros in front. "0"
 * alone (do not sample) names no trace. */
bool fsm__trace_b3(fsm_arena *arena, const char *text, fsm_value *out);
/* X-B3-TraceId, X-B3-SpanId; sampled: 0, 1, true or false; flags: 1 is debug. The last two may be NULL. */
bool fsm__trace_b3_parts(fsm_arena *arena, const char *trace, const char *span, const char *sampled,
                         const char *flags, fsm_value *out);
/* A list of at most 32 members KEY=VALUE with different keys, at most FSM_TRACESTATE_MAX bytes. */
bool fsm__tracestate_is_valid(const char *text);

/* What the request's headers say: trace null and tracestate NULL when they say nothing. */
void fsm__trace_to_command(fsm__request *request, fsm_command *command);

#endif
