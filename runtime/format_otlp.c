/* format_otlp.c: one OTLP LogRecord in the JSON mapping of protobuf. See format_otlp.h. */
#include "runtime/format_otlp.h"

#include <stdio.h>
#include <string.h>

#include "runtime/format_text.h"
#include "schema/json.h"

/* attribute, path of the JSON form */
static const struct {
  const char *name, *source;
} rows[] = {
    {"event.id", "id"},
    {"fsm.seq", "seq"},
    {"fsm.kind", "kind"},
    {"fsm.outcome", "outcome"},
    {"fsm.reason", "reason"},
    {"fsm.machine", "mach"},
    {"fsm.machine.version", "defv"},
    {"fsm.machine.hash", "def"},
    {"fsm.instance", "inst"},
    {"fsm.key", "key"},
    {"fsm.rev", "rev"},
    {"fsm.from", "from"},
    {"fsm.to", "to"},
    {"fsm.event", "trigger"},
    {"fsm.cause", "cause"},
    {"fsm.correlation", "corr"},
    {"fsm.causation", "caus"},
    {"fsm.parent", "parent"},
    {"fsm.elapsed_ns", "elapsed"},
    {"fsm.duration_us", "dur"},
    {"fsm.attempt", "att"},
    {"fsm.late_ms", "late"},
    {"fsm.level", "level"},
    {"fsm.leaf", "leaf"},
    {"fsm.prev", "prev"},
    {"fsm.after", "after"},
    {"fsm.repair", "repair"},
    {"fsm.labels", "labels"},
    {"fsm.data", "data"},
    {"fsm.changes", "ctx"},
    {"fsm.detail", "detail"},
    {"fsm.output", "out"},
    {"user.id", "act.sub"},
    {"session.id", "act.sid"},
};
enum { ROWS = sizeof rows / sizeof *rows };

const char *fsm__refuses_otlp(const char *name) {
  for (size_t i = 0; i < ROWS; i++)
    if (strcmp(rows[i].name, name) == 0) return "the log record has an attribute of this name";
  return fsm__refuses_any(name);
}

/* ---- values ------------------------------------------------------------------------------------ */

static void put_text(fsm_buf *out, const fsm_value *value) {
  fsm_buf text = {0};
  fsm__plain_text(&text, value);
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm_buf_str(out, "{\"stringValue\":");
  fsm_json_quote(out, text.len ? text.data : "", text.len);
  fsm_buf_char(out, '}');
  fsm_buf_free(&text);
}

static void put_list(fsm_buf *out, const fsm_value *list) {
  fsm_buf_str(out, "{\"arrayValue\":{\"values\":[");
  for (uint32_t i = 0; i < list->len; i++) {
    if (i) fsm_buf_char(out, ',');
    fsm__otlp_value(out, &list->items[i]);
  }
  fsm_buf_str(out, "]}}");
}

static void put_key(fsm_buf *out, const fsm_value *key) {
  fsm_buf text = {0};
  fsm__plain_text(&text, key);
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm_json_quote(out, text.len ? text.data : "", text.len);
  fsm_buf_free(&text);
}

static void put_map(fsm_buf *out, const fsm_value *map) {
  fsm_buf_str(out, "{\"kvlistValue\":{\"values\":[");
  for (uint32_t i = 0; i < map->len; i++) {
    fsm_buf_str(out, i ? ",{\"key\":" : "{\"key\":");
    put_key(out, &map->pairs[i].key);
    fsm_buf_str(out, ",\"value\":");
    fsm__otlp_value(out, &map->pairs[i].value);
    fsm_buf_char(out, '}');
  }
  fsm_buf_str(out, "]}}");
}

void fsm__otlp_value(fsm_buf *out, const fsm_value *value) {
  switch ((fsm_type)value->type) {
    case FSM_NULL: fsm_buf_str(out, "{}"); return; /* an AnyValue without a value */
    case FSM_BOOL: fsm_buf_str(out, value->b ? "{\"boolValue\":true}" : "{\"boolValue\":false}"); return;
    case FSM_INT: fsm_buf_printf(out, "{\"intValue\":\"%lld\"}", (long long)value->i); return;
    case FSM_DOUBLE:
      fsm_buf_str(out, "{\"doubleValue\":");
      fsm_json_write(out, value);
      fsm_buf_char(out, '}');
      return;
    case FSM_LIST: put_list(out, value); return;
    case FSM_MAP: put_map(out, value); return;
    default: put_text(out, value); return; /* a uint may be over what intValue holds */
  }
}

void fsm__otlp_pair(fsm_buf *out, const char *name, const fsm_value *value) {
  if (out->len > 0 && out->data[out->len - 1] != '[') fsm_buf_char(out, ',');
  fsm_buf_str(out, "{\"key\":");
  fsm_json_quote(out, name, strlen(name));
  fsm_buf_str(out, ",\"value\":");
  fsm__otlp_value(out, value);
  fsm_buf_char(out, '}');
}

