/* access.h: who may do what, whatever carried the request: asked by routes.c before the row is served.
 *
 * Each of them is true when it may. Else the answer is made, 403 not_permitted, and the refusal is counted in
 * the audit log with who, why and what (DESIGN 7). */
#ifndef FSM_DAEMON_ACCESS_H
#define FSM_DAEMON_ACCESS_H

#include "runtime/daemon/routes.h"

/* The unix socket is for the daemon's user, root, and those of --socket-users; asked before anything else. */
bool fsm__access_peer(fsm__server *server, fsm__request *request);
/* Is it an admin? Nothing is answered or counted: for what everyone may ask and admins are told more of. */
bool fsm__access_is_admin(const fsm__request *request);
/* Admin is denied by default; whom it is granted says the actor (auth.h). */
bool fsm__access_admin(fsm__server *server, fsm__request *request);
/* Definitions decide who may do what, so they are for admins; where nobody is asked for a token at all
 * (policy none: development), for everyone. */
bool fsm__access_deploy(fsm__server *server, fsm__request *request);

#endif
