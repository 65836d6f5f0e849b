/* test_expr_time.c: timestamps and durations: made, shown, calculated with, taken apart. */
#include "fsm/expr_time.h"

#include <stdlib.h>

#include "tests/expr_case.h"

static const fsm_scope nothing;

#define RANGE_T "the result is out of range, which is the years 1 to 9999"
#define RANGE_D "the result is out of range, which is 64 bits of nanoseconds"

/* ---- the calendar ------------------------------------------------------------------------------ */

static void the_calendar_counts_each_day_of_12000_years_once(void **state) {
  (void)state;
  int64_t days = fsm__days_of((fsm__date){-1000, 1, 1});
  for (int64_t year = -1000; year < 11000; year++)
    for (unsigned month = 1; month <= 12; month++)
      for (unsigned day = 1; day <= fsm__days_in_month(year, month); day++, days++) {
        fsm__date back = fsm__date_of(days);
        if (fsm__days_of((fsm__date){year, month, day}) == days && back.year == year && back.month == month &&
            back.day == day)
          continue;
        fail_msg("%lld-%u-%u", (long long)year, month, day);
      }
  assert_int_equal(fsm__days_of((fsm__date){1970, 1, 1}), 0);
  assert_int_equal(fsm__days_of((fsm__date){2000, 3, 1}), 11017);
}

static void a_day_begins_at_midnight_before_1970_too(void **state) {
  (void)state;
  unsigned of_day;
  assert_int_equal(fsm__split_days(0, &of_day), 0);
  assert_int_equal(of_day, 0);
  assert_int_equal(fsm__split_days(-1, &of_day), -1);
  assert_int_equal(of_day, 86399);
  assert_int_equal(fsm__split_days(-86400, &of_day), -1);
  assert_int_equal(of_day, 0);
}

/* ---- making ------------------------------------------------------------------------------------ */

static void rfc_3339_is_read(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('1970-01-01T00:00:00Z')", "timestamp(0.000000000)"},
      {"timestamp('2009-02-13T23:31:30Z')", "timestamp(1234567890.000000000)"},
      {"timestamp('1969-12-31T23:59:59.25Z')", "timestamp(-1.250000000)"},
      {"timestamp('2020-02-29t12:00:00.123456789z')", "timestamp(1582977600.123456789)"},
      {"timestamp('2020-01-01T00:00:00+02:30')", "timestamp(1577827800.000000000)"},
      {"timestamp('2020-01-01T00:00:00-23:59')", "timestamp(1577923140.000000000)"},
      {"timestamp('0001-01-01T00:00:00Z')", "timestamp(-62135596800.000000000)"},
      {"timestamp('9999-12-31T23:59:59.999999999Z')", "timestamp(253402300799.999999999)"},
      {"timestamp('10000-01-01T00:00:00Z')",
       "! 1:1 timestamp('10000-01-01T00:00:00Z'): the string is not an RFC 3339 time such as "
       "2026-01-31T12:00:00Z, got string \"10000-01-01T00:00:00Z\""},
      {"timestamp('')",
       "! 1:1 timestamp(''): the string is not an RFC 3339 time such as 2026-01-31T12:00:00Z, got string "
       "\"\""},
      {"timestamp(1)", "timestamp(1.000000000)"},
      {"timestamp(timestamp(1))", "timestamp(1.000000000)"},
      {"timestamp(1.5)",
       "! 1:1 timestamp(1.5): timestamp() takes a string or seconds since 1970, got double 1.5"},
  };
  EXPR_CHECK(cases, &nothing);
}

static const char *time_fault(const char *text) {
  fsm_value value = fsm_null();
  const char *reason = fsm__timestamp_parse(text, strlen(text), &value);
  assert_int_equal(value.type, reason ? FSM_NULL : FSM_TIMESTAMP);
  return reason;
}

