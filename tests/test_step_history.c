/* History states: what they record, what they restore, their defaults, and what a snapshot may say of them.
 */
#include "tests/chart.h"

#define LOUD(n, ...) ATOMIC(n, ENTRY(LOG("+" n)), EXIT(LOG("-" n)), __VA_ARGS__)

/* c { d {e f} g } with a history of either kind; s outside. */
#define RETURN(history)                                                                            \
  COMPOUND("m", CHILDREN(COMPOUND("c", ON(GO("X", "s")),                                           \
                                  CHILDREN(COMPOUND("d", CHILDREN(LOUD("e", ON(GO("N", "c.d.f"))), \
                                                                  LOUD("f", ON(GO("M", "c.g"))))), \
                                           LOUD("g"), history)),                                   \
                         LOUD("s", ON(GO("H", "c.h")))))

static void a_shallow_history_restores_the_child_only(void **state) {
  (void)state;
  chart c;
  chart_open(&c, RETURN(HISTORY("h")));
  chart_start(&c);
  chart_send(&c, "N");
  assert_string_equal(chart_send(&c, "X"),
                      "external X: c.d.f -> s; exit c.d.f c.d c; enter s; log \"-f\"; log \"+s\"; history "
                      "{c.h: [\"c.d\"]}\n");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> c.d.e; exit s; enter c c.d c.d.e; log \"-s\"; log \"+e\"\n");
  chart_close(&c);
}

static void a_deep_history_restores_the_leaf(void **state) {
  (void)state;
  chart c;
  chart_open(&c, RETURN(DEEP("h")));
  chart_start(&c);
  chart_send(&c, "N");
  assert_string_equal(chart_send(&c, "X"),
                      "external X: c.d.f -> s; exit c.d.f c.d c; enter s; log \"-f\"; log \"+s\"; history "
                      "{c.h: [\"c.d.f\"]}\n");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> c.d.f; exit s; enter c c.d c.d.f; log \"-s\"; log \"+f\"\n");
  assert_string_equal(chart_send(&c, "M"),
                      "external M: c.d.f -> c.g; exit c.d.f c.d; enter c.g; log \"-f\"; log \"+g\"\n");
  assert_string_equal(
      chart_send(&c, "X"),
      "external X: c.g -> s; exit c.g c; enter s; log \"-g\"; log \"+s\"; history {c.h: [\"c.g\"]}\n");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> c.g; exit s; enter c c.g; log \"-s\"; log \"+g\"\n");
  chart_close(&c);
}

#define NEVER_VISITED(...)                                                     \
  COMPOUND("m", CHILDREN(LOUD("s", ON(GO("H", "c.h"))),                        \
                         COMPOUND("c", ENTRY(LOG("+c")), INITIALLY(LOG("c!")), \
                                  CHILDREN(LOUD("a"), LOUD("b"), HISTORY("h", __VA_ARGS__)))))

static void without_a_record_the_default_is_entered_and_its_content_run(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, NEVER_VISITED(INITIAL("c.b"), INITIALLY(LOG("h!"))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "H"),
      "external H: s -> c.b; exit s; enter c c.b; log \"-s\"; log \"+c\"; log \"h!\"; log \"+b\"\n");
  chart_close(&c);
}

static void without_a_default_the_parents_initial_is_entered(void **state) {
  (void)state;
  chart c;
  chart_open(&c, NEVER_VISITED(.deep = false));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "H"),
      "external H: s -> c.a; exit s; enter c c.a; log \"-s\"; log \"+c\"; log \"c!\"; log \"+a\"\n");
  chart_close(&c);
}

