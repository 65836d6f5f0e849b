/* cmd_send.c: fsm-cli send: an event to an instance. */
#include <string.h>

#include "tools/cli/command.h"
#include "tools/cli/input.h"
#include "tools/cli/route.h"

/* A prefix or a key is looked up first, so that the command itself names one instance only. */
static fsm_code resolve(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = cli->ref};
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  const fsm_value *id = fsm_map_get(&document, "id");
  if (id == NULL || !fsm_is(id, FSM_STRING))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no id; is that a fsmd?");
  cli->ref = fsm_arena_strndup(&cli->arena, id->s, id->len);
  return cli->ref == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
}

static fsm_code if_match(cli_run *cli, const char **out, fsm_error *err) {
  int64_t rev;
  fsm_code code = cli_args_number(&cli->args, "expect-rev", 0, INT64_MAX, -1, &rev, err);
  *out = NULL;
  if (code != FSM_OK || rev < 0) return code;
  *out = fsm_arena_printf(&cli->arena, "\"%lld\"", (long long)rev);
  return *out == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
}

static const cli_option options[] = {{"data", 0, "JSON", "its data: JSON, @FILE or - (stdin)", false},
                                     CLI_OPTION_IDEM,
                                     {"expect-rev", 0, "N", "only while the instance's rev is N", false},
                                     CLI_OPTION_CORR,
                                     {NULL, 0, NULL, NULL, false}};

/* --data behind the command is the event's; someone who means the directory is told. */
static fsm_code body_of(cli_run *cli, cli_body *body, fsm_error *err) {
  const char *data = cli_args_from(&cli->args, options, "data");
  cli_body_text(body, "event", cli->args.words[1]);
  if (data == NULL) return FSM_OK;
  fsm_value value;
  fsm_error fault = {0};
  fsm_code code = cli_input(data, "data", &cli->arena, &value, &fault);
  if (code != FSM_OK && (data[0] == '@' || strcmp(data, "-") == 0))
    return fsm_fail(err, code, fault.where, "%s", fault.text);
  if (code != FSM_OK)
    return fsm_fail(err, code, fault.where,
                    "%s (the data directory goes before the command: fsm-cli --data DIR send)", fault.text);
  cli_body_value(body, "data", value);
  return FSM_OK;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_body body = {0};
  const char *match = NULL;
  fsm_code code = cli_ref(cli, cli->args.words[0], err);
  if (code == FSM_OK) code = if_match(cli, &match, err);
  if (code == FSM_OK) code = body_of(cli, &body, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  if (code == FSM_OK) code = cli_ref_check(cli, err);
  if (code == FSM_OK) code = resolve(cli, err);
  if (code != FSM_OK) return code;
  fsm_buf path = {0};
  cli_route_instance(&path, cli->ref, "/events");
  code = cli_command_do(cli, fsm_buf_text(&path), &body, match, err);
  fsm_buf_free(&path);
  return code;
}

static const char *const examples[] = {
    "send 0192f3a4 APPROVE", "send document-approval/key:INV-7 REJECT --data '{\"reason\": \"dear\"}'",
    "--data /var/lib/fsmd send doc-17 RETRY --expect-rev 4 --idem r-17", NULL};

extern const cli_command cli_send;
const cli_command cli_send = {
    .group = "",
    .name = "send",
    .words = "REF EVENT",
    .summary = "an event to an instance",
    .more = "After the word send, --data is the event's data; the data directory goes before.",
    .options = options,
    .examples = examples,
    .words_min = 2,
    .words_max = 2,
    .run = run};
