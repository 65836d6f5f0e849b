/* cmd_stats.c: fsm-cli stats: what happened, in numbers. */
#include <string.h>

#include "runtime/filter.h"
#include "tools/cli/find/figures.h"
#include "tools/cli/find/groups.h"
#include "tools/cli/show/output.h"

enum { BAR = 12 };

static double most_of(const fsm_value *document, const char *list, const char *member) {
  const fsm_value *items = fsm_map_get(document, list);
  if (items == NULL) items = fsm_map_get(document, "items"); /* of a section alone */
  double most = 0;
  for (uint32_t i = 0; items != NULL && i < items->len; i++) {
    const double value = (double)cli_count_of(&items->items[i], member);
    if (value > most) most = value;
  }
  return most;
}

static const char *count_in(fsm_arena *arena, const fsm_value *item, const char *path) {
  const fsm_value *value = cli_member_at(item, path);
  return value != NULL ? cli_text(arena, value) : "0";
}

static const char *share_of(cli_run *cli, fsm_arena *arena, const fsm_value *document, const char *list,
                            const fsm_value *item, const char *member) {
  return cli_bar(cli, arena, (double)cli_count_of(item, member), most_of(document, list, member), BAR);
}

static bool is_span(const char *name) {
  const size_t len = strlen(name);
  return len > 3 && strcmp(name + len - 3, "_ns") == 0;
}

/* Cells that are still NULL have what their column names: a span (…_ns) or a count. */
static void add_row(cli_table *table, fsm_arena *arena, const cli_column *columns, const char **cells,
                    size_t count, const fsm_value *item) {
  for (size_t i = 0; i < count; i++) {
    if (cells[i] != NULL) continue;
    const char *name = columns[i].name;
    cells[i] = is_span(name) ? cli_span(arena, cli_member_at(item, name)) : count_in(arena, item, name);
  }
  cli_table_row(table, cells);
}

#define COUNT(columns) (sizeof columns / sizeof *columns)

/* ---- states ------------------------------------------------------------------------------------------ */

static const cli_column state_columns[] = {
    {.title = "MACHINE", .min = 7, .shrink = 2, .name = "machine"},
    {.title = "STATE", .min = 14, .shrink = 1, .keep_end = true, .name = "state"},
    {.title = "NOW", .right = true, .name = "standing.count"},
    {.title = "", .if_any = true, .goes_first = true, .name = "share"},
    {.title = "OLDEST", .right = true, .may_go = true, .name = "standing.max_ns"},
    {.title = "ENTERED", .right = true, .name = "entered"},
    {.title = "LEFT", .right = true, .name = "stays.count"},
    {.title = "P50", .right = true, .name = "stays.p50_ns"},
    {.title = "P95", .right = true, .name = "stays.p95_ns"},
    {.title = "P99", .right = true, .goes_first = true, .name = "stays.p99_ns"},
    {.title = "MAX", .right = true, .goes_first = true, .name = "stays.max_ns"},
    {.title = "MEAN", .right = true, .goes_first = true, .name = "stays.mean_ns"},
    {.title = "STDDEV", .right = true, .goes_first = true, .name = "stays.stddev_ns"},
    {.title = "MIN", .right = true, .wide = true, .name = "stays.min_ns"},
    {.title = "CUT", .right = true, .if_any = true, .name = "cut"}};

static void add_state(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                      const fsm_value *item) {
  const char *cells[COUNT(state_columns)] = {
      cli_field(arena, item, "machine"), cli_state_text(cli, arena, item), NULL,
      share_of(cli, arena, document, "states", item, "standing.count")};
  cells[COUNT(state_columns) - 1] = cli_field(arena, item, "cut"); /* nothing where it is 0 */
  add_row(table, arena, state_columns, cells, COUNT(state_columns), item);
}

/* As its newest version calls it. */
static const char *event_text(cli_run *cli, fsm_arena *arena, const fsm_value *item) {
  const char *name = cli_field(arena, item, "event"), *label = cli_event_label(cli, arena, item, name);
  return label != NULL ? label : name;
}

/* ---- events, refusals, machines ---------------------------------------------------------------------- */

static const cli_column event_columns[] = {
    {.title = "MACHINE", .min = 7, .shrink = 2, .name = "machine"},
    {.title = "EVENT", .min = 14, .shrink = 1, .keep_end = true, .name = "event"},
    {.title = "TAKEN", .right = true, .name = "taken"},
    {.title = "REFUSED", .right = true, .name = "refused"},
    {.title = "FAILED", .right = true, .name = "failed"},
    {.title = "", .if_any = true, .goes_first = true, .name = "share"}};

