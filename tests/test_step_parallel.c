/* Regions side by side: entry, exit, conflicts, joins, several targets; both dialects. */
#include "tests/chart.h"

#define REGION(n, ...) COMPOUND(n, CHILDREN(__VA_ARGS__))
#define LOUD_ON(n, ...) ATOMIC(n, ENTRY(LOG("+" n)), EXIT(LOG("-" n)), ON(__VA_ARGS__))
#define LOUD(n) ATOMIC(n, ENTRY(LOG("+" n)), EXIT(LOG("-" n)))

static void all_regions_are_entered_in_document_order(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(PARALLEL("p", ENTRY(LOG("+p")),
                                                 CHILDREN(REGION("a", LOUD("a1"), LOUD("a2")), LOUD("b"))))));
  assert_string_equal(chart_start(&c),
                      "external: -> p.a.a1 p.b; enter (root) p p.a p.a.a1 p.b; log \"+p\"; log "
                      "\"+a1\"; log \"+b\"\n");
  chart_close(&c);
}

static void exits_are_inside_out_and_last_region_first_then_content_then_entries(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(PARALLEL("p", EXIT(LOG("-p")), ON(GO("E", "t", DO(LOG("do")))),
                                                 CHILDREN(REGION("a", LOUD("a1")), REGION("b", LOUD("b1")))),
                                        LOUD("t"))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "E"),
      "external E: p.a.a1 p.b.b1 -> t; exit p.b.b1 p.b p.a.a1 p.a p; enter t; log \"-b1\"; log "
      "\"-a1\"; log \"-p\"; log \"do\"; log \"+t\"\n");
  chart_close(&c);
}

static void each_region_takes_its_own_transition_in_one_microstep(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             PARALLEL("m", CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "a.a2", DO(LOG("ta"))))), LOUD("a2")),
                                    REGION("b", ATOMIC("b1", ON(GO("E", "b.b2", DO(LOG("tb"))))), LOUD("b2")),
                                    REGION("c", LOUD("c1")))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "E"),
      "external E: a.a1 b.b1 c.c1 -> a.a2 b.b2 c.c1; exit b.b1 a.a1; enter a.a2 b.b2; log \"ta\"; log "
      "\"tb\"; log \"+a2\"; log \"+b2\"\n");
  chart_close(&c);
}

/* p { a: final region · q { b, c: final regions } } */
#define NESTED_JOINS                                                                                        \
  COMPOUND(                                                                                                 \
      "m",                                                                                                  \
      CHILDREN(                                                                                             \
          PARALLEL(                                                                                         \
              "p",                                                                                          \
              ON(STAY("xstate.done.state.p.q", DO(LOG("q"))),                                               \
                 GO("xstate.done.state.p", "ok", DO(LOG("p")))),                                            \
              CHILDREN(                                                                                     \
                  REGION("a", ATOMIC("a1", ON(GO("A", "p.a.f"))), FINAL("f")),                              \
                  PARALLEL("q", CHILDREN(REGION("b", ATOMIC("b1", ON(GO("B", "p.q.b.f"))), FINAL("f")),     \
                                         REGION("c", ATOMIC("c1", ON(GO("C", "p.q.c.f"))), FINAL("f")))))), \
          ATOMIC("ok")))

static void a_join_needs_all_regions(void **state) {
  (void)state;
  chart c;
  chart_open(&c, NESTED_JOINS);
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "C"),
      "external C: p.a.a1 p.q.b.b1 p.q.c.c1 -> p.a.a1 p.q.b.b1 p.q.c.f; exit p.q.c.c1; enter p.q.c.f\n");
  assert_string_equal(
      chart_send(&c, "A"),
      "external A: p.a.a1 p.q.b.b1 p.q.c.f -> p.a.f p.q.b.b1 p.q.c.f; exit p.a.a1; enter p.a.f\n");
  assert_string_equal(chart_send(&c, "B"),
                      "external B: p.a.f p.q.b.b1 p.q.c.f -> p.a.f p.q.b.f p.q.c.f; exit p.q.b.b1; enter "
                      "p.q.b.f\nraised xstate.done.state.p.q: p.a.f p.q.b.f p.q.c.f -> p.a.f p.q.b.f "
                      "p.q.c.f; log \"q\"\nraised xstate.done.state.p: p.a.f p.q.b.f p.q.c.f -> ok; exit "
                      "p.q.c.f p.q.c p.q.b.f p.q.b p.q p.a.f p.a p; enter ok; log \"p\"\n");
  chart_close(&c);
}

