/* cmd_audit_verify.c: fsm-cli audit verify: is the journal unbroken, and is the store what the journal says?
 */
#include "tools/cli/cli.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_arena *arena = &cli->arena;
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_verify(&cli->source, arena, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  fsm_buf_str(&cli->text, "verified:     ok\n");
  static const char *const names[] = {"records", "segments", "rows", "seq", "head"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    cli_print_line(cli, names[i], cli_field(arena, &document, names[i]));
  return cli_flush(cli, err);
}

static const char *const examples[] = {"audit verify", "--data /var/lib/fsmd audit verify -o json", NULL};

extern const cli_command cli_audit_verify;
const cli_command cli_audit_verify = {
    .group = "audit",
    .heading = CLI_DATA,
    .name = "verify",
    .words = "",
    .summary = "prove the hash chain, and the store by a replay of it",
    .more =
        "Reads everything, from a running daemon or from the files of a stopped one,\n"
        "and changes nothing.",
    .examples = examples,
    .reads = true,
    .run = run};
