/* format_cloudevents.c: CloudEvents 1.0: attributes, and in structured mode the JSON form of the record as
 * `data` beside them. */
#include <string.h>

#include "runtime/format_impl.h"
#include "schema/json.h"

enum { EXTENSION_MAX = 20 }; /* what the specification recommends */

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory for the attributes of an event");
}

/* ---- the table --------------------------------------------------------------------------------- */

typedef struct context {
  const fsm__exported *exported;
  const fsm_record *record;
  const fsm_value *view;
  fsm_arena *scratch;
} context;

static const char *path_text(const context *c, const char *path) {
  const fsm_value *value = fsm__path_value(c->view, path);
  return value != NULL && value->type == FSM_STRING ? fsm_arena_strndup(c->scratch, value->s, value->len)
                                                    : NULL;
}

static const char *source_of(const context *c, const char *arg) {
  char store[33];
  fsm__hex(c->exported->origin.store, sizeof c->exported->origin.store, store);
  return fsm_arena_printf(c->scratch, "%s%s/%u", arg, store, (unsigned)c->exported->origin.partition);
}
static const char *type_of(const context *c, const char *arg) {
  return fsm_arena_printf(c->scratch, "%s.%s.v1", arg, fsm_record_kind_name(c->record->kind));
}
static const char *fixed(const context *c, const char *arg) {
  (void)c;
  return arg;
}
/* What is to stay in order has one key. */
static const char *partition_of(const context *c, const char *arg) {
  const char *const paths[] = {arg, "mach", "store"};
  const char *text = NULL;
  for (size_t i = 0; i < 3 && (text == NULL || *text == 0); i++) text = path_text(c, paths[i]);
  return text;
}
/* As text in the order of the numbers. */
static const char *sequence_of(const context *c, const char *arg) {
  return fsm_arena_printf(c->scratch, "%s%020llu", arg, (unsigned long long)c->record->seq);
}

static const struct {
  const char *name;
  const char *(*value)(const context *c, const char *arg);
  const char *arg;
} rows[] = {
    {"specversion", fixed, "1.0"},
    {"id", path_text, "id"},
    {"source", source_of, "/fsm/"},
    {"type", type_of, "fsm"},
    {"subject", path_text, "inst"},
    {"time", path_text, "time"},
    {"datacontenttype", fixed, "application/json"},
    {"dataschema", fixed, "urn:fsmd:record:1"},
    {"partitionkey", partition_of, "inst"},
    {"sequence", sequence_of, ""},
    {"traceparent", path_text, "trace"},
};
enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert((int)ROWS <= (int)FSM_ATTRIBUTES_MAX, "there is room for all attributes");

const char *fsm__refuses_cloudevents(const char *name) {
  static const char *const reserved[] = {"data", "data_base64"};
  for (size_t i = 0; i < ROWS; i++)
    if (strcmp(rows[i].name, name) == 0) return "CloudEvents has an attribute of this name";
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (strcmp(reserved[i], name) == 0) return "CloudEvents has a member of this name";
  size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
  if (len == 0 || len > EXTENSION_MAX || name[len] != 0)
    return "an attribute of CloudEvents has 1 to 20 lower-case letters and digits";
  return NULL;
}

/* Control characters have no place in an attribute (3.1); headers could not carry them either. */
static const char *clean(fsm_arena *scratch, const char *text) {
  char *copy = NULL;
  for (size_t i = 0; text[i] != 0; i++) {
    unsigned char c = (unsigned char)text[i];
    bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)text[i + 1] < 0xA0);
    if (!control) continue;
    if (copy == NULL && (copy = fsm_arena_strdup(scratch, text)) == NULL) return NULL;
    copy[i] = '?';
    if (c == 0xC2) copy[++i] = '?';
  }
  return copy != NULL ? copy : text;
}

static fsm_code attributes_of(const context *c, fsm__attribute *out, size_t *count, fsm_error *err) {
  size_t used = 0;
  for (size_t i = 0; i < ROWS; i++) {
    const char *value = rows[i].value(c, rows[i].arg);
    if (value == NULL || *value == 0) continue;
    value = clean(c->scratch, value);
    if (value == NULL) return no_memory(err);
    out[used++] = (fsm__attribute){rows[i].name, value};
  }
  *count = used;
  return FSM_OK;
}

static fsm_code context_of(const fsm__exported *exported, fsm_arena *scratch, fsm_record *record,
                           fsm_value *view, fsm_error *err) {
  fsm_code code = fsm__exported_record(exported, scratch, record, NULL, err);
  return code != FSM_OK ? code : fsm_record_view(scratch, record, &exported->origin, view, err);
}

fsm_code fsm__cloudevents_attributes(const fsm__exported *record, fsm_arena *scratch,
                                     fsm__attribute out[FSM_ATTRIBUTES_MAX], size_t *count, fsm_error *err) {
  FSM_ASSERT(record != NULL && scratch != NULL && out != NULL && count != NULL);
  fsm_record decoded;
  fsm_value view;
  fsm_code code = context_of(record, scratch, &decoded, &view, err);
  if (code != FSM_OK) return code;
  return attributes_of(&(context){record, &decoded, &view, scratch}, out, count, err);
}

/* ---- structured mode --------------------------------------------------------------------------- */

/* Extensions are texts, numbers or booleans; what is neither is its JSON text. */
static void put_extension(fsm_buf *out, const fsm_value *value) {
  const int32_t most = INT32_MAX;
  if (value->type == FSM_BOOL || (value->type == FSM_INT && value->i <= most && value->i >= -most - 1) ||
      value->type == FSM_STRING) {
    fsm_json_write(out, value);
    return;
  }
  fsm_buf text = {0};
  fsm_json_write(&text, value);
  if (!fsm_buf_ok(&text)) out->failed = true;
  if (text.len > 0 && text.data[0] == '"')
    fsm_buf_add(out, text.data, text.len);
  else
    fsm_json_quote(out, text.data, text.len);
  fsm_buf_free(&text);
}

static void put_extensions(const fsm__formatter *formatter, const fsm_value *view, fsm_buf *out) {
  for (size_t i = 0; i < formatter->lift_count; i++) {
    const fsm_value *value = fsm__path_value(view, formatter->lift[i].path);
    if (value == NULL || value->type == FSM_NULL) continue;
    fsm_buf_printf(out, ",\"%s\":", formatter->lift[i].name);
    put_extension(out, value);
  }
}

fsm_code fsm__append_cloudevents(const fsm__formatter *formatter, const fsm__exported *record,
                                 fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  fsm__attribute attributes[FSM_ATTRIBUTES_MAX];
  size_t count = 0;
  fsm_record decoded;
  fsm_value view;
  fsm_code code = context_of(record, scratch, &decoded, &view, err);
  if (code == FSM_OK)
    code = attributes_of(&(context){record, &decoded, &view, scratch}, attributes, &count, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < count; i++) {
    fsm_buf_printf(out, "%c\"%s\":", i ? ',' : '{', attributes[i].name);
    fsm_json_quote(out, attributes[i].value, strlen(attributes[i].value));
  }
  put_extensions(formatter, &view, out);
  fsm_buf_str(out, ",\"data\":");
  code = fsm__append_json_form(formatter, record, scratch, out, err);
  fsm_buf_char(out, '}');
  return code;
}
