/* cmd_search.c: fsm-cli search: a text in the records of the last days, and what it names. Below each
 * instance stand the places where it has the text; on a terminal the text itself is bold. */
#include "tools/cli/find/list.h"

#include <string.h>

enum { LIMIT_MAX = 1000000, SHOWN_MAX = 3 };

static const cli_column columns[] = {
    {.title = "ID", .name = "id", .min = 16, .keep_both = true, .cut_last = true},
    {.title = "KEY", .name = "key", .min = 8, .shrink = 3, .may_go = true, .if_any = true, .keep_both = true},
    {.title = "MACHINE", .name = "machine", .if_any = true, .goes_first = true},
    {.title = "STATE", .name = "state", .min = 14, .shrink = 2, .keep_end = true},
    {.title = "STATUS", .name = "status"},
    {.title = "SAID", .name = "time", .right = true},
    {.title = "SEQ", .name = "seq", .right = true, .wide = true},
    {.title = "FIELD", .wide = true},
    {.title = "MATCH", .wide = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static const char *part(fsm_arena *arena, const fsm_value *match, const char *name) {
  return cli_field(arena, match, name);
}

/* The same words in another field: an event's data that went into the context. */
static bool said_before(fsm_arena *arena, const fsm_value *matches, uint32_t i) {
  static const char *const parts[] = {"before", "match", "after"};
  for (uint32_t k = 0; k < i; k++) {
    bool same = true;
    for (unsigned p = 0; p < 3; p++)
      same = same && strcmp(part(arena, &matches->items[k], parts[p]),
                            part(arena, &matches->items[i], parts[p])) == 0;
    if (same) return true;
  }
  return false;
}

/* "    context.text  …not arrived: the refund of…", cut around the match to what the terminal has. */
static void add_place(const cli_run *cli, fsm_arena *arena, const fsm_value *match, fsm_buf *out) {
  const char *field = part(arena, match, "field"), *word = part(arena, match, "match");
  const unsigned used = 4 + cli_width(field) + 2 + cli_width(word);
  const unsigned room = cli->screen.columns == 0     ? 1000
                        : cli->screen.columns > used ? cli->screen.columns - used
                                                     : 0;
  const unsigned before =
      room / 2 < cli_width(part(arena, match, "before")) ? room / 2 : cli_width(part(arena, match, "before"));
  fsm_buf_printf(out, "    %s  ", field);
  cli_clip_front(out, part(arena, match, "before"), before);
  fsm_buf_printf(out, cli->screen.colour ? "\x1b[1m%s\x1b[0m" : "%s", word);
  cli_clip(out, part(arena, match, "after"), room - before);
  fsm_buf_char(out, '\n');
}

static const char *places(const cli_run *cli, fsm_arena *arena, const fsm_value *matches) {
  fsm_buf out = {0};
  unsigned shown = 0;
  for (uint32_t i = 0; i < matches->len && shown < SHOWN_MAX; i++) {
    if (said_before(arena, matches, i)) continue;
    add_place(cli, arena, &matches->items[i], &out);
    shown++;
  }
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&out));
  fsm_buf_free(&out);
  return text == NULL ? "" : text;
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  const fsm_value *matches = fsm_map_get(item, "matches");
  const bool any = matches != NULL && fsm_is(matches, FSM_LIST) && matches->len > 0;
  const bool one_machine = cli_args_has(&cli->args, "machine");
  int64_t ns;
  const bool timed = cli_since(fsm_map_get(item, "time"), fsm_map_get(document, "now"), &ns);
  const char *status = cli_field(arena, item, "status");
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "id"),
                                     cli_field(arena, item, "key"),
                                     one_machine ? "" : cli_field(arena, item, "machine"),
                                     cli_state_text(cli, arena, item),
                                     *status != '\0' ? status : "gone",
                                     timed ? cli_age(arena, ns) : "",
                                     cli_field(arena, item, "seq"),
                                     any ? part(arena, &matches->items[0], "field") : "",
                                     any ? part(arena, &matches->items[0], "match") : ""};
  cli_table_row(table, cells);
  if (any && cli->format == CLI_TABLE) cli_table_note(table, places(cli, arena, matches));
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const cli_args *args = &cli->args;
  const bool all = cli_args_has(args, "all");
  cli_pages pages = {.query = {.kind = FSM_QUERY_SEARCH,
                               .text = args->words[0],
                               .machine = cli_args_get(args, "machine"),
                               .since = cli_args_get(args, "since"),
                               .until = cli_args_get(args, "until")},
                     .tip = all ? NULL : "--limit N or --all",
                     .page = all ? FSM_PAGE_MAX : 0,
                     .columns = columns,
                     .column_count = COLUMN_COUNT,
                     .noun = "instances",
                     .item = add_item};
  if (all && cli_args_has(args, "limit"))
    return fsm_fail(err, FSM_EARGUMENT, "all", "--all and --limit exclude each other");
  fsm_code code = cli_args_number(args, "limit", 1, LIMIT_MAX, all ? 0 : FSM_PAGE_DEFAULT, &pages.max, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_pages_print(cli, &pages, err);
  if (code == FSM_OK && pages.query.since == NULL && !cli->quiet &&
      (cli->format == CLI_TABLE || cli->format == CLI_WIDE))
    fsm_buf_str(&cli->footer, "records of the last 3 days were searched; --since 30d: further back\n");
  return code;
}

static const cli_option options[] = {
    {"machine", 'm', "MACHINE", "of this machine", false},
    {"since", 0, "TIME", "in records of then or later: RFC 3339, today, 7d (ago); 3d", false},
    {"until", 0, "TIME", "in records before", false},
    CLI_PAGE_LIMIT,
    CLI_PAGE_ALL,
    CLI_PAGE_EXIT,
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"search 4711", "search 'not arrived' --since 14d",
                                       "search ana@example.org -m document-approval",
                                       "search RE-2026-0042 -o id", NULL};

extern const cli_command cli_search;
const cli_command cli_search = {
    .group = "",
    .heading = CLI_FIND,
    .name = "search",
    .words = "TEXT",
    .summary = "instances by a text: in ids, keys, labels, people, data",
    .more =
        "The case of letters does not matter. Ids that begin with the text, and business keys that are it, "
        "are "
        "found whatever their age; all else in the records since --since. Each instance is shown once, by "
        "its "
        "newest record that has the text. Masked data is not found. For words in years of records: a sink to "
        "Elasticsearch.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
