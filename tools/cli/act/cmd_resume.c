/* cmd_resume.c: fsm-cli resume. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  return cli_do_plain(cli, FSM_CMD_RESUME, err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"resume doc-17 --reason 'legal has answered'",
                                       "resume --paused -m loan --reason 'the bank is back' -y", NULL};

extern const cli_command cli_resume;
const cli_command cli_resume = {.group = "",
                                .heading = CLI_DO,
                                .name = "resume",
                                .words = "REF... | - | FILTER",
                                .summary = "paused instances run again",
                                .more = CLI_DO_MORE,
                                .options = options,
                                .examples = examples,
                                .words_min = 0,
                                .words_max = CLI_WORDS_MAX,
                                .formats = CLI_DO_FORMATS,
                                .run = run};
