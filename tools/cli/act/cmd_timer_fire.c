/* cmd_timer_fire.c: fsm-cli timer fire: a timer fires now. */
#include "tools/cli/act/do.h"

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_ONE {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_SKIP, .verb = "skip"};
  return cli_do_with(cli, &deed, cli_do_name, NULL, NULL, err);
}

static const char *const examples[] = {"timer fire doc-17 xstate.after.3d.review --reason 'no need to wait'",
                                       NULL};

extern const cli_command cli_timer_fire;
const cli_command cli_timer_fire = {.group = "timer",
                                    .heading = CLI_TASKS,
                                    .name = "fire",
                                    .words = "REF TIMER",
                                    .summary = "a timer fires now, whenever it is due",
                                    .options = options,
                                    .examples = examples,
                                    .words_min = 2,
                                    .words_max = 2,
                                    .formats = CLI_FORMATS_SHOW,
                                    .run = run};
