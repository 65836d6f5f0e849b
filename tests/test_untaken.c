/* test_untaken.c: which services took nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/untaken.h"

static void what_was_last_said_holds(void **state) {
  (void)state;
  fsm__untaken *u = NULL;
  assert_int_equal(fsm__untaken_new(&u, NULL), FSM_OK);
  assert_false(fsm__untaken_is(u, "a"));
  fsm__untaken_say(u, "a", false);
  fsm__untaken_say(u, "a", false);
  fsm__untaken_say(u, "b", false);
  fsm__untaken_say(u, "c", true);
  assert_true(fsm__untaken_is(u, "a") && fsm__untaken_is(u, "b"));
  fsm__untaken_say(u, "a", true);
  assert_false(fsm__untaken_is(u, "a"));
  assert_true(fsm__untaken_is(u, "b"));
  fsm__untaken_free(u);
}

static void there_is_a_bound(void **state) {
  (void)state;
  fsm__untaken *u = NULL;
  char name[16];
  assert_int_equal(fsm__untaken_new(&u, NULL), FSM_OK);
  for (int i = 0; i <= FSM_UNTAKEN_MAX; i++) {
    snprintf(name, sizeof name, "s%d", i);
    fsm__untaken_say(u, name, false);
    assert_int_equal(fsm__untaken_is(u, name), i < FSM_UNTAKEN_MAX);
  }
  fsm__untaken_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_last_said_holds),
                                     cmocka_unit_test(there_is_a_bound)};
  return cmocka_run_group_tests_name("untaken", tests, NULL, NULL);
}
