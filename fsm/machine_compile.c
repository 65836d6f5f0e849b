/* machine_compile.c: from the fsm_def tree to a machine.
 *
 * Three walks in document order: count (shape and limits are checked here, so that the rest cannot
 * overrun), number (paths, intervals), fill (initial states, transitions, content). Then
 * what each transition leaves is derived from its domain. Invariant: after `number`, the states
 * below s are exactly s+1 … last[s].
 */
#include <stdlib.h>
#include <string.h>

#include "fsm/machine_impl.h"

typedef struct compiler {
  fsm_machine *m;
  fsm_arena scratch;          /* dropped after compiling */
  const fsm_def_state **defs; /* by number */
  fsm_error *err;
  size_t states, transitions, actions, invokes;
} compiler;

static fsm_code no_memory(compiler *c) {
  return fsm_fail(c->err, FSM_ENOMEM, "", "the machine does not fit into memory");
}

/* ---- count ------------------------------------------------------------------------------------- */

static fsm_code check_kind(compiler *c, const fsm_def_state *s, unsigned depth) {
  const char *where = fsm__place(s->where);
  switch (s->kind) {
    case FSM_ATOMIC:
      if (s->child_count > 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where, "the atomic state \"%s\" has children", s->name);
      return FSM_OK;
    case FSM_COMPOUND:
      if (s->child_count == 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where, "the compound state \"%s\" has no children", s->name);
      return FSM_OK;
    case FSM_PARALLEL:
      return fsm_fail(c->err, FSM_EUNSUPPORTED, where, "parallel states are not supported yet (state \"%s\")",
                      s->name);
    case FSM_FINAL:
      if (depth == 0) return fsm_fail(c->err, FSM_EDEFINITION, where, "the root cannot be a final state");
      if (s->child_count > 0 || s->transition_count > 0 || s->invoke_count > 0 || s->after_count > 0)
        return fsm_fail(c->err, FSM_EDEFINITION, where,
                        "the final state \"%s\" has children, transitions or invokes", s->name);
      return FSM_OK;
    case FSM_HISTORY:
      return fsm_fail(c->err, FSM_EUNSUPPORTED, where, "history states are not supported yet (state \"%s\")",
                      s->name);
  }
  return fsm_fail(c->err, FSM_EARGUMENT, where, "the state \"%s\" has an unknown kind", s->name);
}

static fsm_code add(compiler *c, size_t *total, size_t more, size_t limit, const char *what,
                    const char *where) {
  if (more > limit || *total > limit - more)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(where), "the machine has more than %zu %s", limit,
                    what);
  *total += more;
  return FSM_OK;
}

static fsm_code count_content(compiler *c, const fsm_def_state *s) {
  fsm_code code = add(c, &c->transitions, s->transition_count, FSM_TRANSITIONS_MAX, "transitions", s->where);
  if (code == FSM_OK) code = add(c, &c->invokes, s->invoke_count, FSM_INVOKES_MAX, "invokes", s->where);
  if (code == FSM_OK) code = add(c, &c->actions, s->entry_count, FSM_ACTIONS_MAX, "actions", s->where);
  if (code == FSM_OK) code = add(c, &c->actions, s->exit_count, FSM_ACTIONS_MAX, "actions", s->where);
  if (code == FSM_OK) code = add(c, &c->actions, s->after_count, FSM_ACTIONS_MAX, "actions", s->where);
  for (size_t i = 0; i < s->transition_count && code == FSM_OK; i++)
    code = add(c, &c->actions, s->transitions[i].action_count, FSM_ACTIONS_MAX, "actions",
               s->transitions[i].where);
  return code;
}

static fsm_code count_state(compiler *c, const fsm_def_state *s, unsigned depth) {
  FSM_ASSERT(s != NULL && s->name != NULL);
  if (depth > FSM_DEPTH_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(s->where), "states are nested deeper than %d",
                    FSM_DEPTH_MAX);
  fsm_code code = check_kind(c, s, depth);
  if (code == FSM_OK) code = add(c, &c->states, 1, FSM_STATES_MAX, "states", s->where);
  if (code == FSM_OK) code = count_content(c, s);
  if (code == FSM_OK && s->output != NULL && s->kind != FSM_FINAL && depth > 0)
    code = fsm_fail(c->err, FSM_EDEFINITION, fsm__place(s->where),
                    "only a final state or the root has an output, not \"%s\"", s->name);
  for (size_t i = 0; i < s->child_count && code == FSM_OK; i++)
    code = count_state(c, s->children[i], depth + 1);
  return code;
}

