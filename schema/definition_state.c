/* definition_state.c: states into the fsm_def tree: kind, children, and in one list all transitions: of
 * events (exact names before wildcards, as XState picks them), done events, answers of invokes, delays,
 * eventless ones.
 */
#include <string.h>

#include "schema/definition_load.h"

typedef struct reading {
  fsm__loader *l;
  const fsm__state_entry *entry;
  fsm_def_state *out;
  fsm__transitions transitions;
} reading;

static const char *name_for_events(const fsm__loader *l, const fsm__state_entry *entry) {
  return entry->parent ? entry->path : l->machine;
}

static fsm__node member(const reading *r, const char *key) {
  return fsm__node_get(r->l, r->entry->node, key);
}

static fsm_code add_transitions(reading *r, fsm__node node, const char *event) {
  return fsm__read_transitions(r->l, r->entry, node, event, &r->transitions);
}

/* ---- kind -------------------------------------------------------------------------------------- */

static fsm_code read_kind(const reading *r, fsm_kind *out) {
  fsm__node type = member(r, "type"), states = member(r, "states");
  bool has_children = states.value && states.value->len > 0;
  *out = has_children ? FSM_COMPOUND : FSM_ATOMIC;
  if (!type.value) return FSM_OK;
  if (fsm_is_text(type.value, "parallel") || fsm_is_text(type.value, "history") ||
      fsm_is_text(type.value, "choice"))
    return fsm__unsupported(r->l, type.where, "%s states are not supported yet", type.value->s);
  if (fsm_is_text(type.value, "final"))
    *out = FSM_FINAL;
  else if (!fsm_is_text(type.value, has_children ? "compound" : "atomic"))
    return fsm__invalid(r->l, type.where, "the \"type\" of a state %s states in it is \"%s\"%s",
                        has_children ? "with" : "without", has_children ? "compound" : "atomic",
                        has_children ? "" : " or \"final\"");
  return FSM_OK;
}

