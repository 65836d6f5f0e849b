/* test_sink_http_reply.c: names of indices, what answers mean, and when an answer of _bulk is not believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/sink_http_impl.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

static void an_index_is_named_after_the_time_of_the_record_in_utc(void **state) {
  (void)state;
  char name[FSM_INDEX_MAX + 1];
  fsm__index_of("fsm-%Y.%m.%d", INT64_C(1795391999999999999), name);
  assert_string_equal(name, "fsm-2026.11.22");
  fsm__index_of("fsm-%Y.%m.%d", INT64_C(1795392000000000000), name);
  assert_string_equal(name, "fsm-2026.11.23");
  fsm__index_of("%H-%d-%m-%Y", -1, name);
  assert_string_equal(name, "23-31-12-1969");
  fsm__index_of("audit", 20000 * DAY_NS, name);
  assert_string_equal(name, "audit");
}

static void a_status_says_one_of_five_things(void **state) {
  (void)state;
  static const struct {
    int status;
    fsm__web_verdict verdict;
  } rows[] = {
      {200, FSM__WEB_TAKEN},   {202, FSM__WEB_TAKEN},    {299, FSM__WEB_TAKEN},   {408, FSM__WEB_AGAIN},
      {409, FSM__WEB_AGAIN},   {425, FSM__WEB_AGAIN},    {429, FSM__WEB_AGAIN},   {500, FSM__WEB_AGAIN},
      {503, FSM__WEB_AGAIN},   {599, FSM__WEB_AGAIN},    {400, FSM__WEB_CONTENT}, {415, FSM__WEB_CONTENT},
      {422, FSM__WEB_CONTENT}, {413, FSM__WEB_TOO_MUCH}, {100, FSM__WEB_STAND},   {301, FSM__WEB_STAND},
      {304, FSM__WEB_STAND},   {401, FSM__WEB_STAND},    {403, FSM__WEB_STAND},   {404, FSM__WEB_STAND},
      {405, FSM__WEB_STAND},   {418, FSM__WEB_STAND}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(fsm__web_verdict_of(rows[i].status), rows[i].verdict);
}

static fsm_code read_answer(fsm_arena *arena, const char *body, fsm__bulk_item out[2]) {
  static const char *const ids[] = {"a", "b"};
  fsm_error err = {0};
  return fsm__bulk_read(arena, body, strlen(body), ids, 2, out, &err);
}

static void each_item_of_an_answer_has_its_status_and_reason(void **state) {
  (void)state;
  fsm_arena arena;
  fsm__bulk_item items[2];
  fsm_arena_init(&arena, 0);
  assert_int_equal(read_answer(&arena,
                               "{\"errors\":true,\"items\":[{\"create\":{\"_id\":\"a\",\"status\":201}},"
                               "{\"create\":{\"_id\":\"b\",\"status\":400,\"error\":{\"type\":\"t\","
                               "\"reason\":\"r\"}}}]}",
                               items),
                   FSM_OK);
  assert_int_equal(items[0].status, 201);
  assert_null(items[0].reason);
  assert_int_equal(items[1].status, 400);
  assert_string_equal(items[1].reason, "t: r");
  fsm_arena_free(&arena);
}

static void an_answer_that_does_not_match_is_not_believed(void **state) {
  (void)state;
  /* clang-format off */
#define A "{\"create\":{\"_id\":\"a\",\"status\":201}}"
#define B "{\"create\":{\"_id\":\"b\",\"status\":201}}"
  static const char *const answers[] = {
      "",
      "[]",
      "{}",
      "{\"items\":{}}",
      "{\"items\":[" A "]}",
      "{\"items\":[" A "," B "," B "]}",
      "{\"items\":[" B "," A "]}",
      "{\"items\":[" A "," A "]}",
      "{\"items\":[" A ",{\"index\":{\"_id\":\"b\",\"status\":201}}]}",
      "{\"items\":[" A ",{\"create\":{\"_id\":\"b\"}}]}",
      "{\"items\":[" A ",{\"create\":{\"_id\":\"b\",\"status\":\"201\"}}]}",
      "{\"items\":[" A ",{\"create\":{\"_id\":\"b\",\"status\":99}}]}",
      "{\"items\":[" A ",{\"create\":{\"_id\":7,\"status\":201}}]}",
      "{\"items\":[" A ",{\"create\":7}]}",
      "{\"items\":[" A ",7]}",
      "{\"items\":[" A "," B "]",
      "{\"items\":[" A "," B "]}x",
  };
  /* clang-format on */
  fsm_arena arena;
  fsm__bulk_item items[2];
  fsm_arena_init(&arena, 0);
  assert_int_equal(read_answer(&arena, "{\"items\":[" A "," B "]}", items), FSM_OK);
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
    if (read_answer(&arena, answers[i], items) != FSM_EMALFORMED) fail_msg("%s is believed", answers[i]);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_index_is_named_after_the_time_of_the_record_in_utc),
      cmocka_unit_test(a_status_says_one_of_five_things),
      cmocka_unit_test(each_item_of_an_answer_has_its_status_and_reason),
      cmocka_unit_test(an_answer_that_does_not_match_is_not_believed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
