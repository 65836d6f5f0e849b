/* crowd.h: many changes and what came of each, item by item, in every format; progress; how far it came. */
#ifndef FSM_CLI_CROWD_H
#define FSM_CLI_CROWD_H

#include "tools/cli/act/bulk.h"
#include "tools/cli/act/plan.h"

/* The plan was agreed to. Exit 6 when some went and some did not. */
FSM_MUST_USE fsm_code cli_crowd_run(cli_run *cli, const cli_deed *deed, const cli_who *who, fsm_error *err);

#endif
