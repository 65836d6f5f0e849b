/* definition_transition.c: transitions: a target, an object, or a list of both, in the order in which
 * they are tried.
 */
#include <string.h>

#include "schema/definition_load.h"

static fsm_code read_targets(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                             fsm_def_transition *out) {
  if (!node.value) return FSM_OK;
  bool list = node.value->type == FSM_LIST;
  uint32_t count = list ? node.value->len : 1;
  if (count == 0) return fsm__invalid(l, node.where, "the list of targets is empty");
  const char **targets = fsm_arena_zalloc(l->arena, count, sizeof *targets);
  if (!targets) return fsm__out_of_memory(l);
  for (uint32_t i = 0; i < count; i++) {
    fsm_code code = fsm__resolve_target(l, source, list ? fsm__node_item(l, node, i) : node, &targets[i]);
    if (code) return code;
  }
  out->targets = targets;
  out->target_count = count;
  return FSM_OK;
}

static fsm_code read_object(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                            fsm_def_transition *out) {
  static const char *const keys[] = {"target",  "guard", "actions", "reenter", "description", "meta",
                                     "context", "!",     "in",      "cond",    "internal",    "matches",
                                     "input",   "delay", "to",      "@expr",   "@code",       NULL};
  const char *description;
  bool reenter;
  fsm__actions actions = {0};
  fsm_code code = fsm__node_keys(l, node, keys);
  if (!code) code = fsm__node_text(l, node, "description", &description);
  if (!code) code = fsm__node_bool(l, node, "reenter", &reenter);
  if (!code) code = read_targets(l, source, fsm__node_get(l, node, "target"), out);
  if (!code) code = fsm__read_guard(l, fsm__node_get(l, node, "guard"), &out->guard, &out->guard_name);
  if (!code) code = fsm__read_patch(l, fsm__node_get(l, node, "context"), &actions);
  if (!code) code = fsm__read_actions(l, fsm__node_get(l, node, "actions"), &actions);
  if (!code) code = fsm__read_meta(l, fsm__node_get(l, node, "meta"), FSM__META_TRANSITION, &out->meta);
  if (code) return code;
  out->internal = !reenter;
  out->actions = actions.items;
  out->action_count = actions.count;
  return FSM_OK;
}

static fsm_code read_one(fsm__loader *l, const fsm__state_entry *source, fsm__node node, const char *event,
                         fsm__transitions *out) {
  fsm_def_transition *t = FSM__LIST_ADD(l, out);
  const char **events = fsm_arena_zalloc(l->arena, 1, sizeof *events);
  if (!t || !events) return fsm__out_of_memory(l);
  events[0] = event;
  *t = (fsm_def_transition){
      .events = event ? events : NULL, .event_count = event ? 1 : 0, .internal = true, .where = node.where};
  if (node.value->type == FSM_STRING) return read_targets(l, source, node, t);
  if (node.value->type == FSM_MAP) return read_object(l, source, node, t);
  return fsm__invalid(l, node.where, "a transition must be a target, an object or a list of both");
}

fsm_code fsm__read_transitions(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                               const char *event, fsm__transitions *out) {
  if (!node.value) return FSM_OK;
  if (node.value->type != FSM_LIST) return read_one(l, source, node, event, out);
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < node.value->len && !code; i++)
    code = read_one(l, source, fsm__node_item(l, node, i), event, out);
  return code;
}
