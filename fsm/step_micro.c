/* step_micro.c: one microstep: leave, act, enter (SCXML Appendix D, names as there).
 *
 * All exits in reverse document order, then the transitions' content, then all entries in document
 * order. Numbers are document order, so both walks are walks over bitsets. Invariants: run->config is
 * legal before and after; a state that is active is not entered again, which is also what makes an
 * internal transition keep its source.
 */
#include <string.h>

#include "fsm/step_impl.h"

/* ---- the microstep's record -------------------------------------------------------------------- */

static fsm_microstep *begin(fsm__run *run) {
  if (run->microstep_count == FSM_MICROSTEPS_MAX) {
    fsm__fault(run, FSM_ELOOP);
    return NULL;
  }
  if (run->microstep_count == run->microstep_cap) {
    unsigned cap = run->microstep_cap == 0 ? 2 : run->microstep_cap * 2;
    fsm_microstep *more = fsm_arena_alloc(run->arena, cap * sizeof *more);
    if (more == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return NULL;
    }
    if (run->microstep_count > 0) memcpy(more, run->microsteps, run->microstep_count * sizeof *more);
    run->microsteps = more;
    run->microstep_cap = cap;
  }
  run->effects = NULL;
  run->effect_count = run->effect_cap = 0;
  run->context_changed = false;
  fsm_microstep *micro = &run->microsteps[run->microstep_count];
  *micro = (fsm_microstep){.from = run->leaves, .from_count = run->leaf_count};
  return micro;
}

static void end(fsm__run *run, fsm_microstep *micro) {
  if (run->fault != FSM_OK) return;
  if (micro->exited_count > 0 || micro->entered_count > 0) {
    run->leaves = fsm__leaves_of(run->machine, run->config, run->arena, &run->leaf_count);
    if (run->leaves == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return;
    }
  }
  micro->to = run->leaves;
  micro->to_count = run->leaf_count;
  micro->context = run->context;
  micro->context_changed = run->context_changed;
  micro->effects = run->effects;
  micro->effect_count = run->effect_count;
  run->microstep_count++;
}

/* The members of a set as numbers, ascending or descending; NULL when empty or after a fault. */
static const uint16_t *list_of(fsm__run *run, const uint64_t *set, bool descending, unsigned *count) {
  *count = fsm__bits_count(set, run->machine->words);
  if (*count == 0) return NULL;
  uint16_t *list = fsm_arena_alloc(run->arena, *count * sizeof *list);
  if (list == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return NULL;
  }
  unsigned filled = 0;
  for (unsigned i = 0; i < run->machine->words; i++)
    for (uint64_t bits = set[i]; bits != 0; bits &= bits - 1, filled++)
      list[descending ? *count - 1 - filled : filled] = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(bits));
  return list;
}

/* ---- leaving ----------------------------------------------------------------------------------- */

static bool answers(const fsm__run *run, const fsm__invoke *invoke) {
  return run->answered != NULL &&
         (strcmp(run->answered, invoke->done_event) == 0 || strcmp(run->answered, invoke->error_event) == 0);
}

/* A task that was open before this macrostep is cancelled, unless it is the one that has just
 * answered; one that was only asked for is forgotten. */
static void cancelInvoke(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  for (fsm__opening *o = run->openings; o != NULL; o = o->next)
    if (run->machine->invokes[o->invoke].state == state) o->dropped = true;
  if (!fsm_config_has(run->open, state)) return;
  fsm__bit_clear(run->open, state);
  for (uint32_t i = 0; i < s->invoke_count; i++) {
    const fsm__invoke *invoke = &run->machine->invokes[s->invoke_first + i];
    if (answers(run, invoke)) continue;
    fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TASK_CANCEL);
    if (effect == NULL) return;
    effect->id = invoke->id;
    effect->invoke = s->invoke_first + i;
  }
}

static void cancel_afters(fsm__run *run, const fsm__state *s) {
  for (uint32_t i = 0; i < s->after_count; i++) {
    /* The timer that has just fired is gone; from the second microstep on it may be a new one. */
    if (run->fired != NULL && run->microstep_count == 0 && strcmp(run->fired, s->afters[i].event) == 0)
      continue;
    fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_CANCEL);
    if (effect == NULL) return;
    effect->id = s->afters[i].event;
  }
}

static void leave(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  fsm__block_run(run, &s->exit);
  cancel_afters(run, s);
  if (s->invoke_count > 0) cancelInvoke(run, state);
}

/* Appendix D: function computeExitSet */
static void computeExitSet(fsm__run *run) {
  memset(run->exits, 0, run->machine->words * sizeof *run->exits);
  for (unsigned i = 0; i < run->enabled_count; i++) {
    const fsm__transition *t = &run->machine->transitions[run->enabled[i]];
    fsm__bits_add_range(run->exits, run->config, t->exit_first, t->exit_last);
  }
}

