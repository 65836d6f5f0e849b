/* routes.h: the table of what is served, and what every request goes through before its row. */
#ifndef FSM_DAEMON_ROUTES_H
#define FSM_DAEMON_ROUTES_H

#include "runtime/daemon/http.h"
#include "runtime/daemon/sink_watch.h"
#include "runtime/daemon/target.h"
#include "runtime/publish.h"

typedef struct fsm__gauges fsm__gauges;

/* What requests are served from; lives as long as the loop. */
typedef struct fsm__server {
  fsm_runtime *runtime;
  fsm_publisher *publisher;     /* NULL = nothing is published */
  fsm__sink_watches watches;    /* of its sinks */
  struct fsm__streams *streams; /* of records */
  struct fsm__nats_api *nats;   /* NULL = not served */
  fsm__auth *auth;
  fsm__loop *loop;
  const fsm__log *log;
  fsm__gauges *gauges; /* metrics.c; NULL until asked for */
  bool verifying;      /* one at a time */
  unsigned asking;     /* threads that wait for sinks */
  unsigned reading;    /* large bodies that are read on other threads */
} fsm__server;

/* fsm__serve_fn of a server. */
bool fsm__routes_serve(void *server, fsm__request *request);

/* ---- the rows: each fills the answer (true) or hands the request on (false) ---- */

bool fsm__serve_deploy(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_start(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_send(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_admin(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_batch(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_tasks(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_timers(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_task(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_claim(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_task_complete(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_task_fail(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_task_heartbeat(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_machines(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_machine(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_versions(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_retire(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_list(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_instance(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_events(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_why(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_cause(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_history(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_records(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_search(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_stuck(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_groups(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_actors(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_counts(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_stats(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_funnel(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_openapi(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_health(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_ready(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_routes(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_route(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_route_set(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_route_remove(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_route_test(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_sinks(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_sink_parked(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_sink_order(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_metrics(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_verify(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_db_stat(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_db_check(fsm__server *server, fsm__request *request, const fsm__target *target);
bool fsm__serve_db_backup(fsm__server *server, fsm__request *request, const fsm__target *target);

void fsm__gauges_free(fsm__gauges *gauges); /* NULL is fine */

/* How the sinks are now, into request->sinks; on the loop's thread. */
FSM_MUST_USE fsm_code fsm__sinks_seen(fsm__server *server, fsm__request *request, fsm_error *err);

/* Has the refusal counted in the audit log; text is what may be said of it. */
void fsm__note_refusal(fsm__server *server, const fsm__request *request, fsm_code code, fsm_buf *text);

#endif
