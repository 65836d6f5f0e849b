/* serve_tasks.c: open tasks for people and for workers over HTTP: /v1/tasks; timers. Claiming is in
 * serve_claim.c. */
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_command.h"
#include "runtime/daemon/serve_query.h"
#include "runtime/worker_request.h"

bool fsm__serve_tasks(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const char *instance = fsm__target_param(target, "instance");
  if (instance && !*instance) {
    fsm__problem_make(request, FSM_EARGUMENT, 0, "?instance", "instance is empty");
    return true;
  }
  const fsm_query query = {.kind = FSM_QUERY_TASKS, .ref = instance};
  return fsm__serve_read(server, request, target, query, fsm__serve_document);
}

bool fsm__serve_task(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const fsm_query query = {.kind = FSM_QUERY_TASK, .ref = target->segments[2]};
  return fsm__serve_read(server, request, target, query, fsm__serve_document);
}

bool fsm__serve_timers(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const char *instance = fsm__target_param(target, "instance");
  fsm_query query = {.kind = FSM_QUERY_TIMERS, .ref = instance};
  fsm_error err = {0};
  if (instance && !*instance) {
    fsm__problem_make(request, FSM_EARGUMENT, 0, "?instance", "instance is empty");
    return true;
  }
  if (fsm__target_bool(target, "late", &query.late, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  return fsm__serve_read(server, request, target, query, fsm__serve_document);
}

static fsm_code read_answer(fsm__request *request, const char *token, fsm_command *command, fsm_error *err) {
  fsm_value body;
  fsm_code code = fsm__headers_to_command(request, false, false, command, err);
  if (code == FSM_OK && !fsm__worker_token_read(token, command->token))
    code = fsm_fail(err, FSM_ETASK, "token", "no open task has this token: it is not 32 hex digits");
  if (code == FSM_OK) code = fsm__body_parse(request, &body, err);
  if (code == FSM_OK) code = fsm__worker_request_members(&request->arena, &body, false, command, err);
  return code;
}

static bool answer(fsm__server *server, fsm__request *request, const fsm__target *target,
                   fsm_command_kind kind) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(kind);
  if (read_answer(request, target->segments[2], &command, &err) != FSM_OK ||
      (kind != FSM_CMD_TASK_HEARTBEAT && fsm__serve_dry_run(target, &command, &err) != FSM_OK))
    return fsm__serve_refuse(server, request, &err);
  return fsm__serve_submit(server, request, &command);
}

bool fsm__serve_task_complete(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return answer(server, request, target, FSM_CMD_TASK_COMPLETE);
}

bool fsm__serve_task_fail(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return answer(server, request, target, FSM_CMD_TASK_FAIL);
}

bool fsm__serve_task_heartbeat(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return answer(server, request, target, FSM_CMD_TASK_HEARTBEAT);
}
