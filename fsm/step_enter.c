/* step_enter.c: entering states: entry actions, timers, invokes, default content, done events.
 *
 * In document order, names of SCXML Appendix D. A final state tells its parent that it is done, and
 * walks on upward through all parallel ancestors that are done with it.
 */
#include <string.h>

#include "fsm/step_impl.h"

void fsm__afters_set(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
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
    effect->state = (unsigned)(s - run->machine->states);
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
bool fsm__isInFinalState(const fsm__run *run, unsigned state) {
  const fsm_machine *m = run->machine;
  const fsm__state *s = &m->states[state];
  if (s->kind == FSM_COMPOUND) {
    unsigned child = fsm__bit_next(run->config, state + 1, s->last);
    return child <= s->last && m->states[child].kind == FSM_FINAL;
  }
  if (s->kind != FSM_PARALLEL) return s->kind == FSM_FINAL && fsm_config_has(run->config, state);
  /* While some of its states are still to be entered it is not: this spares looking at all regions again
   * and again while they are entered. */
  if (run->next_entry <= s->last) return false;
  for (unsigned child = fsm__next_child(m, state, state); child <= s->last;
       child = fsm__next_child(m, state, m->states[child].last))
    if (!fsm__isInFinalState(run, child)) return false;
  return true;
}

/* The root is in a final state: its own output may read what the final state gave. */
static void complete(fsm__run *run, const fsm_value *output) {
  const fsm__state *root = &run->machine->states[0];
  run->done = true;
  run->output = *output;
  if (root->output == NULL) return;
  const fsm_event seen = run->seen; /* the exit actions see the event that led here */
  const bool bound = run->scope.event_of != NULL;
  const char *name = run->event_name;
  const size_t len = run->event_len;
  fsm__run_see(run, &(const fsm_event){.name = root->done_event, .data = *output, .type = "platform"});
  if (run->fault == FSM_OK) run->output = output_of(run, root);
  run->seen = seen;
  run->event_name = name;
  run->event_len = len;
  run->scope.event = NULL; /* to be made anew */
  if (!bound) run->scope.event_of = NULL;
}

static void tell_done(fsm__run *run, unsigned state, const fsm_value *output) {
  fsm__enqueue(run, &(const fsm_event){
                        .name = run->machine->states[state].done_event, .data = *output, .type = "platform"});
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
    tell_done(run, above, &output);
    above = m->states[above].parent;
  }
  for (; m->states[above].kind == FSM_PARALLEL; above = m->states[above].parent) {
    if (!fsm__isInFinalState(run, above)) return;
    if (above == 0) {
      complete(run, &none);
      return;
    }
    tell_done(run, above, &none);
  }
}

/* The content of initial and of history default transitions; the latter's runs with the parent. */
static void default_content(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  if (s->initial_actions.count > 0 && fsm_config_has(run->defaults, state))
    fsm__block_run(run, &s->initial_actions);
  for (const fsm__default *d = run->history_defaults; d != NULL; d = d->next)
    if (run->machine->states[d->history].parent == state)
      fsm__block_run(run, &run->machine->states[d->history].initial_actions);
}

/* A parent that is not entered, because it is active, has its content run first of all. */
static void default_content_inside(fsm__run *run) {
  for (const fsm__default *d = run->history_defaults; d != NULL; d = d->next)
    if (!fsm_config_has(run->entries, run->machine->states[d->history].parent))
      fsm__block_run(run, &run->machine->states[d->history].initial_actions);
}

/* Appendix D: procedure enterStates */
void fsm__enterStates(fsm__run *run, fsm_microstep *micro) {
  const fsm_machine *m = run->machine;
  micro->entered = fsm__list_of(run, run->entries, false, &micro->entered_count);
  if (m->has_initial_actions) default_content_inside(run);
  for (unsigned i = 0; i < micro->entered_count && run->fault == FSM_OK; i++) {
    unsigned state = micro->entered[i];
    const fsm__state *s = &m->states[state];
    run->next_entry = i + 1 < micro->entered_count ? micro->entered[i + 1] : m->state_count;
    fsm__bit_set(run->config, state);
    if (run->bound != NULL) fsm__data_enter(run, state);
    fsm__block_run(run, &s->entry);
    if (s->after_count > 0) fsm__afters_set(run, state);
    if (s->invoke_count > 0) fsm__invoke_enter(run, state);
    if (m->has_initial_actions) default_content(run, state);
    if (s->kind == FSM_FINAL && run->fault == FSM_OK) enter_final(run, state);
  }
  if (run->done && run->fault == FSM_OK) fsm__exitInterpreter(run);
}