static void a_nested_join_that_finishes_first_counts_later(void **state) {
  (void)state;
  chart c;
  chart_open(&c, NESTED_JOINS);
  chart_start(&c);
  chart_send(&c, "B");
  assert_string_equal(
      chart_send(&c, "C"),
      "external C: p.a.a1 p.q.b.f p.q.c.c1 -> p.a.a1 p.q.b.f p.q.c.f; exit p.q.c.c1; enter p.q.c.f\nraised "
      "xstate.done.state.p.q: p.a.a1 p.q.b.f p.q.c.f -> p.a.a1 p.q.b.f p.q.c.f; log \"q\"\n");
  assert_string_equal(chart_send(&c, "A"),
                      "external A: p.a.a1 p.q.b.f p.q.c.f -> p.a.f p.q.b.f p.q.c.f; exit p.a.a1; enter "
                      "p.a.f\nraised xstate.done.state.p: p.a.f p.q.b.f p.q.c.f -> ok; exit p.q.c.f p.q.c "
                      "p.q.b.f p.q.b p.q p.a.f p.a p; enter ok; log \"p\"\n");
  chart_close(&c);
}

static void regions_that_finish_together_join_once(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      PARALLEL("m", ON(STAY("xstate.done.state.*", DO(LOG_EXPR("event.type")))),
               CHILDREN(PARALLEL("p", CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "p.a.f"))), FINAL("f")),
                                               REGION("b", ATOMIC("b1", ON(GO("E", "p.b.f"))), FINAL("f")))),
                        REGION("c", ATOMIC("c1")))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "E"),
      "external E: p.a.a1 p.b.b1 c.c1 -> p.a.f p.b.f c.c1; exit p.b.b1 p.a.a1; enter p.a.f p.b.f\nraised "
      "xstate.done.state.p.a: p.a.f p.b.f c.c1 -> p.a.f p.b.f c.c1; log \"xstate.done.state.p.a\"\nraised "
      "xstate.done.state.p.b: p.a.f p.b.f c.c1 -> p.a.f p.b.f c.c1; log \"xstate.done.state.p.b\"\nraised "
      "xstate.done.state.p: p.a.f p.b.f c.c1 -> p.a.f p.b.f c.c1; log \"xstate.done.state.p\"\n");
  chart_close(&c);
}

static void a_final_state_can_be_a_region(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(PARALLEL("p", ON(GO("xstate.done.state.p", "ok")),
                                          CHILDREN(FINAL("f"), REGION("a", ATOMIC("a1", ON(GO("E", "p.a.g"))),
                                                                      FINAL("g")))),
                                 ATOMIC("ok"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.f p.a.a1 -> p.f p.a.g; exit p.a.a1; enter p.a.g\nraised "
                      "xstate.done.state.p: p.f p.a.g -> ok; exit p.a.g p.a p.f p; enter ok\n");
  chart_close(&c);
}

static void a_parallel_root_ends_the_machine_with_its_last_region(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             PARALLEL("m", EXIT(LOG("-m")), .output = INT(7),
                      CHILDREN(REGION("a", ATOMIC("a1", ON(GO("A", "a.f"))), FINAL("f", EXIT(LOG("-af")))),
                               REGION("b", ATOMIC("b1", ON(GO("B", "b.f"))), FINAL("f", EXIT(LOG("-bf")))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "B"), "external B: a.a1 b.b1 -> a.a1 b.f; exit b.b1; enter b.f\n");
  assert_string_equal(chart_send(&c, "A"),
                      "external A: a.a1 b.f -> a.f b.f; exit a.a1; enter a.f; log \"-bf\"; log \"-af\"; log "
                      "\"-m\"\ndone 7\n");
  chart_close(&c);
}

#define FORK                                                                                                 \
  COMPOUND("m", CHILDREN(ATOMIC("s", ON(GO_ALL("E", TO("p.a.a2", "p.c.c2")))),                               \
                         PARALLEL("p", CHILDREN(REGION("a", ATOMIC("a1"), ATOMIC("a2")),                     \
                                                COMPOUND("b", INITIALLY(LOG("b!")), CHILDREN(ATOMIC("b1"))), \
                                                COMPOUND("c", INITIALLY(LOG("c!")),                          \
                                                         CHILDREN(ATOMIC("c1"), ATOMIC("c2")))))))

static void several_targets_leave_other_regions_to_their_default(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, FORK);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: s -> p.a.a2 p.b.b1 p.c.c2; exit s; enter p p.a p.a.a2 p.b p.b.b1 p.c "
                      "p.c.c2; log \"b!\"\n");
  chart_close(&c);
}

