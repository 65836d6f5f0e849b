/* route.c: queries as paths. */
#include "tools/cli/route.h"

#include <stdio.h>
#include <string.h>

#include "runtime/filter.h"
#include "runtime/web.h"

enum { NS_PER_MS = 1000000 };

void cli_route_instance(fsm_buf *buf, const char *ref, const char *tail) {
  fsm_buf_str(buf, "/v1/instances/");
  fsm_web_escape(buf, ref, strlen(ref));
  fsm_buf_str(buf, tail);
}

static void param(fsm_buf *buf, char *separator, const char *name, const char *value) {
  if (value == NULL) return;
  fsm_buf_char(buf, *separator);
  *separator = '&';
  fsm_buf_str(buf, name);
  fsm_buf_char(buf, '=');
  fsm_web_escape(buf, value, strlen(value));
}

static void page(fsm_buf *buf, char *separator, const fsm_query *query) {
  char text[32];
  snprintf(text, sizeof text, "%u", query->limit);
  param(buf, separator, "limit", query->limit > 0 ? text : NULL);
  param(buf, separator, "after", query->after);
  param(buf, separator, "before", query->before);
  param(buf, separator, "brief", query->brief ? "true" : NULL);
}

static void filter(fsm_buf *buf, char *separator, const fsm_query *query) {
  const char *name, *value;
  for (size_t i = 0; query->filter != NULL && fsm_filter_at(query->filter, i, &name, &value); i++)
    param(buf, separator, name, value);
}

/* A list: with commas between; labels: name=value, one each. */
static void records(fsm_buf *buf, char *separator, const fsm_value *filter) {
  for (uint32_t i = 0; fsm_is(filter, FSM_MAP) && i < filter->len; i++) {
    const fsm_pair *pair = &filter->pairs[i];
    const fsm_value *value = &pair->value;
    fsm_buf name = {0}, text = {0};
    fsm_buf_add(&name, pair->key.s, pair->key.len);
    if (fsm_is(value, FSM_STRING)) fsm_buf_add(&text, value->s, value->len);
    if (fsm_is(value, FSM_INT)) fsm_buf_printf(&text, "%lld", (long long)value->i);
    for (uint32_t j = 0; fsm_is(value, FSM_LIST) && j < value->len; j++)
      fsm_buf_printf(&text, "%s%.*s", j > 0 ? "," : "", (int)value->items[j].len, value->items[j].s);
    if (!fsm_is(value, FSM_MAP)) param(buf, separator, fsm_buf_text(&name), fsm_buf_text(&text));
    for (uint32_t j = 0; fsm_is(value, FSM_MAP) && j < value->len; j++) {
      const fsm_pair *label = &value->pairs[j];
      fsm_buf_reset(&text);
      fsm_buf_printf(&text, "%.*s=%.*s", (int)label->key.len, label->key.s, (int)label->value.len,
                     label->value.s);
      param(buf, separator, "label", fsm_buf_text(&text));
    }
    if (!fsm_buf_ok(&name) || !fsm_buf_ok(&text)) buf->failed = true;
    fsm_buf_free(&name);
    fsm_buf_free(&text);
  }
}

static void params(fsm_buf *buf, const fsm_query *query) {
  char separator = '?', text[32];
  filter(buf, &separator, query);
  param(buf, &separator, "q", query->text);
  param(buf, &separator, "since", query->since);
  param(buf, &separator, "until", query->until);
  param(buf, &separator, "machine", query->machine);
  param(buf, &separator, "state", query->state);
  param(buf, &separator, "status", query->status);
  param(buf, &separator, "key", query->key);
  param(buf, &separator, "service", query->service);
  if (query->kind == FSM_QUERY_TASKS || query->kind == FSM_QUERY_TIMERS)
    param(buf, &separator, "instance", query->ref);
  if (query->late) param(buf, &separator, "late", "true");
  param(buf, &separator, "with", query->with);
  param(buf, &separator, "by", query->by);
  param(buf, &separator, "sum", query->sum);
  param(buf, &separator, "correlation", query->correlation);
  param(buf, &separator, "user", query->user);
  param(buf, &separator, "as_of", query->as_of);
  records(buf, &separator, &query->records);
  if (query->for_ns > 0) {
    int64_t ms = query->for_ns / NS_PER_MS + (query->for_ns % NS_PER_MS != 0);
    snprintf(text, sizeof text, "%lldms", (long long)ms);
    param(buf, &separator, "for", text);
  }
  page(buf, &separator, query);
}

static void machine(fsm_buf *buf, const fsm_query *query) {
  fsm_buf_str(buf, "/v1/machines/");
  fsm_web_escape(buf, query->machine, strlen(query->machine));
  if (query->version > 0) fsm_buf_printf(buf, "?version=%u", query->version);
}

