/* Actions and effects: every kind, their order, timers and tasks over a state's life. */
#include "chart.h"

/* ---- the kinds --------------------------------------------------------------------------------- */

static void assign_lays_a_map_over_the_context_one_level(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      ATOMIC("m", ON(STAY("ONE", DO(ASSIGN("a", "{'x': 1}"))), STAY("TWO", DO(ASSIGN("a", "{'y': 2}"))),
                     STAY("THREE", DO(ASSIGN("b", "context.a.y + 1"), ASSIGN("c", "context.b"))))),
      LITERAL({.type = FSM_MAP}));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "ONE"), "external ONE: (root) -> (root); context {a: {x: 1}}\n");
  assert_string_equal(chart_send(&c, "TWO"), "external TWO: (root) -> (root); context {a: {y: 2}}\n");
  assert_string_equal(chart_send(&c, "THREE"),
                      "external THREE: (root) -> (root); context {a: {y: 2}, b: 3, c: 3}\n");
  chart_close(&c);
}

static void all_fields_of_one_assign_read_the_context_before_it(void **state) {
  (void)state;
  chart c;
  const fsm_def_value items[] = {{.form = FSM_DEF_EXPR, .expr = "context.a"},
                                 {.form = FSM_DEF_EXPR, .expr = "context.b"}};
  const fsm_def_value swap = {.form = FSM_DEF_MAP, .count = 2, .keys = TEXTS("b", "a"), .items = items};
  chart_open_with(&c, ATOMIC("m", ON(STAY("SWAP", DO({.kind = FSM_ACTION_ASSIGN, .value = &swap})))),
                  EXPR("{'a': 1, 'b': 2}"));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "SWAP"), "external SWAP: (root) -> (root); context {a: 2, b: 1}\n");
  chart_close(&c);
}

static void assign_takes_a_map_from_an_expression_and_nothing_else(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("MAP", DO({.kind = FSM_ACTION_ASSIGN, .value = EXPR("{'a': 1}")})),
                                STAY("LIST", DO({.kind = FSM_ACTION_ASSIGN, .value = EXPR("[1]")})))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "MAP"), "external MAP: (root) -> (root); context {a: 1}\n");
  assert_string_equal(chart_send(&c, "LIST"),
                      "external LIST: (root) -> (root)\n"
                      "expression\n"
                      "unhandled error.execution: assign needs a map of context fields, not list\n");
  chart_close(&c);
}

static void raise_gives_its_data_to_the_event(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("R", .value = FIELD("n", "1 + 1")))),
                                STAY("R", DO(LOG_EXPR("event.n + event.data.n"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root)\nraised R: (root) -> (root); log 4\n");
  assert_int_equal(fsm_map_get(&c.last.microsteps[1].data, "n")->i, 2);
  chart_close(&c);
}

static void a_delayed_raise_is_a_timer_whose_id_only_grows(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("R", .delay = INT(10)),
                                              RAISE("R", .id = "mine", .delay = EXPR("2.5"), .value = INT(7)),
                                              RAISE("R", .delay = INT(0)))),
                                STAY("STOP", DO(CANCEL("mine"))), STAY("R"))));
  chart_start(&c);
  assert_string_equal(
      chart_send(&c, "GO"),
      "external GO: (root) -> (root); timer+ send.1 R 10ms; timer+ mine R 2.5ms 7; timer+ send.2 R 0ms\n");
  assert_int_equal(c.now.counter, 2);
  assert_string_equal(
      chart_send(&c, "GO"),
      "external GO: (root) -> (root); timer+ send.3 R 10ms; timer+ mine R 2.5ms 7; timer+ send.4 R 0ms\n");
  assert_string_equal(chart_send(&c, "STOP"), "external STOP: (root) -> (root); timer- mine\n");
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = "R", .cause = FSM_CAUSE_TIMER}),
                      "timer R: (root) -> (root)\n");
  chart_close(&c);
}

