/* test_expr_parse.c: precedence, syntax errors, what is refused by name, and the bounds. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void operators_bind_as_in_cel(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"10 - 3 - 2", "5"},
      {"100 / 5 / 2", "10"},
      {"17 % 10 % 4", "3"},
      {"-2 * -3", "6"},
      {"- - 2", "2"},
      {"!!true", "true"},
      {"1 + 1 == 2 && 2 < 3", "true"},
      {"true || false && false", "true"},
      {"(true || false) && false", "false"},
      {"1 < 2 == true", "true"},
      {"false ? 1 : true ? 2 : 3", "2"},
      {"true ? 1 : true ? 2 : 3", "1"},
      {"2 in [1, 2] && !(3 in [1, 2])", "true"},
      {"[1, 2, 3,][1]", "2"},
      {"{'a': {'b': [10, 20]},}.a.b[1]", "20"},
      {"'abc'.size() + 1", "4"},
      {"-[1, 2].size()", "-2"},
      {"true ?.5 : 1", "0.5"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void a_syntax_error_says_what_was_found_and_expected(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 +", "!! expression 1:4 expected an expression, found the end"},
      {"1 + )", "!! expression 1:5 expected an expression, found ')'"},
      {"(1", "!! expression 1:3 expected ')', found the end"},
      {"[1 2]", "!! expression 1:4 expected ',' or ']', found '2'"},
      {"[1,,2]", "!! expression 1:4 expected an expression, found ','"},
      {"{1}", "!! expression 1:3 expected ':', found '}'"},
      {"{1: 2 3: 4}", "!! expression 1:7 expected ',' or '}', found '3'"},
      {"context.", "!! expression 1:9 expected a name, found the end"},
      {"context.true", "!! expression 1:9 expected a name, found 'true'"},
      {"context[1", "!! expression 1:10 expected ']', found the end"},
      {"true ? 1", "!! expression 1:9 expected ':', found the end"},
      {"1 2", "!! expression 1:3 expected an operator or the end, found '2'"},
      {"size(1, ", "!! expression 1:9 expected an expression, found the end"},
      {"1 <\n* 2", "!! expression 2:1 expected an expression, found '*'"},
      {"? 1", "!! expression 1:1 expected an expression, found '?'"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void an_unknown_name_is_named(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"amount < 5", "!! expression 1:1 unknown name 'amount', expected context, event, actor, now or input"},
      {"1 + _event", "!! expression 1:5 unknown name '_event', expected context, event, actor, now or input"},
      {"foo(1)", "!! expression 1:1 there is no function foo()"},
      {"context.foo(1)", "!! expression 1:9 there is no function foo()"},
      {"startsWith('a', 'b')", "!! expression 1:1 startsWith() is called as x.startsWith()"},
      {"context.string()", "!! expression 1:9 string() is called as string(x)"},
      {"size()", "!! expression 1:1 size() takes 1 argument, found 0"},
      {"'a'.size(1)", "!! expression 1:5 size() takes 0 arguments, found 1"},
      {"'a'.startsWith()", "!! expression 1:5 startsWith() takes 1 argument, found 0"},
      {"int(1, 2)", "!! expression 1:1 int() takes 1 argument, found 2"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void has_takes_a_field_and_nothing_else(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"has(context)", "!! expression 1:5 has() takes a field such as context.amount and nothing else"},
      {"has(context['a'])", "!! expression 1:5 has() takes a field such as context.amount and nothing else"},
      {"has(1)", "!! expression 1:5 has() takes a field such as context.amount and nothing else"},
      {"has(context.a, 1)", "!! expression 1:14 expected ')', found ','"},
      {"has()", "!! expression 1:5 expected an expression, found ')'"},
  };
  EXPR_CHECK(cases, &nothing);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static void repeat(fsm_buf *buf, const char *text, size_t times) {
  while (times--) fsm_buf_str(buf, text);
}

/* open × depth, middle, close × depth */
static const char *nested(fsm_buf *buf, const char *open, const char *middle, const char *close,
                          size_t depth) {
  fsm_buf_reset(buf);
  repeat(buf, open, depth);
  fsm_buf_str(buf, middle);
  repeat(buf, close, depth);
  return fsm_buf_text(buf);
}

