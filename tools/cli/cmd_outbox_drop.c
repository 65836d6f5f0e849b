/* cmd_outbox_drop.c: fsm-cli outbox drop: a parked record is given up. */
#include "tools/cli/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  uint64_t seq = 0;
  fsm_code code = cli_outbox_seq(cli->args.words[1], "SEQ", &seq, err);
  if (code != FSM_OK) return code;
  return cli_outbox_order(cli, "drop", seq, 0, err);
}

static const cli_option options[] = {CLI_OUTBOX_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox drop siem 4711 --reason 'known, not needed'", NULL};

extern const cli_command cli_outbox_drop;
const cli_command cli_outbox_drop = {
    .group = "outbox",
    .name = "drop",
    .words = "SINK SEQ --reason TEXT",
    .summary = "a parked record is given up",
    .more = "This sink never gets it; the journal has it all the same. On record.",
    .options = options,
    .examples = examples,
    .words_min = 2,
    .words_max = 2,
    .run = run};
