/* The macrostep: eventless transitions, raised events, the bound of microsteps. */
#include "counting.h"

static void eventless_transitions_come_before_raised_events(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", DO(RAISE("R"))))),
                                        ATOMIC("b", ON(STAY("R", DO(LOG("too early"))), ALWAYS("c"))),
                                        ATOMIC("c", ON(STAY("R", DO(LOG("R in c"))))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: a -> b; exit a; enter b\n"
                      "always: b -> c; exit b; enter c\n"
                      "raised R: c -> c; log \"R in c\"\n");
  chart_close(&c);
}

static void raised_events_are_taken_in_the_order_they_were_raised(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("A"), RAISE("B"))), STAY("A", DO(RAISE("C"))), STAY("B"),
                                STAY("C"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root)\n"
                      "raised A: (root) -> (root)\n"
                      "raised B: (root) -> (root)\n"
                      "raised C: (root) -> (root)\n");
  chart_close(&c);
}

static void an_event_raised_when_the_queue_has_run_empty_is_taken(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("A"))), STAY("A", DO(RAISE("B"))), STAY("B"))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "GO"),
      "external GO: (root) -> (root)\nraised A: (root) -> (root)\nraised B: (root) -> (root)\n");
  chart_close(&c);
}

static void an_eventless_transition_of_an_ancestor_follows_a_raised_event(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND(
          "m",
          CHILDREN(ATOMIC("a", ON(STAY("GO", DO(RAISE("R"))), STAY("R", DO(ASSIGN("n", "1"))))), ATOMIC("b")),
          ON(ALWAYS("b", .guard = "context.n == 1 && !In('b')"))),
      &zero);
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "GO"),
      "external GO: a -> a\nraised R: a -> a; context {n: 1}\nalways: a -> b; exit a; enter b\n");
  chart_close(&c);
}

static void a_raised_event_that_nothing_takes_is_dropped(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("NOBODY"), RAISE("B"))), STAY("B"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "external GO: (root) -> (root)\nraised B: (root) -> (root)\n");
  chart_close(&c);
}

static void the_start_runs_to_a_stable_configuration(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(RAISE("R")), ON(ALWAYS("b"))),
                                        ATOMIC("b", ON(GO("R", "c"))), ATOMIC("c"))));
  assert_string_equal(chart_start(&c),
                      "external: -> a; enter (root) a\n"
                      "always: a -> b; exit a; enter b\n"
                      "raised R: b -> c; exit b; enter c\n");
  chart_close(&c);
}

static void each_microstep_shows_the_context_after_it(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c,
                  ATOMIC("m", ON(STAY("GO", DO(ASSIGN("n", "1"), RAISE("A"))),
                                 STAY("A", DO(ASSIGN("n", "context.n + 1"))),
                                 STAY("SAME", DO(ASSIGN("n", "context.n"))))),
                  LITERAL({.type = FSM_MAP}));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root); context {n: 1}\n"
                      "raised A: (root) -> (root); context {n: 2}\n");
  assert_string_equal(chart_send(&c, "SAME"), "external SAME: (root) -> (root)\n");
  chart_close(&c);
}

static void a_thousand_microsteps_are_within_the_bound(void **state) {
  (void)state;
  chart c;
  open_counting(&c, "context.n > 0 && context.n < 1000");
  chart_start(&c);
  chart_send(&c, "GO");
  assert_int_equal(c.last.outcome, FSM_OK);
  assert_int_equal(c.last.microstep_count, FSM_MICROSTEPS_MAX);
  assert_int_equal(fsm_map_get(&c.now.context, "n")->i, 1000);
  chart_close(&c);
}

static void one_microstep_more_rolls_everything_back(void **state) {
  (void)state;
  chart c;
  open_counting(&c, "context.n > 0 && context.n < 1001");
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "loop_limit\n");
  assert_int_equal(c.last.microstep_count, 0);
  assert_int_equal(fsm_map_get(&c.now.context, "n")->i, 0);
  assert_true(fsm_config_legal(c.machine, c.now.config));
  chart_close(&c);
}

static void a_start_that_loops_is_rolled_back_to_nothing(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(ALWAYS("b"))), ATOMIC("b", ON(ALWAYS("a"))))));
  assert_string_equal(chart_start(&c), "loop_limit\n");
  assert_null(c.last.next.config);
  chart_close(&c);
}

static void the_step_is_the_same_every_time_and_leaves_its_snapshot_alone(void **state) {
  (void)state;
  chart c;
  open_counting(&c, "context.n > 0 && context.n < 5");
  chart_start(&c);
  fsm_snapshot before = c.now;
  uint64_t config = before.config[0];
  char *first = strdup(chart_send(&c, "GO"));
  for (int i = 0; i < 3; i++) {
    c.now = before;
    assert_string_equal(chart_send(&c, "GO"), first);
  }
  assert_int_equal(before.config[0], config);
  assert_int_equal(fsm_map_get(&before.context, "n")->i, 0);
  free(first);
  chart_close(&c);
}

static void every_cause_has_its_name(void **state) {
  (void)state;
  assert_string_equal(fsm_cause_name(FSM_CAUSE_EXTERNAL), "external");
  assert_string_equal(fsm_cause_name(FSM_CAUSE_MIGRATE), "migrate");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eventless_transitions_come_before_raised_events),
      cmocka_unit_test(raised_events_are_taken_in_the_order_they_were_raised),
      cmocka_unit_test(an_event_raised_when_the_queue_has_run_empty_is_taken),
      cmocka_unit_test(an_eventless_transition_of_an_ancestor_follows_a_raised_event),
      cmocka_unit_test(a_raised_event_that_nothing_takes_is_dropped),
      cmocka_unit_test(the_start_runs_to_a_stable_configuration),
      cmocka_unit_test(each_microstep_shows_the_context_after_it),
      cmocka_unit_test(a_thousand_microsteps_are_within_the_bound),
      cmocka_unit_test(one_microstep_more_rolls_everything_back),
      cmocka_unit_test(a_start_that_loops_is_rolled_back_to_nothing),
      cmocka_unit_test(the_step_is_the_same_every_time_and_leaves_its_snapshot_alone),
      cmocka_unit_test(every_cause_has_its_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
