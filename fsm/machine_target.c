/* machine_target.c: initial states, histories and targets, and what a transition leaves.
 *
 * A list of targets becomes its goals: in document order, none twice, none that contains another (it is
 * entered anyway), all of which can be active together. In document order it is enough to look at
 * neighbours: the least common ancestor of two is that of some pair of neighbours between them.
 */
#include <stdlib.h>
#include <string.h>

#include "fsm/machine_compile.h"

/* ---- what a transition leaves ------------------------------------------------------------------ */

/* The least common ancestor of the source and all from low to high: in SCXML the least compound one
 * (Appendix D, findLCCA); FSM__NONE when only something above the root is. */
static unsigned find_ancestor(const fsm_machine *m, unsigned source, unsigned low, unsigned high) {
  for (unsigned ancestor = source; ancestor != 0;) {
    ancestor = m->states[ancestor].parent;
    if (m->dialect == FSM_SCXML && m->states[ancestor].kind != FSM_COMPOUND) continue;
    if (low > ancestor && high <= m->states[ancestor].last) return ancestor;
  }
  return FSM__NONE;
}

fsm__span fsm__span_of(const fsm_machine *m, const fsm__transition *t, unsigned low, unsigned high) {
  unsigned domain;
  const unsigned first = t->source + (m->dialect == FSM_SCXML); /* Appendix D: proper descendants */
  if (t->internal && low >= first && high <= m->states[t->source].last)
    domain = t->source;
  else
    domain = find_ancestor(m, t->source, low, high);
  if (domain == FSM__NONE && t->internal) domain = 0;
  fsm__span span = {(uint16_t)domain, 0, m->states[0].last};
  if (domain != FSM__NONE) {
    span.first = (uint16_t)(domain + 1);
    span.last = m->states[domain].last;
  }
  return span;
}

/* ---- goals ------------------------------------------------------------------------------------- */

static fsm_code find_target(fsm__compiler *c, const char *path, const char *where, uint16_t *out) {
  FSM_ASSERT(path != NULL);
  int state = fsm_state_find(c->m, path, strlen(path));
  if (state < 0)
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(where), "there is no state \"%s\"", path);
  *out = (uint16_t)state;
  return FSM_OK;
}

static int by_number(const void *a, const void *b) {
  return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Two states can be active together when their paths part in a parallel. What a history restores is all
 * of its parent, so nothing else there can be a target. a < b, and neither contains the other. */
static bool can_be_together(const fsm_machine *m, unsigned a, unsigned b) {
  unsigned above = a;
  while (!fsm__is_descendant(m, b, above)) above = m->states[above].parent;
  if (m->states[above].kind != FSM_PARALLEL) return false;
  if (m->states[a].kind == FSM_HISTORY && fsm__is_descendant(m, b, m->states[a].parent)) return false;
  return m->states[b].kind != FSM_HISTORY || !fsm__is_descendant(m, a, m->states[b].parent);
}

static fsm_code make_goals(fsm__compiler *c, const uint16_t *targets, size_t count, const char *where,
                           const uint16_t **out, uint16_t *out_count) {
  const fsm_machine *m = c->m;
  uint16_t *goals = fsm_arena_alloc(&c->m->arena, count * sizeof *goals);
  if (goals == NULL) return fsm__compile_no_memory(c);
  memcpy(goals, targets, count * sizeof *goals);
  qsort(goals, count, sizeof *goals, by_number);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (i + 1 == count || (goals[i + 1] != goals[i] && !fsm__is_descendant(m, goals[i + 1], goals[i])))
      goals[kept++] = goals[i];
  for (size_t i = 1; i < kept; i++)
    if (!can_be_together(m, goals[i - 1], goals[i]))
      return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(where),
                      "the targets \"%s\" and \"%s\" cannot be active together", m->states[goals[i - 1]].path,
                      m->states[goals[i]].path);
  *out = goals;
  *out_count = (uint16_t)kept;
  return FSM_OK;
}

static fsm_code find_targets(fsm__compiler *c, const char *const *paths, size_t count, const char *where,
                             uint16_t **out) {
  uint16_t *targets = fsm_arena_alloc(&c->m->arena, count * sizeof *targets);
  if (targets == NULL) return fsm__compile_no_memory(c);
  for (size_t i = 0; i < count; i++) {
    fsm_code code = find_target(c, paths[i], where, &targets[i]);
    if (code != FSM_OK) return code;
  }
  *out = targets;
  return FSM_OK;
}

