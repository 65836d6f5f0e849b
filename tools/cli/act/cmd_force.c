/* cmd_force.c: fsm-cli force: the states that an operator says. */
#include "tools/cli/act/do.h"

static fsm_code states_of(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err) {
  const size_t count = cli->args.word_count - from;
  fsm_value *items = fsm_arena_alloc(&cli->arena, (count + 1) * sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < count; i++) items[i] = fsm_string(cli->args.words[from + i]);
  deed->states = fsm_list(items, count);
  return FSM_OK;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_FORCE, .verb = "force"};
  return cli_do_with(cli, &deed, states_of, "STATE",
                     "into which state? All its leaves, in a legal configuration", err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {"force doc-17 review.first --reason 'ticket 7: lost in the move'",
                                       "force doc-17 left.a right.c --reason 'ticket 8' --dry-run", NULL};

extern const cli_command cli_force;
const cli_command cli_force = {
    .group = "",
    .heading = CLI_DO,
    .name = "force",
    .words = "REF STATE... | - STATE... | FILTER STATE...",
    .summary = "instances are put into these states; they are marked for ever",
    .more =
        "No action runs; timers and tasks of states that are left go, those of states that are entered "
        "begin. What was forced is marked in every view, for ever.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .formats = CLI_DO_FORMATS,
    .run = run};
