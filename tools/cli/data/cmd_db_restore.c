/* cmd_db_restore.c: fsm-cli db restore BACKUP DIR: a new data directory from a backup. */
#include "tools/cli/data/database.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const char *backup = NULL;
  const fsm_database_order order = cli_db_order(cli);
  fsm_code code = cli_db_absolute(cli, cli->args.words[0], &backup, err);
  if (code == FSM_OK)
    code = fsm_database_restore(backup, cli->args.words[1], &order, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  cli_db_lines(cli, &document);
  return cli_flush(cli, err);
}

static const cli_option options[] = {CLI_OPTION_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"db restore /backup/11-22 /var/lib/fsmd-new --reason 'disk died'",
                                       NULL};

extern const cli_command cli_db_restore;
const cli_command cli_db_restore = {
    .group = "db",
    .heading = CLI_DATA,
    .name = "restore",
    .words = "BACKUP DIR",
    .summary = "make a new data directory from a backup",
    .more =
        "Every file is checked against the backup's manifest. DIR must be missing or empty.\n"
        "It goes on in a new epoch, from a record that names where it forked off.",
    .options = options,
    .examples = examples,
    .words_min = 2,
    .words_max = 2,
    .run = run};
