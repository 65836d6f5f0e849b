/* cmd_ls.c: fsm-cli ls: instances. */
#include "tools/cli/list.h"

static fsm_code status_of(const cli_args *args, const char **out, fsm_error *err) {
  bool open = cli_args_has(args, "open"), done = cli_args_has(args, "done");
  *out = cli_args_get(args, "status");
  if (open + done + (*out != NULL) > 1)
    return fsm_fail(err, FSM_EARGUMENT, "", "only one of --open, --done and --status counts");
  if (open) *out = "open";
  if (done) *out = "completed";
  return FSM_OK;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_LIST}};
  fsm_code code = cli_list_options(cli, &pages, err);
  if (code == FSM_OK) code = status_of(&cli->args, &pages.query.status, err);
  return code == FSM_OK ? cli_list_print(cli, &pages, err) : code;
}

static const cli_option options[] = {
    CLI_FILTER_MACHINE,
    CLI_FILTER_STATE,
    {"key", 'k', "KEY", "with this business key", false},
    CLI_FILTER_FOR,
    {"open", 0, NULL, "that have not ended", false},
    {"done", 0, NULL, "that are completed", false},
    {"status", 0, "STATUS", "running, paused, incident, completed or cancelled", false},
    CLI_PAGE_LIMIT,
    CLI_PAGE_ALL,
    {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"ls", "ls -m document-approval -s awaitingApproval --for 10m",
                                       "ls --status incident -o json", NULL};

extern const cli_command cli_ls;
const cli_command cli_ls = {.group = "",
                            .name = "ls",
                            .words = "",
                            .summary = "instances: where they are and since when",
                            .options = options,
                            .examples = examples,
                            .run = run};
