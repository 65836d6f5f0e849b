/* test_headers.c: ids, traces, revisions, hosts and media types in headers. */
#include "runtime/daemon/headers.h"
#include "runtime/daemon/trace_context.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void a_trace_is_read_strictly(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "00",
      "00-" TRACE "-" SPAN,
      "00-" TRACE "-" SPAN "-0",
      "00-" TRACE "-" SPAN "-011",
      "00-" TRACE "-" SPAN "-01-more",
      "00-" TRACE "-" SPAN "-0g",
      "ff-" TRACE "-" SPAN "-01",
      "0x-" TRACE "-" SPAN "-01",
      "00-00000000000000000000000000000000-" SPAN "-01",
      "00-" TRACE "-0000000000000000-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
      "00_" TRACE "-" SPAN "-01",
      "00-" TRACE "_" SPAN "-01",
      " 0-" TRACE "-" SPAN "-01",
      "01-" TRACE "-" SPAN "-01more",
  };
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value out;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(fsm__trace_parse(&arena, bad[i], &out));
  assert_true(fsm__trace_parse(&arena, "cc-" TRACE "-" SPAN "-01-what-the-future-adds", &out));
  assert_true(fsm__trace_parse(&arena, "00-" TRACE "-" SPAN "-01", &out));
  assert_int_equal(out.len, 3);
  assert_int_equal(out.items[0].len, 16);
  assert_memory_equal(out.items[0].s, "\x4b\xf9\x2f\x35", 4);
  assert_int_equal(out.items[1].len, 8);
  assert_memory_equal(out.items[1].s + 6, "\x02\xb7", 2);
  assert_int_equal(out.items[2].i, 1);
  fsm_arena_free(&arena);
}

static void a_revision_is_one_strong_tag_of_ours(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",       "7",      "\"",     "\"\"", "\"7",     "7\"",          "\"07\"",
      "\"-1\"", "\"+1\"", "\" 7\"", "*",    "W/\"7\"", "\"7\", \"8\"", "\"9223372036854775808\"",
      "\"0x7\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(fsm__etag_parse(bad[i]), -1);
  assert_int_equal(fsm__etag_parse("\"0\""), 0);
  assert_int_equal(fsm__etag_parse("\"7\""), 7);
  assert_int_equal(fsm__etag_parse("\"9223372036854775807\""), INT64_MAX);
}

static void only_loopback_names_are_this_machine(void **state) {
  (void)state;
  static const struct {
    const char *host;
    bool ours;
  } cases[] = {{NULL, true},
               {"localhost", true},
               {"LocalHost:80", true},
               {"127.0.0.1", true},
               {"127.9.9.9:8480", true},
               {"[::1]", true},
               {"[::1]:8480", true},
               {"", false},
               {"evil.example", false},
               {"evil.example:8480", false},
               {"127.0.0.1.evil.example", false},
               {"localhost.evil", false},
               {"128.0.0.1", false},
               {"[::2]", false},
               {"[::1", false},
               {"::1", false},
               {"10.0.0.1:80", false},
               {"a-name-that-is-far-too-long-to-be-one-of-ours-a-name-that-is-far-too-long", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm__request request = {.headers = {[FSM__HOST] = cases[i].host}};
    assert_int_equal(fsm__headers_host_is_loopback(&request), cases[i].ours);
  }
}

static void json_and_scxml_are_known_by_their_media_types(void **state) {
  (void)state;
  static const struct {
    const char *type;
    bool json, xml;
  } cases[] = {{NULL, false, false},
               {"", false, false},
               {"application/scxml+xml", false, true},
               {"Application/XML; charset=utf-8", false, true},
               {"text/xml", false, true},
               {"text/xmlx", false, false},
               {"application/json", true, false},
               {"Application/JSON", true, false},
               {"application/json;charset=utf-8", true, false},
               {"application/json ; x", true, false},
               {"application/json5", false, false},
               {"text/plain; application/json", false, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm__request request = {.headers = {[FSM__CONTENT_TYPE] = cases[i].type}};
    assert_int_equal(fsm__headers_are_json(&request), cases[i].json);
    assert_int_equal(fsm__headers_are_xml(&request), cases[i].xml);
  }
}

static void a_correlation_is_taken_when_legal_else_made(void **state) {
  (void)state;
  char longest[FSM_CORRELATION_MAX + 2];
  memset(longest, 'x', sizeof longest);
  longest[FSM_CORRELATION_MAX] = 0;
  fsm__request request = {.headers = {[FSM__CORRELATION_ID] = longest}};
  fsm_error err = {0};
  assert_int_equal(fsm__headers_correlation(&request), FSM_OK);
  assert_string_equal(request.correlation, longest);
  assert_int_equal(fsm__headers_check_ids(&request, &err), FSM_OK);
  static const char *const bad[] = {"", "a\nb", "\x7f", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    request = (fsm__request){.headers = {[FSM__CORRELATION_ID] = bad[i]}};
    assert_int_equal(fsm__headers_correlation(&request), FSM_OK);
    assert_int_equal(strlen(request.correlation), 36);
    assert_int_equal(fsm__headers_check_ids(&request, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "X-Correlation-ID");
  }
  longest[FSM_CORRELATION_MAX] = 'x';
  longest[FSM_CORRELATION_MAX + 1] = 0;
  request = (fsm__request){.headers = {[FSM__CORRELATION_ID] = longest}};
  assert_int_equal(fsm__headers_correlation(&request), FSM_OK);
  assert_int_equal(strlen(request.correlation), 36);
}

static void a_condition_that_is_not_taken_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  fsm_command command = {.expect_rev = -1};
  fsm__request request = {.headers = {[FSM__IF_MATCH] = "\"7\""}};
  assert_int_equal(fsm__headers_to_command(&request, true, false, &command, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "If-Match");
  assert_int_equal(fsm__headers_to_command(&request, true, true, &command, &err), FSM_OK);
  assert_int_equal(command.expect_rev, 7);
  request = (fsm__request){.headers = {[FSM__IDEMPOTENCY_KEY] = "k"}};
  assert_int_equal(fsm__headers_to_command(&request, false, true, &command, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "Idempotency-Key");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trace_is_read_strictly),
      cmocka_unit_test(a_revision_is_one_strong_tag_of_ours),
      cmocka_unit_test(only_loopback_names_are_this_machine),
      cmocka_unit_test(json_and_scxml_are_known_by_their_media_types),
      cmocka_unit_test(a_correlation_is_taken_when_legal_else_made),
      cmocka_unit_test(a_condition_that_is_not_taken_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
