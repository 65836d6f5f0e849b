/* cmd_route_test.c: fsm-cli route test: what a route would give of records that there are, before it is set.
 */
#include <stdio.h>

#include "tools/cli/data/route_document.h"
#include "tools/cli/show/table.h"

static const cli_column columns[] = {
    {.title = "SEQ", .right = true},
    {.title = "KIND"},
    {.title = "MACHINE", .min = 10, .shrink = 1, .if_any = true},
    {.title = "INSTANCE", .min = 12, .shrink = 2, .if_any = true, .keep_both = true},
    {.title = "EVENT", .min = 8, .shrink = 1, .if_any = true},
    {.title = "GIVEN", .min = 24, .shrink = 1}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static fsm_code ask_daemon(cli_run *cli, const fsm_query *query, fsm_value *out, fsm_error *err) {
  fsm_pair pairs[3] = {{fsm_string("route"), query->route}};
  size_t count = 1;
  fsm_value body;
  fsm_buf json = {0};
  if (query->after != NULL) pairs[count++] = (fsm_pair){fsm_string("after"), fsm_string(query->after)};
  if (query->limit != 0) pairs[count++] = (fsm_pair){fsm_string("limit"), fsm_int(query->limit)};
  fsm_code code = fsm_map(pairs, count, &body, err);
  if (code != FSM_OK) return code;
  fsm_json_write(&json, &body);
  const cli_post post = {.path = "/v1/routes/test", .body = fsm_buf_text(&json), .body_len = json.len};
  code = fsm_buf_ok(&json) ? cli_source_post(&cli->source, &post, &cli->arena, out, err)
                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the request");
  fsm_buf_free(&json);
  return code;
}

static bool is_given(const fsm_value *item) {
  const fsm_value *matches = fsm_map_get(item, "matches");
  return matches != NULL && fsm_is(matches, FSM_BOOL) && matches->b;
}

static void add(cli_table *table, fsm_arena *arena, const fsm_value *item) {
  const fsm_value *fault = fsm_map_get(item, "fault");
  const char *why =
      fault == NULL ? "" : fsm_arena_printf(arena, " fails: %s", cli_field(arena, item, "fault"));
  const char *given =
      is_given(item) ? "yes"
                     : fsm_arena_printf(arena, "no: %s%s", cli_field(arena, item, "part"), why ? why : "");
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "seq"),     cli_field(arena, item, "kind"),
                                     cli_field(arena, item, "machine"), cli_field(arena, item, "instance"),
                                     cli_field(arena, item, "event"),   given};
  cli_table_row(table, cells);
}

static fsm_code print(cli_run *cli, const fsm_value *document, fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, "items");
  const bool all = !cli_args_has(&cli->args, "given");
  cli_table table;
  cli_table_begin(&table, &cli->arena, columns, COLUMN_COUNT);
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++)
    if (all || is_given(&items->items[i])) add(&table, &cli->arena, &items->items[i]);
  fsm_code code = cli_table_print(&table, &cli->screen, &cli->text, err);
  if (code == FSM_OK) code = cli_flush(cli, err);
  if (code == FSM_OK)
    fprintf(stderr, "%s of %s records would be given\n", cli_field(&cli->arena, document, "matched"),
            cli_field(&cli->arena, document, "looked"));
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_query query = {.kind = FSM_QUERY_ROUTE_TEST,
                     .after = cli_args_get(&cli->args, "after"),
                     .whole = true}; /* on stopped files: who may read them may read it all */
  fsm_value document;
  int64_t limit = 0;
  fsm_code code =
      cli_route_document(cli, cli->args.word_count > 0 ? cli->args.words[0] : NULL, &query.route, err);
  if (code == FSM_OK) code = cli_args_number(&cli->args, "limit", 1, FSM_PAGE_MAX, 0, &limit, err);
  query.limit = (unsigned)limit;
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code != FSM_OK) return code;
  code = cli->source.web != NULL ? ask_daemon(cli, &query, &document, err)
                                 : cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  return cli->json ? cli_print_json(cli, &document, err) : print(cli, &document, err);
}

static const cli_option options[] = {CLI_ROUTE_OPTIONS,
                                     {"after", 0, "SEQ", "the records behind this one; the last ones", false},
                                     {"limit", 0, "N", "so many records, 1 to 1000; 100", false},
                                     {"given", 0, NULL, "only those that would be given", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"route test --machine claim --to 'approved*' --sink siem",
                                       "route test claims.json --after 120000 --limit 1000 --given", NULL};

extern const cli_command cli_route_test;
const cli_command cli_route_test = {
    .group = "route",
    .heading = CLI_PUBLISHING,
    .name = "test",
    .words = "[FILE]",
    .summary = "which of the last records a route would give",
    .more =
        "Nothing is changed; whether its sinks are there is looked at by route set. A reason that\nwas cut "
        "is whole in -o json, and where the output is no terminal.",
    .options = options,
    .examples = examples,
    .words_max = 1,
    .run = run};
