/* cmd_task_get.c: fsm-cli task get: one open task. */
#include "tools/cli/act/task.h"

/* clang-format off */
static const cli_option options[] = {{NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value task;
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_task_find(cli, &task, err);
  return code == FSM_OK ? cli_show(cli, &task, cli_task_print, err) : code;
}

static const char *const examples[] = {"task get doc-17 approve",
                                       "task get 00000000000000219095442a140288aa -o json", NULL};

extern const cli_command cli_task_get;
const cli_command cli_task_get = {.group = "task",
                                  .heading = CLI_TASKS,
                                  .name = "get",
                                  .words = CLI_TASK_WORDS,
                                  .summary = "one open task, with its input",
                                  .options = options,
                                  .examples = examples,
                                  .words_min = 1,
                                  .words_max = 2,
                                  .formats = CLI_FORMATS_SHOW,
                                  .reads = true,
                                  .run = run};