static void add_event(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                      const fsm_value *item) {
  const char *cells[COUNT(event_columns)] = {cli_field(arena, item, "machine"), event_text(cli, arena, item)};
  cells[COUNT(event_columns) - 1] = share_of(cli, arena, document, "events", item, "taken");
  add_row(table, arena, event_columns, cells, COUNT(event_columns), item);
}

static const cli_column refusal_columns[] = {
    {.title = "MACHINE", .min = 7, .shrink = 2, .name = "machine"},
    {.title = "EVENT", .min = 14, .shrink = 1, .keep_end = true, .name = "event"},
    {.title = "REFUSED FOR", .min = 20, .cut_last = true, .name = "reason"},
    {.title = "COUNT", .right = true, .name = "count"},
    {.title = "", .if_any = true, .goes_first = true, .name = "share"}};

static void add_refusal(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                        const fsm_value *item) {
  const char *cells[COUNT(refusal_columns)] = {
      cli_field(arena, item, "machine"), event_text(cli, arena, item), cli_field(arena, item, "reason"), NULL,
      share_of(cli, arena, document, "refusals", item, "count")};
  add_row(table, arena, refusal_columns, cells, COUNT(refusal_columns), item);
}

static const cli_column machine_columns[] = {
    {.title = "MACHINE", .min = 7, .shrink = 2, .name = "machine"},
    {.title = "CREATED", .right = true, .name = "kinds.created"},
    {.title = "COMPLETED", .right = true, .name = "kinds.completed"},
    {.title = "CANCELLED", .right = true, .may_go = true, .name = "kinds.cancelled"},
    {.title = "INCIDENTS", .right = true, .name = "kinds.incident_opened"},
    {.title = "REFUSALS", .right = true, .may_go = true, .name = "kinds.rejected"},
    {.title = "FORCED", .right = true, .may_go = true, .name = "kinds.forced"},
    {.title = "RECORDS", .right = true, .name = "records"}};

static void add_machine(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                        const fsm_value *item) {
  (void)document;
  const char *machine = cli_field(arena, item, "machine");
  const char *cells[COUNT(machine_columns)] = {*machine != 0 || cli->format == CLI_CSV ? machine : "(none)"};
  add_row(table, arena, machine_columns, cells, COUNT(machine_columns), item);
}

/* ---- intervals --------------------------------------------------------------------------------------- */

static const cli_column interval_columns[] = {
    {.title = "FROM", .name = "from"},
    {.title = "CREATED", .right = true, .name = "created"},
    {.title = "EVENTS", .right = true, .name = "events"},
    {.title = "PER S", .right = true, .name = "events_per_s"},
    {.title = "", .if_any = true, .goes_first = true, .name = "share"},
    {.title = "REFUSED", .right = true, .name = "refused"},
    {.title = "INCIDENTS", .right = true, .goes_first = true, .name = "incidents"},
    {.title = "COMPLETED", .right = true, .may_go = true, .name = "completed"},
    {.title = "CANCELLED", .right = true, .goes_first = true, .name = "cancelled"},
    {.title = "RECORDS", .right = true, .goes_first = true, .name = "records"}};

static void add_interval(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                         const fsm_value *item) {
  int64_t ns = 0;
  const double events = (double)cli_count_of(item, "events");
  const bool known = cli_since(fsm_map_get(item, "from"), fsm_map_get(item, "to"), &ns) && ns > 0;
  const char *rate = known ? fsm_arena_printf(arena, "%.3g", events * 1e9 / (double)ns) : "";
  const char *cells[COUNT(interval_columns)] = {cli_time(arena, fsm_map_get(item, "from")), NULL, NULL, rate,
                                                share_of(cli, arena, document, "intervals", item, "events")};
  add_row(table, arena, interval_columns, cells, COUNT(interval_columns), item);
}

/* ---- the command ------------------------------------------------------------------------------------- */

#define SECTION(by, member, noun, columns, item) \
  { by, member, noun, columns, COUNT(columns), item }
static const cli_section sections[] = {
    SECTION("machine", "machines", "machines", machine_columns, add_machine),
    SECTION("state", "states", "states", state_columns, add_state),
    SECTION("event", "events", "events", event_columns, add_event),
    SECTION("refusal", "refusals", "refusals", refusal_columns, add_refusal),
    SECTION("interval", "intervals", "intervals", interval_columns, add_interval)};
enum { SECTION_COUNT = sizeof sections / sizeof *sections, BY_STATE = 1, BY_INTERVAL = 4 };

