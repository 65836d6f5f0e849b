/* test_expr_optional.c: optional access and optional values. */
#include "tests/expr_case.h"

static void a_step_that_may_be_missing_gives_an_optional(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"{'a': 1}.?a.orValue(0)", "1"},
      {"{'a': 1}.?b.orValue(0)", "0"},
      {"{'a': 1}?.b.orValue(0)", "0"},
      {"{'a': {'b': 2}}.?a.b.orValue(0)", "2"},
      {"{'a': {'b': 2}}.?x.b.c.orValue(0)", "0"},
      {"{'a': {'b': 2}}.?a.c.orValue(0)", "0"},
      {"{'a': null}.?a.b.orValue(0)", "0"},
      {"[1, 2][?1].orValue(0)", "2"},
      {"[1, 2][?2].orValue(0)", "0"},
      {"{'a': 1}[?'b'].orValue(0)", "0"},
      {"{'a': [1]}.?a[0].orValue(0)", "1"},
      {"{'a': 1}.?b.hasValue()", "false"},
      {"has({'a': {'b': 1}}.?a.b) && !has({'a': 1}.?b.c)", "true"},
      {"context.?a.orValue('none')", "\"none\""},
      {"{'a': 1}.?a", "1"},
      {"{'a': 1}.?b", "null"},
      {"(1).?a", "! 1:1 no such field (1).?a, it is looked for in int 1"},
      {"{'a': 1}.?a.b", "! 1:1 no such field {'a': 1}.?a.b, it is looked for in an optional value"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void alternatives_are_evaluated_only_when_they_are_needed(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"optional.of(1).orValue(1 / 0)", "1"},
      {"optional.none().orValue(1 / 0)", "! 1:25 1 / 0: division by zero, got int 1 and int 0"},
      {"optional.none().or(optional.of(2)).orValue(3)", "2"},
      {"optional.of(1).or(1 / 0).value()", "1"},
      {"optional.none().or(2)",
       "! 1:1 optional.none().or(2): expected an optional value, such as context.?amount, got int 2"},
      {"(1).orValue(2)",
       "! 1:1 (1).orValue(2): expected an optional value, such as context.?amount, got int 1"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void optionals_are_values_until_they_leave(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"optional.of(1) == optional.of(1)", "true"},
      {"optional.of(1) == optional.none()", "false"},
      {"optional.none() == optional.none()", "true"},
      {"optional.of(1) == 1", "false"},
      {"optional.ofNonZeroValue('').hasValue()", "false"},
      {"optional.ofNonZeroValue([]).hasValue() || optional.ofNonZeroValue(0u).hasValue()", "false"},
      {"optional.ofNonZeroValue('x').value()", "\"x\""},
      {"optional.none().value()", "! 1:1 optional.none().value(): the optional value is empty"},
      {"type(optional.none())", "\"optional_type\""},
      {"optional.of(2).optMap(x, x + 1).value()", "3"},
      {"optional.none().optMap(x, x + 1).hasValue()", "false"},
      {"optional.of({'a': 1}).optFlatMap(x, x.?b).hasValue()", "false"},
      {"optional.of(1).optFlatMap(x, x)",
       "! 1:1 optional.of(1).optFlatMap(x, x): optFlatMap() expects an optional value, got int 1"},
      {"[1].optMap(x, x)", "! 1:1 [1].optMap(x, x): the macro takes an optional value, got a list of 1"},
      {"[optional.of(1), optional.none(), [optional.of({'a': optional.of(2)})]]", "[1, null, [{\"a\": 2}]]"},
      {"optional.of(optional.of(1))", "1"},
      {"optional.of(1) + 1",
       "! 1:1 optional.of(1) + 1: the operator does not take these operands, got an optional value and int "
       "1"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void optional_entries_are_left_out_when_empty(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"[?optional.of(1), ?optional.none(), 3]", "[1, 3]"},
      {"{?'a': optional.of(1), ?'b': optional.none(), 'c': 3}", "{\"a\": 1, \"c\": 3}"},
      {"{?'a': context.?a}", "{}"},
      {"[?1]", "! 1:3 1: expected an optional value after '?', got int 1"},
      {"{?'a': 1}", "! 1:8 1: expected an optional value after '?', got int 1"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

static void a_condition_may_stand_close(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"true?1:2", "1"},
      {"true?.5:2", "0.5"},
      {"true ? .now == now : false", "true"},
  };
  EXPR_CHECK(cases, &(fsm_scope){0});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_that_may_be_missing_gives_an_optional),
      cmocka_unit_test(alternatives_are_evaluated_only_when_they_are_needed),
      cmocka_unit_test(optionals_are_values_until_they_leave),
      cmocka_unit_test(optional_entries_are_left_out_when_empty),
      cmocka_unit_test(a_condition_may_stand_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
