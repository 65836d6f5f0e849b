/* access.c: who may do what, and what becomes of those who may not. */
#include "runtime/daemon/access.h"

#include "runtime/daemon/problem.h"

/* what: the request, as far as a record may tell it. */
static bool refuse(fsm__server *server, fsm__request *request, const char *why, const char *told) {
  fsm_buf text = {0};
  fsm_buf_printf(&text, "%s %s: %s", request->method, request->target, why);
  fsm__note_refusal(server, request, FSM_EPERMISSION, &text);
  fsm_buf_free(&text);
  fsm__problem_make(request, FSM_EPERMISSION, 0, NULL, "%s", told);
  return false;
}

bool fsm__access_peer(fsm__server *server, fsm__request *request) {
  if (fsm__auth_knows(server->auth, &request->peer)) return true;
  const char *why =
      fsm_arena_printf(&request->arena, "uid %u is not among the users of the socket", request->peer.uid);
  return refuse(server, request, why ? why : "a user who is not among those of the socket",
                "this user may not use the socket; the daemon's --socket-users says who may");
}

bool fsm__access_is_admin(const fsm__request *request) {
  const fsm_value *admin = fsm_map_get(&request->actor, "admin");
  return admin && fsm_is(admin, FSM_BOOL) && admin->b;
}

bool fsm__access_admin(fsm__server *server, fsm__request *request) {
  if (fsm__access_is_admin(request)) return true;
  return refuse(
      server, request, "who asks is no admin",
      "this is for admins: a token for the audience of admins, or the unix socket, without a token, as "
      "the daemon's user or root");
}

bool fsm__access_deploy(fsm__server *server, fsm__request *request) {
  return request->policy == FSM__AUTH_NONE || fsm__access_admin(server, request);
}
