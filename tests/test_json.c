/* JSON in and out: what is read, what is refused and where, how numbers, times and durations look. */
#include <locale.h>
#include <math.h>

#include "schema/json.h"
#include "tests/arena_scene.h"

static fsm_value parse_order(const char *text, fsm_json_order order) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), order, &out, &err))
    fail_msg("%s: %s: %s", text, err.where, err.text);
  return out;
}

static fsm_value parse(const char *text) { return parse_order(text, FSM_JSON_SORTED); }

static void writes(fsm_value value, const char *expected) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, &value);
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void is_refused(const char *text, size_t len, fsm_code code, const char *where, const char *says) {
  char *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  if (len) memcpy(copy, text, len);
  fsm_value out = {.type = FSM_TYPE_COUNT};
  fsm_error err = {0};
  assert_int_equal(fsm_json_parse(&arena, copy, len, FSM_JSON_SORTED, &out, &err), code);
  free(copy);
  assert_string_equal(err.where, where);
  if (!strstr(err.text, says)) fail_msg("\"%s\" does not say \"%s\"", err.text, says);
  assert_int_equal(out.type, FSM_TYPE_COUNT);
}

static void refused(const char *text, const char *where, const char *says) {
  is_refused(text, strlen(text), FSM_EMALFORMED, where, says);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void members_are_sorted_or_kept(void **state) {
  (void)state;
  const char *text = "{\"b\":1,\"a\":{\"z\":[],\"y\":null}}";
  writes(parse_order(text, FSM_JSON_SORTED), "{\"a\":{\"y\":null,\"z\":[]},\"b\":1}");
  writes(parse_order(text, FSM_JSON_AS_WRITTEN), text);
}

static void many_members_keep_their_order(void **state) {
  (void)state;
  fsm_buf text = {0};
  for (int i = 0; i < 500; i++) fsm_buf_printf(&text, "%c\"k%d\":%d", i ? ',' : '{', (i * 7919) % 1000, i);
  fsm_buf_char(&text, '}');
  writes(parse_order(fsm_buf_text(&text), FSM_JSON_AS_WRITTEN), fsm_buf_text(&text));
  fsm_buf_free(&text);
}

static void a_scalar_is_a_text_too(void **state) {
  (void)state;
  assert_int_equal(parse(" true ").type, FSM_BOOL);
  assert_int_equal(parse("null").type, FSM_NULL);
  fsm_value text = parse("\"a\\u00e9\\ud83d\\ude00\"");
  assert_true(fsm_is_text(&text, "a\xc3\xa9\xf0\x9f\x98\x80"));
}

static void integers_beyond_64_bits_become_doubles(void **state) {
  (void)state;
  assert_true(parse("9223372036854775807").i == INT64_MAX);
  assert_true(parse("-9223372036854775808").i == INT64_MIN);
  fsm_value list = parse(
      "[9223372036854775808, 1, -9223372036854775809, \"9223372036854775808\", 1e2, "
      "123456789012345678901234567890]");
  assert_int_equal(list.items[0].type, FSM_DOUBLE);
  assert_true(list.items[0].d == 9223372036854775808.0);
  assert_int_equal(list.items[1].type, FSM_INT);
  assert_int_equal(list.items[2].type, FSM_DOUBLE);
  assert_true(fsm_is_text(&list.items[3], "9223372036854775808"));
  assert_int_equal(list.items[4].type, FSM_DOUBLE);
  assert_true(list.items[5].d == 123456789012345678901234567890.0);
}

static void bad_texts_are_refused_with_their_place(void **state) {
  (void)state;
  refused("", "1:1", "empty");
  refused("{\n \"a\": 1,\n \"a\": 2}", "3:4", "duplicate");
  refused("[1,]", "1:4", "unexpected token");
  refused("[1] x", "1:5", "end of file expected");
  refused("{\"a\": \"\\u0000\"}", "1:14", "\\u0000");
  refused("[\"\xff\"]", "1:2", "decode byte 0xff");
  refused("[1e999]", "1:6", "overflow");
  refused("[01]", "1:2", "invalid token");
  refused("[NaN]", "1:4", "invalid token");
  refused("\"\\ud800\"", "1:8", "Unicode");
  refused("\"open", "1:5", "premature");
  refused("{\"a\": 1", "1:7", "near end of file");
}

static void nesting_stops_at_the_limit(void **state) {
  (void)state;
  char text[2 * FSM_JSON_DEPTH_MAX + 3];
  memset(text, '[', FSM_JSON_DEPTH_MAX);
  memset(text + FSM_JSON_DEPTH_MAX, ']', FSM_JSON_DEPTH_MAX);
  text[2 * FSM_JSON_DEPTH_MAX] = 0;
  fsm_value value = parse(text);
  assert_int_equal(fsm_value_depth(&value), FSM_JSON_DEPTH_MAX);
  memset(text, '[', FSM_JSON_DEPTH_MAX + 1);
  is_refused(text, sizeof text, FSM_ETOOLARGE, "1:65", "nesting");
  const char *brackets =
      "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"\"";
  assert_int_equal(parse(brackets).type, FSM_STRING);
}

/* At its edge and one past, with the limit in the text. */
static void another_limit_of_nesting_may_be_given(void **state) {
  (void)state;
  char text[2 * 200 + 1];
  memset(text, '[', 200);
  memset(text + 200, ']', 200);
  text[2 * 200] = 0;
  fsm_value value;
  fsm_error err = {0};
  assert_int_equal(fsm_json_parse_deep(&arena, text, 2 * 200, FSM_JSON_AS_WRITTEN, 200, &value, &err),
                   FSM_OK);
  assert_int_equal(fsm_json_parse_deep(&arena, text, 2 * 200, FSM_JSON_AS_WRITTEN, 199, &value, &err),
                   FSM_ETOOLARGE);
  assert_string_equal(err.where, "1:200");
  assert_string_equal(err.text, "the nesting is over the limit of 199");
}

static void the_size_limit_holds_at_its_edge(void **state) {
  (void)state;
  size_t len = FSM_JSON_BYTES_MAX;
  char *text = malloc(len + 1);
  assert_non_null(text);
  memset(text, ' ', len + 1);
  text[0] = '7';
  fsm_value out;
  assert_int_equal(fsm_json_parse(&arena, text, len, FSM_JSON_SORTED, &out, NULL), FSM_OK);
  assert_int_equal(fsm_json_parse(&arena, text, len + 1, FSM_JSON_SORTED, &out, NULL), FSM_ETOOLARGE);
  free(text);
}

/* Every prefix of a text that has all forms is refused (or, for the number at its head, read); none is read
 * past its end, which the sanitizer would see. */
static void no_prefix_is_read_past_its_end(void **state) {
  (void)state;
  const char *text = "[{\"a\\\"\":-12.5e+3,\"b\":[true,false,null,99999999999999999999]},\"\\u00e9\"]";
  for (size_t len = 1; len < strlen(text); len++) {
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);
    fsm_value out;
    assert_int_equal(fsm_json_parse(&arena, copy, len, FSM_JSON_SORTED, &out, NULL), FSM_EMALFORMED);
    free(copy);
  }
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void numbers_take_the_fewest_digits(void **state) {
  (void)state;
  writes(fsm_double(0.1), "0.1");
  writes(fsm_double(1.0), "1.0");
  writes(fsm_double(-0.0), "-0.0");
  writes(fsm_double(0.1 + 0.2), "0.30000000000000004");
  writes(fsm_double(5e-324), "4.94065645841247e-324");
  writes(fsm_double(1.7976931348623157e308), "1.7976931348623157e+308");
  writes(fsm_double(1e21), "1e+21");
  writes(fsm_double(100000), "100000.0");
  writes(fsm_double(NAN), "null");
  writes(fsm_double(-INFINITY), "null");
}

static void doubles_read_back_the_same(void **state) {
  (void)state;
  unsigned seed = 1;
  for (int round = 0; round < 2000; round++) {
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) bits = bits << 16 ^ (uint64_t)(rand_r(&seed) & 0xFFFF);
    double d;
    memcpy(&d, &bits, sizeof d);
    if (!isfinite(d)) continue;
    fsm_buf buf = {0};
    fsm_value value = fsm_double(d);
    fsm_json_write(&buf, &value);
    fsm_value back = parse(fsm_buf_text(&buf));
    assert_int_equal(back.type, FSM_DOUBLE);
    assert_true(back.d == d);
    fsm_buf_free(&buf);
  }
}

