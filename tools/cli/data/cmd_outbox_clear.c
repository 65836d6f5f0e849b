/* cmd_outbox_clear.c: fsm-cli outbox clear: a stop that needed somebody is looked at again. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) { return cli_outbox_order(cli, "clear", 0, 0, err); }

static const cli_option options[] = {CLI_OUTBOX_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox clear nats --reason 'the store was restored'", NULL};

extern const cli_command cli_outbox_clear;
const cli_command cli_outbox_clear = {.group = "outbox",
                                      .heading = CLI_PUBLISHING,
                                      .name = "clear",
                                      .words = "SINK --reason TEXT",
                                      .summary = "a stop that needed somebody is looked at again",
                                      .more =
                                          "Of a fork, a stream that is ahead and the like: what is lost by "
                                          "it is said in the\nsink's last error. On record.",
                                      .options = options,
                                      .examples = examples,
                                      .words_min = 1,
                                      .words_max = 1,
                                      .run = run};
