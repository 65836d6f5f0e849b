/* sink_config.c: the sinks of a file, read by the table of fields, and compared by it.
 *
 * A fault names its place as a JSON pointer. After a fault nothing of what was read counts.
 */
#include "runtime/sink_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/sink_config_impl.h"
#include "schema/definition_load.h"
#include "schema/json.h"

typedef struct reading {
  fsm_arena *arena;
  fsm__sink_config *config;
  const fsm_value *sink;  /* the map that is read */
  const fsm__pointer *at; /* of it */
  fsm_error *err;
} reading;

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

static void *place(fsm__sink_config *config, size_t at) { return (char *)config + at; }
static const void *seen(const fsm__sink_config *config, size_t at) { return (const char *)config + at; }

static fsm_code wrong(reading *r, const fsm__field_row *row, const char *what) {
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "%s", what);
}

static fsm_code out_of_range(reading *r, const fsm__field_row *row) {
  char range[128];
  fsm__field_range(row, range, sizeof range);
  const char *kind = row->type == FSM__FIELD_COUNT  ? "a whole number from "
                     : row->type == FSM__FIELD_SIZE ? "a number of bytes, such as 65536 or \"64MiB\", from "
                     : row->type == FSM__FIELD_SPAN ? "a duration, such as \"500ms\" or \"1h\", from "
                                                    : "";
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "expected %s%s", kind, range);
}

static bool in_range(const fsm__field_row *row, uint64_t n) {
  if (row->zero && n == 0) return true;
  return n <= INT64_MAX && (int64_t)n >= row->min && (int64_t)n <= row->max;
}

/* ---- one field ------------------------------------------------------------------------------------ */

/* No control characters: texts of a configuration go into headers, subjects, paths and log lines. */
static bool is_clean(const fsm_value *text) {
  for (uint32_t i = 0; i < text->len; i++)
    if ((unsigned char)text->s[i] < ' ' || text->s[i] == 0x7f) return false;
  return true;
}

static fsm_code read_text(reading *r, const fsm__field_row *row, const fsm_value *value, const char **out) {
  if (!fsm_is(value, FSM_STRING)) return wrong(r, row, "expected a text");
  if (value->len == 0) return wrong(r, row, "the text is empty");
  if (value->len > (uint64_t)row->max)
    return fsm__sink_fault(r->at, row->name, FSM_ETOOLARGE, r->err, "the text is longer than %lld bytes",
                           (long long)row->max);
  if (!is_clean(value)) return wrong(r, row, "there is a control character in the text");
  *out = fsm_arena_strndup(r->arena, value->s, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
}

/* The number of the word in a list of words; -1 = it is none of them. */
static int word_in(const char *words, const fsm_value *value, const char **at) {
  int n = 0;
  for (const char *word = words; *word != '\0'; n++) {
    size_t len = strcspn(word, " ");
    if (value->len == len && memcmp(value->s, word, len) == 0) return *at = word, n;
    word += len + (word[len] == ' ');
  }
  return -1;
}

static fsm_code no_such_word(reading *r, const fsm__field_row *row, const fsm_value *value) {
  char range[128];
  fsm__field_range(row, range, sizeof range);
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "there is no \"%.*s\" here; expected %s",
                         value->len > 64 ? 64 : (int)value->len, value->s, range);
}

