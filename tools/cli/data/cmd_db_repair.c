/* cmd_db_repair.c: fsm-cli db repair: what is damaged and what can be done; with --yes, does it. */
#include "tools/cli/data/database.h"

static fsm_code tell(cli_run *cli, const fsm_value *document, fsm_error *err) {
  const fsm_value *done = fsm_map_get(document, "done");
  const bool repaired = done != NULL && fsm_is(done, FSM_BOOL) && done->b;
  fsm_error fault = {.text = ""};
  const fsm_code found = cli_db_findings(cli, document, &fault);
  if (found != FSM_OK && found != FSM_ECORRUPT) return fsm_fail(err, found, fault.where, "%s", fault.text);
  if (!cli->json) {
    cli_print_states(cli, "plan", cli_field(&cli->arena, document, "plan"));
    cli_print_line(cli, "done", repaired ? "yes: what is told above is mended" : "no");
    cli_print_line(cli, "record", cli_field(&cli->arena, document, "record"));
    fsm_code code = cli_flush(cli, err);
    if (code != FSM_OK) return code;
  }
  if (found == FSM_OK || repaired) return FSM_OK;
  return fsm_fail(err, found, "", "nothing was changed; the plan %s",
                  cli_args_has(&cli->args, "yes") ? "says what it needs" : "is carried out with --yes");
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const char *dir = NULL;
  fsm_database_order order = cli_db_order(cli);
  order.yes = cli_args_has(&cli->args, "yes");
  order.accept_loss = cli_args_has(&cli->args, "accept-loss");
  if (order.accept_loss && order.reason == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "reason", "--accept-loss needs --reason TEXT: it is put on record");
  fsm_code code = cli_db_dir(cli, &dir, err);
  if (code == FSM_OK) code = fsm_database_repair(dir, &order, &cli->arena, &document, err);
  return code == FSM_OK ? tell(cli, &document, err) : code;
}

static const cli_option options[] = {
    {"yes", 0, NULL, "do it", false},
    {"accept-loss", 0, NULL, "also cut records that cannot be had back", false},
    CLI_OPTION_REASON,
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {
    "--data /var/lib/fsmd db repair", "--data /var/lib/fsmd db repair --yes",
    "--data /var/lib/fsmd db repair --yes --accept-loss --reason why", NULL};

extern const cli_command cli_db_repair;
const cli_command cli_db_repair = {
    .group = "db",
    .heading = CLI_DATA,
    .name = "repair",
    .words = "",
    .summary = "what is damaged, what can be done; do it with --yes",
    .more =
        "Of a stopped daemon's files only. What is cut is moved aside, never removed. Damage\n"
        "below what was acknowledged is cut only with --accept-loss and --reason: that opens a\n"
        "new epoch and puts on record what was lost.",
    .options = options,
    .examples = examples,
    .run = run};
