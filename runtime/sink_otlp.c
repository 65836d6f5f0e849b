/* sink_otlp.c: OTLP over HTTP in the JSON mapping: spans to URL/v1/traces, log records to URL/v1/logs.
 *
 * A record is acknowledged when all of its signals are taken; one that is refused in one of them is parked. A
 * partial success says how many were rejected and not which: then, too, the part is divided until they are
 * alone. The specification would have nothing sent again there; but a record that was dropped and nobody
 * knows is worse than one that comes twice: spans have the same id each time, log records their event.id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/format_otlp.h"
#include "runtime/sink_otlp_span.h"
#include "runtime/sink_web.h"
#include "schema/json.h"

typedef struct otlp {
  fsm__spans *spans;
  char *traces_path, *logs_path;
} otlp;

typedef struct signal {
  const char *before, *middle, *behind; /* around the resource's attributes and the list */
  const char *rejected;                 /* in a partial success */
} signal;

static const signal of_spans = {"{\"resourceSpans\":[{\"resource\":{\"attributes\":",
                                "},\"scopeSpans\":[{\"scope\":{\"name\":\"fsmd\",\"version\":\"" FSM_VERSION
                                "\"},\"spans\":[",
                                "]}]}]}", "rejectedSpans"};
static const signal of_logs = {"{\"resourceLogs\":[{\"resource\":{\"attributes\":",
                               "},\"scopeLogs\":[{\"scope\":{\"name\":\"fsmd\",\"version\":\"" FSM_VERSION
                               "\"},\"logRecords\":[",
                               "]}]}]}", "rejectedLogRecords"};

static fsm_code gather(fsm__sink_web *s, const fsm__exported *out, fsm__web_item *item, fsm_error *err) {
  otlp *o = s->more;
  fsm_code code = FSM_OK;
  if (s->config->logs) code = fsm__format(s->formatter, out, &s->scratch, &s->text, err);
  item->len = s->text.len - item->at;
  item->span_at = s->text.len;
  if (code == FSM_OK && s->config->spans)
    code = fsm__span_append(o->spans, s->formatter, &s->view, out, &s->scratch, &s->text, err);
  item->span_len = s->text.len - item->span_at;
  if (code != FSM_OK && !s->text.failed) s->text.len = item->at;
  return code;
}

/* ---- one signal of a part ---- */

/* How many it has of that signal. */
static size_t make_body(fsm__sink_web *s, const signal *g, size_t from, size_t to) {
  size_t count = 0;
  fsm_buf_reset(&s->body);
  fsm_buf_str(&s->body, g->before);
  fsm__otlp_resource(&s->body, &s->env.origin, s->env.node);
  fsm_buf_str(&s->body, g->middle);
  for (size_t i = from; i < to; i++) {
    const fsm__web_item *item = &s->items[i];
    size_t at = g == &of_spans ? item->span_at : item->at, len = g == &of_spans ? item->span_len : item->len;
    if (item->settled || len == 0) continue;
    if (count++ > 0) fsm_buf_char(&s->body, ',');
    fsm_buf_add(&s->body, s->text.data + at, len);
  }
  fsm_buf_str(&s->body, g->behind);
  return count;
}

/* int64 of the JSON mapping: a number, or a text of one; more than that is as good as the most. */
static uint64_t number_of(const fsm_value *value) {
  uint64_t n = 0;
  if (value == NULL) return 0;
  if (fsm_is(value, FSM_INT)) return value->i > 0 ? (uint64_t)value->i : 0;
  if (!fsm_is(value, FSM_STRING)) return 0;
  for (uint32_t i = 0; i < value->len && value->s[i] >= '0' && value->s[i] <= '9' && n < UINT32_MAX; i++)
    n = n * 10 + (uint64_t)(value->s[i] - '0');
  return n;
}

/* How many of a part were rejected, by an answer that took it; *why says so. */
static uint64_t rejected_of(fsm__sink_web *s, const signal *g, const fsm_web_reply *reply, size_t sent,
                            fsm_error *why) {
  fsm_value doc;
  if (fsm_json_parse(&s->answer, reply->body, reply->body_len, FSM_JSON_SORTED, &doc, NULL) != FSM_OK)
    return 0; /* an answer need not have a body */
  const fsm_value *partial = fsm_map_get(&doc, "partialSuccess");
  const uint64_t rejected = partial != NULL ? number_of(fsm_map_get(partial, g->rejected)) : 0;
  if (rejected == 0) return 0;
  const fsm_value *text = fsm_map_get(partial, "errorMessage");
  bool told = text != NULL && fsm_is(text, FSM_STRING) && text->len > 0;
  (void)fsm_fail(why, FSM_EDATA, s->server, "%s: %llu of %zu%s: %.*s", g->rejected,
                 (unsigned long long)rejected, sent,
                 rejected < sent ? ", and which is not said, so all of them wait here" : "",
                 told ? (int)(text->len > 120 ? 120 : text->len) : 15, told ? text->s : "no reason given");
  return rejected;
}

