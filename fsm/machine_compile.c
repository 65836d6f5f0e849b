/* machine_compile.c: from the fsm_def tree to a machine.
 *
 * Three walks in document order: count (shape and limits are checked here, so that the rest cannot
 * overrun), number (paths, intervals), fill (initial states, transitions, content). Then
 * what each transition leaves is derived from its domain. Invariant: after `number`, the states
 * below s are exactly s+1 … last[s].
 */
#include <stdlib.h>
#include <string.h>

#include "fsm/machine_compile.h"
#include "fsm/machine_sources.h"

fsm_code fsm__compile_no_memory(fsm__compiler *c) {
  return fsm_fail(c->err, FSM_ENOMEM, "", "the machine does not fit into memory");
}

fsm__content fsm__compile_content(fsm__compiler *c) {
  return (fsm__content){&c->m->arena,
                        &c->exprs,
                        {.scxml = c->def->dialect == FSM_SCXML,
                         .context = c->def->shape,
                         .zones = c->def->zones,
                         .zones_arg = c->def->zones_arg},
                        c->err};
}

/* ---- count ------------------------------------------------------------------------------------- */

static bool has_active_child(const fsm_def_state *s) {
  for (size_t i = 0; i < s->child_count; i++)
    if (s->children[i]->kind != FSM_HISTORY) return true;
  return false;
}

static fsm_code check_kind(fsm__compiler *c, const fsm_def_state *s, unsigned depth) {
  const char *where = fsm__place(s->where);
  switch (s->kind) {
    case FSM_ATOMIC:
      if (s->child_count > 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where, "the atomic state \"%s\" has children", s->name);
      return FSM_OK;
    case FSM_COMPOUND:
      if (!has_active_child(s))
        return fsm_fail(c->err, FSM_EDEFINITION, where, "the compound state \"%s\" has no children", s->name);
      return FSM_OK;
    case FSM_PARALLEL:
      if (s->child_count > 0 && !has_active_child(s))
        return fsm_fail(c->err, FSM_EDEFINITION, where, "the parallel state \"%s\" has only histories",
                        s->name);
      return FSM_OK;
    case FSM_FINAL:
      if (depth == 0) return fsm_fail(c->err, FSM_EDEFINITION, where, "the root cannot be a final state");
      if (s->child_count > 0 || s->transition_count > 0 || s->invoke_count > 0 || s->after_count > 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where,
                        "the final state \"%s\" has children, transitions or invokes", s->name);
      return FSM_OK;
    case FSM_HISTORY:
      if (depth == 0) return fsm_fail(c->err, FSM_EDEFINITION, where, "the root cannot be a history");
      if (s->child_count > 0 || s->transition_count > 0 || s->invoke_count > 0 || s->after_count > 0 ||
          s->entry_count > 0 || s->exit_count > 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where,
                        "the history \"%s\" has children, transitions, actions or invokes", s->name);
      return FSM_OK;
  }
  return fsm_fail(c->err, FSM_EARGUMENT, where, "the state \"%s\" has an unknown kind", s->name);
}

static fsm_code add(fsm__compiler *c, size_t *total, size_t more, size_t limit, const char *what,
                    const char *where) {
  if (more > limit || *total > limit - more)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(where), "the machine has more than %zu %s", limit,
                    what);
  *total += more;
  return FSM_OK;
}

static fsm_code count_actions(fsm__compiler *c, const fsm_def_action *actions, size_t count, unsigned depth,
                              const char *where) {
  if (count > 0 && depth > FSM_CONTENT_DEPTH_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(where), "actions are nested deeper than %d",
                    FSM_CONTENT_DEPTH_MAX);
  fsm_code code = add(c, &c->actions, count, FSM_ACTIONS_MAX, "actions", where);
  for (size_t i = 0; i < count && code == FSM_OK; i++)
    if (actions[i].action_count > 0)
      code = count_actions(c, actions[i].actions, actions[i].action_count, depth + 1, actions[i].where);
  return code;
}

