/* test_offers.c: when a task is offered again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/offers.h"

static const int64_t second = 1000000000;

static int setup(void **state) {
  fsm__offers *offers = NULL;
  if (fsm__offers_new(2, &offers, NULL) != FSM_OK) return 1;
  *state = offers;
  return 0;
}

static int teardown(void **state) {
  fsm__offers_free(*state);
  return 0;
}

static void without_a_word_it_is_due_again_after_half_a_minute(void **state) {
  fsm__offers *o = *state;
  uint64_t number = 0;
  const char *id = NULL;
  assert_int_equal(fsm__offers_next(o), INT64_MAX);
  assert_true(fsm__offers_note(o, 7, "job", second));
  assert_int_equal(fsm__offers_next(o), 31 * second);
  assert_false(fsm__offers_take(o, 31 * second - 1, &number, &id));
  assert_true(fsm__offers_take(o, 31 * second, &number, &id));
  assert_int_equal(number, 7);
  assert_string_equal(id, "job");
  assert_false(fsm__offers_take(o, 31 * second, &number, &id));
  assert_int_equal(fsm__offers_next(o), 61 * second);
}

static void what_nobody_took_comes_back_sooner_and_then_slower(void **state) {
  fsm__offers *o = *state;
  uint64_t number = 0;
  const char *id = NULL;
  int64_t now = second, waits[] = {500, 1000, 2000, 4000, 8000, 8000};
  assert_true(fsm__offers_note(o, 7, "job", now));
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
    fsm__offers_undelivered(o, 7, now);
    assert_false(fsm__offers_take(o, now + waits[i] * 1000000 - 1, &number, &id));
    now += waits[i] * 1000000;
    assert_true(fsm__offers_take(o, now, &number, &id));
  }
  assert_int_equal(fsm__offers_count(o), 1);
}

static void a_line_is_called_in_order_and_not_by_time(void **state) {
  fsm__offers *o = *state;
  uint64_t number = 0;
  const char *id = NULL;
  for (uint64_t n = 1; n <= 4; n++) {
    assert_true(fsm__offers_note(o, n, "job", 0));
    fsm__offers_hold(o, n, "job", n == 4 ? 1 : 0);
    fsm__offers_hold(o, n, "job", n == 4 ? 1 : 0); /* once is enough */
  }
  assert_false(fsm__offers_take(o, 100 * second, &number, &id));
  fsm__offers_forget(o, 2, "job");
  assert_true(fsm__offers_call(o, 0, 100 * second, &number, &id) && number == 1);
  assert_true(fsm__offers_call(o, 0, 100 * second, &number, &id) && number == 3);
  assert_false(fsm__offers_waits(o, 0));
  assert_false(fsm__offers_call(o, 0, 100 * second, &number, &id));
  assert_true(fsm__offers_waits(o, 1));                         /* is freed with it */
  assert_true(fsm__offers_take(o, 130 * second, &number, &id)); /* what was called and is not begun */
  fsm__offers_hold(o, number, id, 0);
  assert_true(fsm__offers_waits(o, 0));
}

static void what_has_begun_is_not_offered_again(void **state) {
  fsm__offers *o = *state;
  uint64_t number = 0;
  const char *id = NULL;
  assert_true(fsm__offers_note(o, 7, "a", 0));
  assert_true(fsm__offers_note(o, 7, "b", 0));
  fsm__offers_forget(o, 7, "a");
  fsm__offers_forget(o, 7, "never there");
  assert_true(fsm__offers_take(o, 100 * second, &number, &id));
  assert_string_equal(id, "b");
  assert_false(fsm__offers_take(o, 100 * second, &number, &id));
  assert_int_equal(fsm__offers_count(o), 1);
}

static void many_come_back_each_once_and_in_order(void **state) {
  enum { MANY = 5000 };
  fsm__offers *o = *state;
  static unsigned char seen[MANY];
  uint64_t number = 0;
  const char *id = NULL;
  int64_t last = 0;
  memset(seen, 0, sizeof seen);
  for (uint64_t i = 0; i < MANY; i++) assert_true(fsm__offers_note(o, i, "job", (int64_t)(i * 7919 % MANY)));
  for (uint64_t i = 0; i < MANY; i += 3) fsm__offers_forget(o, i, "job");
  for (int64_t now = FSM_OFFER_AGAIN_NS; now < FSM_OFFER_AGAIN_NS + MANY; now++) {
    while (fsm__offers_take(o, now, &number, &id)) {
      assert_true(now >= last);
      last = now;
      assert_int_equal((int64_t)(number * 7919 % MANY), now - FSM_OFFER_AGAIN_NS);
      seen[number]++;
    }
  }
  for (uint64_t i = 0; i < MANY; i++) assert_int_equal(seen[i], i % 3 != 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(without_a_word_it_is_due_again_after_half_a_minute),
      T(what_nobody_took_comes_back_sooner_and_then_slower),
      T(a_line_is_called_in_order_and_not_by_time),
      T(what_has_begun_is_not_offered_again),
      T(many_come_back_each_once_and_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
