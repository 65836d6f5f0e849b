/* definition_transition.c: transitions: a target, an object, or a list of both, in the order in which
 * they are tried; and the branches of a choice state, which are eventless transitions.
 */
#include <string.h>

#include "schema/definition_load.h"

fsm_code fsm__read_targets(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                           const char *const **targets, size_t *count) {
  if (!node.value) return FSM_OK;
  *count = fsm__node_count(node);
  if (*count == 0) return fsm__invalid(l, node.where, "the list of targets is empty");
  const char **paths = fsm_arena_zalloc(l->arena, *count, sizeof *paths);
  if (!paths) return fsm__out_of_memory(l);
  *targets = paths;
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < *count && !code; i++)
    code = fsm__resolve_target(l, source, fsm__node_each(l, node, (uint32_t)i), &paths[i]);
  return code;
}

static fsm_code read_target(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                            fsm_def_transition *out) {
  return fsm__read_targets(l, source, node, &out->targets, &out->target_count);
}

static fsm_code read_guard(fsm__loader *l, fsm__node node, fsm_def_transition *out) {
  if (node.value) out->guard_where = node.where;
  return fsm__read_guard(l, node, &out->guard, &out->guard_name);
}

static fsm_code read_object(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                            fsm_def_transition *out) {
  static const char *const keys[] = {
      "target",
      "guard",
      "actions",
      "reenter",
      "description",
      "meta",
      "context",
      "!",
      "cond: XState 5 calls it \"guard\"",
      "in: write {\"guard\": {\"type\": \"@xstate.stateIn\", \"stateValue\": …}}",
      "internal: XState 5 has its opposite, \"reenter\"",
      "matches",
      "input: a state has no input of its own",
      "delay: it belongs under \"after\"",
      "to: its target is made by a function, which is not data",
      "when: it belongs to the branches of a choice state; here it is \"guard\"",
      "@expr: a transition cannot be computed",
      "@code: a function is not data",
      NULL};
  const char *description;
  bool reenter;
  fsm__actions actions = {0};
  fsm_code code = fsm__node_keys(l, node, keys);
  if (!code) code = fsm__node_text(l, node, "description", &description);
  if (!code) code = fsm__node_bool(l, node, "reenter", &reenter);
  if (!code) code = read_target(l, source, fsm__node_get(l, node, "target"), out);
  if (!code) code = read_guard(l, fsm__node_get(l, node, "guard"), out);
  if (!code) code = fsm__read_patch(l, fsm__node_get(l, node, "context"), &actions);
  if (!code) code = fsm__read_actions(l, fsm__node_get(l, node, "actions"), &actions);
  if (!code)
    code = fsm__read_meta(l, fsm__node_get(l, node, "meta"), FSM__META_TRANSITION, &out->meta, &out->allow);
  if (code) return code;
  out->internal = !reenter;
  out->actions = actions.items;
  out->action_count = actions.count;
  return FSM_OK;
}

static fsm_def_transition *add(fsm__loader *l, const char *event, const char *where, fsm__transitions *out) {
  fsm_def_transition *t = FSM__LIST_ADD(l, out);
  const char **events = fsm_arena_zalloc(l->arena, 1, sizeof *events);
  if (!t || !events) return NULL;
  events[0] = event;
  *t = (fsm_def_transition){.events = event ? events : NULL,
                            .event_count = event ? 1 : 0,
                            .event = l->options.event,
                            .internal = true,
                            .where = where};
  return t;
}

static fsm_code read_one(fsm__loader *l, const fsm__state_entry *source, fsm__node node, const char *event,
                         fsm__transitions *out) {
  fsm_def_transition *t = add(l, event, node.where, out);
  if (!t) return fsm__out_of_memory(l);
  if (node.value->type == FSM_STRING) return read_target(l, source, node, t);
  if (node.value->type == FSM_MAP) return read_object(l, source, node, t);
  return fsm__invalid(l, node.where, "a transition must be a target, an object or a list of both");
}

fsm_code fsm__read_transitions(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                               const char *event, fsm__transitions *out) {
  if (!node.value) return FSM_OK;
  uint32_t count = fsm__node_count(node);
  fsm_code code = FSM_OK;
  l->options.event = event ? fsm__event_shape(l, event) : NULL;
  for (uint32_t i = 0; i < count && !code; i++)
    code = read_one(l, source, fsm__node_each(l, node, i), event, out);
  l->options.event = NULL;
  return code;
}

/* ---- transitions that the loader makes --------------------------------------------------------- */

fsm_code fsm__add_action_transition(fsm__loader *l, const char *event, const fsm_def_action *action,
                                    fsm__transitions *out) {
  fsm_def_transition *t = add(l, event, action->where, out);
  if (!t) return fsm__out_of_memory(l);
  t->actions = action;
  t->action_count = 1;
  return FSM_OK;
}

fsm_code fsm__prepend_action(fsm__loader *l, fsm__transitions *transitions, size_t first,
                             const fsm_def_action *action) {
  for (size_t i = first; i < transitions->count; i++) {
    fsm_def_transition *t = &transitions->items[i];
    fsm_def_action *actions = fsm_arena_zalloc(l->arena, t->action_count + 1, sizeof *actions);
    if (!actions) return fsm__out_of_memory(l);
    actions[0] = *action;
    if (t->action_count) memcpy(actions + 1, t->actions, t->action_count * sizeof *actions);
    t->actions = actions;
    t->action_count++;
  }
  return FSM_OK;
}

/* ---- choice ------------------------------------------------------------------------------------ */

static fsm_code read_branch(fsm__loader *l, const fsm__state_entry *source, fsm__node node, bool last,
                            fsm__transitions *out) {
  static const char *const keys[] = {"when",
                                     "target",
                                     "context",
                                     "description",
                                     "meta",
                                     "!",
                                     "actions: a choice only chooses",
                                     "guard: a branch calls it \"when\"",
                                     NULL};
  const char *description;
  fsm__actions actions = {0};
  fsm_code code = fsm__node_keys(l, node, keys);
  if (code) return code;
  fsm_def_transition *t = add(l, NULL, node.where, out);
  if (!t) return fsm__out_of_memory(l);
  fsm__node target = fsm__node_get(l, node, "target");
  if (!target.value) return fsm__invalid(l, node.where, "the branch has no \"target\"");
  code = read_target(l, source, target, t);
  if (!code) code = fsm__node_text(l, node, "description", &description);
  if (!code) code = read_guard(l, fsm__node_get(l, node, "when"), t);
  if (!code) code = fsm__read_patch(l, fsm__node_get(l, node, "context"), &actions);
  if (!code)
    code = fsm__read_meta(l, fsm__node_get(l, node, "meta"), FSM__META_TRANSITION, &t->meta, &t->allow);
  if (code) return code;
  t->actions = actions.items;
  t->action_count = actions.count;
  if (!t->guard && !last)
    return fsm__invalid(l, node.where,
                        "a branch without \"when\" must be the last: the ones behind it are never taken");
  if (t->guard && last)
    return fsm__invalid(l, node.where, "the last branch must have no \"when\", or nothing might be chosen");
  return FSM_OK;
}

fsm_code fsm__read_choice(fsm__loader *l, const fsm__state_entry *source, fsm__node node,
                          fsm__transitions *out) {
  if (!fsm__node_is(node, FSM_LIST) || node.value->len == 0)
    return fsm__invalid(l, node.where, "\"choice\" must be a list of branches");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < node.value->len && !code; i++)
    code = read_branch(l, source, fsm__node_item(l, node, i), i + 1 == node.value->len, out);
  return code;
}
