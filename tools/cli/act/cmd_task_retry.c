/* cmd_task_retry.c: fsm-cli task retry: a task begins anew. */
#include "tools/cli/act/task.h"

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_ONE {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_RETRY, .verb = "retry"};
  return cli_do_with(cli, &deed, cli_do_name, NULL, NULL, err);
}

static const char *const examples[] = {"task retry doc-17 print --reason 'the printer has paper'", NULL};

extern const cli_command cli_task_retry;
const cli_command cli_task_retry = {.group = "task",
                                    .heading = CLI_TASKS,
                                    .name = "retry",
                                    .words = "REF TASK",
                                    .summary = "a task begins anew: all its attempts, at once",
                                    .options = options,
                                    .examples = examples,
                                    .words_min = 2,
                                    .words_max = 2,
                                    .formats = CLI_FORMATS_SHOW,
                                    .run = run};
