/* test_clock.c: which clock of the boot there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/clock.h"

static int64_t five(void *arg) { return 5 + (arg != NULL); }

static void the_system_has_one_that_goes_forward(void **state) {
  (void)state;
  const fsm_runtime_options options = {.dir = ""};
  assert_true(fsm__boot_of(&options) != 0); /* on a system with /proc */
  assert_true(fsm__boot_of(&options) == fsm__boot_of(&options));
  int64_t before = fsm__boot_now(&options);
  assert_true(before > 0 && fsm__boot_now(&options) >= before);
}

static void a_wall_clock_of_the_options_goes_alone(void **state) {
  (void)state;
  const fsm_runtime_options options = {.now = five, .boot = 9};
  assert_true(fsm__boot_of(&options) == 0);
}

static void the_options_may_give_both(void **state) {
  (void)state;
  const fsm_runtime_options options = {.now = five, .monotonic = five, .boot = 9, .now_arg = state};
  assert_true(fsm__boot_of(&options) == 9);
  assert_int_equal(fsm__boot_now(&options), 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_system_has_one_that_goes_forward),
      cmocka_unit_test(a_wall_clock_of_the_options_goes_alone),
      cmocka_unit_test(the_options_may_give_both),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
