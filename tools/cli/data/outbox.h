/* outbox.h: what the commands of the group outbox share. */
#ifndef FSM_CLI_OUTBOX_H
#define FSM_CLI_OUTBOX_H

#include "tools/cli/cli.h"

#define CLI_OUTBOX_REASON \
  { "reason", 0, "TEXT", "why, for the record of it; needed", false }

/* {items: [...]} of the daemon, or of the files of a stopped one. Connects. */
FSM_MUST_USE fsm_code cli_outbox_sinks(cli_run *cli, fsm_value *out, fsm_error *err);
/* {sink, items} of what a sink has parked. Connects. */
FSM_MUST_USE fsm_code cli_outbox_parked(cli_run *cli, const char *sink, fsm_value *out, fsm_error *err);
/* Sends the order and says what came of it. from, to: 0 = not said. */
FSM_MUST_USE fsm_code cli_outbox_order(cli_run *cli, const char *what, uint64_t from, uint64_t to,
                                       fsm_error *err);
/* The number of a record, from 1. */
FSM_MUST_USE fsm_code cli_outbox_seq(const char *text, const char *what, uint64_t *out, fsm_error *err);

#endif
