/* http.c: libmicrohttpd on the loop.
 *
 * Invariant: everything here but finish runs on the loop's thread. An exchange has one
 * reference of its connection and one of whoever is answering; it is freed with the last. While it
 * waits its connection is suspended, so that the library neither reads nor ends it.
 */
#include "runtime/daemon/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/daemon/clock.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"

enum {
  CONNECTION_MEMORY = 32 * 1024,
  TARGET_MAX = 8 * 1024,
  POOL_MAX = 256,
  LOGGED_A_SECOND = 10,
  LAST_TURNS = 4
};

typedef enum stage { FRESH, READING, WAITING, ANSWERED } stage;

typedef struct listener {
  fsm__http *http;
  struct MHD_Daemon *daemon;
  fsm__watch *watch;
  fsm__policy policy;
  bool local;
} listener;

typedef struct exchange {
  fsm__request request; /* first: finish gets back from it */
  listener *listener;
  struct MHD_Connection *connection; /* NULL once it has ended */
  stage stage;
  unsigned refs;
  size_t got;     /* bytes of the body that came */
  size_t counted; /* of them in http->body_bytes */
  bool abandoned; /* at stop: answered with FSM_ECLOSED, whoever has the request still has it */
  fsm_buf closed_text;
  struct exchange *next, *prev; /* among the active */
  struct exchange *next_done;
} exchange;

struct fsm__http {
  fsm__loop *loop;
  const fsm__log *log;
  fsm__serve_fn serve;
  void *arg;
  listener listeners[FSM__LISTENERS_MAX];
  size_t listener_count, body_bytes;
  exchange *active; /* with a connection */
  exchange *pool;   /* linked by next */
  unsigned pooled;
  bool draining;
  fsm__loop_fn idle;
  void *idle_arg;
  int64_t logged_second;
  unsigned logged;
  pthread_mutex_t mutex; /* of done */
  exchange *done;        /* newest first */
};

static void finish(fsm__request *request);

/* ---- exchanges ------------------------------------------------------------------------------------ */

static void uncount_body(fsm__http *http, exchange *e) {
  http->body_bytes -= e->counted;
  e->counted = 0;
}

static void exchange_free(exchange *e) {
  fsm_arena_free(&e->request.arena);
  fsm_buf_free(&e->request.body);
  fsm_buf_free(&e->request.out);
  fsm_buf_free(&e->closed_text);
  free(e);
}

static exchange *exchange_new(listener *l, struct MHD_Connection *connection) {
  fsm__http *http = l->http;
  exchange *e = http->pool;
  if (e) {
    http->pool = e->next;
    http->pooled--;
    fsm_arena arena = e->request.arena;
    fsm_buf out = e->request.out;
    fsm_arena_reset(&arena);
    fsm_buf_reset(&out);
    *e = (exchange){.request = {.arena = arena, .out = out}};
  } else if (!(e = calloc(1, sizeof *e))) {
    return NULL;
  }
  e->listener = l;
  e->connection = connection;
  e->refs = 1;
  e->request.policy = l->policy;
  e->request.finish = finish;
  e->next = http->active;
  if (e->next) e->next->prev = e;
  http->active = e;
  return e;
}

static void exchange_drop(exchange *e) {
  FSM_ASSERT(e->refs > 0);
  if (--e->refs > 0) return;
  fsm__http *http = e->listener->http;
  uncount_body(http, e);
  /* What grew large is given back rather than kept for the next. */
  bool small = e->request.out.cap <= 64 * 1024 && fsm_arena_used(&e->request.arena) <= 64 * 1024;
  if (!small || http->pooled == POOL_MAX) {
    exchange_free(e);
    return;
  }
  fsm_buf_free(&e->request.body);
  fsm_buf_free(&e->closed_text);
  e->next = http->pool;
  http->pool = e;
  http->pooled++;
}

static void leave_active(fsm__http *http, exchange *e) {
  if (e->prev)
    e->prev->next = e->next;
  else
    http->active = e->next;
  if (e->next) e->next->prev = e->prev;
  e->next = e->prev = NULL;
}

/* ---- answering ------------------------------------------------------------------------------------ */

static void header(struct MHD_Response *response, const char *name, const char *value) {
  if (value && *value) MHD_add_response_header(response, name, value); /* without memory it is left out */
}

static void reply_headers(const exchange *e, struct MHD_Response *response, int status, bool problem) {
  const fsm__request *request = &e->request;
  header(response, "Content-Type",
         problem                 ? "application/problem+json"
         : request->type != NULL ? request->type
                                 : "application/json");
  header(response, "X-Correlation-ID", request->correlation);
  header(response, "Cache-Control", "no-store");
  if (status == 503 || status == 429) header(response, "Retry-After", "1");
  if (e->abandoned || request->close || e->listener->http->draining) header(response, "Connection", "close");
  if (e->abandoned) return;
  header(response, "ETag", request->etag);
  header(response, "Location", request->location);
  header(response, "Allow", request->allow);
  if (request->challenge)
    header(response, "WWW-Authenticate",
           request->headers[FSM__AUTHORIZATION] ? "Bearer realm=\"fsmd\", error=\"invalid_token\""
                                                : "Bearer realm=\"fsmd\"");
}

