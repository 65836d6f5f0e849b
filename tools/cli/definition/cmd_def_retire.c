/* cmd_def_retire.c: fsm-cli def retire MACHINE: no new instances of it, or of one version. */
#include "tools/cli/cli.h"

#include <string.h>

#include "runtime/web.h"
#include "schema/json.h"

static fsm_code body_of(cli_run *cli, fsm_buf *text, fsm_error *err) {
  int64_t version = 0;
  const char *reason = cli_args_get(&cli->args, "reason");
  if (reason == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "reason", "say why, for the record of it: --reason TEXT");
  fsm_code code = cli_args_number(&cli->args, "version", 1, UINT32_MAX, 0, &version, err);
  if (code != FSM_OK) return code;
  fsm_buf_str(text, "{\"reason\":");
  fsm_json_quote(text, reason, strlen(reason));
  if (version > 0) fsm_buf_printf(text, ",\"version\":%lld", (long long)version);
  fsm_buf_char(text, '}');
  return FSM_OK;
}

static fsm_code post_to(cli_run *cli, fsm_buf *body, fsm_value *answer, fsm_error *err) {
  const char *id = cli->args.words[0];
  fsm_buf path = {0};
  fsm_buf_str(&path, "/v1/machines/");
  fsm_web_escape(&path, id, strlen(id));
  fsm_buf_str(&path, "/retire");
  const cli_post post = {.path = fsm_buf_text(&path), .body = fsm_buf_text(body), .body_len = body->len};
  fsm_code code = fsm_buf_ok(&path) && fsm_buf_ok(body)
                      ? cli_source_post(&cli->source, &post, &cli->arena, answer, err)
                      : fsm_fail(err, FSM_ENOMEM, "", "no memory for a request");
  fsm_buf_free(&path);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value answer;
  fsm_buf body = {0};
  fsm_code code = body_of(cli, &body, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  if (code == FSM_OK) code = post_to(cli, &body, &answer, err);
  fsm_buf_free(&body);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &answer, err);
  const char *version = cli_args_get(&cli->args, "version");
  fsm_buf_printf(&cli->text, "%s%s%s", cli->args.words[0], version == NULL ? "" : "@",
                 version == NULL ? "" : version);
  fsm_buf_str(&cli->text, fsm_map_get(&answer, "seq") != NULL ? " is retired\n" : " was retired before\n");
  return cli_flush(cli, err);
}

static const cli_option options[] = {{"version", 0, "N", "this one alone; default: all that are live", false},
                                     {"reason", 0, "TEXT", "why; needed", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"def retire claims --reason 'replaced by claims2'",
                                       "def retire claims --version 7 --reason 'wrong limit'", NULL};

extern const cli_command cli_def_retire;
const cli_command cli_def_retire = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "retire",
    .words = "MACHINE",
    .summary = "make no new instances of a machine or version",
    .more =
        "Instances that run go on. A start without a version takes the newest that is live.\n"
        "Deployed again, it is a new version, which is live.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