/* ---- parts ------------------------------------------------------------------------------------- */

fsm_code fsm__otlp_record(const fsm__exported *exported, fsm_arena *scratch, fsm_record *out,
                          fsm_error *err) {
  return fsm__exported_record(exported, scratch, out, NULL, err);
}

/* The form of the record, from one that is masked already. */
static fsm_code view_of(const fsm__exported *exported, const fsm_record *record, fsm_arena *scratch,
                        fsm_value *out, fsm_error *err) {
  fsm__exported shown = *exported;
  shown.record = record;
  shown.mask = NULL;
  return fsm__exported_view(&shown, scratch, out, err);
}

fsm_code fsm__otlp_attributes(const fsm__formatter *formatter, const fsm__exported *exported,
                              const fsm_record *record, fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(exported != NULL && record != NULL && scratch != NULL && out != NULL);
  fsm_value view;
  fsm_code code = view_of(exported, record, scratch, &view, err);
  if (code != FSM_OK) return code;
  fsm_buf_char(out, '[');
  for (size_t i = 0; i < ROWS; i++) {
    const fsm_value *value = fsm__path_value(&view, rows[i].source);
    if (value != NULL && value->type != FSM_NULL) fsm__otlp_pair(out, rows[i].name, value);
  }
  for (size_t i = 0; formatter != NULL && i < formatter->lift_count; i++) {
    const fsm_value *value = fsm__path_value(&view, formatter->lift[i].path);
    if (value != NULL && value->type != FSM_NULL) fsm__otlp_pair(out, formatter->lift[i].name, value);
  }
  fsm_buf_char(out, ']');
  return FSM_OK;
}

void fsm__otlp_resource(fsm_buf *out, const fsm_origin *origin, const char *node) {
  char store[33], instance[64];
  fsm__hex(origin->store, sizeof origin->store, store);
  snprintf(instance, sizeof instance, "%s.%u", store, (unsigned)origin->partition);
  const fsm_value name = fsm_string("fsmd"), id = fsm_string(instance),
                  on = fsm_string(node != NULL ? node : "");
  fsm_buf_char(out, '[');
  fsm__otlp_pair(out, "service.name", &name);
  fsm__otlp_pair(out, "service.instance.id", &id);
  if (node != NULL && *node != 0) fsm__otlp_pair(out, "fsm.node", &on);
  fsm_buf_char(out, ']');
}

void fsm__otlp_body(fsm_buf *out, const fsm_record *record) {
  fsm_buf text = {0};
  fsm__summary(&text, record);
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm_json_quote(out, text.len ? text.data : "", text.len);
  fsm_buf_free(&text);
}

static bool all_zeros(const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != 0) return false;
  return true;
}

bool fsm__otlp_trace(const fsm_record *record, char trace[33], char span[17], unsigned *flags) {
  const fsm_value *list = &record->trace;
  if (list->type != FSM_LIST || list->len != 3) return false;
  const fsm_value *it = list->items;
  if (it[0].type != FSM_BYTES || it[0].len != 16 || it[1].type != FSM_BYTES || it[1].len != 8) return false;
  if (all_zeros(it[0].s, 16) || all_zeros(it[1].s, 8)) return false;
  fsm__hex(it[0].s, 16, trace);
  fsm__hex(it[1].s, 8, span);
  *flags = it[2].type == FSM_INT ? (unsigned)it[2].i & 0xFF : 0;
  return true;
}

/* ---- the log record ---------------------------------------------------------------------------- */

fsm_code fsm__append_otlp(const fsm__formatter *formatter, const fsm__exported *exported, fsm_arena *scratch,
                          fsm_buf *out, fsm_error *err) {
  fsm_record record;
  fsm_code code = fsm__otlp_record(exported, scratch, &record, err);
  if (code != FSM_OK) return code;
  const unsigned long long at = record.time_ns > 0 ? (unsigned long long)record.time_ns : 0; /* fixed64 */
  const fsm__severity severity = fsm__severity_of(&record);
  char trace[33], span[17];
  unsigned flags;
  fsm_buf_printf(out, "{\"timeUnixNano\":\"%llu\",\"observedTimeUnixNano\":\"%llu\"", at, at);
  fsm_buf_printf(out, ",\"severityNumber\":%u,\"severityText\":\"%s\"", severity.number, severity.name);
  fsm_buf_printf(out,
                 ",\"eventName\":\"fsm.%s\",\"body\":{\"stringValue\":", fsm_record_kind_name(record.kind));
  fsm__otlp_body(out, &record);
  fsm_buf_str(out, "},\"attributes\":");
  code = fsm__otlp_attributes(formatter, exported, &record, scratch, out, err);
  if (fsm__otlp_trace(&record, trace, span, &flags))
    fsm_buf_printf(out, ",\"traceId\":\"%s\",\"spanId\":\"%s\",\"flags\":%u", trace, span, flags);
  fsm_buf_char(out, '}');
  return code;
}
