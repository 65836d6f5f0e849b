/* streams.h: answers that go on: the audit log as server-sent events (runtime/feed.h behind flows of http.h).
 *
 * A stream begins with `retry:` and the place where it begins; then the records, `id:` their seq; when
 * nothing was sent for FSM__STREAM_BEAT_S a comment, with the place that it is at, so that a client of a
 * filter that wants little goes on from there. It ends with `event: end` and the problem when it cannot go
 * on: it fell behind what is kept, or the token that opened it would be refused by now. */
#ifndef FSM_DAEMON_STREAMS_H
#define FSM_DAEMON_STREAMS_H

#include "runtime/daemon/routes.h"

enum { FSM__STREAM_BEAT_S = 15, FSM__STREAM_RETRY_MS = 2000, FSM__STREAM_TOKEN_MS = 1000 };

typedef struct fsm__streams fsm__streams;

/* new → open the runtime with fsm__streams_durable → start → requests → stop, once all flows are closed →
 * close the runtime → free. max: streams at once. */
FSM_MUST_USE fsm_code fsm__streams_new(fsm__server *server, unsigned max, fsm__streams **out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__streams_start(fsm__streams *streams, fsm_error *err);
void fsm__streams_stop(fsm__streams *streams);
void fsm__streams_free(fsm__streams *streams); /* before the loop; NULL is fine */
void fsm__streams_durable(void *streams, uint64_t seq);

/* Does the request ask for a stream? */
bool fsm__streams_asked(const fsm__request *request);
/* As a row of routes.c. */
bool fsm__streams_serve(fsm__streams *streams, fsm__request *request, const fsm__target *target);

#endif
