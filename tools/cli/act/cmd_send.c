/* cmd_send.c: fsm-cli send: an event to instances. */
#include <string.h>

#include "tools/cli/act/do.h"
#include "tools/cli/input.h"

/* clang-format off */
static const cli_option options[] = {{"data", 0, "JSON", "its data: JSON, @FILE or - (stdin)", false},
                                     CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_SEND, .verb = "send"};
  size_t refs = 0;
  const char *data = cli_args_from(&cli->args, options, "data");
  fsm_code code = cli_do_words(cli, CLI_TAIL_LAST, &refs, err);
  if (code == FSM_OK && data != NULL && strcmp(data, "-") == 0 && refs == 1 &&
      strcmp(cli->args.words[0], "-") == 0)
    code = fsm_fail(err, FSM_EARGUMENT, "-", "stdin cannot be both the ids and the data: --data @FILE");
  if (code == FSM_OK) code = cli_do_options(cli, false, &deed, err);
  if (code == FSM_OK && data != NULL) code = cli_input_data(data, deed.verb, &cli->arena, &deed.data, err);
  if (code != FSM_OK) return code;
  deed.event = cli->args.words[refs];
  return cli_do(cli, &deed, refs, err);
}

static const char *const examples[] = {
    "send 0192f3a4 APPROVE",
    "send document-approval/key:INV-7 REJECT --data '{\"reason\": \"dear\"}'",
    "--data /var/lib/fsmd send doc-17 RETRY --expect-rev 4 --idem r-17",
    "send -m loan -s approval --for 3d REMIND --rate 20 -y",
    "ls -m loan -k 'A-*' -o id | fsm-cli send - REMIND --dry-run",
    NULL};

extern const cli_command cli_send;
const cli_command cli_send = {
    .group = "",
    .heading = CLI_DO,
    .name = "send",
    .words = "REF... EVENT | - EVENT | FILTER EVENT",
    .summary = "an event to instances",
    .more =
        "After the word send, --data is the event's data; the data directory goes before.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .formats = CLI_DO_FORMATS,
    .run = run};
