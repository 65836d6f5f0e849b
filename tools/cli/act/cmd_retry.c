/* cmd_retry.c: fsm-cli retry. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_RETRY, .verb = "retry"};
  size_t refs = 0;
  fsm_code code = cli_do_words(cli, CLI_TAIL_REST, &refs, err);
  if (code == FSM_OK && cli->args.word_count > refs + 1)
    code = fsm_fail(err, FSM_EARGUMENT, cli->args.words[refs + 1],
                    "this word is one too many; ids of many: - (stdin)");
  if (code == FSM_OK) code = cli_do_options(cli, true, &deed, err);
  deed.name = cli->args.words[refs];
  return code == FSM_OK ? cli_do(cli, &deed, refs, err) : code;
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"retry doc-17 --reason 'the printer has paper'",
                                       "retry doc-17 print --reason 'ticket 7'",
                                       "retry --failed -m loan --reason 'the bank is back' --rate 50 -y",
                                       "retry --failed -m loan --reason 'a look' --dry-run", NULL};

extern const cli_command cli_retry;
const cli_command cli_retry = {
    .group = "",
    .heading = CLI_DO,
    .name = "retry",
    .words = "REF [TASK] | - [TASK] | FILTER [TASK]",
    .summary = "what failed is tried again: an incident, or a task",
    .more =
        "Without TASK it is the incident: the event, timer or task that opened it is tried once more. TASK: "
        "all its attempts anew, at once.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = 2,
    .formats = CLI_DO_FORMATS,
    .run = run};
