/* cmd_def_ls.c: fsm-cli def ls: the machines that are deployed. */
#include "tools/cli/show/pages.h"

static const cli_column columns[] = {
    {.title = "ID", .name = "id", .min = 20, .shrink = 1},
    {.title = "VERSION", .name = "version", .right = true},
    {.title = "LIVE", .name = "live", .right = true},
    {.title = "STATES", .name = "states", .right = true},
    {.title = "DEPLOYED", .name = "deployed"},
    {.title = "HASH", .name = "hash", .min = 12, .shrink = 3},
    {.title = "DESCRIPTION", .name = "description", .min = 10, .shrink = 2, .may_go = true, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)cli, (void)document;
  const char *live = cli_field(arena, item, "live");
  if (*live == 0) live = "none"; /* all are retired */
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "id"),
                                     cli_field(arena, item, "version"),
                                     live,
                                     cli_field(arena, item, "states"),
                                     cli_time(arena, fsm_map_get(item, "deployed")),
                                     cli_field(arena, item, "hash"),
                                     cli_field(arena, item, "description")};
  cli_table_row(table, cells);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_MACHINES},
                     .columns = columns,
                     .column_count = COLUMN_COUNT,
                     .noun = "machines",
                     .item = add_item};
  fsm_code code = cli_connect(cli, false, err);
  return code == FSM_OK ? cli_pages_print(cli, &pages, err) : code;
}

static const char *const examples[] = {"def ls", "def ls -o json", NULL};

extern const cli_command cli_def_ls;
const cli_command cli_def_ls = {.group = "def",
                                .heading = CLI_DEFINITIONS,
                                .name = "ls",
                                .words = "",
                                .summary = "the machines that are deployed, newest versions",
                                .examples = examples,
                                .formats = CLI_FORMATS_LIST,
                                .reads = true,
                                .run = run};
