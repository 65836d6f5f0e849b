/* serve_command.c: definitions, new instances and events: requests that become commands.
 *
 * The answer is made on the writer's thread, into the request's own buffer, and handed to the loop. */
#include "runtime/daemon/serve_command.h"

#include <stdio.h>
#include <string.h>

#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"

/* The document of an answer; a definition's with its hash and whether it is new. */
static fsm_code document_of(fsm__request *request, const fsm_answer *answer, fsm_value *out, fsm_error *err) {
  fsm_code code = fsm_answer_view(&request->arena, answer, out);
  if (code == FSM_OK && request->kind == FSM_CMD_DEPLOY) {
    fsm_pair pairs[2] = {{fsm_string("created"), fsm_bool(answer->created)},
                         {fsm_string("hash"), answer->hash ? fsm_string(answer->hash) : fsm_null()}};
    fsm_value more;
    code = fsm_map(pairs, 2, &more, err);
    if (code == FSM_OK) code = fsm_map_merge(&request->arena, out, &more, out);
  }
  if (code != FSM_OK) fsm_fail(err, code, NULL, "the answer cannot be shown");
  return code;
}

static void answer_taken(fsm__request *request, const fsm_answer *answer) {
  fsm_error err = {0};
  fsm_value document;
  if (document_of(request, answer, &document, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return;
  }
  const bool dry = fsm_is(&answer->records, FSM_LIST);
  bool made = answer->created && request->kind != FSM_CMD_SEND && !dry;
  fsm__answer_document(request, made ? 201 : 200, &document);
  if (request->kind == FSM_CMD_DEPLOY) {
    if (answer->machine)
      snprintf(request->location, sizeof request->location, "/v1/machines/%s?version=%u", answer->machine,
               (unsigned)answer->version);
    return;
  }
  if (request->kind == FSM_CMD_RETIRE) return;
  fsm__answer_etag(request, answer->rev);
  if (made && answer->instance)
    snprintf(request->location, sizeof request->location, "/v1/instances/%s", answer->instance);
}

static void on_answer(void *arg, const fsm_answer *answer) {
  fsm__request *request = arg;
  if (answer->error.code == FSM_OK)
    answer_taken(request, answer);
  else
    fsm__problem_dry(request, &answer->error, &answer->detail, &answer->records);
  fsm__request_finish(request);
}

fsm_code fsm__serve_dry_run(const fsm__target *target, fsm_command *command, fsm_error *err) {
  return fsm__target_bool(target, "dry_run", &command->dry_run, err);
}

bool fsm__serve_submit(fsm__server *server, fsm__request *request, const fsm_command *command) {
  fsm_error err = {0};
  request->kind = command->kind;
  /* From here on the request may already be another thread's. */
  if (fsm_submit(server->runtime, command, on_answer, request, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__serve_refuse(fsm__server *server, fsm__request *request, const fsm_error *err) {
  if (err->code == FSM_EMALFORMED) {
    fsm_buf text = {0};
    fsm__body_excerpt(&request->body, err, &text);
    fsm__note_refusal(server, request, FSM_EMALFORMED, &text);
    fsm_buf_free(&text);
  }
  fsm__problem(request, err, 0, NULL);
  return true;
}

bool fsm__serve_deploy(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  if (fsm__headers_to_command(request, false, false, &command, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  command.source = request->body.data ? request->body.data : "";
  command.source_len = request->body.len;
  return fsm__serve_submit(server, request, &command);
}

bool fsm__serve_start(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_START);
  const fsm__body_member members[] = {
      {"machine", FSM__BODY_TEXT, true, &command.machine},
      {"version", FSM__BODY_VERSION, false, &command.version},
      {"id", FSM__BODY_TEXT, false, &command.instance},
      {"key", FSM__BODY_TEXT, false, &command.key},
      {"labels", FSM__BODY_MAP, false, &command.labels},
      {"input", FSM__BODY_ANY, false, &command.data},
      {"if_absent", FSM__BODY_BOOL, false, &command.if_absent},
  };
  if (fsm__headers_to_command(request, true, false, &command, &err) != FSM_OK ||
      fsm__serve_dry_run(target, &command, &err) != FSM_OK ||
      fsm__body_read(request, members, sizeof members / sizeof *members, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  return fsm__serve_submit(server, request, &command);
}

fsm_code fsm__serve_address(fsm__request *request, const char *ref, fsm_command *command, fsm_error *err) {
  static const char mark[] = "/key:";
  const char *at = strstr(ref, mark);
  if (!at) {
    command->instance = ref;
    return FSM_OK;
  }
  command->machine = fsm_arena_strndup(&request->arena, ref, (size_t)(at - ref));
  command->key = at + sizeof mark - 1;
  if (!command->machine) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  if (!*command->machine || !*command->key)
    return fsm_fail(err, FSM_EARGUMENT, "path", "an instance is an id or MACHINE/key:KEY");
  return FSM_OK;
}

bool fsm__serve_send(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  const fsm__body_member members[] = {
      {"event", FSM__BODY_TEXT, true, &command.event},
      {"data", FSM__BODY_ANY, false, &command.data},
      {"if_absent", FSM__BODY_BOOL, false, &command.if_absent},
      {"input", FSM__BODY_ANY, false, &command.input},
      {"version", FSM__BODY_VERSION, false, &command.version},
      {"labels", FSM__BODY_MAP, false, &command.labels},
  };
  if (fsm__headers_to_command(request, true, true, &command, &err) != FSM_OK ||
      fsm__serve_dry_run(target, &command, &err) != FSM_OK ||
      fsm__body_read(request, members, sizeof members / sizeof *members, &err) != FSM_OK ||
      fsm__serve_address(request, target->segments[2], &command, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  return fsm__serve_submit(server, request, &command);
}
