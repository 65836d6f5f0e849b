/* cmd_check.c: fsm-cli check: one line for a monitor: is all well, and by how much (Nagios plugin API: status
 * line, perfdata behind a bar, exit 0 ok, 1 warning, 2 critical, 3 unknown).
 *
 * What is looked at is one row of `checks`: a name, its thresholds, and where its value comes from. A daemon
 * that does not answer, is not ready or refuses commands is critical whatever the thresholds; wrong use and a
 * token that is not accepted are unknown: nothing was learnt about the daemon. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/find/list.h"
#include "tools/cli/find/metrics.h"

enum { WELL, WARNING, CRITICAL, UNKNOWN };
static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
static const char *const members[] = {"ok", "warning", "critical", "unknown"};

typedef enum check_of {
  STUCK,
  INCIDENTS,
  OUTBOX_LAG,
  PARKED,
  OVERDUE,
  MAP,
  OLDEST_VIEW,
  DISK,
  CHECK_COUNT
} check_of;

#define NEVER INFINITY

static const struct {
  const char *name, *unit; /* of perfdata; "B" and "s" are its own */
  double warn, critical;
  bool below; /* less is worse */
  const char *text;
} checks[CHECK_COUNT] = {
    [STUCK] = {"stuck", "", 1, NEVER, false, "instances in their state for --for"},
    [INCIDENTS] = {"incidents", "", 1, 100, false, "instances parked as an incident"},
    [OUTBOX_LAG] = {"outbox_lag", "", 10000, 1000000, false, "records that the slowest sink has not taken"},
    [PARKED] = {"parked", "", 1, 1000, false, "records that sinks have parked"},
    [OVERDUE] = {"overdue", "", 100, 10000, false, "timers and tasks that are late"},
    [MAP] = {"map", "%", 80, 95, false, "of the store's map that is used"},
    [OLDEST_VIEW] = {"oldest_view", "s", 60, 600, false, "the oldest view of the store"},
    [DISK] = {"disk", "B", 2147483648.0, 268435456.0, true, "bytes free on the disk"},
};

typedef struct finding {
  double value, warn, critical;
  bool known;
  int status;
} finding;

typedef struct verdict {
  finding findings[CHECK_COUNT];
  int status;
  const char *texts[CHECK_COUNT + 4]; /* what is wrong */
  size_t text_count;
  int64_t seq;
} verdict;

/* ---- thresholds ------------------------------------------------------------------------------------- */

static size_t check_named(const char *name, size_t len) {
  size_t i = 0;
  while (i < CHECK_COUNT && (strlen(checks[i].name) != len || memcmp(checks[i].name, name, len) != 0)) i++;
  return i;
}

/* NAME=VALUE; a value may have K, M, G behind it, or be `never`. */
static fsm_code set_threshold(verdict *v, const char *option, const char *text, fsm_error *err) {
  const size_t len = strcspn(text, "="), i = check_named(text, len);
  if (text[len] != '=' || i == CHECK_COUNT)
    return fsm_fail(
        err, FSM_EARGUMENT, option,
        "--%s takes NAME=VALUE, not \"%.64s\"; NAME is stuck, incidents, outbox_lag, parked, overdue, map, "
        "oldest_view or disk",
        option, text);
  const char *value = text + len + 1;
  char *end = NULL;
  double number = strtod(value, &end), factor = 1;
  if (strcmp(value, "never") == 0) {
    number = checks[i].below ? -1 : NEVER;
  } else {
    if (*end != 0 && strchr("KMG", *end) != NULL)
      factor = *end == 'K' ? 1024.0 : *end == 'M' ? 1048576.0 : 1073741824.0, end++;
    if (end == value || *end != 0 || !isfinite(number) || number < 0)
      return fsm_fail(err, FSM_EARGUMENT, option, "--%s %s: \"%.64s\" is no number (10, 2G) and not never",
                      option, checks[i].name, value);
  }
  finding *f = &v->findings[i];
  *(option[0] == 'w' ? &f->warn : &f->critical) = number * factor;
  return FSM_OK;
}

static fsm_code set_thresholds(const cli_args *args, verdict *v, fsm_error *err) {
  static const char *const options[] = {"warn", "critical"};
  for (size_t i = 0; i < CHECK_COUNT; i++)
    v->findings[i] = (finding){.warn = checks[i].warn, .critical = checks[i].critical};
  for (size_t o = 0; o < 2; o++) {
    const char *text = NULL;
    for (size_t n = 0; (text = cli_args_nth(args, options[o], n)) != NULL; n++) {
      fsm_code code = set_threshold(v, options[o], text, err);
      if (code != FSM_OK) return code;
    }
  }
  return FSM_OK;
}

/* ---- values ----------------------------------------------------------------------------------------- */

static void say(verdict *v, int status, const char *text) {
  if (status > v->status) v->status = status;
  if (text != NULL && v->text_count < sizeof v->texts / sizeof *v->texts) v->texts[v->text_count++] = text;
}

static bool past(check_of of, double value, double threshold) {
  return checks[of].below ? value <= threshold : value >= threshold;
}