static void what_is_no_rfc_3339_time_is_refused(void **state) {
  (void)state;
  static const char *const malformed[] = {"2020",
                                          "2020-01-01",
                                          "2020-01-01T00:00:00",
                                          "2020-01-01 00:00:00Z",
                                          "2020-01-01T00:00Z",
                                          "2020-1-01T00:00:00Z",
                                          "+020-01-01T00:00:00Z",
                                          "2020-01-01T00:00:00+02",
                                          "2020-01-01T00:00:00+0200",
                                          "2020-01-01T00:00:00+24:00",
                                          "2020-01-01T00:00:00+00:60",
                                          "2020-01-01T00:00:00ZZ",
                                          "2020-01-01T00:00:00,5Z",
                                          " 2020-01-01T00:00:00Z",
                                          "2020-01-01T00:00:00Z ",
                                          "2020-01-01T00:00:00U",
                                          "-001-01-01T00:00:00Z"};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    assert_string_equal(time_fault(malformed[i]),
                        "the string is not an RFC 3339 time such as 2026-01-31T12:00:00Z");
  static const char *const days[] = {"2020-00-01T00:00:00Z", "2020-13-01T00:00:00Z", "2020-01-00T00:00:00Z",
                                     "2020-04-31T00:00:00Z", "2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z"};
  for (size_t i = 0; i < sizeof days / sizeof *days; i++)
    assert_string_equal(time_fault(days[i]), "there is no such day in the calendar");
  static const char *const hours[] = {"2020-01-01T24:00:00Z", "2020-01-01T00:60:00Z", "2016-12-31T23:59:60Z"};
  for (size_t i = 0; i < sizeof hours / sizeof *hours; i++)
    assert_string_equal(time_fault(hours[i]), "there is no such time of day");
  static const char *const ranges[] = {"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01",
                                       "9999-12-31T23:59:59-00:01"};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    assert_string_equal(time_fault(ranges[i]), "the time is out of range, which is the years 1 to 9999");
  assert_string_equal(time_fault("2020-01-01T00:00:00.Z"),
                      "a time has one to nine digits behind the second's point");
  assert_string_equal(time_fault("2020-01-01T00:00:00.1234567891Z"),
                      "a time has one to nine digits behind the second's point");
  assert_null(time_fault("2000-02-29T00:00:00.123456789+23:59"));
}

static void a_time_cut_short_anywhere_is_refused(void **state) {
  (void)state;
  const char *whole = "2020-02-29T12:00:00.5+02:00";
  for (size_t len = 0; len < strlen(whole); len++) {
    char *exact = malloc(len ? len : 1);
    fsm_value value;
    assert_non_null(exact);
    memcpy(exact, whole, len);
    assert_non_null(fsm__timestamp_parse(exact, len, &value));
    free(exact);
  }
}

