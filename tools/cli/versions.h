/* versions.h: a daemon of another version than this program.
 *
 * Within /v1 nothing goes and nothing changes its meaning, so an older fsm-cli is served by a newer daemon.
 * What a newer one asks for and an older daemon does not have, that daemon refuses by the name of a path, a
 * parameter or a member. Such a fault becomes one that says which the two versions are (the daemon's is in
 * /healthz, which everyone may read) and what to do. */
#ifndef FSM_CLI_VERSIONS_H
#define FSM_CLI_VERSIONS_H

#include "fsm/code.h"

typedef struct cli_run cli_run;

/* The fault as it is, or FSM_EUNSUPPORTED (exit 1) instead. */
fsm_code cli_versions(cli_run *cli, fsm_code code, fsm_error *err);

#endif
