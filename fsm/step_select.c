/* step_select.c: which transitions does an event, or nothing, enable?
 *
 * Per active leaf, in document order: the first transition of it or of its nearest ancestor that
 * names the event and whose guard holds. A guard that cannot be evaluated counts as false and raises
 * error.execution; while an error event itself is being looked at it raises nothing, for else a
 * faulty guard on error.* would feed itself for ever.
 */
#include <string.h>

#include "fsm/machine_sources.h"
#include "fsm/step_impl.h"

bool fsm__guard_holds(fsm__run *run, const fsm__transition *t, fsm_error *fault) {
  fault->code = FSM_OK;
  if (t->guard == NULL) return true;
  if (run->supposal != NULL)
    return fsm__suppose_holds(run, t->guard, (int)(t - run->machine->transitions));
  fsm_value value;
  fsm_code code = fsm_expr_eval(t->guard, &run->scope, run->arena, &value, fault);
  if (code == FSM_OK && fsm_is(&value, FSM_BOOL)) return value.b;
  if (code == FSM_OK)
    code = fsm_fail(fault, FSM_EEXPRESSION, "", "a guard is true or false, not %s",
                    fsm_type_name((fsm_type)value.type));
  fault->code = code;
  return false;
}

/* Appendix D: function conditionMatch (5.9.1) */
static bool conditionMatch(fsm__run *run, const fsm__transition *t, bool silent) {
  FSM_UNSET fsm_error fault;
  if (t->guard == NULL) return true;
  if (run->work > FSM_STEP_BYTES_MAX) fsm__fault(run, FSM_ETOOLARGE);
  if (fsm__guard_holds(run, t, &fault)) return true;
  if (fault.code == FSM_ENOMEM)
    fsm__fault(run, FSM_ENOMEM);
  else if (fault.code != FSM_OK && !silent)
    fsm__raise_error(run, t->where, &fault);
  return false;
}

static void enable(fsm__run *run, unsigned transition) {
  const fsm__transition *t = &run->machine->transitions[transition];
  run->spans[run->enabled_count] = t->to_history ? fsm__history_span(run, t) : t->span;
  run->enabled[run->enabled_count++] = (uint16_t)transition;
}

/* ---- conflicts ----------------------------------------------------------------------------------- */

/* Do both leave some active state? What they leave are subtrees: nested or apart. */
static bool in_conflict(const fsm__run *run, const fsm__span *a, const fsm__span *b) {
  unsigned first = a->first > b->first ? a->first : b->first;
  unsigned last = a->last < b->last ? a->last : b->last;
  return first <= last && fsm__bits_any(run->config, first, last);
}

static unsigned source_of(const fsm__run *run, unsigned place) {
  return run->machine->transitions[run->enabled[place]].source;
}

/* The candidate against those kept so far; how many of them stay. kept + 1 = it is preempted. */
static unsigned settle(fsm__run *run, unsigned candidate, unsigned kept) {
  const fsm__span span = run->spans[candidate];
  for (unsigned i = 0; i < kept; i++)
    if (in_conflict(run, &span, &run->spans[i]) &&
        !fsm__is_descendant(run->machine, source_of(run, candidate), source_of(run, i)))
      return kept + 1;
  unsigned stays = 0;
  for (unsigned i = 0; i < kept; i++) {
    if (in_conflict(run, &span, &run->spans[i])) continue;
    run->enabled[stays] = run->enabled[i];
    run->spans[stays++] = run->spans[i];
  }
  return stays;
}

/* Appendix D: function removeConflictingTransitions (3.13, "conflict and preemption"). run->exits holds
 * what those kept leave, and perhaps more: what is apart from all of it needs no closer look. */
static void removeConflictingTransitions(fsm__run *run) {
  unsigned kept = 0;
  fsm__bits_clear(run->exits, run->machine->words);
  for (unsigned i = 0; i < run->enabled_count; i++) {
    const fsm__span span = run->spans[i];
    const uint16_t transition = run->enabled[i];
    if (span.first <= span.last && fsm__bits_any(run->exits, span.first, span.last)) {
      unsigned stays = settle(run, i, kept);
      if (stays > kept) continue;
      kept = stays;
    }
    fsm__bits_add_range(run->exits, run->config, span.first, span.last);
    run->enabled[kept] = transition;
    run->spans[kept++] = span;
  }
  run->enabled_count = kept;
}

/* ---- selecting ----------------------------------------------------------------------------------- */

static bool names_event(const fsm__run *run, const fsm__transition *t) {
  for (uint32_t i = 0; i < t->event_count; i++) {
    const fsm__descriptor *d = &t->events[i];
    if (d->rule == FSM__EXACT ? d->name == run->event_number
                              : fsm__descriptor_matches(d, run->event_name, run->event_len))
      return true;
  }
  return false;
}

/* One state's first enabled transition. */
static bool select_at(fsm__run *run, unsigned state, bool eventless, bool silent) {
  const fsm__state *s = &run->machine->states[state];
  for (uint32_t i = 0; i < s->transition_count && run->fault == FSM_OK; i++) {
    const unsigned number = s->transition_first + i;
    const fsm__transition *t = &run->machine->transitions[number];
    if (eventless ? t->event_count > 0 : !names_event(run, t)) continue;
    if (run->asks && !fsm__permits(run, number))
      continue; /* what the guard reads is not for whoever may not */
    if (!conditionMatch(run, t, silent)) continue;
    enable(run, number);
    return true;
  }
  return false;
}

