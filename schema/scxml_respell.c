/* scxml_respell.c: ECMAScript's expressions as CEL, token by token.
 *
 * Only what means the same in both is taken over: literals, names, members, calls of In, startsWith and
 * endsWith, the operators without side effects. === becomes ==, undefined becomes null, the keys of an
 * object become strings, a division is one of doubles, .length becomes size(). What CEL has no like of is
 * refused by its name, so that nothing is read as something else.
 */
#include <stdio.h>
#include <string.h>

#include "schema/scxml_load.h"

enum { NESTING_MAX = FSM_EXPR_DEPTH_MAX };

typedef struct respeller {
  fsm__scxml *r;
  const char *where;
  const char *begin, *end;
  fsm_buf out;
  fsm__word word, before; /* the token, and the one before it */
  char open[NESTING_MAX]; /* brackets that are open */
  unsigned depth;
  bool at_key;                 /* the next token is the key of an object */
  bool right[NESTING_MAX + 1]; /* per depth: a bracket of our own is open, around an operand of == */
} respeller;

static fsm_code refuse(respeller *s, const char *what) {
  return fsm__scxml_unsupported(s->r, s->where,
                                "\"%.*s\" is %s of ECMAScript that expressions here do not have",
                                (int)(s->word.len < 48 ? s->word.len : 48), s->word.text, what);
}

static void copy(respeller *s) { fsm_buf_add(&s->out, s->word.text, s->word.len); }

static fsm__word peek(const respeller *s) { return fsm__word_next(s->word.text + s->word.len, s->end); }

static bool is_one_of(const fsm__word *word, const char *const *texts) {
  for (; *texts; texts++)
    if (fsm__word_is(word, *texts)) return true;
  return false;
}

/* Does the token before this one end a value? */
static bool after_value(const respeller *s) {
  static const char *const ends[] = {")", "]", "}", NULL};
  static const char *const operators[] = {"typeof", "in",  "instanceof", "void",
                                          "delete", "new", "return",     NULL};
  switch (s->before.kind) {
    case FSM__WORD_NAME: return !is_one_of(&s->before, operators);
    case FSM__WORD_NUMBER:
    case FSM__WORD_STRING: return true;
    case FSM__WORD_SIGN: return is_one_of(&s->before, ends);
    case FSM__WORD_END:
    case FSM__WORD_BAD: break;
  }
  return false;
}

/* ---- literals ---------------------------------------------------------------------------------- */

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX at `at`; -1 when they are not there. */
static int unit_at(const char *at, const char *end) {
  int unit = 0;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
  for (int i = 2; i < 6; i++) {
    if (hex_value(at[i]) < 0) return -1;
    unit = 16 * unit + hex_value(at[i]);
  }
  return unit;
}

/* One escape of a string; returns how many bytes it took, 0 when CEL cannot say it. */
static size_t write_escape(fsm_buf *out, const char *at, const char *end) {
  int unit = unit_at(at, end), low;
  if (unit >= 0xD800 && unit < 0xDC00) {
    low = unit_at(at + 6, end);
    if (low < 0xDC00 || low > 0xDFFF) return 0;
    fsm_buf_printf(out, "\\U%08x", 0x10000 + ((unsigned)(unit - 0xD800) << 10) + (unsigned)(low - 0xDC00));
    return 12;
  }
  if (at[1] == 'u') {
    if (unit < 0) return 0;
    fsm_buf_add(out, at, 6);
    return 6;
  }
  if (at[1] == '\n') return 2; /* a line that goes on */
  if (at[1] == '0') {
    if (end - at > 2 && at[2] >= '0' && at[2] <= '9') return 0;
    fsm_buf_str(out, "\\x00");
  } else if (strchr("bfnrtv\\'\"x", at[1])) {
    fsm_buf_add(out, at, 2);
  } else if (at[1] >= '1' && at[1] <= '9') {
    return 0;
  } else {
    fsm_buf_char(out, at[1]);
  }
  return 2;
}

static fsm_code write_string(respeller *s) {
  const char *at = s->word.text, *end = at + s->word.len;
  while (at < end) {
    if (*at != '\\') {
      fsm_buf_char(&s->out, *at++);
      continue;
    }
    size_t len = write_escape(&s->out, at, end);
    if (!len) return refuse(s, "an escape");
    at += len;
  }
  return FSM_OK;
}

static fsm_code write_number(respeller *s) {
  const char *text = s->word.text;
  char last = text[s->word.len - 1];
  if (memchr(text, '_', s->word.len) || last == 'n') return refuse(s, "a number");
  if (text[0] == '0' && s->word.len > 1 && text[1] >= '0' && text[1] <= '9')
    return refuse(s, "an octal number");
  copy(s);
  if (last == '.') fsm_buf_char(&s->out, '0');
  return FSM_OK;
}

