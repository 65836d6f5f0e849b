/* span.h: what a record is in a trace: its span, whoever publishes it (OTLP, headers of messages, tasks).
 *
 * The id is made from the record's, so that all sinks and a repair say the same. What a command brought is the
 * caller's span, above it; what is sent on because of a record names the record's. */
#ifndef FSM_RUNTIME_SPAN_H
#define FSM_RUNTIME_SPAN_H

#include "schema/record.h"

/* Never all zeros. */
void fsm__span_id(const fsm_origin *origin, uint64_t seq, uint8_t out[8]);
/* [trace id, the record's span, flags] of [trace id, caller's span, flags], in arena; null when trace is not
 * that, or without memory. */
fsm_value fsm__span_continue(fsm_arena *arena, const fsm_value *trace, const fsm_origin *origin,
                             uint64_t seq);

#endif
