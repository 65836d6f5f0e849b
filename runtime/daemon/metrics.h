/* metrics.h: figures as Prometheus reads them: text format 0.0.4. A family is begun once, then has a line for
 * each thing that it is of. Names are ours; what labels say is escaped. */
#ifndef FSM_DAEMON_METRICS_H
#define FSM_DAEMON_METRICS_H

#include "fsm/fsm.h"

#define FSM__METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* type: "gauge" or "counter" (whose name ends with _total). */
void fsm__metrics_family(fsm_buf *out, const char *name, const char *type, const char *help);
/* label NULL: none. */
void fsm__metrics_line(fsm_buf *out, const char *name, const char *label, const char *text, double value);

#endif
