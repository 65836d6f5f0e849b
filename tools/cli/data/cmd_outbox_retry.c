/* cmd_outbox_retry.c: fsm-cli outbox retry: what a sink has parked is given again, one record or all. */
#include "tools/cli/data/outbox.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  uint64_t seq = 0;
  fsm_code code = cli->args.word_count > 1 ? cli_outbox_seq(cli->args.words[1], "SEQ", &seq, err) : FSM_OK;
  if (code != FSM_OK) return code;
  return cli_outbox_order(cli, "retry", seq, 0, err);
}

static const cli_option options[] = {CLI_OUTBOX_REASON, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox retry siem --reason 'the mapping is mended'", NULL};

extern const cli_command cli_outbox_retry;
const cli_command cli_outbox_retry = {.group = "outbox",
                                      .heading = CLI_PUBLISHING,
                                      .name = "retry",
                                      .words = "SINK [SEQ] --reason TEXT",
                                      .summary = "what a sink has parked is given again, one record or all",
                                      .more = "On record.",
                                      .options = options,
                                      .examples = examples,
                                      .words_min = 1,
                                      .words_max = 2,
                                      .run = run};
