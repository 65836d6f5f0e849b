/* scxml_token.c: tokens that ECMAScript and CEL have in common, as views of the text.
 *
 * White space and comments of both languages are skipped. A sign is the longest that either language
 * has, so that one that only ECMAScript has is seen whole and can be refused by its name.
 */
#include <string.h>

#include "schema/scxml_load.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_name(char c) { return begins_name(c) || is_digit(c); }

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* ---- what is skipped --------------------------------------------------------------------------- */

/* The end of a comment at `at`; `at` itself when there is none, NULL when it does not end. */
static const char *after_comment(const char *at, const char *end) {
  if (end - at < 2 || *at != '/') return at;
  if (at[1] == '/') {
    while (at < end && *at != '\n') at++;
    return at;
  }
  if (at[1] != '*') return at;
  for (at += 2; end - at >= 2; at++)
    if (at[0] == '*' && at[1] == '/') return at + 2;
  return NULL;
}

static const char *skip(const char *at, const char *end, fsm__word *word) {
  for (;;) {
    const char *next = at;
    while (next < end && is_blank(*next)) word->new_line |= *next++ == '\n';
    next = after_comment(next, end);
    if (next) word->new_line |= memchr(at, '\n', (size_t)(next - at)) != NULL;
    if (!next || next == at) return next;
    word->spaced = true;
    at = next;
  }
}

/* ---- literals ---------------------------------------------------------------------------------- */

/* The length of a string at `at`, 0 when it does not end. */
static size_t string_length(const char *at, const char *end, bool raw) {
  char quote = *at;
  size_t width = end - at >= 3 && at[1] == quote && at[2] == quote ? 3 : 1;
  for (const char *c = at + width; c < end; c++) {
    if (*c == '\\' && !raw) {
      c++;
    } else if (*c == '\n' && width == 1) {
      return 0;
    } else if (*c == quote && (width == 1 || (end - c >= 3 && c[1] == quote && c[2] == quote))) {
      return (size_t)(c - at) + width;
    }
  }
  return 0;
}

/* The length of CEL's r and b before a quote; 0 when there are none. */
static size_t prefix_length(const char *at, const char *end) {
  size_t n = 0;
  while (n < 2 && at + n < end && at[n] && strchr("rRbB", at[n])) n++;
  return n && at + n < end && (at[n] == '"' || at[n] == '\'') ? n : 0;
}

static size_t number_length(const char *at, const char *end) {
  const char *c = at;
  while (c < end && (is_name(*c) || *c == '.' ||
                     ((*c == '+' || *c == '-') && (c[-1] == 'e' || c[-1] == 'E') &&
                      !(at[0] == '0' && (at[1] == 'x' || at[1] == 'X')))))
    c++;
  return (size_t)(c - at);
}

/* ---- tokens ------------------------------------------------------------------------------------ */

static size_t sign_length(const char *at, const char *end) {
  static const char *const signs[] = {">>>=", "===",   "!==", "**=", "<<=",  ">>=", ">>>", "...", "&&=",
                                      "||=",  "\?\?=", "==",  "!=",  "<=",   ">=",  "&&",  "||",  "++",
                                      "--",   "+=",    "-=",  "*=",  "/=",   "%=",  "&=",  "|=",  "^=",
                                      "=>",   "**",    "<<",  ">>",  "\?\?", "?."};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    size_t len = strlen(signs[i]);
    if ((size_t)(end - at) >= len && memcmp(at, signs[i], len) == 0) return len;
  }
  return *at && strchr("{}()[];,<>+-*/%&|^!~?:=.", *at) ? 1 : 0;
}

fsm__word fsm__word_next(const char *at, const char *end) {
  fsm__word word = {.kind = FSM__WORD_BAD, .text = at, .len = 1};
  const char *next = skip(at, end, &word);
  if (!next) return word;
  word.text = at = next;
  if (at == end) {
    word.kind = FSM__WORD_END;
    word.len = 0;
    return word;
  }
  size_t prefix = prefix_length(at, end);
  if (prefix || *at == '"' || *at == '\'') {
    bool raw = prefix && (strchr("rR", at[0]) || (prefix == 2 && strchr("rR", at[1])));
    size_t len = string_length(at + prefix, end, raw);
    word.kind = len ? FSM__WORD_STRING : FSM__WORD_BAD;
    word.len = len ? prefix + len : 1;
  } else if (begins_name(*at)) {
    word.kind = FSM__WORD_NAME;
    while (at + word.len < end && is_name(at[word.len])) word.len++;
  } else if (is_digit(*at) || (*at == '.' && end - at > 1 && is_digit(at[1]))) {
    word.kind = FSM__WORD_NUMBER;
    word.len = number_length(at, end);
  } else {
    size_t len = sign_length(at, end);
    word.kind = len ? FSM__WORD_SIGN : FSM__WORD_BAD;
    word.len = len ? len : 1;
  }
  return word;
}

bool fsm__word_is(const fsm__word *word, const char *text) {
  return word->kind != FSM__WORD_END && word->kind != FSM__WORD_STRING && word->len == strlen(text) &&
         memcmp(word->text, text, word->len) == 0;
}
