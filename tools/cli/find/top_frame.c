/* top_frame.c: a frame of top: the daemon, what waits, the sinks, refusals, and where the instances are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/find/top.h"
#include "tools/cli/show/table.h"
#include "tools/cli/show/text.h"

enum { ROWS_MAX = 2000, REASONS_MAX = 6 };
static const double RATE_MIN_S = 0.1;

typedef struct row {
  const char *machine, *state;
  double count, change, mean_s, oldest_s; /* NAN: not known */
} row;

typedef struct frame {
  const top_sample *now, *before;
  fsm_arena *arena;
  const cli_screen *screen;
  fsm_buf *out;
  unsigned lines;
} frame;

/* ---- numbers ---------------------------------------------------------------------------------------- */

static double elapsed_s(const frame *f) {
  if (!f->before->known) return NAN;
  const double s = (double)(f->now->at_ns - f->before->at_ns) / 1e9;
  return s > 0 ? s : NAN;
}

/* A second; a daemon that has started anew counts from 0. In a moment its own answer to `top` is all it did.
 */
static double per_second(const frame *f, double now, double before) {
  const double over_s = elapsed_s(f), rate = (now - before) / over_s;
  return rate < 0 || over_s < RATE_MIN_S ? NAN : rate;
}

static double rate_of(const frame *f, const char *name) {
  return per_second(f, cli_metric_sum(&f->now->metrics, name), cli_metric_sum(&f->before->metrics, name));
}

static double rate_with(const frame *f, const char *name, const char *label, const char *value) {
  return per_second(f, cli_metric_of(&f->now->metrics, name, label, value),
                    cli_metric_of(&f->before->metrics, name, label, value));
}

static const char *text_of(const frame *f, int decimals, double number) {
  const char *text = isnan(number) ? "–" : fsm_arena_printf(f->arena, "%.*f", decimals, number);
  return text == NULL ? "" : text;
}

static const char *rate_text(const frame *f, double rate) {
  const char *text = fsm_arena_printf(f->arena, "%s/s", text_of(f, rate > 0 && rate < 10 ? 1 : 0, rate));
  return text == NULL ? "" : text;
}

static const char *age_text(const frame *f, double seconds) {
  return isnan(seconds) ? "–" : cli_age(f->arena, (int64_t)(seconds < 9e9 ? seconds : 9e9) * 1000000000);
}

static double sum(const frame *f, const char *name) { return cli_metric_sum(&f->now->metrics, name); }

/* ---- lines ------------------------------------------------------------------------------------------ */

static void line(frame *f, const char *text) {
  if (f->screen->rows > 0 && f->lines + 1 >= f->screen->rows) return;
  if (f->screen->columns > 0)
    cli_clip(f->out, text == NULL ? "" : text, f->screen->columns);
  else
    fsm_buf_str(f->out, text == NULL ? "" : text);
  fsm_buf_char(f->out, '\n');
  f->lines++;
}

static void add_daemon(frame *f) {
  const cli_metrics *m = &f->now->metrics;
  const char *version = NULL;
  for (size_t i = 0; i < m->count && version == NULL; i++)
    if (strcmp(m->items[i].name, "fsm_build_info") == 0)
      version = cli_metric_label(&m->items[i], "version", f->arena);
  line(f,
       fsm_arena_printf(f->arena, "fsmd %s · seq %.0f · taken %s · refused %s · records %s%s",
                        version == NULL ? "" : cli_safe(f->arena, version), sum(f, "fsm_seq"),
                        rate_text(f, rate_with(f, "fsm_commands_total", "outcome", "taken")),
                        rate_text(f, rate_of(f, "fsm_refusals_total")), rate_text(f, rate_of(f, "fsm_seq")),
                        sum(f, "fsm_up") > 0 ? "" : " · COMMANDS ARE REFUSED"));
  const double map = sum(f, "fsm_store_map_bytes");
  line(f, fsm_arena_printf(f->arena,
                           "queue %.0f · store lag %.0f · map %.1f%% · oldest view %s · cpu %s%% · memory %s",
                           sum(f, "fsm_queue_commands"), sum(f, "fsm_store_lag_records"),
                           map > 0 ? 100 * sum(f, "fsm_store_used_bytes") / map : 0,
                           age_text(f, sum(f, "fsm_store_oldest_reader_seconds")),
                           text_of(f, 0, 100 * rate_of(f, "process_cpu_seconds_total")),
                           cli_bytes(f->arena, (int64_t)sum(f, "process_resident_memory_bytes"))));
  line(f,
       fsm_arena_printf(
           f->arena,
           "incidents %.0f · timers %.0f, %.0f late · tasks %.0f, %.0f late · messages %.0f, %.0f late",
           sum(f, "fsm_incidents"), sum(f, "fsm_timers"), sum(f, "fsm_timers_overdue"), sum(f, "fsm_tasks"),
           sum(f, "fsm_tasks_overdue"), sum(f, "fsm_messages"), sum(f, "fsm_messages_overdue")));
}