static fsm_code count_transitions(fsm__compiler *c, const fsm_def_state *s) {
  fsm_code code = add(c, &c->transitions, s->transition_count, FSM_TRANSITIONS_MAX, "transitions", s->where);
  for (size_t i = 0; i < s->transition_count && code == FSM_OK; i++) {
    const fsm_def_transition *t = &s->transitions[i];
    code = count_actions(c, t->actions, t->action_count, 0, t->where);
    if (code == FSM_OK) code = add(c, &c->targets, t->target_count, FSM_TARGETS_MAX, "targets", t->where);
  }
  return code;
}

static fsm_code count_content(fsm__compiler *c, const fsm_def_state *s) {
  fsm_code code = count_transitions(c, s);
  if (code == FSM_OK) code = add(c, &c->invokes, s->invoke_count, FSM_INVOKES_MAX, "invokes", s->where);
  if (code == FSM_OK) code = add(c, &c->targets, s->initial_count, FSM_TARGETS_MAX, "targets", s->where);
  if (code == FSM_OK) code = add(c, &c->actions, s->after_count, FSM_ACTIONS_MAX, "actions", s->where);
  if (code == FSM_OK) code = add(c, &c->data, s->data_count, FSM_DATA_MAX, "variables", s->where);
  if (code == FSM_OK) code = count_actions(c, s->entry, s->entry_count, 0, s->where);
  if (code == FSM_OK) code = count_actions(c, s->exit, s->exit_count, 0, s->where);
  if (code == FSM_OK) code = count_actions(c, s->initial_actions, s->initial_action_count, 0, s->where);
  for (size_t i = 0; i < s->invoke_count && code == FSM_OK; i++)
    code = count_actions(c, s->invokes[i].finalize, s->invokes[i].finalize_count, 0, s->invokes[i].where);
  return code;
}

static fsm_code count_state(fsm__compiler *c, const fsm_def_state *s, unsigned depth) {
  FSM_ASSERT(s != NULL && s->name != NULL);
  if (depth > FSM_DEPTH_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(s->where), "states are nested deeper than %d",
                    FSM_DEPTH_MAX);
  fsm_code code = check_kind(c, s, depth);
  if (code == FSM_OK) code = add(c, &c->states, 1, FSM_STATES_MAX, "states", s->where);
  c->histories += s->kind == FSM_HISTORY;
  if (code == FSM_OK) code = count_content(c, s);
  if (code == FSM_OK && s->output != NULL && s->kind != FSM_FINAL && depth > 0)
    code = fsm_fail(c->err, FSM_EDEFINITION, fsm__place(s->where),
                    "only a final state or the root has an output, not \"%s\"", s->name);
  for (size_t i = 0; i < s->child_count && code == FSM_OK; i++)
    code = count_state(c, s->children[i], depth + 1);
  return code;
}

/* ---- number ------------------------------------------------------------------------------------ */

static fsm_code state_path(fsm__compiler *c, const fsm_def_state *def, unsigned number, unsigned parent) {
  fsm__state *s = &c->m->states[number];
  if (number != 0 && def->path == NULL && def->name[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where), "a state's name is empty");
  const char *above = parent != 0 ? c->m->states[parent].path : "", *dot = parent != 0 ? "." : "";
  size_t len = def->path != NULL ? strlen(def->path) : strlen(above) + strlen(dot) + strlen(def->name);
  if (number != 0 && len > FSM_STATE_PATH_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "a state's path is longer than %d bytes",
                    FSM_STATE_PATH_MAX);
  if (number == 0)
    s->path = "";
  else if (def->path != NULL)
    s->path = fsm_arena_strdup(&c->m->arena, def->path);
  else
    s->path = fsm_arena_printf(&c->m->arena, "%s%s%s", above, dot, def->name);
  return s->path != NULL ? FSM_OK : fsm__compile_no_memory(c);
}

