/* definition_action.c: actions: the built-in ones, one row each, and named ones, which are replaced by
 * what the root says they are.
 */
#include <string.h>

#include "schema/definition_load.h"

enum { LIST_MAX = 1024 };

static const char *const prefix = "@xstate.";

/* ---- the built-in ones ------------------------------------------------------------------------- */

/* {"context": …} or, as XState 5 calls it, {"assignment": …}: the fields, or an expression for them. */
static fsm_code read_assign(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node context = fsm__node_get(l, action, "context"), other = fsm__node_get(l, action, "assignment");
  if (context.value && other.value)
    return fsm__invalid(l, other.where, "\"context\" and \"assignment\" are two names of one thing");
  if (other.value) context = other;
  if (!fsm__node_is(context, FSM_MAP))
    return fsm__invalid(l, context.where, "\"context\" must be an object of the fields to assign");
  return fsm__read_def_value(l, context, &out->value);
}

static fsm_code read_raise(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = fsm__read_event(l, action, out);
  if (!code) code = fsm__node_text(l, action, "id", &out->id);
  return code ? code : fsm__read_delay(l, fsm__node_get(l, action, "delay"), &out->delay);
}

static fsm_code read_cancel(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node id = fsm__node_get(l, action, "id");
  if (id.value && fsm__is_expression(id.value)) return fsm__read_def_value(l, id, &out->id_expr);
  fsm_code code = fsm__node_text(l, action, "id", &out->id);
  return code || out->id ? code : fsm__invalid(l, action.where, "the \"id\" to cancel is missing");
}

/* {"args": […]} or, as XState 5 calls it, {"value": …, "label"?}. */
static fsm_code read_log(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node args = fsm__node_get(l, action, "args"), value = fsm__node_get(l, action, "value");
  if (args.value && value.value) return fsm__invalid(l, value.where, "there are \"args\" already");
  if (!value.value && !fsm__node_is(args, FSM_LIST))
    return fsm__invalid(l, args.where, "\"args\" must be a list");
  fsm_code code = fsm__node_text(l, action, "label", &out->label);
  return code ? code : fsm__read_def_value(l, value.value ? value : args, &out->value);
}

static const struct builtin {
  const char *name; /* after the prefix */
  fsm_action_kind kind;
  fsm_code (*read)(fsm__loader *l, fsm__node action, fsm_def_action *out);
  const char *const keys[8];
} builtins[] = {
    {"assign", FSM_ACTION_ASSIGN, read_assign, {"type", "context", "assignment"}},
    {"raise", FSM_ACTION_RAISE, read_raise, {"type", "event", "id", "delay"}},
    {"sendTo", FSM_ACTION_SEND, fsm__read_send_to, {"type", "to", "target", "event", "id", "delay"}},
    {"sendParent", FSM_ACTION_SEND, fsm__read_send_parent, {"type", "event", "id", "delay"}},
    {"forwardTo", FSM_ACTION_SEND, fsm__read_forward_to, {"type", "to", "target"}},
    {"cancel", FSM_ACTION_CANCEL, read_cancel, {"type", "id", "!", "sendId: write \"id\""}},
    {"log", FSM_ACTION_LOG, read_log, {"type", "args", "value", "label"}},
    {"emit", FSM_ACTION_EMIT, fsm__read_event, {"type", "event"}},
};

/* The others that XState has, and why they are not here. */
static const struct refused {
  const char *name, *why;
} refused[] = {
    {"spawnChild", "a service is invoked by a state (\"invoke\")"},
    {"spawn", "a service is invoked by a state (\"invoke\")"},
    {"stopChild", "a service is stopped when the state that invokes it is left"},
    {"stop", "a service is stopped when the state that invokes it is left"},
    {"enqueueActions", "its actions are made by a function, which is not data"},
    {"sync", "services report by events"},
};

static fsm_code refuse_builtin(fsm__loader *l, fsm__node action, const char *type) {
  fsm__closest closest = {.name = type + strlen(prefix)};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (strcmp(closest.name, refused[i].name) == 0)
      return fsm__unsupported(l, action.where, "the action \"%s\" is not supported: %s", type,
                              refused[i].why);
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    fsm__closest_try(&closest, builtins[i].name);
  if (closest.best)
    return fsm__unsupported(l, action.where, "there is no action \"%.64s\"; did you mean \"%s%s\"?", type,
                            prefix, closest.best);
  return fsm__unsupported(l, action.where, "there is no action \"%.64s\"", type);
}

