/* serve_admin.c: what operators do to an instance: POST /v1/instances/{ref}/{pause,resume,cancel,…}.
 *
 * The runtime holds the rules (runtime/README.md); here each verb has the members that it takes, so that one
 * which it would not look at is a mistake that is told. */
#include <string.h>

#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/serve_command.h"

typedef struct verb {
  const char *name;
  fsm_command_kind kind;
  bool states, data, names; /* the members it takes beside the reason */
} verb;

static const verb verbs[] = {
    {"pause", FSM_CMD_PAUSE, false, false, false},   {"resume", FSM_CMD_RESUME, false, false, false},
    {"cancel", FSM_CMD_CANCEL, false, false, false}, {"force", FSM_CMD_FORCE, true, false, false},
    {"set", FSM_CMD_SET, false, true, false},        {"note", FSM_CMD_NOTE, false, false, false},
    {"retry", FSM_CMD_RETRY, false, false, true},    {"skip", FSM_CMD_SKIP, false, true, true},
};

static const verb *verb_of(const char *name) {
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
  return NULL;
}

static fsm_code read_body(fsm__request *request, const verb *as, fsm_command *command, fsm_error *err) {
  fsm__body_member members[4] = {{"reason", FSM__BODY_TEXT, true, &command->reason}};
  size_t count = 1;
  if (as->states) members[count++] = (fsm__body_member){"states", FSM__BODY_LIST, true, &command->states};
  if (as->data) {
    const bool patch = as->kind == FSM_CMD_SET;
    members[count++] =
        (fsm__body_member){"data", patch ? FSM__BODY_MAP : FSM__BODY_ANY, patch, &command->data};
  }
  if (as->names) members[count++] = (fsm__body_member){"name", FSM__BODY_TEXT, false, &command->name};
  return fsm__body_read(request, members, count, err);
}

bool fsm__serve_admin(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  const verb *as = verb_of(target->segments[3]);
  FSM_ASSERT(as != NULL); /* the rows name no other */
  fsm_command command = fsm_command_new(as->kind);
  if (fsm__headers_to_command(request, true, true, &command, &err) != FSM_OK ||
      fsm__serve_dry_run(target, &command, &err) != FSM_OK ||
      read_body(request, as, &command, &err) != FSM_OK ||
      fsm__serve_address(request, target->segments[2], &command, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  return fsm__serve_submit(server, request, &command);
}