/* ---- names ------------------------------------------------------------------------------------- */

/* typeof x === 'undefined', and the other three. */
static fsm_code write_typeof(respeller *s) {
  static const char *const compares[] = {"===", "!==", "==", "!=", NULL};
  fsm__word word = peek(s), begin = word;
  while (word.kind == FSM__WORD_NAME || fsm__word_is(&word, "."))
    word = fsm__word_next(word.text + word.len, s->end);
  fsm__word value = fsm__word_next(word.text + word.len, s->end);
  if (begin.kind != FSM__WORD_NAME || !is_one_of(&word, compares) || value.kind != FSM__WORD_STRING ||
      value.len != 11 || memcmp(value.text + 1, "undefined", 9) != 0)
    return refuse(s, "a test but for 'undefined'");
  fsm_buf_add(&s->out, begin.text, (size_t)(word.text - begin.text));
  fsm_buf_str(&s->out, word.text[0] == '!' ? "!= null" : "== null");
  s->word = value;
  return FSM_OK;
}

static fsm_code write_member(respeller *s) {
  static const char *const methods[] = {"startsWith", "endsWith", NULL};
  fsm__word next = peek(s);
  if (fsm__word_is(&next, "(") && !is_one_of(&s->word, methods)) return refuse(s, "a method");
  if (fsm__word_is(&s->word, "length"))
    fsm_buf_str(&s->out, "size()");
  else
    copy(s);
  return FSM_OK;
}

static fsm_code write_name(respeller *s) {
  static const char *const words[] = {
      "function", "new",   "delete",   "instanceof", "this",     "class", "yield", "await",
      "async",    "void",  "return",   "var",        "let",      "const", "if",    "else",
      "for",      "while", "do",       "switch",     "throw",    "try",   "super", "import",
      "export",   "with",  "debugger", "NaN",        "Infinity", "Math",  "JSON",  "Date",
      "Object",   "Array", "continue", "break",      NULL};
  fsm__word next = peek(s);
  if (memchr(s->word.text, '$', s->word.len)) return refuse(s, "a name with $");
  for (size_t i = 0; i < s->word.len; i++)
    if ((unsigned char)s->word.text[i] >= 0x80) return refuse(s, "a name");
  if (fsm__word_is(&s->before, ".")) return write_member(s);
  if (is_one_of(&s->word, words)) return refuse(s, "a word");
  if (fsm__word_is(&s->word, "typeof")) return write_typeof(s);
  if (fsm__word_is(&next, "(") && !fsm__word_is(&s->word, "In") && !fsm__word_is(&s->word, "in"))
    return refuse(s, "a function");
  if (fsm__word_is(&s->word, "undefined"))
    fsm_buf_str(&s->out, "null");
  else
    copy(s);
  return FSM_OK;
}

/* The key of an object: a name, a string or a number. */
static fsm_code write_key(respeller *s) {
  fsm__word next = peek(s);
  if (!fsm__word_is(&next, ":")) return refuse(s, "the member of an object");
  if (s->word.kind == FSM__WORD_STRING) return write_string(s);
  if (s->word.kind != FSM__WORD_NAME && s->word.kind != FSM__WORD_NUMBER)
    return refuse(s, "the key of an object");
  fsm_buf_char(&s->out, '\'');
  copy(s);
  fsm_buf_char(&s->out, '\'');
  return FSM_OK;
}

/* ---- signs ------------------------------------------------------------------------------------- */

/* false = deeper than any expression may be. */
static bool open_bracket(respeller *s) {
  if (s->depth == NESTING_MAX) return false;
  s->open[s->depth++] = *s->word.text;
  return true;
}

/* Of two truths | and & say the same as || and &&, as long as no other operator of the kind is there, for
 * they bind otherwise. */
static fsm_code write_bitwise(respeller *s) {
  static const char *const others[] = {"||", "&&", "^", "?", NULL};
  const char *other = fsm__word_is(&s->word, "|") ? "&" : "|";
  if (!s->r->is_condition) return refuse(s, "an operator");
  for (fsm__word word = fsm__word_next(s->begin, s->end);
       word.kind != FSM__WORD_END && word.kind != FSM__WORD_BAD;
       word = fsm__word_next(word.text + word.len, s->end))
    if (is_one_of(&word, others) || fsm__word_is(&word, other)) return refuse(s, "an operator");
  copy(s);
  copy(s);
  return FSM_OK;
}

/* ---- == and < ---------------------------------------------------------------------------------- */

/* To ECMAScript < and in bind more tightly than ==, to CEL they do not: a == b < c is a == (b < c). */
static const char *const equalities[] = {"==", "!=", "===", "!==", NULL};

