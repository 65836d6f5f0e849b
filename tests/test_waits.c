/* test_waits.c: timers that wait for the clock of the boot come back in their order, each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/waits.h"

static void they_come_in_the_order_of_their_moments_then_of_due_and_setting(void **state) {
  (void)state;
  fsm__waits waits = {.heap = NULL};
  fsm__wait out;
  static const fsm__wait in_order[] = {{1, 9, 9, 1}, {2, 1, 5, 2}, {2, 2, 3, 3}, {2, 2, 4, 4}, {7, 0, 0, 5}};
  for (unsigned i = 0; i < 5; i++) assert_true(fsm__waits_add(&waits, &in_order[(i * 3 + 1) % 5]));
  assert_int_equal(fsm__waits_next(&waits), 1);
  for (unsigned i = 0; i < 5; i++) {
    assert_true(fsm__waits_take(&waits, 7, &out));
    assert_int_equal(out.number, in_order[i].number);
  }
  assert_false(fsm__waits_take(&waits, INT64_MAX, &out));
  assert_null(waits.heap); /* nothing is kept for a clock that was set once */
}

static void none_comes_before_its_moment(void **state) {
  (void)state;
  fsm__waits waits = {.heap = NULL};
  fsm__wait out;
  assert_true(fsm__waits_next(&waits) == INT64_MAX);
  assert_true(fsm__waits_add(&waits, &(fsm__wait){.at_ns = 10}));
  assert_false(fsm__waits_take(&waits, 9, &out));
  assert_true(fsm__waits_take(&waits, 10, &out));
}

static void many_in_any_order_come_sorted(void **state) {
  (void)state;
  fsm__waits waits = {.heap = NULL};
  fsm__wait out;
  uint64_t random = 1;
  for (unsigned i = 0; i < 5000; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    assert_true(fsm__waits_add(&waits, &(fsm__wait){.at_ns = (int64_t)(random >> 50), .order = i}));
  }
  fsm__wait before = {.at_ns = -1};
  for (unsigned i = 0; i < 5000; i++, before = out) {
    assert_true(fsm__waits_take(&waits, INT64_MAX, &out));
    assert_true(before.at_ns < out.at_ns || (before.at_ns == out.at_ns && before.order < out.order));
  }
  assert_int_equal(waits.count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_come_in_the_order_of_their_moments_then_of_due_and_setting),
      cmocka_unit_test(none_comes_before_its_moment),
      cmocka_unit_test(many_in_any_order_come_sorted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
