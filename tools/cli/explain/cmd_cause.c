/* cmd_cause.c: fsm-cli cause: what led to a record, back to what came from outside; or what it led to. */
#include "tools/cli/show/tree.h"

static void print(cli_run *cli, const fsm_value *document) {
  const fsm_value *items = fsm_map_get(document, "items");
  const char *outside = cli_field(&cli->arena, document, "outside"),
             *stopped = cli_field(&cli->arena, document, "stopped");
  fsm_error err;
  if (items == NULL || !fsm_is(items, FSM_LIST)) return;
  if (cli_tree_print(cli, items, &err) != FSM_OK) cli->text.failed = true;
  cli_print_line(cli, "outside", outside);
  cli_print_line(cli, "stopped", stopped);
  cli_footer(cli, items->len, "records", document, NULL);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const fsm_query query = {
      .kind = FSM_QUERY_CAUSE, .ref = cli->args.words[0], .down = cli_args_has(&cli->args, "down")};
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const cli_option options[] = {{"down", 0, NULL, "what it led to, instead", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"cause 8812", "cause 8812 --down",
                                       "cause 86813c745e0f6b0617fcd39667af2ba9.0.0.8812 -o json", NULL};

extern const cli_command cli_cause;
const cli_command cli_cause = {.group = "",
                               .heading = CLI_EXPLAIN,
                               .name = "cause",
                               .words = "SEQ|ID",
                               .summary = "what led to a record, back to what came from outside",
                               .more = "`outside` is what whoever sent the first one named as its cause.",
                               .options = options,
                               .examples = examples,
                               .words_min = 1,
                               .words_max = 1,
                               .formats = CLI_FORMATS_PLAIN | CLI_HAS(CLI_TREE),
                               .reads = true,
                               .run = run};
