/* Faults: of actions, of guards, of memory. */
#include "counting.h"

static void a_fault_in_an_action_skips_the_rest_of_its_block_only(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m",
                          CHILDREN(ATOMIC("a", EXIT(LOG("1"), LOG_EXPR("context.missing"), LOG("never")),
                                          ON(GO("GO", "b", DO(LOG("2"))))),
                                   ATOMIC("b", ENTRY(LOG("3")))),
                          ON(STAY("error.execution"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: a -> b; exit a; enter b; log \"1\"; log \"2\"; log \"3\"\n"
                      "raised error.execution: b -> b\n");
  chart_close(&c);
}

static void error_execution_says_where_and_what(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(LOG_EXPR("context.missing"))),
                                STAY("error.execution",
                                     DO(LOG_EXPR("event.error.message.startsWith('/log: ') && event.data == "
                                                 "event.error && !has(event.message)"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root)\nraised error.execution: (root) -> (root); log true\n");
  assert_int_equal(c.last.outcome, FSM_OK);
  assert_null(c.last.unhandled);
  chart_close(&c);
}

static void an_error_that_nothing_takes_is_told_and_the_step_stands(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", DO(LOG_EXPR("context.missing"))))),
                                        ATOMIC("b"))));
  chart_start(&c);
  const char *text = chart_send(&c, "GO");
  assert_non_null(
      strstr(text, "external GO: a -> b; exit a; enter b\nexpression\nunhandled error.execution: /log: "));
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_int_equal(c.last.microstep_count, 1);
  assert_true(fsm_config_has(c.now.config, 2));
  chart_close(&c);
}

static void an_error_in_the_last_microstep_is_told_although_the_machine_ended(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "f"))),
                                        FINAL("f", ENTRY(LOG_EXPR("context.missing"))))));
  chart_start(&c);
  chart_send(&c, "GO");
  assert_true(c.now.done);
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_string_equal(c.last.unhandled, "error.execution");
  chart_close(&c);
}

static void a_guard_fault_is_false_and_raises_error_execution(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", .guard = "context.missing > 1", DO(LOG("no"))),
                                STAY("GO", DO(LOG("second"))), STAY("error.execution", DO(LOG("error"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root); log \"second\"\n"
                      "raised error.execution: (root) -> (root); log \"error\"\n");
  chart_close(&c);
}

static void a_guard_that_is_no_boolean_is_a_fault(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", .guard = "input"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_string_equal(c.last.candidates[0].fault, "a guard is true or false, not null");
  chart_close(&c);
}

static void a_faulty_guard_on_an_error_event_does_not_feed_itself(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(LOG_EXPR("context.missing"))),
                                STAY("error.execution", .guard = "context.missing"))));
  chart_start(&c);
  chart_send(&c, "GO");
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_int_equal(c.last.microstep_count, 1);
  chart_close(&c);
}

static void a_faulty_eventless_guard_is_told_once(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b"))),
                                        ATOMIC("b", ON(ALWAYS("a", .guard = "context.missing"))))));
  chart_start(&c);
  chart_send(&c, "GO");
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_int_equal(c.last.microstep_count, 1);
  chart_close(&c);
}

static void an_external_event_whose_only_guard_faults_is_refused(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", .guard = "event.amount < 10"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_null(c.last.unhandled);
  assert_non_null(c.last.candidates[0].fault);
  chart_send_event(&c, (fsm_event){.name = "GO", .cause = FSM_CAUSE_TIMER});
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION); /* nobody would hear a refused timer */
  assert_int_equal(c.last.microstep_count, 0);
  chart_close(&c);
}

static void the_context_cannot_grow_past_its_bound(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c, ATOMIC("m", ON(STAY("GO", DO(LOG("first"), ASSIGN("n", "context.n + 'x'"))))),
                  LITERAL({.type = FSM_MAP}));
  chart_start(&c);
  enum { KEY = 5 + 1, HEAD = 5 }; /* the estimate: heads of 5 bytes, then the bytes */
  static char big[FSM_CONTEXT_BYTES_MAX];
  memset(big, 'x', sizeof big);
  size_t fits = FSM_CONTEXT_BYTES_MAX - HEAD - KEY - HEAD - 1; /* before the x */
  for (size_t extra = 0; extra < 2; extra++) {
    fsm_pair pair = {fsm_string("n"), fsm_stringn(big, fits + extra)};
    c.now.context = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
    chart_send(&c, "GO");
    assert_int_equal(c.last.outcome, extra ? FSM_ETOOLARGE : FSM_OK);
    assert_int_equal(c.last.microstep_count, extra ? 0 : 1);
    if (extra) assert_int_equal(fsm_map_get(&c.now.context, "n")->len, fits + 1);
  }
  chart_close(&c);
}

