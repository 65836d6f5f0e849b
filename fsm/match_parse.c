/* match_parse.c: a pattern to a tree, by recursive descent after the syntax of RE2.
 *
 *   either   = sequence {"|" sequence}
 *   sequence = {atom ["*" | "+" | "?" | "{n,m}" ["?"]] | "(?flags)"}
 *   atom     = "(" ["?:" | "?P<name>" | "?flags:"] either ")" | "[" class "]" | "." | "^" | "$" | "\" … |
 *              character
 *
 * The flags i, m and s act while parsing: they choose which kind of part an atom becomes. U is read and
 * does not matter. The first fault stays in p->code, and every function returns NULL from then on.
 */
#include <stdio.h>
#include <string.h>

#include "fsm/match_impl.h"

typedef struct flags {
  bool fold, lines, dot_all, ungreedy;
} flags;

typedef struct group_name group_name;
struct group_name {
  const char *text;
  size_t len;
  group_name *next;
};

typedef struct parser {
  fsm__pattern *p;
  group_name *names;
  flags flags;
  unsigned depth;
  bool quoted; /* behind \\Q */
} parser;

static fsm__part *parse_either(parser *x);

/* ---- characters and faults --------------------------------------------------------------------- */

void *fsm__pattern_fail(fsm__pattern *p, fsm_code code, size_t at, const char *format, ...) {
  if (p->code) return NULL;
  char text[256];
  unsigned character = 1;
  for (size_t i = 0; i < at; i++) character += ((unsigned char)p->text[i] & 0xc0) != 0x80;
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  p->code = fsm_fail(p->err, code, "", "%s (character %u of the pattern)", text, character);
  return NULL;
}

static bool more(const parser *x) { return !x->p->code && x->p->at < x->p->len; }

static bool sees(const parser *x, char c) { return more(x) && x->p->text[x->p->at] == c; }

static bool sees_text(const parser *x, const char *text) {
  size_t len = strlen(text);
  return more(x) && x->p->len - x->p->at >= len && memcmp(x->p->text + x->p->at, text, len) == 0;
}

static bool take(parser *x, char c) {
  if (!sees(x, c)) return false;
  x->p->at++;
  return true;
}

static int32_t take_character(parser *x) {
  size_t width;
  int32_t c = fsm__character_at(x->p->text + x->p->at, x->p->len - x->p->at, &width);
  x->p->at += width;
  return c;
}

/* ---- parts ------------------------------------------------------------------------------------- */

static fsm__part *new_part(parser *x, fsm__part_kind kind) {
  if (x->p->code) return NULL;
  fsm__part *part = fsm_arena_zalloc(x->p->tree, 1, sizeof *part);
  if (!part) return fsm__pattern_fail(x->p, FSM_ENOMEM, 0, "no memory for the pattern");
  part->kind = (uint8_t)kind;
  return part;
}

static fsm__part *new_character(parser *x, int32_t c) {
  int32_t orbit[FSM__ORBIT_MAX];
  bool folds = x->flags.fold && fsm__orbit_of(c, orbit) > 1;
  fsm__part *part = new_part(x, folds ? FSM__FOLDED : FSM__CHARACTER);
  if (part) part->c = folds ? fsm__folded(c) : c;
  return part;
}

static fsm__part *new_assertion(parser *x, fsm__assertion assertion) {
  fsm__part *part = new_part(x, FSM__ASSERTION);
  if (part) part->assertion = (uint8_t)assertion;
  return part;
}

static fsm__part *new_class(parser *x, fsm__class *class) {
  fsm__part *part = class ? new_part(x, FSM__CLASS) : NULL;
  if (part) part->class = class;
  return part;
}

static bool append(fsm__part *parent, fsm__part **last, fsm__part *kid) {
  if (!kid) return false;
  if (*last)
    (*last)->next = kid;
  else
    parent->kids = kid;
  *last = kid;
  return true;
}

/* ---- groups ------------------------------------------------------------------------------------ */

/* Letters that stand between "(?" and ")" or ":"; the pattern stands behind the "(?". */
static bool parse_flags(parser *x, size_t begin) {
  bool value = true, any = false;
  for (; more(x) && !sees(x, ')') && !sees(x, ':'); x->p->at++) {
    switch (x->p->text[x->p->at]) {
      case 'i': x->flags.fold = value; break;
      case 'm': x->flags.lines = value; break;
      case 's': x->flags.dot_all = value; break;
      case 'U': x->flags.ungreedy = value; break;
      case '-':
        if (!value) goto unknown;
        value = any = false;
        continue;
      default: goto unknown;
    }
    any = true;
  }
  if (!more(x)) return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "missing ')'");
  if (any || (value && sees(x, ':'))) return true;
