/* message.h: a record as a NATS message: subject, headers, payload (DESIGN 12).
 *
 * Subject `<prefix>.evt.<machine>.<kind>.<event>`, each token escaped, "-" for what the record does not have;
 * no instance in it, because JetStream keeps state for each subject.
 *
 * Payload: the sink's format. What is larger than the server takes goes as its stored bytes (Content-Type
 * application/msgpack) when these fit and nothing in them is to be masked, else it is FSM_ETOOLARGE.
 *
 * Headers, left out where the record has nothing for them: Nats-Msg-Id (the record's id; a repair's has an
 * end of its own, so that the server's memory of ids does not swallow it), Fsm-Seq, Fsm-Leaf (hash of the
 * stored bytes), Fsm-Prev (that of the record before), Fsm-After (seq of the record that this stream was
 * given before), Fsm-Repair: 1 and Fsm-Tail (of a repair: the place in the stream of the last ordinary
 * message before it; 0 = none), Fsm-Instance, Fsm-Correlation-Id, Fsm-User, Fsm-Session, Fsm-Event, Fsm-From,
 * Fsm-To, traceparent (of the record's own span, below the caller's), tracestate, Content-Type, and ce-*: with format json a CloudEvent in binary mode.
 */
#ifndef FSM_RUNTIME_MESSAGE_H
#define FSM_RUNTIME_MESSAGE_H

#include "runtime/bus.h"
#include "runtime/format.h"

enum { FSM_MESSAGE_HEADERS_MAX = 32, FSM_MESSAGE_ID_MAX = 112, FSM_PREFIX_MAX = 64 };

typedef struct fsm__message {
  const char *id, *subject;
  fsm__bus_header headers[FSM_MESSAGE_HEADERS_MAX];
  size_t header_count;
  const void *data;
  size_t len;
} fsm__message;

typedef struct fsm__message_options {
  const char *prefix;
  const fsm__formatter *formatter, *stored; /* stored: of msgpack */
  size_t payload_max;                       /* 0 = not known */
  uint64_t repair;                          /* of repairs: the end of their ids */
  uint64_t tail;                            /* of repairs: Fsm-Tail */
} fsm__message_options;

/* Everything of *out lives in arena, in payload (which is emptied first), or in the options. */
FSM_MUST_USE fsm_code fsm__message_of(const fsm__message_options *options, const fsm__exported *record,
                                      fsm_arena *arena, fsm_buf *payload, fsm__message *out, fsm_error *err);

/* A traceparent (W3C) of [trace id, span id, flags], NULL when trace is not that. */
const char *fsm__traceparent(fsm_arena *arena, const fsm_value *trace);

/* Reads a Nats-Msg-Id, of a repair too; false when text is not such an id. */
bool fsm__message_id_read(const char *text, fsm_origin *origin, uint64_t *seq);

#endif