static void a_timer_set_and_cancelled_in_one_macrostep_is_two_effects_in_order(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("R", .id = "t", .delay = INT(1)), CANCEL("t"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "external GO: (root) -> (root); timer+ t R 1ms; timer- t\n");
  chart_close(&c);
}

static void a_delay_that_is_no_delay_is_a_fault(void **state) {
  (void)state;
  static const char *const faults[][2] = {
      {"-1", "/raise: a delay is 0 to 3155760000000 milliseconds"},
      {"3155760000001", "/raise: a delay is 0 to 3155760000000 milliseconds"},
      {"-0.5", "/raise: a delay is 0 to 3155760000000 milliseconds"},
      {"'soon'", "/raise: a delay as text is like \"1.5s\" or \"200ms\", not \"soon\""},
  };
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    chart c;
    chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("R", .delay = EXPR(faults[i][0])), LOG("never"))))));
    chart_start(&c);
    chart_send(&c, "GO");
    assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
    assert_string_equal(c.last.unhandled_text, faults[i][1]);
    assert_int_equal(c.last.microsteps[0].effect_count, 0);
    chart_close(&c);
  }
}

static void the_longest_delay_is_accepted(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(RAISE("R", .id = "t", .delay = INT(FSM_DELAY_MS_MAX)))))));
  chart_start(&c);
  chart_send(&c, "GO");
  assert_int_equal(c.last.microsteps[0].effects[0].delay_ns, FSM_DELAY_MS_MAX * 1000000);
  chart_close(&c);
}

static void log_and_emit_are_effects_with_their_values(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(LOG_EXPR("[event.name, 1]"),
                                              EMIT("OUT", .value = FIELD("n", "2")), EMIT("BARE"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root); log [\"GO\", 1]; emit OUT {n: 2}; emit BARE null\n");
  chart_close(&c);
}

static void data_that_leaves_the_step_has_the_bound_of_an_event(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO(EMIT("OUT", .value = EXPR("context.s")))))));
  chart_start(&c);
  static char big[FSM_EVENT_BYTES_MAX];
  for (size_t extra = 0; extra < 2; extra++) {
    fsm_pair pair = {fsm_string("s"), fsm_stringn(big, FSM_EVENT_BYTES_MAX - 5 + extra)};
    c.now.context = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
    chart_send(&c, "GO");
    assert_int_equal(c.last.outcome, extra ? FSM_EEXPRESSION : FSM_OK);
    assert_int_equal(c.last.microsteps[0].effect_count, extra ? 0 : 1);
  }
  chart_close(&c);
}

static void literal_maps_and_lists_with_expressions_in_them_keep_their_shape(void **state) {
  (void)state;
  chart c;
  const fsm_def_value list[] = {{.form = FSM_DEF_LITERAL, .literal = {.type = FSM_INT, .i = 1}},
                                {.form = FSM_DEF_EXPR, .expr = "1 + 1"}};
  const fsm_def_value constants[] = {{.form = FSM_DEF_LITERAL, .literal = {.type = FSM_BOOL, .b = true}}};
  const fsm_def_value items[] = {{.form = FSM_DEF_LIST, .count = 2, .items = list},
                                 {.form = FSM_DEF_MAP},
                                 {.form = FSM_DEF_LIST, .count = 1, .items = constants}};
  const fsm_def_value tree = {.form = FSM_DEF_MAP, .count = 3, .keys = TEXTS("z", "a", "m"), .items = items};
  chart_open(&c, ATOMIC("m", ON(STAY("GO", DO({.kind = FSM_ACTION_LOG, .value = &tree})))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: (root) -> (root); log {a: {}, m: [true], z: [1, 2]}\n");
  chart_close(&c);
}

/* ---- after ------------------------------------------------------------------------------------- */

#define AFTER_A "xstate.after.5.a"

static void a_timer_is_set_on_entry_and_cancelled_on_exit(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(LOG("+a")), EXIT(LOG("-a")),
                                    AFTERS({.event = AFTER_A, .delay = INT(5)}),
                                    ON(GO(AFTER_A, "b"), GO("GO", "b"), REENTER("AGAIN", "a"), STAY("STAY"))),
                             ATOMIC("b", ON(GO("BACK", "a"))))));
  assert_string_equal(chart_start(&c),
                      "external: -> a; enter (root) a; log \"+a\"; timer+ " AFTER_A " " AFTER_A " 5ms\n");
  assert_string_equal(chart_send(&c, "STAY"), "external STAY: a -> a\n");
  assert_string_equal(chart_send(&c, "AGAIN"),
                      "external AGAIN: a -> a; exit a; enter a; log \"-a\"; timer- " AFTER_A
                      "; log \"+a\"; timer+ " AFTER_A " " AFTER_A " 5ms\n");
  assert_string_equal(chart_send(&c, "GO"),
                      "external GO: a -> b; exit a; enter b; log \"-a\"; timer- " AFTER_A "\n");
  chart_close(&c);
}