static void add_refusals(frame *f) {
  const char *text = NULL;
  unsigned shown = 0;
  for (size_t i = 0; i < f->now->metrics.count && shown < REASONS_MAX; i++) {
    const cli_metric *metric = &f->now->metrics.items[i];
    if (strcmp(metric->name, "fsm_refusals_total") != 0) continue;
    const char *reason = cli_metric_label(metric, "reason", f->arena);
    const double rate = reason == NULL ? 0 : rate_with(f, metric->name, "reason", reason);
    if (!(rate > 0)) continue;
    text = fsm_arena_printf(f->arena, "%s%s %s %s", text == NULL ? "refused:" : text, shown++ == 0 ? "" : ",",
                            cli_safe(f->arena, reason), rate_text(f, rate));
  }
  if (text != NULL) line(f, text);
}

static void add_sinks(frame *f) {
  const cli_metrics *m = &f->now->metrics;
  for (size_t i = 0; i < m->count; i++) {
    if (strcmp(m->items[i].name, "fsm_sink_lag_records") != 0) continue;
    const char *sink = cli_metric_label(&m->items[i], "sink", f->arena);
    if (sink == NULL) continue;
    const bool halted = cli_metric_of(m, "fsm_sink_halted", "sink", sink) > 0,
               up = cli_metric_of(m, "fsm_sink_up", "sink", sink) > 0;
    line(f, fsm_arena_printf(
                f->arena, "sink %s: %s · lag %.0f, %s · %s · parked %.0f", cli_safe(f->arena, sink),
                halted ? "STOPPED"
                : up   ? "up"
                       : "DOWN",
                m->items[i].value, age_text(f, cli_metric_of(m, "fsm_sink_lag_seconds", "sink", sink)),
                rate_text(f, rate_with(f, "fsm_sink_published_total", "sink", sink)),
                cli_metric_of(m, "fsm_sink_parked_records", "sink", sink)));
  }
}

/* ---- where the instances are ------------------------------------------------------------------------ */

static const cli_metric *same(const cli_metrics *m, const char *name, const char *labels) {
  for (size_t i = 0; i < m->count; i++)
    if (strcmp(m->items[i].labels, labels) == 0 && strcmp(m->items[i].name, name) == 0) return &m->items[i];
  return NULL;
}

/* The oldest stands in the highest bucket with anyone in it: it is older than where that begins. */
static double oldest(const frame *f, const char *labels, double count) {
  const cli_metrics *m = &f->now->metrics;
  const size_t len = strlen(labels);
  double begins = 0;
  for (size_t i = 0; i < m->count; i++) {
    const cli_metric *metric = &m->items[i];
    if (strcmp(metric->name, "fsm_state_age_seconds_bucket") != 0) continue;
    if (strncmp(metric->labels, labels, len) != 0 || metric->labels[len] != ',') continue;
    const char *le = cli_metric_label(metric, "le", f->arena);
    const double end = le == NULL ? NAN : strtod(le, NULL);
    if (metric->value < count && isfinite(end) && end > begins) begins = end;
  }
  return begins;
}

static size_t rows_of(const frame *f, row *rows) {
  const cli_metrics *m = &f->now->metrics;
  size_t count = 0;
  for (size_t i = 0; i < m->count && count < ROWS_MAX; i++) {
    const cli_metric *metric = &m->items[i];
    if (metric->value <= 0 || strcmp(metric->name, "fsm_instances") != 0) continue;
    const cli_metric *was = same(&f->before->metrics, metric->name, metric->labels);
    const cli_metric *ages = same(m, "fsm_state_age_seconds_sum", metric->labels);
    const char *machine = cli_metric_label(metric, "machine", f->arena),
               *state = cli_metric_label(metric, "state", f->arena);
    rows[count++] = (row){.machine = machine == NULL ? "" : machine,
                          .state = state == NULL ? "" : state,
                          .count = metric->value,
                          .change = f->before->known ? metric->value - (was == NULL ? 0 : was->value) : NAN,
                          .mean_s = ages == NULL ? NAN : ages->value / metric->value,
                          .oldest_s = ages == NULL ? NAN : oldest(f, metric->labels, metric->value)};
  }
  return count;
}

