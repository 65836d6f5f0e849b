/* expr_lex.c: an expression's text to tokens.
 *
 * The text is valid UTF-8, at most FSM_EXPR_TEXT_MAX bytes and ends in a NUL that is not part of it, so
 * that looking one byte ahead is always allowed. Outside of strings everything is ASCII.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fsm/expr_impl.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_name(char c) { return is_name_start(c) || is_digit(c); }

/* ---- places ------------------------------------------------------------------------------------ */

size_t fsm__utf8_sequence(const char *text, size_t len) {
  const unsigned char *s = (const unsigned char *)text;
  if (len == 0) return 0;
  if (s[0] < 0x80) return 1;
  size_t width = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
  if (s[0] < 0xc2 || s[0] > 0xf4 || len < width) return 0;
  for (size_t i = 1; i < width; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90)) return 0; /* overlong */
  if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0; /* surrogate, too high */
  return width;
}

void fsm__expr_place(const char *text, size_t at, char *out, size_t cap) {
  unsigned line = 1, column = 1;
  for (size_t i = 0; i < at; i++) {
    if (text[i] == '\n')
      line++, column = 1;
    else if (((unsigned char)text[i] & 0xc0) != 0x80)
      column++;
  }
  snprintf(out, cap, "%u:%u", line, column);
}

fsm_code fsm__expr_fail(const fsm__source *source, fsm_code code, size_t at, const char *format, ...) {
  char where[32], text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fsm__expr_place(source->text, at, where, sizeof where);
  return fsm_fail(source->err, code, where, "%s", text);
}

/* ---- names and numbers ------------------------------------------------------------------------- */

static fsm_code lex_name(fsm__source *source, fsm__token *token) {
  static const struct {
    const char *text;
    fsm__token_kind kind;
  } words[] = {{"true", FSM__T_TRUE}, {"false", FSM__T_FALSE}, {"null", FSM__T_NULL}, {"in", FSM__T_IN}};
  size_t begin = source->at;
  while (is_name(source->text[source->at])) source->at++;
  size_t len = source->at - begin;
  token->kind = FSM__T_NAME;
  token->value = fsm_stringn(source->text + begin, len);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (fsm_is_text(&token->value, words[i].text)) token->kind = words[i].kind;
  return FSM_OK;
}

/* A field whose name is no identifier: context.`content-type`. */
static fsm_code lex_escaped_name(fsm__source *source, fsm__token *token) {
  size_t begin = ++source->at;
  while (is_name(source->text[source->at]) ||
         (source->text[source->at] && strchr("./- ", source->text[source->at])))
    source->at++;
  size_t len = source->at - begin;
  if (source->text[source->at] != '`' || !len)
    return fsm__expr_fail(source, FSM_EEXPRESSION, source->at,
                          "expected letters, digits, _ . / - and then '`'");
  source->at++;
  token->kind = FSM__T_NAME;
  token->value = fsm_stringn(source->text + begin, len);
  return FSM_OK;
}

/* A digit's value in a base of 10 or 16, or -1. */
static int digit_value(char c, unsigned base) {
  if (is_digit(c)) return c - '0';
  if (base != 16) return -1;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static fsm_code lex_integer(fsm__source *source, fsm__token *token) {
  const char *text = source->text;
  unsigned base = 10;
  uint64_t value = 0;
  size_t begin = source->at;
  if (text[source->at] == '0' && (text[source->at + 1] == 'x' || text[source->at + 1] == 'X')) {
    base = 16;
    source->at += 2;
    if (digit_value(text[source->at], 16) < 0)
      return fsm__expr_fail(source, FSM_EEXPRESSION, source->at, "expected a hexadecimal digit after '0x'");
  }
  for (int digit; (digit = digit_value(text[source->at], base)) >= 0; source->at++)
    if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
        __builtin_add_overflow(value, (uint64_t)digit, &value))
      return fsm__expr_fail(source, FSM_EEXPRESSION, begin, "the number does not fit into 64 bits");
  token->kind = FSM__T_INT;
  if (text[source->at] == 'u' || text[source->at] == 'U') {
    token->kind = FSM__T_UINT;
    source->at++;
  }
  token->value = fsm_uint(value);
  return FSM_OK;
}

/* The length of a double at text, 0 when what stands there is an integer. */
static size_t double_length(const char *text) {
  size_t at = 0;
  bool is_double = false;
  while (is_digit(text[at])) at++;
  if (text[at] == '.' && is_digit(text[at + 1])) {
    is_double = true;
    for (at++; is_digit(text[at]);) at++;
  }
  if (text[at] == 'e' || text[at] == 'E') {
    size_t exponent = at + 1;
    if (text[exponent] == '+' || text[exponent] == '-') exponent++;
    if (is_digit(text[exponent])) {
      is_double = true;
      for (at = exponent; is_digit(text[at]);) at++;
    }
  }
  return is_double ? at : 0;
}