static void seconds_since_1970_are_the_years_1_to_9999(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp(-62135596800)", "timestamp(-62135596800.000000000)"},
      {"timestamp(253402300799)", "timestamp(253402300799.000000000)"},
      {"timestamp(-62135596801)", "! 1:1 timestamp(-62135596801): " RANGE_T ", got int -62135596801"},
      {"timestamp(253402300800)", "! 1:1 timestamp(253402300800): " RANGE_T ", got int 253402300800"},
      {"timestamp(9223372036854775807)",
       "! 1:1 timestamp(9223372036854775807): " RANGE_T ", got int 9223372036854775807"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void durations_are_sums_of_decimal_numbers_with_units(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"duration('0')", "duration(0.000000000)"},
      {"duration('-0')", "duration(0.000000000)"},
      {"duration('1000000s')", "duration(1000000.000000000)"},
      {"duration('1h30m1.5s')", "duration(5401.500000000)"},
      {"duration('1s1h')", "duration(3601.000000000)"},
      {"duration('+1.5h')", "duration(5400.000000000)"},
      {"duration('1ms2us3ns')", "duration(0.001002003)"},
      {"duration('1\\u00b5s') == duration('1us') && duration('1\\u03bcs') == duration('1us')", "true"},
      {"duration('.5s') == duration('500ms') && duration('5.s') == duration('5s')", "true"},
      {"duration('-1.5s') == duration('-1500ms')", "true"},
      {"int(duration('0.333333333333h'))", "1199999999998"},
      {"int(duration('1.9999999999999ns'))", "1"},
      {"int(duration('-0.1m'))", "-6000000000"},
      {"duration(duration('1s'))", "duration(1.000000000)"},
      {"duration(1)", "! 1:1 duration(1): duration() takes a string, got int 1"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void what_is_no_duration_is_refused(void **state) {
  (void)state;
  static const char *const malformed[] = {"",     "-",     "1",      "s",  ".s", "1d",  "1 s",  "1s ",
                                          "--1s", "1s-1s", "1.2.3s", "00", "1S", "1sx", "\xc2", "1\xc2"};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    fsm_value value;
    const char *reason = fsm__duration_parse(malformed[i], strlen(malformed[i]), &value);
    assert_non_null(reason);
    assert_string_equal(reason, "the string is not a duration such as 1h30m, 90s or -0.5ms");
  }
}

static void a_duration_is_64_bits_of_nanoseconds(void **state) {
  (void)state;
  static const char reason[] = "the duration is out of range, which is 64 bits of nanoseconds";
  static const struct {
    const char *text;
    int64_t ns;
  } edges[] = {{"9223372036.854775807s", INT64_MAX},
               {"9223372036854775807ns", INT64_MAX},
               {"-9223372036.854775808s", INT64_MIN},
               {"-9223372036854775808ns", INT64_MIN}};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    fsm_value value;
    int64_t ns;
    assert_null(fsm__duration_parse(edges[i].text, strlen(edges[i].text), &value));
    assert_true(fsm__duration_ns(&value, &ns));
    assert_true(ns == edges[i].ns);
  }
  static const char *const over[] = {
      "9223372036.854775808s",  "-9223372036.854775809s",   "320000000000s", "-320000000000s",
      "18446744073709551616ns", "99999999999999999999999h", "2562048h",      "9223372036854775807ns1ns"};
  for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
    fsm_value value;
    assert_string_equal(fsm__duration_parse(over[i], strlen(over[i]), &value), reason);
  }
}

/* ---- showing ----------------------------------------------------------------------------------- */

static void times_read_back_from_their_text(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"string(timestamp('2009-02-13T23:31:30Z'))", "\"2009-02-13T23:31:30Z\""},
      {"string(timestamp('2009-02-14T01:31:30.5+02:00'))", "\"2009-02-13T23:31:30.500Z\""},
      {"string(timestamp('9999-12-31T23:59:59.999999999Z'))", "\"9999-12-31T23:59:59.999999999Z\""},
      {"string(timestamp('0001-01-01T00:00:00.000001Z'))", "\"0001-01-01T00:00:00.000001Z\""},
      {"string(duration('1000000s'))", "\"1000000s\""},
      {"string(duration('1h1ns'))", "\"3600.000000001s\""},
      {"string(duration('-1.5s'))", "\"-1.5s\""},
      {"string(duration('-5ms'))", "\"-0.005s\""},
      {"int(timestamp('2004-09-16T23:59:59.9Z'))", "1095379199"},
      {"int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"},
      {"int(duration('1.5s'))", "1500000000"},
  };
  EXPR_CHECK(cases, &nothing);
  for (int64_t s = fsm__time_first; s <= fsm__time_last; s += 86413 * (int64_t)3989) {
    char text[FSM__TIME_TEXT_MAX];
    fsm_value back;
    fsm__timestamp_text(s, 120000000, text, sizeof text);
    assert_null(fsm__timestamp_parse(text, strlen(text), &back));
    assert_true(back.i == s && back.len == 120000000);
  }
}

static void a_fault_shows_the_times_it_is_about(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp(0) * duration('-90ms')",
       "! 1:1 timestamp(0) * duration('-90ms'): the operator does not take these operands, got timestamp "
       "1970-01-01T00:00:00Z and duration -0.09s"},
  };
  EXPR_CHECK(cases, &nothing);
}

/* ---- calculating ------------------------------------------------------------------------------- */

