/* nats_api.h: the daemon's API over NATS (DESIGN 14): what HTTP does, by request and reply, and from a queue.
 *
 * PREFIX.cmd.VERB, with a verb of nats_ask.h, is a request, taken in the queue group "fsmd". The answer's
 * body is that of HTTP; its headers are Fsm-Status (HTTP's number), X-Correlation-ID, Content-Type, ETag,
 * Location, Retry-After. Headers of the request as in HTTP, and Fsm-Deadline (RFC 3339) or Fsm-Timeout (a
 * duration): what is not begun by then is not begun, 504; what is answered after it is not sent. Without a
 * reply subject a command is done, and a read is not. PREFIX.cmd.task.* is for workers (runtime/workers.h).
 *
 * PREFIX.queue.start, send, admin are messages of the stream: acknowledged when the command is durable, or
 * refused for good. While it is busy, full or closed the message waits, and with it all later ones of its
 * instance. Its idempotency key is Idempotency-Key, Nats-Msg-Id, or STREAM:SEQUENCE:TIME. Its token is to be
 * good for the time at which the queue took it (24 h back at most). Fsm-Reply-To: the answer goes there, too;
 * a subject below _INBOX. or PREFIX.answer.
 *
 * Threads: those of the library copy and read a message and hand it to the loop, which serves it; whoever
 * answers hands it to the sender, a thread that may wait for the socket. The queue has one more, which makes
 * its consumer and asks for messages. Nothing waits for NATS but these two. */
#ifndef FSM_DAEMON_NATS_API_H
#define FSM_DAEMON_NATS_API_H

#include "runtime/bus.h"
#include "runtime/daemon/routes.h"

enum {
  FSM__NATS_FLIGHT_MAX = 4096,         /* requests under way; over it 503 */
  FSM__NATS_BYTES_MAX = 256 << 20,     /* of their bodies, as they are and read, and answers; over it 503 */
  FSM__NATS_QUEUE_WINDOW = 256,        /* messages of the queue that are here */
  FSM__NATS_QUEUE_HELD_MAX = 64 << 20, /* bytes of them, as they are and read: then no more is asked for */
  FSM__NATS_QUEUE_BYTES_MAX = 4 << 20, /* asked for at once */
  FSM__NATS_TOKEN_AGE_S = 24 * 60 * 60,
  FSM__NATS_STREAM_MAX = 32
};

typedef struct fsm__nats_api fsm__nats_api;

typedef struct fsm__nats_options {
  fsm__bus_options bus; /* used up by the call */
  const char *prefix;   /* of subjects; lives as long as the API */
  fsm__policy policy;
  const char *stream; /* of the queue; NULL = there is none. Lives as long as the API */
} fsm__nats_options;

/* FSM_EARGUMENT …: as of fsm__bus_open. */
FSM_MUST_USE fsm_code fsm__nats_api_new(fsm__server *server, const fsm__nats_options *options,
                                        fsm__nats_api **out, fsm_error *err);
/* From here on it serves; the server may be absent. */
FSM_MUST_USE fsm_code fsm__nats_api_start(fsm__nats_api *api, fsm_error *err);
/* Refuses new requests with 503 and takes nothing more from the queue; NULL is fine. */
void fsm__nats_api_drain(fsm__nats_api *api);
/* Calls idle on the loop's thread once nothing is under way; NULL: at once. After drain. */
void fsm__nats_api_on_idle(fsm__nats_api *api, fsm__loop_fn idle, void *arg);
/* When the runtime is closed: sends the last answers, a second at most, and closes the connection. Before the
 * loop is freed; NULL is fine. */
void fsm__nats_api_free(fsm__nats_api *api);

#endif
