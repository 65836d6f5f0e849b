/* definition_state.c: states: kind, initial state, blocks of actions, children, and which keys a state of
 * its kind may have.
 */
#include <string.h>

#include "schema/definition_load.h"

typedef struct reading {
  fsm__loader *l;
  const fsm__state_entry *entry;
  fsm_def_state *out;
  bool choice;
} reading;

static fsm__node member(const reading *r, const char *key) {
  return fsm__node_get(r->l, r->entry->node, key);
}

/* ---- kind -------------------------------------------------------------------------------------- */

static bool has_children(const reading *r) {
  const fsm_value *states = fsm_doc_get(r->entry->node.value, "states");
  return states && states->len > 0;
}

static fsm_code wrong_type(const reading *r, fsm__node type) {
  if (fsm_is_text(type.value, "compound") || fsm_is_text(type.value, "parallel"))
    return fsm__invalid(r->l, type.where, "a %s state has states in it", type.value->s);
  return has_children(r)
             ? fsm__invalid(r->l, type.where,
                            "the \"type\" of a state with states in it is \"compound\" or \"parallel\"")
             : fsm__invalid(r->l, type.where,
                            "the \"type\" of a state is \"atomic\", \"compound\", \"parallel\", \"final\", "
                            "\"history\" or \"choice\"");
}

/* As XState does: without a type, states in it make it compound and "history" makes it that. */
static fsm_code read_kind(reading *r, fsm_kind *out) {
  fsm__node type = member(r, "type");
  bool children = has_children(r);
  *out = children ? FSM_COMPOUND : member(r, "history").value ? FSM_HISTORY : FSM_ATOMIC;
  if (!type.value) return FSM_OK;
  static const struct {
    const char *name;
    fsm_kind kind;
    bool parent;
  } rows[] = {{"atomic", FSM_ATOMIC, false},    {"compound", FSM_COMPOUND, true},
              {"parallel", FSM_PARALLEL, true}, {"final", FSM_FINAL, false},
              {"history", FSM_HISTORY, false},  {"choice", FSM_ATOMIC, false}};
  r->choice = fsm_is_text(type.value, "choice");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!fsm_is_text(type.value, rows[i].name)) continue;
    *out = rows[i].kind;
    return rows[i].parent == children || (children && *out == FSM_FINAL) ? FSM_OK : wrong_type(r, type);
  }
  return wrong_type(r, type);
}

static fsm_code check_root(const reading *r) {
  if (r->out->kind != FSM_FINAL && r->out->kind != FSM_HISTORY && !r->choice) return FSM_OK;
  fsm__node type = member(r, "type");
  return fsm__invalid(r->l, type.value ? type.where : r->entry->node.where, "the root cannot be a %s state",
                      r->choice                   ? "choice"
                      : r->out->kind == FSM_FINAL ? "final"
                                                  : "history");
}

/* ---- keys -------------------------------------------------------------------------------------- */

#define REFUSED_KEYS                                                                                \
  "!", "context", "input: a state has no input of its own", "onError: only an invoke has one",      \
      "route: a transition names its target", "key: a state is called by its key under \"states\"", \
      "parallel: XState 5 writes \"type\": \"parallel\"", "data: XState 5 calls it \"output\"",     \
      "onEntry: XState 5 calls it \"entry\"", "onExit: XState 5 calls it \"exit\"",                 \
      "activities: write an \"invoke\"", "internalEvents", "order", NULL

/* What a state of the kind has no use for, by what it has none of. */
static fsm_code check_barred(const reading *r) {
  static const char *const of_leaf[] = {"on",     "always",  "after",   "invoke",    "onDone",
                                        "states", "initial", "timeout", "onTimeout", NULL};
  const char *kind = r->choice                     ? "choice"
                     : r->out->kind == FSM_FINAL   ? "final"
                     : r->out->kind == FSM_HISTORY ? "history"
                                                   : NULL;
  for (size_t i = 0; kind && of_leaf[i]; i++) {
    fsm__node node = member(r, of_leaf[i]);
    if (node.value) return fsm__invalid(r->l, node.where, "a %s state has no \"%s\"", kind, of_leaf[i]);
  }
  static const struct {
    const char *key, *text;
    fsm_kind kind;
    bool choice;
  } only[] = {{"history", "only a history state has a \"history\"", FSM_HISTORY, false},
              {"target", "only a history state has a \"target\" of its own", FSM_HISTORY, false},
              {"choice", "only a state of \"type\": \"choice\" has a \"choice\"", FSM_ATOMIC, true}};
  for (size_t i = 0; i < sizeof only / sizeof *only; i++) {
    fsm__node node = member(r, only[i].key);
    if (node.value && (r->out->kind != only[i].kind || r->choice != only[i].choice))
      return fsm__invalid(r->l, node.where, "%s", only[i].text);
  }
  fsm__node output = member(r, "output");
  if (output.value && r->entry->parent && r->out->kind != FSM_FINAL)
    return fsm__invalid(r->l, output.where, "only a final state or the root has an \"output\"");
  return FSM_OK;
}