static fsm_code done_event(fsm__compiler *c, const fsm_def_state *def, unsigned number) {
  fsm__state *s = &c->m->states[number];
  const char *prefix = c->m->dialect == FSM_SCXML ? "done.state." : "xstate.done.state.";
  if (def->done_event != NULL) {
    fsm_code code = fsm__event_name_check(def->done_event, def->where, c->err);
    if (code != FSM_OK) return code;
    s->done_event = fsm_arena_strdup(&c->m->arena, def->done_event);
  } else if (def->kind == FSM_COMPOUND || def->kind == FSM_PARALLEL) {
    s->done_event = fsm_arena_printf(&c->m->arena, "%s%s", prefix, number == 0 ? def->name : s->path);
  } else {
    return FSM_OK;
  }
  return s->done_event != NULL ? FSM_OK : fsm__compile_no_memory(c);
}

/* next: the first free numbers. */
typedef struct numbers {
  unsigned state, transition, invoke, history;
} numbers;

static fsm_code number_state(fsm__compiler *c, const fsm_def_state *def, unsigned parent, numbers *next) {
  unsigned number = next->state++;
  fsm__state *s = &c->m->states[number], *above = &c->m->states[parent];
  c->defs[number] = def;
  s->parent = (uint16_t)parent;
  /* Without regions there is nothing parallel about it. */
  s->kind = (uint8_t)(def->kind == FSM_PARALLEL && def->child_count == 0 ? FSM_ATOMIC : def->kind);
  s->deep = def->deep;
  s->depth = (uint16_t)(number == 0 ? 0 : above->depth + 1);
  s->transition_first = next->transition;
  s->transition_count = (uint32_t)def->transition_count;
  s->invoke_first = next->invoke;
  s->invoke_count = (uint32_t)def->invoke_count;
  next->transition += s->transition_count;
  next->invoke += s->invoke_count;

  c->m->has_parallel |= s->kind == FSM_PARALLEL;
  c->m->has_initial_actions |= def->initial_action_count > 0;
  if (s->kind == FSM_HISTORY) {
    above->has_histories = true;
    s->history = (uint16_t)next->history;
    c->m->histories[next->history++] = (uint16_t)number;
  }

  fsm_code code = state_path(c, def, number, parent);
  if (code == FSM_OK) code = done_event(c, def, number);
  for (size_t i = 0; i < def->child_count && code == FSM_OK; i++)
    code = number_state(c, def->children[i], number, next);
  s->last = (uint16_t)(next->state - 1);
  if (s->kind == FSM_ATOMIC || s->kind == FSM_FINAL) fsm__bit_set(c->m->leaves, number);
  return code;
}

typedef struct path_entry {
  const char *path;
  uint16_t state;
} path_entry;

static int by_path(const void *a, const void *b) {
  return strcmp(((const path_entry *)a)->path, ((const path_entry *)b)->path);
}

static fsm_code index_paths(fsm__compiler *c) {
  fsm_machine *m = c->m;
  path_entry *order = fsm_arena_zalloc(&c->scratch, m->state_count, sizeof *order);
  if (order == NULL) return fsm__compile_no_memory(c);
  for (unsigned i = 0; i < m->state_count; i++) order[i] = (path_entry){m->states[i].path, (uint16_t)i};
  qsort(order, m->state_count, sizeof *order, by_path);
  for (unsigned i = 0; i < m->state_count; i++) {
    if (i > 0 && strcmp(order[i - 1].path, order[i].path) == 0)
      return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(c->defs[order[i].state]->where),
                      "there are two states \"%s\"", order[i].path);
    m->by_path[i] = order[i].state;
  }
  return FSM_OK;
}

