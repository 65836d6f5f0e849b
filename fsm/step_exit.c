/* step_exit.c: leaving states: exit actions, timers, tasks (SCXML Appendix D, names as there).
 *
 * In reverse document order. What histories remember is taken from the configuration before the first
 * exit action runs.
 */
#include <string.h>

#include "fsm/step_impl.h"

void fsm__afters_cancel(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
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
  if (s->after_count > 0) fsm__afters_cancel(run, state);
  if (s->invoke_count > 0) fsm__invoke_exit(run, state);
}

/* Appendix D: function computeExitSet */
static void computeExitSet(fsm__run *run) {
  fsm__bits_clear(run->exits, run->machine->words);
  for (unsigned i = 0; i < run->enabled_count; i++) {
    const fsm__span *span = &run->spans[i];
    fsm__bits_add_range(run->exits, run->config, span->first, span->last);
  }
}

/* Appendix D: procedure exitStates */
void fsm__exitStates(fsm__run *run, fsm_microstep *micro) {
  computeExitSet(run);
  micro->exited = fsm__list_of(run, run->exits, true, &micro->exited_count);
  if (run->machine->history_count > 0) fsm__history_record(run, micro->exited, micro->exited_count);
  for (unsigned i = 0; i < micro->exited_count && run->fault == FSM_OK; i++) {
    leave(run, micro->exited[i]);
    fsm__bit_clear(run->config, micro->exited[i]);
  }
}

/* Appendix D: procedure exitInterpreter. The configuration stays, as the end that was reached. */
void fsm__exitInterpreter(fsm__run *run) {
  unsigned count;
  const uint16_t *active = fsm__list_of(run, run->config, true, &count);
  for (unsigned i = 0; i < count && run->fault == FSM_OK; i++) leave(run, active[i]);
}
