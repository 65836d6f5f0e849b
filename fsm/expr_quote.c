/* expr_quote.c: string and bytes literals.
 *
 * '…' "…' '''…''' """…""" with the prefixes r (no escapes) and b (bytes). Decoding never makes a literal
 * longer than its source, so the place for all of them is taken from the arena once. A string stays valid
 * UTF-8: an escape names a code point; in bytes it names a byte.
 */
#include <string.h>

#include "fsm/expr_impl.h"

typedef struct literal {
  fsm__source *source;
  bool raw, bytes;
  char quote;
  unsigned quotes; /* 1 or 3 */
  char *out;
  size_t len;
} literal;

static fsm_code fail(const literal *lit, size_t at, const char *what) {
  return fsm__expr_fail(lit->source, FSM_EEXPRESSION, at, "%s", what);
}

static void open_literal(literal *lit) {
  fsm__source *source = lit->source;
  for (;; source->at++) {
    char c = source->text[source->at];
    if (c == 'r' || c == 'R')
      lit->raw = true;
    else if (c == 'b' || c == 'B')
      lit->bytes = true;
    else
      break;
  }
  const char *at = source->text + source->at;
  lit->quote = *at;
  lit->quotes = at[1] == *at && at[2] == *at ? 3 : 1;
  source->at = (uint16_t)(source->at + lit->quotes);
}

static bool at_close(const literal *lit) {
  const char *at = lit->source->text + lit->source->at;
  for (unsigned i = 0; i < lit->quotes; i++)
    if (at[i] != lit->quote) return false;
  return true;
}

static void put_code_point(literal *lit, uint32_t c) {
  char *out = lit->out + lit->len;
  if (c < 0x80) {
    out[0] = (char)c;
    lit->len += 1;
  } else if (c < 0x800) {
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3f));
    lit->len += 2;
  } else if (c < 0x10000) {
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3f));
    out[2] = (char)(0x80 | (c & 0x3f));
    lit->len += 3;
  } else {
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    lit->len += 4;
  }
}

/* Reads exactly `count` digits of the base behind the escape; false when they are not there. */
static bool read_digits(literal *lit, unsigned count, unsigned base, uint32_t *value) {
  *value = 0;
  for (unsigned i = 0; i < count; i++, lit->source->at++) {
    char c = lit->source->text[lit->source->at];
    unsigned digit = 99;
    if (c >= '0' && c <= '9') digit = (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') digit = (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = (unsigned)(c - 'A') + 10;
    if (digit >= base) return false;
    *value = *value * base + digit;
  }
  return true;
}

static fsm_code numeric_escape(literal *lit, size_t begin, char kind) {
  uint32_t value;
  bool wide = kind == 'u' || kind == 'U', octal = kind >= '0' && kind <= '3';
  if (octal) lit->source->at--;
  unsigned count = kind == 'u' ? 4 : kind == 'U' ? 8 : octal ? 3 : 2;
  if (wide && lit->bytes) return fail(lit, begin, "bytes have no escapes \\u and \\U");
  if (!read_digits(lit, count, octal ? 8 : 16, &value))
    return fail(lit, begin,
                octal ? "expected three octal digits after '\\'"
                      : "expected hexadecimal digits: \\xHH, \\uHHHH or \\UHHHHHHHH");
  if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return fail(lit, begin, "the escape is not a Unicode character");
  if (lit->bytes)
    lit->out[lit->len++] = (char)value;
  else
    put_code_point(lit, value);
  return FSM_OK;
}

static fsm_code escape(literal *lit) {
  static const char plain[] = "abfnrtv\\?\"'`", meant[] = "\a\b\f\n\r\t\v\\?\"'`";
  size_t begin = lit->source->at++;
  char kind = lit->source->text[lit->source->at];
  if (begin + 1 >= lit->source->len) return fail(lit, begin, "the string is not closed");
  lit->source->at++;
  const char *known = kind ? strchr(plain, kind) : NULL;
  if (known) {
    lit->out[lit->len++] = meant[known - plain];
    return FSM_OK;
  }
  if (kind == 'x' || kind == 'X' || kind == 'u' || kind == 'U' || (kind >= '0' && kind <= '3'))
    return numeric_escape(lit, begin, kind);
  return fail(lit, begin, "there is no such escape");
}

static fsm_code decode(literal *lit, size_t begin) {
  fsm__source *source = lit->source;
  while (!at_close(lit)) {
    char c = source->text[source->at];
    if (source->at >= source->len) return fail(lit, begin, "the string is not closed");
    if (lit->quotes == 1 && (c == '\n' || c == '\r'))
      return fail(lit, source->at, "found a line end in the string; only triple quotes may hold one");
    if (c == '\\' && !lit->raw) {
      fsm_code code = escape(lit);
      if (code) return code;
    } else {
      lit->out[lit->len++] = c;
      source->at++;
    }
  }
  source->at = (uint16_t)(source->at + lit->quotes);
  return FSM_OK;
}

fsm_code fsm__lex_quoted(fsm__source *source, fsm__token *token) {
  literal lit = {.source = source};
  size_t begin = source->at;
  open_literal(&lit);
  if (!source->strings) source->strings = fsm_arena_alloc(source->arena, source->len);
  if (!source->strings) return fsm__expr_fail(source, FSM_ENOMEM, begin, "no memory for a string");
  lit.out = source->strings + source->strings_len;
  fsm_code code = decode(&lit, begin);
  if (code) return code;
  source->strings_len += lit.len;
  token->kind = lit.bytes ? FSM__T_BYTES : FSM__T_STRING;
  token->value = lit.bytes ? fsm_bytes(lit.out, lit.len) : fsm_stringn(lit.out, lit.len);
  return FSM_OK;
}
