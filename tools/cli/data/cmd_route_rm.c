/* cmd_route_rm.c: fsm-cli route rm NAME: a route is no more, from now on; its versions stay on record. */
#include "tools/cli/data/route_document.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  const char *name = cli->args.words[0], *reason = cli_args_get(&cli->args, "reason"), *path = NULL;
  fsm_value answer;
  if (reason == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "reason", "say why, for the record of it: --reason TEXT");
  fsm_code code = cli_route_path(cli, name, "reason", reason, &path, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  const cli_post post = {.path = path, .method = "DELETE"};
  if (code == FSM_OK) code = cli_source_post(&cli->source, &post, &cli->arena, &answer, err);
  return code == FSM_OK ? cli_route_changed(cli, name, &answer, err) : code;
}

static const cli_option options[] = {{"reason", 0, "TEXT", "why; needed", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"route rm claims --reason 'the siem is gone'", NULL};

extern const cli_command cli_route_rm;
const cli_command cli_route_rm = {.group = "route",
                                  .heading = CLI_PUBLISHING,
                                  .name = "rm",
                                  .words = "NAME",
                                  .summary = "take a route away, from now on",
                                  .options = options,
                                  .examples = examples,
                                  .words_min = 1,
                                  .words_max = 1,
                                  .run = run};
