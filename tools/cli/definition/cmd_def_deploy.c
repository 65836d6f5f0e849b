/* cmd_def_deploy.c: fsm-cli def deploy: makes a definition the newest version of its machine. */
#include "schema/definition.h"
#include "tools/cli/act/command.h"
#include "tools/cli/input.h"

static void print(cli_run *cli, const fsm_value *answer) {
  const fsm_value *created = fsm_map_get(answer, "created");
  fsm_arena *arena = &cli->arena;
  cli_print_line(cli, "machine", cli_field(arena, answer, "machine"));
  cli_print_line(cli, "version", cli_field(arena, answer, "version"));
  cli_print_line(cli, "hash", cli_field(arena, answer, "hash"));
  if (created != NULL && fsm_is(created, FSM_BOOL))
    cli_print_line(cli, "deployed", created->b ? "now" : "before: the same definition");
}

/* The place of a fault is a pointer into the file, so the file is named too. */
static fsm_code name_file(fsm_code code, const char *path, fsm_error *err) {
  bool of_file = code == FSM_EDEFINITION || code == FSM_EUNSUPPORTED || code == FSM_EEXPRESSION ||
                 code == FSM_EMALFORMED;
  if (!of_file) return code;
  fsm_error fault = *err;
  return fsm_fail(err, code, path, "%s%s%s", fault.where, fault.where[0] == 0 ? "" : ": ", fault.text);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const char *path = cli->args.words[0];
  const char *corr = NULL;
  fsm_buf source = {0};
  fsm_code code = cli_header_option(cli, "corr", FSM_CORRELATION_MAX, &corr, err);
  if (code == FSM_OK) code = cli_read(path, FSM_DEFINITION_BYTES_MAX, &source, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  fsm_value answer = fsm_null();
  if (code == FSM_OK) {
    const fsm_web_header headers[] = {{"X-Correlation-ID", corr}};
    cli_post post = {.path = "/v1/machines",
                     .headers = headers,
                     .header_count = 1,
                     .body = fsm_buf_text(&source),
                     .body_len = source.len};
    code = cli_source_post(&cli->source, &post, &cli->arena, &answer, err);
    code = name_file(code, path, err);
  }
  fsm_buf_free(&source);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &answer, err);
  print(cli, &answer);
  return cli_flush(cli, err);
}

static const cli_option options[] = {{"corr", 0, "ID", "correlation id for the record", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"def deploy examples/document-approval.json", NULL};

extern const cli_command cli_def_deploy;
const cli_command cli_def_deploy = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "deploy",
    .words = "FILE",
    .summary = "make a definition the newest version of its machine",
    .more =
        "FILE - is stdin. Instances stay on the version they were started with.\n"
        "Deploying what is already the newest version changes nothing.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
