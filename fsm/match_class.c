/* match_class.c: sets of characters: [a-z], \d, [[:alpha:]], \p{L}, and characters behind a backslash.
 *
 * A class is a list of ranges and groups of categories. Under (?i) a range has a character when it has
 * anything that differs from it in case only; negation comes after that, so that (?i)[^a] has no A.
 */
#include <string.h>

#include "fsm/match_impl.h"

/* ---- asking ------------------------------------------------------------------------------------ */

static bool item_has(const fsm__class_item *item, int32_t c) {
  if (item->categories) return (fsm__category_of(c) & item->categories) != 0;
  if (!item->pairs) return c >= item->first && c <= item->last;
  for (unsigned i = 0; i < item->pair_count * 2u; i += 2)
    if (c >= item->pairs[i] && c <= item->pairs[i + 1]) return true;
  return false;
}

static bool any_has(const fsm__class *class, int32_t c) {
  int32_t orbit[FSM__ORBIT_MAX] = {c};
  unsigned count = class->folded ? fsm__orbit_of(c, orbit) : 1;
  for (unsigned i = 0; i < class->count; i++) {
    bool has = false;
    for (unsigned j = 0; j < count && !has; j++) has = item_has(&class->items[i], orbit[j]);
    if (has != class->items[i].negated) return true;
  }
  return false;
}

bool fsm__class_has(const fsm__class *class, int32_t c) {
  FSM_ASSERT(class && c >= 0);
  if (c < 128) return class->ascii[c / 32] >> (c % 32) & 1;
  return any_has(class, c) != class->negated;
}

/* ---- making ------------------------------------------------------------------------------------ */

void fsm__class_add(fsm__class_builder *builder, fsm__class_item item) {
  fsm__pattern *p = builder->pattern;
  if (p->code) return;
  if (builder->count == builder->cap) {
    size_t cap = builder->cap ? builder->cap * 2 : 8;
    fsm__class_item *items = fsm_arena_zalloc(p->tree, cap, sizeof *items);
    if (!items) {
      fsm__pattern_fail(p, FSM_ENOMEM, 0, "no memory for the pattern");
      return;
    }
    if (builder->count) memcpy(items, builder->items, builder->count * sizeof *items);
    builder->items = items;
    builder->cap = cap;
  }
  builder->items[builder->count++] = item;
}

/* No class has more items than the pattern has bytes. */
_Static_assert(FSM__MATCH_PATTERN_MAX <= UINT16_MAX, "the items of a class are counted in 16 bits");

fsm__class *fsm__class_finish(fsm__class_builder *builder, bool negated, bool folded) {
  fsm__pattern *p = builder->pattern;
  if (p->code) return NULL;
  FSM_ASSERT(builder->count <= UINT16_MAX);
  fsm__class *class = fsm_arena_zalloc(p->program, 1, sizeof *class);
  fsm__class_item *items = fsm_arena_zalloc(p->program, builder->count + 1, sizeof *items);
  if (!class || !items) return fsm__pattern_fail(p, FSM_ENOMEM, 0, "no memory for the pattern");
  if (builder->count) memcpy(items, builder->items, builder->count * sizeof *items);
  *class = (fsm__class){.negated = negated,
                        .folded = folded,
                        .count = (uint16_t)builder->count,
                        .number = p->classes++,
                        .items = items};
  for (int32_t c = 0; c < 128; c++)
    if (any_has(class, c) != negated) class->ascii[c / 32] |= UINT32_C(1) << (c % 32);
  return class;
}

/* ---- groups with a name ------------------------------------------------------------------------ */

static void add_pairs(fsm__class_builder *builder, const char *pairs, unsigned count, bool negated) {
  fsm__class_add(builder,
                 (fsm__class_item){.pairs = pairs, .pair_count = (uint8_t)count, .negated = negated});
}