static void a_timer_that_fired_is_not_cancelled(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a",
                                               AFTERS({.event = AFTER_A, .delay = INT(5)},
                                                      {.event = "xstate.after.9.a", .delay = INT(9)}),
                                               ON(GO(AFTER_A, "b"))),
                                        ATOMIC("b"))));
  chart_start(&c);
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = AFTER_A, .cause = FSM_CAUSE_TIMER}),
                      "timer " AFTER_A ": a -> b; exit a; enter b; timer- xstate.after.9.a\n");
  chart_close(&c);
}

static void a_timer_set_anew_in_the_macrostep_it_fired_in_is_cancelled(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(ATOMIC("a", AFTERS({.event = AFTER_A, .delay = EXPR("context.wait")}),
                                    ON(REENTER(AFTER_A, "a", DO(ASSIGN("wait", "7"))),
                                       ALWAYS("b", .guard = "context.wait == 7"))),
                             ATOMIC("b"))),
      EXPR("{'wait': 5}"));
  chart_start(&c);
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = AFTER_A, .cause = FSM_CAUSE_TIMER}),
                      "timer " AFTER_A ": a -> a; exit a; enter a; timer+ " AFTER_A " " AFTER_A
                      " 7ms; context {wait: 7}\n"
                      "always: a -> b; exit a; enter b; timer- " AFTER_A "\n");
  chart_close(&c);
}

static void a_faulty_delay_on_entry_sets_no_timer_and_is_told(void **state) {
  (void)state;
  chart c;
  chart_open(&c,
             COMPOUND("m", CHILDREN(ATOMIC(
                               "a", AFTERS({.event = AFTER_A, .delay = EXPR("context.no"), .where = "/after"},
                                           {.event = "xstate.after.9.a", .delay = INT(9)})))));
  chart_start(&c);
  assert_int_equal(c.last.outcome, FSM_EEXPRESSION);
  assert_true(strncmp(c.last.unhandled_text, "/after: ", 8) == 0);
  assert_int_equal(c.last.microsteps[0].effect_count, 1);
  assert_string_equal(c.last.microsteps[0].effects[0].id, "xstate.after.9.a");
  chart_close(&c);
}

/* ---- invoke ------------------------------------------------------------------------------------ */

#define TASK_DONE "xstate.done.actor.job"
#define TASK_ERROR "xstate.error.actor.job"

static void open_worker(chart *c) {
  chart_open_with(
      c,
      COMPOUND("m",
               CHILDREN(ATOMIC("idle", ON(GO("GO", "work"), GO("THROUGH", "pass"))),
                        ATOMIC("work", ENTRY(LOG("+work")),
                               INVOKES({.id = "job", .src = "submit", .input = FIELD("doc", "event.doc")},
                                       {.id = "watch", .src = "w"}),
                               ON(GO(TASK_DONE, "good", DO(ASSIGN("id", "event.output.id"))),
                                  GO(TASK_ERROR, "bad", DO(ASSIGN("why", "event.error.message"))),
                                  GO("STOP", "idle"), REENTER("AGAIN", "work"))),
                        ATOMIC("pass", INVOKES({.id = "never", .src = "n"}), ON(ALWAYS("idle"))),
                        ATOMIC("good"), ATOMIC("bad"))),
      EXPR("{'id': 0}"));
}