static void running_out_of_memory_is_a_fault_of_the_call(void **state) {
  (void)state;
  chart c;
  open_counting(&c, "context.n > 0 && context.n < 100");
  chart_start(&c);
  fsm_event event = {.name = "GO"};
  bool finished = false;
  for (size_t limit = 16; !finished; limit += limit / 3 + 16) {
    fsm_arena small;
    fsm_arena_init(&small, limit);
    fsm_step_result out = {0};
    fsm_error err = {0};
    fsm_code code = fsm_step(c.machine, &c.now, &event, &nobody, &small, &out, &err);
    if (code == FSM_OK) {
      assert_int_equal(out.microstep_count, 100);
      finished = true;
    } else {
      assert_int_equal(code, FSM_ENOMEM);
      assert_int_equal(err.code, FSM_ENOMEM);
    }
    fsm_arena_free(&small);
  }
  chart_close(&c);
}

static void start_refusal_and_enabled_fail_cleanly_without_memory(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c, ATOMIC("m", ENTRY(LOG_EXPR("context.n")), ON(STAY("GO", .guard = "context.n > 2"))),
                  EXPR("{'n': 1}"));
  chart_start(&c);
  fsm_event event = {.name = "GO"};
  unsigned failed = 0, fine = 0;
  for (size_t limit = 16; limit < 8192; limit += 16) {
    const fsm_enabled_event *list = NULL;
    unsigned count = 0;
    fsm_arena small;
    fsm_arena_init(&small, limit);
    fsm_step_result out = {0};
    fsm_code start = fsm_start(c.machine, NULL, &nobody, &small, &out, NULL);
    if (start == FSM_OK) assert_int_equal(out.outcome, FSM_OK);
    fsm_arena_reset(&small);
    fsm_code step = fsm_step(c.machine, &c.now, &event, &nobody, &small, &out, NULL);
    if (step == FSM_OK) assert_int_equal(out.candidate_count, 1);
    fsm_arena_reset(&small);
    fsm_code enabled = fsm_enabled(c.machine, &c.now, &nobody, &small, &list, &count, NULL);
    if (enabled == FSM_OK) assert_int_equal(count, 1);
    fsm_arena_free(&small);
    assert_true((start == FSM_OK || start == FSM_ENOMEM) && (step == FSM_OK || step == FSM_ENOMEM) &&
                (enabled == FSM_OK || enabled == FSM_ENOMEM));
    failed += (start != FSM_OK) + (step != FSM_OK) + (enabled != FSM_OK);
    fine += start == FSM_OK && step == FSM_OK && enabled == FSM_OK;
  }
  assert_true(failed > 0 && fine > 0);
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fault_in_an_action_skips_the_rest_of_its_block_only),
      cmocka_unit_test(error_execution_says_where_and_what),
      cmocka_unit_test(an_error_that_nothing_takes_is_told_and_the_step_stands),
      cmocka_unit_test(an_error_in_the_last_microstep_is_told_although_the_machine_ended),
      cmocka_unit_test(a_guard_fault_is_false_and_raises_error_execution),
      cmocka_unit_test(a_guard_that_is_no_boolean_is_a_fault),
      cmocka_unit_test(a_faulty_guard_on_an_error_event_does_not_feed_itself),
      cmocka_unit_test(a_faulty_eventless_guard_is_told_once),
      cmocka_unit_test(an_external_event_whose_only_guard_faults_is_refused),
      cmocka_unit_test(the_context_cannot_grow_past_its_bound),
      cmocka_unit_test(running_out_of_memory_is_a_fault_of_the_call),
      cmocka_unit_test(start_refusal_and_enabled_fail_cleanly_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