/* ---- number ------------------------------------------------------------------------------------ */

static fsm_code state_path(compiler *c, const fsm_def_state *def, unsigned number, unsigned parent) {
  fsm__state *s = &c->m->states[number];
  if (number == 0) {
    s->path = "";
    s->done_event = fsm_arena_printf(&c->m->arena, "xstate.done.state.%s", def->name);
    return s->done_event != NULL ? FSM_OK : no_memory(c);
  }
  if (def->name[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where), "a state's name is empty");
  const char *above = c->m->states[parent].path;
  if (strlen(above) + strlen(def->name) + (parent != 0) > FSM_STATE_PATH_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "a state's path is longer than %d bytes",
                    FSM_STATE_PATH_MAX);
  s->path = fsm_arena_printf(&c->m->arena, "%s%s%s", above, parent != 0 ? "." : "", def->name);
  if (s->path != NULL) s->done_event = fsm_arena_printf(&c->m->arena, "xstate.done.state.%s", s->path);
  return s->done_event != NULL ? FSM_OK : no_memory(c);
}

static bool has_eventless(const fsm_def_state *def) {
  for (size_t i = 0; i < def->transition_count; i++)
    if (def->transitions[i].event_count == 0) return true;
  return false;
}

/* next: the first free numbers. */
typedef struct numbers {
  unsigned state, transition, invoke;
} numbers;

static fsm_code number_state(compiler *c, const fsm_def_state *def, unsigned parent, numbers *next) {
  unsigned number = next->state++;
  fsm__state *s = &c->m->states[number], *above = &c->m->states[parent];
  c->defs[number] = def;
  s->parent = (uint16_t)parent;
  s->kind = (uint8_t)def->kind;
  s->depth = (uint16_t)(number == 0 ? 0 : above->depth + 1);
  s->eventless = has_eventless(def) || (number != 0 && above->eventless);
  s->transition_first = next->transition;
  s->transition_count = (uint32_t)def->transition_count;
  s->invoke_first = next->invoke;
  s->invoke_count = (uint32_t)def->invoke_count;
  next->transition += s->transition_count;
  next->invoke += s->invoke_count;

  fsm_code code = state_path(c, def, number, parent);
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

static fsm_code index_paths(compiler *c) {
  fsm_machine *m = c->m;
  path_entry *order = fsm_arena_zalloc(&c->scratch, m->state_count, sizeof *order);
  if (order == NULL) return no_memory(c);
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

/* ---- what a transition leaves ------------------------------------------------------------------ */

/* Appendix D: the least common compound ancestor; FSM__NONE when only something above the root is. */
static unsigned findLCCA(const fsm_machine *m, unsigned source, const uint16_t *targets, unsigned count) {
  for (unsigned ancestor = source; ancestor != 0;) {
    ancestor = m->states[ancestor].parent;
    if (m->states[ancestor].kind != FSM_COMPOUND) continue;
    bool all = true;
    for (unsigned i = 0; i < count && all; i++) all = fsm__is_descendant(m, targets[i], ancestor);
    if (all) return ancestor;
  }
  return FSM__NONE;
}

/* Appendix D, with what XState makes of a transition that is not re-entering. */
static unsigned getTransitionDomain(const fsm_machine *m, const fsm__transition *t, bool internal) {
  bool inside = internal;
  for (unsigned i = 0; i < t->target_count && inside; i++)
    inside = t->targets[i] == t->source || fsm__is_descendant(m, t->targets[i], t->source);
  if (inside) return t->source;
  unsigned domain = findLCCA(m, t->source, t->targets, t->target_count);
  return domain == FSM__NONE && internal ? 0 : domain;
}

static void set_domain(const fsm_machine *m, fsm__transition *t, bool internal) {
  if (t->target_count == 0) {
    t->domain = t->source;
    t->exit_first = 1;
    t->exit_last = 0;
    return;
  }
  t->domain = (uint16_t)getTransitionDomain(m, t, internal);
  t->exit_first = t->domain == FSM__NONE ? 0 : (uint16_t)(t->domain + 1);
  t->exit_last = t->domain == FSM__NONE ? m->states[0].last : m->states[t->domain].last;
}

/* Two states can be active together when one is above the other or their paths part in a parallel. */
static bool can_be_together(const fsm_machine *m, unsigned a, unsigned b) {
  if (a == b || fsm__is_descendant(m, a, b) || fsm__is_descendant(m, b, a)) return true;
  while (!fsm__is_descendant(m, b, a)) a = m->states[a].parent;
  return m->states[a].kind == FSM_PARALLEL;
}

/* ---- fill -------------------------------------------------------------------------------------- */

static fsm_code find_target(compiler *c, const char *path, const char *where, uint16_t *out) {
  FSM_ASSERT(path != NULL);
  int state = fsm_state_find(c->m, path, strlen(path));
  if (state < 0)
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(where), "there is no state \"%s\"", path);
  *out = (uint16_t)state;
  return FSM_OK;
}

static fsm_code fill_targets(compiler *c, const fsm_def_transition *def, fsm__transition *t) {
  if (def->target_count == 0) return FSM_OK;
  if (def->target_count > c->m->state_count)
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where),
                    "the transition has more targets than the machine has states");
  uint16_t *targets = fsm_arena_zalloc(&c->m->arena, def->target_count, sizeof *targets);
  if (targets == NULL) return no_memory(c);
  for (size_t i = 0; i < def->target_count; i++) {
    fsm_code code = find_target(c, def->targets[i], def->where, &targets[i]);
    if (code != FSM_OK) return code;
    for (size_t j = 0; j < i; j++)
      if (!can_be_together(c->m, targets[i], targets[j]))
        return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where),
                        "the targets \"%s\" and \"%s\" cannot be active together", def->targets[j],
                        def->targets[i]);
  }
  t->targets = targets;
  t->target_count = (uint16_t)def->target_count;
  return FSM_OK;
}