static fsm_code lex_number(fsm__source *source, fsm__token *token) {
  size_t begin = source->at, len = double_length(source->text + begin);
  if (len) {
    double value = 0;
    bool ok = fsm__double_of(source->text + begin, len, &value);
    FSM_ASSERT(ok);
    if (isinf(value))
      return fsm__expr_fail(source, FSM_EEXPRESSION, begin, "the number is too large for a double");
    source->at = (uint16_t)(begin + len);
    token->kind = FSM__T_DOUBLE;
    token->value = fsm_double(value);
  } else {
    fsm_code code = lex_integer(source, token);
    if (code) return code;
  }
  if (is_name(source->text[source->at]))
    return fsm__expr_fail(source, FSM_EEXPRESSION, source->at, "expected the end of the number, found '%c'",
                          source->text[source->at]);
  return FSM_OK;
}

/* ---- signs ------------------------------------------------------------------------------------- */

static const struct {
  char text[3];
  uint8_t kind;
} signs[] = {
    {"&&", FSM__T_AND},     {"||", FSM__T_OR},    {"==", FSM__T_EQ},      {"!=", FSM__T_NE},
    {"<=", FSM__T_LE},      {">=", FSM__T_GE},    {"<", FSM__T_LT},       {">", FSM__T_GT},
    {"!", FSM__T_NOT},      {"(", FSM__T_LPAREN}, {")", FSM__T_RPAREN},   {"[", FSM__T_LBRACKET},
    {"]", FSM__T_RBRACKET}, {"{", FSM__T_LBRACE}, {"}", FSM__T_RBRACE},   {",", FSM__T_COMMA},
    {".", FSM__T_DOT},      {":", FSM__T_COLON},  {"?", FSM__T_QUESTION}, {"+", FSM__T_PLUS},
    {"-", FSM__T_MINUS},    {"*", FSM__T_STAR},   {"/", FSM__T_SLASH},    {"%", FSM__T_PERCENT},
};

static fsm_code lex_sign(fsm__source *source, fsm__token *token) {
  const char *at = source->text + source->at;
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    const char *sign = signs[i].text;
    if (at[0] != sign[0] || (sign[1] && at[1] != sign[1])) continue;
    token->kind = (fsm__token_kind)signs[i].kind;
    source->at = (uint16_t)(source->at + (sign[1] ? 2 : 1));
    return FSM_OK;
  }
  if (*at == '=' || *at == '&' || *at == '|')
    return fsm__expr_fail(source, FSM_EEXPRESSION, source->at, "found '%c', expected '%c%c'", *at, *at, *at);
  if ((unsigned char)*at < 0x20 || *at == 0x7f)
    return fsm__expr_fail(source, FSM_EEXPRESSION, source->at, "found the control character 0x%02x",
                          (unsigned char)*at);
  size_t len = fsm__utf8_sequence(at, source->len - source->at);
  return fsm__expr_fail(source, FSM_EEXPRESSION, source->at, "found '%.*s', which no expression contains",
                        (int)len, at);
}

/* ---- tokens ------------------------------------------------------------------------------------ */

static void skip_blanks(fsm__source *source) {
  const char *text = source->text;
  for (;;) {
    char c = text[source->at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      source->at++;
    } else if (c == '/' && text[source->at + 1] == '/') {
      while (source->at < source->len && text[source->at] != '\n') source->at++;
    } else {
      return;
    }
  }
}

/* Does a string start here: a quote, or up to two of the prefixes r and b before one? */
static bool at_quote(const char *text) {
  bool raw = false, bytes = false;
  for (;; text++) {
    if (*text == '"' || *text == '\'') return true;
    if ((*text == 'r' || *text == 'R') && !raw)
      raw = true;
    else if ((*text == 'b' || *text == 'B') && !bytes)
      bytes = true;
    else
      return false;
  }
}

fsm_code fsm__lex(fsm__source *source, fsm__token *token) {
  skip_blanks(source);
  const char *at = source->text + source->at;
  *token = (fsm__token){.kind = FSM__T_END, .begin = source->at, .end = source->at};
  if (source->at >= source->len) return FSM_OK;
  fsm_code code;
  if (at_quote(at))
    code = fsm__lex_quoted(source, token);
  else if (is_name_start(*at))
    code = lex_name(source, token);
  else if (*at == '`')
    code = lex_escaped_name(source, token);
  else if (is_digit(*at) || (*at == '.' && is_digit(at[1])))
    code = lex_number(source, token);
  else
    code = lex_sign(source, token);
  token->end = source->at;
  return code;
}
