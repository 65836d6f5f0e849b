/* cmd_task_complete.c: fsm-cli task complete: the answer to a task. */
#include "tools/cli/act/task.h"
#include "tools/cli/input.h"

/* clang-format off */
static const cli_option options[] = {{"data", 0, "JSON", "what it gives: JSON, @FILE or - (stdin); null", false},
                                     CLI_TASK_OPTIONS {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_TASK_COMPLETE, .verb = "complete", .expect_rev = -1};
  const char *data = cli_args_from(&cli->args, options, "data");
  fsm_code code = cli_do_options(cli, false, &deed, err);
  if (code == FSM_OK) code = cli_task_attempt(cli, &deed, err);
  if (code == FSM_OK && data != NULL)
    code = cli_input_data(data, "task complete", &cli->arena, &deed.data, err);
  return code == FSM_OK ? cli_task_do(cli, &deed, err) : code;
}

static const char *const examples[] = {"task complete doc-17 approve --data '{\"approved\": true}'",
                                       "task complete doc-17 print", NULL};

extern const cli_command cli_task_complete;
const cli_command cli_task_complete = {.group = "task",
                                       .heading = CLI_TASKS,
                                       .name = "complete",
                                       .words = CLI_TASK_WORDS,
                                       .summary = "a task is done; this is what it gives",
                                       .more =
                                           "In the name of who asks: the invoke may say who (allow). What an "
                                           "operator does instead of them is fsm-cli skip.",
                                       .options = options,
                                       .examples = examples,
                                       .words_min = 1,
                                       .words_max = 2,
                                       .formats = CLI_FORMATS_SHOW,
                                       .run = run};