static fsm_code fill_events(compiler *c, const fsm_def_transition *def, fsm__transition *t) {
  if (def->event_count == 0) return FSM_OK;
  if (def->event_count > FSM_TRANSITIONS_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "the transition names more than %d events",
                    FSM_TRANSITIONS_MAX);
  fsm__descriptor *events = fsm_arena_zalloc(&c->m->arena, def->event_count, sizeof *events);
  if (events == NULL) return no_memory(c);
  for (size_t i = 0; i < def->event_count; i++) {
    fsm_code code = fsm__descriptor_parse(&c->m->arena, def->events[i], def->where, &events[i], c->err);
    if (code != FSM_OK) return code;
  }
  t->events = events;
  t->event_count = (uint32_t)def->event_count;
  return FSM_OK;
}

static fsm_code keep_meta(compiler *c, const fsm_value *meta, const char *where, fsm_value *out) {
  fsm_error fault = {0};
  fsm_code code = fsm_value_copy(&c->m->arena, meta, out, &fault);
  return code == FSM_OK ? FSM_OK : fsm_fail(c->err, code, fsm__place(where), "%s", fault.text);
}

static fsm_code fill_transition(compiler *c, const fsm_def_transition *def, unsigned source,
                                fsm__transition *t) {
  fsm_arena *arena = &c->m->arena;
  t->source = (uint16_t)source;
  if (!fsm__keep(arena, def->guard_name, &t->guard_name) ||
      !fsm__keep(arena, fsm__place(def->where), &t->where))
    return no_memory(c);
  fsm_code code = fill_events(c, def, t);
  if (code == FSM_OK) code = fill_targets(c, def, t);
  if (code == FSM_OK && def->guard != NULL)
    code = fsm__expr_compile(arena, def->guard, def->where, &t->guard, c->err);
  if (code == FSM_OK) code = fsm__block_compile(arena, def->actions, def->action_count, &t->actions, c->err);
  if (code == FSM_OK) code = keep_meta(c, &def->meta, def->where, &t->meta);
  if (code == FSM_OK) set_domain(c->m, t, def->internal);
  return code;
}