/* A line for each failure of ours, but never a flood of them. */
static void log_failure(fsm__http *http, const fsm__request *request) {
  int64_t second = request->received_ns / 1000000000;
  if (second != http->logged_second) http->logged_second = second, http->logged = 0;
  if (http->logged++ >= LOGGED_A_SECOND) return;
  FSM__LOG(http->log, "error", "request failed", fsm__text("method", request->method),
           fsm__text("target", request->target), fsm__number("status", (uint64_t)request->status),
           fsm__text("code", fsm_code_name(request->code)), fsm__text("where", request->fault.where),
           fsm__text("detail", request->fault.text), fsm__text("correlation", request->correlation));
}

static enum MHD_Result reply(exchange *e) {
  fsm__request *request = &e->request;
  fsm_buf *text = e->abandoned ? &e->closed_text : &request->out;
  int status = e->abandoned ? fsm_code_http(FSM_ECLOSED) : request->status;
  bool problem = e->abandoned || request->code != FSM_OK;
  e->stage = ANSWERED;
  if (!fsm_buf_ok(text)) return MHD_NO;
  if (status >= 500 && status != 503) log_failure(e->listener->http, request);
  struct MHD_Response *response =
      MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  reply_headers(e, response, status, problem);
  enum MHD_Result result = MHD_queue_response(e->connection, (unsigned)status, response);
  MHD_destroy_response(response);
  return result;
}

/* A problem before the body was read: the connection cannot be used after it. */
static enum MHD_Result refuse(exchange *e, fsm_code code, const char *where, const char *why) {
  e->request.close = true;
  fsm__problem_make(&e->request, code, 0, where, "%s", why);
  return reply(e);
}

/* ---- reading -------------------------------------------------------------------------------------- */

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

static fsm__peer peer_of(const listener *l, struct MHD_Connection *connection) {
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
static enum MHD_Result begin(exchange *e, const char *method) {
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
  if (!request->target) return refuse(e, FSM_ETOOLARGE, "target", "the request target is too long");
  if (length && coding)
    return refuse(e, FSM_EMALFORMED, "Transfer-Encoding", "it stands beside Content-Length");
  if (coding && strcasecmp(coding, "chunked") != 0)
    return refuse(e, FSM_EMALFORMED, "Transfer-Encoding", "only chunked is taken");
  if (request->repeated) return refuse(e, FSM_EMALFORMED, request->repeated, "the header is there twice");
  if (!length) return MHD_YES;
  size_t bytes = declared_length(length);
  if (bytes == SIZE_MAX) return refuse(e, FSM_EMALFORMED, "Content-Length", "it is not a number");
  if (bytes > FSM__BODY_DRAIN_MAX)
    return refuse(e, FSM_ETOOLARGE, "body", "the body is longer than 1048576 bytes");
  return MHD_YES;
}

static enum MHD_Result take_body(exchange *e, const char *data, size_t len) {
  fsm__request *request = &e->request;
  fsm__http *http = e->listener->http;
  e->got += len;
  if (e->got > FSM__BODY_DRAIN_MAX) return MHD_NO;
  if (e->got > FSM__BODY_MAX) request->body_too_large = true;
  if (http->body_bytes + len > FSM__BODIES_MAX) request->body_refused = true;
  if (request->body_too_large || request->body_refused) {
    fsm_buf_free(&request->body);
    uncount_body(http, e);
    return MHD_YES;
  }
  fsm_buf_add(&request->body, data, len);
  http->body_bytes += len;
  e->counted += len;
  return fsm_buf_ok(&request->body) ? MHD_YES : MHD_NO;
}

static enum MHD_Result serve(exchange *e) {
  fsm__http *http = e->listener->http;
  e->stage = WAITING;
  e->refs++;
  if (http->serve(http->arg, &e->request)) {
    e->refs--;
    return reply(e);
  }
  MHD_suspend_connection(e->connection);
  return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *len,
                                  void **context) {
  (void)cls, (void)connection, (void)url, (void)version;
  exchange *e = *context;
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
    case ANSWERED: return reply(e);
  }
  return MHD_NO;
}

/* The first that is heard of a request, and the only place that has the target as it was sent. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection) {
  exchange *e = exchange_new(cls, connection);
  if (e && strlen(target) <= TARGET_MAX) e->request.target = fsm_arena_strdup(&e->request.arena, target);
  return e;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why) {
  (void)connection, (void)why;
  fsm__http *http = ((listener *)cls)->http;
  exchange *e = *context;
  if (!e) return;
  *context = NULL;
  e->connection = NULL;
  leave_active(http, e);
  exchange_drop(e);
}

/* ---- on the loop ---------------------------------------------------------------------------------- */

static void run_listener(void *arg) {
  listener *l = arg;
  MHD_run(l->daemon);
  MHD_UNSIGNED_LONG_LONG ms = 0;
  fsm__watch_due(l->watch, MHD_get_timeout(l->daemon, &ms) == MHD_YES ? (int64_t)ms : -1);
  fsm__http *http = l->http;
  if (http->idle && !http->active) {
    fsm__loop_fn idle = http->idle;
    http->idle = NULL;
    idle(http->idle_arg);
  }
}