static fsm_code read_word(reading *r, const fsm__field_row *row, const fsm_value *value, const char **out,
                          int *number) {
  const char *at = NULL;
  if (!fsm_is(value, FSM_STRING)) return wrong(r, row, "expected a text");
  if ((*number = word_in(row->words, value, &at)) < 0) return no_such_word(r, row, value);
  *out = fsm_arena_strndup(r->arena, at, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
}

static fsm_code read_count(reading *r, const fsm__field_row *row, const fsm_value *value, unsigned *out) {
  if (!fsm_is(value, FSM_INT) || value->i < 0 || !in_range(row, (uint64_t)value->i))
    return out_of_range(r, row);
  *out = (unsigned)value->i;
  return FSM_OK;
}

static fsm_code read_size(reading *r, const fsm__field_row *row, const fsm_value *value, uint64_t *out) {
  char text[32];
  uint64_t bytes = 0;
  if (fsm_is(value, FSM_INT) && value->i >= 0) {
    bytes = (uint64_t)value->i;
  } else if (fsm_is(value, FSM_STRING) && value->len < sizeof text) {
    snprintf(text, sizeof text, "%.*s", (int)value->len, value->s);
    if (!fsm__size_parse(text, &bytes)) return out_of_range(r, row);
  } else {
    return out_of_range(r, row);
  }
  if (!in_range(row, bytes)) return out_of_range(r, row);
  *out = bytes;
  return FSM_OK;
}

static fsm_code read_span(reading *r, const fsm__field_row *row, const fsm_value *value, int64_t *out) {
  char text[64];
  int64_t ns = -1;
  if (!fsm_is(value, FSM_STRING) || value->len >= sizeof text) return out_of_range(r, row);
  snprintf(text, sizeof text, "%.*s", (int)value->len, value->s);
  if (fsm_duration_parse(text, &ns, NULL) != FSM_OK || ns < 0 || !in_range(row, (uint64_t)ns))
    return out_of_range(r, row);
  *out = ns;
  return FSM_OK;
}

static fsm_code check_list(reading *r, const fsm__field_row *row, const fsm_value *value) {
  if (!fsm_is(value, FSM_LIST)) return wrong(r, row, "expected a list of texts");
  if (value->len < 1) return wrong(r, row, "the list is empty");
  if (value->len > (uint64_t)row->max)
    return fsm__sink_fault(r->at, row->name, FSM_ETOOLARGE, r->err, "the list has more than %lld texts",
                           (long long)row->max);
  return FSM_OK;
}

/* An item is read as a text under the list's own place. */
static fsm_code read_list(reading *r, const fsm__field_row *row, const fsm_value *value,
                          const char *const **out, size_t *count) {
  fsm_code code = check_list(r, row, value);
  if (code != FSM_OK) return code;
  const char **texts = fsm_arena_zalloc(r->arena, value->len, sizeof *texts);
  if (texts == NULL) return fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
  fsm__pointer at = *r->at;
  fsm__pointer_key(&at, row->name, strlen(row->name));
  for (uint32_t i = 0; i < value->len && code == FSM_OK; i++) {
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)i);
    fsm__field_row item = {.name = number, .max = row->item_max};
    reading inner = *r;
    inner.at = &at;
    code = read_text(&inner, &item, &value->items[i], &texts[i]);
  }
  *out = texts;
  *count = value->len;
  return code;
}

static fsm_code read_flags(reading *r, const fsm__field_row *row, const fsm_value *value, bool *first,
                           bool *second) {
  fsm_code code = check_list(r, row, value);
  if (code != FSM_OK) return code;
  *first = *second = false;
  for (uint32_t i = 0; i < value->len; i++) {
    const char *word = NULL;
    const fsm_value *item = &value->items[i];
    if (!fsm_is(item, FSM_STRING)) return wrong(r, row, "expected a list of texts");
    int n = word_in(row->words, item, &word);
    if (n < 0) return no_such_word(r, row, item);
    bool *flag = n == 0 ? first : second;
    if (*flag) return wrong(r, row, "the same is there twice");
    *flag = true;
  }
  return FSM_OK;
}

static fsm_code read_field(reading *r, const fsm__field_row *row, const fsm_value *value) {
  void *at = place(r->config, row->at), *other = place(r->config, row->count_at);
  const char *word = NULL;
  int number = 0;
  fsm_code code;
  switch (row->type) {
    case FSM__FIELD_TEXT:
    case FSM__FIELD_FILE:
    case FSM__FIELD_SECRET: return read_text(r, row, value, at);
    case FSM__FIELD_WORD: return read_word(r, row, value, at, &number);
    case FSM__FIELD_CHOICE:
      code = read_word(r, row, value, &word, &number);
      if (code == FSM_OK) *(bool *)at = number == 1;
      return code;
    case FSM__FIELD_ENUM:
      code = read_word(r, row, value, &word, &number);
      if (code == FSM_OK) *(unsigned *)at = (unsigned)number;
      return code;
    case FSM__FIELD_FLAGS: return read_flags(r, row, value, at, other);
    case FSM__FIELD_COUNT: return read_count(r, row, value, at);
    case FSM__FIELD_SIZE: return read_size(r, row, value, at);
    case FSM__FIELD_SPAN: return read_span(r, row, value, at);
    case FSM__FIELD_LIST: return read_list(r, row, value, at, other);
  }
  return FSM_OK;
}

