/* cmd_task_fail.c: fsm-cli task fail: an attempt has failed. */
#include "tools/cli/act/task.h"

/* clang-format off */
static const cli_option options[] = {{"error", 0, "TEXT", "what went wrong; needed", false},
                                     {"final", 0, NULL, "no further attempt", false},
                                     CLI_TASK_OPTIONS {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_TASK_FAIL, .verb = "fail", .expect_rev = -1};
  const char *why = cli_args_get(&cli->args, "error");
  deed.final = cli_args_has(&cli->args, "final");
  fsm_code code = cli_do_options(cli, false, &deed, err);
  if (code == FSM_OK) code = cli_task_attempt(cli, &deed, err);
  if (why == NULL || *why == 0)
    return fsm_fail(err, FSM_EARGUMENT, "", "say what went wrong; the machine reads it: --error TEXT");
  deed.data = fsm_string(why);
  return code == FSM_OK ? cli_task_do(cli, &deed, err) : code;
}

static const char *const examples[] = {"task fail doc-17 print --error 'no paper'",
                                       "task fail doc-17 print --error 'no such printer' --final", NULL};

extern const cli_command cli_task_fail;
const cli_command cli_task_fail = {
    .group = "task",
    .heading = CLI_TASKS,
    .name = "fail",
    .words = CLI_TASK_WORDS,
    .summary = "an attempt of a task has failed",
    .more =
        "Who has claimed a task gives it back by this: the attempt is over, and "
        "the next one may begin when there are more.",
    .options = options,
    .not_here = "--reason",
    .instead = "what went wrong is --error TEXT",
    .examples = examples,
    .words_min = 1,
    .words_max = 2,
    .formats = CLI_FORMATS_SHOW,
    .run = run};
