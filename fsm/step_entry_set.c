/* step_entry_set.c: which states does a microstep enter? (SCXML Appendix D, computeEntrySet)
 *
 * Histories are resolved first: what they recorded, or their default targets, take their place among
 * the targets. From each target the walk goes down by initial states and regions, then up to the
 * domain, filling the other regions of parallel states on the way. Invariant: nothing above the
 * domain is touched, and what is active is not entered again.
 */
#include <string.h>

#include "fsm/step_impl.h"

static void add_targets(fsm__run *run, const uint16_t *goals, unsigned count, unsigned ancestor,
                        bool by_default);

/* Appendix D: procedure addDescendantStatesToEnter, of a state that is no history. by_default: the content
 * of its initial transition will run. */
static void addDescendantStatesToEnter(fsm__run *run, unsigned state, bool by_default);

static void fill_regions(fsm__run *run, unsigned parallel, bool by_default) {
  const fsm_machine *m = run->machine;
  const unsigned last = m->states[parallel].last;
  if (fsm_config_has(run->filled, parallel)) return;
  fsm__bit_set(run->filled, parallel);
  for (unsigned child = fsm__next_child(m, parallel, parallel); child <= last;
       child = fsm__next_child(m, parallel, m->states[child].last))
    if (!fsm__bits_any(run->entries, child, m->states[child].last))
      addDescendantStatesToEnter(run, child, by_default);
}

static void addDescendantStatesToEnter(fsm__run *run, unsigned state, bool by_default) {
  const fsm__state *s = &run->machine->states[state];
  fsm__bit_set(run->entries, state);
  if (by_default && s->initial_actions.count > 0) fsm__bit_set(run->defaults, state);
  if (s->kind == FSM_COMPOUND)
    add_targets(run, s->initials, s->initial_count, state, true);
  else if (s->kind == FSM_PARALLEL)
    fill_regions(run, state, true);
}

/* Appendix D: procedure addAncestorStatesToEnter. ancestor FSM__NONE: up to and with the root. XState runs
 * no initial content in the regions that are filled from here. */
static void addAncestorStatesToEnter(fsm__run *run, unsigned state, unsigned ancestor) {
  const fsm_machine *m = run->machine;
  while (state != 0) {
    state = m->states[state].parent;
    if (state == ancestor) return;
    fsm__bit_set(run->entries, state);
    if (m->states[state].kind == FSM_PARALLEL) fill_regions(run, state, m->dialect == FSM_SCXML);
  }
}

/* The default content of a history runs when its parent is entered. */
static void note_default(fsm__run *run, unsigned history) {
  const fsm__state *s = &run->machine->states[history];
  if (run->machine->dialect == FSM_XSTATE && s->initials == run->machine->states[s->parent].initials &&
      run->machine->states[s->parent].initial_actions.count > 0)
    fsm__bit_set(run->defaults, s->parent);
  if (s->initial_actions.count == 0) return;
  fsm__default *d = fsm_arena_alloc(run->arena, sizeof *d);
  if (d == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  *d = (fsm__default){run->history_defaults, (uint16_t)history};
  run->history_defaults = d;
}

/* Goals as they stand, or with histories what these stand for: then the initial content of the states
 * themselves is run by SCXML only. */
static void add_goal(fsm__run *run, unsigned goal, bool by_default, bool up, unsigned ancestor) {
  const fsm_machine *m = run->machine;
  if (m->states[goal].kind != FSM_HISTORY) {
    if (!up)
      addDescendantStatesToEnter(run, goal, by_default);
    else if (goal != ancestor)
      addAncestorStatesToEnter(run, goal, ancestor);
    return;
  }
  unsigned count;
  const uint16_t *states = fsm__history_states(run, goal, &count);
  if (!up && !fsm__history_has(run, goal)) note_default(run, goal);
  for (unsigned i = 0; i < count; i++) {
    if (!up)
      addDescendantStatesToEnter(run, states[i], m->dialect == FSM_SCXML);
    else if (states[i] != ancestor)
      addAncestorStatesToEnter(run, states[i], ancestor);
  }
}

/* All downward first: what is named decides which region is filled by default. */
static void add_targets(fsm__run *run, const uint16_t *goals, unsigned count, unsigned ancestor,
                        bool by_default) {
  for (unsigned i = 0; i < count; i++) add_goal(run, goals[i], by_default, false, ancestor);
  for (unsigned i = 0; i < count; i++) add_goal(run, goals[i], by_default, true, ancestor);
}

static void clear(fsm__run *run) {
  const fsm_machine *m = run->machine;
  fsm__bits_clear(run->entries, m->words);
  if (m->has_parallel) fsm__bits_clear(run->filled, m->words);
  if (!m->has_initial_actions) return;
  fsm__bits_clear(run->defaults, m->words);
  run->history_defaults = NULL;
}

/* Appendix D: procedure computeEntrySet */
void fsm__computeEntrySet(fsm__run *run) {
  const fsm_machine *m = run->machine;
  clear(run);
  for (unsigned i = 0; i < run->enabled_count; i++) {
    const fsm__transition *t = &m->transitions[run->enabled[i]];
    /* One to its own atomic source leaves nothing and so conflicts with nothing, not even with one that
     * leaves the source: what it enters is either there or not to be there. */
    if (t->goal_count == 0 || run->spans[i].first > run->spans[i].last) continue;
    const unsigned domain = run->spans[i].domain;
    add_targets(run, t->goals, t->goal_count, domain, true);
    if (domain != FSM__NONE && m->states[domain].kind == FSM_PARALLEL) fill_regions(run, domain, false);
  }
  for (unsigned i = 0; i < m->words; i++) run->entries[i] &= ~run->config[i];
}

void fsm__compute_initial_set(fsm__run *run) {
  clear(run);
  addDescendantStatesToEnter(run, 0, true);
}
