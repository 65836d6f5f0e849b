/* explore_skeleton.c: a tree of a machine without all that needs data: guards, actions, timers, invokes,
 * variables, who may. States and transitions stay, in their order, and so keep their numbers. */
#include <string.h>

#include "fsm/explore_impl.h"

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to explore the machine");
}

static fsm_def_transition *strip_transitions(fsm_arena *arena, const fsm_def_state *state) {
  fsm_def_transition *out = fsm_arena_zalloc(arena, state->transition_count + 1, sizeof *out);
  for (size_t i = 0; out != NULL && i < state->transition_count; i++) {
    const fsm_def_transition *t = &state->transitions[i];
    out[i] = (fsm_def_transition){.events = t->events,
                                  .event_count = t->event_count,
                                  .targets = t->targets,
                                  .target_count = t->target_count,
                                  .internal = t->internal,
                                  .where = t->where};
  }
  return out;
}

static const fsm_def_state *strip(fsm_arena *arena, const fsm_def_state *state) {
  fsm_def_state *out = fsm_arena_zalloc(arena, 1, sizeof *out);
  const fsm_def_state **children = fsm_arena_zalloc(arena, state->child_count + 1, sizeof *children);
  fsm_def_transition *transitions = strip_transitions(arena, state);
  if (out == NULL || children == NULL || transitions == NULL) return NULL;
  for (size_t i = 0; i < state->child_count; i++) {
    children[i] = strip(arena, state->children[i]);
    if (children[i] == NULL) return NULL;
  }
  *out = (fsm_def_state){.name = state->name,
                         .path = state->path,
                         .done_event = state->done_event,
                         .kind = state->kind,
                         .deep = state->deep,
                         .initials = state->initials,
                         .initial_count = state->initial_count,
                         .children = children,
                         .child_count = state->child_count,
                         .transitions = transitions,
                         .transition_count = state->transition_count,
                         .where = state->where};
  return out;
}

fsm_code fsm__skeleton(fsm_arena *arena, const fsm_def *def, fsm_def *out, fsm_error *err) {
  *out = (fsm_def){.root = strip(arena, def->root), .dialect = def->dialect};
  return out->root != NULL ? FSM_OK : no_memory(err);
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static size_t count_states(const fsm_def_state *state) {
  size_t count = 1;
  for (size_t i = 0; i < state->child_count; i++) count += count_states(state->children[i]);
  return count;
}

static void list_states(const fsm_def_state *state, const fsm_def_state ***at) {
  *(*at)++ = state;
  for (size_t i = 0; i < state->child_count; i++) list_states(state->children[i], at);
}

const fsm_def_state *const *fsm_def_states(fsm_arena *arena, const fsm_def *def, size_t *count) {
  *count = count_states(def->root);
  const fsm_def_state **list = fsm_arena_alloc(arena, *count * sizeof *list), **at = list;
  if (list != NULL) list_states(def->root, &at);
  return list;
}

const fsm_def_transition *const *fsm_def_transitions(fsm_arena *arena, const fsm_def *def, size_t *count) {
  size_t states, total = 0, at = 0;
  const fsm_def_state *const *list = fsm_def_states(arena, def, &states);
  if (list == NULL) return NULL;
  for (size_t i = 0; i < states; i++) total += list[i]->transition_count;
  const fsm_def_transition **out = fsm_arena_alloc(arena, (total + 1) * sizeof *out);
  for (size_t i = 0; out != NULL && i < states; i++)
    for (size_t j = 0; j < list[i]->transition_count; j++) out[at++] = &list[i]->transitions[j];
  *count = total;
  return out;
}
