/* serve_routes.c: which records go to which sinks: routes are listed, set, removed, and tried on records that
 * there are. */
#include <string.h>

#include "runtime/daemon/access.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"

/* ---- changing ------------------------------------------------------------------------------------- */

static void on_answer(void *arg, const fsm_answer *answer) {
  fsm__request *request = arg;
  fsm_value document;
  if (answer->error.code != FSM_OK) {
    fsm__problem(request, &answer->error, 0, &answer->detail);
  } else if (fsm_answer_view(&request->arena, answer, &document) != FSM_OK) {
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "the answer cannot be shown");
  } else {
    fsm__answer_document(request, answer->created ? 201 : 200, &document);
    fsm__answer_etag(request, answer->rev);
  }
  fsm__request_finish(request);
}

static bool submit(fsm__server *server, fsm__request *request, const fsm_command *command) {
  fsm_error err = {0};
  request->kind = command->kind;
  if (fsm_submit(server->runtime, command, on_answer, request, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

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
  return submit(server, request, &command);
}

bool fsm__serve_route_remove(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_ROUTE_REMOVE);
  if (fsm__headers_to_command(request, false, true, &command, &err) != FSM_OK) return refuse(request, &err);
  command.name = target->segments[2];
  command.reason = fsm__target_param(target, "reason");
  return submit(server, request, &command);
}

/* ---- reading -------------------------------------------------------------------------------------- */

static void on_document(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  if (err)
    fsm__problem(request, err, 0, NULL);
  else
    fsm__answer_document(request, 200, document);
  fsm__request_finish(request);
}

static bool ask(fsm__server *server, fsm__request *request, const fsm_query *query) {
  fsm_error err = {0};
  if (fsm_read(server->runtime, query, on_document, request, &err) == FSM_OK) return false;
  return refuse(request, &err);
}

bool fsm__serve_routes(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return ask(server, request, &(fsm_query){.kind = FSM_QUERY_ROUTES});
}

/* "?limit" as a number; 0 when absent. */
static fsm_code limit_of(const fsm__target *target, unsigned *out, fsm_error *err) {
  const char *text = fsm__target_param(target, "limit");
  *out = 0;
  for (const char *at = text; at != NULL && *at != 0 && *out <= FSM_PAGE_MAX; at++) {
    if (*at < '0' || *at > '9') break;
    *out = *out * 10 + (unsigned)(*at - '0');
    if (at[1] == 0 && *out >= 1 && *out <= FSM_PAGE_MAX) return FSM_OK;
  }
  return text == NULL
             ? FSM_OK
             : fsm_fail(err, FSM_EARGUMENT, "?limit", "limit is a number from 1 to %d", FSM_PAGE_MAX);
}

bool fsm__serve_route(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_query query = {
      .kind = FSM_QUERY_ROUTES, .ref = target->segments[2], .after = fsm__target_param(target, "after")};
  if (limit_of(target, &query.limit, &err) != FSM_OK) return refuse(request, &err);
  return ask(server, request, &query);
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
  return ask(server, request, &query);
}
