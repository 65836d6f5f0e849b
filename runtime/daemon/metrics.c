/* metrics.c: GET /metrics. The walk over all instances is one reader's work, and its text is kept. */
#include "runtime/daemon/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#include "runtime/daemon/clock.h"
#include "runtime/daemon/problem.h"

/* The text of the last walk. */
struct fsm__gauges {
  pthread_mutex_t lock;
  fsm_buf text;
  int64_t begun_ms, took_ms; /* begun_ms 0: never */
  bool walking;              /* then others have the last text, as old as it is */
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

/* True when what is kept will do, and was added. */
static bool add_kept(fsm__gauges *g, fsm_buf *out) {
  const int64_t now_ms = fsm__steady_ms();
  pthread_mutex_lock(&g->lock);
  const int64_t costly_ms = FSM__GAUGES_COST * g->took_ms;
  const int64_t kept_ms = costly_ms > FSM__GAUGES_KEPT_MS ? costly_ms : FSM__GAUGES_KEPT_MS;
  const bool fresh = g->begun_ms != 0 && (g->walking || now_ms - g->begun_ms < kept_ms);
  if (fresh) fsm_buf_add(out, g->text.data, g->text.len);
  if (!fresh) g->walking = true, g->begun_ms = now_ms;
  pthread_mutex_unlock(&g->lock);
  return fresh;
}

/* A reader's thread. */
static void on_gauges(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  fsm__server *server = request->server;
  fsm__gauges *g = server->gauges;
  fsm_buf text = {0};
  if (!err) fsm__metrics_gauges(&text, document);
  const bool whole = !err && fsm_buf_ok(&text);
  pthread_mutex_lock(&g->lock);
  g->walking = false;
  if (whole) {
    g->took_ms = fsm__steady_ms() - g->begun_ms;
    fsm_buf_free(&g->text);
    g->text = text;
    fsm_buf_add(&request->out, text.data, text.len);
  }
  pthread_mutex_unlock(&g->lock);
  if (!whole) fsm_buf_free(&text);
  if (err)
    fsm__problem(request, err, 0, NULL);
  else if (!whole || !fsm_buf_ok(&request->out))
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
  fsm__request_finish(request);
}

static void give_up(fsm__gauges *g) {
  pthread_mutex_lock(&g->lock);
  g->walking = false;
  pthread_mutex_unlock(&g->lock);
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
  fsm__metrics_family(out, "fsm_up", "gauge", "1: commands are taken.");
  fsm__metrics_line(out, "fsm_up", NULL, NULL, 1);
  fsm__metrics_family(out, "fsm_build_info", "gauge", "Always 1.");
  fsm__metrics_line(out, "fsm_build_info", "version", FSM_VERSION, 1);
  fsm__metrics_runtime(out, server->runtime);
  fsm__metrics_process(out, server->loop);
  fsm__metrics_sinks(out, request);
  if (add_kept(g, out)) {
    if (!fsm_buf_ok(out)) fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
    return true;
  }
  const fsm_query query = {.kind = FSM_QUERY_GAUGES};
  if (fsm_read(server->runtime, &query, on_gauges, request, &err) == FSM_OK) return false;
  give_up(g);
  fsm__problem(request, &err, 0, NULL);
  return true;
}
