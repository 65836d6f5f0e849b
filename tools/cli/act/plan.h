/* plan.h: what a run is about to do, said before it does anything.
 *
 * On stderr: how many, of which machines, the first of them, why, and under which key a broken run goes on.
 * Then it is asked about on a terminal; elsewhere -y has to say yes. */
#ifndef FSM_CLI_PLAN_H
#define FSM_CLI_PLAN_H

#include "tools/cli/act/deed.h"
#include "tools/cli/act/who.h"

/* FSM_OK: go on. *go false: the answer was no. FSM_EARGUMENT: nobody can be asked and -y was not given. */
FSM_MUST_USE fsm_code cli_plan(cli_run *cli, const cli_deed *deed, const cli_who *who, bool *go,
                               fsm_error *err);

#endif
