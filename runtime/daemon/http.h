/* http.h: HTTP on the loop. The one wrapper of libmicrohttpd, which has no threads of its own here: its
 * epoll descriptor is one more that the loop watches.
 *
 * A whole request goes to `serve`. That either fills the answer and returns true, or hands the request on
 * and returns false; whoever has it then calls fsm__request_finish once, from any thread. The client may
 * be gone by then: the exchange lives until both sides have let go of it. */
#ifndef FSM_DAEMON_HTTP_H
#define FSM_DAEMON_HTTP_H

#include "runtime/daemon/log.h"
#include "runtime/daemon/loop.h"
#include "runtime/daemon/request.h"

enum {
  FSM__LISTENERS_MAX = 2,
  FSM__CONNECTIONS_MAX = 4096,   /* of each listener */
  FSM__BODY_DRAIN_MAX = 8 << 20, /* read and thrown away, so that the client hears of its 413 */
  FSM__BODIES_MAX = 256 << 20,   /* bytes of all bodies together; over it FSM_EBUSY */
  FSM__IDLE_TIMEOUT_S = 60
};

typedef struct fsm__http fsm__http;
typedef bool (*fsm__serve_fn)(void *arg, fsm__request *request);

FSM_MUST_USE fsm_code fsm__http_new(fsm__loop *loop, const fsm__log *log, fsm__serve_fn serve, void *arg,
                                    fsm__http **out, fsm_error *err);
/* Serves a listening socket, which it owns from here on, success or not. */
FSM_MUST_USE fsm_code fsm__http_listen(fsm__http *http, int fd, bool local, fsm__policy policy,
                                       fsm_error *err);

/* Takes no new connections; calls idle once no request is under way. */
void fsm__http_drain(fsm__http *http, fsm__loop_fn idle, void *arg);
/* Ends all connections; requests still under way are answered with FSM_ECLOSED. */
void fsm__http_stop(fsm__http *http);
/* After everyone who has a request has finished it. */
void fsm__http_free(fsm__http *http);

const char *fsm__http_version(void); /* of libmicrohttpd */

#endif
