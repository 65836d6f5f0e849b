/* cmd_db_rebuild.c: fsm-cli db rebuild: the store anew, from a snapshot and the journal. */
#include "tools/cli/data/database.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const char *dir = NULL;
  const fsm_database_order order = cli_db_order(cli);
  fsm_code code = cli_db_dir(cli, &dir, err);
  if (code == FSM_OK) code = fsm_database_rebuild(dir, &order, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  cli_db_lines(cli, &document);
  return cli_flush(cli, err);
}

static const cli_option options[] = {CLI_OPTION_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"--data /var/lib/fsmd db rebuild --reason 'store lost'", NULL};

extern const cli_command cli_db_rebuild;
const cli_command cli_db_rebuild = {
    .group = "db",
    .heading = CLI_DATA,
    .name = "rebuild",
    .words = "",
    .summary = "make the store anew from a snapshot and the journal",
    .more =
        "From the newest verified snapshot; without one from all of the journal.\n"
        "Of a stopped daemon's files only. The old store is kept until the new one is in place.",
    .options = options,
    .examples = examples,
    .run = run};