static fsm_code check_keys(const reading *r) {
  static const char *const of_root[] = {"id",
                                        "version",
                                        "description",
                                        "initial",
                                        "context",
                                        "states",
                                        "on",
                                        "always",
                                        "after",
                                        "entry",
                                        "exit",
                                        "onDone",
                                        "invoke",
                                        "output",
                                        "tags",
                                        "meta",
                                        "type",
                                        "schemas",
                                        "guards",
                                        "actions",
                                        "delays",
                                        "timeout",
                                        "onTimeout",
                                        "types",
                                        "@exprLang",
                                        "$schema",
                                        "!",
                                        "actors: a service is known by the \"src\" of its invoke",
                                        "input: \"schemas\" may describe it",
                                        "onError: only an invoke has one",
                                        "route: a transition names its target",
                                        "key: a machine is known by its \"id\"",
                                        "internalEvents",
                                        "strict",
                                        "preserveActionOrder",
                                        "predictableActionArguments",
                                        "tsTypes",
                                        "schema: XState 6 calls it \"schemas\"",
                                        "delimiter",
                                        "services: a service is known by the \"src\" of its invoke",
                                        NULL};
  static const char *const of_state[] = {
      "type", "initial", "states",    "on",      "always", "after",       "entry",
      "exit", "invoke",  "onDone",    "tags",    "meta",   "description", "output",
      "id",   "timeout", "onTimeout", "history", "target", "choice",      REFUSED_KEYS};
  static const char *const of_final[] = {"type",        "entry",  "exit", "tags",      "meta",
                                         "description", "output", "id",   REFUSED_KEYS};
  static const char *const of_history[] = {"type", "history",     "target", "tags",
                                           "meta", "description", "id",     REFUSED_KEYS};
  static const char *const of_choice[] = {"type",        "choice", "tags",      "meta",
                                          "description", "id",     REFUSED_KEYS};
  fsm_code code = check_barred(r);
  if (code) return code;
  return fsm__node_keys(r->l, r->entry->node,
                        !r->entry->parent             ? of_root
                        : r->choice                   ? of_choice
                        : r->out->kind == FSM_FINAL   ? of_final
                        : r->out->kind == FSM_HISTORY ? of_history
                                                      : of_state);
}

/* ---- initial ----------------------------------------------------------------------------------- */

static fsm_code no_such_child(const reading *r, fsm__node initial) {
  fsm__closest closest = {.name = initial.value->s};
  for (size_t i = 1; i < r->l->state_count; i++)
    if (r->l->states[i].parent == r->entry) fsm__closest_try(&closest, r->l->states[i].name);
  char hint[96];
  return fsm__invalid(r->l, initial.where, "there is no state \"%.64s\" in here%s", closest.name,
                      fsm__closest_text(&closest, hint, sizeof hint));
}

/* A history state without a default would lead back to the initial state, which it is. */
static fsm_code check_initial(const reading *r, fsm__node initial, const fsm__state_entry *found) {
  const fsm_value *state = found->node.value;
  bool history = fsm_doc_get(state, "history") != NULL;
  const fsm_value *type = fsm_doc_get(state, "type");
  if (type && fsm_is_text(type, "history")) history = true;
  if (!history || fsm_doc_get(state, "target")) return FSM_OK;
  return fsm__invalid(r->l, initial.where,
                      "the history state \"%.64s\" needs a \"target\" to be the initial one", found->name);
}

static fsm_code read_initial_key(const reading *r, fsm__node initial) {
  if (initial.value->type != FSM_STRING || !initial.value->len)
    return fsm__invalid(r->l, initial.where, "\"initial\" must be the key of a state");
  const char *name = initial.value->s;
  const char *path = r->entry->parent ? fsm_arena_printf(r->l->arena, "%s.%s", r->entry->path, name) : name;
  if (!path) return fsm__out_of_memory(r->l);
  const fsm__state_entry *found = fsm__state_at(r->l, path);
  if (!found || found->parent != r->entry) return no_such_child(r, initial);
  const char **initials = fsm_arena_zalloc(r->l->arena, 1, sizeof *initials);
  if (!initials) return fsm__out_of_memory(r->l);
  initials[0] = found->path;
  r->out->initials = initials;
  r->out->initial_count = 1;
  return check_initial(r, initial, found);
}

