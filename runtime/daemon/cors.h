/* cors.h: which pages of other origins may use the interface from a browser. Off unless origins are
 * configured.
 *
 * An origin is allowed when it equals one that is configured, byte by byte; never "*", never a part of a
 * name. Without configured origins nothing here changes an answer. */
#ifndef FSM_DAEMON_CORS_H
#define FSM_DAEMON_CORS_H

#include "runtime/daemon/request.h"

typedef struct fsm__cors {
  const char *const *origins; /* borrowed */
  size_t count;
} fsm__cors;

enum { FSM__ORIGIN_MAX = 256 };

/* As browsers spell it: http:// or https://, a host in lower case, perhaps a port that is not the default. */
bool fsm__cors_is_origin(const char *text);

/* The request's own origin when it is allowed, else NULL. */
const char *fsm__cors_allowed(const fsm__cors *cors, const fsm__request *request);
/* A browser asks whether it may ask: answered here, true, when the origin is allowed. */
bool fsm__cors_preflight(const fsm__cors *cors, fsm__request *request);

/* For allowed origins. Preflights: what may be sent. Else: which headers the page may read. */
#define FSM__CORS_METHODS "GET, HEAD, POST, PUT, DELETE"
#define FSM__CORS_HEADERS                                                                  \
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, " \
  "X-Correlation-ID, X-Causation-ID, X-Request-ID, traceparent, tracestate"
#define FSM__CORS_EXPOSED "ETag, Location, Retry-After, X-Correlation-ID"
#define FSM__CORS_MAX_AGE "600"

#endif
