/* message.h: a record as a NATS message: subject, headers, payload (DESIGN 12).
 *
 * Subject `<prefix>.evt.<machine>.<kind>.<event>`, each token escaped, "-" for what the record does not have;
 * no instance in it, because JetStream keeps state for each subject. Payload: the JSON form of the record, or
 * its stored bytes (Content-Type application/msgpack) when JSON is larger than the server takes.
 */
#ifndef FSM_RUNTIME_MESSAGE_H
#define FSM_RUNTIME_MESSAGE_H

#include "runtime/bus.h"
#include "runtime/hash.h"
#include "schema/mask.h"
#include "schema/record.h"

enum { FSM_MESSAGE_HEADERS_MAX = 24, FSM_MESSAGE_ID_MAX = 80, FSM_PREFIX_MAX = 64 };

typedef struct fsm__message {
  const char *id, *subject;
  fsm__bus_header headers[FSM_MESSAGE_HEADERS_MAX];
  size_t header_count;
  const void *data;
  size_t len;
} fsm__message;

/* Everything of *out lives in arena, or is `data` itself. payload_max: 0 = not known. What mask hides is
 * masked in headers and payload; then the stored bytes cannot be the payload, and what is too large as JSON
 * is FSM_ETOOLARGE. */
FSM_MUST_USE fsm_code fsm__message_of(fsm_arena *arena, const fsm_origin *origin, const char *prefix,
                                      const void *data, size_t len, const fsm__hash *leaf,
                                      const fsm_mask *mask, size_t payload_max, fsm__message *out,
                                      fsm_error *err);

/* A traceparent (W3C) of [trace id, span id, flags], NULL when trace is not that. */
const char *fsm__traceparent(fsm_arena *arena, const fsm_value *trace);

/* Reads what fsm_record_id wrote; false when text is not such an id. */
bool fsm__message_id_read(const char *text, fsm_origin *origin, uint64_t *seq);

#endif
