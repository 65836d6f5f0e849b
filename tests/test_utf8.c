/* UTF-8: what is valid, at the edges of each length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema/utf8.h"

static void the_edges_of_each_length_are_valid(void **state) {
  (void)state;
  const char *good[] = {"\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",    "\xed\x9f\xbf",
                        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(fsm__utf8_next(good[i], strlen(good[i])), strlen(good[i]));
    for (size_t cut = 1; cut < strlen(good[i]); cut++) assert_int_equal(fsm__utf8_next(good[i], cut), 0);
    assert_int_equal(fsm__utf8_count(good[i], strlen(good[i])), 1);
  }
}

static void overlong_surrogate_and_beyond_are_not(void **state) {
  (void)state;
  const char *bad[] = {"\x80",
                       "\xbf",
                       "\xc0\x80",
                       "\xc1\xbf",
                       "\xc2\x41",
                       "\xe0\x9f\xbf",
                       "\xed\xa0\x80",
                       "\xed\xbf\xbf",
                       "\xf0\x8f\xbf\xbf",
                       "\xf4\x90\x80\x80",
                       "\xf5\x80\x80\x80",
                       "\xff"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(fsm__utf8_next(bad[i], strlen(bad[i])), 0);
}

/* At every place in a block of eight, for ASCII is skipped in such blocks. */
static void a_bad_byte_is_found_wherever_it_is(void **state) {
  (void)state;
  char text[24];
  for (size_t at = 0; at < sizeof text; at++) {
    memset(text, 'a', sizeof text);
    assert_true(fsm__utf8_valid(text, sizeof text));
    text[at] = (char)0x80;
    assert_false(fsm__utf8_valid(text, sizeof text));
    assert_true(fsm__utf8_valid(text, at));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_edges_of_each_length_are_valid),
      cmocka_unit_test(overlong_surrogate_and_beyond_are_not),
      cmocka_unit_test(a_bad_byte_is_found_wherever_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
