/* sink_nats.h: records into one JetStream stream, exclusive to this partition. */
#ifndef FSM_RUNTIME_SINK_NATS_H
#define FSM_RUNTIME_SINK_NATS_H

#include "runtime/bus.h"
#include "runtime/sink.h"

#define FSM_NATS_DUPLICATES_NS (INT64_C(600) * 1000000000) /* how long the stream knows an id again */
enum { FSM_STREAM_NAME_MAX = 64 };

/* Before the bus starts. stream NULL: "FSM_EVT_<partition>". The bus must be stopped before free. */
FSM_MUST_USE fsm_code fsm__sink_nats_new(fsm__bus *bus, const char *stream, const char *prefix,
                                         fsm__sink **out, fsm_error *err);
void fsm__sink_nats_free(fsm__sink *sink);

#endif
