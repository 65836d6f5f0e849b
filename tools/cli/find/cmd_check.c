/* cmd_check.c: fsm-cli check: one line for a monitor: is all well, and by how much (Nagios plugin API: status
 * line, perfdata behind a bar, exit 0 ok, 1 warning, 2 critical, 3 unknown).
 *
 * Here is where the value of each row of check_thresholds.c comes from. A daemon that does not answer, is not
 * ready or refuses commands is critical whatever the thresholds; wrong use and a token that is not accepted
 * are unknown: nothing was learnt about the daemon. */
#include <math.h>
#include <string.h>

#include "tools/cli/find/check.h"
#include "tools/cli/find/list.h"
#include "tools/cli/find/metrics.h"

/* ---- values ----------------------------------------------------------------------------------------- */

static void say(cli_verdict *v, int status, const char *text) {
  if (status > v->status) v->status = status;
  if (text != NULL && v->text_count < sizeof v->texts / sizeof *v->texts) v->texts[v->text_count++] = text;
}

static bool past(cli_check_of of, double value, double threshold) {
  return cli_checks[of].below ? value <= threshold : value >= threshold;
}

static void found(cli_run *cli, cli_verdict *v, cli_check_of of, double value) {
  cli_finding *f = &v->findings[of];
  f->known = true;
  f->value = value;
  f->status = past(of, value, f->critical) ? CLI_CRITICAL : past(of, value, f->warn) ? CLI_WARNING : CLI_WELL;
  if (f->status == CLI_WELL) return;
  const char *shown = strcmp(cli_checks[of].unit, "B") == 0
                          ? cli_bytes(&cli->arena, (int64_t)value)
                          : fsm_arena_printf(&cli->arena, "%.0f%s", value, cli_checks[of].unit);
  say(v, f->status, fsm_arena_printf(&cli->arena, "%s %s", cli_checks[of].name, shown == NULL ? "" : shown));
}

static double number_at(const fsm_value *document, const char *name) {
  int64_t number = 0;
  (void)cli_number(fsm_map_get(document, name), &number);
  return (double)number;
}

static fsm_code look_at_health(cli_run *cli, cli_verdict *v, fsm_error *err) {
  const fsm_query query = {.kind = FSM_QUERY_HEALTH};
  fsm_value health;
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &health, err);
  if (code != FSM_OK) return code;
  const fsm_value *status = fsm_map_get(&health, "status"), *refusing = fsm_map_get(&health, "refusing");
  if (status == NULL) return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no status; is that a fsmd?");
  if (refusing != NULL)
    say(v, CLI_CRITICAL,
        fsm_arena_printf(&cli->arena, "commands are refused: %s", cli_text(&cli->arena, refusing)));
  (void)cli_number(fsm_map_get(&health, "seq"), &v->seq);
  found(cli, v, CLI_CHECK_INCIDENTS, number_at(&health, "incidents"));
  found(cli, v, CLI_CHECK_OLDEST_VIEW, number_at(&health, "oldest_view_ns") / 1e9);
  found(cli, v, CLI_CHECK_DISK, number_at(&health, "free_bytes"));
  return FSM_OK;
}

/* Those checks of /readyz that fail. It answers 503 then: its document is the problem. */
static fsm_code look_at_ready(cli_run *cli, cli_verdict *v, fsm_error *err) {
  fsm_value ready;
  fsm_error fault = {0};
  fsm_code code = cli_source_get(&cli->source, "/readyz", &cli->arena, &ready, &fault);
  if (code == FSM_OK) return code;
  const fsm_value *list = fsm_map_get(&cli->source.problem, "checks");
  if (list == NULL || !fsm_is(list, FSM_LIST)) return fsm_fail(err, code, fault.where, "%s", fault.text);
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *status = fsm_map_get(&list->items[i], "status");
    if (status == NULL || fsm_is_text(status, "ok")) continue;
    say(v, CLI_CRITICAL,
        fsm_arena_printf(&cli->arena, "not ready: %s: %s", cli_field(&cli->arena, &list->items[i], "name"),
                         cli_field(&cli->arena, &list->items[i], "detail")));
  }
  say(v, CLI_CRITICAL, NULL);
  return FSM_OK;
}

static void look_at_sinks(cli_run *cli, cli_verdict *v, const cli_metrics *m) {
  double lag = 0;
  for (size_t i = 0; i < m->count; i++) {
    const cli_metric *metric = &m->items[i];
    const char *sink = cli_metric_label(metric, "sink", &cli->arena);
    if (strcmp(metric->name, "fsm_sink_lag_records") == 0 && metric->value > lag) lag = metric->value;
    if (strcmp(metric->name, "fsm_sink_halted") == 0 && metric->value > 0)
      say(v, CLI_CRITICAL,
          fsm_arena_printf(&cli->arena, "sink %s has stopped",
                           sink == NULL ? "" : cli_safe(&cli->arena, sink)));
  }
  found(cli, v, CLI_CHECK_OUTBOX_LAG, lag);
  found(cli, v, CLI_CHECK_PARKED, cli_metric_sum(m, "fsm_sink_parked_records"));
}

