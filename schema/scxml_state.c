/* scxml_state.c: <scxml>, <state>, <parallel>, <final> and <history> (3.2 to 3.4, 3.7, 3.10), each with
 * what hangs on it, down the tree.
 */
#include <string.h>

#include "schema/scxml_load.h"

static size_t count_of(const fsm_xml_node *element, const char *name) {
  size_t count = 0;
  const fsm_xml_node *child = NULL;
  while ((child = fsm__scxml_next(element, child))) count += fsm__scxml_is(child, name);
  return count;
}

/* ---- what hangs on a state --------------------------------------------------------------------- */

/* Each onentry is a block: several of them fail each for itself. */
static fsm_code read_blocks(fsm__scxml *r, const fsm_xml_node *state, const char *name,
                            const fsm_def_action **items, size_t *count) {
  fsm__scxml_actions actions = {0};
  size_t blocks = count_of(state, name);
  const fsm_xml_node *child = NULL;
  while ((child = fsm__scxml_next(state, child))) {
    if (!fsm__scxml_is(child, name)) continue;
    fsm__scxml_actions inner = {0};
    fsm_code code = fsm__scxml_read_actions(r, child, blocks > 1 ? &inner : &actions);
    if (code) return code;
    if (!inner.count) continue;
    fsm_def_action *block = FSM__SCXML_ADD(r, &actions);
    if (!block) return fsm__scxml_no_memory(r);
    *block = (fsm_def_action){.kind = FSM_ACTION_BLOCK,
                              .actions = inner.items,
                              .action_count = inner.count,
                              .where = fsm__scxml_at(r, child)};
  }
  *items = actions.items;
  *count = actions.count;
  return FSM_OK;
}

static fsm_code read_transitions(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  size_t count = count_of(element, "transition"), n = 0;
  fsm_def_transition *items = fsm_arena_zalloc(r->arena, count + 1, sizeof *items);
  const fsm_xml_node *child = NULL;
  if (!items) return fsm__scxml_no_memory(r);
  while ((child = fsm__scxml_next(element, child))) {
    if (!fsm__scxml_is(child, "transition")) continue;
    fsm_code code = fsm__scxml_read_transition(r, element, child, &items[n++]);
    if (code) return code;
  }
  out->transitions = items;
  out->transition_count = n;
  return FSM_OK;
}

static fsm_code read_invokes(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  size_t count = count_of(element, "invoke"), n = 0;
  fsm_def_invoke *items = fsm_arena_zalloc(r->arena, count + 1, sizeof *items);
  const fsm_xml_node *child = NULL;
  if (!items) return fsm__scxml_no_memory(r);
  while ((child = fsm__scxml_next(element, child))) {
    if (!fsm__scxml_is(child, "invoke")) continue;
    fsm_code code = fsm__scxml_read_invoke(r, child, &items[n++]);
    if (code) return code;
  }
  out->invokes = items;
  out->invoke_count = n;
  return FSM_OK;
}

static fsm_code read_children(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  size_t count = 0, n = 0;
  const fsm_xml_node *child = NULL;
  while ((child = fsm__scxml_next(element, child))) count += fsm__scxml_is_state(child);
  const fsm_def_state **items = fsm_arena_zalloc(r->arena, count + 1, sizeof *items);
  if (!items) return fsm__scxml_no_memory(r);
  while ((child = fsm__scxml_next(element, child))) {
    if (!fsm__scxml_is_state(child)) continue;
    fsm_code code = fsm__scxml_read_state(r, child, &items[n++]);
    if (code) return code;
  }
  out->children = items;
  out->child_count = n;
  return FSM_OK;
}

/* ---- where it begins --------------------------------------------------------------------------- */

/* The one <transition> in <initial> or <history>. A history whose default is its own parent begins as that
 * does, which is what having no default means. */
static fsm_code read_default(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  const fsm_xml_node *transition = fsm__scxml_child(element, "transition");
  fsm_def_transition t;
  if (!transition)
    return fsm__scxml_invalid(r, fsm__scxml_at(r, element), "<%s> needs a <transition>", element->name);
  fsm_code code = fsm__scxml_read_transition(r, element, transition, &t);
  if (code) return code;
  bool is_own_parent = t.target_count == 1 && fsm__scxml_state_of(r, t.targets[0]) == element->parent &&
                       fsm__scxml_is(element, "history");
  out->initials = t.targets;
  out->initial_count = is_own_parent ? 0 : t.target_count;
  out->initial_actions = t.actions;
  out->initial_action_count = t.action_count;
  return FSM_OK;
}

