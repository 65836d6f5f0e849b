/* test_match.c: patterns of RE2: what matches, what is refused and how, and that nothing is slow. */
#include "fsm/match.h"

#include <stdlib.h>

#include "fsm/match_impl.h"
#include "tests/expr_case.h"

static const fsm_scope nothing;

/* 1, 0, or -1 with err filled. */
static int matches_counting(const char *pattern, size_t pattern_len, const char *text, size_t len,
                            uint64_t *steps, size_t *size, fsm_error *err) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm__match *match = NULL;
  bool found = false;
  char *exact = malloc(pattern_len + 1), *exact_text = malloc(len + 1);
  assert_true(exact && exact_text);
  memcpy(exact, pattern, pattern_len);
  memcpy(exact_text, text, len);
  fsm_code code = fsm__match_compile(&arena, exact, pattern_len, &match, err);
  if (!code) {
    if (size) *size = fsm__match_size(match);
    code = fsm__match_run(match, exact_text, len, &arena, steps, &found);
    assert_int_equal(code, FSM_OK);
  } else {
    assert_int_equal(code, err->code);
  }
  free(exact);
  free(exact_text);
  fsm_arena_free(&arena);
  return code ? -1 : found;
}

static int matches(const char *pattern, const char *text) {
  uint64_t steps = UINT64_MAX;
  fsm_error err = {0};
  int result = matches_counting(pattern, strlen(pattern), text, strlen(text), &steps, NULL, &err);
  if (result < 0) print_error("%s: %s\n", pattern, err.text);
  return result;
}

typedef struct example {
  const char *pattern, *yes, *no; /* NULL = none; several texts are separated by '|' */
} example;

static void check_texts(const char *pattern, const char *texts, int expected) {
  char copy[256];
  if (!texts) return;
  snprintf(copy, sizeof copy, "%s", texts);
  for (char *at = copy, *end; at; at = end) {
    end = strchr(at, '|');
    if (end) *end++ = 0;
    int got = matches(pattern, at);
    if (got != expected) fail_msg("'%s' on '%s': %d", pattern, at, got);
  }
}

static void check(const example *examples, size_t count) {
  for (size_t i = 0; i < count; i++) {
    check_texts(examples[i].pattern, examples[i].yes, 1);
    check_texts(examples[i].pattern, examples[i].no, 0);
  }
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof *(examples))

/* ---- what matches ------------------------------------------------------------------------------ */

static void a_match_may_lie_anywhere(void **state) {
  (void)state;
  static const example examples[] = {
      {"", "|a", NULL},
      {"bc", "abcd|bc", "b|cb|"},
      {"gr(a|e)y", "gray|grey|agreya", "groy|gry"},
      {"a.c",
       "abc|a\xf0\x9f\x98\x80"
       "c",
       "ac|a\nc"},
      {"(?s)a.c", "a\nc", "ac"},
      {"^a|b$", "ax|xb", "xa|bx"},
      {"a|", "|x", NULL},
      {"(|a)b", "b|ab", "a"},
      {"x{", "x{", "x"},
      {"x{,2}", "x{,2}", "xx"},
      {"x{a}", "x{a}", "x"},
      {"]}", "]}", "]"},
  };
  CHECK(examples);
}

static void repetitions_count(void **state) {
  (void)state;
  static const example examples[] = {
      {"^ab*c$", "ac|abc|abbbc", "adc|a"},
      {"^ab+c$", "abc|abbc", "ac"},
      {"^ab?c$", "ac|abc", "abbc"},
      {"^a{2}$", "aa", "a|aaa|"},
      {"^a{2,}$", "aa|aaaa", "a|"},
      {"^a{1,3}$", "a|aa|aaa", "aaaa|"},
      {"^a{0}$", "", "a"},
      {"^(ab){2,3}$", "abab|ababab", "ab|abababab"},
      {"^(a|b){3}c$", "abac|bbbc", "abc|abbbc"},
      {"^a*?$", "|aaa", "b"},
      {"^a+?b??$", "a|aab", "b"},
      {"^a{2}?$", "aa", "a"},
      {"(?U)^a*$", "aa|", "b"},
      {"^(a*)*$", "|aaa", "b"},
      {"^(a*)+b$", "b|aab", "a"},
      {"^(a?){3}$", "|a|aaa", "aaaa"},
      {"^((a{0,2}){0,2}){0,2}$", "|aaaaaaaa", "aaaaaaaaa"},
      {"^(|a){2}b$", "b|ab|aab", "aaab"},
  };
  CHECK(examples);
}

