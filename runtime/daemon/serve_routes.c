/* serve_routes.c: which records go to which sinks: routes are listed, set, removed, and tried on records that
 * there are. */
#include "runtime/daemon/access.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_command.h"
#include "runtime/daemon/serve_query.h"

/* ---- changing ------------------------------------------------------------------------------------- */

static bool refuse(fsm__request *request, const fsm_error *err) {
  fsm__problem(request, err, 0, NULL);
  return true;
}

bool fsm__serve_route_set(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_ROUTE_SET);
  const fsm__body_member members[] = {
      {"route", FSM__BODY_MAP, true, &command.data},
      {"reason", FSM__BODY_TEXT, true, &command.reason},
  };
  if (fsm__headers_to_command(request, false, true, &command, &err) != FSM_OK ||
      fsm__body_read(request, members, sizeof members / sizeof *members, &err) != FSM_OK)
    return refuse(request, &err);
  command.name = target->segments[2];
  return fsm__serve_submit(server, request, &command);
}

bool fsm__serve_route_remove(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_ROUTE_REMOVE);
  if (fsm__headers_to_command(request, false, true, &command, &err) != FSM_OK) return refuse(request, &err);
  command.name = target->segments[2];
  command.reason = fsm__target_param(target, "reason");
  return fsm__serve_submit(server, request, &command);
}

/* ---- reading -------------------------------------------------------------------------------------- */

bool fsm__serve_routes(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return fsm__serve_ask(server, request, &(fsm_query){.kind = FSM_QUERY_ROUTES}, fsm__serve_document);
}

bool fsm__serve_route(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target,
                         (fsm_query){.kind = FSM_QUERY_ROUTES, .ref = target->segments[2]},
                         fsm__serve_document);
}

bool fsm__serve_route_test(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  fsm_query query = {.kind = FSM_QUERY_ROUTE_TEST, .whole = fsm__access_is_admin(request)};
  fsm_value limit = fsm_null();
  const fsm__body_member members[] = {
      {"route", FSM__BODY_MAP, true, &query.route},
      {"after", FSM__BODY_TEXT, false, &query.after},
      {"limit", FSM__BODY_ANY, false, &limit},
  };
  if (fsm__body_read(request, members, sizeof members / sizeof *members, &err) != FSM_OK)
    return refuse(request, &err);
  if (!fsm_is(&limit, FSM_NULL)) {
    if (!fsm_is(&limit, FSM_INT) || limit.i < 1 || limit.i > FSM_PAGE_MAX) {
      fsm__problem_make(request, FSM_EARGUMENT, 0, "/limit", "limit is a number from 1 to %d", FSM_PAGE_MAX);
      return true;
    }
    query.limit = (unsigned)limit.i;
  }
  return fsm__serve_ask(server, request, &query, fsm__serve_document);
}