static int by_name(const void *a, const void *b) {
  const row *x = a, *y = b;
  const int machines = strcmp(x->machine, y->machine);
  return machines != 0 ? machines : strcmp(x->state, y->state);
}

static int by_count(const void *a, const void *b) {
  const row *x = a, *y = b;
  return x->count > y->count ? -1 : x->count < y->count ? 1 : by_name(a, b);
}

static int by_oldest(const void *a, const void *b) {
  const row *x = a, *y = b;
  const double p = isnan(x->oldest_s) ? -1 : x->oldest_s, q = isnan(y->oldest_s) ? -1 : y->oldest_s;
  return p > q ? -1 : p < q ? 1 : by_count(a, b);
}

static void add_row(const frame *f, cli_table *table, const row *r) {
  const char *older = isnan(r->oldest_s) ? "–" : fsm_arena_printf(f->arena, "> %s", age_text(f, r->oldest_s));
  const char *change =
      r->change == 0 || isnan(r->change) ? "" : fsm_arena_printf(f->arena, "%+.0f", r->change);
  const char *cells[] = {
      r->machine, r->state, text_of(f, 0, r->count), change == NULL ? "" : change, age_text(f, r->mean_s),
      older};
  cli_table_row(table, cells);
}

static void add_states(frame *f, const top_view *view) {
  static const cli_column columns[] = {{.title = "MACHINE", .min = 10, .shrink = 2},
                                       {.title = "STATE", .min = 14, .shrink = 1, .keep_end = true},
                                       {.title = "COUNT", .right = true},
                                       {.title = "CHANGE", .right = true},
                                       {.title = "MEAN", .right = true, .may_go = true},
                                       {.title = "OLDEST", .right = true}};
  static int (*const orders[])(const void *, const void *) = {by_count, by_oldest, by_name};
  row *rows = fsm_arena_zalloc(f->arena, ROWS_MAX, sizeof *rows);
  if (rows == NULL) return;
  const size_t count = rows_of(f, rows);
  qsort(rows, count, sizeof *rows, orders[view->sort]);
  const size_t room = f->screen->rows == 0             ? count
                      : f->screen->rows > f->lines + 3 ? f->screen->rows - f->lines - 3
                                                       : 0;
  const size_t last = count > room ? count - room : 0, first = view->first < last ? view->first : last;
  cli_table table;
  fsm_error ignored;
  cli_table_begin(&table, f->arena, columns, sizeof columns / sizeof *columns);
  for (size_t i = first; i < count && i < first + room; i++) add_row(f, &table, &rows[i]);
  if (cli_table_print(&table, f->screen, f->out, &ignored) != FSM_OK) return;
  f->lines += 1 + (unsigned)table.rows;
  if (count > room) line(f, fsm_arena_printf(f->arena, "… %zu of %zu", first + table.rows, count));
}

void top_frame(const top_sample *now, const top_sample *before, const top_view *view,
               const cli_screen *screen, fsm_buf *out) {
  static const char *const sorts[] = {"count", "age", "name"};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  frame f = {.now = now, .before = before, .arena = &arena, .screen = screen, .out = out};
  if (view->fault != NULL) line(&f, fsm_arena_printf(&arena, "NO ANSWER: %s", view->fault));
  if (now->known) {
    add_daemon(&f);
    add_refusals(&f);
    add_sinks(&f);
    line(&f, "");
    add_states(&f, view);
  }
  if (screen->rows > 0) {
    const char *keys = fsm_arena_printf(&arena, "%sby %s · q ends, p pauses, s sorts, j k scroll",
                                        view->paused ? "PAUSED · " : "", sorts[view->sort]);
    while (f.lines + 1 < screen->rows) fsm_buf_char(out, '\n'), f.lines++;
    cli_clip(out, keys == NULL ? "" : keys, screen->columns);
  }
  fsm_arena_free(&arena);
}
