/* lint_reach.c: states and transitions that no instance gets to (L001, L002), regions in each other's way
 * (L012). */
#include <string.h>

#include "schema/lint_impl.h"

static bool is_reached(const fsm__linter *l, unsigned state) { return l->seen.active[state]; }

static void look_at_states(fsm__linter *l) {
  for (unsigned i = 1; i < l->state_count; i++) {
    if (fsm_state_kind(l->machine, i) == FSM_HISTORY || is_reached(l, i)) continue;
    if (!is_reached(l, fsm_state_parent(l->machine, i))) continue; /* told of what is around it */
    fsm__lint_add(l, FSM__L001, FSM__OF_STATE(i), NULL, "the state %s can never be reached",
                  fsm__lint_state(l, i));
  }
}

/* The transition of the same state that takes all of its events first; -1 = there is none. */
static int hidden_by(const fsm__linter *l, unsigned number) {
  const fsm_def_transition *t = l->transitions[number];
  const unsigned source = fsm_transition_source(l->machine, number);
  for (unsigned i = number; i-- > 0 && fsm_transition_source(l->machine, i) == source;) {
    if (l->guesses[i] != FSM_GUESS_ALWAYS) continue;
    if (t->event_count == 0 && l->transitions[i]->event_count == 0) return (int)i;
    size_t taken = 0;
    for (size_t j = 0; j < t->event_count && l->transitions[i]->event_count > 0; j++)
      taken += fsm_transition_names(l->machine, i, t->events[j]);
    if (t->event_count > 0 && taken == t->event_count) return (int)i;
  }
  return -1;
}

/* Is there a configuration with the state in which something is waited for? */
static bool is_waited_in(const fsm__linter *l, unsigned state) {
  for (size_t i = 0; i < l->seen.node_count; i++)
    if (l->seen.nodes[i].waits && (l->seen.nodes[i].config[state / 64] >> (state % 64) & 1)) return true;
  return false;
}

static void look_at_transitions(fsm__linter *l) {
  for (unsigned i = 0; i < l->transition_count; i++) {
    const fsm_def_transition *t = l->transitions[i];
    const unsigned source = fsm_transition_source(l->machine, i);
    if (l->seen.taken[i] || !is_reached(l, source) || l->guesses[i] == FSM_GUESS_NEVER) continue;
    const int first = hidden_by(l, i);
    const char *what = fsm__lint_transition(l, i);
    if (first >= 0)
      fsm__lint_add(l, FSM__L002, FSM__OF_TRANSITION(i), NULL,
                    "%s is never taken: %s is asked first and has no guard", what,
                    fsm__lint_transition(l, (unsigned)first));
    else if (t->event_count > 0 && !is_waited_in(l, source))
      fsm__lint_add(l, FSM__L002, FSM__OF_TRANSITION(i), NULL,
                    "%s is never taken: its state is left at once, before an event can come", what);
    else if (t->event_count > 0 && fsm__is_generated(t->events[0]))
      fsm__lint_add(l, FSM__L002, FSM__OF_TRANSITION(i), NULL, "%s is never taken: nothing makes that event",
                    what);
    else
      fsm__lint_add(
          l, FSM__L002, FSM__OF_TRANSITION(i), NULL,
          "%s is never taken: wherever its state is active, another transition takes what it waits for",
          what);
  }
}

static bool same_goal(const fsm__linter *l, unsigned a, unsigned b) {
  const uint16_t *to, *other;
  const unsigned count = fsm_transition_targets(l->machine, a, &to);
  return fsm_transition_targets(l->machine, b, &other) == count && count > 0 &&
         memcmp(to, other, count * sizeof *to) == 0;
}

static void look_at_conflicts(fsm__linter *l) {
  for (size_t i = 0; i < l->seen.conflict_count; i++) {
    const fsm_explore_conflict *c = &l->seen.conflicts[i];
    if (same_goal(l, c->taken, c->dropped)) continue;
    fsm__lint_add(l, FSM__L012, FSM__OF_TRANSITION(c->dropped), NULL,
                  "%s is not taken when %s is, which stands first and leads elsewhere",
                  fsm__lint_transition(l, c->dropped), fsm__lint_transition(l, c->taken));
  }
}

void fsm__lint_reach(fsm__linter *l) {
  look_at_states(l);
  look_at_transitions(l);
  look_at_conflicts(l);
}
