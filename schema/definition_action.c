/* definition_action.c: actions: the built-in ones, one row each, and named ones, which are replaced by
 * what the root says they are.
 */
#include <string.h>

#include "schema/definition_load.h"

enum { EXPANSION_MAX = 8, LIST_MAX = 1024 };

static const char *const prefix = "@xstate.";

/* ---- the built-in ones ------------------------------------------------------------------------- */

/* {"type": NAME, …data}: the rest of the members are the data. */
static fsm_code read_event(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node event = fsm__node_get(l, action, "event");
  if (!fsm__node_is(event, FSM_MAP))
    return fsm__invalid(l, event.where, "\"event\" must be {\"type\": NAME, …}");
  fsm_code code = fsm__node_text(l, event, "type", &out->event);
  if (code) return code;
  if (!out->event) return fsm__invalid(l, event.where, "the event has no \"type\"");
  if (strncmp(out->event, "xstate.", 7) == 0)
    return fsm__invalid(l, event.where, "event names that begin with \"xstate.\" are made by the engine");
  fsm_pair *pairs = fsm_arena_zalloc(l->arena, event.value->len, sizeof *pairs);
  fsm_value *data = fsm_arena_zalloc(l->arena, 1, sizeof *data);
  if (!pairs || !data) return fsm__out_of_memory(l);
  uint32_t count = 0;
  for (uint32_t i = 0; i < event.value->len; i++)
    if (!fsm_is_text(&event.value->pairs[i].key, "type")) pairs[count++] = event.value->pairs[i];
  *data = (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs};
  return count ? fsm__read_def_value(l, (fsm__node){data, event.where}, &out->value) : FSM_OK;
}

static fsm_code read_assign(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node context = fsm__node_get(l, action, "context");
  if (!fsm__node_is(context, FSM_MAP) || fsm_doc_get(context.value, "@expr"))
    return fsm__invalid(l, context.where, "\"context\" must be an object of the fields to assign");
  return fsm__read_def_value(l, context, &out->value);
}

static fsm_code read_raise(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = read_event(l, action, out);
  if (!code) code = fsm__node_text(l, action, "id", &out->id);
  if (!code) code = fsm__read_delay(l, fsm__node_get(l, action, "delay"), &out->delay);
  if (!code && out->id && !out->delay)
    code = fsm__invalid(l, action.where, "an \"id\" is of use only with a \"delay\"");
  return code;
}

static fsm_code read_cancel(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm_code code = fsm__node_text(l, action, "id", &out->id);
  return code || out->id ? code : fsm__invalid(l, action.where, "the \"id\" to cancel is missing");
}

static fsm_code read_log(fsm__loader *l, fsm__node action, fsm_def_action *out) {
  fsm__node args = fsm__node_get(l, action, "args");
  if (!fsm__node_is(args, FSM_LIST)) return fsm__invalid(l, args.where, "\"args\" must be a list");
  return fsm__read_def_value(l, args, &out->value);
}

static const struct builtin {
  const char *name; /* after the prefix */
  fsm_action_kind kind;
  fsm_code (*read)(fsm__loader *l, fsm__node action, fsm_def_action *out);
  const char *const keys[6];
} builtins[] = {
    {"assign", FSM_ACTION_ASSIGN, read_assign, {"type", "context"}},
    {"raise", FSM_ACTION_RAISE, read_raise, {"type", "event", "id", "delay"}},
    {"cancel", FSM_ACTION_CANCEL, read_cancel, {"type", "id"}},
    {"log", FSM_ACTION_LOG, read_log, {"type", "args"}},
    {"emit", FSM_ACTION_EMIT, read_event, {"type", "event"}},
};

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
  return fsm__unsupported(l, action.where, "the action \"%.64s\" is not supported", type);
}

/* ---- named ones -------------------------------------------------------------------------------- */

static fsm_code missing(fsm__loader *l, fsm__node action, const char *name) {
  fsm__closest closest = {.name = name};
  for (uint32_t i = 0; l->actions.value && i < l->actions.value->len; i++)
    fsm__closest_try(&closest, fsm__node_name(l->actions, i));
  char hint[96];
  return fsm__invalid(l, action.where, "there is no action \"%.64s\" among the machine's actions%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

static fsm_code read_named(fsm__loader *l, fsm__node action, const char *name, fsm__actions *out) {
  fsm__node named = fsm__node_get(l, l->actions, name);
  if (!named.value) return missing(l, action, name);
  if (l->expanding == EXPANSION_MAX)
    return fsm__invalid(l, named.where, "named actions name one another more than %d deep", EXPANSION_MAX);
  l->expanding++;
  fsm_code code = fsm__read_actions(l, named, out);
  l->expanding--;
  return code;
}

static fsm_code read_action(fsm__loader *l, fsm__node action, fsm__actions *out) {
  static const char *const keys[] = {"type", "!", "params", NULL};
  const char *type = NULL;
  if (out->count >= LIST_MAX)
    return fsm_fail(l->err, FSM_ETOOLARGE, action.where, "more than %d actions in one place", LIST_MAX);
  if (fsm__node_is(action, FSM_STRING)) return read_named(l, action, action.value->s, out);
  if (!fsm__node_is(action, FSM_MAP))
    return fsm__invalid(l, action.where, "an action must be a name or an object with a \"type\"");
  if (fsm_doc_get(action.value, "@expr") || fsm_doc_get(action.value, "@code"))
    return fsm__unsupported(l, action.where, "an expression cannot be an action");
  fsm_code code = fsm__node_text(l, action, "type", &type);
  if (code) return code;
  if (!type) return fsm__invalid(l, action.where, "the action has no \"type\"");
  if (strncmp(type, prefix, strlen(prefix)) == 0) return read_builtin(l, action, type, out);
  code = fsm__node_keys(l, action, keys);
  return code ? code : read_named(l, action, type, out);
}

fsm_code fsm__read_actions(fsm__loader *l, fsm__node node, fsm__actions *out) {
  if (!node.value) return FSM_OK;
  if (node.value->type != FSM_LIST) return read_action(l, node, out);
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < node.value->len && !code; i++)
    code = read_action(l, fsm__node_item(l, node, i), out);
  return code;
}

fsm_code fsm__read_patch(fsm__loader *l, fsm__node node, fsm__actions *out) {
  if (!node.value) return FSM_OK;
  if (!fsm__node_is(node, FSM_MAP) || fsm_doc_get(node.value, "@expr"))
    return fsm__invalid(l, node.where, "\"context\" must be an object of the fields to assign");
  fsm_def_action *item = FSM__LIST_ADD(l, out);
  if (!item) return fsm__out_of_memory(l);
  *item = (fsm_def_action){.kind = FSM_ACTION_ASSIGN, .where = node.where};
  return fsm__read_def_value(l, node, &item->value);
}
