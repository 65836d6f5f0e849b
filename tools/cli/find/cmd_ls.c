/* cmd_ls.c: fsm-cli ls: instances. */
#include "tools/cli/find/list.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_LIST}};
  fsm_code code = cli_list_options(cli, &pages, err);
  if (code == FSM_OK && cli_args_has(&cli->args, "sum") && !cli_args_has(&cli->args, "group-by"))
    code = fsm_fail(err, FSM_EARGUMENT, "sum", "--sum needs --group-by FIELD");
  return cli_list_print(cli, &pages, code, err);
}

static const cli_option options[] = {
    CLI_FILTER CLI_FILTER_STATUS CLI_LIST_WITH{"group-by", 0, "FIELD",
                                               "count by state, machine, version, status, label:NAME, "
                                               "field:PATH; a,b: by each",
                                               false},
    {"sum", 0, "PATH", "with --group-by: add up this field of the context", false},
    CLI_PAGE_LIMIT,
    CLI_PAGE_ALL,
    CLI_PAGE_EXIT,
    {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"ls",
                                       "ls -m document-approval -s awaitingApproval --for 10m",
                                       "ls --failed --updated-since 1d --sort -updated",
                                       "ls --open -l dept=claims --where 'context.amount > 1000'",
                                       "ls --status incident -o json",
                                       "ls --open -o tree",
                                       "ls --group-by machine,state",
                                       "ls --open --group-by label:dept --sum amount",
                                       NULL};

extern const cli_command cli_ls;
const cli_command cli_ls = {.group = "",
                            .heading = CLI_FIND,
                            .name = "ls",
                            .words = "",
                            .summary = "instances: where they are and since when",
                            .options = options,
                            .examples = examples,
                            .formats = CLI_FORMATS_LIST | CLI_HAS(CLI_TREE),
                            .reads = true,
                            .run = run};
