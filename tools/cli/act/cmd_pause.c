/* cmd_pause.c: fsm-cli pause. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  return cli_do_plain(cli, FSM_CMD_PAUSE, err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"pause doc-17 --reason 'waiting for legal'",
                                       "pause -m loan -s approval --reason 'outage of the bank' -y", NULL};

extern const cli_command cli_pause;
const cli_command cli_pause = {.group = "",
                               .heading = CLI_DO,
                               .name = "pause",
                               .words = "REF... | - | FILTER",
                               .summary = "running instances stand still: no event, no timer, no task",
                               .more = CLI_DO_MORE,
                               .options = options,
                               .examples = examples,
                               .words_min = 0,
                               .words_max = CLI_WORDS_MAX,
                               .formats = CLI_DO_FORMATS,
                               .run = run};