static fsm_code read_initial(const reading *r) {
  fsm__node initial = member(r, "initial");
  if (r->out->kind != FSM_COMPOUND)
    return initial.value
               ? fsm__invalid(r->l, initial.where, "only a state with states in it has an \"initial\" one")
               : FSM_OK;
  if (!initial.value)
    return fsm__invalid(r->l, r->entry->node.where, "\"initial\" is missing: which state comes first?");
  if (initial.value->type == FSM_MAP)
    return fsm__unsupported(r->l, initial.where, "an \"initial\" with actions is not supported");
  if (initial.value->type != FSM_STRING || !initial.value->len)
    return fsm__invalid(r->l, initial.where, "\"initial\" must be the key of a state");
  const char *name = initial.value->s;
  const char *path = r->entry->parent ? fsm_arena_printf(r->l->arena, "%s.%s", r->entry->path, name) : name;
  if (!path) return fsm__out_of_memory(r->l);
  const fsm__state_entry *found = fsm__state_at(r->l, path);
  if (found && found->parent == r->entry) {
    const char **initials = fsm_arena_zalloc(r->l->arena, 1, sizeof *initials);
    if (!initials) return fsm__out_of_memory(r->l);
    initials[0] = found->path;
    r->out->initials = initials;
    r->out->initial_count = 1;
    return FSM_OK;
  }
  fsm__closest closest = {.name = name};
  for (size_t i = 1; i < r->l->state_count; i++)
    if (r->l->states[i].parent == r->entry) fsm__closest_try(&closest, r->l->states[i].name);
  char hint[96];
  return fsm__invalid(r->l, initial.where, "there is no state \"%.64s\" in here%s", name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

/* ---- transitions of events --------------------------------------------------------------------- */

/* 0 for an exact name, then "a.b.*" before "a.*" before "*". */
static size_t wildness(const char *descriptor) {
  size_t len = strlen(descriptor);
  return len && descriptor[len - 1] == '*' ? 1 + FSM_DEFINITION_BYTES_MAX - len : 0;
}

static fsm_code read_on(reading *r) {
  fsm__node on = member(r, "on");
  if (!on.value) return FSM_OK;
  if (!fsm__node_is(on, FSM_MAP)) return fsm__invalid(r->l, on.where, "\"on\" must be an object");
  uint32_t count = on.value->len;
  uint32_t *order = fsm_arena_zalloc(r->l->arena, count ? count : 1, sizeof *order);
  if (!order) return fsm__out_of_memory(r->l);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = i;
    size_t rank = wildness(fsm__node_name(on, i));
    for (; at > 0 && wildness(fsm__node_name(on, order[at - 1])) > rank; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < count && !code; i++) {
    const char *event = fsm__node_name(on, order[i]);
    fsm__node node = fsm__node_member(r->l, on, order[i]);
    code = *event
               ? add_transitions(r, node, event)
               : fsm__invalid(r->l, node.where, "an event has no name; eventless transitions are \"always\"");
  }
  return code;
}

static fsm_code read_on_done(reading *r) {
  fsm__node done = member(r, "onDone");
  if (!done.value) return FSM_OK;
  if (!r->entry->parent)
    return fsm__invalid(r->l, done.where, "the root's \"onDone\" is never taken: the machine has ended then");
  if (r->out->kind != FSM_COMPOUND)
    return fsm__invalid(r->l, done.where, "only a state with states in it has an \"onDone\"");
  const char *event = fsm_arena_printf(r->l->arena, "xstate.done.state.%s", r->entry->path);
  return event ? add_transitions(r, done, event) : fsm__out_of_memory(r->l);
}

static fsm_code read_after(reading *r) {
  fsm__node after = member(r, "after");
  if (!after.value) return FSM_OK;
  if (!fsm__node_is(after, FSM_MAP)) return fsm__invalid(r->l, after.where, "\"after\" must be an object");
  fsm_def_after *items = fsm_arena_zalloc(r->l->arena, after.value->len + 1u, sizeof *items);
  if (!items) return fsm__out_of_memory(r->l);
  r->out->afters = items;
  r->out->after_count = after.value->len;
  for (uint32_t i = 0; i < after.value->len; i++) {
    const char *name = fsm__node_name(after, i);
    fsm__node node = fsm__node_member(r->l, after, i);
    items[i].where = node.where;
    items[i].event =
        fsm_arena_printf(r->l->arena, "xstate.after.%s.%s", name, name_for_events(r->l, r->entry));
    if (!items[i].event) return fsm__out_of_memory(r->l);
    fsm_code code = fsm__read_delay_name(r->l, name, node.where, &items[i].delay);
    if (!code) code = add_transitions(r, node, items[i].event);
    if (code) return code;
  }
  return FSM_OK;
}

/* ---- invokes ----------------------------------------------------------------------------------- */

/* It becomes part of a NATS subject. */
static bool is_service_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > 64 || name[0] == '.' || name[len - 1] == '.' || strstr(name, "..")) return false;
  return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static fsm_code read_answers(reading *r, fsm__node node, const char *id) {
  const char *done = fsm_arena_printf(r->l->arena, "xstate.done.actor.%s", id);
  const char *error = fsm_arena_printf(r->l->arena, "xstate.error.actor.%s", id);
  if (!done || !error) return fsm__out_of_memory(r->l);
  fsm_code code = add_transitions(r, fsm__node_get(r->l, node, "onDone"), done);
  return code ? code : add_transitions(r, fsm__node_get(r->l, node, "onError"), error);
}

static fsm_code read_invoke(reading *r, fsm__node node, uint32_t index, fsm_def_invoke *out) {
  static const char *const keys[] = {
      "id",         "src",      "input",   "onDone",    "onError",      "meta",        "description", "!",
      "onSnapshot", "systemId", "timeout", "onTimeout", "syncSnapshot", "registryKey", NULL};
  const char *description;
  out->where = node.where;
  fsm_code code = fsm__node_keys(r->l, node, keys);
  if (!code) code = fsm__node_text(r->l, node, "id", &out->id);
  if (!code) code = fsm__node_text(r->l, node, "src", &out->src);
  if (!code) code = fsm__node_text(r->l, node, "description", &description);
  if (!code) code = fsm__read_def_value(r->l, fsm__node_get(r->l, node, "input"), &out->input);
  if (!code) code = fsm__read_meta(r->l, fsm__node_get(r->l, node, "meta"), FSM__META_INVOKE, &out->meta);
  if (code) return code;
  if (!out->src) return fsm__invalid(r->l, node.where, "\"src\" is missing: which service is invoked?");
  if (!is_service_name(out->src))
    return fsm__invalid(r->l, fsm__node_get(r->l, node, "src").where,
                        "a service's name has 1 to 64 of A-Z a-z 0-9 _ - and single dots inside");
  if (!out->id) out->id = fsm_arena_printf(r->l->arena, "%u.%s", index, name_for_events(r->l, r->entry));
  return out->id ? read_answers(r, node, out->id) : fsm__out_of_memory(r->l);
}

static fsm_code read_invokes(reading *r) {
  fsm__node invoke = member(r, "invoke");
  if (!invoke.value) return FSM_OK;
  bool list = invoke.value->type == FSM_LIST;
  uint32_t count = list ? invoke.value->len : 1;
  fsm_def_invoke *items = fsm_arena_zalloc(r->l->arena, count + 1u, sizeof *items);
  if (!items) return fsm__out_of_memory(r->l);
  r->out->invokes = items;
  r->out->invoke_count = count;
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < count && !code; i++)
    code = read_invoke(r, list ? fsm__node_item(r->l, invoke, i) : invoke, i, &items[i]);
  return code;
}

