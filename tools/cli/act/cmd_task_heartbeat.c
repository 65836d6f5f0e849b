/* cmd_task_heartbeat.c: fsm-cli task heartbeat: who has claimed a task is still at it. */
#include "tools/cli/act/command.h"
#include "tools/cli/act/task.h"

/* clang-format off */
static const cli_option options[] = {CLI_TASK_ATTEMPT {"corr", 0, "ID", "correlation id, where the task has none", false},
                                     {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_TASK_HEARTBEAT, .verb = "heartbeat", .expect_rev = -1};
  fsm_code code = cli_header_option(cli, "corr", FSM_CORRELATION_MAX, &deed.corr, err);
  if (code == FSM_OK) code = cli_task_attempt(cli, &deed, err);
  return code == FSM_OK ? cli_task_do(cli, &deed, err) : code;
}

static const char *const examples[] = {"task heartbeat doc-17 print",
                                       "task heartbeat 00000000000000219095442a140288aa --attempt 2", NULL};

extern const cli_command cli_task_heartbeat;
const cli_command cli_task_heartbeat = {
    .group = "task",
    .heading = CLI_TASKS,
    .name = "heartbeat",
    .words = CLI_TASK_WORDS,
    .summary = "a sign of life of an attempt, which is not given up meanwhile",
    .more =
        "Where the invoke has heartbeat, an attempt that is silent for so long has failed. Each sign moves "
        "that, "
        "never past the attempt's timeout.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 2,
    .formats = CLI_FORMATS_SHOW,
    .run = run};