static void the_locale_has_no_say(void **state) {
  (void)state;
  if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
    printf("skipped: no locale with a decimal comma is installed\n");
    skip();
  }
  writes(fsm_double(0.5), "0.5");
  assert_true(parse("0.5").d == 0.5);
  setlocale(LC_NUMERIC, "C");
}

static void large_integers_are_strings(void **state) {
  (void)state;
  writes(fsm_int(9007199254740992), "9007199254740992");
  writes(fsm_int(9007199254740993), "\"9007199254740993\"");
  writes(fsm_int(-9007199254740993), "\"-9007199254740993\"");
  writes(fsm_uint(UINT64_MAX), "\"18446744073709551615\"");
  writes(fsm_uint(7), "7");
}

static void strings_escape_what_could_hurt(void **state) {
  (void)state;
  writes(fsm_string("a\"b\\c\n\x01\x1f\x7f\t"), "\"a\\\"b\\\\c\\n\\u0001\\u001f\\u007f\\t\"");
  writes(fsm_stringn("a\0b", 3), "\"a\\u0000b\"");
  writes(fsm_string("\xc3\xa9\xe2\x82\xac"), "\"\xc3\xa9\xe2\x82\xac\"");
  writes(fsm_string("\xff\xc3"), "\"\\u00ff\\u00c3\"");
  writes(fsm_bytes("\x00\xab", 2), "\"00ab\"");
}

