/* http_flow.c: an answer that goes on for as long as the client reads it.
 *
 * libmicrohttpd asks for bytes when the client can take some. While there are none the connection is
 * suspended, so a client that leaves is noticed at the next byte for it. Who flows has a reference of the
 * exchange until `closed`, which is called once, whatever ended first. A connection that is resumed does not
 * make the library's descriptor readable: its listener is due at once, whoever resumed it. */
#include "runtime/daemon/http_impl.h"

enum { BLOCK = 4096 }; /* for clients of HTTP/1.0; others get chunks straight from the connection's memory */

static ssize_t pull(void *cls, uint64_t pos, char *out, size_t max) {
  (void)pos;
  fsm__exchange *e = cls;
  if (e->flow_ends) return MHD_CONTENT_READER_END_OF_STREAM;
  const long got = e->flow.pull(e->flow.arg, out, max);
  FSM_ASSERT(got <= (long)max);
  if (got < 0) return MHD_CONTENT_READER_END_OF_STREAM;
  if (got == 0) {
    e->flow_dry = true;
    MHD_suspend_connection(e->connection);
  }
  return got;
}

enum MHD_Result fsm__flow_reply(fsm__exchange *e) {
  e->stage = ANSWERED;
  e->request.status = 200;
  struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, pull, e, NULL);
  if (!response) return MHD_NO;
  fsm__http_reply_headers(e, response, 200, false);
  enum MHD_Result result = MHD_queue_response(e->connection, 200, response);
  MHD_destroy_response(response);
  return result;
}

static void resume(fsm__exchange *e) {
  MHD_resume_connection(e->connection);
  if (e->listener->watch) fsm__watch_due(e->listener->watch, 0);
}

static void wake(fsm__exchange *e) {
  if (!e->connection || !e->flow_dry) return;
  e->flow_dry = false;
  resume(e);
}

static void closed(fsm__exchange *e) {
  const fsm__flow flow = e->flow;
  e->flow = (fsm__flow){0};
  flow.closed(flow.arg);
  fsm__exchange_drop(e);
}

void fsm__flow_gone(fsm__exchange *e) {
  if (e->flow.pull) closed(e);
}

void fsm__flow_end_late(fsm__http *http) {
  for (fsm__exchange *e = http->late_flows, *next; e; e = next) {
    next = e->next_done;
    http->late_flows = next;
    e->next_done = NULL;
    closed(e);
  }
}

void fsm__flow_end(fsm__exchange *e) {
  e->flow_ends = true;
  wake(e);
}

void fsm__http_flow(fsm__request *request, const fsm__flow *flow) {
  FSM_ASSERT(request->finish == fsm__http_finish && flow->pull && flow->closed);
  fsm__exchange *e = (fsm__exchange *)(void *)request;
  fsm__http *http = e->listener->http;
  FSM_ASSERT(!e->flow.pull && e->refs > 0);
  e->flow = *flow;
  e->flow_ends = http->draining;
  if (!e->connection || e->abandoned) { /* never from within this call: the caller may not be ready for it */
    e->next_done = http->late_flows;
    http->late_flows = e;
    fsm__loop_wake(http->loop);
  } else if (!e->serving) {
    e->stage = ANSWERED;
    resume(e);
  }
}

void fsm__http_flow_ready(fsm__request *request) { wake((fsm__exchange *)(void *)request); }
