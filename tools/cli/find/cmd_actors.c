/* cmd_actors.c: fsm-cli actors: who acts. */
#include "tools/cli/find/list.h"

static const cli_column columns[] = {
    {.title = "WHO", .name = "sub", .min = 12, .shrink = 1},
    {.title = "TYPE", .name = "type"},
    {.title = "ROLES", .name = "roles", .min = 10, .shrink = 2, .if_any = true},
    {.title = "ISSUER", .name = "iss", .min = 10, .shrink = 3, .if_any = true},
    {.title = "LAST", .name = "last"},
    {.title = "SEQ", .name = "seq", .right = true},
    {.title = "CONFIGURED", .name = "configured", .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)cli;
  (void)document;
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "sub"),
                                     cli_field(arena, item, "type"),
                                     cli_field(arena, item, "roles"),
                                     cli_field(arena, item, "iss"),
                                     cli_time(arena, fsm_map_get(item, "last")),
                                     cli_field(arena, item, "seq"),
                                     fsm_map_get(item, "configured") != NULL ? "yes" : ""};
  cli_table_row(table, cells);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_ACTORS},
                     .columns = columns,
                     .column_count = COLUMN_COUNT,
                     .noun = "people",
                     .id = "sub",
                     .item = add_item};
  return cli_pages_run(cli, &pages, err);
}

static const cli_option options[] = {CLI_PAGE_LIMIT, CLI_PAGE_ALL, {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"actors", "actors --all -o csv", NULL};

extern const cli_command cli_actors;
const cli_command cli_actors = {
    .group = "",
    .heading = CLI_FIND,
    .name = "actors",
    .words = "",
    .summary = "who acts, as records and fsmd --people say, those seen last in front",
    .more =
        "Made from the log, and from the file of people that the daemon has (for stopped files:\n"
        "--people FILE); it is these that `who can act` is told of. Names with their roles are for\n"
        "admins; who may act on one instance, why and events tell everyone.",
    .options = options,
    .examples = examples,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