unknown:
  return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin,
                           "there is no such group; the flags are i, m, s and U");
}

static void note_name(parser *x, size_t begin, size_t from, size_t len) {
  const char *text = x->p->text + from;
  for (const group_name *name = x->names; name; name = name->next)
    if (name->len == len && memcmp(name->text, text, len) == 0)
      fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "two groups have the name '%.*s'",
                        (int)(len < 32 ? len : 32), text);
  group_name *name = fsm_arena_zalloc(x->p->tree, 1, sizeof *name);
  if (!name) {
    fsm__pattern_fail(x->p, FSM_ENOMEM, 0, "no memory for the pattern");
    return;
  }
  *name = (group_name){text, len, x->names};
  x->names = name;
}

/* "name>" of a group; the pattern stands behind the '<'. */
static void parse_name(parser *x, size_t begin) {
  size_t from = x->p->at;
  for (; more(x) && !sees(x, '>'); x->p->at++) {
    char c = x->p->text[x->p->at];
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!word) break;
  }
  if (x->p->at == from || !take(x, '>')) {
    fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "the name of a group is letters, digits and '_' in <>");
    return;
  }
  note_name(x, begin, from, x->p->at - 1 - from);
}

/* What "(?" begins but for flags: true when it is a group whose inside comes next. */
static bool parse_named(parser *x, size_t begin) {
  static const char *const unknown[] = {"(?=", "(?!", "(?<=", "(?<!"};
  x->p->at = begin;
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    if (sees_text(x, unknown[i]))
      return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "RE2 has no lookaround such as '%s'",
                               unknown[i]);
  if (sees_text(x, "(?P=") || sees_text(x, "(?P>"))
    return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "RE2 has no backreferences such as '%.4s'",
                             x->p->text + begin);
  size_t skip = sees_text(x, "(?P<") ? 4 : sees_text(x, "(?<") ? 3 : 0;
  x->p->at = begin + (skip ? skip : 2);
  if (skip) parse_name(x, begin);
  return skip != 0;
}

/* The '(' is taken. Flags set in a group end with it. */
static fsm__part *parse_group(parser *x, size_t begin, flags *after) {
  flags outer = x->flags;
  *after = outer;
  if (take(x, '?') && !parse_named(x, begin)) {
    if (!parse_flags(x, begin)) return NULL;
    if (take(x, ')')) {
      *after = x->flags;
      return NULL;
    }
    x->p->at++; /* the ':' */
  }
  if (x->depth == FSM__MATCH_DEPTH_MAX)
    return fsm__pattern_fail(x->p, FSM_ETOOLARGE, begin, "groups are nested more than %d levels deep",
                             FSM__MATCH_DEPTH_MAX);
  x->depth++;
  fsm__part *inside = parse_either(x);
  x->depth--;
  if (inside && !take(x, ')')) return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "missing ')'");
  return inside;
}

/* ---- atoms ------------------------------------------------------------------------------------- */

static bool end_quote(parser *x) {
  if (!sees_text(x, "\\E")) return false;
  x->p->at += 2;
  return true;
}

/* Between \Q and \E every character is itself. */
static fsm__part *parse_quoted(parser *x) {
  fsm__part *part = new_character(x, take_character(x));
  x->quoted = !end_quote(x);
  return part;
}

/* The backslash is taken. */
static fsm__part *parse_escape(parser *x, size_t begin) {
  if (!more(x)) return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "'\\' at the end of the pattern");
  char c = x->p->text[x->p->at];
  fsm__class_builder builder = {.pattern = x->p};
  switch (c) {
    case 'A': x->p->at++; return new_assertion(x, FSM__TEXT_BEGIN);
    case 'z': x->p->at++; return new_assertion(x, FSM__TEXT_END);
    case 'b': x->p->at++; return new_assertion(x, FSM__WORD_EDGE);
    case 'B': x->p->at++; return new_assertion(x, FSM__NO_WORD_EDGE);
    case 'Q':
      x->p->at++;
      x->quoted = !end_quote(x);
      return NULL;
    case 'p':
    case 'P':
      x->p->at++;
      fsm__class_property(&builder, c == 'P');
      return new_class(x, fsm__class_finish(&builder, false, x->flags.fold));
    default: break;
  }
  if (fsm__class_perl(&builder, c)) {
    x->p->at++;
    return new_class(x, fsm__class_finish(&builder, false, x->flags.fold));
  }
  int32_t character = fsm__escaped(x->p, begin);
  return x->p->code ? NULL : new_character(x, character);
}