static void in_xstate_a_region_that_is_filled_runs_no_initial_content(void **state) {
  (void)state;
  chart c;
  chart_open(&c, FORK);
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "E"),
      "external E: s -> p.a.a2 p.b.b1 p.c.c2; exit s; enter p p.a p.a.a2 p.b p.b.b1 p.c p.c.c2\n");
  chart_close(&c);
}

static void several_initial_states_may_lie_deep(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c,
                   COMPOUND("m", INITIAL("p.b.b2", "p.a.a2"), INITIALLY(LOG("m!")),
                            CHILDREN(ATOMIC("s"), PARALLEL("p", CHILDREN(REGION("a", LOUD("a1"), LOUD("a2")),
                                                                         REGION("b", LOUD("b1"), LOUD("b2")),
                                                                         REGION("c", LOUD("c1")))))));
  assert_string_equal(chart_start(&c),
                      "external: -> p.a.a2 p.b.b2 p.c.c1; enter (root) p p.a p.a.a2 p.b p.b.b2 p.c p.c.c1; "
                      "log \"m!\"; log \"+a2\"; log \"+b2\"; log \"+c1\"\n");
  chart_close(&c);
}

static void initial_content_runs_between_entry_and_the_child(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             COMPOUND("m", CHILDREN(ATOMIC("s", ON(GO("E", "c"), GO("D", "c.d.e"))),
                                    COMPOUND("c", ENTRY(LOG("+c")), INITIALLY(LOG("c!")), ON(GO("B", "s")),
                                             CHILDREN(COMPOUND("d", ENTRY(LOG("+d")), INITIALLY(LOG("d!")),
                                                               CHILDREN(LOUD("e"))))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: s -> c.d.e; exit s; enter c c.d c.d.e; log \"+c\"; log \"c!\"; log "
                      "\"+d\"; log \"d!\"; log \"+e\"\n");
  chart_send(&c, "B");
  assert_string_equal(
      chart_send(&c, "D"),
      "external D: s -> c.d.e; exit s; enter c c.d c.d.e; log \"+c\"; log \"+d\"; log \"+e\"\n");
  chart_close(&c);
}

/* From one region into another: XState's least common ancestor is the parallel state, W3C's is above. */
#define ACROSS                                                                                    \
  COMPOUND("m", CHILDREN(PARALLEL("p", CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "p.b.b2")))), \
                                                REGION("b", ATOMIC("b1"), ATOMIC("b2")), ATOMIC("c")))))

static void in_xstate_a_transition_between_regions_keeps_the_parallel_state(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ACROSS);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.a.a1 p.b.b1 p.c -> p.a.a1 p.b.b2 p.c; exit p.c p.b.b1 p.b p.a.a1 p.a; "
                      "enter p.a p.a.a1 p.b p.b.b2 p.c\n");
  chart_close(&c);
}

static void in_scxml_a_transition_between_regions_leaves_the_parallel_state(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, ACROSS);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.a.a1 p.b.b1 p.c -> p.a.a1 p.b.b2 p.c; exit p.c p.b.b1 p.b p.a.a1 p.a p; "
                      "enter p p.a p.a.a1 p.b p.b.b2 p.c\n");
  chart_close(&c);
}

