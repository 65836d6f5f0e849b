/* safe_text.c: see safe_text.h. */
#include "schema/safe_text.h"

#include <string.h>

#include "schema/utf8.h"

bool fsm__is_danger(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f || c == 0xfeff ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || (c >= 0xe0000 && c <= 0xe007f);
}

void fsm__danger_escape(fsm_buf *out, uint32_t c) {
  if (c == '\n')
    fsm_buf_str(out, "\\n");
  else if (c == '\t')
    fsm_buf_str(out, "\\t");
  else if (c == '\r')
    fsm_buf_str(out, "\\r");
  else if (c < 0x80)
    fsm_buf_printf(out, "\\x%02x", (unsigned)c);
  else
    fsm_buf_printf(out, "\\u{%x}", (unsigned)c);
}

/* The character at text, whose sequence is of step bytes. */
static uint32_t character(const char *text, size_t step) {
  static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t c = (unsigned char)text[0] & first[step];
  for (size_t i = 1; i < step; i++) c = c << 6 | ((unsigned char)text[i] & 0x3f);
  return c;
}

/* ---- csv -------------------------------------------------------------------------------------------- */

/* -?digits, a fraction, an exponent: what JSON calls a number. */
static bool is_number(const char *text, size_t len) {
  size_t at = len > 0 && text[0] == '-', from = at;
  while (at < len && text[at] >= '0' && text[at] <= '9') at++;
  if (at == from) return false;
  if (at < len && text[at] == '.')
    for (from = ++at; at < len && text[at] >= '0' && text[at] <= '9';) at++;
  if (at == from) return false;
  if (at < len && (text[at] == 'e' || text[at] == 'E')) {
    at += at + 1 < len && (text[at + 1] == '+' || text[at + 1] == '-') ? 2 : 1;
    for (from = at; at < len && text[at] >= '0' && text[at] <= '9';) at++;
    if (at == from) return false;
  }
  return at == len;
}

static bool begins_formula(const char *text, size_t len) {
  static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
  if (len == 0 || is_number(text, len)) return false;
  if (strchr("=+-@'", text[0]) != NULL && text[0] != 0) return true;
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
    if (len >= 3 && memcmp(text, wide[i], 3) == 0) return true;
  return false;
}

static void make_safe(fsm_buf *out, const char *text, size_t len) {
  if (begins_formula(text, len)) fsm_buf_char(out, '\'');
  for (size_t at = 0; at < len;) {
    const size_t step = fsm__utf8_next(text + at, len - at);
    const uint32_t c = step > 0 ? character(text + at, step) : 0;
    if (step == 0)
      fsm_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text[at]);
    else if (fsm__is_danger(c))
      fsm__danger_escape(out, c);
    else
      fsm_buf_add(out, text + at, step);
    at += step > 0 ? step : 1;
  }
}

static bool needs_quotes(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (strchr(",\"\r\n", text[i]) != NULL && text[i] != 0) return true;
  return len > 0 && (text[0] == ' ' || text[len - 1] == ' ');
}

static void put_cell(fsm_buf *out, const char *text, size_t len) {
  if (!needs_quotes(text, len)) {
    fsm_buf_add(out, text, len);
    return;
  }
  fsm_buf_char(out, '"');
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '"') fsm_buf_char(out, '"');
    fsm_buf_char(out, text[i]);
  }
  fsm_buf_char(out, '"');
}

void fsm__csv_cell(fsm_buf *out, const char *text, size_t len, bool raw) {
  fsm_buf safe = {0};
  if (!raw) make_safe(&safe, text, len);
  if (raw)
    put_cell(out, text, len);
  else
    put_cell(out, fsm_buf_text(&safe), safe.len);
  if (!raw && !fsm_buf_ok(&safe)) out->failed = true;
  fsm_buf_free(&safe);
}

/* ---- JSON ------------------------------------------------------------------------------------------- */

static void put_unit(fsm_buf *out, uint32_t c) {
  if (c <= 0xffff)
    fsm_buf_printf(out, "\\u%04x", (unsigned)c);
  else
    fsm_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (((unsigned)c - 0x10000) >> 10),
                   0xdc00 + (((unsigned)c - 0x10000) & 0x3ff));
}

/* Bytes up to the first danger; most lines have none, and no byte that one could begin with. */
static size_t harmless(const char *text, size_t len, uint32_t *danger, size_t *step) {
  for (size_t at = 0; at < len; at += *step) {
    const unsigned char byte = (unsigned char)text[at];
    *step = 1;
    if ((byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == 0) continue;
    const size_t next = fsm__utf8_next(text + at, len - at);
    if (next == 0) continue;
    *step = next;
    *danger = character(text + at, next);
    if (fsm__is_danger(*danger)) return at;
  }
  return len;
}

void fsm__json_make_safe(fsm_buf *out, size_t from) {
  uint32_t c = 0;
  size_t step = 1;
  if (out->failed || out->len == from) return;
  size_t at = from + harmless(out->data + from, out->len - from, &c, &step);
  if (at == out->len) return;
  fsm_buf rest = {0};
  fsm_buf_add(&rest, out->data + at, out->len - at);
  out->len = at;
  for (size_t done = 0; done < rest.len && !rest.failed;) {
    const size_t plain = harmless(rest.data + done, rest.len - done, &c, &step);
    fsm_buf_add(out, rest.data + done, plain);
    done += plain;
    if (done == rest.len) break;
    put_unit(out, c);
    done += step;
  }
  if (rest.failed) out->failed = true;
  fsm_buf_free(&rest);
}
