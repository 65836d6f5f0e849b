/* The step: the order of exits, actions and entries; completion. */
#include "chart.h"

/* ---- leaving and entering ---------------------------------------------------------------------- */

#define LOUD(n) ENTRY(LOG("+" n)), EXIT(LOG("-" n))

static void the_start_enters_from_the_root_to_the_initial_leaf(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", LOUD("m"), INITIAL("b"),
                          CHILDREN(ATOMIC("a"),
                                   COMPOUND("b", LOUD("b"), CHILDREN(ATOMIC("x", LOUD("x")), ATOMIC("y"))))));
  assert_string_equal(chart_start(&c),
                      "external: -> b.x; enter (root) b b.x; log \"+m\"; log \"+b\"; log \"+x\"\n");
  assert_false(c.now.done);
  chart_close(&c);
}

static void a_root_without_children_is_a_legal_machine(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("HI", DO(LOG("hi"))))));
  assert_string_equal(chart_start(&c), "external: -> (root); enter (root)\n");
  assert_string_equal(chart_send(&c, "HI"), "external HI: (root) -> (root); log \"hi\"\n");
  chart_close(&c);
}

static void an_initial_state_may_be_a_deep_descendant(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", INITIAL("b.y"),
                          CHILDREN(ATOMIC("a"), COMPOUND("b", CHILDREN(ATOMIC("x"), ATOMIC("y"))))));
  assert_string_equal(chart_start(&c), "external: -> b.y; enter (root) b b.y\n");
  chart_close(&c);
}

static void exits_go_inside_out_then_actions_then_entries_outside_in(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m",
                   CHILDREN(COMPOUND("a", LOUD("a"),
                                     CHILDREN(ATOMIC("x", LOUD("x"), ON(GO("GO", "b.z.q", DO(LOG("act"))))))),
                            COMPOUND("b", LOUD("b"),
                                     CHILDREN(ATOMIC("y", LOUD("y")),
                                              COMPOUND("z", LOUD("z"),
                                                       CHILDREN(ATOMIC("p"), ATOMIC("q", LOUD("q")))))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: a.x -> b.z.q; exit a.x a; enter b b.z b.z.q; log \"-x\"; log \"-a\"; "
                      "log \"act\"; log \"+b\"; log \"+z\"; log \"+q\"\n");
  chart_close(&c);
}

/* What E does in a.x, as a transition of a. */
static void step_of_nested(fsm_def_transition t, const char *expected) {
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(COMPOUND("a", LOUD("a"), .transitions = &t, .transition_count = 1,
                                                 CHILDREN(ATOMIC("x"), ATOMIC("y"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"), expected);
  chart_close(&c);
}

static void an_internal_transition_does_not_leave_its_source(void **state) {
  (void)state;
  step_of_nested((fsm_def_transition)GO("E", "a.y"), "external E: a.x -> a.y; exit a.x; enter a.y\n");
}

static void an_internal_transition_to_its_source_restarts_its_children(void **state) {
  (void)state;
  step_of_nested((fsm_def_transition)GO("E", "a"), "external E: a.x -> a.x; exit a.x; enter a.x\n");
}

static void a_reentering_transition_leaves_and_enters_its_source(void **state) {
  (void)state;
  step_of_nested((fsm_def_transition)REENTER("E", "a.y"),
                 "external E: a.x -> a.y; exit a.x a; enter a a.y; log \"-a\"; log \"+a\"\n");
}

static void a_targetless_transition_leaves_nothing(void **state) {
  (void)state;
  step_of_nested((fsm_def_transition)STAY("E", DO(LOG("act"))), "external E: a.x -> a.x; log \"act\"\n");
}

static void an_atomic_state_targeting_itself_is_left_only_when_reentering(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", LOUD("a"), ON(GO("IN", "a"), REENTER("RE", "a"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "IN"), "external IN: a -> a\n");
  assert_string_equal(chart_send(&c, "RE"), "external RE: a -> a; exit a; enter a; log \"-a\"; log \"+a\"\n");
  chart_close(&c);
}

static void the_root_is_left_only_by_its_own_reentering_transition(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", LOUD("m"), ON(GO("IN", "b"), REENTER("RE", "b")),
                          CHILDREN(ATOMIC("a"), ATOMIC("b"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "IN"), "external IN: a -> b; exit a; enter b\n");
  assert_string_equal(chart_send(&c, "RE"),
                      "external RE: b -> b; exit b (root); enter (root) b; log \"-m\"; log \"+m\"\n");
  chart_close(&c);
}

static void a_transition_to_the_root_restarts_it_without_leaving_it(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", LOUD("m"), CHILDREN(ATOMIC("a", ON(GO("GO", "b"))), ATOMIC("b", ON(GO("UP", ""))))));
  chart_start(&c);
  chart_send(&c, "GO");
  assert_string_equal(chart_send(&c, "UP"), "external UP: b -> a; exit b; enter a\n");
  chart_close(&c);
}

static void the_innermost_state_decides_and_document_order_breaks_ties(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             COMPOUND("m", ON(STAY("E", DO(LOG("root"))), STAY("F", DO(LOG("root f")))),
                      CHILDREN(COMPOUND("a", ON(STAY("E", DO(LOG("outer")))),
                                        CHILDREN(ATOMIC("x", ON(STAY("E", .guard = "false", DO(LOG("no"))),
                                                                STAY("E", DO(LOG("first"))),
                                                                STAY("E", DO(LOG("second"))))))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"), "external E: a.x -> a.x; log \"first\"\n");
  assert_int_equal(c.last.microsteps[0].transition_count, 1);
  assert_int_equal(c.last.microsteps[0].transitions[0], 4); /* document order over the whole machine */
  assert_string_equal(chart_send(&c, "F"), "external F: a.x -> a.x; log \"root f\"\n");
  chart_close(&c);
}

/* ---- completion -------------------------------------------------------------------------------- */

static void a_final_child_tells_its_parent_with_its_output(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND(
              "m",
              CHILDREN(
                  COMPOUND("a", ON(GO("xstate.done.state.a", "b", DO(LOG_EXPR("event.output + event.data")))),
                           CHILDREN(ATOMIC("x", ON(GO("GO", "a.f"))), FINAL("f", .output = STR("out")))),
                  ATOMIC("b"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: a.x -> a.f; exit a.x; enter a.f\n"
                      "raised xstate.done.state.a: a.f -> b; exit a.f a; enter b; log \"outout\"\n");
  chart_close(&c);
}

static void the_path_of_a_nested_parent_is_in_its_done_event(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(COMPOUND("b", CHILDREN(FINAL("f"))))), ATOMIC("z")),
                   ON(GO("xstate.done.state.a.b", "z"))));
  assert_string_equal(chart_start(&c),
                      "external: -> a.b.f; enter (root) a a.b a.b.f\n"
                      "raised xstate.done.state.a.b: a.b.f -> z; exit a.b.f a.b a; enter z\n");
  chart_close(&c);
}

static void a_final_child_of_the_root_ends_the_machine_with_its_output(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "f"))), FINAL("f", .output = INT(7)))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "external GO: a -> f; exit a; enter f\ndone 7\n");
  assert_true(c.now.done);
  assert_string_equal(chart_send(&c, "GO"), "completed\n");
  assert_true(c.now.done);
  chart_close(&c);
}