static fsm_code post_signal(fsm__sink_web *s, const signal *g, size_t from, size_t to,
                            fsm_code (*again)(fsm__sink_web *, size_t, size_t, fsm_error *), fsm_error *err) {
  const otlp *o = s->more;
  const size_t sent = make_body(s, g, from, to);
  if (sent == 0) return FSM_OK;
  if (!fsm_buf_ok(&s->body)) return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a batch");
  fsm__web_post request = {.path = g == &of_spans ? o->traces_path : o->logs_path,
                           .type = "application/json",
                           .body = s->body.data,
                           .len = s->body.len};
  fsm_web_reply reply;
  fsm_error why = {0};
  fsm__web_verdict verdict = fsm__sink_web_send(s, &request, &reply, &why);
  const uint64_t rejected = verdict == FSM__WEB_TAKEN ? rejected_of(s, g, &reply, sent, &why) : 0;
  if (rejected > 0 && rejected < sent) { /* OTLP: what was taken in part is not sent again */
    fsm__sink_web_muddled(s, from, to, why.text);
    return FSM_OK;
  }
  if (rejected > 0) verdict = FSM__WEB_CONTENT; /* all of it: to send its halves doubles nothing */
  if (verdict == FSM__WEB_TAKEN) {
    s->row = 0;
    return FSM_OK;
  }
  if (verdict == FSM__WEB_CONTENT || verdict == FSM__WEB_TOO_MUCH)
    return fsm__sink_web_divide(s, from, to, verdict, &why, again, err);
  *err = why;
  return why.code;
}

static fsm_code post_spans(fsm__sink_web *s, size_t from, size_t to, fsm_error *err) {
  return post_signal(s, &of_spans, from, to, post_spans, err);
}

static fsm_code post_logs(fsm__sink_web *s, size_t from, size_t to, fsm_error *err) {
  return post_signal(s, &of_logs, from, to, post_logs, err);
}

static fsm_code post(fsm__sink_web *s, size_t from, size_t to, fsm_error *err) {
  fsm_code code = post_spans(s, from, to, err);
  if (code == FSM_OK) code = post_logs(s, from, to, err);
  for (size_t i = from; code == FSM_OK && i < to; i++)
    if (!s->items[i].settled) fsm__sink_web_took(s, i);
  return code;
}

/* ---- making it ---- */

static void end(fsm__sink_web *s) {
  otlp *o = s->more;
  if (o == NULL) return;
  fsm__spans_free(o->spans);
  free(o->traces_path);
  free(o->logs_path);
  free(o);
}

static fsm_code make_more(fsm__sink_web *s, fsm_error *err) {
  otlp *o = s->more = calloc(1, sizeof *o);
  s->end = end;
  if (o == NULL) return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a sink");
  size_t len = strlen(s->path);
  while (len > 0 && s->path[len - 1] == '/') len--;
  if (asprintf(&o->traces_path, "%.*s/v1/traces", (int)len, s->path) < 0) o->traces_path = NULL;
  if (asprintf(&o->logs_path, "%.*s/v1/logs", (int)len, s->path) < 0) o->logs_path = NULL;
  if (o->traces_path == NULL || o->logs_path == NULL)
    return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a sink");
  return fsm__spans_new(&o->spans, err);
}

fsm_code fsm__sink_otlp_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                             fsm_error *err) {
  FSM_ASSERT(config != NULL && env != NULL && out != NULL && (config->spans || config->logs));
  fsm__sink_web *s = calloc(1, sizeof *s);
  if (s == NULL) return fsm_fail(err, FSM_ENOMEM, config->name, "no memory for a sink");
  s->gather = gather;
  s->post = post;
  fsm_code code = fsm__sink_web_open(s, config, env, err);
  if (code == FSM_OK) code = make_more(s, err);
  if (code == FSM_OK)
    *out = &s->sink;
  else
    fsm__sink_web_close(s);
  return code;
}