static void versions(fsm_buf *buf, const fsm_query *query) {
  char separator = '?';
  fsm_buf_str(buf, "/v1/machines/");
  fsm_web_escape(buf, query->machine, strlen(query->machine));
  fsm_buf_str(buf, "/versions");
  page(buf, &separator, query);
}

/* Figures: of a machine, or of all. */
static void range(fsm_buf *buf, const fsm_query *query) {
  char separator = '?', text[32];
  if (query->kind == FSM_QUERY_FUNNEL) {
    fsm_buf_str(buf, "/v1/machines/");
    fsm_web_escape(buf, query->machine, strlen(query->machine));
    fsm_buf_str(buf, "/funnel");
  } else {
    fsm_buf_str(buf, "/v1/stats");
    param(buf, &separator, "machine", query->machine);
  }
  const char *name, *value; /* since and until are the figures' own */
  for (size_t i = 0; query->filter != NULL && fsm_filter_at(query->filter, i, &name, &value); i++) {
    const bool creation = strcmp(name, "since") == 0 || strcmp(name, "until") == 0;
    snprintf(text, sizeof text, "created_%s", name);
    param(buf, &separator, creation ? text : name, value);
  }
  param(buf, &separator, "since", query->since);
  param(buf, &separator, "until", query->until);
  snprintf(text, sizeof text, "%lldms", (long long)(query->every_ns / NS_PER_MS));
  param(buf, &separator, "every", query->every_ns > 0 ? text : NULL);
  param(buf, &separator, "after", query->after);
}

static void routes(fsm_buf *buf, const fsm_query *query) {
  fsm_buf_str(buf, "/v1/routes");
  if (query->ref == NULL) return;
  fsm_buf_char(buf, '/');
  fsm_web_escape(buf, query->ref, strlen(query->ref));
}

static void cause(fsm_buf *buf, const fsm_query *query) {
  fsm_buf_str(buf, "/v1/records/");
  fsm_web_escape(buf, query->ref, strlen(query->ref));
  fsm_buf_str(buf, query->down ? "/cause?down=true" : "/cause");
}

void cli_route(fsm_buf *buf, const fsm_query *query) {
  switch (query->kind) {
    case FSM_QUERY_INSTANCE: cli_route_instance(buf, query->ref, ""); break;
    case FSM_QUERY_EVENTS: cli_route_instance(buf, query->ref, "/events"); return;
    case FSM_QUERY_WHY: cli_route_instance(buf, query->ref, "/why"); return;
    case FSM_QUERY_HISTORY: cli_route_instance(buf, query->ref, "/history"); break;
    case FSM_QUERY_RECORDS: fsm_buf_str(buf, "/v1/records"); break;
    case FSM_QUERY_CAUSE: cause(buf, query); return;
    case FSM_QUERY_SEARCH: fsm_buf_str(buf, "/v1/search"); break;
    case FSM_QUERY_LIST: fsm_buf_str(buf, "/v1/instances"); break;
    case FSM_QUERY_STUCK: fsm_buf_str(buf, "/v1/stuck"); break;
    case FSM_QUERY_GROUPS: fsm_buf_str(buf, "/v1/groups"); break;
    case FSM_QUERY_ACTORS: fsm_buf_str(buf, "/v1/actors"); break;
    case FSM_QUERY_COUNTS: fsm_buf_str(buf, "/v1/counts"); break;
    case FSM_QUERY_MACHINES: fsm_buf_str(buf, "/v1/machines"); break;
    case FSM_QUERY_VERSIONS: versions(buf, query); return;
    case FSM_QUERY_MACHINE: machine(buf, query); return;
    case FSM_QUERY_TASKS: fsm_buf_str(buf, "/v1/tasks"); break;
    case FSM_QUERY_TIMERS: fsm_buf_str(buf, "/v1/timers"); break;
    case FSM_QUERY_TASK:
      fsm_buf_str(buf, "/v1/tasks/");
      fsm_web_escape(buf, query->ref, strlen(query->ref));
      return;
    case FSM_QUERY_STATS:
    case FSM_QUERY_FUNNEL: range(buf, query); return;
    case FSM_QUERY_ROUTES: routes(buf, query); break;
    case FSM_QUERY_ROUTE_TEST: fsm_buf_str(buf, "/v1/routes/test"); return; /* with a body: a POST */
    case FSM_QUERY_HEALTH: fsm_buf_str(buf, "/healthz"); return;
    case FSM_QUERY_GAUGES: fsm_buf_str(buf, "/metrics"); return;
  }
  params(buf, query);
}
