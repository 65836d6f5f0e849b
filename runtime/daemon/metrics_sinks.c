/* metrics_sinks.c: what is told of each sink. */
#include "runtime/daemon/metrics.h"

typedef struct family {
  const char *name, *type, *help;
  double (*value)(const fsm_sink_status *s);
} family;

static double up(const fsm_sink_status *s) { return s->connected && !s->halted && s->failing_since_ns == 0; }
static double halted(const fsm_sink_status *s) { return s->halted; }
static double configured(const fsm_sink_status *s) { return s->configured; }
static double lag(const fsm_sink_status *s) { return (double)s->lag; }
static double lag_seconds(const fsm_sink_status *s) { return (double)s->lag_ns / 1e9; }
static double rate(const fsm_sink_status *s) { return s->rate; }
static double published(const fsm_sink_status *s) { return (double)s->published; }
static double skipped(const fsm_sink_status *s) { return (double)s->skipped; }
static double repaired(const fsm_sink_status *s) { return (double)s->repaired; }
static double retries(const fsm_sink_status *s) { return (double)s->retries; }
static double where_faults(const fsm_sink_status *s) { return (double)s->where_faults; }
static double parked(const fsm_sink_status *s) { return (double)s->parked; }
static double seq(const fsm_sink_status *s) { return (double)s->seq; }
static double settled(const fsm_sink_status *s) { return (double)s->settled_seq; }
static double budget(const fsm_sink_status *s) { return s->budget_percent; }
static double spilled(const fsm_sink_status *s) { return s->spilled; }
static double last_ok(const fsm_sink_status *s) { return (double)s->last_ok_ns / 1e9; }

/* clang-format off */
static const family families[] = {
  {"fsm_sink_up", "gauge", "1: it takes records.", up},
  {"fsm_sink_halted", "gauge", "1: a fault that trying again does not mend.", halted},
  {"fsm_sink_configured", "gauge", "0: it was configured once, and its cursor holds the journal.", configured},
  {"fsm_sink_lag_records", "gauge", "Records that are durable and not acknowledged.", lag},
  {"fsm_sink_lag_seconds", "gauge", "Age of the oldest record that is not acknowledged.", lag_seconds},
  {"fsm_sink_rate", "gauge", "Records acknowledged a second, over the last 10 s.", rate},
  {"fsm_sink_published_total", "counter", "Records acknowledged since the start.", published},
  {"fsm_sink_skipped_total", "counter", "Records that were not for it, since the start.", skipped},
  {"fsm_sink_repaired_total", "counter", "Records given again, since the start.", repaired},
  {"fsm_sink_retries_total", "counter", "Times that it was prepared again, since the start.", retries},
  {"fsm_sink_where_faults_total", "counter", "Expressions that failed on a record, since the start.", where_faults},
  {"fsm_sink_parked_records", "gauge", "Records parked: rejected for what they are.", parked},
  {"fsm_sink_seq", "gauge", "Record up to which all are acknowledged.", seq},
  {"fsm_sink_settled_seq", "gauge", "Record up to which all are on the disk of the other side.", settled},
  {"fsm_sink_budget_percent", "gauge", "Used of what the journal keeps for it; 0: no limit.", budget},
  {"fsm_sink_spilled", "gauge", "1: over its budget, fed from the archive.", spilled},
  {"fsm_sink_last_success_timestamp_seconds", "gauge", "When it acknowledged last; 0: not yet.", last_ok},
};
/* clang-format on */

void fsm__metrics_sinks(fsm_buf *out, const fsm__request *request) {
  for (size_t f = 0; request->sink_count > 0 && f < sizeof families / sizeof *families; f++) {
    fsm__metrics_family(out, families[f].name, families[f].type, families[f].help);
    for (size_t i = 0; i < request->sink_count; i++)
      fsm__metrics_line(out, families[f].name, "sink", request->sinks[i].status.name,
                        families[f].value(&request->sinks[i].status));
  }
}
