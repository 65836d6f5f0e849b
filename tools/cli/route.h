/* route.h: a query as the path of the daemon's HTTP interface. */
#ifndef FSM_CLI_ROUTE_H
#define FSM_CLI_ROUTE_H

#include "runtime/fsm_runtime.h"

/* Appends path and query string, percent-encoded. */
void cli_route(fsm_buf *buf, const fsm_query *query);
/* "/v1/instances/REF" and then tail. */
void cli_route_instance(fsm_buf *buf, const char *ref, const char *tail);

#endif
