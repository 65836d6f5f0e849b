/* step_select.c: which transitions does an event, or nothing, enable?
 *
 * Per active leaf, in document order: the first transition of it or of its nearest ancestor that
 * names the event and whose guard holds. A guard that cannot be evaluated counts as false and raises
 * error.execution; while an error event itself is being looked at it raises nothing, for else a
 * faulty guard on error.* would feed itself for ever.
 */
#include "fsm/step_impl.h"

bool fsm__guard_holds(fsm__run *run, const fsm__transition *t, fsm_error *fault) {
  fault->code = FSM_OK;
  if (t->guard == NULL) return true;
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
static bool conditionMatch(fsm__run *run, const fsm__transition *t, bool eventless) {
  fsm_error fault;
  if (fsm__guard_holds(run, t, &fault)) return true;
  if (fault.code == FSM_ENOMEM)
    fsm__fault(run, FSM_ENOMEM);
  else if (fault.code != FSM_OK && (eventless || !fsm__is_error_event(run->event_name)))
    fsm__raise_error(run, t->where, &fault);
  return false;
}

static void enable(fsm__run *run, unsigned transition) {
  for (unsigned i = 0; i < run->enabled_count; i++)
    if (run->enabled[i] == transition) return; /* an ancestor's, already found from another region */
  run->enabled[run->enabled_count++] = (uint16_t)transition;
}

/* The inner loop of selectTransitions: the leaf, then its proper ancestors. */
static void select_from(fsm__run *run, unsigned leaf, bool eventless) {
  const fsm_machine *m = run->machine;
  for (unsigned state = leaf;; state = m->states[state].parent) {
    const fsm__state *s = &m->states[state];
    for (uint32_t i = 0; i < s->transition_count && run->fault == FSM_OK; i++) {
      unsigned number = s->transition_first + i;
      const fsm__transition *t = &m->transitions[number];
      if (eventless ? t->event_count > 0 : !fsm__transition_names(t, run->event_name, run->event_len))
        continue;
      if (!conditionMatch(run, t, eventless)) continue;
      enable(run, number);
      return;
    }
    if (state == 0) return;
  }
}

/* Do both leave some active state? What they leave are subtrees: nested or apart. */
static bool in_conflict(const fsm__run *run, const fsm__transition *a, const fsm__transition *b) {
  unsigned first = a->exit_first > b->exit_first ? a->exit_first : b->exit_first;
  unsigned last = a->exit_last < b->exit_last ? a->exit_last : b->exit_last;
  return first <= last && fsm__bits_any(run->config, first, last);
}

/* Appendix D: function removeConflictingTransitions (3.13, "conflict and preemption") */
static void removeConflictingTransitions(fsm__run *run) {
  const fsm_machine *m = run->machine;
  uint16_t *filtered = run->enabled;
  unsigned kept = 0;
  for (unsigned i = 0; i < run->enabled_count; i++) {
    uint16_t t1 = run->enabled[i];
    bool preempted = false;
    unsigned stays = 0;
    for (unsigned j = 0; j < kept && !preempted; j++) {
      const fsm__transition *a = &m->transitions[t1], *b = &m->transitions[filtered[j]];
      preempted = in_conflict(run, a, b) && !fsm__is_descendant(m, a->source, b->source);
    }
    if (preempted) continue;
    for (unsigned j = 0; j < kept; j++)
      if (!in_conflict(run, &m->transitions[t1], &m->transitions[filtered[j]]))
        filtered[stays++] = filtered[j];
    filtered[stays++] = t1;
    kept = stays;
  }
  run->enabled_count = kept;
}

static void select_all(fsm__run *run, bool eventless) {
  for (unsigned i = 0; i < run->leaf_count && run->fault == FSM_OK; i++)
    if (!eventless || run->machine->states[run->leaves[i]].eventless)
      select_from(run, run->leaves[i], eventless);
  if (run->enabled_count > 1) removeConflictingTransitions(run);
}

/* Appendix D: function selectEventlessTransitions */
static void selectEventlessTransitions(fsm__run *run) { select_all(run, true); }

/* Appendix D: function selectTransitions */
static void selectTransitions(fsm__run *run) { select_all(run, false); }

void fsm__select(fsm__run *run, bool eventless) {
  run->enabled_count = 0;
  if (run->enabled == NULL) {
    run->enabled = fsm_arena_alloc(run->arena, run->leaf_count * sizeof *run->enabled);
    if (run->enabled == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return;
    }
  }
  if (eventless)
    selectEventlessTransitions(run);
  else
    selectTransitions(run);
}
