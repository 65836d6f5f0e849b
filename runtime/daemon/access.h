/* access.h: who may administer: asked by routes.c for rows of who = ADMIN, whatever carried the request.
 *
 * Admin is denied by default: the unix socket and, by its peer credentials, the daemon's user or root. */
#ifndef FSM_DAEMON_ACCESS_H
#define FSM_DAEMON_ACCESS_H

#include "runtime/daemon/routes.h"

/* True when the request's actor may. Else its answer is made: 403 not_permitted, counted in the audit log. */
bool fsm__access_admin(fsm__server *server, fsm__request *request);

#endif
