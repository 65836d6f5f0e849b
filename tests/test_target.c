/* test_target.c: request targets, decoded after they are split. */
#include "runtime/daemon/target.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static fsm_arena arena;
static fsm__target target;
static fsm_error err;

static int make_arena(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}
static int drop_arena(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static fsm_code parse(const char *text) { return fsm__target_parse(&arena, text, &target, &err); }

static void a_path_is_its_segments(void **state) {
  (void)state;
  assert_int_equal(parse("/v1/instances/a"), FSM_OK);
  assert_int_equal(target.segment_count, 3);
  assert_string_equal(target.segments[0], "v1");
  assert_string_equal(target.segments[2], "a");
  assert_int_equal(parse("/"), FSM_OK);
  assert_int_equal(target.segment_count, 1);
  assert_string_equal(target.segments[0], "");
  assert_int_equal(parse("/a//b/"), FSM_OK);
  assert_int_equal(target.segment_count, 4);
}

static void an_escaped_separator_separates_nothing(void **state) {
  (void)state;
  assert_int_equal(parse("/i/doc%2Fkey%3aA%20+%26/x?k=a%26b%3Dc&l=x%2By+z"), FSM_OK);
  assert_int_equal(target.segment_count, 3);
  assert_string_equal(target.segments[1], "doc/key:A +&");
  assert_int_equal(target.param_count, 2);
  assert_string_equal(fsm__target_param(&target, "k"), "a&b=c");
  assert_string_equal(fsm__target_param(&target, "l"), "x+y z");
  assert_null(fsm__target_param(&target, "m"));
}

static void empty_parameters_are_there(void **state) {
  (void)state;
  assert_int_equal(parse("/p?a&b=&&c==d?/"), FSM_OK);
  assert_int_equal(target.param_count, 3);
  assert_string_equal(fsm__target_param(&target, "a"), "");
  assert_string_equal(fsm__target_param(&target, "b"), "");
  assert_string_equal(fsm__target_param(&target, "c"), "=d?/");
}

static void what_cannot_be_decoded_is_malformed(void **state) {
  (void)state;
  static const char *const bad[] = {"/%",    "/a%4", "/%g0",    "/%0g",     "/%00",     "/%ff",
                                    "/\xc3", "/p?%", "/p?a=%1", "/p?a=%00", "/p?%c3=1", "/%c0%af"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(parse(bad[i]), FSM_EMALFORMED);
    assert_string_equal(err.where, strchr(bad[i], '?') ? "query" : "path");
  }
  assert_int_equal(parse("/p?a=1&b=2&%61=3"), FSM_EMALFORMED);
  assert_string_equal(err.where, "?a");
}

static void segments_and_parameters_have_limits(void **state) {
  (void)state;
  assert_int_equal(parse("/1/2/3/4/5/6/7/8"), FSM_OK);
  assert_int_equal(target.segment_count, FSM__SEGMENTS_MAX);
  assert_int_equal(parse("/1/2/3/4/5/6/7/8/9/10"), FSM_OK);
  assert_int_equal(target.segment_count, FSM__SEGMENTS_MAX + 1);
  char text[256] = "/p?";
  size_t len = 3;
  for (int i = 0; i < FSM__PARAMS_MAX; i++) len += (size_t)snprintf(text + len, sizeof text - len, "a%d&", i);
  assert_int_equal(parse(text), FSM_OK);
  assert_int_equal(target.param_count, FSM__PARAMS_MAX);
  snprintf(text + len, sizeof text - len, "one_more");
  assert_int_equal(parse(text), FSM_EMALFORMED);
}

static void a_number_is_digits_from_its_least_to_its_most(void **state) {
  (void)state;
  static const char *const wrong[] = {"/p?n=0",  "/p?n=101", "/p?n=",     "/p?n=-1",
                                      "/p?n=+1", "/p?n=1x",  "/p?n=%201", "/p?n=99999999999999999999"};
  unsigned n = 7;
  assert_int_equal(parse("/p?m=1"), FSM_OK);
  assert_int_equal(fsm__target_number(&target, "n", 1, 100, &n, &err), FSM_OK);
  assert_int_equal(n, 7);
  assert_int_equal(parse("/p?n=1&m=100"), FSM_OK);
  assert_int_equal(fsm__target_number(&target, "n", 1, 100, &n, &err), FSM_OK);
  assert_int_equal(n, 1);
  assert_int_equal(fsm__target_number(&target, "m", 1, 100, &n, &err), FSM_OK);
  assert_int_equal(n, 100);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(parse(wrong[i]), FSM_OK);
    assert_int_equal(fsm__target_number(&target, "n", 1, 100, &n, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "?n");
    assert_int_equal(n, 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_path_is_its_segments),
      cmocka_unit_test(an_escaped_separator_separates_nothing),
      cmocka_unit_test(empty_parameters_are_there),
      cmocka_unit_test(what_cannot_be_decoded_is_malformed),
      cmocka_unit_test(segments_and_parameters_have_limits),
      cmocka_unit_test(a_number_is_digits_from_its_least_to_its_most),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
