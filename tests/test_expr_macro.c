/* test_expr_macro.c: the macros: what they give, whose errors count, their variables, their bounds. */
#include "tests/expr_case.h"

static fsm_arena arena;
static fsm_value context;
static fsm_scope scope;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  context = expr_value(&arena,
                       "{'items': [{'n': 1, 'ok': true}, {'n': 2, 'ok': false}], 'map': {'a': 1, 'b': 0},"
                       " 'zero': 0, 'nil': null}");
  scope = (fsm_scope){.context = &context};
  return 0;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static void lists_are_asked_item_by_item(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.items.all(i, i.n > 0)", "true"},
      {"context.items.all(i, i.ok)", "false"},
      {"[].all(i, false)", "true"},
      {"context.items.exists(i, i.ok)", "true"},
      {"[1, 2].exists(i, i > 2)", "false"},
      {"[].exists(i, true)", "false"},
      {"[1, 2, 3].exists_one(i, i > 2)", "true"},
      {"[1, 2, 3].existsOne(i, i > 1)", "false"},
      {"[1, 2, 3].map(i, i * i)", "[1, 4, 9]"},
      {"[1, 2, 3].map(i, i != 2, i * i)", "[1, 9]"},
      {"[1, 2, 3].filter(i, i != 2)", "[1, 3]"},
      {"[].map(i, 1 / 0)", "[]"},
      {"size([1, 2, 3].filter(i, i > 1)) == 2", "true"},
      {"[[1], [2, 3]].map(l, size(l))[1]", "2"},
  };
  EXPR_CHECK(cases, &scope);
}

static void maps_are_asked_key_by_key_in_their_order(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.map.all(k, context.map[k] >= 0)", "true"},
      {"context.map.exists(k, k == 'b')", "true"},
      {"{'b': 1, 'a': 2}.map(k, k)", "[\"a\", \"b\"]"},
      {"context.map.filter(k, context.map[k] > 0)", "[\"a\"]"},
      {"context.map.exists_one(k, context.map[k] == 0)", "true"},
  };
  EXPR_CHECK(cases, &scope);
}

static void two_variables_are_index_and_item_or_key_and_value(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[5, 6].all(i, v, v == i + 5)", "true"},
      {"context.map.exists(k, v, k == 'a' && v == 1)", "true"},
      {"[5, 7].existsOne(i, v, v - i == 5)", "true"},
      {"[5, 6].exists_one(i, v, v - i == 5)", "false"},
      {"[5, 6].transformList(i, v, i * v)", "[0, 6]"},
      {"[5, 6].transformList(i, v, i == 1, v)", "[6]"},
      {"context.map.transformMap(k, v, k + string(v))", "{\"a\": \"a1\", \"b\": \"b0\"}"},
      {"context.map.transformMap(k, v, v > 0, v + 1)", "{\"a\": 2}"},
      {"[5, 6].transformMap(i, v, v)", "{0: 5, 1: 6}"},
      {"context.map.transformList(k, v, k)", "[\"a\", \"b\"]"},
  };
  EXPR_CHECK(cases, &scope);
}

static void an_element_that_decides_outvotes_errors(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[0, 1].exists(i, 1 / i == 1)", "true"},
      {"[1, 0].exists(i, 1 / i == 1)", "true"},
      {"[0, 2].all(i, 1 / i == 1)", "false"},
      {"[0, 1].all(i, 1 / i == 1)", "! 1:15 1 / i: division by zero, got int 1 and int 0, at [0]"},
      {"[2, 0].exists(i, 1 / i == 1)", "! 1:18 1 / i: division by zero, got int 1 and int 0, at [1]"},
      {"[1, 'a'].exists(i, i)", "! 1:20 i: expected true or false, got int 1, at [0]"},
      {"[1, 0].exists_one(i, 1 / i == 1)", "! 1:22 1 / i: division by zero, got int 1 and int 0, at [1]"},
      {"[1, 0].map(i, 1 / i)", "! 1:15 1 / i: division by zero, got int 1 and int 0, at [1]"},
      {"[1, 0].filter(i, i)", "! 1:18 i: expected true or false, got int 1, at [0]"},
      {"[1].map(i, i, i)", "! 1:12 i: expected true or false, got int 1, at [0]"},
  };
  EXPR_CHECK(cases, &scope);
}

static void the_failing_element_is_named_from_the_outermost(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"{'k': [3, 0]}.map(k, {'k': [3, 0]}[k].map(i, 6 / i))",
       "! 1:46 6 / i: division by zero, got int 6 and int 0, at [\"k\"][1]"},
      {"context.items.all(i, i.none > 0)", "! 1:22 no such field i.none, at [0]"},
      {"{1u: 2}.map(k, k + 1)",
       "! 1:16 k + 1: the operator does not take these operands, got uint 1 and int 1, at [uint 1]"},
      {"[1].map(a, [2].map(b, [3].map(c, [4].map(d, [5].map(e, e / 0)))))",
       "! 1:56 e / 0: division by zero, got int 5 and int 0, at [0][0][0][0]"},
  };
  EXPR_CHECK(cases, &scope);
}

static void only_lists_and_maps_are_ranges(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.zero.all(i, i)", "! 1:1 context.zero: the macro goes over a list or a map, got int 0"},
      {"context.nil.map(i, i)", "! 1:1 context.nil: the macro goes over a list or a map, got null"},
      {"'abc'.exists(c, true)", "! 1:1 'abc': the macro goes over a list or a map, got string \"abc\""},
  };
  EXPR_CHECK(cases, &scope);
}

