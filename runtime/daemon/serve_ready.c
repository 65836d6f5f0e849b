/* serve_ready.c: may work be sent here: GET /readyz, 200 or 503.
 *
 * A check is ok, degraded (told, and work goes on) or failing (commands are refused or would wait: 503).
 * Sinks and NATS stop no command, so they only degrade; unless they hold the journal, and commands are
 * refused for it. */
#include <string.h>

#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"

#define STALLED_NS (INT64_C(5) * 1000000000) /* the writer turns once a second */
#define FREE_BYTES (INT64_C(256) * 1024 * 1024)
#define BEHIND_ROWS INT64_C(1000000)

typedef enum verdict { FINE, DEGRADED, FAILING } verdict;

typedef struct checks {
  fsm_arena *arena;
  fsm_value items[8];
  size_t count;
  verdict worst;
  bool failed;
} checks;

static const char *const names[] = {"ok", "degraded", "failing"};

static void add(checks *c, const char *name, verdict is, const char *detail) {
  fsm_pair *pairs = fsm_arena_alloc(c->arena, 3 * sizeof *pairs);
  FSM_ASSERT(c->count < sizeof c->items / sizeof *c->items);
  if (is > c->worst) c->worst = is;
  if (!pairs) {
    c->failed = true;
    return;
  }
  pairs[0] = (fsm_pair){fsm_string("name"), fsm_string(name)};
  pairs[1] = (fsm_pair){fsm_string("status"), fsm_string(names[is])};
  if (detail) pairs[2] = (fsm_pair){fsm_string("detail"), fsm_string(detail)};
  if (fsm_map(pairs, detail ? 3 : 2, &c->items[c->count++], NULL) != FSM_OK) c->failed = true;
}

static int64_t number(const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  return value && fsm_is(value, FSM_INT) ? value->i : 0;
}

static bool refuses(const fsm_value *document, fsm_code code) {
  const fsm_value *refusing = fsm_map_get(document, "refusing");
  return refusing && fsm_is_text(refusing, fsm_code_name(code));
}

static void check_disk(checks *c, const fsm_value *document) {
  const int64_t turn_ns = number(document, "turn_ns"), free_bytes = number(document, "free_bytes");
  const char *left =
      fsm_arena_printf(c->arena, "%lld MiB are free on the disk", (long long)(free_bytes >> 20));
  if (refuses(document, FSM_EFULL))
    add(c, "disk", FAILING,
        "there is no room on the disk or in the store (--store-bytes-max): commands are refused until there "
        "is");
  else if (refuses(document, FSM_EIO))
    add(c, "disk", FAILING, "the disk failed: commands are refused");
  else if (turn_ns > STALLED_NS)
    add(c, "disk", FAILING,
        fsm_arena_printf(c->arena, "the writer has waited for the disk for %lld s",
                         (long long)(turn_ns / 1000000000)));
  else
    add(c, "disk", free_bytes < FREE_BYTES ? DEGRADED : FINE, left);
}

static void check_store(checks *c, const fsm_value *document) {
  const int64_t lag = number(document, "lag");
  const char *text = fsm_arena_printf(c->arena, "%lld records behind the journal, map of %lld MiB",
                                      (long long)lag, (long long)(number(document, "map_bytes") >> 20));
  if (refuses(document, FSM_EBUSY))
    add(c, "store", FAILING, "the store is behind the journal: commands are refused until it has caught up");
  else
    add(c, "store", lag > BEHIND_ROWS ? DEGRADED : FINE, text);
}

/* Sinks that are not configured are not ours. *nats: is there one that is NATS, and is it connected? */
static void check_sinks(checks *c, const fsm__request *request, const fsm_value *document) {
  size_t configured = 0, bad = 0;
  bool nats = false, away = false;
  const char *first = "";
  for (size_t i = 0; i < request->sink_count; i++) {
    const fsm__sink_seen *sink = &request->sinks[i];
    if (sink->state == FSM__SINK_GONE) continue;
    configured++;
    if (strcmp(sink->status.kind, "nats") == 0) nats = true, away = away || !sink->status.connected;
    if (sink->state == FSM__SINK_OK) continue;
    if (bad++ == 0)
      first = fsm_arena_printf(c->arena, ": %s is %s", sink->status.name, fsm__sink_state_name(sink->state));
  }
  const char *text = fsm_arena_printf(c->arena, "%zu of %zu are well%s", configured - bad, configured, first);
  if (refuses(document, FSM_EQUOTA))
    add(c, "sinks", FAILING,
        "a sink is too far behind what the journal may keep for it: commands are refused");
  else
    add(c, "sinks", bad > 0 ? DEGRADED : FINE, text);
  if (nats) add(c, "nats", away ? DEGRADED : FINE, away ? "not connected; it is tried for ever" : NULL);
}

static void answer(fsm__request *request, const fsm_value *document) {
  fsm_error err = {0};
  fsm_value out;
  checks c = {.arena = &request->arena};
  add(&c, "replayed", FINE, NULL); /* nothing is served before */
  check_disk(&c, document);
  check_store(&c, document);
  check_sinks(&c, request, document);
  fsm_pair pairs[] = {{fsm_string("status"), fsm_string(names[c.worst])},
                      {fsm_string("checks"), fsm_list(c.items, c.count)}};
  if (c.failed)
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
  else if (fsm_map(pairs, 2, &out, &err) != FSM_OK)
    fsm__problem(request, &err, 0, NULL);
  else
    fsm__answer_document(request, c.worst == FAILING ? 503 : 200, &out);
}

static void on_health(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  if (err)
    fsm__problem(request, err, 503, NULL);
  else
    answer(request, document);
  fsm__request_finish(request);
}

bool fsm__serve_ready(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  const fsm_query query = {.kind = FSM_QUERY_HEALTH};
  if (fsm__sinks_seen(server, request, &err) == FSM_OK &&
      fsm_read(server->runtime, &query, on_health, request, &err) == FSM_OK)
    return false;
  fsm__problem(request, &err, 503, NULL);
  return true;
}