static void of_two_in_conflict_the_first_region_wins(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             COMPOUND("m", CHILDREN(PARALLEL("p", CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "t")))),
                                                           REGION("b", ATOMIC("b1", ON(GO("E", "p.b.b2"))),
                                                                  ATOMIC("b2")))),
                                    ATOMIC("t"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.a.a1 p.b.b1 -> t; exit p.b.b1 p.b p.a.a1 p.a p; enter t\n");
  chart_close(&c);
}

static void of_two_in_conflict_the_one_further_inside_wins(void **state) {
  (void)state;
  chart c;
  /* b1's comes from inside of what q's, found from region c, leaves */
  chart_open_scxml(
      &c,
      COMPOUND("m",
               CHILDREN(PARALLEL("p", ON(GO("E", "t", .guard = "In('x')")),
                                 CHILDREN(PARALLEL("q", ON(GO("E", "t")),
                                                   CHILDREN(REGION("a", ATOMIC("a1")),
                                                            REGION("b", ATOMIC("b1", ON(GO("E", "p.q.b.b2"))),
                                                                   ATOMIC("b2")))))),
                        ATOMIC("t"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.q.a.a1 p.q.b.b1 -> p.q.a.a1 p.q.b.b2; exit p.q.b.b1; enter p.q.b.b2\n");
  chart_close(&c);
}

#define SHARED                               \
  PARALLEL("m", ON(STAY("E", DO(LOG("m")))), \
           CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "a.a2"))), ATOMIC("a2")), ATOMIC("b"), ATOMIC("c")))

static void in_scxml_an_ancestor_of_all_regions_is_taken_once_beside_a_region(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, SHARED);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: a.a1 b c -> a.a2 b c; exit a.a1; enter a.a2; log \"m\"\n");
  assert_string_equal(chart_send(&c, "E"), "external E: a.a2 b c -> a.a2 b c; log \"m\"\n");
  chart_close(&c);
}

static void in_xstate_an_ancestor_is_asked_when_no_region_takes_the_event(void **state) {
  (void)state;
  chart c;
  chart_open(&c, SHARED);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"), "external E: a.a1 b c -> a.a2 b c; exit a.a1; enter a.a2\n");
  assert_string_equal(chart_send(&c, "E"), "external E: a.a2 b c -> a.a2 b c; log \"m\"\n");
  chart_close(&c);
}