/* Document order decides when nothing is said, and a history is no state to begin in. */
static fsm_code begin_with_first(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  size_t first = 0;
  while (first < out->child_count && out->children[first]->kind == FSM_HISTORY) first++;
  if (first == out->child_count)
    return fsm__scxml_invalid(r, fsm__scxml_at(r, element), "<%s> holds a <history> and no state",
                              element->name);
  if (first == 0) return FSM_OK;
  const char **path = fsm_arena_zalloc(r->arena, 1, sizeof *path);
  if (!path) return fsm__scxml_no_memory(r);
  *path = out->children[first]->path;
  out->initials = path;
  out->initial_count = 1;
  return FSM_OK;
}

static fsm_code read_initial(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  const fsm_xml_node *initial = fsm__scxml_child(element, "initial");
  const fsm_xml_attribute *attribute = fsm_xml_attribute_of(element, "initial");
  if (initial && attribute)
    return fsm__scxml_invalid(r, fsm__scxml_at(r, initial), "<%s> has both \"initial\" and <initial>",
                              element->name);
  if (!out->child_count && (initial || attribute))
    return fsm__scxml_invalid(r,
                              initial ? fsm__scxml_at(r, initial) : fsm__scxml_text_at(r, element, "initial"),
                              "<%s> holds no state that it could begin with", element->name);
  if (attribute)
    return fsm__scxml_targets(r, element, "initial", element, &out->initials, &out->initial_count);
  if (initial) return read_default(r, initial, out);
  return out->child_count ? begin_with_first(r, element, out) : FSM_OK;
}

/* ---- the kinds --------------------------------------------------------------------------------- */

static fsm_code read_history(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  static const char *const types[] = {"shallow", "deep", NULL};
  unsigned type;
  out->kind = FSM_HISTORY;
  fsm_code code = fsm__scxml_word(r, element, "type", types, &type);
  out->deep = type == 1;
  return code ? code : read_default(r, element, out);
}

static fsm_code read_final(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  const fsm_xml_node *donedata = fsm__scxml_child(element, "donedata");
  out->kind = FSM_FINAL;
  fsm_code code = read_blocks(r, element, "onentry", &out->entry, &out->entry_count);
  if (!code) code = read_blocks(r, element, "onexit", &out->exit, &out->exit_count);
  if (code || !donedata) return code;
  code = fsm__scxml_payload(r, donedata, &out->output);
  return code ? code : fsm__scxml_fail_later(r, fsm__scxml_at(r, donedata), &out->output);
}

static fsm_code read_nested(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  bool is_parallel = fsm__scxml_is(element, "parallel");
  fsm_code code = fsm__scxml_read_data(r, element, out);
  if (!code) code = read_blocks(r, element, "onentry", &out->entry, &out->entry_count);
  if (!code) code = read_blocks(r, element, "onexit", &out->exit, &out->exit_count);
  if (!code) code = read_transitions(r, element, out);
  if (!code) code = read_invokes(r, element, out);
  if (!code) code = read_children(r, element, out);
  if (code) return code;
  out->kind = !out->child_count ? FSM_ATOMIC : is_parallel ? FSM_PARALLEL : FSM_COMPOUND;
  return is_parallel ? FSM_OK : read_initial(r, element, out);
}

/* The global <script> (5.8) runs when the machine starts, before anything is entered: as the root's entry. */
static fsm_code read_root(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  fsm__scxml_actions script = {0};
  const fsm_xml_node *child = fsm__scxml_child(element, "script");
  const char *name = fsm__scxml_text(element, "name");
  out->name = name ? name : "scxml";
  out->kind = FSM_COMPOUND;
  fsm_code code = fsm__scxml_read_data(r, element, out);
  if (!code && child) code = fsm__scxml_read_global_script(r, child, &script);
  if (!code) code = read_transitions(r, element, out); /* the Recommendation has none here, processors do */
  if (!code) code = read_children(r, element, out);
  if (!code && !out->child_count)
    code = fsm__scxml_invalid(r, out->where, "<scxml> needs a <state>, <parallel> or <final>");
  if (!code) code = read_initial(r, element, out);
  out->entry = script.items;
  out->entry_count = script.count;
  return code;
}

fsm_code fsm__scxml_read_state(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_state **out) {
  fsm_def_state *state = fsm_arena_zalloc(r->arena, 1, sizeof *state);
  if (!state) return fsm__scxml_no_memory(r);
  *out = state;
  state->where = fsm__scxml_at(r, element);
  fsm_code code = fsm__scxml_read_notes(r, element, state);
  if (code) return code;
  if (fsm__scxml_is(element, "scxml")) return read_root(r, element, state);
  state->name = state->path = fsm__scxml_id_of(r, element);
  if (fsm__scxml_is(element, "history")) return read_history(r, element, state);
  if (fsm__scxml_is(element, "final")) return read_final(r, element, state);
  return read_nested(r, element, state);
}
