/* cmd_stuck.c: fsm-cli stuck: open instances that have not moved, the longest first. */
#include "tools/cli/list.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_STUCK}};
  fsm_code code = FSM_OK;
  if (!cli_args_has(&cli->args, "for"))
    code = fsm_fail(err, FSM_EARGUMENT, "", "stuck for how long? --for 10m");
  if (code == FSM_OK) code = cli_list_options(cli, &pages, err);
  return cli_list_print(cli, &pages, code, err);
}

static const cli_option options[] = {
    CLI_FILTER CLI_FILTER_STATUS CLI_PAGE_LIMIT, CLI_PAGE_ALL, {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"stuck --for 10m",
                                       "stuck --for 2d -m document-approval -s awaitingApproval", NULL};

extern const cli_command cli_stuck;
const cli_command cli_stuck = {.group = "",
                               .name = "stuck",
                               .words = "--for DUR",
                               .summary = "open instances that have not moved for so long",
                               .options = options,
                               .examples = examples,
                               .formats = CLI_FORMATS_LIST,
                               .reads = true,
                               .run = run};
