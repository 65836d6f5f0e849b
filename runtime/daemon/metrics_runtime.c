/* metrics_runtime.c: commands, records and how long they take; what waits; what is kept. */
#include "runtime/daemon/metrics.h"
#include "runtime/meters.h"

static void put_commands(fsm_buf *out, const fsm__meters *m, unsigned machines) {
  fsm__metrics_family(out, "fsm_commands_total", "counter",
                      "Commands decided since the start, by what became of them; machine \"\": of none, or "
                      "over the bound.");
  for (unsigned i = 0; i <= machines; i++)
    for (unsigned f = 0; f < FSM_FATE_COUNT; f++)
      fsm__metrics_line2(out, "fsm_commands_total", "machine", m->machines[i].name, "outcome",
                         fsm__fate_name((fsm__fate)f), (double)fsm__meter_get(&m->machines[i].commands[f]));
  fsm__metrics_family(out, "fsm_refusals_total", "counter", "Commands refused since the start, by reason.");
  for (unsigned c = FSM_OK + 1; c < FSM_CODE_COUNT; c++)
    if (fsm__meter_get(&m->refusals[c]) > 0)
      fsm__metrics_line(out, "fsm_refusals_total", "reason", fsm_code_name((fsm_code)c),
                        (double)fsm__meter_get(&m->refusals[c]));
}

static void put_records(fsm_buf *out, const fsm__meters *m, unsigned machines) {
  fsm__metrics_family(out, "fsm_transitions_total", "counter", "Transitions taken since the start.");
  for (unsigned i = 1; i <= machines; i++)
    fsm__metrics_line(out, "fsm_transitions_total", "machine", m->machines[i].name,
                      (double)fsm__meter_get(&m->machines[i].records[FSM_RECORD_TRANSITION]));
  fsm__metrics_family(out, "fsm_records_total", "counter", "Records written since the start.");
  for (unsigned i = 0; i <= machines; i++)
    for (unsigned k = 0; k < FSM_RECORD_KIND_COUNT; k++)
      if (fsm__meter_get(&m->machines[i].records[k]) > 0)
        fsm__metrics_line2(out, "fsm_records_total", "machine", m->machines[i].name, "kind",
                           fsm_record_kind_name((fsm_record_kind)k),
                           (double)fsm__meter_get(&m->machines[i].records[k]));
}

static void put_spans(fsm_buf *out, const char *name, const char *label, const char *text,
                      const fsm__span_meter *meter) {
  uint64_t counts[FSM_METER_BUCKETS];
  for (unsigned i = 0; i < FSM_METER_BUCKETS; i++) counts[i] = fsm__meter_get(&meter->buckets[i]);
  const fsm__metrics_spans spans = {counts, fsm__meter_bounds_ns, FSM_METER_BUCKETS,
                                    (double)fsm__meter_get(&meter->sum_ns) / 1e9};
  fsm__metrics_histogram(out, name, label, text, NULL, NULL, &spans);
}

static void put_stages(fsm_buf *out, const fsm__meters *m) {
  fsm__metrics_family(out, "fsm_stage_seconds", "histogram",
                      "decide: one command; sync: one batch onto the disk; commit: one round of the store; "
                      "answer: one command from its receipt to its answer.");
  for (unsigned s = 0; s < FSM_STAGE_COUNT; s++)
    put_spans(out, "fsm_stage_seconds", "stage", fsm__stage_name((fsm__stage)s), &m->stages[s]);
  fsm__metrics_family(out, "fsm_timer_late_seconds", "histogram", "How late timers fired.");
  put_spans(out, "fsm_timer_late_seconds", NULL, NULL, &m->timer_late);
}

static void gauge(fsm_buf *out, const char *name, const char *help, double value) {
  fsm__metrics_family(out, name, "gauge", help);
  fsm__metrics_line(out, name, NULL, NULL, value);
}

static void put_standing(fsm_buf *out, fsm_runtime *runtime) {
  fsm__standing now;
  fsm__runtime_standing(runtime, &now);
  gauge(out, "fsm_up", "1: commands are taken; 0: they are refused, for room or by a sink's hold.",
        now.refusing == FSM_OK);
  gauge(out, "fsm_seq", "Last durable record.", (double)now.seq);
  gauge(out, "fsm_queue_commands", "Commands that wait to be decided.", (double)now.queued);
  gauge(out, "fsm_store_lag_records", "Durable records that are not in the store's file yet.",
        (double)now.behind);
  gauge(out, "fsm_store_pending_bytes", "Rows in memory that are not in the store's file yet.",
        (double)now.pending_bytes);
  gauge(out, "fsm_store_map_bytes", "Size of the store's map; it grows when it is full.",
        (double)now.map_bytes);
  gauge(out, "fsm_store_used_bytes", "Of the map, used or free to be used again.", (double)now.used_bytes);
  gauge(out, "fsm_store_views", "Reads under way.", now.views);
  gauge(out, "fsm_store_oldest_reader_seconds", "How long the oldest of them has been open.",
        (double)now.oldest_view_ns / 1e9);
  gauge(out, "fsm_journal_bytes", "Size of all segments.", (double)now.journal_bytes);
  gauge(out, "fsm_journal_segments", "How many there are.", (double)now.segments);
  gauge(out, "fsm_journal_first_seq", "Oldest record that is still there.", (double)now.first_seq);
}

void fsm__metrics_runtime(fsm_buf *out, fsm_runtime *runtime) {
  const fsm__meters *m = fsm__runtime_meters(runtime);
  const unsigned machines = atomic_load_explicit(&m->machine_count, memory_order_acquire);
  put_commands(out, m, machines);
  put_records(out, m, machines);
  put_stages(out, m);
  put_standing(out, runtime);
}
