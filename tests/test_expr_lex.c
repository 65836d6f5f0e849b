/* test_expr_lex.c: tokens, numbers, places. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void numbers_are_read_in_all_their_forms(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"0", "0"},
      {"42", "42"},
      {"0x1F", "31"},
      {"0XffU", "255u"},
      {"7u", "7u"},
      {"18446744073709551615u", "18446744073709551615u"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1.5", "1.5"},
      {".5", "0.5"},
      {"1e3", "1000.0"},
      {"2.5E-1", "0.25"},
      {"-.5", "-0.5"},
      {"9223372036854775808", "!! expression 1:1 the number does not fit into an int; a uint ends in u"},
      {"-9223372036854775809", "!! expression 1:2 the number does not fit into an int; a uint ends in u"},
      {"18446744073709551616u", "!! expression 1:1 the number does not fit into 64 bits"},
      {"0x10000000000000000", "!! expression 1:1 the number does not fit into 64 bits"},
      {"1e999", "!! expression 1:1 the number is too large for a double"},
      {"0x", "!! expression 1:3 expected a hexadecimal digit after '0x'"},
      {"12ab", "!! expression 1:3 expected the end of the number, found 'a'"},
      {"1.5u", "!! expression 1:4 expected the end of the number, found 'u'"},
      {"1.", "!! expression 1:3 expected a name, found the end"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void blanks_and_comments_separate_and_mean_nothing(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {" \t\r\n\f1 // one\n + // plus\n 2 // end", "3"},
      {"\"//\" + 'no comment'", "\"//no comment\""},
      {"// nothing else", "!! expression 1:16 expected an expression, found the end"},
      {"", "!! expression 1:1 expected an expression, found the end"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void what_no_expression_contains_is_shown(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 = 2", "!! expression 1:3 found '=', expected '=='"},
      {"true & false", "!! expression 1:6 found '&', expected '&&'"},
      {"true | false", "!! expression 1:6 found '|', expected '||'"},
      {"1 # 2", "!! expression 1:3 found '#', which no expression contains"},
      {"\xc3\xa4", "!! expression 1:1 found '\xc3\xa4', which no expression contains"},
      {"1 \x01", "!! expression 1:3 found the control character 0x01"},
      {"context.`a", "!! expression 1:11 expected letters, digits, _ . / - and then '`'"},
      {"context.``", "!! expression 1:10 expected letters, digits, _ . / - and then '`'"},
  };
  EXPR_CHECK(cases, &nothing);
  fsm_buf buf = {0};
  assert_string_equal(expr_result(&buf, "1\0", 2, &nothing),
                      "!! expression 1:2 found the control character 0x00");
  assert_string_equal(expr_result(&buf, "'a\0b'", 5, &nothing),
                      "!! expression 1:3 found the control character 0x00");
  fsm_buf_free(&buf);
}

static void columns_are_counted_in_characters(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"'\xc3\xa4\xe2\x82\xac' #", "!! expression 1:6 found '#', which no expression contains"},
      {"1 +\n  2 +\n\n #", "!! expression 4:2 found '#', which no expression contains"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void text_that_is_not_utf8_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"'\x80'",
                                    "'\xc3'",
                                    "'\xc0\x80'",
                                    "'\xed\xa0\x80'",
                                    "'\xf5\x80\x80\x80'",
                                    "'\xf4\x90\x80\x80'",
                                    "'\xe0\x80\x80'",
                                    "'\xf0\x80\x80\x80'"};
  fsm_buf buf = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_string_equal(expr_result(&buf, bad[i], strlen(bad[i]), &nothing),
                        "!! expression 1:2 the text is not valid UTF-8");
  assert_string_equal(expr_result(&buf, "'\xc3\xa4'", 2, &nothing),
                      "!! expression 1:2 the text is not valid UTF-8");
  fsm_buf_free(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_read_in_all_their_forms),
      cmocka_unit_test(blanks_and_comments_separate_and_mean_nothing),
      cmocka_unit_test(what_no_expression_contains_is_shown),
      cmocka_unit_test(columns_are_counted_in_characters),
      cmocka_unit_test(text_that_is_not_utf8_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
