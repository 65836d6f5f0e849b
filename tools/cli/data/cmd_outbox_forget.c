/* cmd_outbox_forget.c: fsm-cli outbox forget: a sink that is not configured any more holds the journal no
 * longer. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) { return cli_outbox_order(cli, "forget", 0, 0, err); }

static const cli_option options[] = {CLI_OUTBOX_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox forget old-siem --reason 'replaced by siem'", NULL};

extern const cli_command cli_outbox_forget;
const cli_command cli_outbox_forget = {
    .group = "outbox",
    .heading = CLI_PUBLISHING,
    .name = "forget",
    .words = "SINK --reason TEXT",
    .summary = "a sink that is configured no more lets go of the journal",
    .more =
        "Its cursor and its parked records go; were it configured again, it would begin anew.\nOn record.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
