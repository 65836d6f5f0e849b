/* test_expr_ops.c: arithmetic, order, concatenation, membership. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void integers_never_wrap(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"9223372036854775806 + 1", "9223372036854775807"},
      {"9223372036854775807 + 1",
       "! 1:1 9223372036854775807 + 1: the result does not fit into 64 bits, got int 9223372036854775807 and "
       "int 1"},
      {"-9223372036854775808 - 1",
       "! 1:1 -9223372036854775808 - 1: the result does not fit into 64 bits, got int -9223372036854775808 "
       "and int 1"},
      {"4611686018427387904 * 2",
       "! 1:1 4611686018427387904 * 2: the result does not fit into 64 bits, got int 4611686018427387904 and "
       "int 2"},
      {"-9223372036854775808 / -1",
       "! 1:1 -9223372036854775808 / -1: the result does not fit into 64 bits, got int -9223372036854775808 "
       "and int -1"},
      {"-9223372036854775808 % -1",
       "! 1:1 -9223372036854775808 % -1: the result does not fit into 64 bits, got int -9223372036854775808 "
       "and int -1"},
      {"-(-9223372036854775808)",
       "! 1:1 -(-9223372036854775808): the result does not fit into 64 bits, got int -9223372036854775808"},
      {"-context", "! 1:1 -context: the operator takes an int or a double, got null"},
      {"18446744073709551615u + 1u",
       "! 1:1 18446744073709551615u + 1u: the result does not fit into 64 bits, got uint "
       "18446744073709551615 and uint 1"},
      {"1u - 2u", "! 1:1 1u - 2u: the result does not fit into 64 bits, got uint 1 and uint 2"},
      {"9223372036854775808u * 2u",
       "! 1:1 9223372036854775808u * 2u: the result does not fit into 64 bits, got uint 9223372036854775808 "
       "and uint 2"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void integer_division_truncates_and_refuses_zero(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"7 / 2", "3"},
      {"-7 / 2", "-3"},
      {"7 % 3", "1"},
      {"-7 % 3", "-1"},
      {"7 % -3", "1"},
      {"7u / 2u", "3u"},
      {"7u % 4u", "3u"},
      {"1 / 0", "! 1:1 1 / 0: division by zero, got int 1 and int 0"},
      {"1 % 0", "! 1:1 1 % 0: division by zero, got int 1 and int 0"},
      {"1u / 0u", "! 1:1 1u / 0u: division by zero, got uint 1 and uint 0"},
      {"1u % 0u", "! 1:1 1u % 0u: division by zero, got uint 1 and uint 0"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void doubles_follow_ieee_754(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1.5 + 2.25", "3.75"},
      {"1.0 / 4.0", "0.25"},
      {"1.0 / 0.0", "inf"},
      {"-1.0 / 0.0", "-inf"},
      {"1.0 / -0.0", "-inf"},
      {"0.0 / 0.0", "nan"},
      {"-(1.5)", "-1.5"},
      {"1e308 * 10.0", "inf"},
      {"1.5 % 2.0",
       "! 1:1 1.5 % 2.0: the operator does not take these operands, got double 1.5 and double 2"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void a_double_promotes_the_other_number_but_int_and_uint_do_not_mix(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 + 1.5", "2.5"},
      {"1.5 - 1", "0.5"},
      {"2u * 1.5", "3.0"},
      {"1 / 2.0", "0.5"},
      {"1 < 1.5 && 1.5 < 2u", "true"},
      {"1 + 1u", "! 1:1 1 + 1u: the operator does not take these operands, got int 1 and uint 1"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void order_is_by_value(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true"},
      {"2 < 1 || 2 <= 1 || 1 > 2 || 1 >= 2", "false"},
      {"-1 < 1u && 1u > -1", "true"},
      {"9223372036854775807 < 9223372036854775808u", "true"},
      {"0.0/0.0 < 1.0 || 0.0/0.0 >= 1.0 || 1 > 0.0/0.0", "false"},
      {"'a' < 'b' && 'a' < 'aa' && '' < 'a' && 'Z' < 'a'", "true"},
      {"'\xc3\xa4' > 'z'", "true"},
      {"b'a' < b'b'", "true"},
      {"false < true", "true"},
      {"now <= now", "true"},
      {"1 < '2'", "! 1:1 1 < '2': the operator does not take these operands, got int 1 and string \"2\""},
      {"null < 1", "! 1:1 null < 1: the operator does not take these operands, got null and int 1"},
      {"[1] < [2]",
       "! 1:1 [1] < [2]: the operator does not take these operands, got a list of 1 and a list of 1"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void strings_bytes_and_lists_are_joined(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"'a' + 'b' + ''", "\"ab\""},
      {"b'a' + b'b'", "b\"6162\""},
      {"[1] + [] + ['x']", "[1, \"x\"]"},
      {"[] + []", "[]"},
      {"'' + ''", "\"\""},
      {"'n' + 1", "! 1:1 'n' + 1: the operator does not take these operands, got string \"n\" and int 1"},
      {"'a' - 'b'",
       "! 1:1 'a' - 'b': the operator does not take these operands, got string \"a\" and string \"b\""},
      {"{} + {}", "! 1:1 {} + {}: the operator does not take these operands, got a map of 0 and a map of 0"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void in_looks_into_lists_and_maps(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"2 in [1, 2.0]", "true"},
      {"3 in [1, 2]", "false"},
      {"'a' in {'a': null}", "true"},
      {"'b' in {'a': 1}", "false"},
      {"[1] in [[1], 2]", "true"},
      {"1 in []", "false"},
      {"null in [1, null]", "true"},
      {"'a' in 'abc'",
       "! 1:1 'a' in 'abc': the operator does not take these operands, got string \"a\" and string \"abc\""},
  };
  EXPR_CHECK(cases, &nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_never_wrap),
      cmocka_unit_test(integer_division_truncates_and_refuses_zero),
      cmocka_unit_test(doubles_follow_ieee_754),
      cmocka_unit_test(a_double_promotes_the_other_number_but_int_and_uint_do_not_mix),
      cmocka_unit_test(order_is_by_value),
      cmocka_unit_test(strings_bytes_and_lists_are_joined),
      cmocka_unit_test(in_looks_into_lists_and_maps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
