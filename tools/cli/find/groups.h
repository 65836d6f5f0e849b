/* groups.h: instances counted by what they have in common: ls --group-by. */
#ifndef FSM_CLI_GROUPS_H
#define FSM_CLI_GROUPS_H

#include "tools/cli/find/list.h"

/* Asks for all parts, adds them up, prints one document. The filter lives in pages->query. */
FSM_MUST_USE fsm_code cli_groups_print(cli_run *cli, const cli_pages *pages, fsm_error *err);

#endif