/* {"target": KEY, "actions"?, "context"?} */
static fsm_code read_initial_object(const reading *r, fsm__node initial) {
  static const char *const keys[] = {"target",
                                     "actions",
                                     "context",
                                     "description",
                                     "meta",
                                     "!",
                                     "guard: an initial state is always entered; a choice state can choose",
                                     NULL};
  const char *description;
  fsm_value meta;
  fsm__actions actions = {0};
  fsm_code code = fsm__node_keys(r->l, initial, keys);
  if (code) return code;
  fsm__node target = fsm__node_get(r->l, initial, "target");
  if (!target.value)
    return fsm__invalid(r->l, initial.where, "\"target\" is missing: which state comes first?");
  code = read_initial_key(r, target);
  if (!code) code = fsm__node_text(r->l, initial, "description", &description);
  if (!code)
    code = fsm__read_meta(r->l, fsm__node_get(r->l, initial, "meta"), (fsm__meta_place)0, &meta, NULL);
  if (!code) code = fsm__read_patch(r->l, fsm__node_get(r->l, initial, "context"), &actions);
  if (!code) code = fsm__read_actions(r->l, fsm__node_get(r->l, initial, "actions"), &actions);
  r->out->initial_actions = actions.items;
  r->out->initial_action_count = actions.count;
  return code;
}

static fsm_code read_initial(const reading *r) {
  fsm__node initial = member(r, "initial");
  if (r->out->kind == FSM_PARALLEL && initial.value)
    return fsm__invalid(r->l, initial.where,
                        "all states of a parallel state are entered: none is \"initial\"");
  if (r->out->kind != FSM_COMPOUND)
    return initial.value
               ? fsm__invalid(r->l, initial.where, "only a state with states in it has an \"initial\" one")
               : FSM_OK;
  if (!initial.value)
    return fsm__invalid(r->l, r->entry->node.where, "\"initial\" is missing: which state comes first?");
  return initial.value->type == FSM_MAP ? read_initial_object(r, initial) : read_initial_key(r, initial);
}

/* ---- history ----------------------------------------------------------------------------------- */

static fsm_code read_history(const reading *r) {
  if (r->out->kind != FSM_HISTORY) return FSM_OK;
  fsm__node history = member(r, "history");
  r->out->deep = history.value && fsm_is_text(history.value, "deep");
  bool shallow = !history.value || fsm_is_text(history.value, "shallow") ||
                 (history.value->type == FSM_BOOL && history.value->b);
  if (!r->out->deep && !shallow)
    return fsm__invalid(r->l, history.where, "\"history\" must be \"shallow\" or \"deep\"");
  return fsm__read_targets(r->l, r->entry, member(r, "target"), &r->out->initials, &r->out->initial_count);
}

/* ---- the rest of a state ----------------------------------------------------------------------- */

static fsm_code read_tags(const reading *r) {
  fsm__node tags = member(r, "tags");
  if (!tags.value) return FSM_OK;
  uint32_t count = fsm__node_count(tags);
  const char **items = fsm_arena_zalloc(r->l->arena, count + 1u, sizeof *items);
  if (!items) return fsm__out_of_memory(r->l);
  for (uint32_t i = 0; i < count; i++) {
    fsm__node tag = fsm__node_each(r->l, tags, i);
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

static fsm_code read_parts(const reading *r) {
  fsm__meta_place place = r->entry->parent ? FSM__META_STATE : FSM__META_ROOT;
  fsm_code code = read_initial(r);
  if (!code) code = read_history(r);
  if (!code) code = fsm__node_text(r->l, r->entry->node, "description", &r->out->description);
  if (!code) code = read_tags(r);
  if (!code) code = fsm__read_meta(r->l, member(r, "meta"), place, &r->out->meta, &r->out->allow);
  if (!code) code = read_blocks(r);
  if (!code) code = fsm__read_def_value(r->l, member(r, "output"), &r->out->output);
  if (!code && r->choice && !member(r, "choice").value)
    code = fsm__invalid(r->l, r->entry->node.where, "the choice state has no \"choice\"");
  return code ? code : fsm__read_events(r->l, r->entry, r->out);
}

static fsm_code read_state(fsm__loader *l, const fsm__state_entry *entry, fsm_def_state *out) {
  reading r = {.l = l, .entry = entry, .out = out};
  out->name = entry->name;
  out->where = entry->node.where;
  fsm_code code = read_kind(&r, &out->kind);
  if (!code && !entry->parent) code = check_root(&r);
  if (!code) code = check_keys(&r);
  return code ? code : read_parts(&r);
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

/* Something must be there to be in. */
static fsm_code check_children(fsm__loader *l, const fsm_def_state *state) {
  if (state->kind != FSM_COMPOUND && state->kind != FSM_PARALLEL) return FSM_OK;
  for (size_t i = 0; i < state->child_count; i++)
    if (state->children[i]->kind != FSM_HISTORY) return FSM_OK;
  return fsm__invalid(l, state->where, "there are only history states in here: none to be in");
}

fsm_code fsm__read_states(fsm__loader *l, const fsm_def_state **out) {
  FSM_ASSERT(l->state_count > 0);
  fsm_def_state *states = fsm_arena_zalloc(l->arena, l->state_count, sizeof *states);
  if (!states) return fsm__out_of_memory(l);
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < l->state_count && !code; i++) code = read_state(l, &l->states[i], &states[i]);
  if (!code) code = link_children(l, states);
  for (size_t i = 0; i < l->state_count && !code; i++) code = check_children(l, &states[i]);
  *out = &states[0];
  return code;
}
