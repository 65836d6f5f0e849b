/* json_write.c: writing JSON: compact, indented, and string literals.
 *
 * Numbers are written here because common writers print 0.1 as 0.10000000000000001: the shortest of 15,
 * 16 and 17 digits that reads back the same double is used, whatever the locale calls its point.
 * Recursion is bounded by the depth of what was read or built (64); deeper values are cut to null.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/expr_time_text.h"
#include "schema/json.h"
#include "schema/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

/* ---- strings ----------------------------------------------------------------------------------- */

static void escape(fsm_buf *buf, unsigned char c) {
  switch (c) {
    case '"': fsm_buf_str(buf, "\\\""); return;
    case '\\': fsm_buf_str(buf, "\\\\"); return;
    case '\n': fsm_buf_str(buf, "\\n"); return;
    case '\r': fsm_buf_str(buf, "\\r"); return;
    case '\t': fsm_buf_str(buf, "\\t"); return;
    default: {
      char text[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};
      fsm_buf_add(buf, text, sizeof text);
    }
  }
}

/* How many bytes from text on need no escape. */
static size_t plain(const char *text, size_t len) {
  size_t at = 0;
  while (at < len) {
    unsigned char c = (unsigned char)text[at];
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
      at++;
      continue;
    }
    size_t step = c < 0x80 ? 0 : fsm__utf8_next(text + at, len - at);
    if (!step) break;
    at += step;
  }
  return at;
}

/* A byte that is no UTF-8 is shown as the code point of its number (U+0080..U+00FF). */
void fsm_json_quote(fsm_buf *buf, const char *text, size_t len) {
  FSM_ASSERT(buf && (text || !len));
  if (!fsm_buf_reserve(buf, len + 2)) return;
  fsm_buf_char(buf, '"');
  for (size_t at = 0; at < len;) {
    size_t run = plain(text + at, len - at);
    fsm_buf_add(buf, text + at, run);
    at += run;
    if (at < len) escape(buf, (unsigned char)text[at++]);
  }
  fsm_buf_char(buf, '"');
}

static void write_hex(fsm_buf *buf, const char *data, size_t len) {
  fsm_buf_char(buf, '"');
  for (size_t i = 0; i < len && fsm_buf_ok(buf); i++) {
    unsigned char c = (unsigned char)data[i];
    fsm_buf_char(buf, hex_digits[c >> 4]);
    fsm_buf_char(buf, hex_digits[c & 15]);
  }
  fsm_buf_char(buf, '"');
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static void write_double(fsm_buf *buf, double d) {
  if (!__builtin_isfinite(d)) {
    fsm_buf_str(buf, "null");
    return;
  }
  char text[48];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, d);
    if (strtod(text, NULL) == d) break;
  }
  bool real = false;
  for (const char *p = text; *p;) {
    size_t run = strspn(p, "+-0123456789eE");
    real = real || memchr(p, 'e', run);
    fsm_buf_add(buf, p, run);
    p += run;
    size_t point = strcspn(p, "+-0123456789eE"); /* the locale's, of any length */
    if (point) fsm_buf_char(buf, '.');
    real = real || point;
    p += point;
  }
  if (!real) fsm_buf_str(buf, ".0");
}

/* Readers that keep numbers as doubles would round what is above 2^53: it is quoted. */
static void write_number(fsm_buf *buf, bool negative, uint64_t u) {
  enum { LONGEST = 23 }; /* a sign, 20 digits, two quotes */
  char text[LONGEST], *at = text + sizeof text;
  const bool quoted = u > (uint64_t)1 << 53;
  if (quoted) *--at = '"';
  do *--at = (char)('0' + u % 10);
  while ((u /= 10) != 0);
  if (negative) *--at = '-';
  if (quoted) *--at = '"';
  fsm_buf_add(buf, at, (size_t)(text + sizeof text - at));
}

static void write_int(fsm_buf *buf, int64_t i) {
  write_number(buf, i < 0, i < 0 ? -(uint64_t)i : (uint64_t)i);
}