/* ---- the rest of a state ----------------------------------------------------------------------- */

static fsm_code read_tags(const reading *r) {
  fsm__node tags = member(r, "tags");
  if (!tags.value) return FSM_OK;
  bool list = tags.value->type == FSM_LIST;
  uint32_t count = list ? tags.value->len : 1;
  const char **items = fsm_arena_zalloc(r->l->arena, count + 1u, sizeof *items);
  if (!items) return fsm__out_of_memory(r->l);
  for (uint32_t i = 0; i < count; i++) {
    fsm__node tag = list ? fsm__node_item(r->l, tags, i) : tags;
    if (!fsm__node_is(tag, FSM_STRING) || !tag.value->len)
      return fsm__invalid(r->l, tag.where, "a tag must be a text that is not empty");
    items[i] = tag.value->s;
  }
  r->out->tags = items;
  r->out->tag_count = count;
  return FSM_OK;
}

static fsm_code read_blocks(const reading *r) {
  fsm__actions entry = {0}, exit = {0};
  fsm_code code = fsm__read_actions(r->l, member(r, "entry"), &entry);
  if (!code) code = fsm__read_actions(r->l, member(r, "exit"), &exit);
  r->out->entry = entry.items;
  r->out->entry_count = entry.count;
  r->out->exit = exit.items;
  r->out->exit_count = exit.count;
  return code;
}