static void times_and_durations_are_added_and_subtracted(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('2009-02-13T23:00:00Z') + duration('240s') == timestamp('2009-02-13T23:04:00Z')", "true"},
      {"duration('120s') + timestamp(60) == timestamp(180)", "true"},
      {"timestamp(60) - duration('120s')", "timestamp(-60.000000000)"},
      {"timestamp(1) + duration('-1ns')", "timestamp(0.999999999)"},
      {"timestamp(0) - duration('1ns')", "timestamp(-1.999999999)"},
      {"timestamp('1970-01-01T00:00:00.999999999Z') + duration('1ns')", "timestamp(1.000000000)"},
      {"timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00Z')", "duration(120.000000000)"},
      {"string(timestamp(0) - timestamp('1970-01-01T00:00:00.25Z'))", "\"-0.25s\""},
      {"string(timestamp('1970-01-01T00:00:00.25Z') - timestamp(1))", "\"-0.75s\""},
      {"duration('600s') + duration('50s') == duration('650s')", "true"},
      {"duration('1s') - duration('1.25s') == duration('-250ms')", "true"},
      {"timestamp(1) + timestamp(1)",
       "! 1:1 timestamp(1) + timestamp(1): the operator does not take these operands, got timestamp "
       "1970-01-01T00:00:01Z and timestamp 1970-01-01T00:00:01Z"},
      {"duration('1s') - timestamp(1)",
       "! 1:1 duration('1s') - timestamp(1): the operator does not take these operands, got duration 1s and "
       "timestamp 1970-01-01T00:00:01Z"},
      {"duration('1s') + 1",
       "! 1:1 duration('1s') + 1: the operator does not take these operands, got duration 1s and int 1"},
      {"1 + timestamp(1)",
       "! 1:1 1 + timestamp(1): the operator does not take these operands, got int 1 and timestamp "
       "1970-01-01T00:00:01Z"},
  };
  EXPR_CHECK(cases, &nothing);
}

static const char *sum(const fsm_value *a, fsm__op op, const fsm_value *b) {
  fsm__run run = {0};
  fsm_value out;
  return fsm__apply(&run, op, a, b, &out) ? NULL : run.fault.reason;
}

static void nothing_passes_the_ends_of_time(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('9999-12-31T23:59:59Z') + duration('0.999999999s')", "timestamp(253402300799.999999999)"},
      {"timestamp(-62135596800) - duration('0s')", "timestamp(-62135596800.000000000)"},
      {"timestamp(253402300799) - timestamp(253402300799 - 9223372036)", "duration(9223372036.000000000)"},
      {"timestamp(0) - timestamp(9223372036) == duration('-9223372036s')", "true"},
  };
  EXPR_CHECK(cases, &nothing);
  fsm_value last = {.type = FSM_TIMESTAMP, .len = 999999999, .i = fsm__time_last};
  fsm_value first = {.type = FSM_TIMESTAMP, .i = fsm__time_first};
  fsm_value ns = fsm__duration_of(1), most = fsm__duration_of(INT64_MAX), least = fsm__duration_of(INT64_MIN);
  assert_string_equal(sum(&last, FSM__ADD, &ns), RANGE_T);
  assert_string_equal(sum(&ns, FSM__ADD, &last), RANGE_T);
  assert_string_equal(sum(&first, FSM__SUB, &ns), RANGE_T);
  assert_string_equal(sum(&first, FSM__SUB, &last), RANGE_D);
  assert_string_equal(sum(&last, FSM__SUB, &first), RANGE_D);
  assert_string_equal(sum(&most, FSM__ADD, &ns), RANGE_D);
  assert_string_equal(sum(&least, FSM__SUB, &ns), RANGE_D);
  assert_null(sum(&least, FSM__ADD, &most));
  fsm_value zero = {.type = FSM_TIMESTAMP}, low = {.type = FSM_TIMESTAMP, .len = 145224192, .i = -9223372037};
  assert_null(sum(&low, FSM__SUB, &zero)); /* exactly INT64_MIN */
  low.len--;
  assert_string_equal(sum(&low, FSM__SUB, &zero), RANGE_D);
}