static void write_time(fsm_buf *buf, const fsm_value *value) {
  char text[FSM__TIME_TEXT_MAX];
  if (value->type == FSM_TIMESTAMP)
    fsm__timestamp_text(value->i, value->len, text, sizeof text);
  else
    fsm__duration_text(value->i, (int32_t)value->len, text, sizeof text);
  fsm_buf_printf(buf, "\"%s\"", text);
}

/* ---- values ------------------------------------------------------------------------------------ */

typedef struct writer {
  fsm_buf *buf;
  bool pretty;
} writer;

static void write_value(const writer *w, const fsm_value *value, unsigned depth);

static void new_line(const writer *w, unsigned depth) {
  if (!w->pretty) return;
  fsm_buf_char(w->buf, '\n');
  for (unsigned i = 0; i < depth; i++) fsm_buf_str(w->buf, "  ");
}

static void write_key(const writer *w, const fsm_value *key) {
  if (key->type == FSM_STRING) {
    fsm_json_quote(w->buf, key->s, key->len);
  } else {
    fsm_buf text = {0};
    fsm_json_write(&text, key);
    if (!fsm_buf_ok(&text)) w->buf->failed = true;
    bool quoted = text.len && text.data[0] == '"';
    if (quoted)
      fsm_buf_add(w->buf, text.data, text.len);
    else
      fsm_json_quote(w->buf, text.data, text.len);
    fsm_buf_free(&text);
  }
  fsm_buf_str(w->buf, w->pretty ? ": " : ":");
}

static void write_list(const writer *w, const fsm_value *list, unsigned depth) {
  fsm_buf_char(w->buf, '[');
  for (uint32_t i = 0; i < list->len; i++) {
    if (i) fsm_buf_char(w->buf, ',');
    new_line(w, depth + 1);
    write_value(w, &list->items[i], depth + 1);
  }
  if (list->len) new_line(w, depth);
  fsm_buf_char(w->buf, ']');
}

static void write_map(const writer *w, const fsm_value *map, unsigned depth) {
  fsm_buf_char(w->buf, '{');
  for (uint32_t i = 0; i < map->len; i++) {
    if (i) fsm_buf_char(w->buf, ',');
    new_line(w, depth + 1);
    write_key(w, &map->pairs[i].key);
    write_value(w, &map->pairs[i].value, depth + 1);
  }
  if (map->len) new_line(w, depth);
  fsm_buf_char(w->buf, '}');
}

static void write_value(const writer *w, const fsm_value *value, unsigned depth) {
  if (depth > FSM_VALUE_DEPTH_MAX + 8) { /* room for the levels that views and answers add */
    fsm_buf_str(w->buf, "null");
    return;
  }
  switch ((fsm_type)value->type) {
    case FSM_NULL: fsm_buf_str(w->buf, "null"); return;
    case FSM_BOOL: fsm_buf_str(w->buf, value->b ? "true" : "false"); return;
    case FSM_INT: write_int(w->buf, value->i); return;
    case FSM_UINT: write_number(w->buf, false, value->u); return;
    case FSM_DOUBLE: write_double(w->buf, value->d); return;
    case FSM_STRING: fsm_json_quote(w->buf, value->s, value->len); return;
    case FSM_BYTES: write_hex(w->buf, value->s, value->len); return;
    case FSM_LIST: write_list(w, value, depth); return;
    case FSM_MAP: write_map(w, value, depth); return;
    case FSM_TIMESTAMP:
    case FSM_DURATION: write_time(w->buf, value); return;
    case FSM_TYPE_COUNT: break;
  }
  FSM_ASSERT(!"a value of a known type");
}

void fsm_json_write(fsm_buf *buf, const fsm_value *value) {
  FSM_ASSERT(buf && value);
  write_value(&(writer){buf, false}, value, 0);
}

void fsm_json_write_pretty(fsm_buf *buf, const fsm_value *value) {
  FSM_ASSERT(buf && value);
  write_value(&(writer){buf, true}, value, 0);
}