/* Appendix D: procedure exitStates */
static void exitStates(fsm__run *run, fsm_microstep *micro) {
  computeExitSet(run);
  micro->exited = list_of(run, run->exits, true, &micro->exited_count);
  for (unsigned i = 0; i < micro->exited_count && run->fault == FSM_OK; i++) {
    leave(run, micro->exited[i]);
    fsm__bit_clear(run->config, micro->exited[i]);
  }
}

/* Appendix D: procedure exitInterpreter. The configuration stays, as the end that was reached. */
static void exitInterpreter(fsm__run *run) {
  unsigned count;
  const uint16_t *active = list_of(run, run->config, true, &count);
  for (unsigned i = 0; i < count && run->fault == FSM_OK; i++) leave(run, active[i]);
}

/* ---- what to enter ----------------------------------------------------------------------------- */

static void addAncestorStatesToEnter(fsm__run *run, unsigned state, unsigned ancestor);

/* Appendix D: procedure addDescendantStatesToEnter */
static void addDescendantStatesToEnter(fsm__run *run, unsigned state) {
  const fsm_machine *m = run->machine;
  const fsm__state *s = &m->states[state];
  fsm__bit_set(run->entries, state);
  if (s->kind == FSM_COMPOUND) {
    addDescendantStatesToEnter(run, s->initial);
    addAncestorStatesToEnter(run, s->initial, state);
  } else if (s->kind == FSM_PARALLEL) {
    for (unsigned child = state + 1; child <= s->last; child = m->states[child].last + 1u)
      if (!fsm__bits_any(run->entries, child, m->states[child].last)) addDescendantStatesToEnter(run, child);
  }
}

/* Appendix D: procedure addAncestorStatesToEnter. ancestor FSM__NONE: up to and with the root. */
static void addAncestorStatesToEnter(fsm__run *run, unsigned state, unsigned ancestor) {
  const fsm_machine *m = run->machine;
  while (state != 0) {
    state = m->states[state].parent;
    if (state == ancestor) return;
    const fsm__state *s = &m->states[state];
    fsm__bit_set(run->entries, state);
    if (s->kind != FSM_PARALLEL) continue;
    for (unsigned child = state + 1; child <= s->last; child = m->states[child].last + 1u)
      if (!fsm__bits_any(run->entries, child, m->states[child].last)) addDescendantStatesToEnter(run, child);
  }
}

/* Appendix D: procedure computeEntrySet */
static void computeEntrySet(fsm__run *run) {
  const fsm_machine *m = run->machine;
  memset(run->entries, 0, m->words * sizeof *run->entries);
  for (unsigned i = 0; i < run->enabled_count; i++) {
    const fsm__transition *t = &m->transitions[run->enabled[i]];
    for (unsigned j = 0; j < t->target_count; j++) addDescendantStatesToEnter(run, t->targets[j]);
    for (unsigned j = 0; j < t->target_count; j++)
      if (t->targets[j] != t->domain) addAncestorStatesToEnter(run, t->targets[j], t->domain);
  }
  for (unsigned i = 0; i < m->words; i++) run->entries[i] &= ~run->config[i];
}

/* ---- entering ---------------------------------------------------------------------------------- */

static void set_afters(fsm__run *run, const fsm__state *s) {
  for (uint32_t i = 0; i < s->after_count && run->fault == FSM_OK; i++) {
    const fsm__after *after = &s->afters[i];
    fsm_value delay;
    int64_t ns;
    fsm_error err;
    err.text[0] = '\0';
    err.code = fsm__template_eval(run, after->delay, &delay, &err);
    if (err.code == FSM_OK) err.code = fsm__delay_ns(&delay, &ns, &err);
    if (err.code != FSM_OK) {
      fsm__raise_error(run, after->where, &err);
      continue;
    }
    fsm_effect *effect = fsm__effect(run, FSM_EFFECT_TIMER_SET);
    if (effect == NULL) return;
    effect->id = effect->event = after->event;
    effect->delay_ns = ns;
  }
}

static void open_invokes(fsm__run *run, const fsm__state *s) {
  for (uint32_t i = 0; i < s->invoke_count && run->fault == FSM_OK; i++) {
    unsigned number = s->invoke_first + i;
    const fsm__invoke *invoke = &run->machine->invokes[number];
    fsm_value input;
    fsm_error err;
    err.text[0] = '\0';
    err.code = fsm__template_eval(run, invoke->input, &input, &err);
    if (err.code == FSM_OK && !fsm__value_fits(&input, FSM_EVENT_BYTES_MAX))
      err.code = fsm_fail(&err, FSM_ETOOLARGE, "", "the input is over %d bytes", FSM_EVENT_BYTES_MAX);
    if (err.code != FSM_OK) {
      fsm__raise_error(run, invoke->where, &err);
      continue;
    }
    fsm__opening *opening = fsm_arena_alloc(run->arena, sizeof *opening);
    if (opening == NULL) {
      fsm__fault(run, FSM_ENOMEM);
      return;
    }
    *opening = (fsm__opening){.microstep = run->microstep_count, .invoke = number, .input = input};
    *run->openings_end = opening;
    run->openings_end = &opening->next;
  }
}

