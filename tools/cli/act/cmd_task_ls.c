/* cmd_task_ls.c: fsm-cli task ls: open tasks. */
#include "tools/cli/act/task.h"

/* clang-format off */
static const cli_option options[] = {{"service", 0, "NAME", "of this service", false},
                                     {"machine", 'm', "MACHINE", "of instances of this machine", false},
                                     {"state", 's', "STATE", "open, running or waiting", false},
                                     CLI_PAGE_LIMIT, CLI_PAGE_ALL, {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  const fsm_query query = {.kind = FSM_QUERY_TASKS,
                           .service = cli_args_get(&cli->args, "service"),
                           .machine = cli_args_get(&cli->args, "machine"),
                           .state = cli_args_get(&cli->args, "state"),
                           .ref = cli->args.word_count > 0 ? cli->args.words[0] : NULL};
  return cli_task_list(cli, &query, err);
}

static const char *const examples[] = {"task ls", "task ls doc-17 -o wide",
                                       "task ls --service approval --state open",
                                       "task ls -m loan --all -o csv", NULL};

extern const cli_command cli_task_ls;
const cli_command cli_task_ls = {
    .group = "task",
    .heading = CLI_TASKS,
    .name = "ls",
    .words = "[REF]",
    .summary = "open tasks: who is to do what, since when, what went wrong",
    .more =
        "REF: those of this instance. open: an attempt may begin; running: one has begun; waiting: for its "
        "back-off, its instance, or a service of the daemon.",
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = 1,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