static const char *send_go(chart *c, const char *name) {
  static fsm_pair pair[1];
  pair[0] = (fsm_pair){fsm_string("doc"), fsm_string("d1")};
  return chart_send_event(c, (fsm_event){.name = name, .data = {.type = FSM_MAP, .len = 1, .pairs = pair}});
}

static void a_task_is_opened_with_its_input_as_the_last_effect_of_the_entry(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  assert_string_equal(send_go(&c, "GO"),
                      "external GO: idle -> work; exit idle; enter work; log \"+work\"; task+ job {doc: "
                      "\"d1\"}; task+ watch null\n");
  const fsm_effect *open = &c.last.microsteps[0].effects[1];
  assert_string_equal(fsm_invoke_src(c.machine, open->invoke), "submit");
  chart_close(&c);
}

static void an_open_task_is_cancelled_when_its_state_is_left(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  send_go(&c, "GO");
  assert_string_equal(chart_send(&c, "STOP"),
                      "external STOP: work -> idle; exit work; enter idle; task- job; task- watch\n");
  chart_close(&c);
}

static void reentering_cancels_the_task_and_opens_it_again(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  send_go(&c, "GO");
  assert_string_equal(
      send_go(&c, "AGAIN"),
      "external AGAIN: work -> work; exit work; enter work; task- job; task- watch; log \"+work\"; "
      "task+ job {doc: \"d1\"}; task+ watch null\n");
  chart_close(&c);
}

static void a_task_is_cancelled_once_however_often_its_state_is_left(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(RAISE("NEXT")), INVOKES({.id = "job", .src = "s"}),
                                    ON(REENTER("AGAIN", "a"),
                                       GO("NEXT", "b", .guard = "event.name == 'NEXT' && context.n == 1"))),
                             ATOMIC("b"))),
      EXPR("{'n': 0}"));
  chart_start(&c);
  fsm_pair pair = {fsm_string("n"), fsm_int(1)};
  c.now.context = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(
      chart_send(&c, "AGAIN"),
      "external AGAIN: a -> a; exit a; enter a; task- job\nraised NEXT: a -> b; exit a; enter b\n");
  chart_close(&c);
}

static void a_state_passed_through_opens_no_task(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "THROUGH"),
                      "external THROUGH: idle -> pass; exit idle; enter pass\n"
                      "always: pass -> idle; exit pass; enter idle\n");
  chart_close(&c);
}

static void a_task_opens_in_the_microstep_that_entered_its_state_last(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES({.id = "job", .src = "s", .input = EXPR("context.n")}),
                                    ON(REENTER("AGAIN", "a", .guard = "context.n == 0", DO(ASSIGN("n", "1"))),
                                       STAY("LAST"))))),
      EXPR("{'n': 0}"));
  assert_string_equal(chart_start(&c), "external: -> a; enter (root) a; task+ job 0\n");
  chart_close(&c);

  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(RAISE("AGAIN"), RAISE("LAST")),
                                    INVOKES({.id = "job", .src = "s", .input = EXPR("context.n")}),
                                    ON(REENTER("AGAIN", "a", .guard = "context.n == 0", DO(ASSIGN("n", "1"))),
                                       STAY("LAST"))))),
      EXPR("{'n': 0}"));
  assert_string_equal(chart_start(&c),
                      "external: -> a; enter (root) a\n"
                      "raised AGAIN: a -> a; exit a; enter a; task+ job 1; context {n: 1}\n"
                      "raised LAST: a -> a\n"
                      "raised LAST: a -> a\n");
  chart_close(&c);
}

