/* cmd_outbox_resend.c: fsm-cli outbox resend: a range of records is given to a sink again. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  uint64_t from = 0, to = 0;
  const char *first = cli_args_get(&cli->args, "from"), *last = cli_args_get(&cli->args, "to");
  if (first == NULL || last == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "which records? --from SEQ --to SEQ");
  fsm_code code = cli_outbox_seq(first, "from", &from, err);
  if (code == FSM_OK) code = cli_outbox_seq(last, "to", &to, err);
  if (code != FSM_OK) return code;
  return cli_outbox_order(cli, "resend", from, to, err);
}

static const cli_option options[] = {{"from", 0, "SEQ", "the first", false},
                                     {"to", 0, "SEQ", "the last", false},
                                     CLI_OUTBOX_REASON,
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox resend siem --from 100 --to 200 --reason 'they had lost it'",
                                       NULL};

extern const cli_command cli_outbox_resend;
const cli_command cli_outbox_resend = {.group = "outbox",
                                       .heading = CLI_PUBLISHING,
                                       .name = "resend",
                                       .words = "SINK --from SEQ --to SEQ --reason TEXT",
                                       .summary = "a range of records is given to a sink again",
                                       .more = "They are marked as repairs. On record.",
                                       .options = options,
                                       .examples = examples,
                                       .words_min = 1,
                                       .words_max = 1,
                                       .run = run};
