/* test_beats.c: signs of life that are no records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/beats.h"

static int setup(void **state) {
  fsm__beats *beats = NULL;
  if (fsm__beats_new(&beats, NULL) != FSM_OK) return 1;
  *state = beats;
  return 0;
}

static int teardown(void **state) {
  fsm__beats_free(*state);
  return 0;
}

static const uint8_t *token(uint64_t n) {
  static uint8_t bytes[16];
  uint64_t spread = n * 0x9E3779B97F4A7C15u;
  memcpy(bytes, &n, sizeof n);
  memcpy(bytes + 8, &spread, sizeof spread);
  return bytes;
}

static void the_last_one_is_kept_and_taken_once(void **state) {
  fsm__beats *b = *state;
  assert_true(fsm__beats_take(b, token(1)) == 0);
  fsm__beats_note(b, token(1), 50, 10);
  fsm__beats_note(b, token(2), 60, 10);
  fsm__beats_note(b, token(1), 70, 20);
  assert_int_equal(fsm__beats_count(b), 2);
  assert_true(fsm__beats_take(b, token(1)) == 70);
  assert_true(fsm__beats_take(b, token(1)) == 0);
  assert_true(fsm__beats_take(b, token(2)) == 60);
}

static void what_is_over_makes_room_and_what_lives_stays(void **state) {
  fsm__beats *b = *state;
  for (uint64_t n = 0; n < 100000; n++) fsm__beats_note(b, token(n), (int64_t)n + 100, (int64_t)n);
  assert_true(fsm__beats_count(b) >= 100 && fsm__beats_count(b) <= 512);
  for (uint64_t n = 99901; n < 100000; n++) assert_true(fsm__beats_take(b, token(n)) == (int64_t)n + 100);
}

static void a_thousand_that_live_are_all_there(void **state) {
  fsm__beats *b = *state;
  for (uint64_t n = 0; n < 1000; n++) fsm__beats_note(b, token(n), INT64_MAX, 0);
  assert_int_equal(fsm__beats_count(b), 1000);
  for (uint64_t n = 0; n < 1000; n++) assert_true(fsm__beats_take(b, token(n)) == INT64_MAX);
  assert_int_equal(fsm__beats_count(b), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(the_last_one_is_kept_and_taken_once),
      T(what_is_over_makes_room_and_what_lives_stays),
      T(a_thousand_that_live_are_all_there),
  };
  return cmocka_run_group_tests_name("beats", tests, NULL, NULL);
}