/* ---- invokes ---------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
  return strcmp((*(fsm__invoke *const *)a)->id, (*(fsm__invoke *const *)b)->id);
}

static fsm_code check_invoke_ids(fsm__compiler *c) {
  unsigned count = c->m->invoke_count;
  if (count == 0) return FSM_OK;
  fsm__invoke **order = fsm_arena_zalloc(&c->scratch, count, sizeof *order);
  if (order == NULL) return fsm__compile_no_memory(c);
  unsigned named = 0;
  for (unsigned i = 0; i < count; i++)
    if (c->m->invokes[i].id != NULL) order[named++] = &c->m->invokes[i];
  count = named;
  qsort(order, count, sizeof *order, by_id);
  for (unsigned i = 1; i < count; i++)
    if (strcmp(order[i - 1]->id, order[i]->id) == 0)
      return fsm_fail(c->err, FSM_EDEFINITION, order[i]->where, "there are two invokes \"%s\"", order[i]->id);
  return FSM_OK;
}

/* ---- the machine ------------------------------------------------------------------------------- */

static fsm_code check_id(fsm__compiler *c, const fsm_def_state *root) {
  const char *where = fsm__place(root->where);
  size_t len = strlen(root->name);
  if (len == 0) return fsm_fail(c->err, FSM_EDEFINITION, where, "the machine has no id");
  if (len > FSM_MACHINE_ID_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "the machine's id is longer than %d bytes",
                    FSM_MACHINE_ID_MAX);
  for (size_t i = 0; i < len; i++) {
    unsigned char x = (unsigned char)root->name[i];
    if (!(x >= '0' && x <= '9') && !(x >= 'A' && x <= 'Z') && !(x >= 'a' && x <= 'z') && x != '_' && x != '-')
      return fsm_fail(c->err, FSM_EDEFINITION, where,
                      "the machine's id \"%s\" has other characters than A-Z a-z 0-9 _ -", root->name);
  }
  return FSM_OK;
}

static fsm_code allocate(fsm__compiler *c, const fsm_def_state *root) {
  fsm_machine *m = c->m;
  m->state_count = (unsigned)c->states;
  m->transition_count = (unsigned)c->transitions;
  m->invoke_count = (unsigned)c->invokes;
  m->history_count = (unsigned)c->histories;
  m->dialect = c->def->dialect;
  m->late_binding = c->def->late_binding;
  m->words = (m->state_count + 63) / 64;
  m->states = fsm_arena_zalloc(&m->arena, c->states, sizeof *m->states);
  m->transitions = fsm_arena_zalloc(&m->arena, c->transitions, sizeof *m->transitions);
  m->invokes = fsm_arena_zalloc(&m->arena, c->invokes, sizeof *m->invokes);
  m->by_path = fsm_arena_zalloc(&m->arena, c->states, sizeof *m->by_path);
  m->leaves = fsm_arena_zalloc(&m->arena, m->words, sizeof *m->leaves);
  m->histories = fsm_arena_zalloc(&m->arena, c->histories, sizeof *m->histories);
  c->defs = fsm_arena_zalloc(&c->scratch, c->states, sizeof(fsm_def_state *));
  if (m->states == NULL || m->transitions == NULL || m->invokes == NULL || m->by_path == NULL ||
      m->leaves == NULL || m->histories == NULL || c->defs == NULL ||
      !fsm__keep(&m->arena, root->name, &m->id) ||
      !fsm__exprs_init(&c->exprs, &c->scratch, c->transitions + c->actions))
    return fsm__compile_no_memory(c);
  return FSM_OK;
}

static fsm_code fill_context(fsm__compiler *c, const fsm_def_value *context) {
  const fsm__content content = fsm__compile_content(c);
  fsm_code code = fsm__template_compile(&content, context, &c->m->context);
  if (code != FSM_OK || context == NULL) return code;
  const fsm__template *t = c->m->context;
  if (t->form == FSM_DEF_LIST || (t->form == FSM_DEF_LITERAL && t->literal.type != FSM_MAP))
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(context->where), "the context is not a map");
  return FSM_OK;
}

static int by_key(const void *a, const void *b) {
  return fsm_value_compare(&((const fsm_pair *)a)->key, &((const fsm_pair *)b)->key);
}

