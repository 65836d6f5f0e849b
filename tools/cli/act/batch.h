/* batch.h: one deed on several instances in one request of a daemon, and what came of each.
 *
 * Sends are POST /v1/events, what operators do POST /v1/commands; each is a command of its own there, so an
 * answer or a problem is the one that it would have alone, and a key is each instance's own.
 *
 * Limits: CLI_BATCH_MAX instances, and no more than make CLI_BATCH_BYTES of body: the daemon reads what is
 * longer beside its other work, and later. */
#ifndef FSM_CLI_BATCH_H
#define FSM_CLI_BATCH_H

#include "tools/cli/act/deed.h"

enum { CLI_BATCH_MAX = 200, CLI_BATCH_DRY_MAX = 20, CLI_BATCH_BYTES = 30 * 1024 };

/* What came of one: code FSM_OK and its answer, or its fault and problem. */
typedef struct cli_outcome {
  fsm_error fault;
  fsm_value answer, problem;
} cli_outcome;

/* How many instances go into a request; 1: this deed goes alone. */
FSM_MUST_USE fsm_code cli_batch_room(const cli_deed *deed, size_t *room, fsm_error *err);
/* out[i] of ids[i], in the arena. A fault: of the request, nothing is known of any of them.
 * FSM_ENOTFOUND at "path": the daemon is one that has no such route. */
FSM_MUST_USE fsm_code cli_batch_post(cli_source *source, const cli_deed *deed, const char *const *ids,
                                     size_t count, fsm_arena *arena, cli_outcome *out, fsm_error *err);

#endif
