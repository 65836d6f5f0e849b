/* Timers of sessions: the order in which they fire, what cancels them, how the clock moves. */
#include "session_scene.h"

#define IN(ms, ev, ...) SEND_SELF(ev, .delay = INT(ms), __VA_ARGS__)

static void timers_fire_in_the_order_of_their_times_then_as_they_were_set(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *root =
      COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(20, "D"), IN(10, "A"), IN(10, "B"), IN(15, "C")),
                                    ON(STAY("A"), STAY("B"), STAY("C"), STAY("D")))));
  scene_start(&s, root);
  assert_string_equal(scene_start(&s, root), "s2 start: a\n");
  assert_string_equal(scene_advance(&s, 9), "");
  assert_string_equal(scene_advance(&s, 15),
                      "s1 @10 A: a\ns1 @10 B: a\ns2 @10 A: a\ns2 @10 B: a\ns1 @15 C: a\ns2 @15 C: a\n");
  assert_string_equal(scene_advance(&s, 100), "s1 @20 D: a\ns2 @20 D: a\n");
  assert_int_equal(fsm_sessions_now(s.sessions), 100 * MS);
  scene_close(&s);
}

static void a_jump_fires_all_that_became_due_in_order_at_the_new_time(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(20, "B"), IN(10, "A")),
                                                ON(STAY("A", DO(IN(5, "C"))), STAY("B"), STAY("C"))))));
  assert_int_equal(fsm_sessions_jump(s.sessions, 50 * MS, &s.err), FSM_OK);
  assert_string_equal(scene_text(&s), "s1 @50 A: a\ns1 @50 B: a\n");
  assert_string_equal(scene_advance(&s, 60), "s1 @55 C: a\n");
  scene_close(&s);
}

static void the_clock_never_goes_back(void **state) {
  (void)state;
  scene s = {.options.now_ns = 100 * MS};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(10, "A")), ON(STAY("A"))))));
  assert_string_equal(scene_advance(&s, 50), "");
  assert_int_equal(fsm_sessions_now(s.sessions), 100 * MS);
  assert_int_equal(fsm_sessions_jump(s.sessions, 50 * MS, &s.err), FSM_OK);
  assert_int_equal(fsm_sessions_now(s.sessions), 100 * MS);
  assert_string_equal(scene_advance(&s, 110), "s1 @110 A: a\n");
  scene_close(&s);
}

static void one_id_set_twice_is_two_timers_and_a_cancel_takes_both(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *root = COMPOUND(
      "m", CHILDREN(ATOMIC("a", ENTRY(IN(10, "A", .id = "x"), IN(20, "A", .id = "x"), IN(15, "B", .id = "y")),
                           ON(STAY("A"), STAY("B"), STAY("STOP", DO(CANCEL("x")))))));
  scene_start(&s, root);
  assert_string_equal(scene_advance(&s, 10), "s1 @10 A: a\n");
  assert_string_equal(scene_advance(&s, 30), "s1 @15 B: a\ns1 @20 A: a\n");
  scene_close(&s);
  s = (scene){0};
  scene_open(&s);
  scene_start(&s, root);
  scene_send(&s, "STOP");
  assert_string_equal(scene_advance(&s, 30), "s1 @15 B: a\n");
  scene_close(&s);
}

static void an_event_without_delay_can_be_cancelled_until_it_is_looked_at(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(
      &s, COMPOUND("m", CHILDREN(ATOMIC(
                            "a", ON(STAY("GO", DO(SEND_SELF("A", .id = "x"), SEND_SELF("B"), CANCEL("x"))),
                                    STAY("A"), STAY("B"))))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a\ns1 B: a\n");
  scene_close(&s);
}

static void a_timer_set_behind_a_cancelled_one_still_fires_in_order(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(10, "A"), IN(20, "B", .id = "last")),
                                                ON(STAY("GO", DO(CANCEL("last"), IN(30, "D"), IN(15, "C"))),
                                                   STAY("A"), STAY("B"), STAY("C"), STAY("D"))))));
  scene_send(&s, "GO");
  assert_string_equal(scene_advance(&s, 40), "s1 @10 A: a\ns1 @15 C: a\ns1 @30 D: a\n");
  scene_close(&s);
}

static void timers_can_be_looked_at_in_the_order_they_fire(void **state) {
  (void)state;
  scene s = {.options.now_ns = 1 * MS};
  scene_open(&s);
  scene_start(
      &s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(20, "B", .id = "b"),
                                                   SEND("A", "#_parent", .delay = INT(10), .id = "a"))))));
  fsm_session_timer timer;
  assert_true(fsm_session_timer_at(s.first, 0, &timer));
  assert_string_equal(timer.id, "a");
  assert_string_equal(timer.event, "A");
  assert_string_equal(timer.target, "#_parent");
  assert_int_equal(timer.set_ns, 1 * MS);
  assert_int_equal(timer.due_ns, 11 * MS);
  assert_true(fsm_session_timer_at(s.first, 1, &timer));
  assert_string_equal(timer.id, "b");
  assert_null(timer.target);
  assert_false(fsm_session_timer_at(s.first, 2, &timer));
  int64_t due;
  assert_true(fsm_sessions_next_due(s.sessions, &due));
  assert_int_equal(due, 11 * MS);
  scene_advance(&s, 30);
  assert_false(fsm_sessions_next_due(s.sessions, &due));
  scene_close(&s);
}

static void timers_die_with_their_session(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(10, "A")), ON(GO("END", "f"))), FINAL("f"))));
  assert_string_equal(scene_send(&s, "END"), "s1 END: f\n");
  int64_t due;
  assert_false(fsm_sessions_next_due(s.sessions, &due));
  assert_string_equal(scene_advance(&s, 20), "");
  scene_close(&s);
}

static void a_due_time_past_the_end_of_time_is_the_end_of_time(void **state) {
  (void)state;
  scene s = {.options.now_ns = INT64_MAX - 5 * MS};
  scene_open(&s);
  s.quiet = true;
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(IN(10, "A")), ON(STAY("A"))))));
  int64_t due;
  assert_true(fsm_sessions_next_due(s.sessions, &due));
  assert_true(due == INT64_MAX);
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_fire_in_the_order_of_their_times_then_as_they_were_set),
      cmocka_unit_test(a_jump_fires_all_that_became_due_in_order_at_the_new_time),
      cmocka_unit_test(the_clock_never_goes_back),
      cmocka_unit_test(one_id_set_twice_is_two_timers_and_a_cancel_takes_both),
      cmocka_unit_test(an_event_without_delay_can_be_cancelled_until_it_is_looked_at),
      cmocka_unit_test(a_timer_set_behind_a_cancelled_one_still_fires_in_order),
      cmocka_unit_test(timers_can_be_looked_at_in_the_order_they_fire),
      cmocka_unit_test(timers_die_with_their_session),
      cmocka_unit_test(a_due_time_past_the_end_of_time_is_the_end_of_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