/* The names of all variables; one that is declared twice is one variable. */
static fsm_code list_variables(fsm__compiler *c) {
  fsm_machine *m = c->m;
  m->variables = fsm_map_empty();
  if (c->data == 0) return FSM_OK;
  fsm_pair *pairs = fsm_arena_zalloc(&m->arena, c->data, sizeof *pairs);
  if (pairs == NULL) return fsm__compile_no_memory(c);
  size_t count = 0;
  for (unsigned i = 0; i < m->state_count; i++)
    for (uint32_t j = 0; j < m->states[i].data_count; j++)
      pairs[count++] = (fsm_pair){fsm_string(m->states[i].data[j].id), fsm_null()};
  qsort(pairs, count, sizeof *pairs, by_key);
  uint32_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || fsm_value_compare(&pairs[kept - 1].key, &pairs[i].key) != 0) pairs[kept++] = pairs[i];
  m->variables = (fsm_value){.type = FSM_MAP, .len = kept, .pairs = pairs};
  return FSM_OK;
}

static fsm_code compile(fsm__compiler *c, const fsm_def *def) {
  numbers next = {0};
  fsm_code code = check_id(c, def->root);
  if (code == FSM_OK) code = count_state(c, def->root, 0);
  if (code == FSM_OK) code = allocate(c, def->root);
  if (code == FSM_OK) code = number_state(c, def->root, 0, &next);
  if (code == FSM_OK) code = index_paths(c);
  for (unsigned i = 0; code == FSM_OK && i < c->m->state_count; i++) code = fsm__compile_initial(c, i);
  if (code == FSM_OK) code = fsm__compile_history_check(c);
  for (unsigned i = 0; code == FSM_OK && i < c->m->state_count; i++) code = fsm__compile_state(c, i);
  if (code == FSM_OK) code = check_invoke_ids(c);
  if (code == FSM_OK) code = list_variables(c);
  if (code == FSM_OK) code = fill_context(c, def->context);
  if (code == FSM_OK) code = fsm__sources_index(c->m, c->err);
  return code;
}

/* The machine and all around and inside of it are too large; or there is no memory, which is said already. */
static fsm_code check_bytes(fsm__compiler *c, fsm_code code) {
  const fsm_arena *arena = &c->m->arena;
  const size_t bytes = c->around + c->inside + fsm_arena_used(arena);
  if (code == FSM_OK ? bytes <= FSM_MACHINE_BYTES_MAX : code != FSM_ENOMEM || !arena->over) return code;
  return fsm_fail(c->err, FSM_ETOOLARGE, "", "the machine takes more than %d bytes", FSM_MACHINE_BYTES_MAX);
}

fsm_code fsm__compile_nested(const fsm_def *def, fsm__compiler *above, fsm_machine **out, fsm_error *err) {
  FSM_ASSERT(def->root != NULL && def->root->name != NULL);
  fsm_machine *m = calloc(1, sizeof *m);
  if (m == NULL) return fsm_fail(err, FSM_ENOMEM, "", "the machine does not fit into memory");
  fsm__compiler c = {.m = m, .def = def, .err = err};
  if (above != NULL) {
    c.nested = above->nested + 1;
    c.around = above->around + above->inside + fsm_arena_used(&above->m->arena);
  }
  fsm_arena_init(&m->arena, c.around < FSM_MACHINE_BYTES_MAX ? FSM_MACHINE_BYTES_MAX - c.around : 1);
  fsm_arena_init(&c.scratch, 0);

  fsm_code code = check_bytes(&c, compile(&c, def));
  fsm_arena_free(&c.scratch);
  if (code == FSM_OK) {
    if (above != NULL) above->inside += c.inside + fsm_arena_used(&m->arena);
    *out = m;
  } else {
    fsm_machine_free(m);
  }
  return code;
}

fsm_code fsm_machine_compile(const fsm_def *def, fsm_machine **out, fsm_error *err) {
  FSM_ASSERT(def != NULL && out != NULL);
  return fsm__compile_nested(def, NULL, out, err);
}