static fsm_code fill_invoke(compiler *c, const fsm_def_invoke *def, unsigned state, fsm__invoke *out) {
  fsm_arena *arena = &c->m->arena;
  const char *where = fsm__place(def->where);
  if (def->id == NULL || def->id[0] == '\0' || def->src == NULL || def->src[0] == '\0')
    return fsm_fail(c->err, FSM_EDEFINITION, where, "an invoke needs an id and a src");
  if (strlen(def->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "an invoke's id is longer than %d bytes", FSM_TIMER_ID_MAX);
  out->state = (uint16_t)state;
  out->done_event = fsm_arena_printf(arena, "xstate.done.actor.%s", def->id);
  out->error_event = fsm_arena_printf(arena, "xstate.error.actor.%s", def->id);
  if (!fsm__keep(arena, def->id, &out->id) || !fsm__keep(arena, def->src, &out->src) ||
      !fsm__keep(arena, where, &out->where) || out->done_event == NULL || out->error_event == NULL)
    return no_memory(c);
  fsm_code code = fsm__template_compile(arena, def->input, &out->input, c->err);
  return code == FSM_OK ? keep_meta(c, &def->meta, where, &out->meta) : code;
}

static fsm_code fill_afters(compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->after_count == 0) return FSM_OK;
  fsm__after *afters = fsm_arena_zalloc(&c->m->arena, def->after_count, sizeof *afters);
  if (afters == NULL) return no_memory(c);
  for (size_t i = 0; i < def->after_count; i++) {
    const fsm_def_after *after = &def->afters[i];
    fsm_code code = fsm__event_name_check(after->event, after->where, c->err);
    if (code != FSM_OK) return code;
    if (strlen(after->event) > FSM_TIMER_ID_MAX)
      return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(after->where),
                      "the name of a delayed transition is longer than %d bytes", FSM_TIMER_ID_MAX);
    if (after->delay == NULL)
      return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(after->where),
                      "a delayed transition needs a delay");
    code = fsm__delay_compile(&c->m->arena, after->delay, after->where, &afters[i].delay, c->err);
    if (code != FSM_OK) return code;
    if (!fsm__keep(&c->m->arena, after->event, &afters[i].event) ||
        !fsm__keep(&c->m->arena, fsm__place(after->where), &afters[i].where))
      return no_memory(c);
  }
  s->afters = afters;
  s->after_count = (uint32_t)def->after_count;
  return FSM_OK;
}

static fsm_code fill_tags(compiler *c, const fsm_def_state *def, fsm__state *s) {
  if (def->tag_count == 0) return FSM_OK;
  const char **tags = fsm_arena_zalloc(&c->m->arena, def->tag_count, sizeof *tags);
  if (tags == NULL) return no_memory(c);
  for (size_t i = 0; i < def->tag_count; i++)
    if (!fsm__keep(&c->m->arena, def->tags[i], &tags[i])) return no_memory(c);
  s->tags = tags;
  s->tag_count = def->tag_count;
  return FSM_OK;
}

static fsm_code fill_initial(compiler *c, const fsm_def_state *def, unsigned number) {
  fsm__state *s = &c->m->states[number];
  s->initial = (uint16_t)(number + 1);
  if (def->kind != FSM_COMPOUND) {
    s->initial = (uint16_t)number;
    return def->initial_count == 0
               ? FSM_OK
               : fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where),
                          "only a compound state has an initial state, not \"%s\"", def->name);
  }
  if (def->initial_count == 0) return FSM_OK;
  fsm_code code = find_target(c, def->initials[0], def->where, &s->initial);
  if (code == FSM_OK && !fsm__is_descendant(c->m, s->initial, number))
    code = fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where),
                    "the initial state \"%s\" is not inside \"%s\"", def->initials[0], def->name);
  return code;
}

static fsm_code fill_state(compiler *c, unsigned number) {
  fsm_machine *m = c->m;
  fsm__state *s = &m->states[number];
  const fsm_def_state *def = c->defs[number];
  fsm_code code = fill_initial(c, def, number);
  if (code == FSM_OK) code = fsm__block_compile(&m->arena, def->entry, def->entry_count, &s->entry, c->err);
  if (code == FSM_OK) code = fsm__block_compile(&m->arena, def->exit, def->exit_count, &s->exit, c->err);
  if (code == FSM_OK) code = fsm__template_compile(&m->arena, def->output, &s->output, c->err);
  if (code == FSM_OK) code = keep_meta(c, &def->meta, def->where, &s->meta);
  if (code == FSM_OK) code = fill_afters(c, def, s);
  if (code == FSM_OK) code = fill_tags(c, def, s);
  if (code == FSM_OK && (!fsm__keep(&m->arena, def->description, &s->description) ||
                         !fsm__keep(&m->arena, fsm__place(def->where), &s->where)))
    code = no_memory(c);
  for (size_t i = 0; i < def->invoke_count && code == FSM_OK; i++)
    code = fill_invoke(c, &def->invokes[i], number, &m->invokes[s->invoke_first + i]);
  for (size_t i = 0; i < def->transition_count && code == FSM_OK; i++)
    code = fill_transition(c, &def->transitions[i], number, &m->transitions[s->transition_first + i]);
  return code;
}