fsm_code fsm__compile_targets(fsm__compiler *c, const fsm_def_transition *def, fsm__transition *t) {
  const fsm_machine *m = c->m;
  t->internal = def->internal;
  t->span = (fsm__span){t->source, 1, 0};
  if (def->target_count == 0) return FSM_OK;
  uint16_t *targets = NULL;
  fsm_code code = find_targets(c, def->targets, def->target_count, def->where, &targets);
  if (code == FSM_OK) code = make_goals(c, targets, def->target_count, def->where, &t->goals, &t->goal_count);
  if (code != FSM_OK) return code;
  t->targets = targets;
  t->target_count = (uint16_t)def->target_count;
  unsigned low = targets[0], high = targets[0];
  for (unsigned i = 0; i < t->target_count; i++) {
    low = targets[i] < low ? targets[i] : low;
    high = targets[i] > high ? targets[i] : high;
    t->to_history |= m->states[targets[i]].kind == FSM_HISTORY;
  }
  if (!t->to_history) t->span = fsm__span_of(m, t, low, high);
  return FSM_OK;
}

/* ---- initial states and the defaults of histories ------------------------------------------------ */

static fsm_code set_initials(fsm__compiler *c, fsm__state *s, const uint16_t *one) {
  uint16_t *list = fsm_arena_alloc(&c->m->arena, sizeof *list);
  if (list == NULL) return fsm__compile_no_memory(c);
  *list = *one;
  s->initials = list;
  s->initial_count = 1;
  return FSM_OK;
}

/* The named ones, which are to be inside of `above`. */
static fsm_code named_initials(fsm__compiler *c, unsigned state, unsigned above, const char *what) {
  fsm__state *s = &c->m->states[state];
  const fsm_def_state *def = c->defs[state];
  uint16_t *targets = NULL;
  fsm_code code = find_targets(c, def->initials, def->initial_count, def->where, &targets);
  for (size_t i = 0; i < def->initial_count && code == FSM_OK; i++)
    if (!fsm__is_descendant(c->m, targets[i], above))
      code =
          fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where),
                   "the %s state \"%s\" is not inside \"%s\"", what, def->initials[i], c->defs[above]->name);
  if (code != FSM_OK) return code;
  return make_goals(c, targets, def->initial_count, def->where, &s->initials, &s->initial_count);
}

static fsm_code compound_initials(fsm__compiler *c, unsigned state) {
  const fsm_machine *m = c->m;
  if (c->defs[state]->initial_count > 0) return named_initials(c, state, state, "initial");
  uint16_t first = (uint16_t)fsm__next_child(m, state, state);
  return set_initials(c, &c->m->states[state], &first);
}

static fsm_code history_defaults(fsm__compiler *c, unsigned state) {
  fsm__state *s = &c->m->states[state];
  const fsm__state *above = &c->m->states[s->parent];
  if (c->defs[state]->initial_count > 0) return named_initials(c, state, s->parent, "default");
  if (above->kind == FSM_PARALLEL) return set_initials(c, s, &s->parent);
  s->initials = above->initials;
  s->initial_count = above->initial_count;
  return FSM_OK;
}

fsm_code fsm__compile_initial(fsm__compiler *c, unsigned state) {
  const fsm__state *s = &c->m->states[state];
  if (s->kind == FSM_COMPOUND) return compound_initials(c, state);
  if (s->kind == FSM_HISTORY) return history_defaults(c, state);
  if (c->defs[state]->initial_count == 0 && c->defs[state]->initial_action_count == 0) return FSM_OK;
  return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(c->defs[state]->where),
                  "only a compound state has an initial state, not \"%s\"", c->defs[state]->name);
}

/* A default that is a history again could lead round in circles. */
fsm_code fsm__compile_history_check(fsm__compiler *c) {
  const fsm_machine *m = c->m;
  for (unsigned i = 0; i < m->history_count; i++) {
    const fsm__state *s = &m->states[m->histories[i]];
    for (unsigned j = 0; j < s->initial_count; j++)
      if (m->states[s->initials[j]].kind == FSM_HISTORY)
        return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(c->defs[m->histories[i]]->where),
                        "the default of the history \"%s\" is a history, \"%s\"", s->path,
                        m->states[s->initials[j]].path);
  }
  return FSM_OK;
}