bool fsm__class_perl(fsm__class_builder *builder, char letter) {
  switch (letter) {
    case 'd':
    case 'D': add_pairs(builder, "09", 1, letter == 'D'); return true;
    case 's':
    case 'S': add_pairs(builder, "\t\n\f\r  ", 3, letter == 'S'); return true;
    case 'w':
    case 'W': add_pairs(builder, "09AZ__az", 4, letter == 'W'); return true;
    default: return false;
  }
}

/* "[:name:]" or "[:^name:]" inside of a class; false when there is none. */
static bool add_posix(fsm__class_builder *builder) {
  static const struct {
    const char *name, *pairs;
    uint8_t count;
  } groups[] = {{"alnum", "09AZaz", 3},
                {"alpha", "AZaz", 2},
                {"ascii", "\0\x7f", 1},
                {"blank", "\t\t  ", 2},
                {"cntrl", "\0\x1f\x7f\x7f", 2},
                {"digit", "09", 1},
                {"graph", "!~", 1},
                {"lower", "az", 1},
                {"print", " ~", 1},
                {"punct", "!/:@[`{~", 4},
                {"space", "\t\r  ", 2},
                {"upper", "AZ", 1},
                {"word", "09AZ__az", 4},
                {"xdigit", "09AFaf", 3}};
  fsm__pattern *p = builder->pattern;
  const char *at = p->text + p->at, *end = p->text + p->len, *stop = at + 2;
  if (end - at < 4 || at[0] != '[' || at[1] != ':') return false;
  while (stop + 1 < end && !(stop[0] == ':' && stop[1] == ']')) stop++;
  if (stop + 1 >= end) return false;
  bool negated = at[2] == '^';
  const char *name = at + 2 + negated;
  size_t len = (size_t)(stop - name);
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    if (strlen(groups[i].name) != len || memcmp(groups[i].name, name, len) != 0) continue;
    add_pairs(builder, groups[i].pairs, groups[i].count, negated);
    p->at = (size_t)(stop + 2 - p->text);
    return true;
  }
  fsm__pattern_fail(p, FSM_EEXPRESSION, p->at, "there is no class '[:%.*s:]'", (int)(len < 32 ? len : 32),
                    name);
  return true;
}

/* The name behind \p: one letter, or {…}. */
static bool property_name(fsm__pattern *p, const char **name, size_t *len) {
  const char *at = p->text + p->at, *end = p->text + p->len;
  if (at == end) return false;
  *name = at;
  *len = 1;
  if (*at == '{') {
    const char *stop = memchr(at, '}', (size_t)(end - at));
    if (!stop) return false;
    *name = at + 1;
    *len = (size_t)(stop - at) - 1;
  }
  p->at += *len + (*at == '{' ? 2 : 0);
  return true;
}

void fsm__class_property(fsm__class_builder *builder, bool negated) {
  fsm__pattern *p = builder->pattern;
  size_t begin = p->at - 2;
  const char *name = NULL;
  size_t len = 0;
  if (p->code) return;
  if (!property_name(p, &name, &len)) {
    fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "expected \\pN or \\p{Name}");
    return;
  }
  if (len && *name == '^') name++, len--, negated = !negated;
  uint32_t categories = fsm__categories_named(name, len);
  if (!categories) {
    fsm__pattern_fail(p, FSM_EUNSUPPORTED, begin,
                      "\\p{%.*s} is not supported; there are the general categories, such as L, Lu and Nd",
                      (int)(len < 32 ? len : 32), name);
    return;
  }
  fsm__class_add(builder, (fsm__class_item){.categories = categories, .negated = negated});
}

/* ---- characters behind a backslash ------------------------------------------------------------- */

static int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Behind "\x": two digits, or any number of them in {}; -1 when they are not there or too large. */
static int32_t hexadecimal_escape(fsm__pattern *p) {
  bool braces = p->at < p->len && p->text[p->at] == '{';
  int32_t value = 0;
  unsigned digits = 0;
  p->at += braces;
  for (; p->at < p->len && hexadecimal(p->text[p->at]) >= 0 && (braces || digits < 2); p->at++, digits++) {
    value = value * 16 + hexadecimal(p->text[p->at]);
    if (value > FSM__CHARACTER_MAX) return -1;
  }
  if (!braces) return digits == 2 ? value : -1;
  if (!digits || p->at == p->len || p->text[p->at] != '}') return -1;
  p->at++;
  return value;
}

