/* cmd_route_set.c: fsm-cli route set NAME: which records go to which sinks, from now on. */
#include "tools/cli/data/route_document.h"

static fsm_code if_match(cli_run *cli, const char **out, fsm_error *err) {
  int64_t version;
  fsm_code code = cli_args_number(&cli->args, "expect-version", 0, UINT32_MAX, -1, &version, err);
  *out = NULL;
  if (code != FSM_OK || version < 0) return code;
  *out = fsm_arena_printf(&cli->arena, "\"%lld\"", (long long)version);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory");
}

static fsm_code put(cli_run *cli, const char *path, const char *match, fsm_value route, fsm_value *answer,
                    fsm_error *err) {
  fsm_pair pairs[] = {{fsm_string("route"), route},
                      {fsm_string("reason"), fsm_string(cli_args_get(&cli->args, "reason"))}};
  const fsm_web_header headers[] = {{"If-Match", match}};
  fsm_value body;
  fsm_buf json = {0};
  fsm_code code = fsm_map(pairs, 2, &body, err);
  if (code != FSM_OK) return code;
  fsm_json_write(&json, &body);
  const cli_post post = {.path = path,
                         .method = "PUT",
                         .headers = headers,
                         .header_count = 1,
                         .body = fsm_buf_text(&json),
                         .body_len = json.len};
  code = fsm_buf_ok(&json) ? cli_source_post(&cli->source, &post, &cli->arena, answer, err)
                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
  fsm_buf_free(&json);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const char *name = cli->args.words[0], *path = NULL, *match = NULL;
  fsm_value route, answer;
  if (cli_args_get(&cli->args, "reason") == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "reason", "say why, for the record of it: --reason TEXT");
  fsm_code code = cli_route_document(cli, cli->args.word_count > 1 ? cli->args.words[1] : NULL, &route, err);
  if (code == FSM_OK) code = if_match(cli, &match, err);
  if (code == FSM_OK) code = cli_route_path(cli, name, NULL, NULL, &path, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  if (code == FSM_OK) code = put(cli, path, match, route, &answer, err);
  return code == FSM_OK ? cli_route_changed(cli, name, &answer, err) : code;
}

static const cli_option options[] = {
    CLI_ROUTE_OPTIONS,
    {"reason", 0, "TEXT", "why; needed", false},
    {"expect-version", 0, "N", "only while the route is at version N; 0: it is not there", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"route set claims -m claim -k transition -s siem --reason 'by audit'",
                                       "route set dear --where 'record.level > 1' -s lake --reason why",
                                       "route set claims claims.json --reason 'reviewed'", NULL};

extern const cli_command cli_route_set;
const cli_command cli_route_set = {
    .group = "route",
    .heading = CLI_PUBLISHING,
    .name = "set",
    .words = "NAME [FILE]",
    .summary = "give records to sinks, from now on",
    .more =
        "Records that match all that is said, for all of it: an option given twice is any of its\n"
        "values. FILE (- is stdin) has the route as JSON instead. Try it first: route test. Only\n"
        "sinks with \"records\": \"routed\" go by routes, the others get every record.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 2,
    .run = run};
