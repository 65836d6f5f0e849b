/* cmd_stats.c: fsm-cli stats: how many instances are in each state. */
#include "tools/cli/pages.h"

static const cli_column columns[] = {{.title = "MACHINE", .min = 10, .shrink = 2},
                                     {.title = "STATE", .min = 14, .shrink = 1},
                                     {.title = "COUNT", .right = true}};

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)cli, (void)document;
  const char *cells[] = {cli_field(arena, item, "machine"), cli_field(arena, item, "state"),
                         cli_field(arena, item, "count")};
  cli_table_row(table, cells);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_COUNTS, .machine = cli_args_get(&cli->args, "machine")},
                     .columns = columns,
                     .column_count = sizeof columns / sizeof columns[0],
                     .item = add_item};
  fsm_code code = cli_connect(cli, false, err);
  return code == FSM_OK ? cli_pages_print(cli, &pages, err) : code;
}

static const cli_option options[] = {{"machine", 'm', "MACHINE", "of this machine", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"stats", "stats -m document-approval -o json", NULL};

extern const cli_command cli_stats;
const cli_command cli_stats = {.group = "",
                               .name = "stats",
                               .words = "",
                               .summary = "how many instances are in each state",
                               .options = options,
                               .examples = examples,
                               .formats = CLI_FORMATS_LIST,
                               .reads = true,
                               .run = run};