static fsm_code check_keys(const reading *r) {
  static const char *const of_root[] = {
      "id",        "version", "description", "initial", "context",        "states",  "on",
      "always",    "after",   "entry",       "exit",    "onDone",         "invoke",  "output",
      "tags",      "meta",    "type",        "schemas", "guards",         "actions", "delays",
      "@exprLang", "$schema", "!",           "actors",  "history",        "target",  "timeout",
      "onTimeout", "onError", "choice",      "route",   "internalEvents", NULL};
  static const char *const of_state[] = {
      "type",    "initial", "states",  "on",          "always",  "after",  "entry", "exit",    "invoke",
      "onDone",  "tags",    "meta",    "description", "output",  "id",     "!",     "history", "target",
      "context", "input",   "timeout", "onTimeout",   "onError", "choice", "route", "key",     NULL};
  static const char *const of_final[] = {"type",        "entry",  "exit", "tags", "meta",
                                         "description", "output", "id",   NULL};
  if (r->out->kind == FSM_FINAL) {
    static const char *const barred[] = {"on", "always", "after", "invoke", "onDone", "states", "initial"};
    for (size_t i = 0; i < sizeof barred / sizeof *barred; i++) {
      fsm__node node = member(r, barred[i]);
      if (node.value) return fsm__invalid(r->l, node.where, "a final state has no \"%s\"", barred[i]);
    }
  }
  fsm__node output = member(r, "output");
  if (output.value && r->entry->parent && r->out->kind != FSM_FINAL)
    return fsm__invalid(r->l, output.where, "only a final state or the root has an \"output\"");
  return fsm__node_keys(r->l, r->entry->node,
                        !r->entry->parent           ? of_root
                        : r->out->kind == FSM_FINAL ? of_final
                                                    : of_state);
}

/* The parts in the order in which their transitions are listed. */
static fsm_code read_parts(reading *r) {
  fsm__meta_place place = r->entry->parent ? FSM__META_STATE : FSM__META_ROOT;
  fsm_code code = read_initial(r);
  if (!code) code = fsm__node_text(r->l, r->entry->node, "description", &r->out->description);
  if (!code) code = read_tags(r);
  if (!code) code = fsm__read_meta(r->l, member(r, "meta"), place, &r->out->meta);
  if (!code) code = read_blocks(r);
  if (!code) code = fsm__read_def_value(r->l, member(r, "output"), &r->out->output);
  if (!code) code = read_on(r);
  if (!code) code = read_on_done(r);
  if (!code) code = read_invokes(r);
  if (!code) code = read_after(r);
  if (!code) code = add_transitions(r, member(r, "always"), NULL);
  return code;
}

static fsm_code read_state(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out) {
  reading r = {.l = l, .entry = entry, .out = out};
  out->name = entry->name;
  out->where = entry->node.where;
  fsm_code code = read_kind(&r, &out->kind);
  if (!code && !entry->parent && out->kind == FSM_FINAL)
    code = fsm__invalid(l, member(&r, "type").where, "the root cannot be a final state");
  if (!code) code = check_keys(&r);
  if (!code) code = read_parts(&r);
  out->transitions = r.transitions.items;
  out->transition_count = r.transitions.count;
  return code;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

/* Entries are in document order, so children come behind their parent. */
static fsm_code link_children(fsm__loader *l, fsm_def_state *states) {
  const fsm_def_state **all = fsm_arena_zalloc(l->arena, l->state_count, sizeof *all);
  if (!all) return fsm__out_of_memory(l);
  size_t used = 0;
  for (size_t i = 1; i < l->state_count; i++) states[l->states[i].parent - l->states].child_count++;
  for (size_t i = 0; i < l->state_count; i++) {
    states[i].children = all + used;
    used += states[i].child_count;
    states[i].child_count = 0;
  }
  for (size_t i = 1; i < l->state_count; i++) {
    fsm_def_state *parent = &states[l->states[i].parent - l->states];
    ((const fsm_def_state **)parent->children)[parent->child_count++] = &states[i];
  }
  return FSM_OK;
}

fsm_code fsm__read_states(fsm__loader *l, const fsm_def_state **out) {
  FSM_ASSERT(l->state_count > 0);
  fsm_def_state *states = fsm_arena_zalloc(l->arena, l->state_count, sizeof *states);
  if (!states) return fsm__out_of_memory(l);
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < l->state_count && !code; i++) code = read_state(l, &l->states[i], &states[i]);
  if (!code) code = link_children(l, states);
  *out = &states[0];
  return code;
}
