/* cmd_stuck.c: fsm-cli stuck: open instances with which something is wrong, or that have not moved for so
 * long, the longest first. */
#include "tools/cli/find/list.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_STUCK}};
  fsm_code code = cli_list_options(cli, &pages, err);
  if (code == FSM_OK && !cli_args_has(&cli->args, "for") && !cli_args_has(&cli->args, "kind"))
    code = fsm_filter_set((fsm_filter *)pages.query.filter, "kind", "any", err);
  return cli_list_print(cli, &pages, code, err);
}

static const cli_option options[] = {CLI_FILTER CLI_FILTER_STATUS CLI_LIST_WITH CLI_PAGE_LIMIT,
                                     CLI_PAGE_ALL,
                                     CLI_PAGE_EXIT,
                                     {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"stuck",
                                       "stuck --for 10m",
                                       "stuck --kind dead,orphan -m document-approval",
                                       "stuck --for 2d -m document-approval -s awaitingApproval",
                                       "stuck --for 1h --exit-status -o id",
                                       NULL};

extern const cli_command cli_stuck;
const cli_command cli_stuck = {
    .group = "",
    .heading = CLI_FIND,
    .name = "stuck",
    .words = "[--for DUR] [--kind KIND]",
    .summary = "open instances that are wrong, or have not moved for so long",
    .more =
        "Without --for and --kind: those past their sla, those that nothing can move (dead) or "
        "nobody who is known (orphan), and incidents (failed). With --for: all that are in "
        "their state at least so long; KIND says which are also wrong.",
    .options = options,
    .examples = examples,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