static fsm_code compiles(const char *text, size_t len) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_expr *expr = NULL;
  fsm_code code = fsm_expr_compile(&arena, text, len, &expr, NULL);
  fsm_value value;
  /* what compiles evaluates within the stack, whatever comes out */
  if (!code) assert_int_not_equal(fsm_expr_eval(expr, &nothing, &arena, &value, NULL), FSM_ENOMEM);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code nested_compiles(const char *open, const char *middle, const char *close, size_t depth) {
  fsm_buf buf = {0};
  nested(&buf, open, middle, close, depth);
  fsm_code code = compiles(buf.data, buf.len);
  fsm_buf_free(&buf);
  return code;
}

static void nesting_is_bounded_at_the_edge(void **state) {
  (void)state;
  assert_int_equal(nested_compiles("(", "1", ")", FSM_EXPR_DEPTH_MAX), FSM_OK);
  assert_int_equal(nested_compiles("(", "1", ")", FSM_EXPR_DEPTH_MAX + 1), FSM_ETOOLARGE);
  assert_int_equal(nested_compiles("!", "true", "", FSM_EXPR_DEPTH_MAX), FSM_OK);
  assert_int_equal(nested_compiles("!", "true", "", FSM_EXPR_DEPTH_MAX + 1), FSM_ETOOLARGE);
  assert_int_equal(nested_compiles("", "''", ".size()", FSM_EXPR_DEPTH_MAX), FSM_OK);
  assert_int_equal(nested_compiles("", "''", ".size()", FSM_EXPR_DEPTH_MAX + 1), FSM_ETOOLARGE);
}

/* A form that costs two levels each reaches half of the bound. */
static void nesting_is_bounded_in_every_construct(void **state) {
  (void)state;
  static const char *const forms[][3] = {
      {"(", "1", ")"},
      {"[", "1", "]"},
      {"{1:", "1", "}"},
      {"size(", "1", ")"},
      {"!", "true", ""},
      {"- ", "1u", ""},
      {"true?1:", "1", ""},
      {"(1+", "1", ")"},
      {"[1][", "0", "]"},
      {"", "''", ".size()"},
      {"(true||", "true", ")"},
      {"'a'.contains(", "1", ")"},
      {"", "(1)", ".size().size()"},
      {"[1].map(x,", "x", ")"},
      {"", "[1]", ".filter(x,true)"},
      {"optional.of(", "1", ")"},
      {"[?", "1", "]"},
      {"merge({'a':", "1", "})"},
      {"optional.none().or(", "1", ")"},
      {"[1][?", "0", "]"},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    size_t most = 0;
    for (size_t depth = 1; depth <= 200; depth++) {
      fsm_code code = nested_compiles(forms[i][0], forms[i][1], forms[i][2], depth);
      assert_int_equal(code, most == depth - 1 && code == FSM_OK ? FSM_OK : FSM_ETOOLARGE);
      if (code == FSM_OK) most = depth;
    }
    assert_in_range(most, FSM_EXPR_DEPTH_MAX / 2, FSM_EXPR_DEPTH_MAX);
  }
}

static void chains_are_not_nesting(void **state) {
  (void)state;
  static const char *const links[] = {"+1", "&&true", "||true", "<1", "*2", ".a", "[0]"};
  fsm_buf buf = {0};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    nested(&buf, "", "context", links[i], 400);
    assert_int_equal(compiles(buf.data, buf.len), FSM_OK);
  }
  nested(&buf, "", "0", "+1", 1000);
  fsm_buf out = {0};
  assert_string_equal(expr_result(&out, buf.data, buf.len, &nothing), "1000");
  fsm_buf_free(&out);
  fsm_buf_free(&buf);
}

static void the_text_is_bounded_at_the_edge(void **state) {
  (void)state;
  char text[FSM_EXPR_TEXT_MAX + 2];
  memset(text, ' ', sizeof text);
  text[FSM_EXPR_TEXT_MAX - 1] = '7';
  fsm_buf buf = {0};
  assert_string_equal(expr_result(&buf, text, FSM_EXPR_TEXT_MAX, &nothing), "7");
  assert_string_equal(expr_result(&buf, text, FSM_EXPR_TEXT_MAX + 1, &nothing),
                      "!! too_large 1:1 the expression is longer than 4096 bytes");
  fsm_buf_free(&buf);
}