static void classes_hold_what_they_name(void **state) {
  (void)state;
  static const example examples[] = {
      {"^[a-c]$", "a|c", "d|A|"},
      {"^[^a-c]$", "d|\n|\xc3\xa9", "a|b"},
      {"^[]a]$", "]|a", "b"},
      {"^[^]a]$", "b", "]|a"},
      {"^[a-]$", "a|-", "b"},
      {"^[-a]$", "a|-", "b"},
      {"^[a\\-c]$", "a|-|c", "b"},
      {"^[a-c-e]$", "b|-|e", "d"},
      {"^[.*$(]$", ".|*|$|(", "a"},
      {"^\\d\\D$", "1a", "11|aa"},
      {"^\\s\\S$", " a|\ta", "\va|aa"},
      {"^\\w\\W$", "_-|9 ", "--|aa|\xc3\xa9-"},
      {"^[\\d.]+$", "1.2", "a|"},
      {"^[^\\d]$", "a", "1"},
      {"^[\\D]$", "a", "1"},
      {"^[[:alpha:]_]$", "a|Z|_", "1|\xc3\xa9"},
      {"^[[:^alpha:]]$", "1|_", "a"},
      {"^[[:space:]]$", "\v| ", "a"},
      {"^[[:punct:]]$", "!|~|_", "a| "},
      {"^[[:xdigit:]]+$", "aF0", "g"},
      {"^[\\x41-\\x43]$", "A|C", "D"},
      {"^[\xc3\xa0-\xc3\xbf]$", "\xc3\xa9", "e|\xc4\x80"},
      {"^[^\\x00-\\x{10FFFF}]$", NULL, "a|"},
      {"^[[:word:][:cntrl:]]$", "a|\x7f", "-"},
      {"^[[:ascii:]]$", "a", "\xc3\xa9"},
      {"[[:al]", ":|a|l|[", "x"},
      {"^[\\]\\\\]$", "]|\\", "a"},
  };
  CHECK(examples);
}

static void unicode_categories_are_known(void **state) {
  (void)state;
  static const example examples[] = {
      {"^\\pL+$", "a\xc3\xa9\xd0\x96\xe4\xb8\xad", "1|_"},
      {"^\\p{Lu}$", "A|\xc3\x89|\xc4\x80", "a|\xc4\x81"},
      {"^\\p{Ll}$", "a|\xc4\x81", "A"},
      {"^\\pN$", "1|\xc2\xbd|\xd9\xa1", "a"},
      {"^\\p{Nd}$", "1|\xd9\xa1", "\xc2\xbd"},
      {"^\\PL$", "1", "a"},
      {"^\\p{^L}$", "1", "a"},
      {"^\\P{^L}$", "a", "1"},
      {"^\\pP$", "!|\xe2\x80\x94", "a|+"},
      {"^\\pS$", "+|\xe2\x82\xac", "a|!"},
      {"^\\pZ$", " |\xc2\xa0", "a"},
      {"^\\p{Any}$", "a|\xf4\x8f\xbf\xbf", ""},
      {"^[\\p{Lu}\\d]$", "A|1", "a"},
      {"^[^\\pL]$", "1", "a"},
      {"^\\p{Sc}$", "$|\xe2\x82\xac", "+"},
      {"^\\p{Co}$", "\xee\x80\x80", "a"},
      {"^\\p{Lo}$", "\xe4\xb8\xad|\xea\xb0\x80", "a"},
      {"^\\p{Cc}$", "\x7f", "a"},
  };
  CHECK(examples);
}

