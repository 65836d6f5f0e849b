/* metrics.c: GET /metrics. The walk over all instances is one reader's work, and its text is kept. When it
 * fails, or no reader is to be had, the rest is answered all the same: that is when it is needed. */
#include "runtime/daemon/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/daemon/problem.h"

/* The text of the last walk. */
struct fsm__gauges {
  pthread_mutex_t lock;
  fsm_buf text;
  int64_t begun_ms, took_ms; /* begun_ms 0: never */
  bool walking;              /* then others have the last text, as old as it is */
  bool failed;               /* the last one did */
};

static fsm__gauges *gauges_of(fsm__server *server) {
  if (!server->gauges && (server->gauges = calloc(1, sizeof *server->gauges)))
    FSM_ASSERT(pthread_mutex_init(&server->gauges->lock, NULL) == 0);
  return server->gauges;
}

void fsm__gauges_free(fsm__gauges *gauges) {
  if (!gauges) return;
  fsm_buf_free(&gauges->text);
  pthread_mutex_destroy(&gauges->lock);
  free(gauges);
}

/* Under the lock. */
static void add_text(const fsm__gauges *g, fsm_buf *out) {
  fsm_buf_add(out, g->text.data, g->text.len);
  fsm__metrics_family(out, "fsm_instances_unread", "gauge",
                      "1: how instances stand could not be read; what is told of them is older.");
  fsm__metrics_line(out, "fsm_instances_unread", NULL, NULL, g->failed);
}

/* True when what is kept will do, and was added. */
static bool add_kept(fsm__gauges *g, fsm_buf *out) {
  const int64_t now_ms = fsm__monotonic_ms();
  pthread_mutex_lock(&g->lock);
  const int64_t costly_ms = FSM__GAUGES_COST * g->took_ms;
  const int64_t kept_ms = costly_ms > FSM__GAUGES_KEPT_MS ? costly_ms : FSM__GAUGES_KEPT_MS;
  const bool fresh = g->begun_ms != 0 && (g->walking || now_ms - g->begun_ms < kept_ms);
  if (fresh) add_text(g, out);
  if (!fresh) g->walking = true, g->begun_ms = now_ms;
  pthread_mutex_unlock(&g->lock);
  return fresh;
}

/* text: of the walk; NULL: it failed. */
static void walked(fsm__gauges *g, fsm_buf *text, fsm_buf *out) {
  pthread_mutex_lock(&g->lock);
  g->walking = false;
  g->took_ms = fsm__monotonic_ms() - g->begun_ms;
  g->failed = text == NULL;
  if (text) {
    fsm_buf_free(&g->text);
    g->text = *text;
  }
  add_text(g, out);
  pthread_mutex_unlock(&g->lock);
}

static void check_memory(fsm__request *request) {
  if (!fsm_buf_ok(&request->out)) fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
}

/* A reader's thread. */
static void on_gauges(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  fsm__server *server = request->server;
  fsm_buf text = {0};
  if (!err) fsm__metrics_gauges(&text, document);
  const bool whole = !err && fsm_buf_ok(&text);
  if (!whole) fsm_buf_free(&text);
  walked(server->gauges, whole ? &text : NULL, &request->out);
  check_memory(request);
  fsm__request_finish(request);
}

bool fsm__serve_metrics(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  fsm__gauges *g = gauges_of(server);
  if (!g) (void)fsm_fail(&err, FSM_ENOMEM, NULL, "no memory for the answer");
  if (!g || fsm__sinks_seen(server, request, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  fsm_buf *out = &request->out;
  request->status = 200;
  request->type = FSM__METRICS_TYPE;
  fsm_buf_reset(out);
  fsm__metrics_family(out, "fsm_build_info", "gauge", "Always 1.");
  fsm__metrics_line(out, "fsm_build_info", "version", FSM_VERSION, 1);
  fsm__metrics_runtime(out, server->runtime);
  fsm__metrics_process(out, server->loop);
  fsm__metrics_sinks(out, request);
  fsm__metrics_nats(out, server->nats);
  if (!add_kept(g, out)) {
    const fsm_query query = {.kind = FSM_QUERY_GAUGES};
    if (fsm_read(server->runtime, &query, on_gauges, request, NULL) == FSM_OK) return false;
    walked(g, NULL, out);
  }
  check_memory(request);
  return true;
}
