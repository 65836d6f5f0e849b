/* JSON pointers: steps, escapes, the way back, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema/pointer.h"

static void steps_escape_and_go_back(void **state) {
  (void)state;
  fsm__pointer p = {0};
  size_t root = fsm__pointer_key(&p, "a/b~c", 5);
  assert_string_equal(p.text, "/a~1b~0c");
  size_t mark = fsm__pointer_index(&p, 12);
  assert_string_equal(p.text, "/a~1b~0c/12");
  fsm__pointer_back(&p, mark);
  assert_string_equal(p.text, "/a~1b~0c");
  fsm__pointer_back(&p, root);
  assert_string_equal(p.text, "");
}

static void what_does_not_fit_is_left_out_and_the_way_back_holds(void **state) {
  (void)state;
  fsm__pointer p;
  fsm__pointer_set(&p, "/start");
  char key[FSM_WHERE_MAX];
  memset(key, '~', sizeof key);
  size_t mark = fsm__pointer_key(&p, key, sizeof key);
  assert_true(p.len < sizeof p.text && p.text[p.len] == 0);
  assert_int_equal(p.text[p.len - 1], '0'); /* no escape is cut in two */
  fsm__pointer_index(&p, 1);
  assert_true(strlen(p.text) < sizeof p.text);
  fsm__pointer_back(&p, mark);
  assert_string_equal(p.text, "/start");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_escape_and_go_back),
      cmocka_unit_test(what_does_not_fit_is_left_out_and_the_way_back_holds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
