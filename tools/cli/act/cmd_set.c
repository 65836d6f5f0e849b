/* cmd_set.c: fsm-cli set: fields of the context. */
#include <string.h>

#include "tools/cli/act/do.h"
#include "tools/cli/input.h"

/* FIELD=VALUE: JSON, else a text as it is. */
static fsm_code read_pair(cli_run *cli, const char *word, fsm_pair *out, fsm_error *err) {
  const char *equals = strchr(word, '=');
  fsm_value value;
  if (equals == NULL || equals == word)
    return fsm_fail(err, FSM_EARGUMENT, word, "expected FIELD=VALUE, or one JSON object");
  if (memchr(word, '.', (size_t)(equals - word)) != NULL)
    return fsm_fail(err, FSM_EARGUMENT, word,
                    "a field of the context is set whole: no part of one; FIELD='{\"part\": ...}'");
  if (fsm_json_parse(&cli->arena, equals + 1, strlen(equals + 1), FSM_JSON_SORTED, &value, NULL) != FSM_OK)
    value = fsm_string(equals + 1);
  *out = (fsm_pair){fsm_stringn(word, (size_t)(equals - word)), value};
  return FSM_OK;
}

static fsm_code patch_of(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err) {
  const size_t count = cli->args.word_count - from;
  const char *first = cli->args.words[from];
  if (count == 1 && (*first == '{' || *first == '@'))
    return cli_input(first, "FIELD", &cli->arena, &deed->data, err);
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, (count + 1) * sizeof *pairs);
  fsm_code code = pairs != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < count && code == FSM_OK; i++)
    code = read_pair(cli, cli->args.words[from + i], &pairs[i], err);
  return code == FSM_OK ? fsm_map(pairs, count, &deed->data, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_deed deed = {.kind = FSM_CMD_SET, .verb = "set"};
  return cli_do_with(cli, &deed, patch_of, "FIELD=VALUE",
                     "which field of the context, and to what? FIELD=VALUE", err);
}

/* clang-format off */
static const cli_option options[] = {CLI_DO_REASON CLI_DO_OPTIONS CLI_DO_FILTER {NULL, 0, NULL, NULL, false}};
/* clang-format on */
static const char *const examples[] = {
    "set doc-17 amount=700 --reason 'typed wrong'",
    "set doc-17 '{\"amount\": 700, \"currency\": \"EUR\"}' --reason 'ticket 7'",
    "set -m loan --where 'context.rate == null' rate=0.02 --reason t9 -y", NULL};

extern const cli_command cli_set;
const cli_command cli_set = {
    .group = "",
    .heading = CLI_DO,
    .name = "set",
    .words = "REF FIELD=VALUE... | - FIELD=VALUE... | FILTER FIELD=VALUE...",
    .summary = "fields of the context",
    .more =
        "VALUE is JSON, or else a text as it is. Fields are set whole and checked against the types of the "
        "machine. No event is sent and no guard is asked again before the next one.\n\n" CLI_DO_MORE,
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .formats = CLI_DO_FORMATS,
    .run = run};
