/* http.c: libmicrohttpd on the loop: it starts, its turns, it stops. */
#include <stdlib.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/daemon/http_impl.h"

/* Nothing older than TLS 1.2; the rest is as the library and the system's policy choose. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

enum { LAST_TURNS = 4, DEFAULT_CONNECTIONS = 1024 };

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why) {
  (void)cls, (void)connection, (void)why;
  fsm__exchange *e = *context;
  if (!e) return;
  *context = NULL;
  fsm__exchange_end(e);
}

static void run_listener(void *arg) {
  fsm__listener *l = arg;
  fsm__http *http = l->http;
  http->now_ms = fsm__monotonic_ms();
  if (http->before) http->before(http->around_arg);
  MHD_run(l->daemon);
  if (http->after) http->after(http->around_arg);
  MHD_UNSIGNED_LONG_LONG ms = 0;
  fsm__watch_due(l->watch, MHD_get_timeout(l->daemon, &ms) == MHD_YES ? (int64_t)ms : -1);
  if (http->idle && !http->active) {
    fsm__loop_fn idle = http->idle;
    http->idle = NULL;
    idle(http->idle_arg);
  }
}

static void resume_done(fsm__http *http) {
  for (fsm__exchange *e = fsm__exchange_take_done(http), *next; e; e = next) {
    next = e->next_done;
    e->next_done = NULL;
    if (e->connection && !e->abandoned) {
      e->stage = ANSWERED;
      MHD_resume_connection(e->connection);
    }
    fsm__exchange_drop(e);
  }
}

static void on_wake(void *arg) {
  fsm__http *http = arg;
  resume_done(http);
  fsm__flow_end_late(http);
  for (size_t i = 0; i < http->listener_count; i++)
    if (http->listeners[i].daemon) run_listener(&http->listeners[i]);
}

fsm_code fsm__http_new(fsm__loop *loop, const fsm__log *log, fsm__serve_fn serve_fn, void *arg,
                       fsm__http **out, fsm_error *err) {
  fsm__http *http = calloc(1, sizeof *http);
  if (!http) return fsm_fail(err, FSM_ENOMEM, "http", "no memory for the server");
  http->loop = loop;
  http->log = log;
  http->serve = serve_fn;
  http->arg = arg;
  http->limits = (fsm__http_limits){.header_ms = 10000,
                                    .body_ms = 30000,
                                    .idle_ms = 60000,
                                    .connections = DEFAULT_CONNECTIONS,
                                    .socket_connections = FSM__SOCKET_CONNECTIONS_MAX};
  if (fsm__timer_new(loop, fsm__http_look, http, &http->look, err) != FSM_OK) {
    free(http);
    return FSM_ENOMEM;
  }
  FSM_ASSERT(pthread_mutex_init(&http->mutex, NULL) == 0);
  fsm__loop_on_wake(loop, on_wake, http);
  *out = http;
  return FSM_OK;
}

void fsm__http_set_limits(fsm__http *http, const fsm__http_limits *limits) {
  FSM_ASSERT(http->listener_count == 0);
  http->limits = *limits;
}

void fsm__http_set_cors(fsm__http *http, const fsm__cors *cors) {
  FSM_ASSERT(http->listener_count == 0);
  http->cors = *cors;
}

static struct MHD_Daemon *start(fsm__listener *l, int fd) {
  const bool tls = l->pairs != NULL;
  struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, fsm__pair_callback()},
                                    {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
                                    {MHD_OPTION_END, 0, NULL}};
  if (!tls) secure[0].option = MHD_OPTION_END;
  const fsm__http_limits *limits = &l->http->limits;
  /* Not strict: what the library refuses by itself it answers badly; http_head.c is stricter. */
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, fsm__http_on_request,
      l, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, fsm__http_on_target, l,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_NOTIFY_CONNECTION, fsm__http_on_connection, l,
      MHD_OPTION_CONNECTION_LIMIT, l->local ? limits->socket_connections : limits->connections,
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((limits->idle_ms + 999) / 1000),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)FSM__CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 0,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
}

fsm_code fsm__http_listen(fsm__http *http, int fd, const fsm__listening *how, fsm_error *err) {
  FSM_ASSERT(http->listener_count < FSM__LISTENERS_MAX);
  fsm__listener *l = &http->listeners[http->listener_count];
  *l = (fsm__listener){.http = http, .policy = how->policy, .local = how->local, .any_host = how->any_host};
  if (how->tls && fsm__pair_put(&l->pairs, how->tls, err) != FSM_OK) {
    close(fd);
    return FSM_EARGUMENT;
  }
  l->daemon = start(l, fd);
  if (!l->daemon) {
    close(fd);
    fsm__pairs_free(l->pairs);
    return fsm_fail(err, FSM_EIO, "http", "the HTTP library does not start");
  }
  http->listener_count++;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (!info) return fsm_fail(err, FSM_EIO, "http", "the HTTP library has no epoll descriptor");
  fsm_code code = fsm__watch_new(http->loop, info->epoll_fd, run_listener, l, &l->watch, err);
  if (code == FSM_OK) run_listener(l);
  return code;
}

void fsm__http_around(fsm__http *http, fsm__loop_fn before, fsm__loop_fn after, void *arg) {
  http->before = before;
  http->after = after;
  http->around_arg = arg;
}

static void end_flows(fsm__http *http) {
  for (fsm__exchange *e = http->active; e; e = e->next)
    if (e->flow.pull) fsm__flow_end(e);
}

void fsm__http_drain(fsm__http *http, fsm__loop_fn idle, void *arg) {
  http->draining = true;
  http->idle = idle;
  http->idle_arg = arg;
  end_flows(http);
  for (size_t i = 0; i < http->listener_count; i++) {
    MHD_socket fd = MHD_quiesce_daemon(http->listeners[i].daemon);
    if (fd != MHD_INVALID_SOCKET) close(fd);
  }
  fsm__loop_wake(http->loop);
}

void fsm__http_stop(fsm__http *http) {
  resume_done(http);
  http->idle = NULL;
  http->draining = true;
  end_flows(http);
  for (fsm__exchange *e = http->active; e; e = e->next)
    if (e->stage == WAITING) fsm__http_abandon(e);
  for (size_t i = 0; i < http->listener_count; i++) {
    fsm__listener *l = &http->listeners[i];
    for (int turn = 0; turn < LAST_TURNS; turn++) MHD_run(l->daemon);
    if (l->watch) fsm__watch_close(l->watch);
    MHD_stop_daemon(l->daemon);
    fsm__pairs_free(l->pairs);
    l->pairs = NULL;
    l->daemon = NULL;
    l->watch = NULL;
  }
}

void fsm__http_free(fsm__http *http) {
  if (!http) return;
  resume_done(http);
  fsm__flow_end_late(http);
  FSM_ASSERT(!http->active);
  fsm__exchange_free_pool(http);
  fsm__loop_on_wake(http->loop, NULL, NULL);
  fsm__timer_free(http->look);
  pthread_mutex_destroy(&http->mutex);
  free(http);
}

const char *fsm__http_version(void) { return MHD_get_version(); }