static void a_variable_hides_what_is_outside_within_the_body_only(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[1].all(context, context == 1)", "true"},
      {"[[1, 2]].map(x, x.map(x, x + 1))", "[[2, 3]]"},
      {"[1, 2].map(x, [10, 20].map(y, x + y))", "[[11, 21], [12, 22]]"},
      {"[7].all(now, .now != now)", "true"},
      {"[1].all(x, true) && x",
       "!! expression 1:21 unknown name 'x', expected context, event, actor, now or input"},
      {"[x].all(x, true)",
       "!! expression 1:2 unknown name 'x', expected context, event, actor, now or input"},
      {"[1].exists(size, size([size]) == 1)", "true"},
      {"[{'y': 1}].all(x, x.y == 1 && has(x.y) && !has(x.z))", "true"},
      {"[1, 2].transformList(i, v, [i, v].map(i, i + v))", "[[1, 2], [3, 4]]"},
  };
  EXPR_CHECK(cases, &scope);
}

static void a_macro_in_another_form_says_how_it_is_written(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[1].all(1, true)", "!! expression 1:9 all() is written x.all(item, condition)"},
      {"[1].all(x)", "!! expression 1:9 all() is written x.all(item, condition)"},
      {"[1].all(x.y, true)", "!! expression 1:9 all() is written x.all(item, condition)"},
      {"[1].all()", "!! expression 1:9 all() is written x.all(item, condition)"},
      {"[1].all(`x`, true)", "!! expression 1:9 all() is written x.all(item, condition)"},
      {"[1].all(a, b, c, true)",
       "!! expression 1:15 unknown name 'c', expected context, event, actor, now or input"},
      {"[1].filter(a, true, true)", "!! expression 1:5 filter() is written x.filter(item, condition)"},
      {"[1].map(a, true, 1, 2)",
       "!! expression 1:5 map() is written x.map(item, value) or x.map(item, condition, value)"},
      {"[1].transformList(i, 1)",
       "!! expression 1:19 transformList() is written x.transformList(index, item, value)"},
      {"[1].all(a, a, true)", "!! expression 1:9 the two variables of all() have one name"},
      {"all([1], x, true)", "!! expression 1:1 all() is written x.all(item, condition)"},
      {"[1].all(x, )", "!! expression 1:12 expected an expression, found ')'"},
      {"[1].all(x, true", "!! expression 1:16 expected ')', found the end"},
  };
  EXPR_CHECK(cases, &scope);
}

/* ---- bounds -------------------------------------------------------------------------------------- */

static fsm_value list_of(uint32_t count) {
  fsm_value *items = fsm_arena_zalloc(&arena, count, sizeof *items);
  for (uint32_t i = 0; i < count; i++) items[i] = fsm_int(i);
  return fsm_list(items, count);
}

static const char *over(fsm_buf *buf, const char *source, uint32_t count) {
  context = list_of(count);
  return expr_result(buf, source, strlen(source), &scope);
}

static void every_element_costs_the_parts_that_it_evaluates(void **state) {
  (void)state;
  fsm_buf buf = {0};
  /* x >= 0 has three parts */
  assert_string_equal(over(&buf, "context.all(x, x >= 0)", FSM_EXPR_WORK_MAX / 3), "true");
  assert_string_equal(over(&buf, "context.all(x, x >= 0)", FSM_EXPR_WORK_MAX / 3 + 1),
                      "! 1:1 context.all(x, x >= 0): it would make or compare more than an expression may");
  fsm_buf_free(&buf);
}

static void nested_macros_multiply(void **state) {
  (void)state;
  fsm_buf buf = {0};
  static const char source[] = "context.all(x, context.all(y, true))";
  /* outside: a macro, its range and true; inside true alone */
  uint32_t most = 0;
  while ((uint64_t)most * 3 + (uint64_t)most * most <= FSM_EXPR_WORK_MAX) most++;
  assert_string_equal(over(&buf, source, most - 1), "true");
  assert_non_null(strstr(over(&buf, source, most), "more than an expression may"));
  /* no error that could be absorbed */
  assert_non_null(strstr(over(&buf, "context.exists(x, context.all(y, true)) || true", FSM_EXPR_WORK_MAX),
                         "more than an expression may"));
  fsm_buf_free(&buf);
}

static void what_a_macro_makes_is_bounded(void **state) {
  (void)state;
  fsm_buf buf = {0};
  uint32_t most = FSM_EXPR_WORK_MAX / (sizeof(fsm_value) + 1);
  assert_string_equal(over(&buf, "size(context.map(x, x)) > 1", most), "true");
  assert_non_null(strstr(over(&buf, "size(context.map(x, x)) > 1", most + 1), "more than an expression may"));
  fsm_buf_free(&buf);
}

int main(void) {
#define WITH_SCOPE(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH_SCOPE(lists_are_asked_item_by_item),
      WITH_SCOPE(maps_are_asked_key_by_key_in_their_order),
      WITH_SCOPE(two_variables_are_index_and_item_or_key_and_value),
      WITH_SCOPE(an_element_that_decides_outvotes_errors),
      WITH_SCOPE(the_failing_element_is_named_from_the_outermost),
      WITH_SCOPE(only_lists_and_maps_are_ranges),
      WITH_SCOPE(a_variable_hides_what_is_outside_within_the_body_only),
      WITH_SCOPE(a_macro_in_another_form_says_how_it_is_written),
      WITH_SCOPE(every_element_costs_the_parts_that_it_evaluates),
      WITH_SCOPE(nested_macros_multiply),
      WITH_SCOPE(what_a_macro_makes_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