static void an_active_parallel_state_that_is_the_target_has_its_regions_restarted(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(PARALLEL("p", ENTRY(LOG("+p")), ON(GO("I", "p"), REENTER("R", "p")),
                                                 CHILDREN(REGION("a", LOUD("a1")), LOUD("b"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "I"),
                      "external I: p.a.a1 p.b -> p.a.a1 p.b; exit p.b p.a.a1 p.a; enter p.a p.a.a1 p.b; log "
                      "\"-b\"; log \"-a1\"; log \"+a1\"; log \"+b\"\n");
  assert_string_equal(chart_send(&c, "R"),
                      "external R: p.a.a1 p.b -> p.a.a1 p.b; exit p.b p.a.a1 p.a p; enter p p.a p.a.a1 p.b; "
                      "log \"-b\"; log \"-a1\"; log \"+p\"; log \"+a1\"; log \"+b\"\n");
  chart_close(&c);
}

static void done_events_come_in_the_order_of_entry(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(
      &c, COMPOUND(
              "m",
              CHILDREN(PARALLEL("p",
                                ON(STAY("done.state.p.a", DO(LOG("a"))), STAY("done.state.p.b", DO(LOG("b"))),
                                   GO("done.state.p", "ok", DO(LOG("p")))),
                                CHILDREN(REGION("a", ATOMIC("a1", ON(GO("E", "p.a.f"))), FINAL("f")),
                                         REGION("b", ATOMIC("b1", ON(GO("E", "p.b.f"))), FINAL("f")))),
                       ATOMIC("ok"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: p.a.a1 p.b.b1 -> p.a.f p.b.f; exit p.b.b1 p.a.a1; enter p.a.f "
                      "p.b.f\nraised done.state.p.a: p.a.f p.b.f -> p.a.f p.b.f; log \"a\"\nraised "
                      "done.state.p.b: p.a.f p.b.f -> p.a.f p.b.f; log \"b\"\nraised done.state.p: p.a.f "
                      "p.b.f -> ok; exit p.b.f p.b p.a.f p.a p; enter ok; log \"p\"\n");
  chart_close(&c);
}

static void eventless_transitions_of_all_regions_go_together(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      PARALLEL("m",
               CHILDREN(REGION("a", ATOMIC("a1", ON(ALWAYS("a.a2", .guard = "In('b.b2')"))), ATOMIC("a2")),
                        REGION("b", ATOMIC("b1", ON(GO("E", "b.b2"))),
                               ATOMIC("b2", ON(ALWAYS("b.b3", .guard = "In('a.a1')"))), ATOMIC("b3")))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"),
                      "external E: a.a1 b.b1 -> a.a1 b.b2; exit b.b1; enter b.b2\nalways: a.a1 b.b2 -> a.a2 "
                      "b.b3; exit b.b2 a.a1; enter a.a2 b.b3\n");
  chart_close(&c);
}

static void a_transition_to_its_own_leaf_does_not_bring_back_what_another_leaves(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(PARALLEL("p", CHILDREN(LOUD_ON("a", GO("E", "p.a", DO(LOG("self")))),
                                                               LOUD_ON("b", GO("E", "t")))),
                                        ATOMIC("t"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "E"), "external E: p.a p.b -> t; exit p.b p.a p; enter t; log \"-b\"; log \"-a\"; log \"self\"\n");
  chart_close(&c);
}

static void a_parallel_state_without_regions_is_atomic(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(PARALLEL("p", ON(GO("E", "b"))), ATOMIC("b"))));
  assert_string_equal(chart_start(&c), "external: -> p; enter (root) p\n");
  assert_string_equal(chart_send(&c, "E"), "external E: p -> b; exit p; enter b\n");
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_regions_are_entered_in_document_order),
      cmocka_unit_test(exits_are_inside_out_and_last_region_first_then_content_then_entries),
      cmocka_unit_test(each_region_takes_its_own_transition_in_one_microstep),
      cmocka_unit_test(a_join_needs_all_regions),
      cmocka_unit_test(a_nested_join_that_finishes_first_counts_later),
      cmocka_unit_test(regions_that_finish_together_join_once),
      cmocka_unit_test(a_final_state_can_be_a_region),
      cmocka_unit_test(a_parallel_root_ends_the_machine_with_its_last_region),
      cmocka_unit_test(several_targets_leave_other_regions_to_their_default),
      cmocka_unit_test(in_xstate_a_region_that_is_filled_runs_no_initial_content),
      cmocka_unit_test(several_initial_states_may_lie_deep),
      cmocka_unit_test(initial_content_runs_between_entry_and_the_child),
      cmocka_unit_test(in_xstate_a_transition_between_regions_keeps_the_parallel_state),
      cmocka_unit_test(in_scxml_a_transition_between_regions_leaves_the_parallel_state),
      cmocka_unit_test(of_two_in_conflict_the_first_region_wins),
      cmocka_unit_test(of_two_in_conflict_the_one_further_inside_wins),
      cmocka_unit_test(in_scxml_an_ancestor_of_all_regions_is_taken_once_beside_a_region),
      cmocka_unit_test(in_xstate_an_ancestor_is_asked_when_no_region_takes_the_event),
      cmocka_unit_test(an_active_parallel_state_that_is_the_target_has_its_regions_restarted),
      cmocka_unit_test(done_events_come_in_the_order_of_entry),
      cmocka_unit_test(eventless_transitions_of_all_regions_go_together),
      cmocka_unit_test(a_transition_to_its_own_leaf_does_not_bring_back_what_another_leaves),
      cmocka_unit_test(a_parallel_state_without_regions_is_atomic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