static void values_from_outside_that_no_calendar_has_are_refused_and_do_not_wrap(void **state) {
  (void)state;
  fsm_value wild = {.type = FSM_TIMESTAMP, .len = UINT32_MAX, .i = INT64_MAX};
  fsm_value low = {.type = FSM_TIMESTAMP, .i = INT64_MIN};
  fsm_value age = {.type = FSM_DURATION, .len = (uint32_t)INT32_MIN, .i = INT64_MIN};
  fsm_value eon = {.type = FSM_DURATION, .len = INT32_MAX, .i = INT64_MAX};
  assert_string_equal(sum(&wild, FSM__ADD, &eon), RANGE_T);
  assert_string_equal(sum(&wild, FSM__SUB, &age), RANGE_T);
  assert_string_equal(sum(&low, FSM__ADD, &age), RANGE_T);
  assert_string_equal(sum(&wild, FSM__SUB, &low), RANGE_D);
  assert_string_equal(sum(&low, FSM__SUB, &wild), RANGE_D);
  assert_string_equal(sum(&age, FSM__ADD, &eon), RANGE_D);
  fsm_pair pairs[] = {{fsm_string("age"), age}, {fsm_string("wild"), wild}};
  fsm_value context;
  assert_int_equal(fsm_map(pairs, 2, &context, NULL), FSM_OK);
  fsm_scope scope = {.context = &context};
  fsm_buf buf = {0};
  static const char *const faults[] = {"context.wild.getHours()", "context.wild.getFullYear()",
                                       "int(context.age)", "context.wild.getMilliseconds()"};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    const char *got = expr_result(&buf, faults[i], strlen(faults[i]), &scope);
    assert_non_null(strstr(got, "out of range"));
  }
  assert_non_null(expr_result(&buf, "string(context.wild) + string(context.age)", 42, &scope));
  fsm_buf_free(&buf);
}

static void times_are_ordered_and_equal_by_instant(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('2009-02-13T23:00:00Z') == timestamp('2009-02-14T01:00:00+02:00')", "true"},
      {"timestamp(1) < timestamp(2) && timestamp(2) >= timestamp(2) && !(timestamp(2) > timestamp(2))",
       "true"},
      {"duration('-1ns') < duration('0s') && duration('-1.5s') < duration('-1s')", "true"},
      {"duration('60s') == duration('1m') && duration('1s') != duration('1ms')", "true"},
      {"duration('0s') == timestamp(0)", "false"},
      {"dyn(timestamp(0)) == null || dyn(duration('0')) == 0", "false"},
      {"timestamp(1) in [timestamp(0), timestamp(1)]", "true"},
      {"timestamp(1) < duration('1s')",
       "! 1:1 timestamp(1) < duration('1s'): the operator does not take these operands, got timestamp "
       "1970-01-01T00:00:01Z and duration 1s"},
  };
  EXPR_CHECK(cases, &nothing);
}

/* ---- taking apart ------------------------------------------------------------------------------ */

