/* serve_health.c: is it well: /healthz. */
#include <string.h>

#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"

static fsm_code sink_view(fsm_arena *arena, const fsm__sink_seen *sink, fsm_value *out, fsm_error *err) {
  enum { MEMBERS = 9 };
  const fsm_sink_status *status = &sink->status;
  fsm_pair *pairs = fsm_arena_alloc(arena, MEMBERS * sizeof *pairs);
  if (!pairs) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the answer");
  size_t n = 0;
  pairs[n++] = (fsm_pair){fsm_string("name"), fsm_string(status->name)};
  pairs[n++] = (fsm_pair){fsm_string("status"), fsm_string(fsm__sink_state_name(sink->state))};
  pairs[n++] = (fsm_pair){fsm_string("connected"), fsm_bool(status->connected)};
  pairs[n++] = (fsm_pair){fsm_string("lag"), fsm_uint(fsm__sink_lag(status))};
  pairs[n++] = (fsm_pair){fsm_string("seq"), fsm_uint(status->seq)};
  pairs[n++] = (fsm_pair){fsm_string("durable_seq"), fsm_uint(status->durable_seq)};
  pairs[n++] = (fsm_pair){fsm_string("published"), fsm_uint(status->published)};
  pairs[n++] = (fsm_pair){fsm_string("retries"), fsm_uint(status->retries)};
  pairs[n++] =
      (fsm_pair){fsm_string("last_error"), *status->last_error ? fsm_string(status->last_error) : fsm_null()};
  return fsm_map(pairs, n, out, err);
}

/* The daemon's own status stands unless a sink is not well. Sinks that are not configured are not ours. */
static fsm_code health_view(fsm__request *request, const fsm_value *document, fsm_value *out,
                            fsm_error *err) {
  fsm_value *sinks = fsm_arena_zalloc(&request->arena, request->sink_count + 1, sizeof *sinks), more;
  if (!sinks) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the answer");
  fsm_code code = FSM_OK;
  size_t n = 0;
  bool degraded = false;
  for (size_t i = 0; i < request->sink_count && code == FSM_OK; i++) {
    if (request->sinks[i].state == FSM__SINK_GONE) continue;
    degraded |= request->sinks[i].state != FSM__SINK_OK;
    code = sink_view(&request->arena, &request->sinks[i], &sinks[n++], err);
  }
  fsm_pair pairs[3] = {{fsm_string("version"), fsm_string(FSM_VERSION)},
                       {fsm_string("sinks"), fsm_list(sinks, n)},
                       {fsm_string("status"), fsm_string("degraded")}};
  if (code == FSM_OK) code = fsm_map(pairs, degraded ? 3 : 2, &more, err);
  if (code == FSM_OK) code = fsm_map_merge(&request->arena, document, &more, out);
  if (code != FSM_OK) return fsm_fail(err, code, NULL, "the answer cannot be shown");
  fsm__answer_document(request, 200, out);
  return FSM_OK;
}

static void on_health(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  fsm_error fault = {0};
  fsm_value whole;
  if (err)
    fsm__problem(request, err, 0, NULL);
  else if (health_view(request, document, &whole, &fault) != FSM_OK)
    fsm__problem(request, &fault, 0, NULL);
  fsm__request_finish(request);
}

bool fsm__serve_health(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  /* Asked for here, not on the reader's thread, which must not wait for the publisher's lock. */
  if (fsm__sinks_seen(server, request, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  fsm_query query = {.kind = FSM_QUERY_HEALTH};
  if (fsm_read(server->runtime, &query, on_health, request, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}