static void keys_that_are_no_strings_are_shown_as_text(void **state) {
  (void)state;
  fsm_pair pairs[] = {
      {fsm_bool(true), fsm_int(1)}, {fsm_int(5), fsm_int(2)}, {fsm_bytes("\x01", 1), fsm_int(3)}};
  writes((fsm_value){.type = FSM_MAP, .len = 3, .pairs = pairs}, "{\"true\":1,\"5\":2,\"01\":3}");
}

static void pretty_is_indented_by_two(void **state) {
  (void)state;
  fsm_value value = parse("{\"a\":[1,{}],\"b\":[]}");
  fsm_buf buf = {0};
  fsm_json_write_pretty(&buf, &value);
  assert_string_equal(fsm_buf_text(&buf), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  fsm_buf_free(&buf);
}

/* ---- times and durations ----------------------------------------------------------------------- */

static void time_is(int64_t ns, const char *expected) {
  char text[36];
  fsm_time_format(ns, text, sizeof text);
  assert_string_equal(text, expected);
}

static void times_are_rfc_3339_with_the_fewest_digits(void **state) {
  (void)state;
  time_is(0, "1970-01-01T00:00:00Z");
  time_is(-1, "1969-12-31T23:59:59.999999999Z");
  time_is(951782400LL * 1000000000, "2000-02-29T00:00:00Z");
  time_is(1709251199LL * 1000000000 + 120000000, "2024-02-29T23:59:59.120Z");
  time_is(1709251200LL * 1000000000 + 5000, "2024-03-01T00:00:00.000005Z");
  time_is(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
  time_is(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
  writes((fsm_value){.type = FSM_TIMESTAMP, .i = -62135596800}, "\"0001-01-01T00:00:00Z\"");
  writes((fsm_value){.type = FSM_TIMESTAMP, .i = 253402300799, .len = 1000},
         "\"9999-12-31T23:59:59.000001Z\"");
  writes((fsm_value){.type = FSM_DURATION, .i = 1, .len = 500000000}, "\"1.5s\"");
  writes((fsm_value){.type = FSM_DURATION, .i = 0, .len = (uint32_t)-250000000}, "\"-0.25s\"");
  writes((fsm_value){.type = FSM_DURATION, .i = INT64_MIN}, "\"-9223372036854775808s\"");
}

static void the_calendar_has_no_gap_in_a_thousand_years(void **state) {
  (void)state;
  static const unsigned char days_of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t day = -135140; /* 1600-01-01 */
  for (unsigned year = 1600; year < 2600; year++) {
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    for (unsigned month = 1; month <= 12; month++) {
      unsigned last = days_of[month - 1] + (month == 2 && leap);
      for (unsigned date = 1; date <= last; date++, day++) {
        if (date > 1 && date < last) continue;
        char expected[40];
        snprintf(expected, sizeof expected, "\"%04u-%02u-%02uT00:00:00Z\"", year, month, date);
        writes((fsm_value){.type = FSM_TIMESTAMP, .i = day * 86400}, expected);
      }
    }
  }
}

static void duration_is(const char *text, int64_t expected) {
  int64_t ns = -1;
  fsm_error err = {0};
  if (fsm_duration_parse(text, &ns, &err)) fail_msg("%s", err.text);
  assert_true(ns == expected);
}

static void durations_are_numbers_with_units_largest_first(void **state) {
  (void)state;
  const int64_t second = 1000000000;
  duration_is("90s", 90 * second);
  duration_is("10m", 600 * second);
  duration_is("1h30m", 5400 * second);
  duration_is("2d", 172800 * second);
  duration_is("500ms", second / 2);
  duration_is("1d2h3m4s5ms", 93784 * second + 5000000);
  duration_is("106751d", 106751LL * 86400 * second);
  const char *bad[] = {"",     "5",   "s",   "-5s", "5s1h",    "1h1h",
                       "1.5h", " 5s", "5s ", "5w",  "106752d", "99999999999999999999s"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t ns = 7;
    fsm_error err = {0};
    assert_int_equal(fsm_duration_parse(bad[i], &ns, &err), FSM_EARGUMENT);
    assert_true(ns == 7);
    assert_non_null(strstr(err.text, bad[i]));
  }
}

static void ages_show_their_two_largest_units(void **state) {
  (void)state;
  const int64_t second = 1000000000;
  const struct {
    int64_t ns;
    const char *text;
  } cases[] = {{0, "0s"},
               {999999, "0s"},
               {850000000, "850ms"},
               {second, "1s"},
               {725 * second, "12m5s"},
               {60 * second, "1m"},
               {(3 * 86400 + 4 * 3600 + 59) * second, "3d4h"},
               {(86400 + 59) * second, "1d"},
               {5 * second + 300000000, "5s300ms"},
               {-90 * second, "-1m30s"},
               {INT64_MIN, "-106751d23h"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[32];
    fsm_duration_format(cases[i].ns, text, sizeof text);
    assert_string_equal(text, cases[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_are_sorted_or_kept),
      cmocka_unit_test(many_members_keep_their_order),
      cmocka_unit_test(a_scalar_is_a_text_too),
      cmocka_unit_test(integers_beyond_64_bits_become_doubles),
      cmocka_unit_test(bad_texts_are_refused_with_their_place),
      cmocka_unit_test(nesting_stops_at_the_limit),
      cmocka_unit_test(another_limit_of_nesting_may_be_given),
      cmocka_unit_test(the_size_limit_holds_at_its_edge),
      cmocka_unit_test(no_prefix_is_read_past_its_end),
      cmocka_unit_test(numbers_take_the_fewest_digits),
      cmocka_unit_test(doubles_read_back_the_same),
      cmocka_unit_test(the_locale_has_no_say),
      cmocka_unit_test(large_integers_are_strings),
      cmocka_unit_test(strings_escape_what_could_hurt),
      cmocka_unit_test(keys_that_are_no_strings_are_shown_as_text),
      cmocka_unit_test(pretty_is_indented_by_two),
      cmocka_unit_test(times_are_rfc_3339_with_the_fewest_digits),
      cmocka_unit_test(the_calendar_has_no_gap_in_a_thousand_years),
      cmocka_unit_test(durations_are_numbers_with_units_largest_first),
      cmocka_unit_test(ages_show_their_two_largest_units),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
