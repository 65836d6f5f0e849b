/* cmd_db_backup.c: fsm-cli db backup DIR: a copy of the data, while it is used. */
#include "tools/cli/data/database.h"

static fsm_code ask(cli_run *cli, const char *dir, bool verify, fsm_value *document, fsm_error *err) {
  fsm_pair pairs[2] = {{fsm_string("dir"), fsm_string(dir)}, {fsm_string("verify"), fsm_bool(verify)}};
  fsm_value body;
  fsm_buf text = {0};
  fsm_code code = fsm_map(pairs, 2, &body, err);
  if (code != FSM_OK) return code;
  fsm_json_write(&text, &body);
  const cli_post post = {.path = "/v1/db/backup", .body = fsm_buf_text(&text), .body_len = text.len};
  cli_source_patient(&cli->source); /* it copies everything */
  code = cli_source_post(&cli->source, &post, &cli->arena, document, err);
  fsm_buf_free(&text);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const char *dir = NULL;
  const bool verify = !cli_args_has(&cli->args, "no-verify");
  fsm_code code = cli_db_absolute(cli, cli->args.words[0], &dir, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK)
    code = cli->source.runtime != NULL
               ? fsm_runtime_backup(cli->source.runtime, dir, verify, &cli->arena, &document, err)
               : ask(cli, dir, verify, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  cli_db_lines(cli, &document);
  return cli_flush(cli, err);
}

static const cli_option options[] = {
    {"no-verify", 0, NULL, "do not read the copy again and compare it", false}, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"db backup /backup/2026-11-22",
                                       "--data /var/lib/fsmd db backup --no-verify /backup/now", NULL};

extern const cli_command cli_db_backup;
const cli_command cli_db_backup = {
    .group = "db",
    .heading = CLI_DATA,
    .name = "backup",
    .words = "DIR",
    .summary = "copy the data into a new directory, while it is used",
    .more =
        "A running daemon writes it itself, asked on its unix socket by its own user or\n"
        "root. DIR must be missing or empty. The copy is verified; restore it by: db restore.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
