/* cmd_funnel.c: fsm-cli funnel: how far instances come, where they are lost, how long it takes. */
#include <string.h>

#include "tools/cli/find/figures.h"
#include "tools/cli/show/output.h"

enum { BAR = 12 };

static const cli_column columns[] = {
    {.title = "STATE", .min = 14, .shrink = 1, .keep_end = true, .name = "state"},
    {.title = "REACHED", .right = true, .name = "reached"},
    {.title = "%", .right = true, .name = "part"},
    {.title = "", .if_any = true, .goes_first = true, .name = "share"},
    {.title = "AFTER", .right = true, .name = "time.p50_ns"},
    {.title = "P95", .right = true, .goes_first = true, .name = "time.p95_ns"},
    {.title = "STANDING", .right = true, .name = "standing"},
    {.title = "ENDED", .right = true, .name = "completed"},
    {.title = "LOST", .right = true, .name = "lost"},
    {.title = "CANCELLED", .right = true, .wide = true, .name = "cancelled"},
    {.title = "INCIDENTS", .right = true, .wide = true, .name = "incidents"}};

static const char *some(fsm_arena *arena, const fsm_value *item, const char *member) {
  const bool within = fsm_map_get(item, "within") != NULL;
  return within && cli_count_of(item, member) == 0 ? "" : cli_field(arena, item, member);
}

/* Deeper states stand below those around them. */
static const char *name_of(cli_run *cli, fsm_arena *arena, const fsm_value *item) {
  const char *path = cli_field(arena, item, "state"), *last = strrchr(path, '.');
  const char *label = cli_newest_label(cli, arena, cli->args.words[0], path);
  int depth = 0;
  if (cli->format != CLI_TABLE || !cli->screen.tty) return label != NULL ? label : path;
  for (const char *at = path; *at != 0; at++) depth += *at == '.';
  const char *text = fsm_arena_printf(arena, "%*s%s%s", 2 * depth, "",
                                      label != NULL  ? label
                                      : last != NULL ? last + 1
                                                     : path,
                                      fsm_map_get(item, "gone") != NULL ? " (gone)" : "");
  return text != NULL ? text : path;
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)document;
  const fsm_value *part = fsm_map_get(item, "part"), *after = cli_member_at(item, "time.p50_ns"),
                  *p95 = cli_member_at(item, "time.p95_ns");
  const char *percent = part != NULL ? fsm_arena_printf(arena, "%.1f", 100 * cli_real(part)) : "";
  const int64_t gone = cli_count_of(item, "cancelled") + cli_count_of(item, "incidents");
  const bool within = fsm_map_get(item, "within") != NULL && gone == 0;
  const char *lost = within ? "" : fsm_arena_printf(arena, "%lld", (long long)gone);
  const char *cells[] = {name_of(cli, arena, item),
                         cli_field(arena, item, "reached"),
                         percent,
                         cli_bar(cli, arena, cli_real(part), 1, BAR),
                         cli_span(arena, after),
                         cli_span(arena, p95),
                         some(arena, item, "standing"),
                         some(arena, item, "completed"),
                         lost != NULL ? lost : "",
                         some(arena, item, "cancelled"),
                         some(arena, item, "incidents")};
  cli_table_row(table, cells);
}

static const cli_section states = {"state", "states", "states", columns, sizeof columns / sizeof *columns,
                                   add_item};

static void add_sums(cli_run *cli, const fsm_value *document) {
  const struct {
    const char *member, *words;
  } sums[] = {{"standing", "standing"},
              {"completed", "completed"},
              {"cancelled", "cancelled"},
              {"incidents", "in an incident"}};
  fsm_buf text = {0};
  fsm_buf_printf(&text, "%lld created", (long long)cli_count_of(document, "created"));
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
    fsm_buf_printf(&text, "%s%lld %s", i == 0 ? ": " : ", ",
                   (long long)cli_count_of(document, sums[i].member), sums[i].words);
  cli_wrap(&cli->text, fsm_buf_text(&text), cli->screen.tty ? cli->screen.columns : 0, 2);
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&text);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_figures(cli, FSM_QUERY_FUNNEL, cli->args.words[0], "30d", &document, err);
  if (code != FSM_OK) return code;
  if (cli->format == CLI_JSON) return cli_print_json(cli, &document, err);
  if (cli->format != CLI_TABLE && cli->format != CLI_WIDE)
    return cli_section_only(cli, &states, &document, err);
  cli_page(cli);
  add_sums(cli, &document);
  cli_figures_head(cli, "created ", &document);
  code = cli_section_print(cli, &states, &document, err);
  cli_footer(cli, cli_count_of(&document, "created"), "instances", &document, NULL);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static const cli_option options[] = {
    {"since", 0, "TIME", "created then or later: RFC 3339, today, 3d (ago), all; 30d", false},
    {"until", 0, "TIME", "created before", false},
    CLI_FIGURES_FILTER,
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"funnel document-approval",
                                       "funnel document-approval --since 2026-11-01 --until 2026-12-01",
                                       "funnel document-approval --since all -o csv", NULL};

extern const cli_command cli_funnel;
const cli_command cli_funnel = {
    .group = "",
    .heading = CLI_FIND,
    .name = "funnel",
    .words = "MACHINE",
    .summary = "how far the instances of a machine come, and where they are lost",
    .more =
        "Of the instances that were created in that time, up to now: how many ever entered\n"
        "each state, which part of all that is, and how long after their creation half of\n"
        "them had (AFTER). STANDING, ENDED and LOST (cancelled, or in an incident) say who is\n"
        "there; the rest has gone on. States come in the order of the chart.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
