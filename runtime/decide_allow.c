/* decide_allow.c: who may (meta.fsm.allow): what a refusal says, and who may answer a task.
 *
 * A refusal tells which expressions did not hold and who asked; never what they read, for whoever may not do
 * it need not know. */
#include <string.h>

#include "runtime/decide.h"
#include "runtime/service.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a refusal"); }

/* {where, state, transition?, expression} */
static bool allow_view(const fsm__deployed *deployed, const fsm_allow *allow, fsm_arena *arena,
                       fsm_value *out) {
  fsm_pair pairs[4] = {{fsm_string("where"), fsm_string(allow->where)},
                       {fsm_string("state"), fsm_string(fsm_state_path(deployed->machine, allow->state))},
                       {fsm_string("expression"), fsm_string(allow->text)}};
  unsigned count = 3;
  if (allow->transition >= 0)
    pairs[count++] = (fsm_pair){fsm_string("transition"), fsm_int(allow->transition)};
  return fsm__decision_map(arena, pairs, count, out);
}

/* Beside what the detail has already. */
static fsm_code put_detail(const fsm__case *at, const fsm__deployed *deployed, const fsm_allow *denied,
                           unsigned count, fsm__decision *out, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(at->arena, count * sizeof *items), patch;
  if (items == NULL) return nomem(err);
  for (unsigned i = 0; i < count; i++)
    if (!allow_view(deployed, &denied[i], at->arena, &items[i])) return nomem(err);
  const fsm_pair pair = {fsm_string("allow"), fsm_list(items, count)};
  const fsm_value base = fsm_is(&out->detail, FSM_MAP) ? out->detail : fsm_map_empty();
  if (!fsm__decision_map(at->arena, &pair, 1, &patch) ||
      fsm_map_merge(at->arena, &base, &patch, &out->detail) != FSM_OK)
    return nomem(err);
  return FSM_OK;
}

/* " (asked by \"mia\")": NULL without memory. */
static const char *asker(const fsm__case *at) {
  const fsm_value *actor = &at->command->actor, *sub = fsm_map_get(actor, "sub");
  if (!fsm_is(actor, FSM_MAP)) return " (nobody is named who asks)";
  if (sub == NULL || !fsm_is(sub, FSM_STRING)) return " (who asks is not known)";
  return fsm_arena_printf(at->arena, " (asked by \"%.*s\")", sub->len < 64 ? (int)sub->len : 64, sub->s);
}

fsm_code fsm__decision_denied(const fsm__case *at, const fsm__deployed *deployed, const char *what,
                              const fsm_allow *denied, unsigned count, fsm__decision *out, fsm_error *err) {
  FSM_ASSERT(count > 0 && out->refusal.code == FSM_OK);
  const char *by = asker(at);
  const char *more = count > 1 ? fsm_arena_printf(at->arena, ", and %u more", count - 1) : "";
  if (what == NULL || by == NULL || more == NULL) return nomem(err);
  fsm_code code = put_detail(at, deployed, denied, count, out, err);
  if (code != FSM_OK) return code;
  return fsm__decision_refuse(out, FSM_EPERMISSION, "actor", "%s is not permitted%s: it needs %.256s%s", what,
                              by, denied[0].text, more);
}

/* ---- tasks --------------------------------------------------------------------------------------- */

/* The invoke that opened the task; -1 = it is not known. Ids that were made on entry stand in the history. */
static int invoke_of(const fsm__instance *in, const char *id) {
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < fsm_machine_invokes(machine); i++) {
    const char *known = fsm_invoke_id(machine, i);
    if (known != NULL && strcmp(known, id) == 0) return (int)i;
  }
  const fsm_value *made =
      fsm_is(&in->history, FSM_MAP) ? fsm_map_get(fsm_map_get(&in->history, "#invoked"), id) : NULL;
  return made != NULL && fsm_is(made, FSM_INT) ? (int)made->i : -1;
}

/* As its allow sees it: there is no event of the machine yet. */
static fsm_event asked(const fsm_command *command) {
  static const char *const names[] = {[FSM_CMD_TASK_STARTED] = "task.claim",
                                      [FSM_CMD_TASK_HEARTBEAT] = "task.heartbeat",
                                      [FSM_CMD_TASK_COMPLETE] = "task.complete",
                                      [FSM_CMD_TASK_FAIL] = "task.fail"};
  return (fsm_event){.name = names[command->kind], .data = command->data, .cause = FSM_CAUSE_EXTERNAL};
}

/* A service of this program answers in nobody's name. */
static bool is_own_service(const fsm__case *at, const fsm__task *task) {
  return !fsm_is(&at->command->actor, FSM_MAP) && at->services != NULL &&
         fsm__services_find(at->services, task->service) >= 0;
}

fsm_code fsm__decision_task_permitted(const fsm__case *at, const fsm__task *task, fsm__decision *out,
                                      fsm_error *err) {
  const fsm__instance *in = out->instance;
  const int invoke = invoke_of(in, task->id);
  fsm_allow allow;
  if (at->inside || at->command->kind == FSM_CMD_TASK_UNDELIVERED || is_own_service(at, task)) return FSM_OK;
  if (invoke < 0 || !fsm_invoke_allow(in->deployed->machine, (unsigned)invoke, &allow)) return FSM_OK;
  fsm_snapshot snapshot;
  bool permitted = false;
  const fsm_event event = asked(at->command);
  const fsm_world world = {.actor = &at->command->actor, .now_ns = at->time_ns, .session = in->id};
  fsm_code code = fsm__snapshot_of(in, at->arena, &snapshot, err);
  if (code == FSM_OK)
    code = fsm_invoke_permits(in->deployed->machine, &snapshot, (unsigned)invoke, &event, &world, at->arena,
                              &permitted, &allow, err);
  if (code != FSM_OK || permitted) return code;
  return fsm__decision_denied(at, in->deployed, fsm_arena_printf(at->arena, "%s of %s", event.name, task->id),
                              &allow, 1, out, err);
}