/* What asks on behalf of leaf i. */
typedef void ask(fsm__run *run, const uint64_t *hits, unsigned i, bool eventless, bool silent);

/* Appendix D: the leaf, then its ancestors, up to where another leaf has already asked. */
static void ask_upward(fsm__run *run, const uint64_t *hits, unsigned i, bool eventless, bool silent) {
  const fsm_machine *m = run->machine;
  uint64_t *asked = run->entries;
  for (unsigned state = run->leaves[i]; !fsm_config_has(asked, state); state = m->states[state].parent) {
    fsm__bit_set(asked, state);
    if (fsm_config_has(hits, state) && select_at(run, state, eventless, silent)) return;
    if (state == 0) return;
  }
}

/* XState: what is above a parallel state is asked only when no region takes the event, so only from the
 * last leaf below it. */
static void ask_by_region(fsm__run *run, const uint64_t *hits, unsigned i, bool eventless, bool silent) {
  const fsm_machine *m = run->machine;
  uint64_t *taken = run->entries; /* states below which there is a taker */
  const unsigned next = i + 1 < run->leaf_count ? run->leaves[i + 1] : m->state_count;
  for (unsigned state = run->leaves[i]; next > m->states[state].last && !fsm_config_has(taken, state);
       state = m->states[state].parent) {
    if (fsm_config_has(hits, state) && select_at(run, state, eventless, silent))
      for (unsigned up = state; !fsm_config_has(taken, up); up = m->states[up].parent)
        fsm__bit_set(taken, up);
    if (state == 0) break;
  }
}

/* The first leaf from i on that is not before the state. */
static unsigned leaf_from(const fsm__run *run, unsigned i, unsigned state) {
  unsigned end = run->leaf_count;
  while (i < end) {
    unsigned middle = i + (end - i) / 2;
    if (run->leaves[middle] < state)
      i = middle + 1;
    else
      end = middle;
  }
  return i;
}

/* In document order every leaf that has a hit at or above it. */
static void select_below(fsm__run *run, const uint64_t *hits, ask *from, bool eventless, bool silent) {
  const fsm_machine *m = run->machine;
  const unsigned end = m->state_count - 1;
  fsm__bits_clear(run->entries, m->words); /* free between microsteps */
  unsigned i = 0;
  for (unsigned hit = fsm__bit_next(hits, 0, end); hit <= end;) {
    const unsigned last = m->states[hit].last;
    for (i = leaf_from(run, i, hit); i < run->leaf_count && run->leaves[i] <= last && run->fault == FSM_OK;
         i++)
      from(run, hits, i, eventless, silent);
    hit = fsm__bit_next(hits, last + 1, end);
  }
}

/* With one leaf: it, then its ancestors. */
static void select_alone(fsm__run *run, const uint64_t *hits, bool eventless, bool silent) {
  for (unsigned state = run->leaves[0];; state = run->machine->states[state].parent)
    if ((fsm_config_has(hits, state) && select_at(run, state, eventless, silent)) || state == 0) return;
}

static bool ready(fsm__run *run) {
  if (run->enabled != NULL) return true;
  run->enabled = fsm_arena_alloc(run->arena, run->leaf_count * sizeof *run->enabled);
  if (run->spans == NULL || run->leaf_count > run->span_cap) {
    run->spans = fsm_arena_alloc(run->arena, run->leaf_count * sizeof *run->spans);
    run->span_cap = run->leaf_count;
  }
  if (run->enabled != NULL && run->spans != NULL) return true;
  fsm__fault(run, FSM_ENOMEM);
  return false;
}

/* hits are in run->exits, which are free until there are conflicts to be removed. */
static void select_hits(fsm__run *run, bool eventless, bool silent) {
  const uint64_t *hits = run->exits;
  if (!ready(run)) return;
  if (run->leaf_count == 1)
    select_alone(run, hits, eventless, silent);
  else
    select_below(run, hits, run->machine->dialect == FSM_XSTATE && !eventless ? ask_by_region : ask_upward,
                 eventless, silent);
  if (run->enabled_count > 1) removeConflictingTransitions(run);
}

/* Appendix D: function selectTransitions */
void fsm__select(fsm__run *run) {
  run->enabled_count = 0;
  if (fsm__sources_of(run->machine, run->config, run->event_name, run->event_len, run->exits,
                      &run->event_number))
    select_hits(run, false, fsm__is_error_event(run->event_name));
}

/* Appendix D: function selectEventlessTransitions */
void fsm__select_eventless(fsm__run *run, bool told) {
  run->enabled_count = 0;
  if (fsm__sources_eventless(run->machine, run->config, run->exits)) select_hits(run, true, told);
}

void fsm__select_these(fsm__run *run, const uint16_t *transitions, unsigned count) {
  run->enabled_count = 0;
  if (!ready(run)) return;
  for (unsigned i = 0; i < count; i++) enable(run, transitions[i]);
  if (count > 1) removeConflictingTransitions(run);
}