/* A digit from 1 to 7 needs a second one, or it would be a backreference. */
static int32_t octal_escape(fsm__pattern *p) {
  int32_t value = 0;
  for (unsigned i = 0; i < 3 && p->at < p->len && p->text[p->at] >= '0' && p->text[p->at] <= '7'; i++)
    value = value * 8 + (p->text[p->at++] - '0');
  return value;
}

int32_t fsm__escaped(fsm__pattern *p, size_t begin) {
  static const char plain[] = "aftnrv", meant[] = "\a\f\t\n\r\v";
  if (p->code) return 0;
  if (p->at == p->len)
    return fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "'\\' at the end of the pattern"), 0;
  char c = p->text[p->at], after = p->at + 1 < p->len ? p->text[p->at + 1] : 0;
  bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (c == '0' || (c >= '1' && c <= '7' && after >= '0' && after <= '7')) return octal_escape(p);
  if (digit)
    return fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "RE2 has no backreferences such as '\\%c'", c), 0;
  if (c == 'C')
    return fsm__pattern_fail(p, FSM_EUNSUPPORTED, begin, "'\\C', a single byte, is not supported"), 0;
  const char *known = c ? strchr(plain, c) : NULL;
  p->at++;
  if (known) return meant[known - plain];
  if (c == 'x') {
    int32_t value = hexadecimal_escape(p);
    if (value < 0)
      return fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "expected \\xHH or \\x{H…} up to 10FFFF"), 0;
    return value;
  }
  if (c > 0 && !letter) return c;
  return fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "there is no such escape"), 0;
}

/* ---- [...] ------------------------------------------------------------------------------------- */

static int32_t class_character(fsm__pattern *p) {
  size_t begin = p->at, width;
  if (p->text[p->at] == '\\') {
    p->at++;
    return fsm__escaped(p, begin);
  }
  int32_t c = fsm__character_at(p->text + p->at, p->len - p->at, &width);
  p->at += width;
  return c;
}

static void parse_range(fsm__class_builder *builder) {
  fsm__pattern *p = builder->pattern;
  size_t begin = p->at;
  int32_t first = class_character(p), last = first;
  if (!p->code && p->len - p->at >= 2 && p->text[p->at] == '-' && p->text[p->at + 1] != ']') {
    p->at++;
    last = class_character(p);
  }
  if (!p->code && last < first)
    fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "the range ends before it begins");
  fsm__class_add(builder, (fsm__class_item){.first = first, .last = last});
}

/* \d, \p{…} and the like; false when it is a character. */
static bool parse_group(fsm__class_builder *builder) {
  fsm__pattern *p = builder->pattern;
  if (add_posix(builder)) return true;
  if (p->len - p->at < 2 || p->text[p->at] != '\\') return false;
  char c = p->text[p->at + 1];
  bool property = c == 'p' || c == 'P';
  if (!property && !fsm__class_perl(builder, c)) return false;
  p->at += 2;
  if (property) fsm__class_property(builder, c == 'P');
  return true;
}

fsm__class *fsm__class_parse(fsm__pattern *p, bool folded) {
  fsm__class_builder builder = {.pattern = p};
  size_t begin = p->at - 1;
  bool negated = p->at < p->len && p->text[p->at] == '^';
  p->at += negated;
  for (bool first = true; !p->code && p->at < p->len && (first || p->text[p->at] != ']'); first = false)
    if (!parse_group(&builder)) parse_range(&builder);
  if (p->at >= p->len) return fsm__pattern_fail(p, FSM_EEXPRESSION, begin, "missing ']'");
  p->at++;
  return fsm__class_finish(&builder, negated, folded);
}
