/* metrics.c: the exposition format of /metrics, as far as this daemon writes it. */
#include "tools/cli/find/metrics.h"

#include <stdlib.h>
#include <string.h>

/* The closing brace of labels: a value may hold one. */
static const char *end_of_labels(const char *at) {
  bool quoted = false;
  for (; *at != 0 && *at != '\n' && (quoted || *at != '}'); at++) {
    if (quoted && *at == '\\' && at[1] != 0)
      at++;
    else if (*at == '"')
      quoted = !quoted;
  }
  return *at == '}' ? at : NULL;
}

/* name{labels} value */
static bool read_line(const char *line, fsm_arena *arena, cli_metric *out) {
  const size_t name = strcspn(line, "{ \n");
  const char *at = line + name, *labels = "";
  if (name == 0 || *line == '#') return false;
  if (*at == '{') {
    const char *end = end_of_labels(at + 1);
    if (end == NULL) return false;
    labels = fsm_arena_strndup(arena, at + 1, (size_t)(end - at - 1));
    at = end + 1;
  }
  char *stop = NULL;
  *out = (cli_metric){
      .name = fsm_arena_strndup(arena, line, name), .labels = labels, .value = strtod(at, &stop)};
  return stop != at && out->name != NULL && labels != NULL;
}

fsm_code cli_metrics_parse(const char *text, fsm_arena *arena, cli_metrics *out, fsm_error *err) {
  size_t lines = 1;
  for (const char *c = text; *c != 0; c++) lines += *c == '\n';
  cli_metric *items = fsm_arena_zalloc(arena, lines, sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the metrics");
  *out = (cli_metrics){.items = items};
  while (text != NULL && *text != 0) {
    if (read_line(text, arena, &items[out->count])) out->count++;
    text = strchr(text, '\n');
    if (text != NULL) text++;
  }
  return FSM_OK;
}

fsm_code cli_metrics_get(cli_source *source, fsm_arena *arena, cli_metrics *out, fsm_error *err) {
  const char *text = NULL;
  fsm_code code = cli_source_text(source, "/metrics", arena, &text, err);
  if (code == FSM_OK) code = cli_metrics_parse(text, arena, out, err);
  if (code == FSM_OK && out->count == 0)
    code = fsm_fail(err, FSM_EUNREACHABLE, "/metrics", "there are no metrics; is that a fsmd?");
  return code;
}

const char *cli_metric_label(const cli_metric *metric, const char *label, fsm_arena *arena) {
  const size_t len = strlen(label);
  const char *at = metric->labels;
  while (*at != 0) {
    const char *equals = strchr(at, '=');
    if (equals == NULL || equals[1] != '"') return NULL;
    const char *value = equals + 2, *end = value;
    while (*end != 0 && *end != '"') end += *end == '\\' && end[1] != 0 ? 2 : 1;
    if ((size_t)(equals - at) == len && memcmp(at, label, len) == 0) {
      char *out = fsm_arena_zalloc(arena, (size_t)(end - value) + 1, 1);
      for (char *o = out; out != NULL && value < end; value++)
        *o++ = *value == '\\' ? *++value == 'n' ? '\n' : *value : *value;
      return out;
    }
    at = *end == 0 ? end : end + 1;
    if (*at == ',') at++;
  }
  return NULL;
}

double cli_metric_sum(const cli_metrics *metrics, const char *name) {
  double sum = 0;
  for (size_t i = 0; i < metrics->count; i++)
    if (strcmp(metrics->items[i].name, name) == 0) sum += metrics->items[i].value;
  return sum;
}

double cli_metric_of(const cli_metrics *metrics, const char *name, const char *label, const char *value) {
  double sum = 0;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < metrics->count; i++) {
    if (strcmp(metrics->items[i].name, name) != 0) continue;
    const char *own = cli_metric_label(&metrics->items[i], label, &arena);
    if (own != NULL && strcmp(own, value) == 0) sum += metrics->items[i].value;
  }
  fsm_arena_free(&arena);
  return sum;
}
