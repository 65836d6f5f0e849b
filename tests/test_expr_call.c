/* test_expr_call.c: the functions. */
#include "tests/expr_case.h"

static const fsm_scope nothing;

static void size_counts_characters_bytes_items_and_entries(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"size('')", "0"},
      {"size('a\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e')", "4"},
      {"size(b'\xc3\xa4')", "2"},
      {"size([1, 2])", "2"},
      {"size({'a': 1})", "1"},
      {"'abc'.size()", "3"},
      {"size(1)", "! 1:1 size(1): size() takes a string, bytes, a list or a map, got int 1"},
      {"size(null)", "! 1:1 size(null): size() takes a string, bytes, a list or a map, got null"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void parts_of_strings_are_found(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"'foobar'.startsWith('foo')", "true"},
      {"'foobar'.startsWith('bar')", "false"},
      {"'foo'.startsWith('foobar')", "false"},
      {"''.startsWith('')", "true"},
      {"'foobar'.endsWith('bar')", "true"},
      {"'foobar'.endsWith('foo')", "false"},
      {"'bar'.endsWith('foobar')", "false"},
      {"'a'.endsWith('')", "true"},
      {"'foobar'.contains('oba')", "true"},
      {"'foobar'.contains('abo')", "false"},
      {"''.contains('a')", "false"},
      {"''.contains('')", "true"},
      {"'a\\u0000b'.contains('\\u0000b')", "true"},
      {"'a'.contains(1)", "! 1:1 'a'.contains(1): expected two strings, got string \"a\" and int 1"},
      {"null.startsWith('a')", "! 1:1 null.startsWith('a'): expected two strings, got null and string \"a\""},
  };
  EXPR_CHECK(cases, &nothing);
}