static void the_parts_of_a_timestamp_are_counted_as_cel_does(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('2009-02-13T23:31:30.123456789Z').getFullYear()", "2009"},
      {"timestamp('2009-02-13T23:31:30Z').getMonth()", "1"},
      {"timestamp('2009-02-13T23:31:30Z').getDate()", "13"},
      {"timestamp('2009-02-13T23:31:30Z').getDayOfMonth()", "12"},
      {"timestamp('2009-02-13T23:31:30Z').getDayOfWeek()", "5"},
      {"timestamp('2009-02-15T23:31:30Z').getDayOfWeek()", "0"},
      {"timestamp('1900-01-01T00:00:00Z').getDayOfWeek()", "1"},
      {"timestamp('2009-02-13T23:31:30Z').getDayOfYear()", "43"},
      {"timestamp('2008-12-31T23:31:30Z').getDayOfYear()", "365"},
      {"timestamp('2009-02-13T23:31:30Z').getHours()", "23"},
      {"timestamp('2009-02-13T23:31:30Z').getMinutes()", "31"},
      {"timestamp('2009-02-13T23:31:30Z').getSeconds()", "30"},
      {"timestamp('2009-02-13T23:31:30.123456789Z').getMilliseconds()", "123"},
      {"timestamp('1969-12-31T23:59:59.999Z').getMilliseconds()", "999"},
      {"timestamp('1969-12-31T23:59:59.999Z').getSeconds()", "59"},
      {"'a'.getFullYear()", "! 1:1 'a'.getFullYear(): expected a timestamp, got string \"a\""},
      {"duration('1s').getDate()", "! 1:1 duration('1s').getDate(): expected a timestamp, got duration 1s"},
      {"'a'.getHours()", "! 1:1 'a'.getHours(): expected a timestamp or a duration, got string \"a\""},
      {"getHours(now)", "!! expression 1:1 getHours() is called as x.getHours()"},
      {"now.getHours('UTC', 1)", "!! expression 1:5 getHours() takes 1 argument, found 2"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void a_fixed_offset_moves_the_clock_on_the_wall(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"timestamp('2009-02-13T23:31:30Z').getHours('02:00')", "1"},
      {"timestamp('2009-02-13T23:31:30Z').getDayOfMonth('+11:00')", "13"},
      {"timestamp('2009-02-13T23:31:30Z').getMinutes('-09:30')", "1"},
      {"timestamp('2009-01-01T00:00:00Z').getFullYear('-00:01')", "2008"},
      {"timestamp('9999-12-31T23:59:59Z').getFullYear('+00:01')", "10000"},
      {"timestamp('0001-01-01T00:00:00Z').getFullYear('-00:01')", "0"},
      {"timestamp('2009-02-13T23:31:30Z').getHours(' UTC '.size() == 5 ? 'UTC' : '')", "23"},
      {"timestamp(0).getMilliseconds('+01:00')", "0"},
      {"timestamp(0).getHours(1)", "! 1:1 timestamp(0).getHours(1): a time zone is a string, got int 1"},
      {"duration('1h').getHours('UTC')",
       "! 1:1 duration('1h').getHours('UTC'): a duration has no time zone, got duration 3600s"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void a_duration_is_counted_whole_but_for_its_milliseconds(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"duration('3730s').getHours()", "1"},
      {"duration('3730s').getMinutes()", "62"},
      {"duration('3730.9s').getSeconds()", "3730"},
      {"duration('-3730.9s').getMinutes()", "-62"},
      {"duration('123.321456789s').getMilliseconds()", "321"},
      {"duration('-1.5s').getMilliseconds()", "-500"},
  };
  EXPR_CHECK(cases, &nothing);
}

static void reading_a_time_counts_as_work(void **state) {
  (void)state;
  fsm__run run = {.work = FSM_EXPR_WORK_MAX - 2};
  fsm_value text = fsm_string("90s"), out;
  assert_false(fsm__call_duration(&run, &text, &out));
  run.work = FSM_EXPR_WORK_MAX - 3;
  assert_true(fsm__call_duration(&run, &text, &out));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_calendar_counts_each_day_of_12000_years_once),
      cmocka_unit_test(a_day_begins_at_midnight_before_1970_too),
      cmocka_unit_test(rfc_3339_is_read),
      cmocka_unit_test(what_is_no_rfc_3339_time_is_refused),
      cmocka_unit_test(a_time_cut_short_anywhere_is_refused),
      cmocka_unit_test(seconds_since_1970_are_the_years_1_to_9999),
      cmocka_unit_test(durations_are_sums_of_decimal_numbers_with_units),
      cmocka_unit_test(what_is_no_duration_is_refused),
      cmocka_unit_test(a_duration_is_64_bits_of_nanoseconds),
      cmocka_unit_test(times_read_back_from_their_text),
      cmocka_unit_test(a_fault_shows_the_times_it_is_about),
      cmocka_unit_test(times_and_durations_are_added_and_subtracted),
      cmocka_unit_test(nothing_passes_the_ends_of_time),
      cmocka_unit_test(values_from_outside_that_no_calendar_has_are_refused_and_do_not_wrap),
      cmocka_unit_test(times_are_ordered_and_equal_by_instant),
      cmocka_unit_test(the_parts_of_a_timestamp_are_counted_as_cel_does),
      cmocka_unit_test(a_fixed_offset_moves_the_clock_on_the_wall),
      cmocka_unit_test(a_duration_is_counted_whole_but_for_its_milliseconds),
      cmocka_unit_test(reading_a_time_counts_as_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
