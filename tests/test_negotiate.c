/* test_negotiate.c: who is given gzip, and who has the answer already. */
#include "runtime/daemon/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void gzip_is_for_who_asks_with_a_weight_above_zero(void **state) {
  (void)state;
  static const char *const yes[] = {
      "gzip",   "GZIP",    "x-gzip",          "deflate, gzip", "gzip;q=0.001", "gzip ; q=1.000 , br",
      "*",      "*;q=0.5", "br;q=1, *;q=0.1", "gzip, *;q=0",   "\tgzip",       "gzip;Q=1",
      "a,,gzip"};
  static const char *const no[] = {
      "",          "br",        "gzip;q=0",     "gzip;q=0.000", "*;q=0",   "gzip;q=0, *",  "identity",
      "gzipx",     "gzi",       "gzip;q=2",     "gzip;q=1.1",   "gzip;q=", "gzip;level=9", "gzip;q=0.0001",
      "gzip gzip", "gzip;q=-1", "br;q=x, gzip", ";q=1"};
  assert_false(fsm__accepts_gzip(NULL));
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!fsm__accepts_gzip(yes[i])) fail_msg("refused: %s", yes[i]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (fsm__accepts_gzip(no[i])) fail_msg("accepted: %s", no[i]);
}

static void an_etag_is_found_weak_or_not_and_whole(void **state) {
  (void)state;
  static const char *const yes[] = {"\"7\"",        "W/\"7\"",       "*",        " * ",
                                    "\"1\", \"7\"", "\"1\",W/\"7\"", "\"7\" , x"};
  static const char *const no[] = {"",        "7",  "\"77\"", "\"7",     "\"1\" \"7\"",
                                   "w/\"7\"", "**", "\"\"",   "x, \"7\""};
  assert_false(fsm__etag_is_among(NULL, "\"7\""));
  assert_false(fsm__etag_is_among("*", "")); /* what has no revision cannot be had */
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    if (!fsm__etag_is_among(yes[i], "\"7\"")) fail_msg("not found in: %s", yes[i]);
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    if (fsm__etag_is_among(no[i], "\"7\"")) fail_msg("found in: %s", no[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gzip_is_for_who_asks_with_a_weight_above_zero),
      cmocka_unit_test(an_etag_is_found_weak_or_not_and_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
