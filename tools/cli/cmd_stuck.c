/* cmd_stuck.c: fsm-cli stuck: open instances that have not moved, the longest first. */
#include "tools/cli/list.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_STUCK}};
  if (!cli_args_has(&cli->args, "for"))
    return fsm_fail(err, FSM_EARGUMENT, "", "stuck for how long? --for 10m");
  fsm_code code = cli_list_options(cli, &pages, err);
  return code == FSM_OK ? cli_list_print(cli, &pages, err) : code;
}

static const cli_option options[] = {CLI_FILTER_FOR, CLI_FILTER_STATE, CLI_FILTER_MACHINE,
                                     CLI_PAGE_LIMIT, CLI_PAGE_ALL,     {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"stuck --for 10m",
                                       "stuck --for 2d -m document-approval -s awaitingApproval", NULL};

extern const cli_command cli_stuck;
const cli_command cli_stuck = {.group = "",
                               .name = "stuck",
                               .words = "--for DUR",
                               .summary = "open instances that have not moved for so long",
                               .options = options,
                               .examples = examples,
                               .run = run};
