/* cmd_db_stat.c: fsm-cli db stat: how large, how far, how many. */
#include "tools/cli/data/database.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK)
    code = cli->source.runtime != NULL
               ? fsm_runtime_stat(cli->source.runtime, &cli->arena, &document, err)
               : cli_source_get(&cli->source, "/v1/db/stat", &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  cli_db_lines(cli, &document);
  return cli_flush(cli, err);
}

static const char *const examples[] = {"db stat", "--data /var/lib/fsmd db stat -o json", NULL};

extern const cli_command cli_db_stat;
const cli_command cli_db_stat = {.group = "db",
                                 .heading = CLI_DATA,
                                 .name = "stat",
                                 .words = "",
                                 .summary = "sizes, seqs, rows and snapshots of the data",
                                 .examples = examples,
                                 .reads = true,
                                 .run = run};
