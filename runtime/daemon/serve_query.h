/* serve_query.h: between the files of rows: requests that read. */
#ifndef FSM_DAEMON_SERVE_QUERY_H
#define FSM_DAEMON_SERVE_QUERY_H

#include "runtime/daemon/routes.h"

/* Reads the row's parameters (machine state status service instance key for limit after version) into the
 * query and hands it on: false. What the query has already stands. True: the problem is made. */
bool fsm__serve_read(fsm__server *server, fsm__request *request, const fsm__target *target, fsm_query query,
                     fsm_document_fn fn);
/* Hands a query on that is complete: false. True: the problem is made. */
bool fsm__serve_ask(fsm__server *server, fsm__request *request, const fsm_query *query, fsm_document_fn fn);
/* fsm_document_fn of a request: the document is its answer, with status 200. */
void fsm__serve_document(void *request, const fsm_value *document, const fsm_error *err);

#endif
