/* request.h: one request and its answer, whatever carried it: HTTP (http.c), NATS.
 *
 * Belongs to the loop's thread until its command, query or work is handed over; then to whoever
 * answers, until fsm__request_finish hands it back. `out` and what stands beside it are the answer. */
#ifndef FSM_DAEMON_REQUEST_H
#define FSM_DAEMON_REQUEST_H

#include <stdatomic.h>

#include "runtime/daemon/auth.h"
#include "runtime/daemon/sink_watch.h"
#include "runtime/daemon/target.h"
#include "runtime/hash.h"

/* The headers that are looked at; none of them may be there twice. */
/* clang-format off */
#define FSM__HEADERS(X)                            \
  X(FSM__AUTHORIZATION, "Authorization")           \
  X(FSM__CONTENT_TYPE, "Content-Type")             \
  X(FSM__CONTENT_LENGTH, "Content-Length")         \
  X(FSM__CONTENT_ENCODING, "Content-Encoding")     \
  X(FSM__TRANSFER_ENCODING, "Transfer-Encoding")   \
  X(FSM__IDEMPOTENCY_KEY, "Idempotency-Key")       \
  X(FSM__IF_MATCH, "If-Match")                     \
  X(FSM__CORRELATION_ID, "X-Correlation-ID")       \
  X(FSM__REQUEST_ID, "X-Request-ID")               \
  X(FSM__TRACEPARENT, "traceparent")               \
  X(FSM__TRACESTATE, "tracestate")                 \
  X(FSM__B3, "b3")                                 \
  X(FSM__B3_TRACE_ID, "X-B3-TraceId")              \
  X(FSM__B3_SPAN_ID, "X-B3-SpanId")                \
  X(FSM__B3_SAMPLED, "X-B3-Sampled")               \
  X(FSM__B3_FLAGS, "X-B3-Flags")                   \
  X(FSM__CAUSATION_ID, "X-Causation-ID")           \
  X(FSM__ACCEPT, "Accept")                         \
  X(FSM__LAST_EVENT_ID, "Last-Event-ID")           \
  X(FSM__HOST, "Host")                             \
  X(FSM__EXPECT, "Expect")                         \
  X(FSM__ORIGIN, "Origin")                         \
  X(FSM__REQUEST_METHOD, "Access-Control-Request-Method") \
  X(FSM__ACCEPT_ENCODING, "Accept-Encoding")       \
  X(FSM__IF_NONE_MATCH, "If-None-Match")
/* clang-format on */

typedef enum fsm__header {
#define X(symbol, name) symbol,
  FSM__HEADERS(X)
#undef X
      FSM__HEADER_COUNT
} fsm__header;
const char *fsm__header_name(fsm__header header);

enum { FSM__BODY_MAX = 1024 * 1024, FSM__LOCATION_MAX = 512, FSM__ETAG_MAX = 104 };

typedef struct fsm__sink_seen {
  fsm_sink_status status;
  fsm__sink_state state;
} fsm__sink_seen;

typedef struct fsm__request {
  fsm_arena arena;
  void (*finish)(struct fsm__request *request); /* of what carries it; any thread */
  /* As it came. */
  const char *method, *target; /* target: path and query, still escaped */
  const char *headers[FSM__HEADER_COUNT];
  const char *repeated; /* name of a header that is there twice */
  fsm_buf body;
  fsm_error unfit; /* nothing could be made of it by who carried it: told to those who may ask */
  bool body_too_large, body_refused; /* over FSM__BODY_MAX; over what all bodies together may take */
  fsm__peer peer;
  fsm__policy policy;
  bool any_host; /* whatever Host says: TLS, or a proxy, has seen to it */
  /* What was made of it (headers.c, routes.c). */
  int64_t received_ns;
  char correlation[FSM_CORRELATION_MAX + 1];
  fsm__draw *draw; /* where a new one is drawn from; NULL = the kernel */
  fsm_value actor;
  fsm_command_kind kind; /* of the command under way */
  void *server;
  fsm__sink_seen *sinks; /* /healthz, /v1/sinks, /metrics: NULL = none */
  size_t sink_count;
  const fsm__target *asked; /* of what is done on another thread */
  const void *row;          /* of routes.c, while a large body is read there */
  bool was_read;            /* the body: `document`, or `unread` says why not (body.c) */
  fsm_value document;
  fsm_error unread;
  fsm_error fault; /* behind a problem, for the log */
  _Atomic bool gone; /* the client has closed its side and gets nothing any more: what is only read for it may
                        end */
  /* The answer. */
  int status;
  fsm_code code; /* FSM_OK, or that of the problem */
  fsm_buf out;
  char location[FSM__LOCATION_MAX], etag[FSM__ETAG_MAX]; /* "" = none */
  const char *type;                                      /* Content-Type; NULL = JSON */
  const char *allow;                                     /* for 405 */
  bool challenge;                                        /* for 401 */
  bool gzip, varies; /* out is gzip; is it for those who can read that (http_answer.c) */
  bool close;        /* the connection cannot be used again */
} fsm__request;

/* The answer stands: back to what carried the request, once, from any thread. */
void fsm__request_finish(fsm__request *request);

/* fsm_query.gone, of a request. */
bool fsm__request_gone(void *request);

/* The answer as a document; an error of memory becomes a problem. Any thread that holds the request. */
void fsm__answer_document(fsm__request *request, int status, const fsm_value *document);
void fsm__answer_etag(fsm__request *request, uint64_t rev);

#endif
