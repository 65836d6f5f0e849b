/* test_expr_type.c: types as values. */
#include "tests/expr_case.h"

static void every_value_has_a_type(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"type(null) == null_type && type(true) == bool && type(1) == int && type(1u) == uint", "true"},
      {"type(1.0) == double && type('') == string && type(b'') == bytes", "true"},
      {"type([]) == list && type({}) == map", "true"},
      {"type(now) == google.protobuf.Timestamp", "true"},
      {"type(duration('1s')) == google.protobuf.Duration", "true"},
      {"type(type(1)) == type && type(int) == type && type(type) == type", "true"},
      {"type(1) == type(1u)", "false"},
      {"type(1) == 'int'", "false"},
      {"type(1) in [string, int]", "true"},
      {"[1, 'a', null].map(x, type(x) == int)", "[true, false, false]"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void a_type_leaves_as_its_name(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"type(1.5)", "\"double\""},
      {"[type(now), type(type(1))]", "[\"google.protobuf.Timestamp\", \"type\"]"},
      {"{'a': int}", "{\"a\": \"int\"}"},
      {"int + 1", "! 1:1 int + 1: the operator does not take these operands, got the type int and int 1"},
      {"{int: 1}", "! 1:2 int: the key of a map is a string, an int, a uint or a bool, got the type int"},
      {"dyn", "!! expression 1:1 unknown name 'dyn', expected context, event, actor, now or input"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void what_leaves_is_bounded(void **state) {
  (void)state;
  fsm_buf source = {0}, out = {0};
  fsm_buf_str(&source, "dyn(int)");
  /* each [[…]] adds two levels at the price of one */
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value context = expr_value(&arena, "[0]");
  for (unsigned i = 0; i < FSM_VALUE_DEPTH_MAX; i++) {
    fsm_value *item = fsm_arena_alloc(&arena, sizeof *item);
    *item = context;
    context = fsm_list(item, 1);
  }
  assert_string_equal(expr_result(&out, "[int, context]", 14, &(fsm_scope){.context = &context}),
                      "! 1:1 [int, context]: the value is nested too deep");
  fsm_arena_free(&arena);
  fsm_buf_free(&source);
  fsm_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_value_has_a_type),
      cmocka_unit_test(a_type_leaves_as_its_name),
      cmocka_unit_test(what_leaves_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