/* The default, read as if it had been written. */
static fsm_code fill_in(reading *r, const fsm__field_row *row, unsigned kind) {
  const char *text = fsm__field_fallback(row, kind);
  if (text == NULL) return FSM_OK;
  fsm_value value = fsm_string(text), words[2];
  uint64_t bytes = 0;
  if (row->type == FSM__FIELD_COUNT) {
    FSM_ASSERT(fsm__size_parse(text, &bytes));
    value = fsm_int((int64_t)bytes);
  } else if (row->type == FSM__FIELD_FLAGS) {
    size_t first = strcspn(text, " ");
    words[0] = fsm_stringn(text, first);
    words[1] = fsm_string(text + first + 1);
    value = fsm_list(words, 2);
  }
  return read_field(r, row, &value);
}

/* ---- one sink ------------------------------------------------------------------------------------- */

static const fsm__field_row *row_named(const fsm_value *name) {
  for (size_t i = 0; i < fsm__field_row_count; i++)
    if (fsm_is_text(name, fsm__field_rows[i].name)) return &fsm__field_rows[i];
  return NULL;
}

static fsm_code no_such_field(reading *r, const fsm_value *name, unsigned kind) {
  char hint[96], text[128];
  snprintf(text, sizeof text, "%.*s", name->len > 64 ? 64 : (int)name->len, name->s);
  fsm__closest closest = {.name = text};
  for (size_t i = 0; i < fsm__field_row_count; i++)
    if ((fsm__field_rows[i].kinds & 1u << kind) != 0) fsm__closest_try(&closest, fsm__field_rows[i].name);
  return fsm__sink_fault(r->at, text, FSM_EARGUMENT, r->err, "there is no such field%s",
                         fsm__closest_text(&closest, hint, sizeof hint));
}

static fsm_code not_of_kind(reading *r, const fsm__field_row *row, unsigned kind) {
  char of[64] = "";
  size_t len = 0;
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    if ((row->kinds & 1u << i) != 0)
      len += (size_t)snprintf(of + len, sizeof of - len, "%s%s", len > 0 ? ", " : "", fsm__kind_name(i));
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err,
                         "a sink of kind %s has no such field; it is of: %s", fsm__kind_name(kind), of);
}

static fsm_code read_kind(reading *r, unsigned *kind) {
  const fsm_value *value = fsm_map_get(r->sink, "kind");
  if (value == NULL) return fsm__sink_fault(r->at, NULL, FSM_EARGUMENT, r->err, "the sink has no \"kind\"");
  fsm_value name = fsm_string("kind");
  fsm_code code = read_field(r, row_named(&name), value);
  if (code == FSM_OK) *kind = (unsigned)fsm__kind_of(r->config->kind);
  return code;
}

static fsm_code check_name(reading *r) {
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

static fsm_code read_sink(reading *r) {
  unsigned kind = 0;
  if (!fsm_is(r->sink, FSM_MAP))
    return fsm__sink_fault(r->at, NULL, FSM_EARGUMENT, r->err, "expected an object: a sink");
  fsm_code code = read_kind(r, &kind);
  for (size_t i = 0; i < fsm__field_row_count && code == FSM_OK; i++)
    if ((fsm__field_rows[i].kinds & 1u << kind) != 0) code = fill_in(r, &fsm__field_rows[i], kind);
  for (uint32_t i = 0; i < r->sink->len && code == FSM_OK; i++) {
    const fsm__field_row *row = row_named(&r->sink->pairs[i].key);
    if (row == NULL) return no_such_field(r, &r->sink->pairs[i].key, kind);
    if ((row->kinds & 1u << kind) == 0) return not_of_kind(r, row, kind);
    code = read_field(r, row, &r->sink->pairs[i].value);
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
    reading r = {.arena = arena, .config = &configs[i], .sink = &sinks->items[i], .at = &at, .err = err};
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
