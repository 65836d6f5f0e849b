/* figures.c: see figures.h. */
#include "tools/cli/find/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/filter.h"
#include "tools/cli/show/output.h"

enum { TURN_MS = 200 };

/* ---- asking ------------------------------------------------------------------------------------------ */

static void show_progress(const cli_run *cli, const fsm_value *document) {
  const int64_t looked = cli_count_of(document, "looked"), of = cli_count_of(document, "of");
  if (cli->quiet || isatty(STDERR_FILENO) != 1 || of == 0) return;
  fprintf(stderr, "\r%3lld %% of %lld records", (long long)(looked * 100 / of), (long long)of);
  fflush(stderr);
}

static void end_progress(const cli_run *cli) {
  if (cli->quiet || isatty(STDERR_FILENO) != 1) return;
  fputs("\r\x1b[K", stderr);
  fflush(stderr);
}

/* Behind those who walk already; for as long as an answer may take. */
static fsm_code ask_in_turn(cli_run *cli, const fsm_query *query, fsm_arena *arena, fsm_value *out,
                            fsm_error *err) {
  enum { TURNS = 150 };
  for (int turn = 0;; turn++) {
    fsm_code code = cli_source_query(&cli->source, query, arena, out, err);
    if (code != FSM_EBUSY || turn == TURNS) return code;
    nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000000L}, NULL);
  }
}

/* However long it is, what is kept is the last answer and where the walk goes on. */
static fsm_code walk(cli_run *cli, fsm_query *query, fsm_value *out, fsm_error *err) {
  bool shown = false, more = true;
  fsm_buf next = {0};
  fsm_arena page;
  fsm_code code = FSM_OK;
  fsm_arena_init(&page, 0);
  while (more && code == FSM_OK) {
    fsm_value document;
    fsm_arena_reset(&page);
    code = ask_in_turn(cli, query, &page, &document, err);
    const fsm_value *goes_on = code == FSM_OK ? fsm_map_get(&document, "next") : NULL;
    more = goes_on != NULL && fsm_is(goes_on, FSM_STRING);
    if (more) show_progress(cli, &document);
    if (!more && shown) end_progress(cli);
    if (!more && code == FSM_OK) code = cli_source_same(&document, &cli->arena, out, err);
    shown = more;
    fsm_buf_reset(&next);
    if (more) fsm_buf_add(&next, goes_on->s, goes_on->len);
    if (!fsm_buf_ok(&next)) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
    query->after = fsm_buf_text(&next);
  }
  query->after = NULL;
  fsm_arena_free(&page);
  fsm_buf_free(&next);
  return code;
}

fsm_code cli_figures_filter(const cli_args *args, fsm_filter **out, fsm_error *err) {
  bool any = false;
  *out = NULL;
  fsm_filter *filter = NULL;
  fsm_code code = fsm_filter_new(&filter, err);
  for (unsigned field = 0; field < FSM_FILTER_FIELD_COUNT && code == FSM_OK; field++) {
    const char *name = fsm_filter_name((fsm_filter_field)field), *value = NULL;
    char flag[32];
    const bool creation = field == FSM_FILTER_SINCE || field == FSM_FILTER_UNTIL;
    if (field == FSM_FILTER_MACHINE || field == FSM_FILTER_SORT) continue;
    snprintf(flag, sizeof flag, "%s%s", creation ? "created-" : "", fsm_filter_flag((fsm_filter_field)field));
    for (size_t i = 0; code == FSM_OK && (value = cli_args_nth(args, flag, i)) != NULL; i++) {
      fsm_error why = {.text = ""};
      code = fsm_filter_set(filter, name, value, &why);
      any = true;
      if (code != FSM_OK)
        code = fsm_fail(err, code == FSM_ENOMEM ? code : FSM_EARGUMENT, flag, "--%s: %s", flag, why.text);
    }
  }
  if (code == FSM_OK && any)
    *out = filter;
  else
    fsm_filter_free(filter);
  return code;
}

fsm_code cli_figures(cli_run *cli, fsm_query_kind kind, const char *machine, const char *since_default,
                     fsm_value *out, fsm_error *err) {
  const char *since = cli_args_get(&cli->args, "since"), *every = cli_args_get(&cli->args, "every");
  fsm_query query = {.kind = kind, .machine = machine, .until = cli_args_get(&cli->args, "until")};
  fsm_error why;
  query.since = since == NULL ? since_default : strcmp(since, "all") == 0 ? NULL : since;
  if (every != NULL &&
      (fsm_duration_parse(every, &query.every_ns, &why) != FSM_OK || query.every_ns < 1000000))
    return fsm_fail(err, FSM_EARGUMENT, "every", "--every takes an interval like 1m or 6h, not %.64s", every);
  fsm_filter *filter = NULL;
  fsm_code code = cli_figures_filter(&cli->args, &filter, err);
  query.filter = filter;
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = walk(cli, &query, out, err);
  fsm_filter_free(filter);
  return code;
}

/* ---- as people read it ------------------------------------------------------------------------------- */

double cli_real(const fsm_value *value) {
  int64_t number = 0;
  if (value == NULL) return 0;
  if (fsm_is(value, FSM_DOUBLE)) return value->d;
  return cli_number(value, &number) ? (double)number : 0;
}

int64_t cli_count_of(const fsm_value *map, const char *path) {
  int64_t number = 0;
  const fsm_value *value = cli_member_at(map, path);
  return value != NULL && cli_number(value, &number) ? number : 0;
}

