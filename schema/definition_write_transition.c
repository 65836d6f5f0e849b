/* definition_write_transition.c: does a transition mean the same in both notations?
 *
 * Two things may differ: what it leaves, when that is in the regions of a parallel state; and whether it
 * is taken, when a region takes the same event. For SCXML asks each region and what is above it, and lets
 * those that leave nothing go together with any other; XState asks what is above only when no region takes
 * the event.
 */
#include <string.h>

#include "schema/definition_write.h"

/* ---- what it leaves ------------------------------------------------------------------------------ */

static bool contains_targets(const fsm__writer *w, const fsm__written *state, const fsm_def_transition *t,
                             bool itself) {
  for (size_t i = 0; i < t->target_count; i++) {
    const fsm__written *target = fsm__write_state(w, t->targets[i]);
    if (!target || !(fsm__written_is_below(target, state) || (itself && target == state))) return false;
  }
  return true;
}

static fsm_code check_domain(fsm__writer *w, const fsm__written *source, const fsm_def_transition *t) {
  if (!t->target_count) return FSM_OK;
  if (t->internal && contains_targets(w, source, t, true)) return FSM_OK;
  const fsm__written *domain = source->parent;
  while (domain && !contains_targets(w, domain, t, false)) domain = domain->parent;
  if (!domain || domain->state->kind != FSM_PARALLEL) return FSM_OK;
  return fsm__write_refuse(
      w, t->where,
      "the transition goes from one region of \"%s\" to another or into itself, which the "
      "notations read differently",
      domain->name);
}

/* ---- beside which others it is taken --------------------------------------------------------------- */

bool fsm__write_covers(const char *descriptor, const char *other) {
  size_t len = strlen(descriptor);
  if (strcmp(descriptor, "*") == 0 || strcmp(descriptor, other) == 0) return true;
  if (len < 2 || strcmp(descriptor + len - 2, ".*") != 0) return false;
  return strncmp(descriptor, other, len - 2) == 0 && (other[len - 2] == '.' || !other[len - 2]);
}

static bool same_events(const fsm_def_transition *a, const fsm_def_transition *b) {
  for (size_t i = 0; i < a->event_count; i++)
    for (size_t j = 0; j < b->event_count; j++)
      if (fsm__write_covers(a->events[i], b->events[j]) || fsm__write_covers(b->events[j], a->events[i]))
        return true;
  return false;
}

/* Is a state in a region of a parallel state that is the ancestor, or in it? */
static bool in_region(const fsm__written *state, const fsm__written *ancestor) {
  bool parallel = false;
  while (state && state != ancestor) {
    state = state->parent;
    parallel |= state && state->state->kind == FSM_PARALLEL;
  }
  return state && parallel;
}

/* Also one of XState's to its own atomic source. */
static bool leaves_nothing(const fsm__writer *w, const fsm__written *source, const fsm_def_transition *t) {
  if (!t->target_count) return true;
  return t->internal && t->target_count == 1 && source->state->kind == FSM_ATOMIC &&
         fsm__write_state(w, t->targets[0]) == source;
}

static fsm_code check_regions(fsm__writer *w, const fsm__written *source, const fsm_def_transition *t) {
  bool nothing = leaves_nothing(w, source, t);
  if (!t->event_count || !source->state->child_count) return FSM_OK;
  for (size_t i = 0; i < w->count; i++) {
    const fsm__written *below = &w->states[i];
    if (!below->state->transition_count || below == source || !in_region(below, source)) continue;
    for (size_t j = 0; j < below->state->transition_count; j++) {
      const fsm_def_transition *other = &below->state->transitions[j];
      if ((nothing || leaves_nothing(w, below, other)) && same_events(t, other))
        return fsm__write_refuse(
            w, t->where,
            "in SCXML the transition is taken beside one of \"%.128s\" on the same event, "
            "in JSON only without it",
            below->name);
    }
  }
  return FSM_OK;
}

fsm_code fsm__write_check_transition(fsm__writer *w, const fsm__written *source,
                                     const fsm_def_transition *t) {
  if (!fsm__write_translates(w)) return FSM_OK;
  fsm_code code = check_domain(w, source, t);
  return code ? code : check_regions(w, source, t);
}
