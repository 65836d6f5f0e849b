/* cmd_task_claim.c: fsm-cli task claim: attempts begin in the name of who asks. */
#include <stdio.h>

#include "tools/cli/act/command.h"
#include "tools/cli/act/task.h"

enum { CLAIM_MAX = 100 }; /* of one request, by the API */

/* Each with its input and its token, which is what answers it. */
static void print(cli_run *cli, const fsm_value *document) {
  const fsm_value *items = fsm_map_get(document, "items");
  for (uint32_t i = 0; i < items->len; i++) {
    if (i > 0) fsm_buf_char(&cli->text, '\n');
    cli_task_print(cli, &items->items[i]);
  }
}

static fsm_code show(cli_run *cli, const fsm_value *document, fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
  if (items->len == 0 && !cli->quiet)
    fprintf(stderr, "fsm-cli: there is none to be had; see: fsm-cli task ls --service %s\n",
            cli->args.words[0]);
  if (cli->format != CLI_TABLE) return cli_task_items(cli, document, err);
  return cli_show(cli, document, print, err);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  int64_t limit = 1;
  fsm_buf json = {0};
  const char *corr = NULL;
  fsm_value body, document;
  fsm_code code = cli_args_number(&cli->args, "limit", 1, CLAIM_MAX, 1, &limit, err);
  if (code == FSM_OK) code = cli_header_option(cli, "corr", FSM_CORRELATION_MAX, &corr, err);
  if (code == FSM_OK) code = cli_connect(cli, true, err);
  fsm_pair pairs[] = {{fsm_string("limit"), fsm_int(limit)},
                      {fsm_string("service"), fsm_string(cli->args.words[0])}};
  if (code == FSM_OK) code = fsm_map(pairs, 2, &body, err);
  if (code != FSM_OK) return code;
  fsm_json_write(&json, &body);
  const fsm_web_header headers[] = {{"X-Correlation-ID", corr}};
  const cli_post post = {.path = "/v1/tasks/claim",
                         .headers = headers,
                         .header_count = 1,
                         .body = fsm_buf_text(&json),
                         .body_len = json.len};
  code = fsm_buf_ok(&json) ? cli_source_post(&cli->source, &post, &cli->arena, &document, err)
                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the request");
  fsm_buf_free(&json);
  return code == FSM_OK ? show(cli, &document, err) : code;
}

static const cli_option options[] = {{"limit", 0, "N", "at most so many, up to 100; 1", false},
                                     {"corr", 0, "ID", "correlation id, where a task has none", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"task claim approval", "task claim mail --limit 10 -o json",
                                       "task claim mail -o id -q | xargs -rn1 fsm-cli task complete", NULL};

extern const cli_command cli_task_claim;
const cli_command cli_task_claim = {
    .group = "task",
    .heading = CLI_TASKS,
    .name = "claim",
    .words = "SERVICE",
    .summary = "take open tasks: attempts begin in the name of who asks",
    .more =
        "Each is had by one, until its deadline: task complete or task fail answers it by its token, task "
        "heartbeat keeps it where the invoke asks for signs of life. Those that have waited longest come "
        "first; what the caller may not have (allow) is passed over. Who is not told, because the answer was "
        "lost, has them all the same until the deadline.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .formats = CLI_FORMATS_LIST,
    .run = run};