static void finish(fsm__request *request) {
  exchange *e = (exchange *)(void *)request;
  fsm__http *http = e->listener->http;
  pthread_mutex_lock(&http->mutex);
  bool first = http->done == NULL;
  e->next_done = http->done;
  http->done = e;
  pthread_mutex_unlock(&http->mutex);
  if (first) fsm__loop_wake(http->loop);
}

static exchange *take_done(fsm__http *http) {
  pthread_mutex_lock(&http->mutex);
  exchange *done = http->done;
  http->done = NULL;
  pthread_mutex_unlock(&http->mutex);
  exchange *oldest = NULL;
  while (done) {
    exchange *next = done->next_done;
    done->next_done = oldest;
    oldest = done;
    done = next;
  }
  return oldest;
}

static void resume_done(fsm__http *http) {
  for (exchange *e = take_done(http), *next; e; e = next) {
    next = e->next_done;
    e->next_done = NULL;
    if (e->connection && !e->abandoned) {
      e->stage = ANSWERED;
      MHD_resume_connection(e->connection);
    }
    exchange_drop(e);
  }
}

static void on_wake(void *arg) {
  fsm__http *http = arg;
  resume_done(http);
  for (size_t i = 0; i < http->listener_count; i++)
    if (http->listeners[i].daemon) run_listener(&http->listeners[i]);
}

/* ---- life ----------------------------------------------------------------------------------------- */

fsm_code fsm__http_new(fsm__loop *loop, const fsm__log *log, fsm__serve_fn serve_fn, void *arg,
                       fsm__http **out, fsm_error *err) {
  fsm__http *http = calloc(1, sizeof *http);
  if (!http) return fsm_fail(err, FSM_ENOMEM, "http", "no memory for the server");
  http->loop = loop;
  http->log = log;
  http->serve = serve_fn;
  http->arg = arg;
  FSM_ASSERT(pthread_mutex_init(&http->mutex, NULL) == 0);
  fsm__loop_on_wake(loop, on_wake, http);
  *out = http;
  return FSM_OK;
}

fsm_code fsm__http_listen(fsm__http *http, int fd, bool local, fsm__policy policy, fsm_error *err) {
  FSM_ASSERT(http->listener_count < FSM__LISTENERS_MAX);
  listener *l = &http->listeners[http->listener_count];
  *l = (listener){.http = http, .policy = policy, .local = local};
  l->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
      MHD_OPTION_URI_LOG_CALLBACK, on_target, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)FSM__CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)FSM__IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
  if (!l->daemon) {
    close(fd);
    return fsm_fail(err, FSM_EIO, "http", "the HTTP library does not start");
  }
  http->listener_count++;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (!info) return fsm_fail(err, FSM_EIO, "http", "the HTTP library has no epoll descriptor");
  fsm_code code = fsm__watch_new(http->loop, info->epoll_fd, run_listener, l, &l->watch, err);
  if (code == FSM_OK) run_listener(l);
  return code;
}

void fsm__http_drain(fsm__http *http, fsm__loop_fn idle, void *arg) {
  http->draining = true;
  http->idle = idle;
  http->idle_arg = arg;
  for (size_t i = 0; i < http->listener_count; i++) {
    MHD_socket fd = MHD_quiesce_daemon(http->listeners[i].daemon);
    if (fd != MHD_INVALID_SOCKET) close(fd);
  }
  fsm__loop_wake(http->loop);
}

/* The request itself may be in another thread's hands: the answer is made beside it. */
static void abandon(exchange *e) {
  fsm_error err = {0};
  fsm_fail(&err, FSM_ECLOSED, NULL,
           "the daemon stopped before the answer was there; the outcome is not known");
  fsm__problem_text(&e->closed_text, &err, fsm_code_http(FSM_ECLOSED), NULL, e->request.correlation);
  e->abandoned = true;
  e->stage = ANSWERED;
  MHD_resume_connection(e->connection);
}

void fsm__http_stop(fsm__http *http) {
  resume_done(http);
  http->idle = NULL;
  for (exchange *e = http->active; e; e = e->next)
    if (e->stage == WAITING) abandon(e);
  for (size_t i = 0; i < http->listener_count; i++) {
    listener *l = &http->listeners[i];
    for (int turn = 0; turn < LAST_TURNS; turn++) MHD_run(l->daemon);
    if (l->watch) fsm__watch_close(l->watch);
    MHD_stop_daemon(l->daemon);
    l->daemon = NULL;
    l->watch = NULL;
  }
}

void fsm__http_free(fsm__http *http) {
  if (!http) return;
  resume_done(http);
  FSM_ASSERT(!http->active);
  for (exchange *e = http->pool, *next; e; e = next) {
    next = e->next;
    exchange_free(e);
  }
  fsm__loop_on_wake(http->loop, NULL, NULL);
  pthread_mutex_destroy(&http->mutex);
  free(http);
}

const char *fsm__http_version(void) { return MHD_get_version(); }
