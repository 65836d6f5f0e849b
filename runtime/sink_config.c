/* sink_config.c: the sinks of a file, read by the table of fields, and compared by it.
 *
 * A fault names its place as a JSON pointer. After a fault nothing of what was read counts.
 */
#include "runtime/sink_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sink_config_impl.h"
#include "schema/definition_load.h"
#include "schema/json.h"

fsm_code fsm__sink_fault(const fsm__pointer *at, const char *member, fsm_code code, fsm_error *err,
                         const char *format, ...) {
  char text[FSM_TEXT_MAX];
  fsm__pointer where = *at;
  if (member != NULL) fsm__pointer_key(&where, member, strlen(member));
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fsm_fail(err, code, where.text, "%s", text);
}

static const void *seen(const fsm__sink_config *config, size_t at) { return (const char *)config + at; }

/* ---- one sink ------------------------------------------------------------------------------------- */

static const fsm__field_row *row_named(const fsm_value *name) {
  for (size_t i = 0; i < fsm__field_row_count; i++)
    if (fsm_is_text(name, fsm__field_rows[i].name)) return &fsm__field_rows[i];
  return NULL;
}

static fsm_code no_such_field(fsm__sink_reading *r, const fsm_value *name, unsigned kind) {
  char hint[96], text[128];
  snprintf(text, sizeof text, "%.*s", name->len > 64 ? 64 : (int)name->len, name->s);
  fsm__closest closest = {.name = text};
  for (size_t i = 0; i < fsm__field_row_count; i++)
    if ((fsm__field_rows[i].kinds & 1u << kind) != 0) fsm__closest_try(&closest, fsm__field_rows[i].name);
  return fsm__sink_fault(r->at, text, FSM_EARGUMENT, r->err, "there is no such field%s",
                         fsm__closest_text(&closest, hint, sizeof hint));
}

static fsm_code not_of_kind(fsm__sink_reading *r, const fsm__field_row *row, unsigned kind) {
  char of[64] = "";
  size_t len = 0;
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    if ((row->kinds & 1u << i) != 0)
      len += (size_t)snprintf(of + len, sizeof of - len, "%s%s", len > 0 ? ", " : "", fsm__kind_name(i));
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err,
                         "a sink of kind %s has no such field; it is of: %s", fsm__kind_name(kind), of);
}

static fsm_code read_kind(fsm__sink_reading *r, unsigned *kind) {
  const fsm_value *value = fsm_map_get(r->sink, "kind");
  if (value == NULL) return fsm__sink_fault(r->at, NULL, FSM_EARGUMENT, r->err, "the sink has no \"kind\"");
  fsm_value name = fsm_string("kind");
  fsm_code code = fsm__field_read(r, row_named(&name), value);
  if (code == FSM_OK) *kind = (unsigned)fsm__kind_of(r->config->kind);
  return code;
}

static fsm_code check_name(fsm__sink_reading *r) {
  const char *name = r->config->name;
  if (name == NULL) return fsm__sink_fault(r->at, NULL, FSM_EARGUMENT, r->err, "the sink has no \"name\"");
  if (!fsm__sink_name_fits(name))
    return fsm__sink_fault(r->at, "name", FSM_EARGUMENT, r->err, "a name has letters, digits, _ and -");
  return FSM_OK;
}

/* A window that is not asked for holds what is gathered. */
static void set_window(fsm__sink_config *config) {
  if (config->window == 0) config->window = config->batch;
}

static fsm_code read_sink(fsm__sink_reading *r) {
  unsigned kind = 0;
  if (!fsm_is(r->sink, FSM_MAP))
    return fsm__sink_fault(r->at, NULL, FSM_EARGUMENT, r->err, "expected an object: a sink");
  fsm_code code = read_kind(r, &kind);
  for (size_t i = 0; i < fsm__field_row_count && code == FSM_OK; i++)
    if ((fsm__field_rows[i].kinds & 1u << kind) != 0) code = fsm__field_fill(r, &fsm__field_rows[i], kind);
  for (uint32_t i = 0; i < r->sink->len && code == FSM_OK; i++) {
    const fsm__field_row *row = row_named(&r->sink->pairs[i].key);
    if (row == NULL) return no_such_field(r, &r->sink->pairs[i].key, kind);
    if ((row->kinds & 1u << kind) == 0) return not_of_kind(r, row, kind);
    code = fsm__field_read(r, row, &r->sink->pairs[i].value);
  }
  if (code == FSM_OK) code = check_name(r);
  if (code != FSM_OK) return code;
  set_window(r->config);
  code = fsm__sink_check(r->config, r->at, r->err);
  return code == FSM_OK ? fsm__sink_compile(r->config, r->at, r->err) : code;
}

