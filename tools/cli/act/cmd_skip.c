/* cmd_skip.c: fsm-cli skip. */
#include "tools/cli/act/do.h"
#include "tools/cli/input.h"

/* clang-format off */
static const cli_option options[] = {{"data", 0, "JSON", "of a task: what it gives; JSON, @FILE or - (stdin)", false},
                                     CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code read_name(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err) {
  const char *data = cli_args_from(&cli->args, options, "data");
  fsm_code code = cli_do_name(cli, from, deed, err);
  if (code == FSM_OK && data != NULL) code = cli_input_data(data, "skip", &cli->arena, &deed->data, err);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_SKIP, .verb = "skip"};
  return cli_do_with(cli, &deed, read_name, NULL, NULL, err);
}

static const char *const examples[] = {"skip doc-17 --reason 'known'",
                                       "skip doc-17 print --data '{\"pages\": 3}' --reason 'printed by hand'",
                                       "skip doc-17 xstate.after.3d.review --reason 'no need to wait'", NULL};

extern const cli_command cli_skip;
const cli_command cli_skip = {
    .group = "",
    .heading = CLI_DO,
    .name = "skip",
    .words = "REF [TASK|TIMER] | - [TASK|TIMER] | FILTER [TASK|TIMER]",
    .summary = "an incident is passed over, a task done by hand, a timer fired",
    .more =
        "Without a name it is the incident: the instance goes on where it stands. A task is done with the "
        "--data that is given; a timer fires now.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = 2,
    .formats = CLI_DO_FORMATS,
    .run = run};
