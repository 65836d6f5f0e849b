/* A configuration that is set from outside: what hangs on its states follows, and nothing else runs. */
#include "tests/chart.h"

#define LOUD(n, ...) ATOMIC(n, ENTRY(LOG("+" n)), EXIT(LOG("-" n)), __VA_ARGS__)
#define AFTER(path) \
  { .event = "xstate.after.10." path, .delay = INT(10), .where = "/after" }
#define JOB(name) \
  { .id = (name), .src = "svc", .input = EXPR("context.n"), .where = "/invoke" }

/* The line of a force to these leaves. */
static const char *force(chart *c, const char *const *leaves, unsigned count) {
  uint16_t states[8];
  uint64_t config[4];
  fsm_error err = {0};
  for (unsigned i = 0; i < count; i++)
    states[i] = (uint16_t)fsm_state_find(c->machine, leaves[i], strlen(leaves[i]));
  assert_true(fsm_config_from_leaves(c->machine, states, count, config));
  if (fsm_force(c->machine, &c->now, config, &nobody, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  if (c->last.outcome == FSM_OK) c->now = c->last.next;
  return chart_text(c);
}
#define FORCE(...) force(&c, TEXTS(__VA_ARGS__), COUNT_OF(const char *, __VA_ARGS__))

static const fsm_def_value *with_n(void) {
  static const fsm_def_value one = {.form = FSM_DEF_LITERAL, .literal = {.type = FSM_INT, .i = 7}};
  static const char *const keys[] = {"n"};
  static const fsm_def_value map = {.form = FSM_DEF_MAP, .count = 1, .keys = keys, .items = &one};
  return &map;
}

static void timers_and_tasks_follow_and_no_action_runs(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(LOUD("a", AFTERS(AFTER("a")), INVOKES(JOB("ja"))),
                             COMPOUND("b", ENTRY(LOG("+b")), INITIALLY(LOG("b!")), AFTERS(AFTER("b")),
                                      CHILDREN(LOUD("x"), LOUD("y", INVOKES(JOB("jy"))))))),
      with_n());
  chart_start(&c);
  assert_string_equal(FORCE("b.y"),
                      "admin: a -> b.y; exit a; enter b b.y; timer- xstate.after.10.a; task- ja; timer+ "
                      "xstate.after.10.b xstate.after.10.b 10ms; task+ jy 7\n");
  /* b is in both and keeps its timer */
  assert_string_equal(FORCE("b.x"), "admin: b.y -> b.x; exit b.y; enter b.x; task- jy\n");
  assert_string_equal(FORCE("b.x"), "");
  assert_true(c.last.outcome == FSM_OK && fsm_config_legal(c.machine, c.last.next.config));
  chart_close(&c);
}

static void histories_stay_and_eventless_transitions_wait(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(COMPOUND("a", ON(GO("OUT", "z")),
                                                 CHILDREN(ATOMIC("p"), ATOMIC("q"), HISTORY("h"))),
                                        ATOMIC("z", ON(GO("BACK", "a.h"))), ATOMIC("w", ON(ALWAYS("z"))))));
  chart_start(&c);
  chart_send(&c, "OUT");
  assert_string_equal(FORCE("a.q"), "admin: z -> a.q; exit z; enter a a.q\n");
  assert_string_equal(FORCE("w"), "admin: a.q -> w; exit a.q a; enter w\n"); /* and not on to z */
  assert_string_equal(FORCE("z"), "admin: w -> z; exit w; enter z\n");
  assert_string_equal(chart_send(&c, "BACK"), "external BACK: z -> a.p; exit z; enter a a.p\n");
  chart_close(&c);
}

static void all_regions_of_a_parallel_state_are_set(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(ATOMIC("a"),
                                 PARALLEL("p", CHILDREN(COMPOUND("l", CHILDREN(ATOMIC("1"), ATOMIC("2"))),
                                                        COMPOUND("r", CHILDREN(ATOMIC("3"), FINAL("4"))))))));
  chart_start(&c);
  assert_string_equal(FORCE("p.l.2", "p.r.4"),
                      "admin: a -> p.l.2 p.r.4; exit a; enter p p.l p.l.2 p.r p.r.4\n"); /* no done event */
  assert_false(c.now.done);
  chart_close(&c);
}

static void a_final_state_of_the_root_ends_the_machine(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(LOUD("a"), FINAL("z", .output = INT(1)))));
  chart_start(&c);
  assert_string_equal(FORCE("z"), "admin: a -> z; exit a; enter z\ndone null\n");
  assert_string_equal(FORCE("a"), "completed\n");
  chart_close(&c);
}

static void a_parallel_root_ends_when_all_regions_are_final(void **state) {
  (void)state;
  chart c;
  chart_open(&c, PARALLEL("m", CHILDREN(COMPOUND("l", CHILDREN(ATOMIC("1"), FINAL("2"))),
                                        COMPOUND("r", CHILDREN(ATOMIC("3"), FINAL("4"))))));
  chart_start(&c);
  assert_string_equal(FORCE("l.2", "r.3"), "admin: l.1 r.3 -> l.2 r.3; exit l.1; enter l.2\n");
  assert_string_equal(FORCE("l.2", "r.4"), "admin: l.2 r.3 -> l.2 r.4; exit r.3; enter r.4\ndone null\n");
  chart_close(&c);
}

static void what_cannot_be_evaluated_is_told(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a"), ATOMIC("b", INVOKES(JOB("j"))))));
  chart_start(&c);
  FORCE("b"); /* there is no context.n */
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_non_null(strstr(c.last.unhandled_text, "n"));
  chart_close(&c);
}

static void scxml_makes_the_ids_of_its_invokes(void **state) {
  (void)state;
  chart c;
  chart_open_scxml(&c, COMPOUND("m", CHILDREN(ATOMIC("a"), ATOMIC("b", INVOKES({.src = "svc"})))));
  chart_start(&c);
  assert_string_equal(FORCE("b"),
                      "admin: a -> b; exit a; enter b; task+ b.1 null; history {#invoked: {b.1: 0}}\n");
  assert_string_equal(FORCE("a"), "admin: b -> a; exit b; enter a; task- b.1; history null\n");
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timers_and_tasks_follow_and_no_action_runs),
      cmocka_unit_test(histories_stay_and_eventless_transitions_wait),
      cmocka_unit_test(all_regions_of_a_parallel_state_are_set),
      cmocka_unit_test(a_final_state_of_the_root_ends_the_machine),
      cmocka_unit_test(a_parallel_root_ends_when_all_regions_are_final),
      cmocka_unit_test(what_cannot_be_evaluated_is_told),
      cmocka_unit_test(scxml_makes_the_ids_of_its_invokes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
