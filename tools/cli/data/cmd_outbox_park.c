/* cmd_outbox_park.c: fsm-cli outbox park: the record that a sink is stuck at is parked. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  uint64_t seq = 0;
  fsm_code code = cli_outbox_seq(cli->args.words[1], "SEQ", &seq, err);
  if (code != FSM_OK) return code;
  return cli_outbox_order(cli, "park", seq, 0, err);
}

static const cli_option options[] = {CLI_OUTBOX_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox park siem 4711 --reason 'the index refuses it'", NULL};

extern const cli_command cli_outbox_park;
const cli_command cli_outbox_park = {
    .group = "outbox",
    .heading = CLI_PUBLISHING,
    .name = "park",
    .words = "SINK SEQ --reason TEXT",
    .summary = "the record that a sink is stuck at is parked",
    .more = "Give it again by: outbox retry; give it up by: outbox drop. On record.",
    .options = options,
    .examples = examples,
    .words_min = 2,
    .words_max = 2,
    .run = run};
