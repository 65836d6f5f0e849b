/* Delays: each way to write one, in milliseconds of the timer that it sets. */
#include "tests/definition_run.h"

/* The delay of the timer that entering "a" sets, when `after` has this key. */
static void sets(const char *key, int64_t ns) {
  fsm_definition *d = load_quoted(fsm_arena_printf(
      &arena,
      "{'id':'m','initial':'a','context':{'ms':20},'delays':{'soon':5,'later':{'@expr':'context.ms * 2'},"
      "'six':{'duration':'PT6S'},'half':2.5},'states':{'a':{'after':{'%s':'b'}},'b':{}}}",
      key));
  run r = start(d, "null");
  const fsm_effect *timer = effect_of(&r, FSM_EFFECT_TIMER_SET);
  assert_non_null(timer);
  if (timer == NULL) abort();
  assert_string_equal(timer->event, fsm_arena_printf(&arena, "xstate.after.%s.a", key));
  assert_true(timer->delay_ns == ns);
  assert_int_equal(send_data(&r, timer->event, "null", FSM_CAUSE_TIMER), FSM_OK);
  is_in(&r, "b");
  fsm_definition_free(d);
}

static void a_key_is_a_number_a_name_or_a_duration(void **state) {
  (void)state;
  const int64_t ms = 1000000, s = 1000 * ms;
  sets("0", 0);
  sets("1000", s);
  sets("2.5", 5 * ms / 2);
  sets("soon", 5 * ms);
  sets("later", 40 * ms);
  sets("six", 6 * s);
  sets("half", 5 * ms / 2);
  sets("200ms", 200 * ms);
  sets("1.5s", 3 * s / 2);
  sets("PT0.25S", 250 * ms);
  sets("PT1H30M", 5400 * s);
  sets("P1W", 604800 * s);
  sets("P1DT1S", 86401 * s);
  sets("P1,5D", 129600 * s);
}

static void what_is_no_duration_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"P",   "PT", "P1H", "PT1D", "PT1H1H",  "PT1M1H", "1.5",
                                    "5.s", "1m", "-1s", "1 s",  "PT1HT1M", "1.5ms",  "P1D ",
                                    "s",   "ms", ".5s", "1e3",  "pt1h",    "P1Y"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fsm_definition *d = NULL;
    fsm_error err = {0};
    const char *text = fsm_arena_printf(&arena, "{\"id\":\"m\",\"delays\":{\"x\":\"%s\"}}", bad[i]);
    assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EDEFINITION);
    assert_string_equal(err.where, "/delays/x");
  }
}

/* A hundred years, and a millisecond more. */
static void the_longest_delay_is_a_hundred_years(void **state) {
  (void)state;
  static const char *const longest[] = {"3155760000000", "\"P36525D\"", "\"3155760000000ms\""};
  static const char *const longer[] = {"3155760000001", "\"P36525DT0.001S\"", "\"3155760000001ms\"",
                                       "\"P999999999999W\""};
  for (size_t i = 0; i < sizeof longest / sizeof *longest; i++)
    fsm_definition_free(load(fsm_arena_printf(&arena, "{\"id\":\"m\",\"delays\":{\"x\":%s}}", longest[i])));
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
    fsm_definition *d = NULL;
    const char *text = fsm_arena_printf(&arena, "{\"id\":\"m\",\"delays\":{\"x\":%s}}", longer[i]);
    assert_int_equal(fsm_definition_load(text, strlen(text), &d, NULL), FSM_EDEFINITION);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_a_number_a_name_or_a_duration),
      cmocka_unit_test(what_is_no_duration_is_refused),
      cmocka_unit_test(the_longest_delay_is_a_hundred_years),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
