/* json.c: reading JSON. The only file that includes jansson.h.
 *
 * A pre-scan over the text finds what jansson cannot be asked for: nesting over our limit (with its
 * place), and integers too large for 64 bits, which jansson refuses and which become doubles here by
 * getting a fraction. jansson then checks everything else (syntax, UTF-8, keys that come twice), and
 * its tree is copied into the caller's arena. jansson keeps members in the order they were written.
 */
#include "schema/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MOST = 1000 }; /* jansson's own is 2,048; our reader recurses */

/* ---- pre-scan ---------------------------------------------------------------------------------- */

typedef struct scan {
  const char *text;
  size_t len, at;
  unsigned depth, most;
  fsm_buf rewritten; /* empty until the first integer that is too large */
  size_t copied;     /* of text, into rewritten */
} scan;

static void place_of(const char *text, size_t at, char *where, size_t size) {
  unsigned line = 1, column = 1;
  for (size_t i = 0; i < at; i++) {
    if (text[i] == '\n') {
      line++;
      column = 1;
    } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
      column++;
    }
  }
  snprintf(where, size, "%u:%u", line, column);
}

static void skip_string(scan *s) {
  for (s->at++; s->at < s->len && s->text[s->at] != '"'; s->at++)
    if (s->text[s->at] == '\\') s->at++;
  s->at++;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Is this run of digits outside int64? Leading zeros are a syntax error that jansson will find. */
static bool too_large(const char *digits, size_t count, bool negative) {
  const char *most = negative ? "9223372036854775808" : "9223372036854775807";
  if (count != 19) return count > 19;
  return memcmp(digits, most, 19) > 0;
}

static void skip_number(scan *s) {
  bool negative = s->text[s->at] == '-';
  s->at += negative;
  size_t start = s->at;
  while (s->at < s->len && digit(s->text[s->at])) s->at++;
  size_t end = s->at;
  while (s->at < s->len && s->text[s->at] && strchr("+-.eE0123456789", s->text[s->at])) s->at++;
  if (s->at != end || !too_large(s->text + start, end - start, negative)) return;
  fsm_buf_add(&s->rewritten, s->text + s->copied, end - s->copied);
  fsm_buf_str(&s->rewritten, ".0");
  s->copied = end;
}

static fsm_code open_bracket(scan *s, fsm_error *err) {
  if (s->depth++ < s->most) return FSM_OK;
  char where[32];
  place_of(s->text, s->at, where, sizeof where);
  return fsm_fail(err, FSM_ETOOLARGE, where, "the nesting is over the limit of %u", s->most);
}

static fsm_code pre_scan(scan *s, fsm_error *err) {
  while (s->at < s->len) {
    char c = s->text[s->at];
    if (c == '"') {
      skip_string(s);
    } else if (c == '-' || digit(c)) {
      skip_number(s);
    } else {
      fsm_code code = c == '[' || c == '{' ? open_bracket(s, err) : FSM_OK;
      if (code) return code;
      if ((c == ']' || c == '}') && s->depth) s->depth--;
      s->at++;
    }
  }
  if (s->copied) fsm_buf_add(&s->rewritten, s->text + s->copied, s->len - s->copied);
  return fsm_buf_ok(&s->rewritten) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory to read JSON");
}

/* ---- jansson's tree into values ---------------------------------------------------------------- */

typedef struct reader {
  fsm_arena *arena;
  fsm_json_order order;
  fsm_error *err;
} reader;

static fsm_code no_memory(const reader *r) {
  return fsm_fail(r->err, FSM_ENOMEM, "", "no memory to read JSON");
}

static fsm_code read_text(const reader *r, const char *text, size_t len, fsm_value *out) {
  char *copy = fsm_arena_strndup(r->arena, text, len);
  if (!copy) return no_memory(r);
  *out = fsm_stringn(copy, len);
  return FSM_OK;
}

static fsm_code read_node(const reader *r, json_t *node, fsm_value *out);

static fsm_code read_array(const reader *r, json_t *array, fsm_value *out) {
  size_t count = json_array_size(array);
  fsm_value *items = fsm_arena_zalloc(r->arena, count ? count : 1, sizeof *items);
  if (!items) return no_memory(r);
  for (size_t i = 0; i < count; i++) {
    fsm_code code = read_node(r, json_array_get(array, i), &items[i]);
    if (code) return code;
  }
  *out = fsm_list(items, count);
  return FSM_OK;
}

static fsm_code read_object(const reader *r, json_t *object, fsm_value *out) {
  size_t count = json_object_size(object), i = 0;
  fsm_pair *pairs = fsm_arena_zalloc(r->arena, count ? count : 1, sizeof *pairs);
  if (!pairs) return no_memory(r);
  const char *key;
  json_t *member;
  json_object_foreach(object, key, member) {
    FSM_ASSERT(i < count);
    fsm_code code = read_text(r, key, strlen(key), &pairs[i].key);
    if (!code) code = read_node(r, member, &pairs[i].value);
    if (code) return code;
    i++;
  }
  if (r->order == FSM_JSON_SORTED) return fsm_map(pairs, count, out, r->err);
  *out = (fsm_value){.type = FSM_MAP, .len = (uint32_t)count, .pairs = pairs};
  return FSM_OK;
}

/* The pre-scan has bounded the depth. */
static fsm_code read_node(const reader *r, json_t *node, fsm_value *out) {
  switch (json_typeof(node)) {
    case JSON_OBJECT: return read_object(r, node, out);
    case JSON_ARRAY: return read_array(r, node, out);
    case JSON_STRING: return read_text(r, json_string_value(node), json_string_length(node), out);
    case JSON_INTEGER: *out = fsm_int(json_integer_value(node)); return FSM_OK;
    case JSON_REAL: *out = fsm_double(json_real_value(node)); return FSM_OK;
    case JSON_TRUE: *out = fsm_bool(true); return FSM_OK;
    case JSON_FALSE: *out = fsm_bool(false); return FSM_OK;
    case JSON_NULL: *out = fsm_null(); return FSM_OK;
  }
  return fsm_fail(r->err, FSM_EMALFORMED, "", "a value is of no known type");
}

/* ---- the whole --------------------------------------------------------------------------------- */

static fsm_code fail_syntax(const json_error_t *fault, fsm_error *err) {
  if (json_error_code(fault) == json_error_out_of_memory)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory to read JSON");
  char where[32];
  snprintf(where, sizeof where, "%d:%d", fault->line > 0 ? fault->line : 1,
           fault->column > 0 ? fault->column : 1);
  return fsm_fail(err, FSM_EMALFORMED, where, "%s", fault->text);
}

static fsm_code parse(const reader *r, const char *text, size_t len, fsm_value *out) {
  json_error_t fault;
  json_t *tree = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
  if (!tree) return fail_syntax(&fault, r->err);
  fsm_value value;
  fsm_code code = read_node(r, tree, &value);
  json_decref(tree);
  if (!code) *out = value;
  return code;
}

fsm_code fsm_json_parse(fsm_arena *arena, const char *text, size_t len, fsm_json_order order, fsm_value *out,
                        fsm_error *err) {
  return fsm_json_parse_deep(arena, text, len, order, FSM_JSON_DEPTH_MAX, out, err);
}

fsm_code fsm_json_parse_deep(fsm_arena *arena, const char *text, size_t len, fsm_json_order order,
                             unsigned depth, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(arena && out && (text || !len) && depth <= DEPTH_MOST);
  if (len > FSM_JSON_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "%zu bytes of JSON are over the limit of %d", len,
                    FSM_JSON_BYTES_MAX);
  if (len == 0) return fsm_fail(err, FSM_EMALFORMED, "1:1", "the JSON text is empty");
  scan s = {.text = text, .len = len, .most = depth};
  fsm_code code = pre_scan(&s, err);
  reader r = {arena, order, err};
  if (!code) code = s.copied ? parse(&r, s.rewritten.data, s.rewritten.len, out) : parse(&r, text, len, out);
  fsm_buf_free(&s.rewritten);
  return code;
}

const char *fsm_json_library(void) { return jansson_version_str(); }
