/* cmd_cancel.c: fsm-cli cancel. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  return cli_do_plain(cli, FSM_CMD_CANCEL, err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"cancel doc-17 --reason 'entered twice'",
                                       "ls --corr import-7 -o id | fsm-cli cancel - --reason 'twice' -y",
                                       NULL};

extern const cli_command cli_cancel;
const cli_command cli_cancel = {.group = "",
                                .heading = CLI_DO,
                                .name = "cancel",
                                .words = "REF... | - | FILTER",
                                .summary = "instances end, with all that they have open",
                                .more = CLI_DO_MORE,
                                .options = options,
                                .examples = examples,
                                .words_min = 0,
                                .words_max = CLI_WORDS_MAX,
                                .formats = CLI_DO_FORMATS,
                                .run = run};
