/* test_expr_check_op.c: operators over shapes. */
#include "tests/expr_shapes.h"

static void operators_take_what_they_can_work_with(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.amount + context.ratio * 2 - 1.5 / 3", "ok"},
      {"context.title + 'x' < 'y'", "ok"},
      {"context.labels + ['x']", "ok"},
      {"b'a' + b'b' > b'c'", "ok"},
      {"now - duration('1h') > context.due", "ok"},
      {"duration('1h') + now > now - (now - now)", "ok"},
      {"context.free + context.free < context.free", "ok"},
      {"context.amount + context.title",
       "1:1 context.amount + context.title: + does not take int and string"},
      {"context.title - 'x'", "1:1 context.title - 'x': - does not take string and string"},
      {"context.ok + context.free", "1:1 context.ok + context.free: + does not take bool and value"},
      {"context.free * 'a'", "1:1 context.free * 'a': * does not take value and string"},
      {"context.item + {}", "1:1 context.item + {}: + does not take map and map"},
      {"now + now", "1:1 now + now: + does not take timestamp and timestamp"},
      {"duration('1h') - now", "1:1 duration('1h') - now: - does not take duration and timestamp"},
      {"1 + 2 + 'a' + 3", "1:1 1 + 2 + 'a': + does not take int and string"},
      {"[1] < [2]", "1:1 [1] < [2]: < does not take list and list"},
      {"null < 1", "1:1 null < 1: < does not take null and int"},
      {"context.due >= 'x'", "1:1 context.due >= 'x': >= does not take timestamp and string"},
      {"(1 + context.free) + 'a'", "ok"},
      {"(1 + 2) + 'a'", "1:1 (1 + 2) + 'a': + does not take int and string"},
      {"(1 < 2) + 1", "1:1 (1 < 2) + 1: + does not take bool and int"},
  };
  CHECK_SHAPES(cases);
}

static void what_is_never_equal_is_a_mistake(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.amount == 1.5 || context.ratio != 1u", "ok"},
      {"context.title == null || context.note == null", "ok"},
      {"context.note == context.rest", "ok"},
      {"context.free == 'a' && dyn(1) == 'a'", "ok"},
      {"context.item == {}", "ok"},
      {"context.amount == '1'", "1:1 context.amount == '1': int and string are never equal"},
      {"context.note == 1", "1:1 context.note == 1: string and int are never equal"},
      {"context.items != 'a'", "1:1 context.items != 'a': list and string are never equal"},
  };
  CHECK_SHAPES(cases);
}

static void what_is_never_in_is_a_mistake(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"'a' in context.labels && 'a' in context.count && 'a' in context.item && 1 in [1.5]", "ok"},
      {"context.free in context.labels && 1 in context.free && null in context.labels", "ok"},
      {"1 in context.labels", "1:1 1 in context.labels: int is never in this list"},
      {"1 in context.item", "1:1 1 in context.item: int is never in this map"},
      {"1 in context.amount", "1:1 1 in context.amount: in does not take int and int"},
      {"'a' in context.title", "1:1 'a' in context.title: in does not take string and string"},
  };
  CHECK_SHAPES(cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operators_take_what_they_can_work_with),
      cmocka_unit_test(what_is_never_equal_is_a_mistake),
      cmocka_unit_test(what_is_never_in_is_a_mistake),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
