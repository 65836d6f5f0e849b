/* test_buf.c: a byte buffer that grows. */
#include "fsm/buf.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void appends_come_out_in_order(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "a");
  fsm_buf_char(&buf, '-');
  fsm_buf_add(&buf, "\0b", 2);
  fsm_buf_add(&buf, NULL, 0);
  fsm_buf_printf(&buf, "%d:%s", 42, "x");
  assert_true(fsm_buf_ok(&buf));
  assert_int_equal(buf.len, 8);
  assert_memory_equal(buf.data, "a-\0b42:x", 8);
  fsm_buf_free(&buf);
}

static void text_ends_with_a_nul_that_is_not_content(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_string_equal(fsm_buf_text(&buf), "");
  for (int i = 0; i < 64; i++) fsm_buf_char(&buf, 'x'); /* exactly the first capacity */
  assert_int_equal(strlen(fsm_buf_text(&buf)), 64);
  assert_int_equal(buf.len, 64);
  fsm_buf_str(&buf, "y");
  assert_int_equal(strlen(fsm_buf_text(&buf)), 65);
  fsm_buf_free(&buf);
}

static void it_grows_past_every_doubling(void **state) {
  (void)state;
  fsm_buf buf = {0};
  for (int i = 0; i < 100000; i++) fsm_buf_printf(&buf, "%d,", i);
  assert_true(fsm_buf_ok(&buf));
  assert_int_equal(buf.len, 588890);
  assert_memory_equal(buf.data + buf.len - 6, "99999,", 6);
  fsm_buf_free(&buf);
}

static void a_failure_is_sticky_until_the_reset(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "kept");
  assert_false(fsm_buf_reserve(&buf, SIZE_MAX));
  assert_false(fsm_buf_ok(&buf));
  fsm_buf_str(&buf, "lost");
  fsm_buf_char(&buf, 'x');
  fsm_buf_printf(&buf, "%d", 1);
  assert_int_equal(buf.len, 4);
  assert_string_equal(fsm_buf_text(&buf), "");
  assert_false(fsm_buf_reserve(&buf, 1));
  fsm_buf_reset(&buf);
  fsm_buf_str(&buf, "new");
  assert_string_equal(fsm_buf_text(&buf), "new");
  fsm_buf_free(&buf);
}

static void a_reset_keeps_the_memory(void **state) {
  (void)state;
  fsm_buf buf = {0};
  assert_true(fsm_buf_reserve(&buf, 1000));
  size_t cap = buf.cap;
  assert_true(cap >= 1000);
  fsm_buf_str(&buf, "x");
  fsm_buf_reset(&buf);
  assert_int_equal(buf.len, 0);
  assert_int_equal(buf.cap, cap);
  fsm_buf_free(&buf);
  assert_null(buf.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_come_out_in_order),
      cmocka_unit_test(text_ends_with_a_nul_that_is_not_content),
      cmocka_unit_test(it_grows_past_every_doubling),
      cmocka_unit_test(a_failure_is_sticky_until_the_reset),
      cmocka_unit_test(a_reset_keeps_the_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
