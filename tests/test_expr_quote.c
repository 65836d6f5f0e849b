/* test_expr_quote.c: string and bytes literals. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void all_kinds_of_quotes_are_read(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"''", "\"\""},
      {"\"a'b\"", "\"a'b\""},
      {"'a\"b'", "\"a\"b\""},
      {"\"\"\"a\"b\nc\"\"\"", "\"a\"b\nc\""},
      {"'''it''s'''", "\"it''s\""},
      {"\"\"\"\"\"\"", "\"\""},
      {"r'a\\nb'", "\"a\\nb\""},
      {"R\"\"\"\\\"\"\"", "\"\\\""},
      {"b'abc'", "b\"616263\""},
      {"b'\xc3\xa4'", "b\"c3a4\""},
      {"rb'\\x'", "b\"5c78\""},
      {"bR'\\x'", "b\"5c78\""},
      {"'a' + \"b\" + 'c'", "\"abc\""},
  };
  EXPR_CHECK(cases, &nothing);
}

static void escapes_are_characters_in_strings_and_bytes_in_bytes(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"b'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'", "b\"07080c0a0d090b5c3f222760\""},
      {"'\\x41\\X42\\103'", "\"ABC\""},
      {"'\\xe4' == '\\u00e4' && '\\344' == '\\U000000E4'", "true"},
      {"b'\\xe4\\344'", "b\"e4e4\""},
      {"'\\u20ac\\U0001D11E'", "\"\xe2\x82\xac\xf0\x9d\x84\x9e\""},
      {"size('a\\u0000b')", "3"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void broken_literals_are_refused_where_they_break(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"1 + 'abc", "!! expression 1:5 the string is not closed"},
      {"'", "!! expression 1:1 the string is not closed"},
      {"'''abc''", "!! expression 1:1 the string is not closed"},
      {"'abc\\", "!! expression 1:5 the string is not closed"},
      {"r'abc\\'x'", "!! expression 1:8 expected an operator or the end, found 'x'"},
      {"'a\nb'", "!! expression 1:3 found a line end in the string; only triple quotes may hold one"},
      {"'a\\qb'", "!! expression 1:3 there is no such escape"},
      {"'\\x4'", "!! expression 1:2 expected hexadecimal digits: \\xHH, \\uHHHH or \\UHHHHHHHH"},
      {"'\\u12'", "!! expression 1:2 expected hexadecimal digits: \\xHH, \\uHHHH or \\UHHHHHHHH"},
      {"'\\08'", "!! expression 1:2 expected three octal digits after '\\'"},
      {"'\\400'", "!! expression 1:2 there is no such escape"},
      {"'\\ud800'", "!! expression 1:2 the escape is not a Unicode character"},
      {"'\\U00110000'", "!! expression 1:2 the escape is not a Unicode character"},
      {"b'\\u00e4'", "!! expression 1:3 bytes have no escapes \\u and \\U"},
  };
  EXPR_CHECK(cases, &nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_kinds_of_quotes_are_read),
      cmocka_unit_test(escapes_are_characters_in_strings_and_bytes_in_bytes),
      cmocka_unit_test(broken_literals_are_refused_where_they_break),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