static void case_folds_as_unicode_has_it(void **state) {
  (void)state;
  static const example examples[] = {
      {"^(?i)stra\xc3\x9f"
       "e$",
       "STRA\xe1\xba\x9e"
       "E|stra\xc3\x9f"
       "e",
       "strasse"},
      {"^(?i)k$", "k|K|\xe2\x84\xaa", "c"},
      {"^(?i)[a-c]$", "B|b", "D"},
      {"^(?i)[^a-c]$", "d|D", "B|b"},
      {"^(?i)\xce\xa3$", "\xcf\x83|\xcf\x82|\xce\xa3", "s"},
      {"^(?i)\xd0\x96$", "\xd0\xb6", "\xd0\xb7"},
      {"^(?i)\xc4\x80$", "\xc4\x81", "a"},
      {"^(?i:a)b$", "Ab|ab", "aB"},
      {"^((?i)a)b$", "Ab", "aB"},
      {"^(?i)a(?-i)b$", "Ab", "AB"},
      {"^(a(?i)b|c)$", "aB|C", "AB"},
      {"^(?i)\\p{Lu}$", "a|A", "1"},
      {"^(?i)[[:upper:]]$", "a|A|\xc5\xbf", "1"},
      {"^(?i)\\W$", "-", "k|K|\xe2\x84\xaa"},
      {"^(?i)\xc3\xa5$", "\xe2\x84\xab|\xc3\x85", "a"},
      {"^(?i)\\Qa.b\\E$", "A.B", "AxB"},
      {"^a$", "a", "A"},
  };
  CHECK(examples);
}

static void edges_take_no_character(void **state) {
  (void)state;
  static const example examples[] = {
      {"^$", "", "a|\n"},
      {"(?m)^b$", "a\nb\nc|b|a\nb", "ab"},
      {"\\Ab", "b", "a\nb"},
      {"(?m)\\Ab\\z", "b", "a\nb|b\n"},
      {"a$", "a", "a\n"},
      {"(?m)a$", "a|a\n", "ab"},
      {"\\bfoo\\b", "foo|a foo.", "foob|afoo"},
      {"\\Boo\\b", "foo", "oo|foob"},
      {"^\\B$", "", "a"},
      {"x*^a", "a|ab", "xa"},
      {"(^|b)a", "a|ba", "ca"},
      {"(?m)(^a\n?)+$", "a\na", "b"},
      {"a\\b*b", "ab", "a"},
      {"(?:^)*a", "a|xa", "x"},
      {"^^a$$", "a", "aa"},
      {"\xc3\xa9\\b", NULL, "\xc3\xa9"},
      {"\\ba|^b", "-a|b", "xa"},
  };
  CHECK(examples);
}

static void escapes_mean_characters(void **state) {
  (void)state;
  static const example examples[] = {
      {"^\\a\\f\\t\\n\\r\\v$", "\a\f\t\n\r\v", NULL},
      {"^\\x41\\x{1F600}$", "A\xf0\x9f\x98\x80", NULL},
      {"^\\101\\60$", "A0", NULL},
      {"^\\.\\*\\\\\\_$", ".*\\_", "a"},
      {"^\\Q.*\\E+$", ".*|.**", "..*|.*.*"},
      {"^(\\Qa)(\\E|b)$", "a)(|b", "a"},
      {"\\Qa\\", "a\\", NULL},
      {"^\\-\\]\\ $", "-] ", NULL},
  };
  CHECK(examples);
  uint64_t steps = 1000;
  fsm_error err = {0};
  assert_int_equal(matches_counting("a\\0b", 4, "a\0b", 3, &steps, NULL, &err), 1);
  steps = 1000;
  assert_int_equal(matches_counting("a\0b", 3, "a\0b", 3, &steps, NULL, &err), 1);
}

static void groups_are_read_in_all_their_forms(void **state) {
  (void)state;
  static const example examples[] = {
      {"^(?:ab)+$", "abab", "aba"}, {"^(?P<n>a)(?<m_1>b)$", "ab", "a"},
      {"^(?i-s:A.)$", "ab", "a\n"}, {"^(?ims-U)a.$", "A\n", "b"},
      {"^(((a)))$", "a", "b"},      {"^()$", "", "a"},
  };
  CHECK(examples);
}

