/* cmd_outbox_drop.c: fsm-cli outbox drop: a parked record, or those that a sink is at and that are nowhere
 * any more, are given up. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  uint64_t from = 0, to = 0;
  const char *first = cli_args_get(&cli->args, "from"), *last = cli_args_get(&cli->args, "to");
  const bool one = cli->args.word_count > 1;
  if (one ? first != NULL || last != NULL : first == NULL || last == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "which records? SEQ of a parked one, or --from SEQ --to SEQ");
  fsm_code code =
      one ? cli_outbox_seq(cli->args.words[1], "SEQ", &from, err) : cli_outbox_seq(first, "from", &from, err);
  if (code == FSM_OK && !one) code = cli_outbox_seq(last, "to", &to, err);
  if (code != FSM_OK) return code;
  return cli_outbox_order(cli, "drop", from, to, err);
}

static const cli_option options[] = {{"from", 0, "SEQ", "the record that the sink is at", false},
                                     {"to", 0, "SEQ", "the last that is given up", false},
                                     CLI_OUTBOX_REASON,
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox drop siem 4711 --reason 'known, not needed'",
                                       "outbox drop siem --from 100 --to 200 --reason 'their disk is lost'",
                                       NULL};

extern const cli_command cli_outbox_drop;
const cli_command cli_outbox_drop = {
    .group = "outbox",
    .heading = CLI_PUBLISHING,
    .name = "drop",
    .words = "SINK [SEQ] --reason TEXT",
    .summary = "give up a parked record, or those that are nowhere any more",
    .more =
        "SEQ is a parked one; --from and --to name what the sink is at, when neither the journal nor\n"
        "the archive has it any more. This sink never gets them. On record, before they are gone.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 2,
    .run = run};