static void default_content_runs_even_when_the_parent_is_not_entered(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, COMPOUND("m", CHILDREN(LOUD("a", ON(GO("H", "h"))), LOUD("b"),
                                              HISTORY("h", INITIAL("b"), INITIALLY(LOG("h!"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "H"),
                      "external H: a -> b; exit a; enter b; log \"-a\"; log \"h!\"; log \"+b\"\n");
  chart_close(&c);
}

/* SCXML 3.10: the default transition is taken only when the parent has never been active. */
static void default_content_does_not_run_when_there_is_a_record(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(
      &c, COMPOUND("m", CHILDREN(COMPOUND("c", ON(GO("X", "s")),
                                          CHILDREN(ATOMIC("a", ON(GO("N", "c.b"))), ATOMIC("b"),
                                                   HISTORY("h", INITIAL("c.a"), INITIALLY(LOG("h!"))))),
                                 ATOMIC("s", ON(GO("H", "c.h"))))));
  chart_start(&c);
  chart_send(&c, "N");
  chart_send(&c, "X");
  assert_string_equal(chart_send(&c, "H"), "external H: s -> c.b; exit s; enter c c.b\n");
  chart_close(&c);
}

static void a_history_can_be_the_initial_state(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(COMPOUND("c", INITIAL("c.h"), ON(GO("X", "s")),
                                                 CHILDREN(LOUD("a", ON(GO("N", "c.b"))), LOUD("b"),
                                                          HISTORY("h", INITIAL("c.a")))),
                                        LOUD("s", ON(GO("B", "c"))))));
  assert_string_equal(chart_start(&c), "external: -> c.a; enter (root) c c.a; log \"+a\"\n");
  chart_send(&c, "N");
  chart_send(&c, "X");
  assert_string_equal(chart_send(&c, "B"),
                      "external B: s -> c.b; exit s; enter c c.b; log \"-s\"; log \"+b\"\n");
  chart_close(&c);
}

/* p { a {a1 a2} b {b1 b2} }, all movable, with a history; s outside. */
#define REGIONS(history)                                                                                     \
  COMPOUND(                                                                                                  \
      "m",                                                                                                   \
      CHILDREN(PARALLEL("p", ON(GO("X", "s"), GO("I", "p.h")),                                               \
                        CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("a1", ON(GO("A", "p.a.a2"))), ATOMIC("a2"))), \
                                 COMPOUND("b", CHILDREN(ATOMIC("b1", ON(GO("B", "p.b.b2"))), ATOMIC("b2"))), \
                                 history)),                                                                  \
               ATOMIC("s", ON(GO("H", "p.h")))))

static void a_deep_history_of_a_parallel_state_restores_each_region(void **state) {
  (void)state;
  chart c;
  chart_open(&c, REGIONS(DEEP("h")));
  chart_start(&c);
  chart_send(&c, "B");
  assert_string_equal(chart_send(&c, "X"),
                      "external X: p.a.a1 p.b.b2 -> s; exit p.b.b2 p.b p.a.a1 p.a p; enter s; history {p.h: "
                      "[\"p.a.a1\", \"p.b.b2\"]}\n");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> p.a.a1 p.b.b2; exit s; enter p p.a p.a.a1 p.b p.b.b2\n");
  chart_close(&c);
}

static void a_shallow_history_of_a_parallel_state_restores_its_regions_by_default(void **state) {
  (void)state;
  chart c;
  chart_open(&c, REGIONS(HISTORY("h")));
  chart_start(&c);
  chart_send(&c, "B");
  assert_string_equal(chart_send(&c, "X"),
                      "external X: p.a.a1 p.b.b2 -> s; exit p.b.b2 p.b p.a.a1 p.a p; enter s; history {p.h: "
                      "[\"p.a\", \"p.b\"]}\n");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> p.a.a1 p.b.b1; exit s; enter p p.a p.a.a1 p.b p.b.b1\n");
  chart_close(&c);
}

static void the_default_of_a_parallel_states_history_is_all_of_it(void **state) {
  (void)state;
  chart c;
  chart_open(&c, REGIONS(HISTORY("h")));
  chart_start(&c);
  chart_send(&c, "B");
  assert_string_equal(chart_send(&c, "I"),
                      "external I: p.a.a1 p.b.b2 -> p.a.a1 p.b.b1; exit p.b.b2 p.b p.a.a1 p.a; enter p.a "
                      "p.a.a1 p.b p.b.b1\n");
  chart_close(&c);
}

/* The transition leaves what is below the least common ancestor of what it restores, known only now. */
#define INSIDE                                                                                  \
  COMPOUND("m", CHILDREN(COMPOUND("p", ON(GO("X", "s")),                                        \
                                  CHILDREN(DEEP("h", INITIAL("p.c")),                           \
                                           COMPOUND("c", ENTRY(LOG("+c")), EXIT(LOG("-c")),     \
                                                    CHILDREN(LOUD("d", ON(GO("N", "p.c.e"))),   \
                                                             LOUD("e", ON(GO("H", "p.h"))))))), \
                         LOUD("s", ON(GO("B", "p")))))

static void from_inside_an_active_state_is_not_entered_twice(void **state) {
  (void)state;
  chart c;
  chart_open(&c, INSIDE);
  chart_start(&c);
  chart_send(&c, "X");
  chart_send(&c, "B");
  chart_send(&c, "N");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: p.c.e -> p.c.d; exit p.c.e; enter p.c.d; log \"-e\"; log \"+d\"\n");
  chart_close(&c);
}