static fsm_code read_by(cli_run *cli, const cli_section **out, fsm_error *err) {
  const char *by = cli_args_get(&cli->args, "by");
  const bool every = cli_args_has(&cli->args, "every");
  *out = NULL;
  for (unsigned i = 0; by != NULL && i < SECTION_COUNT; i++)
    if (strcmp(sections[i].by, by) == 0) *out = &sections[i];
  if (by != NULL && *out == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "by",
                    "--by takes machine, state, event, refusal or interval, not %.64s", by);
  if (*out == &sections[BY_INTERVAL] && !every)
    return fsm_fail(err, FSM_EARGUMENT, "by", "--by interval needs --every, an interval like 1m or 6h");
  const bool one = cli->format != CLI_TABLE && cli->format != CLI_WIDE && cli->format != CLI_JSON;
  if (*out == NULL && one) *out = &sections[every ? BY_INTERVAL : BY_STATE];
  return FSM_OK;
}

/* Of the instances as they are now: no matter of the audit log. */
static fsm_code print_sums(cli_run *cli, fsm_error *err) {
  const char *machine = cli_args_get(&cli->args, "machine");
  static const char *const others[] = {"since", "until", "every", "by"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (cli_args_has(&cli->args, others[i]))
      return fsm_fail(err, FSM_EARGUMENT, others[i],
                      "--sum is of the instances as they are now and takes no --%s; see: ls --group-by",
                      others[i]);
  cli_pages pages = {.query = {.kind = FSM_QUERY_GROUPS}};
  fsm_filter *filter = NULL;
  fsm_code code = cli_figures_filter(&cli->args, &filter, err);
  if (code == FSM_OK && filter == NULL) code = fsm_filter_new(&filter, err);
  if (code == FSM_OK && machine != NULL) code = fsm_filter_set(filter, "machine", machine, err);
  pages.query.filter = filter;
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_groups_print(cli, &pages, err);
  fsm_filter_free(filter);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const cli_section *only = NULL;
  if (cli_args_has(&cli->args, "sum")) return print_sums(cli, err);
  fsm_code code = read_by(cli, &only, err);
  if (code == FSM_OK)
    code = cli_figures(cli, FSM_QUERY_STATS, cli_args_get(&cli->args, "machine"), "1d", &document, err);
  if (code != FSM_OK) return code;
  if (only != NULL) return cli_section_only(cli, only, &document, err);
  if (cli->format == CLI_JSON) return cli_print_json(cli, &document, err);
  cli_page(cli);
  cli_figures_head(cli, "", &document);
  for (unsigned i = 0; i < SECTION_COUNT && code == FSM_OK; i++)
    code = cli_section_print(cli, &sections[i], &document, err);
  cli_footer(cli, cli_count_of(&document, "records"), "records", &document, NULL);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static const cli_option options[] = {
    {"machine", 'm', "MACHINE", "of this machine", false},
    CLI_FIGURES_FILTER,
    {"since", 0, "TIME", "what happened then or later: RFC 3339, today, 3d (ago), all; 1d", false},
    {"until", 0, "TIME", "what happened before", false},
    {"every", 0, "DUR", "and in each interval so long: 1m, 6h, 7d", false},
    {"by", 0, "WHAT", "only by machine, state, event, refusal or interval", false},
    {"sum", 0, "PATH", "instead: a field of the context, summed by state: context.amount", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"stats",
                                       "stats -m document-approval --since 7d",
                                       "stats -u ana -l dept=claims --where \"context.amount > 1000\"",
                                       "stats --since 1h --every 1m --by interval",
                                       "stats --since all --by state -o csv",
                                       NULL};

extern const cli_command cli_stats;
const cli_command cli_stats = {
    .group = "",
    .heading = CLI_FIND,
    .name = "stats",
    .words = "",
    .summary = "what happened, counted: by state, event, refusal and interval",
    .more =
        "NOW and OLDEST are of those who stand in a state now; ENTERED, LEFT and the spans of\n"
        "those who entered and left it in that time. A stay ends when the state is left, also\n"
        "to enter it again, and when its instance is cancelled; time in an incident or paused\n"
        "is part of it. P50, P95 and P99 are at most 1.6 % too long, the rest is exact.\n"
        "With a filter only of the instances that pass it now: all that happened to them.\n"
        "Without --by, -o csv, jsonl and id are of states, with --every of intervals.\n"
        "It reads the audit log of that time: some 100,000 records a second and more.",
    .options = options,
    .examples = examples,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
