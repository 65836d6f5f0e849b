/* sink_otlp_span.h: a record of an instance as a span.
 *
 *   traceId       the caller's; without one the first half of SHA-256 of the correlation, so that all that
 *                 belongs to one case is one trace
 *   spanId        the first bytes of SHA-256 of the record's id: the same whenever it is sent
 *   parentSpanId  the caller's span
 *   times         the end is the record's time, the beginning that less what deciding took
 *   link          to the span of the instance's previous record (iprev), while that can be read
 *   status        an error, when the record says that something failed
 *
 * Every record of an instance is a span but for refusals (`rejected`), which changed nothing: so what is
 * linked is there. Records of the store are none.
 */
#ifndef FSM_RUNTIME_SINK_OTLP_SPAN_H
#define FSM_RUNTIME_SINK_OTLP_SPAN_H

#include "runtime/sink.h"

enum { FSM_SPANS_KNOWN = 4096 }; /* identities kept for links: no read while iprev is that near */

typedef struct fsm__spans fsm__spans;
FSM_MUST_USE fsm_code fsm__spans_new(fsm__spans **out, fsm_error *err);
void fsm__spans_free(fsm__spans *spans); /* NULL is fine */

/* Appends the span, nothing when the record is none. After a fault *out is as before. */
FSM_MUST_USE fsm_code fsm__span_append(fsm__spans *spans, const fsm__formatter *formatter,
                                       const fsm__sink_view *view, const fsm__exported *exported,
                                       fsm_arena *scratch, fsm_buf *out, fsm_error *err);

#endif
