/* address.c: which instance an address means, and what a step sees of the world. See sends.h. */
#include <string.h>

#include "runtime/sends.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an address"); }

static fsm_code instance_numbered(fsm__store *store, fsm__catalog *catalog, uint64_t number, fsm_arena *arena,
                                  fsm__address *out, fsm_error *err) {
  fsm__instance in;
  fsm_code code = fsm__instance_load(store, catalog, number, arena, &in, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code == FSM_OK && fsm__status_open(in.status)) out->id = in.id;
  return code;
}

static fsm_code instance_named(fsm__store *store, fsm__catalog *catalog, const char *id, fsm_arena *arena,
                               fsm__address *out, fsm_error *err) {
  uint64_t number = 0;
  if (id[0] == '\0' || strlen(id) > FSM_INSTANCE_ID_MAX) return FSM_OK;
  fsm_code code = fsm__instance_number(store, id, &number, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  return code == FSM_OK ? instance_numbered(store, catalog, number, arena, out, err) : code;
}

static fsm_code parent_of(fsm__store *store, fsm__catalog *catalog, const fsm__instance *from,
                          fsm_arena *arena, fsm__address *out, fsm_error *err) {
  if (!from->has_parent) return FSM_OK;
  uint64_t number = 0;
  fsm__task task;
  out->has_token = true;
  memcpy(out->token, from->parent, sizeof out->token);
  fsm_code code = fsm__task_with_token(store, from->parent, arena, &number, &task, err);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  if (code == FSM_OK) out->invokeid = task.id;
  return instance_numbered(store, catalog, number, arena, out, err);
}

/* A child that is not there yet is on its way: its start was sent before anything that is sent to it now. */
static fsm_code child_of(fsm__store *store, fsm__catalog *catalog, const fsm__instance *from,
                         const fsm__task *task, fsm_arena *arena, fsm__address *out, fsm_error *err) {
  if (strcmp(task->service, FSM_SERVICE_MACHINE) != 0) return FSM_OK; /* a service hears no events */
  const char *id = fsm__child_id(arena, from->id, task->id, task->seq);
  uint64_t number = 0;
  if (id == NULL) return nomem(err);
  out->has_token = true;
  memcpy(out->token, task->token, sizeof out->token);
  fsm_code code = fsm__instance_number(store, id, &number, err);
  if (code == FSM_OK) return instance_numbered(store, catalog, number, arena, out, err);
  if (code == FSM_ENOTFOUND) out->id = id;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

fsm_code fsm__address_of(fsm__store *store, fsm__catalog *catalog, const fsm__instance *from,
                         const char *target, fsm_arena *arena, fsm__address *out, fsm_error *err) {
  static const char scxml[] = "#_scxml_";
  *out = (fsm__address){.id = NULL};
  if (strcmp(target, "#_parent") == 0) return parent_of(store, catalog, from, arena, out, err);
  if (strncmp(target, scxml, sizeof scxml - 1) == 0)
    return instance_named(store, catalog, target + sizeof scxml - 1, arena, out, err);
  const bool hash = strncmp(target, "#_", 2) == 0;
  const bool any = fsm_machine_dialect(from->deployed->machine) == FSM_XSTATE;
  if (!hash && !any) return FSM_OK;
  const char *name = hash ? target + 2 : target;
  fsm__task task;
  if (name[0] == '\0' || strlen(name) > FSM_TIMER_ID_MAX) return FSM_OK;
  fsm_code code = fsm__task_load(store, from->number, name, arena, &task, err);
  if (code == FSM_OK) return child_of(store, catalog, from, &task, arena, out, err);
  if (code != FSM_ENOTFOUND) return code;
  return any ? instance_named(store, catalog, name, arena, out, err) : FSM_OK;
}

/* ---- the world ---------------------------------------------------------------------------------- */

static bool reaches(const void *arg, const char *target) {
  fsm__reach *reach = (fsm__reach *)(uintptr_t)arg; /* the engine borrows it; it is ours to write */
  fsm__address to;
  fsm_error err;
  fsm_code code =
      fsm__address_of(reach->at->store, reach->at->catalog, reach->in, target, &reach->arena, &to, &err);
  if (code != FSM_OK) reach->fault = err;
  return code == FSM_OK && to.id != NULL;
}

fsm_world fsm__world_of(const fsm__case *at, const fsm__instance *in, fsm__reach *reach) {
  *reach = (fsm__reach){.at = at, .in = in};
  fsm_arena_init(&reach->arena, 0);
  return (fsm_world){.actor = &at->command->actor,
                     .now_ns = at->time_ns,
                     .session = in->id,
                     .inside = at->inside,
                     .reaches = reaches,
                     .reaches_arg = reach};
}

fsm_code fsm__reach_end(fsm__reach *reach, fsm_error *err) {
  fsm_arena_free(&reach->arena);
  if (reach->fault.code == FSM_OK) return FSM_OK;
  return fsm_fail(err, reach->fault.code, reach->fault.where, "%s", reach->fault.text);
}
