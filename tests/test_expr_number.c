/* test_expr_number.c: doubles to text and back. */
#include <locale.h>
#include <math.h>

#include "tests/expr_case.h"

static void a_double_is_written_short_and_reads_back(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } cases[] = {{0, "0"},
               {-0.0, "-0"},
               {1, "1"},
               {0.1, "0.1"},
               {100000, "100000"},
               {1e15, "1e+15"},
               {1.0 / 3, "0.3333333333333333"},
               {0.1 + 0.2, "0.30000000000000004"},
               {5e-324, "4.94065645841247e-324"},
               {1.7976931348623157e308, "1.7976931348623157e+308"},
               {INFINITY, "inf"},
               {-INFINITY, "-inf"},
               {NAN, "nan"},
               {-(double)NAN, "nan"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[FSM__DOUBLE_TEXT];
    size_t len = fsm__double_text(cases[i].value, text);
    assert_string_equal(text, cases[i].text);
    assert_int_equal(len, strlen(text));
    double back;
    if (!isfinite(cases[i].value)) continue;
    assert_true(fsm__double_of(text, len, &back));
    assert_true(back == cases[i].value);
  }
}

static void only_decimal_numbers_are_read(void **state) {
  (void)state;
  static const char *const good[] = {"1", "-1", "+1", "1.", ".5", "1e5", "1E-5", "1.5e+5", "007"};
  static const char *const bad[] = {"",     "-",   ".",   "e5",  "1e",  "1e+",   " 1",    "1 ",
                                    "0x10", "inf", "nan", "1_0", "1,5", "1.5.5", "1e5.5", "--1"};
  double value;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(fsm__double_of(good[i], strlen(good[i]), &value));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(fsm__double_of(bad[i], strlen(bad[i]), &value));
  assert_true(fsm__double_of("1e999", 5, &value));
  assert_true(isinf(value));
  assert_false(fsm__double_of("1\0", 2, &value));
}

/* Skipped where the system has no locale with a decimal comma. */
static void the_locale_of_the_process_changes_nothing(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  const char *set = NULL;
  for (size_t i = 0; i < 4 && !set; i++) set = setlocale(LC_ALL, names[i]);
  if (!set) {
    printf("skipped: no locale with a decimal comma is installed\n");
    skip();
  }
  char text[FSM__DOUBLE_TEXT];
  fsm__double_text(1.5, text);
  double value = 0;
  bool read = fsm__double_of("2.5", 3, &value);
  setlocale(LC_ALL, "C");
  assert_string_equal(text, "1.5");
  assert_true(read && value == 2.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_double_is_written_short_and_reads_back),
      cmocka_unit_test(only_decimal_numbers_are_read),
      cmocka_unit_test(the_locale_of_the_process_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
