/* cmd_start.c: fsm-cli start: a new instance of a machine. */
#include <stdlib.h>
#include <string.h>

#include "tools/cli/act/command.h"
#include "tools/cli/input.h"

/* MACHINE or MACHINE@VERSION. */
static fsm_code add_machine(cli_run *cli, cli_body *body, fsm_error *err) {
  const char *word = cli->args.words[0], *sign = strchr(word, '@');
  if (sign == NULL) {
    cli_body_text(body, "machine", word);
    return FSM_OK;
  }
  char *end = NULL;
  unsigned long version = strtoul(sign + 1, &end, 10);
  if (sign[1] < '1' || sign[1] > '9' || *end != 0 || version > UINT32_MAX)
    return fsm_fail(err, FSM_EARGUMENT, word, "a version is a number from 1: MACHINE@2");
  const char *name = fsm_arena_strndup(&cli->arena, word, (size_t)(sign - word));
  if (name == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  cli_body_text(body, "machine", name);
  cli_body_value(body, "version", fsm_uint(version));
  return FSM_OK;
}

static fsm_code add_labels(cli_run *cli, cli_body *body, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, FSM_LABELS_MAX, sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  size_t count = 0;
  for (const char *text; (text = cli_args_nth(&cli->args, "label", count)) != NULL; count++) {
    const char *sign = strchr(text, '=');
    if (count == FSM_LABELS_MAX)
      return fsm_fail(err, FSM_EARGUMENT, "label", "an instance has at most %d labels", FSM_LABELS_MAX);
    if (sign == NULL || sign == text)
      return fsm_fail(err, FSM_EARGUMENT, "label", "--label takes NAME=VALUE, not %s", text);
    pairs[count] = (fsm_pair){fsm_stringn(text, (size_t)(sign - text)), fsm_string(sign + 1)};
  }
  if (count == 0) return FSM_OK;
  fsm_value labels;
  fsm_error fault;
  if (fsm_map(pairs, count, &labels, &fault) != FSM_OK)
    return fsm_fail(err, FSM_EARGUMENT, "label", "the label %s is given twice", fault.where);
  cli_body_value(body, "labels", labels);
  return FSM_OK;
}

static fsm_code add_input(cli_run *cli, cli_body *body, fsm_error *err) {
  const char *argument = cli_args_get(&cli->args, "input");
  if (argument == NULL) return FSM_OK;
  fsm_value input;
  fsm_code code = cli_input(argument, "input", &cli->arena, &input, err);
  if (code == FSM_OK) cli_body_value(body, "input", input);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_body body = {0};
  fsm_code code = add_machine(cli, &body, err);
  if (code == FSM_OK) code = add_labels(cli, &body, err);
  if (code == FSM_OK) code = add_input(cli, &body, err);
  /* cli->ref stays unset: what a refused start was to make does not exist, so no hint may name it */
  cli_body_text(&body, "id", cli_args_get(&cli->args, "id"));
  cli_body_text(&body, "key", cli_args_get(&cli->args, "key"));
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  if (code != FSM_OK) return code;
  fsm_error fault = {0};
  const bool dry = cli_args_has(&cli->args, "dry-run");
  code = cli_command_do(cli, dry ? "/v1/instances?dry_run=true" : "/v1/instances", &body, NULL, &fault);
  if (code == FSM_OK) return FSM_OK;
  return fsm_fail(err, code, fault.where, "%s%s", fault.text,
                  code == FSM_EDATA ? "; give it with --input JSON" : "");
}

static const cli_option options[] = {{"id", 0, "ID", "its id; made when absent", false},
                                     {"key", 'k', "KEY", "its business key", false},
                                     {"label", 'l', "NAME=VALUE", "a label", true},
                                     {"input", 0, "JSON", "its input: JSON, @FILE or - (stdin)", false},
                                     CLI_OPTION_IDEM,
                                     CLI_OPTION_CORR,
                                     {"dry-run", 0, NULL, "only tell what would be written", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {
    "start document-approval --input @examples/simulate-input.json",
    "start document-approval@2 -l dept=sales --input @doc.json --idem up-17", NULL};

extern const cli_command cli_start;
const cli_command cli_start = {.group = "",
                               .heading = CLI_DO,
                               .name = "start",
                               .words = "MACHINE[@VERSION]",
                               .summary = "a new instance of a machine",
                               .options = options,
                               .examples = examples,
                               .words_min = 1,
                               .words_max = 1,
                               .formats = CLI_FORMATS_SHOW,
                               .run = run};
