/* metrics.h: figures as Prometheus reads them: text format 0.0.4. A family is begun once, then has a line for
 * each thing that it is of. Names are ours, in base units (seconds, bytes); what labels say is escaped.
 *
 * Most are counters of runtime/meters.h and gauges that cost nothing to read. How all instances stand is a
 * walk over them: its text is kept for 5 s, and for 20 times as long as the walk took, so that nobody who
 * asks often takes more than a twentieth of one reader thread. */
#ifndef FSM_DAEMON_METRICS_H
#define FSM_DAEMON_METRICS_H

#include "runtime/daemon/routes.h"

#define FSM__METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
enum { FSM__GAUGES_KEPT_MS = 5000, FSM__GAUGES_COST = 20 };

/* ---- text (metrics_text.c) ---- */

/* type: "gauge", "histogram", or "counter" (whose name ends with _total). */
void fsm__metrics_family(fsm_buf *out, const char *name, const char *type, const char *help);
/* label NULL: none. */
void fsm__metrics_line(fsm_buf *out, const char *name, const char *label, const char *text, double value);
/* Two labels; the second one's name NULL: one. */
void fsm__metrics_line2(fsm_buf *out, const char *name, const char *label, const char *text,
                        const char *label2, const char *text2, double value);
/* Counts by bucket become cumulated ones with the bounds (one fewer than buckets), sum and count. */
typedef struct fsm__metrics_spans {
  const uint64_t *counts;
  const int64_t *bounds_ns;
  unsigned buckets;
  double sum_s;
} fsm__metrics_spans;
void fsm__metrics_histogram(fsm_buf *out, const char *name, const char *label, const char *text,
                            const char *label2, const char *text2, const fsm__metrics_spans *spans);

/* ---- parts ---- */

void fsm__metrics_sinks(fsm_buf *out, const fsm__request *request);
/* Commands, records, stages, queue, store, journal. */
void fsm__metrics_runtime(fsm_buf *out, fsm_runtime *runtime);
/* CPU, memory, files of this process, and how late the loop is. */
void fsm__metrics_process(fsm_buf *out, const fsm__loop *loop);
/* Of the API over NATS; NULL: nothing. */
void fsm__metrics_nats(fsm_buf *out, struct fsm__nats_api *api);
/* The document of FSM_QUERY_GAUGES. */
void fsm__metrics_gauges(fsm_buf *out, const fsm_value *document);

#endif