static fsm_value output_of(fsm__run *run, const fsm__state *s) {
  fsm_value output = fsm_null();
  fsm_error err;
  err.text[0] = '\0';
  err.code = fsm__template_eval(run, s->output, &output, &err);
  if (err.code == FSM_OK && !fsm__value_fits(&output, FSM_EVENT_BYTES_MAX))
    err.code = fsm_fail(&err, FSM_ETOOLARGE, "", "the output is over %d bytes", FSM_EVENT_BYTES_MAX);
  if (err.code == FSM_OK) return output;
  fsm__raise_error(run, s->where, &err);
  return fsm_null();
}

/* Appendix D: function isInFinalState */
static bool isInFinalState(const fsm__run *run, unsigned state) {
  const fsm_machine *m = run->machine;
  const fsm__state *s = &m->states[state];
  if (s->kind == FSM_COMPOUND) {
    unsigned child = fsm__bit_next(run->config, state + 1, s->last);
    return child <= s->last && m->states[child].kind == FSM_FINAL;
  }
  if (s->kind != FSM_PARALLEL) return false;
  for (unsigned child = state + 1; child <= s->last; child = m->states[child].last + 1u)
    if (!isInFinalState(run, child)) return false;
  return true;
}

/* The root is in a final state: its own output may read what the final state gave. */
static void complete(fsm__run *run, const fsm_value *output) {
  const fsm__state *root = &run->machine->states[0];
  run->done = true;
  run->output = *output;
  if (root->output == NULL) return;
  fsm_value event = run->event_map; /* the exit actions see the event that led here */
  fsm__run_see(run, root->done_event, output);
  if (run->fault == FSM_OK) run->output = output_of(run, root);
  run->event_map = event;
}

/* The end of enterStates for a final state (3.7): its parent is done, and perhaps those above. */
static void enter_final(fsm__run *run, unsigned state) {
  const fsm_machine *m = run->machine;
  fsm_value output = output_of(run, &m->states[state]), none = fsm_null();
  unsigned above = m->states[state].parent;
  if (m->states[above].kind == FSM_COMPOUND) {
    if (above == 0) {
      complete(run, &output);
      return;
    }
    fsm__enqueue(run, m->states[above].done_event, &output);
    above = m->states[above].parent;
  }
  for (; m->states[above].kind == FSM_PARALLEL; above = m->states[above].parent) {
    if (!isInFinalState(run, above)) return;
    if (above == 0) {
      complete(run, &none);
      return;
    }
    fsm__enqueue(run, m->states[above].done_event, &none);
  }
}

/* Appendix D: procedure enterStates */
static void enterStates(fsm__run *run, fsm_microstep *micro) {
  micro->entered = list_of(run, run->entries, false, &micro->entered_count);
  for (unsigned i = 0; i < micro->entered_count && run->fault == FSM_OK; i++) {
    unsigned state = micro->entered[i];
    const fsm__state *s = &run->machine->states[state];
    fsm__bit_set(run->config, state);
    fsm__block_run(run, &s->entry);
    set_afters(run, s);
    if (s->invoke_count > 0) open_invokes(run, s);
    if (s->kind == FSM_FINAL && run->fault == FSM_OK) enter_final(run, state);
  }
  if (run->done && run->fault == FSM_OK) exitInterpreter(run);
}

/* Appendix D: procedure executeTransitionContent */
static void executeTransitionContent(fsm__run *run) {
  for (unsigned i = 0; i < run->enabled_count && run->fault == FSM_OK; i++)
    fsm__block_run(run, &run->machine->transitions[run->enabled[i]].actions);
}

/* ---- the microstep ----------------------------------------------------------------------------- */

/* Appendix D: procedure microstep */
static void microstep(fsm__run *run, fsm_microstep *micro) {
  exitStates(run, micro);
  executeTransitionContent(run);
  computeEntrySet(run);
  enterStates(run, micro);
}

void fsm__microstep(fsm__run *run, const char *trigger, fsm_cause cause, const fsm_value *data) {
  FSM_ASSERT(run->enabled_count > 0 && run->fault == FSM_OK);
  fsm_microstep *micro = begin(run);
  if (micro == NULL) return;
  micro->trigger = trigger;
  micro->cause = cause;
  micro->data = *data;
  micro->transitions = run->enabled;
  micro->transition_count = run->enabled_count;
  microstep(run, micro);
  run->enabled = NULL; /* the record keeps it */
  end(run, micro);
}

void fsm__enter_initial(fsm__run *run, const fsm_value *input) {
  fsm_microstep *micro = begin(run);
  if (micro == NULL) return;
  micro->trigger = "";
  micro->cause = FSM_CAUSE_EXTERNAL;
  micro->data = *input;
  addDescendantStatesToEnter(run, 0);
  enterStates(run, micro);
  end(run, micro);
}
