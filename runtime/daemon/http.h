/* http.h: HTTP on the loop. The one wrapper of libmicrohttpd, which has no threads of its own here: its
 * epoll descriptor is one more that the loop watches.
 *
 * A whole request goes to `serve`. That either fills the answer and returns true, or hands the request on
 * and returns false; whoever has it then calls fsm__request_finish once, from any thread, or fsm__http_flow.
 * The client may be gone by then: the exchange lives until both sides have let go of it. */
#ifndef FSM_DAEMON_HTTP_H
#define FSM_DAEMON_HTTP_H

#include "runtime/daemon/cors.h"
#include "runtime/daemon/log.h"
#include "runtime/daemon/loop.h"
#include "runtime/daemon/request.h"
#include "runtime/daemon/tls.h"

enum {
  FSM__LISTENERS_MAX = 2,
  FSM__CONNECTIONS_MAX = 16384, /* on TCP */
  FSM__SOCKET_CONNECTIONS_MAX = 1024,
  FSM__HEAD_MAX = 16 * 1024,     /* bytes of request line and headers: 431 */
  FSM__FIELDS_MAX = 64,          /* headers: 431 */
  FSM__TARGET_MAX = 8 * 1024,    /* bytes: 414 */
  FSM__BODY_DRAIN_MAX = 8 << 20, /* read and thrown away, so that the client hears of its 413 */
  FSM__BODIES_MAX = 256 << 20,   /* bytes of all bodies together; over it FSM_EBUSY */
  FSM__IDLE_TIMEOUT_S = 60
};

typedef struct fsm__http fsm__http;
typedef bool (*fsm__serve_fn)(void *arg, fsm__request *request);

FSM_MUST_USE fsm_code fsm__http_new(fsm__loop *loop, const fsm__log *log, fsm__serve_fn serve, void *arg,
                                    fsm__http **out, fsm_error *err);

/* What a client may take. A connection is ended when its head is not there header_ms after it opened (or
 * began its next request), the body body_ms after the head, and when there was nothing for idle_ms, or no
 * next head within idle_ms + header_ms; an answer has to be taken in idle_ms and a second for each 16 KB. */
typedef struct fsm__http_limits {
  int64_t header_ms, body_ms, idle_ms;
  unsigned connections, socket_connections; /* on TCP, on the unix socket; over it they wait unaccepted */
} fsm__http_limits;
/* Before the first listener. */
void fsm__http_set_limits(fsm__http *http, const fsm__http_limits *limits);
/* Of them the last, kept for /healthz, /readyz and /metrics: all else is answered there with 503. */
unsigned fsm__http_reserve_of(unsigned connections);

/* The origins whose pages may use this from a browser (cors.h). Borrowed; before the first listener. */
void fsm__http_set_cors(fsm__http *http, const fsm__cors *cors);

typedef struct fsm__listening {
  fsm__policy policy;
  bool local;    /* a unix socket */
  bool any_host; /* of the requests, see request.h */
  fsm__tls *tls; /* NULL = none; not needed after the call. FSM_EARGUMENT when it cannot be used */
} fsm__listening;
/* Serves a listening socket, which it owns from here on, success or not. */
FSM_MUST_USE fsm_code fsm__http_listen(fsm__http *http, int fd, const fsm__listening *how, fsm_error *err);

/* What is shown to those who connect from now on. FSM_EARGUMENT: it cannot be used, and nothing changes. */
FSM_MUST_USE fsm_code fsm__http_renew_tls(fsm__http *http, const fsm__tls *tls, fsm_error *err);

/* Called before and after each turn in which requests are read; NULL = nothing. */
void fsm__http_around(fsm__http *http, fsm__loop_fn before, fsm__loop_fn after, void *arg);

typedef struct fsm__http_figures {
  unsigned connections, connections_max, reserve; /* on TCP, at this moment; the last ones are kept */
  size_t body_bytes;                              /* of all requests under way */
  uint64_t timed_out;                             /* connections that were ended for being slow */
} fsm__http_figures;
void fsm__http_measure(const fsm__http *http, fsm__http_figures *out); /* loop's thread */

/* Takes no new connections; calls idle once no request is under way. */
void fsm__http_drain(fsm__http *http, fsm__loop_fn idle, void *arg);
/* Ends all connections; requests still under way are answered with FSM_ECLOSED. */
void fsm__http_stop(fsm__http *http);
/* After everyone who has a request has finished it. */
void fsm__http_free(fsm__http *http);

/* An answer that goes on (server-sent events): called on the loop's thread instead of fsm__request_finish,
 * from within serve or later. The head (status 200, request->type) goes at once, gzip never. A client that
 * leaves while there is nothing to pull is noticed at the next bytes for it: heartbeats are the caller's. One
 * that reads nothing for the idle timeout while there is something is let go. */
typedef struct fsm__flow {
  long (*pull)(void *arg, char *out, size_t max); /* bytes put into out; 0 = none now: asked again after
                                                     fsm__http_flow_ready; -1 = the end */
  void (*closed)(void *arg); /* the client has gone, the daemon stops, or the end came: the last call, after
                                which the request is not touched; never from within fsm__http_flow */
  void *arg;
} fsm__flow;
void fsm__http_flow(fsm__request *request, const fsm__flow *flow);
/* There is something to pull. Loop's thread, not from within pull; too often is fine. */
void fsm__http_flow_ready(fsm__request *request);

const char *fsm__http_version(void); /* of libmicrohttpd */

#endif