static void what_is_not_utf_8_in_a_text_is_one_character_each(void **state) {
  (void)state;
  static const example examples[] = {{"^a..b$",
                                      "a\xff\xc3"
                                      "b",
                                      NULL},
                                     {"^\xef\xbf\xbd$", "\xff", NULL}};
  CHECK(examples);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void what_is_no_pattern_is_refused_by_name(void **state) {
  (void)state;
  static const struct {
    const char *pattern;
    fsm_code code;
    const char *text;
  } cases[] = {
      {"a(", FSM_EEXPRESSION, "missing ')' (character 2 of the pattern)"},
      {"(a|b", FSM_EEXPRESSION, "missing ')' (character 1 of the pattern)"},
      {"a)b", FSM_EEXPRESSION, "there is no '(' for this ')' (character 2 of the pattern)"},
      {"\xc3\xa9[a", FSM_EEXPRESSION, "missing ']' (character 2 of the pattern)"},
      {"[", FSM_EEXPRESSION, "missing ']' (character 1 of the pattern)"},
      {"[]", FSM_EEXPRESSION, "missing ']' (character 1 of the pattern)"},
      {"[z-a]", FSM_EEXPRESSION, "the range ends before it begins (character 2 of the pattern)"},
      {"[a-\\d]", FSM_EEXPRESSION, "there is no such escape (character 4 of the pattern)"},
      {"[[:foo:]]", FSM_EEXPRESSION, "there is no class '[:foo:]' (character 2 of the pattern)"},
      {"*a", FSM_EEXPRESSION, "nothing to repeat before '*' (character 1 of the pattern)"},
      {"a|+", FSM_EEXPRESSION, "nothing to repeat before '+' (character 3 of the pattern)"},
      {"(?i)?", FSM_EEXPRESSION, "nothing to repeat before '?' (character 5 of the pattern)"},
      {"a**", FSM_EEXPRESSION, "a repetition of a repetition needs a group (character 3 of the pattern)"},
      {"a*??", FSM_EEXPRESSION, "a repetition of a repetition needs a group (character 4 of the pattern)"},
      {"a{2}{3}", FSM_EEXPRESSION, "a repetition of a repetition needs a group (character 5 of the pattern)"},
      {"a{3,2}", FSM_EEXPRESSION,
       "a repetition is {n}, {n,} or {n,m} with n <= m <= 1000 (character 2 of the pattern)"},
      {"a\\", FSM_EEXPRESSION, "'\\' at the end of the pattern (character 2 of the pattern)"},
      {"[\\", FSM_EEXPRESSION, "'\\' at the end of the pattern (character 2 of the pattern)"},
      {"\\Z", FSM_EEXPRESSION, "there is no such escape (character 1 of the pattern)"},
      {"\\\xc3\xa9", FSM_EEXPRESSION, "there is no such escape (character 1 of the pattern)"},
      {"(a)\\1", FSM_EEXPRESSION, "RE2 has no backreferences such as '\\1' (character 4 of the pattern)"},
      {"\\8", FSM_EEXPRESSION, "RE2 has no backreferences such as '\\8' (character 1 of the pattern)"},
      {"(?P<n>a)(?P=n)", FSM_EEXPRESSION,
       "RE2 has no backreferences such as '(?P=' (character 9 of the pattern)"},
      {"a(?=b)", FSM_EEXPRESSION, "RE2 has no lookaround such as '(?=' (character 2 of the pattern)"},
      {"a(?!b)", FSM_EEXPRESSION, "RE2 has no lookaround such as '(?!' (character 2 of the pattern)"},
      {"(?<=b)", FSM_EEXPRESSION, "RE2 has no lookaround such as '(?<=' (character 1 of the pattern)"},
      {"(?<!b)", FSM_EEXPRESSION, "RE2 has no lookaround such as '(?<!' (character 1 of the pattern)"},
      {"(?>a)", FSM_EEXPRESSION,
       "there is no such group; the flags are i, m, s and U (character 1 of the pattern)"},
      {"(?)", FSM_EEXPRESSION,
       "there is no such group; the flags are i, m, s and U (character 1 of the pattern)"},
      {"(?i-)a", FSM_EEXPRESSION,
       "there is no such group; the flags are i, m, s and U (character 1 of the pattern)"},
      {"(?i", FSM_EEXPRESSION, "missing ')' (character 1 of the pattern)"},
      {"(?P<>a)", FSM_EEXPRESSION,
       "the name of a group is letters, digits and '_' in <> (character 1 of the pattern)"},
      {"(?P<a-b>a)", FSM_EEXPRESSION,
       "the name of a group is letters, digits and '_' in <> (character 1 of the pattern)"},
      {"(?P<n>a)(?<n>b)", FSM_EEXPRESSION, "two groups have the name 'n' (character 9 of the pattern)"},
      {"\\x4", FSM_EEXPRESSION, "expected \\xHH or \\x{H…} up to 10FFFF (character 1 of the pattern)"},
      {"\\x{110000}", FSM_EEXPRESSION, "expected \\xHH or \\x{H…} up to 10FFFF (character 1 of the pattern)"},
      {"\\x{}", FSM_EEXPRESSION, "expected \\xHH or \\x{H…} up to 10FFFF (character 1 of the pattern)"},
      {"\\p", FSM_EEXPRESSION, "expected \\pN or \\p{Name} (character 1 of the pattern)"},
      {"[\\p{L]", FSM_EEXPRESSION, "expected \\pN or \\p{Name} (character 2 of the pattern)"},
      {"\\p{Greek}", FSM_EUNSUPPORTED,
       "\\p{Greek} is not supported; there are the general categories, such as L, Lu and Nd (character 1 of "
       "the pattern)"},
      {"\\C", FSM_EUNSUPPORTED, "'\\C', a single byte, is not supported (character 1 of the pattern)"},
      {"a\xff", FSM_EEXPRESSION, "the pattern is not valid UTF-8 (character 2 of the pattern)"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t steps = 1000;
    fsm_error err = {0};
    int result = matches_counting(cases[i].pattern, strlen(cases[i].pattern), "", 0, &steps, NULL, &err);
    if (result != -1 || strcmp(err.text, cases[i].text) != 0)
      print_error("%s: %s\n", cases[i].pattern, err.text);
    assert_int_equal(result, -1);
    assert_string_equal(err.text, cases[i].text);
    assert_int_equal(err.code, cases[i].code);
  }
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static fsm_code compiled(const fsm_buf *pattern, size_t *size) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm__match *match = NULL;
  fsm_error err = {0};
  fsm_code code = fsm__match_compile(&arena, pattern->data, pattern->len, &match, &err);
  assert_int_equal(code, err.code);
  *size = code ? 0 : fsm__match_size(match);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code compiled_repeated(const char *before, const char *what, size_t count, const char *after,
                                  size_t *size) {
  fsm_buf buf = {0};
  fsm_buf_str(&buf, before);
  while (count--) fsm_buf_str(&buf, what);
  fsm_buf_str(&buf, after);
  fsm_code code = compiled(&buf, size);
  fsm_buf_free(&buf);
  return code;
}

static void every_bound_holds_at_its_edge_and_not_past_it(void **state) {
  (void)state;
  size_t size;
  assert_int_equal(compiled_repeated("", "a", FSM__MATCH_PATTERN_MAX, "", &size), FSM_OK);
  assert_int_equal(size, FSM__MATCH_PATTERN_MAX + 1);
  assert_int_equal(compiled_repeated("", "a", FSM__MATCH_PATTERN_MAX + 1, "", &size), FSM_ETOOLARGE);
  fsm_buf buf = {0};
  for (size_t depth = FSM__MATCH_DEPTH_MAX; depth <= FSM__MATCH_DEPTH_MAX + 1; depth++) {
    fsm_buf_reset(&buf);
    for (size_t i = 0; i < depth; i++) fsm_buf_str(&buf, "(");
    for (size_t i = 0; i < depth; i++) fsm_buf_str(&buf, ")*");
    assert_int_equal(compiled(&buf, &size), depth == FSM__MATCH_DEPTH_MAX ? FSM_OK : FSM_ETOOLARGE);
  }
  fsm_buf_free(&buf);
  assert_int_equal(compiled_repeated("a{1000}", "", 0, "", &size), FSM_OK);
  assert_int_equal(size, 1001);
  assert_int_equal(compiled_repeated("a{1001}", "", 0, "", &size), FSM_EEXPRESSION);
  assert_int_equal(compiled_repeated("a{0,1001}", "", 0, "", &size), FSM_EEXPRESSION);
  assert_int_equal(compiled_repeated("a{99999999999999999999}", "", 0, "", &size), FSM_EEXPRESSION);
  assert_int_equal(compiled_repeated("(?:a{1000}){8}", "a", 191, "", &size), FSM_OK);
  assert_int_equal(size, FSM__MATCH_SIZE_MAX);
  assert_int_equal(compiled_repeated("(?:a{1000}){8}", "a", 192, "", &size), FSM_ETOOLARGE);
  assert_int_equal(compiled_repeated("(?:(?:a{1000}){1000}){1000}", "", 0, "", &size), FSM_ETOOLARGE);
  assert_int_equal(compiled_repeated("(?:(?:(?:){1000}){1000}){1000}", "", 0, "", &size), FSM_ETOOLARGE);
  assert_int_equal(compiled_repeated("(?:(?:){1000}){60}", "", 0, "", &size), FSM_OK);
}

/* A step is an instruction that is followed or tried: at most two for each, and character. */
static void no_pattern_makes_a_match_slow(void **state) {
  (void)state;
  enum { LEN = 64 * 1024 };
  static const char *const patterns[] = {"(a*)*b",
                                         "(a|a)*b",
                                         "(a|aa)+$b",
                                         "(a+)+b",
                                         "(.*)(.*)(.*)(.*)b",
                                         "(a?){20}a{20}b",
                                         "^(a|b|ab)*c$",
                                         "(?:a*a*)*b",
                                         "((a{0,4}){0,3}){0,3}b",
                                         "(?i)(A|a|[a-z])*b",
                                         "[^b]*[^b]*[^b]*b",
                                         "(\\pL|\\w)*b"};
  char *text = malloc(LEN);
  assert_non_null(text);
  memset(text, 'a', LEN);
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    uint64_t steps = UINT64_MAX, half = UINT64_MAX;
    size_t size = 0;
    fsm_error err = {0};
    assert_int_equal(matches_counting(patterns[i], strlen(patterns[i]), text, LEN, &steps, &size, &err), 0);
    assert_int_equal(matches_counting(patterns[i], strlen(patterns[i]), text, LEN / 2, &half, &size, &err),
                     0);
    assert_true(steps <= 2 * size * (uint64_t)(LEN + 1));
    assert_true(steps <=
                2 * half + 2 * size * size); /* twice the text is twice the work, once it has begun */
  }
  free(text);
}

static void a_match_stops_at_the_steps_it_may_take(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm__match *match = NULL;
  bool found;
  uint64_t steps = UINT64_MAX, need;
  assert_int_equal(fsm__match_compile(&arena, "(a*)*b", 6, &match, NULL), FSM_OK);
  assert_int_equal(fsm__match_run(match, "aaaaaaaa", 8, &arena, &steps, &found), FSM_OK);
  need = steps;
  assert_int_equal(fsm__match_run(match, "aaaaaaaa", 8, &arena, &steps, &found), FSM_OK);
  assert_true(steps == need);
  steps = need - 1;
  assert_int_equal(fsm__match_run(match, "aaaaaaaa", 8, &arena, &steps, &found), FSM_ETOOLARGE);
  steps = 0;
  assert_int_equal(fsm__match_run(match, "", 0, &arena, &steps, &found), FSM_ETOOLARGE);
  fsm_arena_free(&arena);
}

static void a_large_program_matches_as_a_small_one_does(void **state) {
  (void)state;
  char text[700];
  memset(text, 'a', sizeof text);
  uint64_t steps = UINT64_MAX;
  fsm_error err = {0};
  assert_int_equal(matches_counting("^(a|b){600}$", 12, text, 600, &steps, NULL, &err), 1);
  steps = UINT64_MAX;
  assert_int_equal(matches_counting("^(a|b){600}$", 12, text, 601, &steps, NULL, &err), 0);
  fsm_arena program, none;
  fsm_arena_init(&program, 0);
  fsm_arena_init(&none, 64);
  const fsm__match *match = NULL;
  bool found;
  assert_int_equal(fsm__match_compile(&program, "a{600}", 6, &match, NULL), FSM_OK);
  assert_int_equal(fsm__match_run(match, text, 600, &none, &steps, &found), FSM_ENOMEM);
  fsm_arena_free(&none);
  fsm_arena_init(&none, 64);
  assert_int_equal(fsm__match_compile(&none, "a{600}", 6, &match, &err), FSM_ENOMEM);
  fsm_arena_free(&none);
  fsm_arena_free(&program);
}

/* ---- tables ------------------------------------------------------------------------------------ */

static void the_characters_that_differ_in_case_form_rings(void **state) {
  (void)state;
  unsigned rings = 0;
  for (int32_t c = 0; c <= FSM__CHARACTER_MAX; c++) {
    int32_t orbit[FSM__ORBIT_MAX], back[FSM__ORBIT_MAX];
    unsigned count = fsm__orbit_of(c, orbit);
    rings += count > 1;
    for (unsigned i = 1; i < count; i++) {
      assert_int_equal(fsm__orbit_of(orbit[i], back), count);
      assert_int_equal(fsm__folded(orbit[i]), fsm__folded(c));
    }
  }
  assert_int_equal(rings, 2878);
}

static void categories_are_whole(void **state) {
  (void)state;
  static const struct {
    const char *name;
    unsigned count;
  } counts[] = {{"Lu", 1831}, {"Ll", 2227}, {"Nd", 660}, {"Zs", 17}, {"Sc", 63}, {"Cc", 65}, {"Cs", 2048}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    uint32_t bit = fsm__categories_named(counts[i].name, 2);
    unsigned count = 0;
    for (int32_t c = 0; c <= FSM__CHARACTER_MAX; c++) count += fsm__category_of(c) == bit;
    assert_int_equal(count, counts[i].count);
  }
  assert_int_equal(fsm__categories_named("X", 1), 0);
  assert_int_equal(fsm__categories_named("", 0), 0);
  assert_int_equal(fsm__categories_named("Luu", 3), 0);
}

/* ---- in expressions ---------------------------------------------------------------------------- */

static void expressions_match_literal_and_computed_patterns(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"'banana'.matches('ba(na)*')", "true"},
      {"matches('banana', '^b' + 'n')", "false"},
      {"'ma\xc3\xb1"
       "ana'.matches('a+\xc3\xb1+a+')",
       "true"},
      {"''.matches('')", "true"},
      {"'a'.matches(r'\\d') || '1'.matches(r'\\d')", "true"},
      {"true ||\n  'a'.matches('(')", "!! expression 2:15 missing ')' (character 1 of the pattern)"},
      {"'a'.matches('\\\\p{Greek}')",
       "!! unsupported 1:13 \\p{Greek} is not supported; there are the general categories, such as L, Lu and "
       "Nd "
       "(character 1 of the pattern)"},
      {"'a'.matches('(a{1000}){1000}')",
       "!! too_large 1:13 the pattern is larger than 8192 instructions (character 1 of the pattern)"},
      {"'a'.matches('(' + '')",
       "! 1:1 'a'.matches('(' + ''): missing ')' (character 1 of the pattern), got string \"(\""},
      {"true || 'a'.matches('(' + '')", "true"},
      {"'a'.matches(1)", "! 1:1 'a'.matches(1): expected two strings, got string \"a\" and int 1"},
      {"b'a'.matches('a')", "! 1:1 b'a'.matches('a'): expected two strings, got 1 bytes and string \"a\""},
  };
  EXPR_CHECK(cases, &nothing);
}