static void found(cli_run *cli, verdict *v, check_of of, double value) {
  finding *f = &v->findings[of];
  f->known = true;
  f->value = value;
  f->status = past(of, value, f->critical) ? CRITICAL : past(of, value, f->warn) ? WARNING : WELL;
  if (f->status == WELL) return;
  const char *shown = strcmp(checks[of].unit, "B") == 0
                          ? cli_bytes(&cli->arena, (int64_t)value)
                          : fsm_arena_printf(&cli->arena, "%.0f%s", value, checks[of].unit);
  say(v, f->status, fsm_arena_printf(&cli->arena, "%s %s", checks[of].name, shown == NULL ? "" : shown));
}

static double number_at(const fsm_value *document, const char *name) {
  int64_t number = 0;
  (void)cli_number(fsm_map_get(document, name), &number);
  return (double)number;
}

static fsm_code look_at_health(cli_run *cli, verdict *v, fsm_error *err) {
  const fsm_query query = {.kind = FSM_QUERY_HEALTH};
  fsm_value health;
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &health, err);
  if (code != FSM_OK) return code;
  const fsm_value *status = fsm_map_get(&health, "status"), *refusing = fsm_map_get(&health, "refusing");
  if (status == NULL) return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no status; is that a fsmd?");
  if (refusing != NULL)
    say(v, CRITICAL,
        fsm_arena_printf(&cli->arena, "commands are refused: %s", cli_text(&cli->arena, refusing)));
  (void)cli_number(fsm_map_get(&health, "seq"), &v->seq);
  found(cli, v, INCIDENTS, number_at(&health, "incidents"));
  found(cli, v, OLDEST_VIEW, number_at(&health, "oldest_view_ns") / 1e9);
  found(cli, v, DISK, number_at(&health, "free_bytes"));
  return FSM_OK;
}

/* Those checks of /readyz that fail. It answers 503 then: its document is the problem. */
static fsm_code look_at_ready(cli_run *cli, verdict *v, fsm_error *err) {
  fsm_value ready;
  fsm_error fault = {0};
  fsm_code code = cli_source_get(&cli->source, "/readyz", &cli->arena, &ready, &fault);
  if (code == FSM_OK) return code;
  const fsm_value *list = fsm_map_get(&cli->source.problem, "checks");
  if (list == NULL || !fsm_is(list, FSM_LIST)) return fsm_fail(err, code, fault.where, "%s", fault.text);
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *status = fsm_map_get(&list->items[i], "status");
    if (status == NULL || fsm_is_text(status, "ok")) continue;
    say(v, CRITICAL,
        fsm_arena_printf(&cli->arena, "not ready: %s: %s", cli_field(&cli->arena, &list->items[i], "name"),
                         cli_field(&cli->arena, &list->items[i], "detail")));
  }
  say(v, CRITICAL, NULL);
  return FSM_OK;
}

static void look_at_sinks(cli_run *cli, verdict *v, const cli_metrics *m) {
  double lag = 0;
  for (size_t i = 0; i < m->count; i++) {
    const cli_metric *metric = &m->items[i];
    const char *sink = cli_metric_label(metric, "sink", &cli->arena);
    if (strcmp(metric->name, "fsm_sink_lag_records") == 0 && metric->value > lag) lag = metric->value;
    if (strcmp(metric->name, "fsm_sink_halted") == 0 && metric->value > 0)
      say(v, CRITICAL,
          fsm_arena_printf(&cli->arena, "sink %s has stopped",
                           sink == NULL ? "" : cli_safe(&cli->arena, sink)));
  }
  found(cli, v, OUTBOX_LAG, lag);
  found(cli, v, PARKED, cli_metric_sum(m, "fsm_sink_parked_records"));
}

static fsm_code look_at_metrics(cli_run *cli, verdict *v, fsm_error *err) {
  cli_metrics m;
  fsm_code code = cli_metrics_get(&cli->source, &cli->arena, &m, err);
  if (code != FSM_OK) return code;
  const double map = cli_metric_sum(&m, "fsm_store_map_bytes");
  look_at_sinks(cli, v, &m);
  found(cli, v, OVERDUE, cli_metric_sum(&m, "fsm_timers_overdue") + cli_metric_sum(&m, "fsm_tasks_overdue"));
  if (map > 0) found(cli, v, MAP, 100 * cli_metric_sum(&m, "fsm_store_used_bytes") / map);
  return FSM_OK;
}

/* Counted no further than the thresholds need. */
static fsm_code look_at_stuck(cli_run *cli, verdict *v, fsm_error *err) {
  const finding *f = &v->findings[STUCK];
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
  if (code == FSM_OK) found(cli, v, STUCK, count);
  return code;
}

/* ---- the line --------------------------------------------------------------------------------------- */

static void add_threshold(fsm_buf *out, check_of of, double value) {
  fsm_buf_char(out, ';');
  if (isfinite(value) && value >= 0) fsm_buf_printf(out, checks[of].below ? "%.0f:" : "%.0f", value);
}