/* A list of `items` ones, with a "!" before the first `nots` of them: 1 + items + nots parts. */
static fsm_code list_compiles(fsm_buf *buf, size_t items, size_t nots) {
  fsm_buf_reset(buf);
  for (size_t i = 0; i < items; i++) {
    fsm_buf_char(buf, i ? ',' : '[');
    fsm_buf_str(buf, i < nots ? "!1" : "1");
  }
  fsm_buf_char(buf, ']');
  assert_true(buf->len <= FSM_EXPR_TEXT_MAX);
  return compiles(buf->data, buf->len);
}

static void the_parts_are_bounded_at_the_edge(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_int_equal(list_compiles(&buf, FSM_EXPR_NODES_MAX - 1, 0), FSM_OK);
  assert_int_equal(list_compiles(&buf, FSM_EXPR_NODES_MAX - 101, 100), FSM_OK);
  assert_int_equal(list_compiles(&buf, FSM_EXPR_NODES_MAX - 101, 101), FSM_ETOOLARGE);
  fsm_buf_free(&buf);
}

static void running_out_of_memory_is_a_code(void **state) {
  (void)state;
  static const char text[] =
      "context.amount < 10000 && actor.role == 'manager' && size([1, 2, 'abc']) == 3 && "
      "context.items.exists(i, i.n > 'x'.size() && merge({'a': i}, context.?x.orValue({})).a == int(i.m))";
  bool compiled = false;
  for (size_t limit = 16; !compiled; limit += 16) {
    fsm_arena arena;
    fsm_arena_init(&arena, limit);
    const fsm_expr *expr = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_expr_compile(&arena, text, strlen(text), &expr, &err);
    assert_true(code == FSM_OK || code == FSM_ENOMEM);
    assert_int_equal(err.code, code);
    compiled = code == FSM_OK;
    fsm_arena_free(&arena);
  }
}

/* Every prefix of a text that has every construct, and every text with one byte changed: nothing but a
 * code may come out. The sanitizers watch. */
static void mangled_text_never_does_harm(void **state) {
  (void)state;
  static const char text[] =
      "has(context.a.b) ? -context['k'][0] + 0x1fu * 1.5e3 : !(In(\"a.b\") || "
      "'x\\u00e4\\n'.startsWith(r'y')) "
      "&& {1: [b'\\xff', null], '''k''': {}} != event.`a-b` "
      "|| [1].all(i, x, context.?a[?i]?.b.orValue(.now) == merge({?'k': optional.of(x)}, type(x))) // end";
  char copy[sizeof text];
  for (size_t len = 0; len < sizeof text; len++) {
    char *exact = test_malloc(len ? len : 1);
    memcpy(exact, text, len);
    (void)compiles(exact, len);
    test_free(exact);
  }
  static const char swaps[] =
      "('\"[{.?\\x\x80\xc3"
      "0u`-";
  for (size_t at = 0; at + 1 < sizeof text; at++)
    for (size_t i = 0; i < sizeof swaps; i++) {
      memcpy(copy, text, sizeof text);
      copy[at] = swaps[i];
      (void)compiles(copy, sizeof text - 1);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operators_bind_as_in_cel),
      cmocka_unit_test(a_syntax_error_says_what_was_found_and_expected),
      cmocka_unit_test(an_unknown_name_is_named),
      cmocka_unit_test(has_takes_a_field_and_nothing_else),
      cmocka_unit_test(nesting_is_bounded_at_the_edge),
      cmocka_unit_test(nesting_is_bounded_in_every_construct),
      cmocka_unit_test(chains_are_not_nesting),
      cmocka_unit_test(the_text_is_bounded_at_the_edge),
      cmocka_unit_test(the_parts_are_bounded_at_the_edge),
      cmocka_unit_test(running_out_of_memory_is_a_code),
      cmocka_unit_test(mangled_text_never_does_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