static void int_converts_what_fits(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"int(5)", "5"},
      {"int(5u)", "5"},
      {"int(1.9)", "1"},
      {"int(-1.9)", "-1"},
      {"int('42')", "42"},
      {"int('-9223372036854775808')", "-9223372036854775808"},
      {"int('+7')", "7"},
      {"int(9223372036854775807u)", "9223372036854775807"},
      {"int(9223372036854775808u)",
       "! 1:1 int(9223372036854775808u): the value is out of range, got uint 9223372036854775808"},
      {"int(1e19)", "! 1:1 int(1e19): the value is out of range, got double 1e+19"},
      {"int(-1e19)", "! 1:1 int(-1e19): the value is out of range, got double -1e+19"},
      {"int(0.0/0.0)", "! 1:1 int(0.0/0.0): the value is out of range, got double nan"},
      {"int('9223372036854775808')",
       "! 1:1 int('9223372036854775808'): the string is not an int, got string \"9223372036854775808\""},
      {"int('')", "! 1:1 int(''): the string is not an int, got string \"\""},
      {"int('-')", "! 1:1 int('-'): the string is not an int, got string \"-\""},
      {"int('1x')", "! 1:1 int('1x'): the string is not an int, got string \"1x\""},
      {"int(' 1')", "! 1:1 int(' 1'): the string is not an int, got string \" 1\""},
      {"int(true)", "! 1:1 int(true): int() takes a number, a string or a time, got true"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void uint_converts_what_fits(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"uint(5)", "5u"},
      {"uint(5u)", "5u"},
      {"uint(1.9)", "1u"},
      {"uint('18446744073709551615')", "18446744073709551615u"},
      {"uint(-1)", "! 1:1 uint(-1): the value is out of range, got int -1"},
      {"uint(-1.0)", "! 1:1 uint(-1.0): the value is out of range, got double -1"},
      {"uint(1e20)", "! 1:1 uint(1e20): the value is out of range, got double 1e+20"},
      {"uint('-1')", "! 1:1 uint('-1'): the string is not a uint, got string \"-1\""},
      {"uint('18446744073709551616')",
       "! 1:1 uint('18446744073709551616'): the string is not a uint, got string \"18446744073709551616\""},
      {"uint([])", "! 1:1 uint([]): uint() takes a number or a string, got a list of 0"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void double_and_string_convert_back_and_forth(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"double(1)", "1.0"},
      {"double(1u)", "1.0"},
      {"double(1.5)", "1.5"},
      {"double('1.5e3')", "1500.0"},
      {"double('-Infinity')", "-inf"},
      {"double('NaN')", "nan"},
      {"double('1.5x')", "! 1:1 double('1.5x'): the string is not a double, got string \"1.5x\""},
      {"double('0x10')", "! 1:1 double('0x10'): the string is not a double, got string \"0x10\""},
      {"double(null)", "! 1:1 double(null): double() takes a number or a string, got null"},
      {"string(-5)", "\"-5\""},
      {"string(5u)", "\"5\""},
      {"string(1.5)", "\"1.5\""},
      {"string(true)", "\"true\""},
      {"string('x')", "\"x\""},
      {"string(b'\\303\\244')", "\"\xc3\xa4\""},
      {"string(b'\\377')", "! 1:1 string(b'\\377'): the bytes are not valid UTF-8, got 1 bytes"},
      {"string(null)",
       "! 1:1 string(null): string() takes a number, a bool, a string, bytes or a time, got null"},
      {"int(string(-5)) == -5 && double(string(0.1)) == 0.1", "true"},
      {"dyn([1])", "[1]"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void bool_and_bytes_convert_what_stands_for_them(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"bool(true) && bool('true') && bool('TRUE') && bool('True') && bool('t') && bool('T') && bool('1')",
       "true"},
      {"bool('false') || bool('FALSE') || bool('False') || bool('f') || bool('F') || bool('0')", "false"},
      {"bool('yes')", "! 1:1 bool('yes'): the string is not a bool, got string \"yes\""},
      {"bool(1)", "! 1:1 bool(1): bool() takes a bool or a string, got int 1"},
      {"bytes('\xc3\xa4')", "b\"c3a4\""},
      {"bytes(b'x')", "b\"78\""},
      {"bytes(1)", "! 1:1 bytes(1): bytes() takes a string or bytes, got int 1"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void merge_lays_maps_over_each_other(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"merge({'a': 1, 'b': 2}, {'b': 3, 'c': 4})", "{\"a\": 1, \"b\": 3, \"c\": 4}"},
      {"merge({'a': {'x': 1}}, {'a': {'y': 2}})", "{\"a\": {\"y\": 2}}"},
      {"merge({'a': 1}, null, {'a': 2}, {'a': 3})", "{\"a\": 3}"},
      {"merge({})", "{}"},
      {"merge(context, {'a': 1})", "{\"a\": 1}"},
      {"merge()", "!! expression 1:1 merge() takes one map or more"},
      {"merge({}, 1)", "! 1:1 merge({}, 1): merge() takes maps, got int 1"},
      {"merge({1: 'a'}, {1u: 'b'})", "! 1:1 merge({1: 'a'}, {1u: 'b'}): the map has a key twice"},
  };
  EXPR_CHECK(cases, &nothing);
}

static bool in_review(const void *arg, const char *path, size_t len) {
  const fsm_value *wanted = arg;
  return wanted->len == len && memcmp(wanted->s, path, len) == 0;
}

static void in_asks_the_configuration(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"In('review.legal')", "true"},
      {"In('review')", "false"},
      {"In(\"review\" + \".legal\")", "true"},
      {"In(1)", "! 1:1 In(1): In() takes the path of a state as a string, got int 1"},
  };
  fsm_value wanted = fsm_string("review.legal");
  EXPR_CHECK(cases, (&(fsm_scope){.in = in_review, .in_arg = &wanted}));
  static const expr_case without[] = {{"In('review.legal')", "false"}};
  EXPR_CHECK(without, &nothing);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(size_counts_characters_bytes_items_and_entries),
      cmocka_unit_test(parts_of_strings_are_found),
      cmocka_unit_test(int_converts_what_fits),
      cmocka_unit_test(uint_converts_what_fits),
      cmocka_unit_test(double_and_string_convert_back_and_forth),
      cmocka_unit_test(bool_and_bytes_convert_what_stands_for_them),
      cmocka_unit_test(merge_lays_maps_over_each_other),
      cmocka_unit_test(in_asks_the_configuration),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
