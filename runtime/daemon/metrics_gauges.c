/* metrics_gauges.c: how all instances stand, from the document of FSM_QUERY_GAUGES. */
#include "runtime/daemon/metrics.h"
#include "runtime/meters.h"

static double number(const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  if (value && fsm_is(value, FSM_INT)) return (double)value->i;
  return value && fsm_is(value, FSM_DOUBLE) ? value->d : 0;
}

static void line(fsm_buf *out, const char *name, const char *help, double value) {
  fsm__metrics_family(out, name, "gauge", help);
  fsm__metrics_line(out, name, NULL, NULL, value);
}

static void put_due(fsm_buf *out, const fsm_value *document) {
  line(out, "fsm_timers", "Timers that are set.", number(document, "timers"));
  line(out, "fsm_timers_overdue", "Of these, due for more than a minute.", number(document, "timers_late"));
  fsm__metrics_family(out, "fsm_tasks", "gauge", "Open tasks, by what they wait for.");
  fsm__metrics_line(out, "fsm_tasks", "state", "waiting", number(document, "tasks_waiting"));
  fsm__metrics_line(out, "fsm_tasks", "state", "running", number(document, "tasks_running"));
  line(out, "fsm_tasks_overdue", "Tasks that nobody took, or that are out of time, for more than a minute.",
       number(document, "tasks_late"));
  line(out, "fsm_messages", "Events on their way to other instances.", number(document, "messages"));
  line(out, "fsm_messages_overdue", "Of these, due for more than a minute.",
       number(document, "messages_late"));
  line(out, "fsm_incidents", "Instances parked, with a reason.", number(document, "incidents"));
}

/* ---- states --------------------------------------------------------------------------------------- */

static void put_histogram(fsm_buf *out, const char *name, const fsm_value *state, const char *counts_name,
                          const char *sum_name) {
  const fsm_value *counts = fsm_map_get(state, counts_name), *machine = fsm_map_get(state, "machine"),
                  *path = fsm_map_get(state, "state");
  uint64_t numbers[FSM_DWELL_BUCKETS] = {0}, all = 0;
  for (unsigned i = 0; i < FSM_DWELL_BUCKETS && i < counts->len; i++)
    all += numbers[i] = (uint64_t)counts->items[i].i;
  if (all == 0) return;
  const fsm__metrics_spans spans = {numbers, fsm__dwell_bounds_ns, FSM_DWELL_BUCKETS,
                                    number(state, sum_name)};
  fsm__metrics_histogram(out, name, "machine", machine->s, "state", path->s, &spans);
}

static bool is_final(const fsm_value *state) {
  const fsm_value *final = fsm_map_get(state, "final");
  return final && fsm_is(final, FSM_BOOL) && final->b;
}

void fsm__metrics_gauges(fsm_buf *out, const fsm_value *document) {
  const fsm_value *states = fsm_map_get(document, "states"), *cut = fsm_map_get(document, "states_cut");
  put_due(out, document);
  line(out, "fsm_states_cut", "1: there are more states than are shown here.", cut->b);
  fsm__metrics_family(out, "fsm_instances", "gauge", "Instances in a state now, compound ones included.");
  for (unsigned i = 0; i < states->len; i++)
    fsm__metrics_line2(out, "fsm_instances", "machine", fsm_map_get(&states->items[i], "machine")->s, "state",
                       fsm_map_get(&states->items[i], "state")->s, number(&states->items[i], "count"));
  fsm__metrics_family(out, "fsm_state_dwell_seconds", "histogram",
                      "How long instances stood in a state, of those that left it since the start.");
  for (unsigned i = 0; i < states->len; i++)
    put_histogram(out, "fsm_state_dwell_seconds", &states->items[i], "left", "left_s");
  fsm__metrics_family(out, "fsm_state_age_seconds", "histogram",
                      "How long those have stood there that are in it now.");
  for (unsigned i = 0; i < states->len; i++)
    if (!is_final(&states->items[i]))
      put_histogram(out, "fsm_state_age_seconds", &states->items[i], "ages", "age_s");
}