/* Where an operand of == that begins here would end. */
static bool ends_operand(const fsm__word *word) {
  static const char *const weaker[] = {"&&", "||", "?", ":", ",", NULL};
  return is_one_of(word, weaker) || is_one_of(word, equalities);
}

/* Does an operand of == that begins behind this token have a < or the like in it? */
static bool compares_inside(const respeller *s) {
  static const char *const relations[] = {"<", ">", "<=", ">=", "in", NULL};
  unsigned depth = 0;
  for (fsm__word word = peek(s); word.kind != FSM__WORD_END && word.kind != FSM__WORD_BAD;
       word = fsm__word_next(word.text + word.len, s->end)) {
    bool sign = word.kind == FSM__WORD_SIGN;
    if (sign && strchr(")]}", *word.text) && depth-- == 0) return false;
    if (sign && strchr("([{", *word.text)) depth++;
    if (depth > 0) continue;
    if (sign && ends_operand(&word)) return false;
    if (is_one_of(&word, relations)) return true;
  }
  return false;
}

static void close_operand(respeller *s) {
  if (s->right[s->depth]) fsm_buf_char(&s->out, ')');
  s->right[s->depth] = false;
}

static fsm_code write_equality(respeller *s) {
  fsm_buf_add(&s->out, s->word.text, 2);
  s->right[s->depth] = compares_inside(s);
  if (s->right[s->depth]) fsm_buf_str(&s->out, " (");
  return FSM_OK;
}

static fsm_code write_sign(respeller *s) {
  static const char *const taken[] = {"(", ")", "[", "]", "{", "}",  ",",  ".",  "?",  ":",  "+",  "-",
                                      "*", "%", "!", "<", ">", "<=", ">=", "==", "!=", "&&", "||", NULL};
  if (ends_operand(&s->word) || strchr(")]}", *s->word.text)) close_operand(s);
  if (is_one_of(&s->word, equalities)) return write_equality(s);
  if (fsm__word_is(&s->word, "/")) {
    if (!after_value(s)) return refuse(s, "a regular expression");
    fsm_buf_str(&s->out, "* 1.0 /");
    return FSM_OK;
  }
  if (fsm__word_is(&s->word, "|") || fsm__word_is(&s->word, "&")) return write_bitwise(s);
  if (!is_one_of(&s->word, taken)) return refuse(s, "an operator");
  if (fsm__word_is(&s->word, "(") && after_value(s) && s->before.kind != FSM__WORD_NAME)
    return refuse(s, "a call");
  if (strchr("([{", *s->word.text) && !open_bracket(s))
    return fsm_fail(s->r->call->err, FSM_ETOOLARGE, s->where, "an expression has brackets more than %d deep",
                    NESTING_MAX);
  if (strchr(")]}", *s->word.text) && s->depth) s->depth--;
  s->at_key = s->depth && s->open[s->depth - 1] == '{' && (*s->word.text == '{' || *s->word.text == ',');
  copy(s);
  return FSM_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static fsm_code write_word(respeller *s) {
  bool at_key = s->at_key && !fsm__word_is(&s->word, "}");
  s->at_key = false;
  if (at_key) return write_key(s);
  switch (s->word.kind) {
    case FSM__WORD_NAME: return write_name(s);
    case FSM__WORD_NUMBER: return write_number(s);
    case FSM__WORD_STRING: return write_string(s);
    case FSM__WORD_SIGN: return write_sign(s);
    case FSM__WORD_END:
    case FSM__WORD_BAD: break;
  }
  if (*s->word.text == '`') return refuse(s, "a template");
  copy(s); /* CEL's own fault says what is wrong */
  return FSM_OK;
}

fsm_code fsm__scxml_respell(fsm__scxml *r, const char *text, size_t len, const char *where,
                            const char **out) {
  respeller s = {.r = r, .where = where, .begin = text, .end = text + len, .before = {.kind = FSM__WORD_END}};
  fsm_code code = FSM_OK;
  for (s.word = fsm__word_next(text, s.end); s.word.kind != FSM__WORD_END && !code; s.word = peek(&s)) {
    if (s.word.spaced) fsm_buf_char(&s.out, ' ');
    fsm__word word = s.word;
    code = write_word(&s);
    s.before = s.word.text == word.text ? word : s.word;
    if (s.word.kind == FSM__WORD_BAD)
      s.end = s.word.text + s.word.len; /* nothing behind it can be told apart */
  }
  while (!code && s.depth > 0) close_operand(&s), s.depth--; /* brackets that are missing: CEL says so */
  close_operand(&s);
  if (!code) *out = fsm_buf_ok(&s.out) ? fsm_arena_strdup(r->arena, fsm_buf_text(&s.out)) : NULL;
  fsm_buf_free(&s.out);
  return code ? code : *out ? FSM_OK : fsm__scxml_no_memory(r);
}
