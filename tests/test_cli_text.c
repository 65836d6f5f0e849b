/* test_cli_text.c: document values as text, and queries as paths. */
#include <locale.h>

/* the program's files are in no library */
#include "tools/cli/route.c"
#include "tools/cli/show/screen.c"
#include "tools/cli/show/text.c"
#include "tools/cli/show/width.c"

#include "tests/arena_scene.h"

static fsm_value parse(const char *json) {
  fsm_value value;
  fsm_error err;
  assert_int_equal(fsm_json_parse(&arena, json, strlen(json), FSM_JSON_SORTED, &value, &err), FSM_OK);
  return value;
}

static void values_read_as_people_write_them(void **state) {
  (void)state;
  static const struct {
    const char *json, *text;
  } cases[] = {{"null", ""},
               {"\"draft\"", "draft"},
               {"[\"a\", \"b.c\"]", "a, b.c"},
               {"[]", ""},
               {"12", "12"},
               {"0.1", "0.1"},
               {"true", "true"},
               {"{\"a\": [1]}", "{\"a\":[1]}"},
               {"\"a\\u001b[1mb\"", "a\\x1b[1mb"},
               {"[\"\\n\"]", "\\n"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value value = parse(cases[i].json);
    assert_string_equal(cli_text(&arena, &value), cases[i].text);
  }
  assert_string_equal(cli_text(&arena, NULL), "");
  fsm_value nul = fsm_stringn("a\0b", 3);
  assert_string_equal(cli_text(&arena, &nul), "a\\x00b");
}

static void a_number_may_come_as_a_string(void **state) {
  (void)state;
  int64_t n = 0;
  fsm_value value = parse("\"9223372036854775807\"");
  assert_true(cli_number(&value, &n));
  assert_true(n == INT64_MAX);
  value = parse("725");
  assert_true(cli_number(&value, &n));
  assert_int_equal(n, 725);
  static const char *const bad[] = {
      "\"9223372036854775808\"", "\"\"", "\"1a\"", "\"-1\"", "1.5", "null", "[]"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    value = parse(bad[i]);
    assert_false(cli_number(&value, &n));
  }
  assert_false(cli_number(NULL, &n));
}

static void times_lose_their_fraction_and_nothing_else(void **state) {
  (void)state;
  static const struct {
    const char *json, *text;
  } cases[] = {{"\"2025-11-22T08:17:15Z\"", "2025-11-22T08:17:15Z"},
               {"\"2025-11-22T08:17:15.123456789Z\"", "2025-11-22T08:17:15Z"},
               {"\"2025-11-22T08:17:15.x\"", "2025-11-22T08:17:15.x"},
               {"\"a.b\"", "a.b"},
               {"null", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value value = parse(cases[i].json);
    assert_string_equal(cli_time(&arena, &value), cases[i].text);
  }
}

static void the_distance_of_two_times_is_never_negative(void **state) {
  (void)state;
  int64_t ns = -1;
  fsm_value a = parse("\"2024-02-28T23:59:59.5Z\""), b = parse("\"2024-03-01T00:00:00Z\"");
  assert_true(cli_since(&a, &b, &ns));
  assert_true(ns == (INT64_C(86400) * 1000000000 + 500000000));
  assert_true(cli_since(&b, &a, &ns));
  assert_true(ns == 0);
  fsm_value bad = parse("\"2024-03-01 00:00:00Z\"");
  assert_false(cli_since(&bad, &b, &ns));
  bad = parse("\"9999-12-31T00:00:00Z\"");
  assert_false(cli_since(&a, &bad, &ns));
  bad = parse("\"2024-03-01T00:00:00.Z\"");
  assert_false(cli_since(&a, &bad, &ns));
}

static void an_age_has_milliseconds_only_below_a_second(void **state) {
  (void)state;
  assert_string_equal(cli_age(&arena, 999999999), "999ms");
  assert_string_equal(cli_age(&arena, INT64_C(1999999999)), "1s");
  assert_string_equal(cli_age(&arena, INT64_C(725500000000)), "12m5s");
  assert_string_equal(cli_age(&arena, 0), "0s");
  assert_string_equal(cli_age(&arena, -1), "0s");
}

static void a_size_has_the_unit_that_fits(void **state) {
  (void)state;
  assert_string_equal(cli_bytes(&arena, -1), "0 B");
  assert_string_equal(cli_bytes(&arena, 1023), "1023 B");
  assert_string_equal(cli_bytes(&arena, 1024), "1.0 KiB");
  assert_string_equal(cli_bytes(&arena, INT64_C(17179869184)), "16.0 GiB");
  assert_string_equal(cli_bytes(&arena, INT64_MAX), "8.0 EiB");
}

static void a_member_has_its_unit_from_its_name(void **state) {
  (void)state;
  fsm_value number = fsm_int(2048), yes = fsm_bool(true), time = fsm_string("2026-11-22T09:00:00.5Z");
  assert_string_equal(cli_member(&arena, "map_bytes", &number), "2.0 KiB");
  assert_string_equal(cli_member(&arena, "bytes", &number), "2.0 KiB");
  assert_string_equal(cli_member(&arena, "oldest_ms", &number), "2s");
  assert_string_equal(cli_member(&arena, "seq", &number), "2048");
  assert_string_equal(cli_member(&arena, "verified", &yes), "yes");
  assert_string_equal(cli_member(&arena, "made", &time), "2026-11-22T09:00:00Z");
  assert_string_equal(cli_member(&arena, "absent", NULL), "");
  assert_string_equal(cli_member_name(&arena, "map_bytes"), "map");
  assert_string_equal(cli_member_name(&arena, "_bytes"), "_bytes");
  assert_string_equal(cli_member_name(&arena, "seq"), "seq");
}

static void check_route(const fsm_query *query, const char *path) {
  fsm_buf buf = {0};
  cli_route(&buf, query);
  assert_string_equal(fsm_buf_text(&buf), path);
  fsm_buf_free(&buf);
}

static void every_query_has_its_path(void **state) {
  (void)state;
  check_route(&(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "m/key:A B"}, "/v1/instances/m%2Fkey%3AA%20B");
  check_route(&(fsm_query){.kind = FSM_QUERY_EVENTS, .ref = "x"}, "/v1/instances/x/events");
  check_route(&(fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "x", .limit = 5, .after = "a&b"},
              "/v1/instances/x/history?limit=5&after=a%26b");
  check_route(&(fsm_query){.kind = FSM_QUERY_LIST}, "/v1/instances");
  check_route(&(fsm_query){.kind = FSM_QUERY_LIST,
                           .machine = "m",
                           .state = "a.b",
                           .status = "open",
                           .key = "ключ",
                           .for_ns = 1,
                           .limit = 2},
              "/v1/instances?machine=m&state=a.b&status=open&key=%D0%BA%D0%BB%D1%8E%D1%87&for=1ms&limit=2");
  check_route(&(fsm_query){.kind = FSM_QUERY_STUCK, .for_ns = INT64_C(600000000000)},
              "/v1/stuck?for=600000ms");
  check_route(&(fsm_query){.kind = FSM_QUERY_COUNTS, .machine = "m"}, "/v1/counts?machine=m");
  check_route(&(fsm_query){.kind = FSM_QUERY_MACHINES}, "/v1/machines");
  check_route(&(fsm_query){.kind = FSM_QUERY_MACHINE, .machine = "m", .version = 3},
              "/v1/machines/m?version=3");
  check_route(&(fsm_query){.kind = FSM_QUERY_HEALTH}, "/healthz");
}

int main(void) {
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_read_as_people_write_them, setup, teardown),
      cmocka_unit_test_setup_teardown(a_number_may_come_as_a_string, setup, teardown),
      cmocka_unit_test_setup_teardown(times_lose_their_fraction_and_nothing_else, setup, teardown),
      cmocka_unit_test_setup_teardown(the_distance_of_two_times_is_never_negative, setup, teardown),
      cmocka_unit_test_setup_teardown(a_size_has_the_unit_that_fits, setup, teardown),
      cmocka_unit_test_setup_teardown(a_member_has_its_unit_from_its_name, setup, teardown),
      cmocka_unit_test_setup_teardown(an_age_has_milliseconds_only_below_a_second, setup, teardown),
      cmocka_unit_test(every_query_has_its_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
