/* list.c: lists of instances. */
#include "tools/cli/list.h"

enum { LIMIT_MAX = 1000000 };

static const cli_column columns[] = {
    {.title = "ID", .min = 16, .keep_both = true, .cut_last = true}, /* what one goes on with */
    {.title = "KEY", .min = 8, .shrink = 3, .may_go = true, .if_any = true, .keep_both = true},
    {.title = "MACHINE", .if_any = true, .goes_first = true},
    {.title = "STATE", .min = 14, .shrink = 2, .keep_end = true},
    {.title = "STATUS"},
    {.title = "FOR", .right = true},
    {.title = "WHY", .min = 10, .shrink = 4, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

/* What is not as the machine alone would have it: why it is parked, that it was forced. */
static const char *why_of(fsm_arena *arena, const fsm_value *item) {
  const fsm_value *incident = fsm_map_get(item, "incident"), *forced = fsm_map_get(item, "forced");
  const bool is_forced = forced != NULL && fsm_is(forced, FSM_BOOL) && forced->b;
  const char *reason =
      incident != NULL && fsm_is(incident, FSM_MAP) ? cli_field(arena, incident, "reason") : "";
  if (!is_forced) return reason;
  const char *both = *reason != 0 ? fsm_arena_printf(arena, "%s, forced", reason) : "forced";
  return both == NULL ? reason : both;
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)document;
  int64_t ns;
  bool one_machine = cli_args_has(&cli->args, "machine");
  bool timed = cli_number(fsm_map_get(item, "for_ns"), &ns);
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "id"),
                                     cli_field(arena, item, "key"),
                                     one_machine ? "" : cli_field(arena, item, "machine"),
                                     cli_field(arena, item, "state"),
                                     cli_field(arena, item, "status"),
                                     timed ? cli_age(arena, ns) : "",
                                     why_of(arena, item)};
  cli_table_row(table, cells);
}

fsm_code cli_list_options(cli_run *cli, cli_pages *pages, fsm_error *err) {
  const cli_args *args = &cli->args;
  pages->query.machine = cli_args_get(args, "machine");
  pages->query.state = cli_args_get(args, "state");
  pages->query.key = cli_args_get(args, "key");
  const char *duration = cli_args_get(args, "for");
  if (duration != NULL) {
    fsm_code code = fsm_duration_parse(duration, &pages->query.for_ns, err);
    if (code != FSM_OK) return code;
    if (pages->query.for_ns < 0) return fsm_fail(err, FSM_EARGUMENT, "for", "--for is not below nothing");
  }
  bool all = cli_args_has(args, "all");
  if (all && cli_args_has(args, "limit"))
    return fsm_fail(err, FSM_EARGUMENT, "all", "--all and --limit exclude each other");
  pages->tip = all ? NULL : "--limit N or --all";
  pages->page = all ? FSM_PAGE_MAX : 0;
  return cli_args_number(args, "limit", 1, LIMIT_MAX, all ? 0 : FSM_PAGE_DEFAULT, &pages->max, err);
}

fsm_code cli_list_print(cli_run *cli, cli_pages *pages, fsm_error *err) {
  pages->columns = columns;
  pages->column_count = COLUMN_COUNT;
  pages->item = add_item;
  fsm_code code = cli_connect(cli, false, err);
  return code == FSM_OK ? cli_pages_print(cli, pages, err) : code;
}
