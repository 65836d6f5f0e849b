/* serve_machine.c: machines and their versions: /v1/machines. Deploying is in serve_command.c. */
#include <stdio.h>

#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/serve_command.h"
#include "runtime/daemon/serve_query.h"

bool fsm__serve_machines(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target, (fsm_query){.kind = FSM_QUERY_MACHINES},
                         fsm__serve_document);
}

static long long member(const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  return value && fsm_is(value, FSM_INT) ? value->i : 0;
}

/* What a version is never changes; which one is live does, and whether this one is retired. */
static void on_machine(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  const fsm_value *hash = err ? NULL : fsm_map_get(document, "hash");
  if (hash && fsm_is(hash, FSM_STRING))
    snprintf(request->etag, sizeof request->etag, "\"%.*s-%lld-%lld%s\"", (int)hash->len, hash->s,
             member(document, "version"), member(document, "live"),
             fsm_map_get(document, "retired") ? "-retired" : "");
  fsm__serve_document(arg, document, err);
}

bool fsm__serve_machine(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const fsm_query query = {.kind = FSM_QUERY_MACHINE, .machine = target->segments[2]};
  return fsm__serve_read(server, request, target, query, on_machine);
}

bool fsm__serve_versions(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const fsm_query query = {.kind = FSM_QUERY_VERSIONS, .machine = target->segments[2]};
  return fsm__serve_read(server, request, target, query, fsm__serve_document);
}

bool fsm__serve_retire(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  fsm_command command = fsm_command_new(FSM_CMD_RETIRE);
  const fsm__body_member members[] = {{"version", FSM__BODY_VERSION, false, &command.version},
                                      {"reason", FSM__BODY_TEXT, true, &command.reason}};
  if (fsm__headers_to_command(request, false, false, &command, &err) != FSM_OK ||
      fsm__body_read(request, members, sizeof members / sizeof *members, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  command.machine = target->segments[2];
  return fsm__serve_submit(server, request, &command);
}