static int by_id(const void *a, const void *b) {
  return strcmp((*(fsm__invoke *const *)a)->id, (*(fsm__invoke *const *)b)->id);
}

static fsm_code check_invoke_ids(compiler *c) {
  unsigned count = c->m->invoke_count;
  if (count == 0) return FSM_OK;
  fsm__invoke **order = fsm_arena_zalloc(&c->scratch, count, sizeof *order);
  if (order == NULL) return no_memory(c);
  for (unsigned i = 0; i < count; i++) order[i] = &c->m->invokes[i];
  qsort(order, count, sizeof *order, by_id);
  for (unsigned i = 1; i < count; i++)
    if (strcmp(order[i - 1]->id, order[i]->id) == 0)
      return fsm_fail(c->err, FSM_EDEFINITION, order[i]->where, "there are two invokes \"%s\"", order[i]->id);
  return FSM_OK;
}

/* ---- the machine ------------------------------------------------------------------------------- */

static fsm_code check_id(compiler *c, const fsm_def_state *root) {
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

static fsm_code allocate(compiler *c, const fsm_def_state *root) {
  fsm_machine *m = c->m;
  m->state_count = (unsigned)c->states;
  m->transition_count = (unsigned)c->transitions;
  m->invoke_count = (unsigned)c->invokes;
  m->words = (m->state_count + 63) / 64;
  m->states = fsm_arena_zalloc(&m->arena, c->states, sizeof *m->states);
  m->transitions = fsm_arena_zalloc(&m->arena, c->transitions, sizeof *m->transitions);
  m->invokes = fsm_arena_zalloc(&m->arena, c->invokes, sizeof *m->invokes);
  m->by_path = fsm_arena_zalloc(&m->arena, c->states, sizeof *m->by_path);
  m->leaves = fsm_arena_zalloc(&m->arena, m->words, sizeof *m->leaves);
  c->defs = fsm_arena_zalloc(&c->scratch, c->states, sizeof(fsm_def_state *));
  if (m->states == NULL || m->transitions == NULL || m->invokes == NULL || m->by_path == NULL ||
      m->leaves == NULL || c->defs == NULL || !fsm__keep(&m->arena, root->name, &m->id))
    return no_memory(c);
  return FSM_OK;
}

static fsm_code fill_context(compiler *c, const fsm_def_value *context) {
  fsm_code code = fsm__template_compile(&c->m->arena, context, &c->m->context, c->err);
  if (code != FSM_OK || context == NULL) return code;
  const fsm__template *t = c->m->context;
  if (t->form == FSM_DEF_LIST || (t->form == FSM_DEF_LITERAL && t->literal.type != FSM_MAP))
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(context->where), "the context is not a map");
  return FSM_OK;
}

static fsm_code compile(compiler *c, const fsm_def *def) {
  numbers next = {0};
  fsm_code code = check_id(c, def->root);
  if (code == FSM_OK) code = count_state(c, def->root, 0);
  if (code == FSM_OK) code = allocate(c, def->root);
  if (code == FSM_OK) code = number_state(c, def->root, 0, &next);
  if (code == FSM_OK) code = index_paths(c);
  for (unsigned i = 0; code == FSM_OK && i < c->m->state_count; i++) code = fill_state(c, i);
  if (code == FSM_OK) code = check_invoke_ids(c);
  if (code == FSM_OK) code = fill_context(c, def->context);
  return code;
}

fsm_code fsm_machine_compile(const fsm_def *def, fsm_machine **out, fsm_error *err) {
  FSM_ASSERT(def != NULL && def->root != NULL && def->root->name != NULL && out != NULL);
  fsm_machine *m = calloc(1, sizeof *m);
  if (m == NULL) return fsm_fail(err, FSM_ENOMEM, "", "the machine does not fit into memory");
  fsm_arena_init(&m->arena, 0);
  compiler c = {.m = m, .err = err};
  fsm_arena_init(&c.scratch, 0);

  fsm_code code = compile(&c, def);
  fsm_arena_free(&c.scratch);
  if (code == FSM_OK)
    *out = m;
  else
    fsm_machine_free(m);
  return code;
}
