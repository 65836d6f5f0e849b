/* http_read.c: a request comes in: its head, its body, and then it is served. */
#include <string.h>
#include <sys/socket.h>

#include "runtime/daemon/clock.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/http_impl.h"

enum { TARGET_MAX = 8 * 1024 };

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  fsm__request *request = cls;
  for (int i = 0; i < FSM__HEADER_COUNT; i++) {
    const char *known = fsm__header_name((fsm__header)i);
    if (strcasecmp(name, known) != 0) continue;
    if (request->headers[i]) request->repeated = known;
    /* A copy, for the library may move its own when it reads the body. */
    request->headers[i] = fsm_arena_strdup(&request->arena, value ? value : "");
    if (!request->headers[i]) request->fault.code = FSM_ENOMEM;
  }
  return MHD_YES;
}

static fsm__peer peer_of(const fsm__listener *l, struct MHD_Connection *connection) {
  fsm__peer peer = {0};
  if (!l->local) return peer;
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct ucred cred = {0};
  socklen_t size = sizeof cred;
  if (info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0)
    peer = (fsm__peer){.local = true, .uid = cred.uid};
  return peer;
}

/* The length that the client declares; SIZE_MAX when it is no number that fits. */
static size_t declared_length(const char *text) {
  size_t n = 0;
  if (!*text) return SIZE_MAX;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, (size_t)10, &n) ||
        __builtin_add_overflow(n, (size_t)(*text - '0'), &n))
      return SIZE_MAX;
  }
  return n;
}

/* What makes the end of the message doubtful is refused before anyone believes it. */
static enum MHD_Result begin(fsm__exchange *e, const char *method) {
  fsm__request *request = &e->request;
  e->stage = READING;
  request->received_ns = fsm__now_ns();
  request->method = fsm_arena_strdup(&request->arena, method);
  MHD_get_connection_values(e->connection, MHD_HEADER_KIND, on_header, request);
  request->peer = peer_of(e->listener, e->connection);
  if (!request->method || request->fault.code != FSM_OK || fsm__headers_correlation(request) != FSM_OK)
    return MHD_NO;
  const char *length = request->headers[FSM__CONTENT_LENGTH],
             *coding = request->headers[FSM__TRANSFER_ENCODING];
  if (!request->target) return fsm__http_refuse(e, FSM_ETOOLARGE, "target", "the request target is too long");
  if (length && coding)
    return fsm__http_refuse(e, FSM_EMALFORMED, "Transfer-Encoding", "it stands beside Content-Length");
  if (coding && strcasecmp(coding, "chunked") != 0)
    return fsm__http_refuse(e, FSM_EMALFORMED, "Transfer-Encoding", "only chunked is taken");
  if (request->repeated)
    return fsm__http_refuse(e, FSM_EMALFORMED, request->repeated, "the header is there twice");
  if (!length) return MHD_YES;
  size_t bytes = declared_length(length);
  if (bytes == SIZE_MAX) return fsm__http_refuse(e, FSM_EMALFORMED, "Content-Length", "it is not a number");
  if (bytes > FSM__BODY_DRAIN_MAX)
    return fsm__http_refuse(e, FSM_ETOOLARGE, "body", "the body is longer than 1048576 bytes");
  return MHD_YES;
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

static enum MHD_Result serve(fsm__exchange *e) {
  fsm__http *http = e->listener->http;
  e->stage = WAITING;
  e->refs++;
  e->serving = true;
  const bool answered = http->serve(http->arg, &e->request);
  e->serving = false;
  if (answered) {
    e->refs--;
    return fsm__http_reply(e);
  }
  if (e->flow.pull) return fsm__flow_reply(e);
  MHD_suspend_connection(e->connection);
  return MHD_YES;
}

enum MHD_Result fsm__http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data, size_t *len,
                                     void **context) {
  (void)cls, (void)connection, (void)url, (void)version;
  fsm__exchange *e = *context;
  if (!e) return MHD_NO;
  switch (e->stage) {
    case FRESH: return begin(e, method);
    case READING: {
      if (*len == 0) return serve(e);
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
  if (e && strlen(target) <= TARGET_MAX) e->request.target = fsm_arena_strdup(&e->request.arena, target);
  return e;
}