static void the_output_of_the_root_may_read_that_of_the_final_state(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", .output = EXPR("event.output + 1"),
                          CHILDREN(ATOMIC("a", ON(GO("GO", "f"))), FINAL("f", .output = INT(7)))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "external GO: a -> f; exit a; enter f\ndone 8\n");
  chart_close(&c);
}

static void the_end_runs_the_exits_of_what_is_still_active(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      COMPOUND("m", .output = INT(0), EXIT(LOG_EXPR("event.name")),
               AFTERS({.event = "xstate.after.5.m", .delay = INT(5)}), INVOKES({.id = "watch", .src = "w"}),
               CHILDREN(ATOMIC("a", ON(GO("GO", "f", DO(RAISE("LOST"))))), FINAL("f", EXIT(LOG("-f")))),
               ON(STAY("LOST"))));
  assert_string_equal(
      chart_start(&c),
      "external: -> a; enter (root) a; timer+ xstate.after.5.m xstate.after.5.m 5ms; task+ watch null\n");
  assert_string_equal(
      chart_send(&c, "GO"),
      "external GO: a -> f; exit a; enter f; log \"-f\"; log \"GO\"; timer- xstate.after.5.m; task- watch\n"
      "done 0\n");
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_start_enters_from_the_root_to_the_initial_leaf),
      cmocka_unit_test(a_root_without_children_is_a_legal_machine),
      cmocka_unit_test(an_initial_state_may_be_a_deep_descendant),
      cmocka_unit_test(exits_go_inside_out_then_actions_then_entries_outside_in),
      cmocka_unit_test(an_internal_transition_does_not_leave_its_source),
      cmocka_unit_test(an_internal_transition_to_its_source_restarts_its_children),
      cmocka_unit_test(a_reentering_transition_leaves_and_enters_its_source),
      cmocka_unit_test(a_targetless_transition_leaves_nothing),
      cmocka_unit_test(an_atomic_state_targeting_itself_is_left_only_when_reentering),
      cmocka_unit_test(the_root_is_left_only_by_its_own_reentering_transition),
      cmocka_unit_test(a_transition_to_the_root_restarts_it_without_leaving_it),
      cmocka_unit_test(the_innermost_state_decides_and_document_order_breaks_ties),
      cmocka_unit_test(a_final_child_tells_its_parent_with_its_output),
      cmocka_unit_test(the_path_of_a_nested_parent_is_in_its_done_event),
      cmocka_unit_test(a_final_child_of_the_root_ends_the_machine_with_its_output),
      cmocka_unit_test(the_output_of_the_root_may_read_that_of_the_final_state),
      cmocka_unit_test(the_end_runs_the_exits_of_what_is_still_active),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
