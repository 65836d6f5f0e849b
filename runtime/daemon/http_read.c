/* http_read.c: a request comes in: its head, its body, and then it is served. */
#include <string.h>
#include <sys/socket.h>

#include "runtime/clock.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/http_impl.h"

static fsm__peer peer_of(const fsm__listener *l, struct MHD_Connection *connection) {
  if (!l->local) return (fsm__peer){.local = false};
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return fsm__peer_of(info ? info->connect_fd : -1);
}

/* Of the last places: only who asks how we do. */
static bool may_use_reserve(const fsm__request *request) {
  static const char *const paths[] = {"/healthz", "/readyz", "/metrics"};
  const size_t len = request->target ? strcspn(request->target, "?") : 0;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (strlen(paths[i]) == len && memcmp(paths[i], request->target, len) == 0) return true;
  return false;
}

/* What makes the end of the message doubtful is refused before anyone believes it. */
static enum MHD_Result begin(fsm__exchange *e, const char *method, const char *version) {
  fsm__request *request = &e->request;
  fsm_error err = {0};
  int status = 0;
  e->stage = READING;
  request->received_ns = fsm__wall_ns();
  request->peer = peer_of(e->listener, e->connection);
  fsm_code code = fsm__http_read_head(e, method, version, &status, &err);
  if (code == FSM_ENOMEM) return MHD_NO;
  if (code != FSM_OK) return fsm__http_refuse(e, &err, status);
  fsm__connection_body(e->place);
  if (!e->place || !e->place->reserve) return MHD_YES;
  request->close = true;
  if (may_use_reserve(request)) return MHD_YES;
  fsm_fail(&err, FSM_EBUSY, "connections", "all connections are taken; try again");
  return fsm__http_refuse(e, &err, 0);
}

static enum MHD_Result take_body(fsm__exchange *e, const char *data, size_t len) {
  fsm__request *request = &e->request;
  fsm__http *http = e->listener->http;
  e->got += len;
  if (e->got > FSM__BODY_DRAIN_MAX) return MHD_NO;
  if (e->got > FSM__BODY_MAX) request->body_too_large = true;
  if (http->body_bytes + len > FSM__BODIES_MAX) request->body_refused = true;
  if (request->body_too_large || request->body_refused) {
    fsm_buf_free(&request->body);
    fsm__exchange_uncount(e);
    return MHD_YES;
  }
  fsm_buf_add(&request->body, data, len);
  http->body_bytes += len;
  e->counted += len;
  return fsm_buf_ok(&request->body) ? MHD_YES : MHD_NO;
}

/* What the body will be in memory counts, too. */
static void weigh(fsm__exchange *e) {
  fsm__http *http = e->listener->http;
  const size_t weight = e->request.body.len > 0 ? fsm__body_weight(&e->request.body) : 0;
  if (http->body_bytes + weight > FSM__BODIES_MAX) e->request.body_refused = true;
  if (weight == 0 || e->request.body_refused) return;
  http->body_bytes += weight;
  e->counted += weight;
}

static enum MHD_Result serve(fsm__exchange *e) {
  fsm__http *http = e->listener->http;
  weigh(e);
  e->stage = WAITING;
  fsm__connection_waits(e->place);
  if (fsm__cors_preflight(&http->cors, &e->request)) return fsm__http_reply(e);
  e->refs++;
  e->serving = true;
  const bool answered = http->serve(http->arg, &e->request);
  e->serving = false;
  if (answered) {
    e->refs--;
    fsm__http_shape(&e->request);
    return fsm__http_reply(e);
  }
  if (e->flow.pull) return fsm__flow_reply(e);
  MHD_suspend_connection(e->connection);
  return MHD_YES;
}

static bool has_trailers(const fsm__exchange *e) {
  return e->request.headers[FSM__TRANSFER_ENCODING] &&
         MHD_get_connection_values(e->connection, MHD_FOOTER_KIND, NULL, NULL) > 0;
}

static enum MHD_Result refuse_trailers(fsm__exchange *e) {
  fsm_error err = {0};
  fsm_fail(&err, FSM_EMALFORMED, "body", "no headers are taken behind the body");
  return fsm__http_refuse(e, &err, 0);
}

enum MHD_Result fsm__http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data, size_t *len,
                                     void **context) {
  (void)cls, (void)connection, (void)url;
  fsm__exchange *e = *context;
  if (!e) return MHD_NO;
  switch (e->stage) {
    case FRESH: return begin(e, method, version);
    case READING: {
      if (*len == 0) return has_trailers(e) ? refuse_trailers(e) : serve(e);
      size_t got = *len;
      *len = 0;
      return take_body(e, data, got);
    }
    case WAITING: return MHD_YES;
    case ANSWERED: return e->flow.pull ? fsm__flow_reply(e) : fsm__http_reply(e);
  }
  return MHD_NO;
}

/* The first that is heard of a request, and the only place that has the target as it was sent. */
void *fsm__http_on_target(void *cls, const char *target, struct MHD_Connection *connection) {
  fsm__exchange *e = fsm__exchange_new(cls, connection);
  if (!e) return NULL;
  e->place = fsm__connection_of(connection);
  fsm__connection_head(e->place);
  e->target_at = target;
  e->target_len = target ? strlen(target) : 0;
  if (target && e->target_len <= FSM__TARGET_MAX)
    e->request.target = fsm_arena_strndup(&e->request.arena, target, e->target_len);
  return e;
}
