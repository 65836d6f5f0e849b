/* simulation_models.h: the machines of a simulation: its own, those of --child, those inside them, and those
 * that a machine makes as content. */
#ifndef FSM_CLI_SIMULATION_MODELS_H
#define FSM_CLI_SIMULATION_MODELS_H

#include "tools/cli/definition/simulation.h"
#include "tools/cli/input.h"

/* The machine that the command line names, and the files of --child NAME=FILE. */
FSM_MUST_USE fsm_code cli_simulation_load_files(cli_simulation *sim, fsm_error *err);
void cli_simulation_free_files(cli_simulation *sim);
/* fsm_sessions_options.load; arg is the simulation. A src without a --child stays an open task. */
fsm_code cli_simulation_load(void *arg, const fsm_session *parent, const fsm_effect *open,
                             const fsm_machine **machine, fsm_error *err);

#endif