static void matching_counts_as_work(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  char *text = fsm_arena_zalloc(&arena, 1, FSM_EXPR_WORK_MAX);
  assert_non_null(text);
  memset(text, 'a', FSM_EXPR_WORK_MAX);
  fsm_pair pairs[] = {{fsm_string("long"), fsm_stringn(text, FSM_EXPR_WORK_MAX / 2)},
                      {fsm_string("short"), fsm_stringn(text, FSM_EXPR_WORK_MAX / 16)}};
  fsm_value context;
  assert_int_equal(fsm_map(pairs, 2, &context, NULL), FSM_OK);
  const fsm_scope scope = {.context = &context};
  static const expr_case cases[] = {
      {"context.long.matches('(a*)*b')",
       "! 1:1 context.long.matches('(a*)*b'): it would make or compare more than an expression may"},
      {"context.long.matches('^b')", "false"},
      {"context.short.matches('(a*)*b')", "false"},
      {"context.short.matches('(a*)*b') || context.short.matches('(a*)*b')",
       "! 1:36 context.short.matches('(a*)*b'): it would make or compare more than an expression may"},
  };
  EXPR_CHECK(cases, &scope);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_match_may_lie_anywhere),
      cmocka_unit_test(repetitions_count),
      cmocka_unit_test(classes_hold_what_they_name),
      cmocka_unit_test(unicode_categories_are_known),
      cmocka_unit_test(case_folds_as_unicode_has_it),
      cmocka_unit_test(edges_take_no_character),
      cmocka_unit_test(escapes_mean_characters),
      cmocka_unit_test(groups_are_read_in_all_their_forms),
      cmocka_unit_test(what_is_not_utf_8_in_a_text_is_one_character_each),
      cmocka_unit_test(what_is_no_pattern_is_refused_by_name),
      cmocka_unit_test(every_bound_holds_at_its_edge_and_not_past_it),
      cmocka_unit_test(no_pattern_makes_a_match_slow),
      cmocka_unit_test(a_match_stops_at_the_steps_it_may_take),
      cmocka_unit_test(a_large_program_matches_as_a_small_one_does),
      cmocka_unit_test(the_characters_that_differ_in_case_form_rings),
      cmocka_unit_test(categories_are_whole),
      cmocka_unit_test(expressions_match_literal_and_computed_patterns),
      cmocka_unit_test(matching_counts_as_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
