/* test_expr_equal.c: CEL equality and lookup with other number types. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void numbers_are_equal_across_types(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 == 1.0 && 1 == 1u && 1u == 1.0", "true"},
      {"1 != 2.0 && 1 != 2u && -1 != 18446744073709551615u", "true"},
      {"0.0 == -0.0", "true"},
      {"0.0/0.0 == 0.0/0.0", "false"},
      {"0.0/0.0 != 0.0/0.0", "true"},
      {"1 == double('nan')", "false"},
      {"9223372036854775807 == 9223372036854775808u", "false"},
      {"9223372036854775807 == 9223372036854775808.0", "true"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void other_types_differ_without_an_error(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 == '1'", "false"},       {"null == false", "false"},
      {"null == null", "true"},    {"'a' == b'a'", "false"},
      {"[] == {}", "false"},       {"true != 1", "true"},
      {"context == null", "true"}, {"'' == ''", "true"},
      {"b'' == b''", "true"},      {"'a\\u0000b' == 'a\\u0000c'", "false"},
      {"now == now", "true"},      {"now == 0", "false"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void lists_and_maps_are_compared_deep(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[1, [2, {'a': 3}]] == [1.0, [2u, {'a': 3.0}]]", "true"},
      {"[1, 2] == [1]", "false"},
      {"[1, 2] == [2, 1]", "false"},
      {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
      {"{'a': 1} == {'b': 1}", "false"},
      {"{'a': 1} == {'a': 2}", "false"},
      {"{'a': 1} == {'a': 1, 'b': 2}", "false"},
      {"{1: 'x'} == {1u: 'x'}", "true"},
      {"[] == [] && {} == {}", "true"},
      {"[0.0/0.0] == [0.0/0.0]", "false"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void a_map_is_read_with_any_number_type(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"{1: 'int', 2u: 'uint'}[1u]", "\"int\""},
      {"{1: 'int', 2u: 'uint'}[2]", "\"uint\""},
      {"{1: 'int', 2u: 'uint'}[2.0]", "\"uint\""},
      {"1.0 in {1: 2} && 1u in {1: 2} && !(1.5 in {1: 2})", "true"},
      {"double('nan') in {1: 2}", "false"},
      {"1e300 in {1: 2}", "false"},
      {"-1 in {1u: 2}", "false"},
      {"[7, 8][1.0]", "8"},
      {"[7, 8][1u]", "8"},
  };
  EXPR_CHECK(cases, &nothing);
}

/* Two lists in a list ..., as deep as values may be and one deeper. */
static void values_nested_too_deep_are_an_error_not_a_crash(void **state) {
  (void)state;
  static fsm_value chain[2][FSM_VALUE_DEPTH_MAX + 2];
  for (int c = 0; c < 2; c++) {
    chain[c][0] = fsm_int(1);
    for (int i = 1; i < FSM_VALUE_DEPTH_MAX + 2; i++) chain[c][i] = fsm_list(&chain[c][i - 1], 1);
  }
  static const expr_case equal[] = {{"context == event", "true"}};
  static const expr_case deep[] = {
      {"context == event", "! 1:1 context == event: the values are nested too deep to be compared"}};
  fsm_scope at = {.context = &chain[0][FSM_VALUE_DEPTH_MAX], .event = &chain[1][FSM_VALUE_DEPTH_MAX]};
  fsm_scope past = {.context = &chain[0][FSM_VALUE_DEPTH_MAX + 1],
                    .event = &chain[1][FSM_VALUE_DEPTH_MAX + 1]};
  EXPR_CHECK(equal, &at);
  EXPR_CHECK(deep, &past);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_equal_across_types),
      cmocka_unit_test(other_types_differ_without_an_error),
      cmocka_unit_test(lists_and_maps_are_compared_deep),
      cmocka_unit_test(a_map_is_read_with_any_number_type),
      cmocka_unit_test(values_nested_too_deep_are_an_error_not_a_crash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
