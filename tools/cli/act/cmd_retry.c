/* cmd_retry.c: fsm-cli retry. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_RETRY, .verb = "retry"};
  return cli_do_with(cli, &deed, cli_do_name, NULL, NULL, err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"retry doc-17 --reason 'the printer has paper'",
                                       "retry doc-17 print --reason 'ticket 7'",
                                       "retry --failed -m loan --reason 'the bank is back' --rate 50 -y",
                                       "retry --failed -m loan --reason 'a look' --dry-run", NULL};

extern const cli_command cli_retry;
const cli_command cli_retry = {
    .group = "",
    .heading = CLI_DO,
    .name = "retry",
    .words = "REF [TASK] | - [TASK] | FILTER [TASK]",
    .summary = "what failed is tried again: an incident, or a task",
    .more =
        "Without TASK it is the incident: the event, timer or task that opened it is tried once more. TASK: "
        "all its attempts anew, at once.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = 2,
    .formats = CLI_DO_FORMATS,
    .run = run};