static fsm_code look_at_metrics(cli_run *cli, cli_verdict *v, fsm_error *err) {
  cli_metrics m;
  fsm_code code = cli_metrics_get(&cli->source, &cli->arena, &m, err);
  if (code != FSM_OK) return code;
  const double map = cli_metric_sum(&m, "fsm_store_map_bytes");
  look_at_sinks(cli, v, &m);
  found(cli, v, CLI_CHECK_OVERDUE,
        cli_metric_sum(&m, "fsm_timers_overdue") + cli_metric_sum(&m, "fsm_tasks_overdue"));
  if (map > 0) found(cli, v, CLI_CHECK_MAP, 100 * cli_metric_sum(&m, "fsm_store_used_bytes") / map);
  return FSM_OK;
}

/* Counted no further than the thresholds need. */
static fsm_code look_at_stuck(cli_run *cli, cli_verdict *v, fsm_error *err) {
  const cli_finding *f = &v->findings[CLI_CHECK_STUCK];
  const double enough = isfinite(f->critical) ? f->critical : isfinite(f->warn) ? f->warn : 1;
  fsm_filter *filter = NULL;
  fsm_code code = cli_list_filter(cli, NULL, &filter, err);
  fsm_query query = {.kind = FSM_QUERY_STUCK, .filter = filter, .limit = FSM_PAGE_MAX};
  double count = 0;
  for (bool more = true; code == FSM_OK && more && count < enough + 1;) {
    fsm_value document;
    code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
    const fsm_value *items = code == FSM_OK ? fsm_map_get(&document, "items") : NULL;
    const fsm_value *next = code == FSM_OK ? fsm_map_get(&document, "next") : NULL;
    if (items != NULL && fsm_is(items, FSM_LIST)) count += items->len;
    more = next != NULL && fsm_is(next, FSM_STRING);
    if (more) query.after = fsm_arena_strndup(&cli->arena, next->s, next->len);
    more = more && query.after != NULL;
  }
  fsm_filter_free(filter);
  if (code == FSM_OK) found(cli, v, CLI_CHECK_STUCK, count);
  return code;
}

static fsm_code look(cli_run *cli, cli_verdict *v, fsm_error *err) {
  fsm_code code = cli_connect(cli, true, err); /* files tell nothing about a daemon */
  if (code == FSM_OK) code = look_at_ready(cli, v, err);
  if (code == FSM_OK) code = look_at_health(cli, v, err);
  if (code == FSM_OK) code = look_at_metrics(cli, v, err);
  return code == FSM_OK && cli_args_has(&cli->args, "for") ? look_at_stuck(cli, v, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_verdict v = {0};
  fsm_value document;
  fsm_code code = cli_check_thresholds(&cli->args, &v, err);
  if (code == FSM_OK) code = look(cli, &v, err);
  if (code != FSM_OK) return code;
  cli->exit = v.status;
  if (cli->json) {
    code = cli_check_document(&cli->arena, &v, &document, err);
    return code == FSM_OK ? cli_print_json(cli, &document, err) : code;
  }
  cli_check_line(&cli->text, &v);
  return cli_flush(cli, err);
}

/* A monitor reads the first line of stdout, whatever happens. */
static int fault(cli_run *cli, const fsm_error *err) {
  const int exit = fsm_code_exit(err->code);
  const bool down = exit == 9 || exit == 8 || exit == 1 || exit == 7;
  const int status = down ? CLI_CRITICAL : CLI_UNKNOWN;
  const bool named = err->where[0] != 0 && strstr(err->text, err->where) == NULL;
  fsm_buf_reset(&cli->text);
  fsm_buf_printf(&cli->text, "FSMD %s: %s%s%s\n", cli_check_word(status),
                 named ? cli_safe(&cli->arena, err->where) : "", named ? ": " : "",
                 cli_safe(&cli->arena, err->text));
  const fsm_code printed = cli_flush(cli, NULL);
  return printed == FSM_OK ? status : CLI_UNKNOWN;
}

static const cli_option options[] = {
    CLI_FILTER CLI_FILTER_STATUS{"warn", 0, "NAME=VALUE", "warning from this value on; never", true},
    {"critical", 0, "NAME=VALUE", "critical from this value on; never", true},
    {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {
    "check", "check --for 1d -s awaitingApproval --warn stuck=5 --critical stuck=50",
    "check --critical disk=1G --warn incidents=never -o json", NULL};

extern const cli_command cli_check;
const cli_command cli_check = {
    .group = "",
    .heading = CLI_OTHER,
    .name = "check",
    .words = "",
    .summary = "one line for a monitor (Nagios, Icinga): exit 0, 1, 2, 3",
    .more =
        "NAME and its defaults (warning, critical): stuck 1, never: instances in their state for\n"
        "--for, of FILTER; incidents 1, 100; outbox_lag 10000, 1000000: records that the slowest\n"
        "sink has not taken; parked 1, 1000; overdue 100, 10000: timers and tasks; map 80, 95:\n"
        "percent of the store's map; oldest_view 60, 600: seconds; disk 2G, 256M: bytes free,\n"
        "less is worse.\n\n"
        "Critical, too: nobody answers, it is not ready, it refuses commands, a sink has\n"
        "stopped. Unknown: wrong use, a token that is not accepted.",
    .options = options,
    .examples = examples,
    .reads = true,
    .run = run,
    .fault = fault};