/* ---- the document --------------------------------------------------------------------------------- */

static fsm_code open_document(fsm_arena *arena, const char *json, size_t len, const fsm_value **sinks,
                              fsm_error *err) {
  fsm_value *document = fsm_arena_alloc(arena, sizeof *document);
  if (document == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
  if (len > FSM_SINKS_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "the sinks are longer than %d bytes", FSM_SINKS_BYTES_MAX);
  fsm_code code = fsm_json_parse(arena, json, len, FSM_JSON_SORTED, document, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(document, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "", "expected {\"sinks\": [...]}");
  for (uint32_t i = 0; i < document->len; i++) {
    const fsm_value *key = &document->pairs[i].key;
    fsm__pointer at;
    fsm__pointer_set(&at, "");
    fsm__pointer_key(&at, key->s, key->len);
    if (!fsm_is_text(key, "sinks"))
      return fsm_fail(err, FSM_EARGUMENT, at.text, "there is no such field; expected {\"sinks\": [...]}");
  }
  *sinks = fsm_map_get(document, "sinks");
  if (*sinks == NULL) return fsm_fail(err, FSM_EARGUMENT, "", "expected {\"sinks\": [...]}");
  if (!fsm_is(*sinks, FSM_LIST)) return fsm_fail(err, FSM_EARGUMENT, "/sinks", "expected a list of sinks");
  if ((*sinks)->len > FSM_SINKS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "/sinks", "there are more than %d sinks", FSM_SINKS_MAX);
  return FSM_OK;
}

fsm_code fsm__sinks_read(fsm_arena *arena, const char *json, size_t len,
                         fsm__sink_config configs[FSM_SINKS_MAX], size_t *count, fsm_error *err) {
  FSM_ASSERT(arena != NULL && json != NULL && configs != NULL && count != NULL);
  const fsm_value *sinks = NULL;
  fsm_code code = open_document(arena, json, len, &sinks, err);
  for (uint32_t i = 0; code == FSM_OK && i < sinks->len; i++) {
    fsm__pointer at;
    fsm__pointer_set(&at, "/sinks");
    fsm__pointer_index(&at, i);
    configs[i] = (fsm__sink_config){0};
    fsm__sink_reading r = {
        .arena = arena, .config = &configs[i], .sink = &sinks->items[i], .at = &at, .err = err};
    code = read_sink(&r);
    if (code == FSM_OK) code = fsm__sink_check_others(configs, i + 1, &at, err);
  }
  if (code == FSM_OK) *count = sinks->len;
  return code;
}

/* ---- comparing ------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_list(const char *const *a, size_t a_count, const char *const *b, size_t b_count) {
  if (a_count != b_count) return false;
  for (size_t i = 0; i < a_count; i++)
    if (!same_text(a[i], b[i])) return false;
  return true;
}

static bool same_field(const fsm__field_row *row, const fsm__sink_config *a, const fsm__sink_config *b) {
  const void *x = seen(a, row->at), *y = seen(b, row->at);
  const void *m = seen(a, row->count_at), *n = seen(b, row->count_at);
  switch (row->type) {
    case FSM__FIELD_TEXT:
    case FSM__FIELD_FILE:
    case FSM__FIELD_SECRET:
    case FSM__FIELD_WORD: return same_text(*(const char *const *)x, *(const char *const *)y);
    case FSM__FIELD_CHOICE: return *(const bool *)x == *(const bool *)y;
    case FSM__FIELD_FLAGS:
      return *(const bool *)x == *(const bool *)y && *(const bool *)m == *(const bool *)n;
    case FSM__FIELD_ENUM:
    case FSM__FIELD_COUNT: return *(const unsigned *)x == *(const unsigned *)y;
    case FSM__FIELD_SIZE: return *(const uint64_t *)x == *(const uint64_t *)y;
    case FSM__FIELD_SPAN: return *(const int64_t *)x == *(const int64_t *)y;
    case FSM__FIELD_LIST:
      return same_list(*(const char *const *const *)x, *(const size_t *)m, *(const char *const *const *)y,
                       *(const size_t *)n);
  }
  return false;
}

bool fsm__sink_config_equal(const fsm__sink_config *a, const fsm__sink_config *b) {
  FSM_ASSERT(a != NULL && b != NULL);
  for (size_t i = 0; i < fsm__field_row_count; i++)
    if (!same_field(&fsm__field_rows[i], a, b)) return false;
  return a->window == b->window;
}
