/* serve_sinks.c: the sinks, what they parked, and what is done to them: /v1/sinks.
 *
 * What is asked of a sink may wait for it, up to FSM_OUTBOX_ORDER_MS: on a thread of the pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"
#include "schema/json.h"

fsm_code fsm__sinks_seen(fsm__server *server, fsm__request *request, fsm_error *err) {
  fsm_sink_status *list = NULL;
  size_t count = 0;
  if (!server->publisher) return FSM_OK;
  fsm_code code = fsm_publisher_sinks(server->publisher, &list, &count, err);
  if (code != FSM_OK) return code;
  request->sinks = fsm_arena_zalloc(&request->arena, count + 1, sizeof *request->sinks);
  if (!request->sinks) code = fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the sinks");
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    const fsm__sink_watch none = {.seen = FSM__SINK_UNSEEN};
    const fsm__sink_watch *watch = fsm__sink_watch_of(&server->watches, list[i].name);
    request->sinks[i].status = list[i];
    request->sinks[i].state = fsm__sink_watch_state(watch ? watch : &none, &list[i], fsm__monotonic_ms());
  }
  request->sink_count = code == FSM_OK ? count : 0;
  free(list);
  return code;
}

/* ---- GET /v1/sinks -------------------------------------------------------------------------------- */

typedef struct members {
  fsm_arena *arena;
  fsm_pair pairs[32];
  size_t count;
} members;

static void put(members *m, const char *name, fsm_value value) {
  FSM_ASSERT(m->count < sizeof m->pairs / sizeof *m->pairs);
  m->pairs[m->count++] = (fsm_pair){fsm_string(name), value};
}

static fsm_value text_or_null(const char *text) { return *text ? fsm_string(text) : fsm_null(); }

static fsm_value time_or_null(fsm_arena *arena, int64_t ns) {
  char *text = ns != 0 ? fsm_arena_alloc(arena, 40) : NULL;
  if (!text) return fsm_null();
  fsm_time_format(ns, text, 40);
  return fsm_string(text);
}

static void put_figures(members *m, const fsm_sink_status *s) {
  put(m, "seq", fsm_uint(s->seq));
  put(m, "sent_seq", fsm_uint(s->sent_seq));
  put(m, "settled_seq", fsm_uint(s->settled_seq));
  put(m, "durable_seq", fsm_uint(s->durable_seq));
  put(m, "lag", fsm_uint(s->lag));
  put(m, "lag_ms", fsm_int(s->lag_ns / 1000000));
  put(m, "rate", fsm_double(s->rate));
  put(m, "published", fsm_uint(s->published));
  put(m, "skipped", fsm_uint(s->skipped));
  put(m, "repaired", fsm_uint(s->repaired));
  put(m, "retries", fsm_uint(s->retries));
  put(m, "parked", fsm_uint(s->parked));
  put(m, "where_faults", fsm_uint(s->where_faults));
  put(m, "budget_percent", fsm_uint(s->budget_percent));
}

static fsm_code view(fsm_arena *arena, const fsm__sink_seen *sink, fsm_value *out, fsm_error *err) {
  members *m = fsm_arena_zalloc(arena, 1, sizeof *m);
  const fsm_sink_status *s = &sink->status;
  if (!m) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the answer");
  put(m, "name", fsm_string(s->name));
  put(m, "kind", text_or_null(s->kind));
  put(m, "format", text_or_null(s->format));
  put(m, "records", fsm_string(s->routed ? "routed" : "all"));
  put(m, "status", fsm_string(fsm__sink_state_name(sink->state)));
  put(m, "configured", fsm_bool(s->configured));
  put(m, "connected", fsm_bool(s->connected));
  put(m, "spilled", fsm_bool(s->spilled));
  put_figures(m, s);
  put(m, "failing_since", time_or_null(arena, s->failing_since_ns));
  put(m, "last_ok", time_or_null(arena, s->last_ok_ns));
  put(m, "last_error", text_or_null(s->last_error));
  return fsm_map(m->pairs, m->count, out, err);
}

bool fsm__serve_sinks(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  fsm_value document;
  fsm_code code = fsm__sinks_seen(server, request, &err);
  fsm_value *items =
      code == FSM_OK ? fsm_arena_zalloc(&request->arena, request->sink_count + 1, sizeof *items) : NULL;
  if (code == FSM_OK && !items) code = fsm_fail(&err, FSM_ENOMEM, NULL, "no memory for the answer");
  for (size_t i = 0; code == FSM_OK && i < request->sink_count; i++)
    code = view(&request->arena, &request->sinks[i], &items[i], &err);
  fsm_pair pairs[] = {{fsm_string("items"), fsm_list(items, request->sink_count)},
                      {fsm_string("next"), fsm_null()}};
  if (code == FSM_OK) code = fsm_map(pairs, 2, &document, &err);
  if (code == FSM_OK)
    fsm__answer_document(request, 200, &document);
  else
    fsm__problem(request, &err, 0, NULL);
  return true;
}

