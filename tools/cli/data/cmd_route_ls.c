/* cmd_route_ls.c: fsm-cli route ls [NAME]: the routes in force, or all versions of one, with who and why. */
#include "tools/cli/cli.h"
#include "tools/cli/show/table.h"

static const cli_column columns[] = {{.title = "NAME", .min = 12, .shrink = 1},
                                     {.title = "VERSION", .right = true},
                                     {.title = "SET"},
                                     {.title = "BY", .min = 8, .shrink = 1, .if_any = true},
                                     {.title = "REASON", .min = 12, .shrink = 2, .if_any = true},
                                     {.title = "ROUTE", .min = 20, .shrink = 3}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static const char *json_of(fsm_arena *arena, const fsm_value *value) {
  fsm_buf text = {0};
  fsm_json_write(&text, value);
  const char *kept = fsm_buf_ok(&text) ? fsm_arena_strdup(arena, fsm_buf_text(&text)) : NULL;
  fsm_buf_free(&text);
  return kept;
}

/* Where there is no room for the column, the route stands below its row, whole. */
static const char *below(fsm_arena *arena, const char *route, unsigned width) {
  enum { INDENT = 2 };
  fsm_buf lines = {0};
  fsm_buf_printf(&lines, "%*s", INDENT, "");
  cli_wrap(&lines, cli_safe(arena, route), width > 3 * INDENT ? width - INDENT : 0, INDENT);
  fsm_buf_char(&lines, '\n');
  const char *kept = fsm_buf_ok(&lines) ? fsm_arena_strdup(arena, fsm_buf_text(&lines)) : NULL;
  fsm_buf_free(&lines);
  return kept != NULL ? kept : "";
}

/* width: 0 = the route has a column. */
static void add(cli_table *table, fsm_arena *arena, const fsm_value *item, unsigned width) {
  const fsm_value *route = fsm_map_get(item, "route"), *error = fsm_map_get(item, "error");
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "name"),
                                     cli_field(arena, item, "version"),
                                     cli_time(arena, fsm_map_get(item, "set")),
                                     cli_field(arena, item, "by"),
                                     cli_field(arena, item, "reason"),
                                     route != NULL ? json_of(arena, route) : "(removed)"};
  const char *fault = error == NULL ? ""
                                    : fsm_arena_printf(arena, "  it matches nothing any more: %s\n",
                                                       cli_field(arena, item, "error"));
  const char *text =
      width == 0 || cells[COLUMN_COUNT - 1] == NULL ? "" : below(arena, cells[COLUMN_COUNT - 1], width);
  cli_table_row(table, cells);
  const char *note = fault != NULL ? fsm_arena_printf(arena, "%s%s", text, fault) : NULL;
  if (note != NULL && *note != 0) cli_table_note(table, note);
}

static void fill(cli_table *table, fsm_arena *arena, const fsm_value *items, unsigned width) {
  cli_table_begin(table, arena, columns, width == 0 ? COLUMN_COUNT : COLUMN_COUNT - 1);
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++)
    add(table, arena, &items->items[i], width);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_query query = {.kind = FSM_QUERY_ROUTES};
  fsm_value document;
  cli_table table;
  int64_t limit = 0;
  if (cli->args.word_count > 0) query.ref = cli->args.words[0];
  fsm_code code = cli_args_number(&cli->args, "limit", 1, FSM_PAGE_MAX, 0, &limit, err);
  if (code == FSM_OK && limit != 0 && query.ref == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "limit", "--limit is for the versions of one route");
  query.limit = (unsigned)limit;
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  const fsm_value *items = fsm_map_get(&document, "items");
  fill(&table, &cli->arena, items, 0);
  if (cli->screen.columns > 0 && cli_table_wide(&table) > cli->screen.columns)
    fill(&table, &cli->arena, items, cli->screen.columns);
  code = cli_table_print(&table, &cli->screen, &cli->text, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static const cli_option options[] = {{"limit", 0, "N", "so many versions of NAME, the newest; 100", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"route ls", "route ls claims", "route ls -o json", NULL};

extern const cli_command cli_route_ls;
const cli_command cli_route_ls = {.group = "route",
                                  .heading = CLI_PUBLISHING,
                                  .name = "ls",
                                  .words = "[NAME]",
                                  .summary = "the routes in force, or all versions of one: who, when, why",
                                  .options = options,
                                  .examples = examples,
                                  .words_max = 1,
                                  .reads = true,
                                  .run = run};