static void from_inside_without_a_record_the_default_decides_what_is_left(void **state) {
  (void)state;
  chart c;
  chart_open(&c, INSIDE);
  chart_start(&c);
  chart_send(&c, "N");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: p.c.e -> p.c.d; exit p.c.e p.c; enter p.c p.c.d; log \"-e\"; log \"-c\"; "
                      "log \"+c\"; log \"+d\"\n");
  chart_close(&c);
}

static void histories_record_before_the_first_exit_action(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      COMPOUND(
          "m",
          CHILDREN(COMPOUND("o", ON(GO("X", "s")),
                            CHILDREN(DEEP("deep"),
                                     COMPOUND("c", CHILDREN(HISTORY("h"), ATOMIC("a", ON(GO("N", "o.c.b"))),
                                                            ATOMIC("b", EXIT(LOG_EXPR("In('o.c.b')"))))))),
                   ATOMIC("s"))));
  chart_start(&c);
  chart_send(&c, "N");
  assert_string_equal(chart_send(&c, "X"),
                      "external X: o.c.b -> s; exit o.c.b o.c o; enter s; log true; history {o.c.h: "
                      "[\"o.c.b\"], o.deep: [\"o.c.b\"]}\n");
  chart_close(&c);
}

static void a_record_that_stays_the_same_is_no_change(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(COMPOUND("c", ON(REENTER("R", "c")), CHILDREN(ATOMIC("a"), HISTORY("h"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "R"),
                      "external R: c.a -> c.a; exit c.a c; enter c c.a; history {c.h: [\"c.a\"]}\n");
  assert_string_equal(chart_send(&c, "R"), "external R: c.a -> c.a; exit c.a c; enter c c.a\n");
  chart_close(&c);
}

static void a_history_target_among_several(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(PARALLEL("p", ON(GO("X", "s")),
                                          CHILDREN(COMPOUND("a", CHILDREN(HISTORY("h"),
                                                                          ATOMIC("a1", ON(GO("A", "p.a.a2"))),
                                                                          ATOMIC("a2"))),
                                                   COMPOUND("b", CHILDREN(ATOMIC("b1"), ATOMIC("b2"))))),
                                 ATOMIC("s", ON(GO_ALL("H", TO("p.a.h", "p.b.b2")))))));
  chart_start(&c);
  chart_send(&c, "A");
  chart_send(&c, "X");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> p.a.a2 p.b.b2; exit s; enter p p.a p.a.a2 p.b p.b.b2\n");
  chart_close(&c);
}

/* A default inside of one region, taken from there: the other region is not disturbed. */
static void a_default_that_is_reached_from_its_region_leaves_the_others_alone(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(
      &c,
      COMPOUND(
          "m",
          CHILDREN(COMPOUND(
              "o",
              CHILDREN(HISTORY("h", INITIAL("o.p.a.a2")),
                       PARALLEL("p", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("a1", ON(GO("H", "o.h"))),
                                                                     ATOMIC("a2"))),
                                              COMPOUND("b", CHILDREN(ATOMIC("b1", ON(GO("B", "o.p.b.b2"))),
                                                                     ATOMIC("b2"))))))))));
  chart_start(&c);
  chart_send(&c, "B");
  assert_string_equal(chart_send(&c, "H"),
                      "external H: o.p.a.a1 o.p.b.b2 -> o.p.a.a2 o.p.b.b2; exit o.p.a.a1; enter o.p.a.a2\n");
  chart_close(&c);
}

/* ---- what a snapshot may say --------------------------------------------------------------------- */

static fsm_code step_with(chart *c, const char *key, size_t count, const fsm_value *names) {
  fsm_pair pair = {fsm_string(key), fsm_list(names, count)};
  fsm_snapshot before = c->now;
  before.history = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_error err = {0};
  fsm_step_result result;
  fsm_code code =
      fsm_step(c->machine, &before, &(const fsm_event){.name = "X"}, &nobody, &c->arena, &result, &err);
  if (code != FSM_OK) assert_string_equal(err.where, "history");
  return code;
}

#define WITH(key, ...) step_with(&c, key, COUNT_OF(fsm_value, __VA_ARGS__), (const fsm_value[]){__VA_ARGS__})
#define NAME(t) \
  { .type = FSM_STRING, .len = sizeof(t) - 1, .s = (t) }