static void an_answer_is_seen_as_output_and_its_task_is_not_cancelled(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  send_go(&c, "GO");
  fsm_pair pair = {fsm_string("id"), fsm_int(42)};
  fsm_value output = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(
      chart_send_event(&c, (fsm_event){.name = TASK_DONE, .data = output, .cause = FSM_CAUSE_TASK}),
      "task " TASK_DONE ": work -> good; exit work; enter good; task- watch; context {id: 42}\n");
  chart_close(&c);
}

static void a_failure_is_seen_as_error(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  send_go(&c, "GO");
  fsm_pair pair = {fsm_string("message"), fsm_string("no route")};
  fsm_value error = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(
      chart_send_event(&c, (fsm_event){.name = TASK_ERROR, .data = error, .cause = FSM_CAUSE_TASK}),
      "task " TASK_ERROR
      ": work -> bad; exit work; enter bad; task- watch; context {id: 0, why: \"no route\"}\n");
  chart_close(&c);
}

static void a_failure_that_nothing_takes_is_told_and_changes_nothing(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", INVOKES({.id = "job", .src = "s"})));
  chart_start(&c);
  fsm_pair pair = {fsm_string("message"), fsm_string("no route")};
  fsm_value error = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(
      chart_send_event(&c, (fsm_event){.name = TASK_ERROR, .data = error, .cause = FSM_CAUSE_TASK}),
      "expression\nunhandled " TASK_ERROR ": no route\n");
  assert_true(fsm_config_has(c.now.config, 0));
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = TASK_DONE, .cause = FSM_CAUSE_TASK}),
                      "no_transition\n");
  chart_close(&c);
}

static void a_faulty_input_opens_no_task_and_is_told(void **state) {
  (void)state;
  chart c;
  open_worker(&c);
  chart_start(&c);
  assert_non_null(strstr(chart_send(&c, "GO"),
                         "log \"+work\"; task+ watch null\nexpression\nunhandled error.execution: "));
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(assign_lays_a_map_over_the_context_one_level),
      cmocka_unit_test(all_fields_of_one_assign_read_the_context_before_it),
      cmocka_unit_test(assign_takes_a_map_from_an_expression_and_nothing_else),
      cmocka_unit_test(raise_gives_its_data_to_the_event),
      cmocka_unit_test(a_delayed_raise_is_a_timer_whose_id_only_grows),
      cmocka_unit_test(a_timer_set_and_cancelled_in_one_macrostep_is_two_effects_in_order),
      cmocka_unit_test(a_delay_that_is_no_delay_is_a_fault),
      cmocka_unit_test(the_longest_delay_is_accepted),
      cmocka_unit_test(log_and_emit_are_effects_with_their_values),
      cmocka_unit_test(data_that_leaves_the_step_has_the_bound_of_an_event),
      cmocka_unit_test(literal_maps_and_lists_with_expressions_in_them_keep_their_shape),
      cmocka_unit_test(a_timer_is_set_on_entry_and_cancelled_on_exit),
      cmocka_unit_test(a_timer_that_fired_is_not_cancelled),
      cmocka_unit_test(a_timer_set_anew_in_the_macrostep_it_fired_in_is_cancelled),
      cmocka_unit_test(a_faulty_delay_on_entry_sets_no_timer_and_is_told),
      cmocka_unit_test(a_task_is_opened_with_its_input_as_the_last_effect_of_the_entry),
      cmocka_unit_test(an_open_task_is_cancelled_when_its_state_is_left),
      cmocka_unit_test(reentering_cancels_the_task_and_opens_it_again),
      cmocka_unit_test(a_task_is_cancelled_once_however_often_its_state_is_left),
      cmocka_unit_test(a_state_passed_through_opens_no_task),
      cmocka_unit_test(a_task_opens_in_the_microstep_that_entered_its_state_last),
      cmocka_unit_test(an_answer_is_seen_as_output_and_its_task_is_not_cancelled),
      cmocka_unit_test(a_failure_is_seen_as_error),
      cmocka_unit_test(a_failure_that_nothing_takes_is_told_and_changes_nothing),
      cmocka_unit_test(a_faulty_input_opens_no_task_and_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
