/* cmd_db_check.c: fsm-cli db check: is all of the data whole? */
#include "tools/cli/data/database.h"

/* Files that do not open because they are damaged are checked part by part. */
static fsm_code check(cli_run *cli, fsm_value *document, fsm_error *err) {
  const char *dir = NULL;
  fsm_code code = cli_connect(cli, false, err);
  if ((code == FSM_ECORRUPT || code == FSM_EVERIFY) && cli_db_dir(cli, &dir, NULL) == FSM_OK)
    return fsm_database_check(dir, &cli->arena, document, err);
  if (code != FSM_OK) return code;
  if (cli->source.runtime != NULL) return fsm_runtime_check(cli->source.runtime, &cli->arena, document, err);
  cli_source_patient(&cli->source); /* it reads everything */
  const cli_post post = {.path = "/v1/db/check"};
  return cli_source_post(&cli->source, &post, &cli->arena, document, err);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = check(cli, &document, err);
  return code == FSM_OK ? cli_db_findings(cli, &document, err) : code;
}

static const char *const examples[] = {"db check", "--data /var/lib/fsmd db check -o json", NULL};

extern const cli_command cli_db_check;
const cli_command cli_db_check = {
    .group = "db",
    .heading = CLI_DATA,
    .name = "check",
    .words = "",
    .summary = "prove all of the data: journal, store, snapshots, cursors",
    .more =
        "Reads everything, from a running daemon or from the files of a stopped one,\n"
        "also when they do not open. Exit 7 when something is damaged.",
    .examples = examples,
    .run = run};
