/* metrics.h: the daemon's /metrics, read: what it counts and how it stands, in one short request. */
#ifndef FSM_CLI_METRICS_H
#define FSM_CLI_METRICS_H

#include "tools/cli/source.h"

typedef struct cli_metric {
  const char *name;
  const char *labels; /* `machine="door",state="open"`, "" without */
  double value;
} cli_metric;

typedef struct cli_metrics {
  const cli_metric *items;
  size_t count;
} cli_metrics;

/* Text in the exposition format; lines that are none are passed over. */
FSM_MUST_USE fsm_code cli_metrics_parse(const char *text, fsm_arena *arena, cli_metrics *out, fsm_error *err);
/* Of a running daemon. */
FSM_MUST_USE fsm_code cli_metrics_get(cli_source *source, fsm_arena *arena, cli_metrics *out, fsm_error *err);

/* The sum over all labels; 0 when there is none. */
double cli_metric_sum(const cli_metrics *metrics, const char *name);
/* The sum over those with such a label. */
double cli_metric_of(const cli_metrics *metrics, const char *name, const char *label, const char *value);
/* The value of a label, unescaped; NULL when it has none. */
const char *cli_metric_label(const cli_metric *metric, const char *label, fsm_arena *arena);

#endif
