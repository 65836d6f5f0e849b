/* cmd_timer_ls.c: fsm-cli timer ls: timers in the order in which they are due. */
#include "tools/cli/find/list.h"

static const cli_column columns[] = {
    {.title = "DUE", .name = "due"},
    {.title = "IN", .right = true},
    {.title = "INSTANCE", .min = 16, .keep_both = true, .cut_last = true, .name = "instance"},
    {.title = "TIMER", .min = 14, .shrink = 2, .keep_both = true, .name = "id"},
    {.title = "STATUS", .name = "status"},
    {.title = "MACHINE", .if_any = true, .goes_first = true, .name = "machine"},
    {.title = "KEY", .min = 8, .shrink = 3, .may_go = true, .if_any = true, .keep_both = true, .name = "key"},
    {.title = "EVENT", .wide = true, .name = "event"},
    {.title = "FORCED", .if_any = true, .name = "forced"}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)cli;
  (void)document;
  int64_t ns = 0;
  const fsm_value *forced = fsm_map_get(item, "forced");
  const char *in = "";
  if (cli_number(fsm_map_get(item, "overdue_ns"), &ns))
    in = fsm_arena_printf(arena, "late %s", cli_age(arena, ns));
  else if (cli_number(fsm_map_get(item, "left_ns"), &ns))
    in = cli_age(arena, ns);
  const char *cells[COLUMN_COUNT] = {cli_time(arena, fsm_map_get(item, "due")),
                                     in,
                                     cli_field(arena, item, "instance"),
                                     cli_field(arena, item, "id"),
                                     cli_field(arena, item, "status"),
                                     cli_field(arena, item, "machine"),
                                     cli_field(arena, item, "key"),
                                     cli_field(arena, item, "event"),
                                     forced != NULL && fsm_is(forced, FSM_BOOL) && forced->b ? "forced" : ""};
  cli_table_row(table, cells);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_pages pages = {.query = {.kind = FSM_QUERY_TIMERS,
                               .machine = cli_args_get(&cli->args, "machine"),
                               .late = cli_args_has(&cli->args, "late"),
                               .ref = cli->args.word_count > 0 ? cli->args.words[0] : NULL},
                     .columns = columns,
                     .column_count = COLUMN_COUNT,
                     .noun = "timers",
                     .item = add_item};
  return cli_pages_run(cli, &pages, err);
}

static const cli_option options[] = {{"machine", 'm', "MACHINE", "of instances of this machine", false},
                                     {"late", 0, NULL, "only those that are due already", false},
                                     CLI_PAGE_LIMIT,
                                     CLI_PAGE_ALL,
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"timer ls", "timer ls doc-17", "timer ls --late",
                                       "timer ls -m loan -o csv --all", NULL};

extern const cli_command cli_timer_ls;
const cli_command cli_timer_ls = {.group = "timer",
                                  .heading = CLI_TASKS,
                                  .name = "ls",
                                  .words = "[REF]",
                                  .summary = "timers: what will happen by itself, and when",
                                  .more =
                                      "Those that are due first in front. A late one waits: its instance is "
                                      "paused or an incident, or the daemon is stopped.",
                                  .options = options,
                                  .examples = examples,
                                  .words_min = 0,
                                  .words_max = 1,
                                  .formats = CLI_FORMATS_LIST,
                                  .reads = true,
                                  .run = run};