const char *cli_span(fsm_arena *arena, const fsm_value *ns) {
  static const struct {
    int64_t unit, part;
    const char *name, *of;
  } units[] = {{INT64_C(86400000000000), INT64_C(3600000000000), "d", "h"},
               {INT64_C(3600000000000), INT64_C(60000000000), "h", "m"},
               {INT64_C(60000000000), INT64_C(1000000000), "m", "s"}};
  int64_t span = 0;
  if (ns == NULL || !cli_number(ns, &span)) return "";
  const char *text = NULL;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (span < units[i].unit) continue;
    const int64_t rest = span % units[i].unit / units[i].part;
    text = rest > 0 ? fsm_arena_printf(arena, "%lld%s%lld%s", (long long)(span / units[i].unit),
                                       units[i].name, (long long)rest, units[i].of)
                    : fsm_arena_printf(arena, "%lld%s", (long long)(span / units[i].unit), units[i].name);
    return text == NULL ? "" : text;
  }
  if (span >= 1000000000)
    text = fsm_arena_printf(arena, "%.1fs", (double)(span / 100000000) / 10);
  else if (span >= 1000000)
    text = fsm_arena_printf(arena, "%lldms", (long long)(span / 1000000));
  else if (span >= 1000)
    text = fsm_arena_printf(arena, "%lldus", (long long)(span / 1000));
  else
    text = span > 0 ? fsm_arena_printf(arena, "%lldns", (long long)span) : "0s";
  return text == NULL ? "" : text;
}

const char *cli_bar(const cli_run *cli, fsm_arena *arena, double value, double most, unsigned width) {
  static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (cli->format == CLI_CSV) {
    const char *part = fsm_arena_printf(arena, "%.4f", most > 0 ? value / most : 0);
    return part == NULL ? "" : part;
  }
  if (!cli->screen.tty || value <= 0 || most <= 0) return "";
  unsigned parts = (unsigned)(value / most * width * 8 + 0.5);
  if (parts == 0) parts = 1;
  if (parts > width * 8) parts = width * 8;
  fsm_buf bar = {0};
  const bool ascii = MB_CUR_MAX == 1;
  for (unsigned i = 0; i < (ascii ? (parts + 7) / 8 : parts / 8); i++) fsm_buf_str(&bar, ascii ? "#" : "█");
  if (!ascii) fsm_buf_str(&bar, eighths[parts % 8]);
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&bar));
  fsm_buf_free(&bar);
  return text == NULL ? "" : text;
}

void cli_figures_head(cli_run *cli, const char *what, const fsm_value *document) {
  const fsm_value *begins = fsm_map_get(document, "begins"), *until = fsm_map_get(document, "until");
  const bool archived = fsm_map_get(document, "archived") != NULL;
  fsm_buf_str(&cli->text, what);
  if (begins != NULL) fsm_buf_printf(&cli->text, "from %s ", cli_time(&cli->arena, begins));
  fsm_buf_printf(&cli->text, "to %s\n", until != NULL ? cli_time(&cli->arena, until) : "now");
  const fsm_value *filter = fsm_map_get(document, "filter");
  if (filter != NULL && fsm_is(filter, FSM_STRING)) {
    const long long count = cli_count_of(document, "instances");
    fsm_buf_printf(&cli->text, "only of %lld instance%s: ", count, count == 1 ? "" : "s");
    cli_escape(&cli->text, filter->s, filter->len);
    fsm_buf_char(&cli->text, '\n');
  }
  if (fsm_map_get(document, "left") != NULL)
    fsm_buf_printf(&cli->text,
                   "%lld records are of instances that have left the store: they are not counted\n",
                   (long long)cli_count_of(document, "left"));
  if (archived)
    fsm_buf_str(&cli->text, "older records of that time are not kept here: they are not counted\n");
  if (fsm_map_get(document, "cut") != NULL)
    fsm_buf_str(&cli->text, "there are more machines, states or events than have a row: -m tells of one\n");
}

/* ---- sections ---------------------------------------------------------------------------------------- */

fsm_code cli_section_print(cli_run *cli, const cli_section *section, const fsm_value *document,
                           fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, section->member);
  cli_table table;
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0) return FSM_OK;
  fsm_buf_char(&cli->text, '\n');
  cli_table_begin(&table, &cli->arena, section->columns, section->column_count);
  table.wide = cli->format == CLI_WIDE;
  for (uint32_t i = 0; i < items->len; i++)
    section->item(cli, &table, &cli->arena, document, &items->items[i]);
  return cli_table_print(&table, &cli->screen, &cli->text, err);
}

fsm_code cli_section_only(cli_run *cli, const cli_section *section, const fsm_value *document,
                          fsm_error *err) {
  const cli_pages pages = {.columns = section->columns,
                           .column_count = section->column_count,
                           .noun = section->noun,
                           .id = "state",
                           .item = section->item};
  fsm_pair pairs[3];
  unsigned count = 0;
  const fsm_value *items = fsm_map_get(document, section->member), *seq = fsm_map_get(document, "seq");
  pairs[count++] = (fsm_pair){fsm_string("items"), items != NULL ? *items : fsm_list(NULL, 0)};
  pairs[count++] = (fsm_pair){fsm_string("next"), fsm_null()};
  if (seq != NULL) pairs[count++] = (fsm_pair){fsm_string("seq"), *seq};
  const fsm_value page = {.type = FSM_MAP, .len = count, .pairs = pairs};
  return cli_items_print(cli, &pages, &page, err);
}