static void add_perfdata(fsm_buf *out, const verdict *v) {
  fsm_buf_printf(out, " | seq=%lldc", (long long)v->seq);
  for (size_t i = 0; i < CHECK_COUNT; i++) {
    const finding *f = &v->findings[i];
    if (!f->known) continue;
    fsm_buf_printf(out, strcmp(checks[i].unit, "%") == 0 ? " %s=%.2f%s" : " %s=%.0f%s", checks[i].name,
                   f->value, checks[i].unit);
    add_threshold(out, (check_of)i, f->warn);
    add_threshold(out, (check_of)i, f->critical);
    fsm_buf_str(out, strcmp(checks[i].unit, "%") == 0 ? ";0;100" : ";0");
  }
}

static void add_line(fsm_buf *out, const verdict *v) {
  fsm_buf_printf(out, "FSMD %s: ", words[v->status]);
  for (size_t i = 0; i < v->text_count; i++) fsm_buf_printf(out, "%s%s", i == 0 ? "" : ", ", v->texts[i]);
  if (v->text_count == 0) fsm_buf_printf(out, "all is well at seq %lld", (long long)v->seq);
  add_perfdata(out, v);
  fsm_buf_char(out, '\n');
}

static fsm_value threshold(double value) {
  return isfinite(value) && value >= 0 ? fsm_double(value) : fsm_null();
}

static fsm_code document_of(fsm_arena *arena, const verdict *v, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_zalloc(arena, CHECK_COUNT, sizeof *items);
  fsm_value *texts = fsm_arena_zalloc(arena, v->text_count + 1, sizeof *texts);
  fsm_pair *top = fsm_arena_zalloc(arena, 4, sizeof *top);
  uint32_t count = 0;
  if (items == NULL || texts == NULL || top == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < CHECK_COUNT; i++) {
    const finding *f = &v->findings[i];
    fsm_pair *pairs = f->known ? fsm_arena_zalloc(arena, 6, sizeof *pairs) : NULL;
    if (pairs == NULL) continue;
    pairs[0] = (fsm_pair){fsm_string("name"), fsm_string(checks[i].name)};
    pairs[1] = (fsm_pair){fsm_string("status"), fsm_string(members[f->status])};
    pairs[2] = (fsm_pair){fsm_string("value"), fsm_double(f->value)};
    pairs[3] = (fsm_pair){fsm_string("warn"), threshold(f->warn)};
    pairs[4] = (fsm_pair){fsm_string("critical"), threshold(f->critical)};
    pairs[5] = (fsm_pair){fsm_string("text"), fsm_string(checks[i].text)};
    fsm_code code = fsm_map(pairs, 6, &items[count++], err);
    if (code != FSM_OK) return code;
  }
  for (size_t i = 0; i < v->text_count; i++) texts[i] = fsm_string(v->texts[i]);
  top[0] = (fsm_pair){fsm_string("status"), fsm_string(members[v->status])};
  top[1] = (fsm_pair){fsm_string("seq"), fsm_int(v->seq)};
  top[2] = (fsm_pair){fsm_string("items"), fsm_list(items, count)};
  top[3] = (fsm_pair){fsm_string("texts"), fsm_list(texts, (uint32_t)v->text_count)};
  return fsm_map(top, 4, out, err);
}

static fsm_code look(cli_run *cli, verdict *v, fsm_error *err) {
  fsm_code code = cli_connect(cli, true, err); /* files tell nothing about a daemon */
  if (code == FSM_OK) code = look_at_ready(cli, v, err);
  if (code == FSM_OK) code = look_at_health(cli, v, err);
  if (code == FSM_OK) code = look_at_metrics(cli, v, err);
  return code == FSM_OK && cli_args_has(&cli->args, "for") ? look_at_stuck(cli, v, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  verdict v = {0};
  fsm_value document;
  fsm_code code = set_thresholds(&cli->args, &v, err);
  if (code == FSM_OK) code = look(cli, &v, err);
  if (code != FSM_OK) return code;
  cli->exit = v.status;
  if (cli->json) {
    code = document_of(&cli->arena, &v, &document, err);
    return code == FSM_OK ? cli_print_json(cli, &document, err) : code;
  }
  add_line(&cli->text, &v);
  return cli_flush(cli, err);
}

/* A monitor reads the first line of stdout, whatever happens. */
static int fault(cli_run *cli, const fsm_error *err) {
  const int exit = fsm_code_exit(err->code);
  const bool down = exit == 9 || exit == 8 || exit == 1 || exit == 7;
  const int status = down ? CRITICAL : UNKNOWN;
  const bool named = err->where[0] != 0 && strstr(err->text, err->where) == NULL;
  fsm_buf_reset(&cli->text);
  fsm_buf_printf(&cli->text, "FSMD %s: %s%s%s\n", words[status],
                 named ? cli_safe(&cli->arena, err->where) : "", named ? ": " : "",
                 cli_safe(&cli->arena, err->text));
  const fsm_code printed = cli_flush(cli, NULL);
  return printed == FSM_OK ? status : UNKNOWN;
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