/* One atom; NULL without a fault for "(?flags)" and "\\Q", which are none. */
static fsm__part *parse_atom(parser *x, flags *after) {
  size_t begin = x->p->at;
  char c = x->p->text[begin];
  *after = x->flags;
  if (strchr("(.^$[\\", c) && c) x->p->at++;
  switch (c) {
    case '(': return parse_group(x, begin, after);
    case '.': return new_part(x, x->flags.dot_all ? FSM__ANY : FSM__NOT_LINE_END);
    case '^': return new_assertion(x, x->flags.lines ? FSM__LINE_BEGIN : FSM__TEXT_BEGIN);
    case '$': return new_assertion(x, x->flags.lines ? FSM__LINE_END : FSM__TEXT_END);
    case '[': return new_class(x, fsm__class_parse(x->p, x->flags.fold));
    case '\\': return parse_escape(x, begin);
    case '*':
    case '+':
    case '?': return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin, "nothing to repeat before '%c'", c);
    default: return new_character(x, take_character(x));
  }
}

/* ---- repetition -------------------------------------------------------------------------------- */

static bool parse_count(parser *x, unsigned *count) {
  size_t begin = x->p->at;
  for (*count = 0; more(x) && x->p->text[x->p->at] >= '0' && x->p->text[x->p->at] <= '9'; x->p->at++)
    if (*count <= FSM__MATCH_COUNT_MAX) *count = *count * 10 + (unsigned)(x->p->text[x->p->at] - '0');
  return x->p->at > begin;
}

/* "{n}", "{n,}" or "{n,m}"; anything else behind a '{' means itself. */
static bool parse_counts(parser *x, unsigned *least, unsigned *most) {
  size_t begin = x->p->at;
  if (!take(x, '{')) return false;
  bool whole = parse_count(x, least);
  *most = *least;
  if (whole && take(x, ',') && !parse_count(x, most)) *most = FSM__ENDLESS;
  if (whole && take(x, '}')) return true;
  x->p->at = begin;
  return false;
}

static bool parse_repeat(parser *x, unsigned *least, unsigned *most) {
  *least = 0, *most = FSM__ENDLESS;
  if (take(x, '*')) return true;
  if (take(x, '+')) return *least = 1, true;
  if (take(x, '?')) return *most = 1, true;
  return parse_counts(x, least, most);
}

/* What comes behind an atom, or the atom alone. */
static fsm__part *parse_repeated(parser *x, fsm__part *atom) {
  size_t begin = x->p->at;
  unsigned least, most;
  if (!atom || !parse_repeat(x, &least, &most)) return atom;
  take(x, '?'); /* the least that fits: the same to a yes or no */
  if (least > FSM__MATCH_COUNT_MAX || (most != FSM__ENDLESS && (most > FSM__MATCH_COUNT_MAX || most < least)))
    return fsm__pattern_fail(x->p, FSM_EEXPRESSION, begin,
                             "a repetition is {n}, {n,} or {n,m} with n <= m <= %d", FSM__MATCH_COUNT_MAX);
  size_t second = x->p->at;
  unsigned a, b;
  if (parse_repeat(x, &a, &b))
    return fsm__pattern_fail(x->p, FSM_EEXPRESSION, second, "a repetition of a repetition needs a group");
  fsm__part *repeat = new_part(x, FSM__REPEAT);
  if (!repeat) return NULL;
  repeat->least = (uint16_t)least;
  repeat->most = (uint16_t)most;
  repeat->kids = atom;
  return repeat;
}

static fsm__part *parse_sequence(parser *x) {
  fsm__part *sequence = new_part(x, FSM__SEQUENCE), *last = NULL;
  while (more(x) && (x->quoted || (!sees(x, '|') && !sees(x, ')')))) {
    flags after = x->flags;
    fsm__part *atom = x->quoted ? parse_quoted(x) : parse_atom(x, &after);
    x->flags = after;
    if (x->p->code) return NULL;
    if (!atom) continue; /* a repetition behind it finds nothing to repeat */
    if (!x->quoted) atom = parse_repeated(x, atom);
    if (!append(sequence, &last, atom)) return NULL;
  }
  return x->p->code ? NULL : sequence;
}

static fsm__part *parse_either(parser *x) {
  fsm__part *first = parse_sequence(x), *last = NULL;
  if (!first || !sees(x, '|')) return first;
  fsm__part *either = new_part(x, FSM__EITHER);
  if (!append(either, &last, first)) return NULL;
  while (take(x, '|'))
    if (!append(either, &last, parse_sequence(x))) return NULL;
  return x->p->code ? NULL : either;
}

fsm__part *fsm__pattern_parse(fsm__pattern *p) {
  parser x = {.p = p};
  fsm__part *root = parse_either(&x);
  if (root && p->at < p->len)
    return fsm__pattern_fail(p, FSM_EEXPRESSION, p->at, "there is no '(' for this ')'");
  return root;
}
