/* cmd_note.c: fsm-cli note: a sentence on record, and nothing else. */
#include "tools/cli/act/do.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_NOTE, .verb = "note"};
  size_t refs = 0;
  fsm_code code = cli_do_words(cli, CLI_TAIL_LAST, &refs, err);
  if (code == FSM_OK) code = cli_do_options(cli, false, &deed, err);
  if (code != FSM_OK) return code;
  deed.reason = cli->args.words[refs];
  if (*deed.reason == 0) return fsm_fail(err, FSM_EARGUMENT, "TEXT", "a note says something");
  return cli_do(cli, &deed, refs, err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"note doc-17 'the customer called; waits for the bank'",
                                       "note -m loan -s approval --for 3d 'asked the board' -y", NULL};

extern const cli_command cli_note;
const cli_command cli_note = {.group = "",
                              .heading = CLI_DO,
                              .name = "note",
                              .words = "REF... TEXT | - TEXT | FILTER TEXT",
                              .summary = "a sentence on the record of instances",
                              .more = CLI_DO_MORE,
                              .options = options,
                              .not_here = "--reason",
                              .instead = "what is to be on record is its last word: note REF... TEXT",
                              .examples = examples,
                              .words_min = 1,
                              .words_max = CLI_WORDS_MAX,
                              .formats = CLI_DO_FORMATS,
                              .run = run};
