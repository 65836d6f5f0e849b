/* test_cors.c: only origins that are configured, whole, and only as browsers spell them. */
#include "runtime/daemon/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void origins_are_spelt_as_browsers_do(void **state) {
  (void)state;
  static const char *const yes[] = {"https://a.example", "http://localhost:3000", "https://[::1]:8443",
                                    "http://1.2.3.4", "https://a-b.example:65535"};
  static const char *const no[] = {"",
                                   "*",
                                   "null",
                                   "https://",
                                   "https://*.example",
                                   "https://a.example/",
                                   "https://A.example",
                                   "ftp://a.example",
                                   "https://a.example:443",
                                   "http://a.example:80",
                                   "https://a.example:",
                                   "https://a.example:0",
                                   "https://a.example:65536",
                                   "https://u@a.example",
                                   "https://a.example b",
                                   "https://[::1",
                                   "https://a.example:8443x"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!fsm__cors_is_origin(yes[i])) fail_msg("refused: %s", yes[i]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (fsm__cors_is_origin(no[i])) fail_msg("taken: %s", no[i]);
}

static void the_longest_origin_is_taken_and_one_past_it_refused(void **state) {
  (void)state;
  char text[FSM__ORIGIN_MAX + 2] = "https://";
  memset(text + 8, 'a', sizeof text - 9);
  text[FSM__ORIGIN_MAX + 1] = 0;
  assert_false(fsm__cors_is_origin(text));
  text[FSM__ORIGIN_MAX] = 0;
  assert_true(fsm__cors_is_origin(text));
}

static void only_what_is_configured_is_allowed(void **state) {
  (void)state;
  static const char *const origins[] = {"https://a.example", "https://b.example:8443"};
  const fsm__cors cors = {origins, 2}, off = {NULL, 0};
  static const char *const no[] = {
      "https://a.example.evil", "https://a.exampl", "http://a.example", "https://b.example", "null", "*", ""};
  fsm__request request = {.method = "GET"};
  assert_null(fsm__cors_allowed(&cors, &request));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
    request.headers[FSM__ORIGIN] = no[i];
    assert_null(fsm__cors_allowed(&cors, &request));
  }
  request.headers[FSM__ORIGIN] = "https://b.example:8443";
  assert_string_equal(fsm__cors_allowed(&cors, &request), "https://b.example:8443");
  assert_null(fsm__cors_allowed(&off, &request));
}

static void a_preflight_is_options_with_a_method_from_an_allowed_origin(void **state) {
  (void)state;
  static const char *const origins[] = {"https://a.example"};
  const fsm__cors cors = {origins, 1};
  fsm__request request = {.method = "OPTIONS"};
  request.headers[FSM__ORIGIN] = "https://a.example";
  assert_false(fsm__cors_preflight(&cors, &request));
  request.headers[FSM__REQUEST_METHOD] = "POST";
  assert_true(fsm__cors_preflight(&cors, &request));
  assert_int_equal(request.status, 204);
  request.method = "POST";
  assert_false(fsm__cors_preflight(&cors, &request));
  request.method = "OPTIONS";
  request.headers[FSM__ORIGIN] = "https://b.example";
  assert_false(fsm__cors_preflight(&cors, &request));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(origins_are_spelt_as_browsers_do),
      cmocka_unit_test(the_longest_origin_is_taken_and_one_past_it_refused),
      cmocka_unit_test(only_what_is_configured_is_allowed),
      cmocka_unit_test(a_preflight_is_options_with_a_method_from_an_allowed_origin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
