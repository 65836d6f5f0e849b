/* serve_admin.c: what operators do to an instance: POST /v1/instances/{ref}/{pause,resume,cancel,…}, and one
 * of the list of POST /v1/commands.
 *
 * The runtime holds the rules (runtime/README.md); here each verb has the members that it takes, so that one
 * which it would not look at is a mistake that is told. */
#include <stdio.h>
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

enum { OWN_MEMBERS = 4 };
/* The members of its own; how many there are. */
static size_t own_members(const verb *as, fsm_command *command, fsm__body_member *members) {
  size_t count = 0;
  members[count++] = (fsm__body_member){"reason", FSM__BODY_TEXT, true, &command->reason};
  if (as->states) members[count++] = (fsm__body_member){"states", FSM__BODY_LIST, true, &command->states};
  if (as->data) {
    const bool patch = as->kind == FSM_CMD_SET;
    members[count++] =
        (fsm__body_member){"data", patch ? FSM__BODY_MAP : FSM__BODY_ANY, patch, &command->data};
  }
  if (as->names) members[count++] = (fsm__body_member){"name", FSM__BODY_TEXT, false, &command->name};
  return count;
}

static fsm_code read_body(fsm__request *request, const verb *as, fsm_command *command, fsm_error *err) {
  fsm__body_member members[OWN_MEMBERS];
  const size_t count = own_members(as, command, members);
  return fsm__body_read(request, members, count, err);
}

/* ---- one of a list -------------------------------------------------------------------------------- */

static const verb *verb_in(const fsm_value *value) {
  const fsm_value *name = fsm_is(value, FSM_MAP) ? fsm_map_get(value, "command") : NULL;
  for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
    if (fsm_is_text(name, verbs[i].name)) return &verbs[i];
  return NULL;
}

fsm_code fsm__serve_admin_item(fsm_arena *arena, const fsm_value *value, const char *place,
                               fsm_command *command, fsm_error *err) {
  const verb *as = verb_in(value);
  const char *word = NULL;
  fsm__body_member members[7 + OWN_MEMBERS] = {
      {"command", FSM__BODY_TEXT, true, &word},
      {"instance", FSM__BODY_TEXT, false, &command->instance},
      {"machine", FSM__BODY_TEXT, false, &command->machine},
      {"key", FSM__BODY_TEXT, false, &command->key},
      {"idem", FSM__BODY_TEXT, false, &command->idem},
      {"expect_rev", FSM__BODY_REVISION, false, &command->expect_rev},
      {"correlation", FSM__BODY_TEXT, false, &command->correlation},
  };
  if (as == NULL) {
    char where[64];
    snprintf(where, sizeof where, "%s%s", place, fsm_is(value, FSM_MAP) ? "/command" : "");
    return fsm_fail(
        err, FSM_EMALFORMED, where, "expected %s",
        fsm_is(value, FSM_MAP) ? "one of pause, resume, cancel, force, set, note, retry, skip" : "an object");
  }
  command->kind = as->kind;
  const size_t count = 7 + own_members(as, command, &members[7]);
  return fsm__body_members(arena, value, place, members, count, err);
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