static void a_history_that_does_not_fit_the_machine_is_refused(void **state) {
  (void)state;
  chart c;
  chart_open(&c, REGIONS(DEEP("h")));
  chart_start(&c);
  assert_int_equal(WITH("p.h", NAME("p.a.a2"), NAME("p.b.b1")), FSM_OK);
  assert_int_equal(WITH("p.x", NAME("p.a.a2"), NAME("p.b.b1")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.a", NAME("p.a.a2"), NAME("p.b.b1")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("p.a.a2")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("p.a.a2"), NAME("p.a.a1"), NAME("p.b.b1")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("p.b.b1"), NAME("p.a.a2")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("p.a"), NAME("p.b")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("s")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", NAME("p.h")), FSM_EARGUMENT);
  assert_int_equal(WITH("p.h", {.type = FSM_INT, .i = 1}), FSM_EARGUMENT);
  assert_int_equal(step_with(&c, "p.h", 0, NULL), FSM_EARGUMENT);
  fsm_snapshot before = c.now;
  before.history = fsm_int(1);
  fsm_error err = {0};
  assert_int_equal(
      fsm_step(c.machine, &before, &(const fsm_event){.name = "X"}, &nobody, &c.arena, &c.last, &err),
      FSM_EARGUMENT);
  chart_close(&c);
}

static void a_shallow_record_is_of_children(void **state) {
  (void)state;
  chart c;
  chart_open(&c, RETURN(HISTORY("h")));
  chart_start(&c);
  assert_int_equal(WITH("c.h", NAME("c.d")), FSM_OK);
  assert_int_equal(WITH("c.h", NAME("c.d.e")), FSM_EARGUMENT);
  assert_int_equal(WITH("c.h", NAME("c.d"), NAME("c.g")), FSM_EARGUMENT);
  assert_int_equal(WITH("c.h", NAME("c.h")), FSM_EARGUMENT);
  chart_close(&c);
}

static void a_refusal_keeps_the_history(void **state) {
  (void)state;
  chart c;
  chart_open(&c, RETURN(HISTORY("h")));
  chart_start(&c);
  chart_send(&c, "X");
  assert_string_equal(chart_send(&c, "none"), "unknown_event\n");
  assert_int_equal(c.now.history.len, 1);
  assert_string_equal(chart_send(&c, "H"),
                      "external H: s -> c.d.e; exit s; enter c c.d c.d.e; log \"-s\"; log \"+e\"\n");
  assert_int_equal(c.now.history.len, 1);
  chart_close(&c);
}

/* XState makes the snapshot anew with every record, so that this goes round until it is stopped. */
static void a_record_that_was_made_anew_has_eventless_transitions_asked_again(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, STATE("m", FSM_PARALLEL,
                CHILDREN(COMPOUND("r", ON(ALWAYS("q")), CHILDREN(ATOMIC("a"), HISTORY("h"))), ATOMIC("q"))));
  assert_string_equal(chart_start(&c), "loop_limit\n");
  chart_close(&c);
}

static void the_exit_actions_of_the_end_see_the_event_that_led_there(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", .output = EXPR("event.type"), EXIT(LOG_EXPR("event.type")),
                          CHILDREN(ATOMIC("a", ON(GO("E", "z"))), FINAL("z"))));
  chart_start(&c);
  const char *text = chart_send(&c, "E");
  assert_non_null(strstr(text, "log \"E\""));
  assert_non_null(strstr(text, "done \"xstate.done.state"));
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_shallow_history_restores_the_child_only),
      cmocka_unit_test(a_deep_history_restores_the_leaf),
      cmocka_unit_test(without_a_record_the_default_is_entered_and_its_content_run),
      cmocka_unit_test(without_a_default_the_parents_initial_is_entered),
      cmocka_unit_test(default_content_runs_even_when_the_parent_is_not_entered),
      cmocka_unit_test(default_content_does_not_run_when_there_is_a_record),
      cmocka_unit_test(a_history_can_be_the_initial_state),
      cmocka_unit_test(a_deep_history_of_a_parallel_state_restores_each_region),
      cmocka_unit_test(a_shallow_history_of_a_parallel_state_restores_its_regions_by_default),
      cmocka_unit_test(the_default_of_a_parallel_states_history_is_all_of_it),
      cmocka_unit_test(from_inside_an_active_state_is_not_entered_twice),
      cmocka_unit_test(from_inside_without_a_record_the_default_decides_what_is_left),
      cmocka_unit_test(histories_record_before_the_first_exit_action),
      cmocka_unit_test(a_record_that_stays_the_same_is_no_change),
      cmocka_unit_test(a_record_that_was_made_anew_has_eventless_transitions_asked_again),
      cmocka_unit_test(the_exit_actions_of_the_end_see_the_event_that_led_there),
      cmocka_unit_test(a_history_target_among_several),
      cmocka_unit_test(a_default_that_is_reached_from_its_region_leaves_the_others_alone),
      cmocka_unit_test(a_history_that_does_not_fit_the_machine_is_refused),
      cmocka_unit_test(a_shallow_record_is_of_children),
      cmocka_unit_test(a_refusal_keeps_the_history),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
