/* sink_otlp_span.c: see sink_otlp_span.h. */
#include "runtime/sink_otlp_span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/format_otlp.h"
#include "runtime/span.h"
#include "schema/json.h"

enum { KIND_INTERNAL = 1, STATUS_ERROR = 2 }; /* of opentelemetry-proto trace.proto */

typedef struct identity {
  uint64_t seq; /* 0 = none */
  char trace[33], span[17];
} identity;

struct fsm__spans {
  identity known[FSM_SPANS_KNOWN]; /* at seq % FSM_SPANS_KNOWN */
};

fsm_code fsm__spans_new(fsm__spans **out, fsm_error *err) {
  *out = calloc(1, sizeof **out);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "spans", "no memory for spans");
}

void fsm__spans_free(fsm__spans *spans) { free(spans); }

/* ---- who it is ---- */

static bool is_span(const fsm_record *record) {
  return record->inst != NULL && record->kind != FSM_RECORD_REJECTED;
}

static const identity *identify(fsm__spans *spans, const fsm_origin *origin, const fsm_record *record) {
  identity *i = &spans->known[record->seq % FSM_SPANS_KNOWN];
  char caller[17];
  uint8_t span[8];
  unsigned flags;
  fsm__span_id(origin, record->seq, span);
  fsm__hex(span, sizeof span, i->span);
  if (!fsm__otlp_trace(record, i->trace, caller, &flags)) {
    const char *of = record->corr != NULL ? record->corr : record->inst;
    fsm__hash hash = fsm__sha256(of, strlen(of));
    hash.bytes[15] |= 1;
    fsm__hex(hash.bytes, 16, i->trace);
  }
  i->seq = record->seq;
  return i;
}

/* Of the instance's previous record; NULL: it is archived, or cannot be read now. */
static const identity *previous(fsm__spans *spans, const fsm__sink_view *view, uint64_t seq,
                                fsm_arena *scratch) {
  const identity *i = &spans->known[seq % FSM_SPANS_KNOWN];
  fsm__exported exported = {0};
  fsm_record record;
  if (i->seq == seq) return i;
  if (view->read == NULL || view->read(view->arg, seq, scratch, &exported, NULL) != FSM_OK) return NULL;
  if (fsm_record_decode(scratch, exported.data, exported.len, &record, NULL) != FSM_OK) return NULL;
  return is_span(&record) ? identify(spans, &exported.origin, &record) : NULL;
}

/* ---- the span ---- */

static void put_name(fsm_buf *out, const fsm_record *r) {
  char name[FSM_TEXT_MAX];
  bool by_event = r->trigger != NULL && (r->kind == FSM_RECORD_TRANSITION || r->kind == FSM_RECORD_CONTEXT);
  int len = snprintf(name, sizeof name, "%s %s", r->mach != NULL ? r->mach : "fsm",
                     by_event ? r->trigger : fsm_record_kind_name(r->kind));
  fsm_json_quote(out, name, len < (int)sizeof name ? (size_t)len : sizeof name - 1);
}

static void put_status(fsm_buf *out, const fsm_record *r) {
  if (r->outcome != FSM_FAILED && r->kind != FSM_RECORD_INCIDENT_OPENED) return;
  fsm_buf_printf(out, ",\"status\":{\"code\":%d,\"message\":", STATUS_ERROR);
  const char *reason = r->reason != NULL ? r->reason : fsm_record_kind_name(r->kind);
  fsm_json_quote(out, reason, strlen(reason));
  fsm_buf_char(out, '}');
}

static void put_link(fsm_buf *out, const identity *to) {
  if (to == NULL) return;
  fsm_buf_printf(out,
                 ",\"links\":[{\"traceId\":\"%s\",\"spanId\":\"%s\",\"attributes\":[{\"key\":\"fsm.link\","
                 "\"value\":{\"stringValue\":\"previous\"}}]}]",
                 to->trace, to->span);
}

fsm_code fsm__span_append(fsm__spans *spans, const fsm__formatter *formatter, const fsm__sink_view *view,
                          const fsm__exported *exported, fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(spans != NULL && view != NULL && exported != NULL);
  fsm_record record;
  char trace[33], caller[17];
  unsigned flags = 0;
  size_t before = out->len;
  fsm_code code = fsm__otlp_record(exported, scratch, &record, err);
  if (code != FSM_OK || !is_span(&record)) return code;
  const identity *link = record.iprev != 0 ? previous(spans, view, record.iprev, scratch) : NULL;
  identity linked = link != NULL ? *link : (identity){0}; /* its place may be ours */
  const identity *own = identify(spans, &exported->origin, &record);
  int64_t end = record.time_ns > 0 ? record.time_ns : 0, took = (int64_t)record.dur_us * 1000;
  fsm_buf_printf(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", own->trace, own->span);
  if (fsm__otlp_trace(&record, trace, caller, &flags))
    fsm_buf_printf(out, ",\"parentSpanId\":\"%s\",\"flags\":%u", caller, flags);
  fsm_buf_str(out, ",\"name\":");
  put_name(out, &record);
  fsm_buf_printf(out,
                 ",\"kind\":%d,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"attributes\":",
                 KIND_INTERNAL, (long long)(end > took ? end - took : 0), (long long)end);
  code = fsm__otlp_attributes(formatter, exported, &record, scratch, out, err);
  put_link(out, link != NULL ? &linked : NULL);
  put_status(out, &record);
  fsm_buf_char(out, '}');
  if (code == FSM_OK && !fsm_buf_ok(out)) code = fsm_fail(err, FSM_ENOMEM, "spans", "no memory for a span");
  if (code != FSM_OK && !out->failed) out->len = before;
  return code;
}
