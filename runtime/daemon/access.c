/* access.c: who may administer, and what becomes of those who may not. */
#include "runtime/daemon/access.h"

#include <unistd.h>

#include "runtime/daemon/problem.h"

/* Where a backup is written, which audit records go where, and what is given up of them: until there are
 * roles, only for who could change the files themselves. */
bool fsm__access_admin(fsm__server *server, fsm__request *request) {
  const fsm__peer peer = request->peer;
  if (peer.local && (peer.uid == geteuid() || peer.uid == 0)) return true;
  fsm_buf text = {0};
  fsm_buf_printf(&text, "%s %s: only on the unix socket, by the daemon's user or root", request->method,
                 request->target);
  fsm__note_refusal(server, request, FSM_EPERMISSION, &text);
  fsm_buf_free(&text);
  fsm__problem_make(request, FSM_EPERMISSION, 0, NULL,
                    "this is done on the unix socket only, by the daemon's user or root");
  return false;
}
