/* step_force.c: an instance is put into a configuration from outside.
 *
 * What is left and what is entered is the difference of two configurations; only what hangs on a state's
 * being active follows it: timers of delayed transitions, tasks, with late binding its variables. */
#include "fsm/step_impl.h"

static void leave(fsm__run *run, unsigned state) {
  if (run->machine->states[state].after_count > 0) fsm__afters_cancel(run, state);
  if (run->machine->states[state].invoke_count > 0) fsm__invoke_exit(run, state);
  fsm__bit_clear(run->config, state);
}

static void enter(fsm__run *run, unsigned state) {
  const fsm__state *s = &run->machine->states[state];
  fsm__bit_set(run->config, state);
  if (run->bound != NULL) fsm__data_enter(run, state);
  if (s->after_count > 0) fsm__afters_set(run, state);
  if (s->invoke_count > 0) fsm__invoke_enter(run, state);
}

static void difference(fsm__run *run, const uint64_t *config) {
  for (unsigned i = 0; i < run->machine->words; i++) {
    run->exits[i] = run->config[i] & ~config[i];
    run->entries[i] = config[i] & ~run->config[i];
  }
}

static void move(fsm__run *run, const uint64_t *config) {
  fsm_microstep *micro = fsm__microstep_begin(run);
  if (micro == NULL) return;
  micro->trigger = "";
  micro->cause = FSM_CAUSE_ADMIN;
  difference(run, config);
  micro->exited = fsm__list_of(run, run->exits, true, &micro->exited_count);
  micro->entered = fsm__list_of(run, run->entries, false, &micro->entered_count);
  for (unsigned i = 0; i < micro->exited_count && run->fault == FSM_OK; i++) leave(run, micro->exited[i]);
  for (unsigned i = 0; i < micro->entered_count && run->fault == FSM_OK; i++) enter(run, micro->entered[i]);
  if (run->fault != FSM_OK || micro->entered_count == 0) return;
  run->next_entry = run->machine->state_count; /* all are entered */
  run->done = fsm__isInFinalState(run, 0);
  fsm__microstep_end(run, micro);
  if (run->fault == FSM_OK && !run->done) (void)fsm__invoke_pending(run); /* SCXML: at the end */
}

fsm_code fsm_force(const fsm_machine *machine, const fsm_snapshot *before, const uint64_t *config,
                   const fsm_world *world, fsm_arena *arena, fsm_step_result *out, fsm_error *err) {
  FSM_ASSERT(machine != NULL && before != NULL && config != NULL && arena != NULL && out != NULL);
  FSM_ASSERT(fsm_config_legal(machine, before->config) && fsm_config_legal(machine, config));
  if (before->done) {
    *out = (fsm_step_result){.outcome = FSM_ECOMPLETED, .next = *before};
    return FSM_OK;
  }
  FSM_UNSET fsm__run run;
  fsm_code code = fsm__run_init(&run, machine, before, world, arena, err);
  if (code != FSM_OK) return code;
  move(&run, config);
  return fsm__run_finish(&run, before, out, err);
}