/* ---- what waits for a sink ------------------------------------------------------------------------ */

static fsm_code parked(fsm__server *server, fsm__request *request, fsm_value *out, fsm_error *err) {
  return fsm_publisher_parked(server->publisher, request->asked->segments[2], &request->arena, out, err);
}

static const char *const orders[] = {"retry", "resend", "park", "drop", "clear", "forget"};

static fsm_code read_seq(const fsm_value *value, const char *where, uint64_t *out, fsm_error *err) {
  if (fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_INT) || value->i < 1)
    return fsm_fail(err, FSM_EMALFORMED, where, "expected the number of a record, from 1");
  *out = (uint64_t)value->i;
  return FSM_OK;
}

static fsm_code read_order(fsm__request *request, fsm_sink_order *order, fsm_error *err) {
  const char *what = NULL;
  fsm_value from = fsm_null(), to = fsm_null();
  const fsm__body_member body[] = {{"what", FSM__BODY_TEXT, true, &what},
                                   {"from", FSM__BODY_ANY, false, &from},
                                   {"to", FSM__BODY_ANY, false, &to},
                                   {"reason", FSM__BODY_TEXT, true, &order->reason}};
  fsm_code code = fsm__body_read(request, body, sizeof body / sizeof *body, err);
  if (code == FSM_OK) code = read_seq(&from, "/from", &order->from, err);
  if (code == FSM_OK) code = read_seq(&to, "/to", &order->to, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    if (strcmp(orders[i], what) != 0) continue;
    order->what = (fsm_sink_what)i;
    return FSM_OK;
  }
  return fsm_fail(err, FSM_EARGUMENT, "/what", "expected retry, resend, park, drop, clear or forget");
}

static fsm_code carry_out(fsm__server *server, fsm__request *request, fsm_value *out, fsm_error *err) {
  fsm_sink_order order = {.sink = request->asked->segments[2], .actor = &request->actor};
  uint64_t count = 0;
  fsm_code code = read_order(request, &order, err);
  if (code == FSM_OK) code = fsm_publisher_order(server->publisher, &order, &count, err);
  if (code != FSM_OK) return code;
  fsm_pair *pairs = fsm_arena_alloc(&request->arena, 3 * sizeof *pairs);
  if (!pairs) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the answer");
  pairs[0] = (fsm_pair){fsm_string("sink"), fsm_string(order.sink)};
  pairs[1] = (fsm_pair){fsm_string("what"), fsm_string(orders[order.what])};
  pairs[2] = (fsm_pair){fsm_string("records"), fsm_uint(count)};
  return fsm_map(pairs, 3, out, err);
}

static void answer(fsm__request *request,
                   fsm_code (*fn)(fsm__server *, fsm__request *, fsm_value *, fsm_error *)) {
  fsm_error err = {0};
  fsm_value document;
  if (fn(request->server, request, &document, &err) == FSM_OK)
    fsm__answer_document(request, 200, &document);
  else
    fsm__problem(request, &err, 0, NULL);
}

static void do_parked(void *request) { answer(request, parked); }
static void do_order(void *request) { answer(request, carry_out); }

static void on_done(void *arg) {
  fsm__request *request = arg;
  ((fsm__server *)request->server)->asking--;
  fsm__request_finish(request);
}

/* At most ASKING_MAX threads of the pool wait for sinks. */
static bool begin(fsm__server *server, fsm__request *request, const fsm__target *target,
                  void (*work)(void *request)) {
  enum { ASKING_MAX = 2 };
  fsm_error err = {0};
  fsm_code code = FSM_OK;
  request->asked = target;
  if (!server->publisher)
    code = fsm_fail(&err, FSM_ENOTFOUND, "path", "nothing is published: there is no --nats and no --sinks");
  else if (server->asking == ASKING_MAX)
    code = fsm_fail(&err, FSM_EBUSY, NULL, "others are asking the sinks just now; try again");
  else
    code = fsm__loop_work(server->loop, work, on_done, request, &err);
  if (code == FSM_OK) return server->asking++, false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__serve_sink_parked(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return begin(server, request, target, do_parked);
}

bool fsm__serve_sink_order(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return begin(server, request, target, do_order);
}
