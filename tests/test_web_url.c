/* test_web_url.c: what a list of allowed URLs covers, and what tries to look covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/web.h"
#include "runtime/web_url.h"

static const char *const ALLOWED[] = {"https://api.example/v1", "http://127.0.0.1:8080/", "http://[::1]/x/"};

static fsm_code asked(const char *url) {
  fsm_error err;
  return fsm__web_url_allowed(ALLOWED, 3, url, &err);
}

static void what_is_below_an_allowed_one_is_covered(void **state) {
  (void)state;
  static const char *const good[] = {"https://api.example/v1",
                                     "https://api.example/v1/",
                                     "https://api.example/v1/a?b=c&d=%2F",
                                     "https://API.Example:443/v1/a",
                                     "HTTPS://api.example/v1?q",
                                     "http://127.0.0.1:8080",
                                     "http://127.0.0.1:8080/any/how",
                                     "http://127.0.0.1:8080?just=so",
                                     "http://[::1]/x/y",
                                     "http://[::1]:80/x/",
                                     "https://api.example/v1/a..b/.c"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    if (asked(good[i]) != FSM_OK) fail_msg("%s is not covered", good[i]);
}

static void what_is_elsewhere_is_not(void **state) {
  (void)state;
  static const char *const other[] = {"http://api.example/v1",
                                      "https://api.example/v10",
                                      "https://api.example/",
                                      "https://api.example",
                                      "https://api.example:8443/v1",
                                      "https://api.example.evil/v1",
                                      "https://evil.api.example/v1",
                                      "http://127.0.0.1/",
                                      "http://127.0.0.1:80801/",
                                      "http://localhost:8080/",
                                      "http://2130706433:8080/",
                                      "http://[::1]/",
                                      "http://[::1]/xy",
                                      "https://api.example/V1",
                                      "https://api.example./v1"};
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
    if (asked(other[i]) == FSM_OK) fail_msg("%s is covered", other[i]);
}

static void what_can_be_read_in_two_ways_is_no_url(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "file:///etc/passwd",
                                    "ftp://api.example/v1",
                                    "https:/api.example/v1",
                                    "https://user@api.example/v1",
                                    "https://api.example@evil/v1",
                                    "https://api.example:443@evil/v1",
                                    "https://api.example\\@evil/v1",
                                    "https://api.example/v1/../admin",
                                    "https://api.example/v1/..",
                                    "https://api.example/v1/.",
                                    "https://api.example/v1/%2e%2E/admin",
                                    "https://api.example/v1/.%2e/admin",
                                    "https://api.example/v1#x",
                                    "https://api.example/v1/a b",
                                    "https://api.example/v1/\xc3\xa9",
                                    "https://api.example:/v1",
                                    "https://api.example:0/v1",
                                    "https://api.example:99999/v1",
                                    "https://[::1/v1",
                                    "https://[fe80::1%25eth0]/",
                                    "https:///v1",
                                    "https://api.example\r\nHost: evil/v1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (asked(bad[i]) != FSM_EARGUMENT) fail_msg("%s is %d", bad[i], asked(bad[i]));
}

static void a_url_has_a_longest_length(void **state) {
  (void)state;
  char *url = calloc(1, FSM_WEB_URL_MAX + 2);
  memset(url, 'a', FSM_WEB_URL_MAX + 1);
  memcpy(url, ALLOWED[1], strlen(ALLOWED[1]));
  assert_int_equal(asked(url), FSM_EARGUMENT);
  url[FSM_WEB_URL_MAX] = '\0';
  assert_int_equal(asked(url), FSM_OK);
  free(url);
}

static void what_is_allowed_is_a_place_and_no_query(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(fsm__web_url_check("https://api.example/v1", &err), FSM_OK);
  assert_int_equal(fsm__web_url_check("https://api.example/v1?x", &err), FSM_EARGUMENT);
  assert_int_equal(fsm__web_url_check("api.example", &err), FSM_EARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_below_an_allowed_one_is_covered), cmocka_unit_test(what_is_elsewhere_is_not),
      cmocka_unit_test(what_can_be_read_in_two_ways_is_no_url),  cmocka_unit_test(a_url_has_a_longest_length),
      cmocka_unit_test(what_is_allowed_is_a_place_and_no_query),
  };
  return cmocka_run_group_tests_name("web_url", tests, NULL, NULL);
}