static fsm_code read_builtin(fsm__loader *l, fsm__node action, const char *type, fsm__actions *out) {
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
    const struct builtin *row = &builtins[i];
    if (strcmp(type + strlen(prefix), row->name) != 0) continue;
    fsm_code code = fsm__node_keys(l, action, row->keys);
    if (code) return code;
    fsm_def_action *item = FSM__LIST_ADD(l, out);
    if (!item) return fsm__out_of_memory(l);
    *item = (fsm_def_action){.kind = row->kind, .where = action.where};
    return row->read(l, action, item);
  }
  return refuse_builtin(l, action, type);
}

/* ---- named ones -------------------------------------------------------------------------------- */

static fsm_code missing(fsm__loader *l, fsm__node action, const char *name) {
  if (strncmp(name, prefix, strlen(prefix)) == 0)
    return fsm__invalid(l, action.where, "a built-in action is an object: {\"type\": \"%.64s\", …}", name);
  if (strncmp(name, prefix + 1, strlen(prefix) - 1) == 0)
    return fsm__unsupported(l, action.where, "the action \"%.64s\" is not data; did you mean \"@%.64s\"?",
                            name, name);
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    if (strcmp(name, builtins[i].name) == 0)
      return fsm__invalid(
          l, action.where,
          "there is no action \"%s\" among the machine's actions; did you mean {\"type\": \"%s%s\", …}?",
          name, prefix, name);
  return fsm__named_missing(l, action.where, "action", name, &l->actions);
}

static fsm_code read_named(fsm__loader *l, fsm__node action, const char *name, fsm__actions *out) {
  fsm__expansion saved;
  fsm__node named = fsm__named_get(l, &l->actions, name);
  if (!named.value) return missing(l, action, name);
  fsm_code code = fsm__expand_begin(l, action, named, &saved);
  if (code) return code;
  code = fsm__read_actions(l, named, out);
  fsm__expand_end(l, &saved);
  return code;
}

static fsm_code read_action(fsm__loader *l, fsm__node action, fsm__actions *out) {
  static const char *const keys[] = {"type", "params", NULL};
  const char *type = NULL;
  if (out->count >= LIST_MAX)
    return fsm_fail(l->err, FSM_ETOOLARGE, action.where, "more than %d actions in one place", LIST_MAX);
  if (fsm__node_is(action, FSM_STRING)) return read_named(l, action, action.value->s, out);
  if (!fsm__node_is(action, FSM_MAP))
    return fsm__invalid(l, action.where, "an action must be a name or an object with a \"type\"");
  if (fsm__is_expression(action.value))
    return fsm__unsupported(l, action.where,
                            "an action cannot be computed: neither an expression nor a function");
  fsm_code code = fsm__node_text(l, action, "type", &type);
  if (code) return code;
  if (!type) return fsm__invalid(l, action.where, "the action has no \"type\"");
  if (strncmp(type, prefix, strlen(prefix)) == 0) return read_builtin(l, action, type, out);
  bool known = fsm__named_find(&l->actions, type) >= 0;
  if (known) code = fsm__node_keys(l, action, keys);
  return code ? code : read_named(l, action, type, out);
}

fsm_code fsm__read_actions(fsm__loader *l, fsm__node node, fsm__actions *out) {
  if (!node.value) return FSM_OK;
  fsm_code code = FSM_OK;
  for (uint32_t i = 0, count = fsm__node_count(node); i < count && !code; i++)
    code = read_action(l, fsm__node_each(l, node, i), out);
  return code;
}

fsm_code fsm__read_patch(fsm__loader *l, fsm__node node, fsm__actions *out) {
  if (!node.value) return FSM_OK;
  if (!fsm__node_is(node, FSM_MAP))
    return fsm__invalid(l, node.where, "\"context\" must be an object of the fields to assign");
  fsm_def_action *item = FSM__LIST_ADD(l, out);
  if (!item) return fsm__out_of_memory(l);
  *item = (fsm_def_action){.kind = FSM_ACTION_ASSIGN, .where = node.where};
  return fsm__read_def_value(l, node, &item->value);
}
