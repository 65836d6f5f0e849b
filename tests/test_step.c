/* The step: order of exits, actions and entries, queues, completion, faults, refusals. */
#include "chart.h"

static const fsm_pair zero_pair[] = {{{.type = FSM_STRING, .len = 1, .s = "n"}, {.type = FSM_INT, .i = 0}}};
static const fsm_def_value zero = {.form = FSM_DEF_LITERAL,
                                   .literal = {.type = FSM_MAP, .len = 1, .pairs = zero_pair}};

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

/* ---- the macrostep ----------------------------------------------------------------------------- */

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

/* GO counts once; then it counts by itself while the guard holds. */
static void open_counting(chart *c, const char *guard) {
  chart_open_with(c,
                  ATOMIC("m", ON(STAY("GO", DO(ASSIGN("n", "context.n + 1"))),
                                 ALWAYS_STAY(.guard = guard, DO(ASSIGN("n", "context.n + 1"))))),
                  &zero);
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

/* ---- faults ------------------------------------------------------------------------------------ */

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

/* ---- what is given and what is refused --------------------------------------------------------- */

static void an_event_shows_its_data_at_the_top_too_but_not_over_its_own_names(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c,
      ATOMIC("m",
             ON(STAY("GO",
                     DO(LOG_EXPR(
                         "[event.name, event.type, event.reason, event.data.reason, event.data.type]"))))));
  chart_start(&c);
  fsm_pair pairs[] = {{fsm_string("reason"), fsm_string("r")}, {fsm_string("type"), fsm_string("t")}};
  fsm_value data = {.type = FSM_MAP, .len = 2, .pairs = pairs};
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = "GO", .data = data}),
                      "external GO: (root) -> (root); log [\"GO\", \"GO\", \"r\", \"r\", \"t\"]\n");
  assert_true(fsm_value_same(&c.last.microsteps[0].data, &data));
  chart_close(&c);
}

static void the_start_shows_its_input_to_context_and_entry(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c, ATOMIC("m", ENTRY(LOG_EXPR("event.name + event.data.who"))), FIELD("who", "input.who"));
  fsm_pair pair = {fsm_string("who"), fsm_string("ada")};
  fsm_value input = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_string_equal(chart_start_with(&c, &input),
                      "external: -> (root); enter (root); log \"xstate.initada\"\n");
  assert_true(fsm_is_text(fsm_map_get(&c.now.context, "who"), "ada"));
  chart_close(&c);
}

static void a_start_whose_context_cannot_be_made_is_an_error(void **state) {
  (void)state;
  chart c;
  fsm_error err = {0};
  chart_open_with(&c, ATOMIC("m"), FIELD("who", "input.who"));
  assert_int_equal(fsm_start(c.machine, NULL, &nobody, &c.arena, &c.last, &err), FSM_EEXPRESSION);
  assert_true(err.text[0] != '\0');
  chart_close(&c);

  chart_open_with(&c, ATOMIC("m"), EXPR("[1]"));
  assert_int_equal(fsm_start(c.machine, NULL, &nobody, &c.arena, &c.last, &err), FSM_EEXPRESSION);
  assert_string_equal(err.text, "the initial context is a map, not list");
  chart_close(&c);
}

static void actor_now_and_in_are_seen(void **state) {
  (void)state;
  chart c;
  chart_open(
      &c, COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("x")))),
                   ON(STAY("GO", .guard = "actor.sub == 'ada' && In('a.x') && !In('a.y')", DO(LOG("ok"))))));
  chart_start(&c);
  fsm_pair pair = {fsm_string("sub"), fsm_string("ada")};
  fsm_value actor = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_event event = {.name = "GO"};
  assert_int_equal(
      fsm_step(c.machine, &c.now, &event, &(fsm_world){.actor = &actor, .now_ns = 5}, &c.arena, &c.last, NULL), FSM_OK);
  assert_string_equal(chart_text(&c), "external GO: a.x -> a.x; log \"ok\"\n");
  chart_close(&c);
}

static void a_refusal_says_which_guard_and_what_it_saw(void **state) {
  (void)state;
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m",
               CHILDREN(ATOMIC(
                   "a", ON(STAY("GO", .guard = "context.n > 2", .guard_name = "enough"), STAY("OTHER")))),
               ON(STAY("GO", .guard = "false"))),
      &zero);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_int_equal(c.last.candidate_count, 2);
  const fsm_candidate *first = &c.last.candidates[0];
  assert_int_equal(first->transition, 1); /* the innermost state is asked first */
  assert_int_equal(first->source, 1);
  assert_string_equal(first->guard, "context.n > 2");
  assert_string_equal(first->guard_name, "enough");
  assert_false(first->enabled);
  assert_null(first->fault);
  assert_int_equal(fsm_map_get(&first->seen, "context.n")->i, 0);
  assert_int_equal(c.last.candidates[1].source, 0);
  chart_close(&c);
}

static void guard_false_no_transition_and_unknown_event_differ(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", .guard = "false"))),
                                        ATOMIC("b", ON(STAY("LATER"))))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "GO"), "guard_false\n");
  assert_string_equal(chart_send(&c, "LATER"), "no_transition\n");
  assert_string_equal(chart_send(&c, "NEVER"), "unknown_event\n");
  assert_string_equal(chart_send_event(&c, (fsm_event){.name = "NEVER", .cause = FSM_CAUSE_TASK}),
                      "no_transition\n");
  assert_ptr_equal(c.last.next.config, c.now.config);
  chart_close(&c);
}

static void the_world_cannot_claim_the_engines_own_events(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("xstate.done.actor.i"), STAY("*"))));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "xstate.done.actor.i"), "unknown_event\n");
  assert_string_equal(chart_send(&c, "xstate.other"), "unknown_event\n");
  assert_string_equal(
      chart_send_event(&c, (fsm_event){.name = "xstate.done.actor.i", .cause = FSM_CAUSE_TASK}),
      "task xstate.done.actor.i: (root) -> (root)\n");
  chart_close(&c);
}

static void arguments_past_their_bound_are_faults_of_the_call(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(STAY("*"))));
  chart_start(&c);
  static char name[FSM_EVENT_NAME_MAX + 2];
  memset(name, 'n', FSM_EVENT_NAME_MAX);
  fsm_event event = {.name = name};
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_OK);
  assert_int_equal(c.last.outcome, FSM_OK);
  name[FSM_EVENT_NAME_MAX] = 'n';
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  event.name = "";
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_EARGUMENT);

  static char big[FSM_EVENT_BYTES_MAX];
  event.name = "E";
  event.data = fsm_stringn(big, FSM_EVENT_BYTES_MAX - 5);
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_OK);
  event.data = fsm_stringn(big, FSM_EVENT_BYTES_MAX - 4);
  assert_int_equal(fsm_step(c.machine, &c.now, &event, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  assert_int_equal(fsm_start(c.machine, &event.data, &nobody, &c.arena, &c.last, NULL), FSM_ETOOLARGE);
  chart_close(&c);
}

/* ---- what may be sent -------------------------------------------------------------------------- */

static void enabled_lists_what_people_send_with_its_guards(void **state) {
  (void)state;
  chart c;
  chart_open_with(&c,
                  COMPOUND("m",
                           CHILDREN(ATOMIC("a", ON(GO("APPROVE", "b", .guard = "context.n > 2"),
                                                   STAY("xstate.done.actor.i"), STAY("done.x"),
                                                   STAY("error.execution"), ALWAYS("b", .guard = "false"),
                                                   STAY("READ", .guard = "event.data.x > 1"))),
                                    ATOMIC("b", ON(STAY("HIDDEN")))),
                           ON(STAY("CANCEL"))),
                  &zero);
  chart_start(&c);
  const fsm_enabled_event *list;
  unsigned count;
  assert_int_equal(fsm_enabled(c.machine, &c.now, &nobody, &c.arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 3);
  assert_string_equal(list[0].event, "APPROVE");
  assert_false(list[0].candidate.enabled);
  assert_int_equal(fsm_map_get(&list[0].candidate.seen, "context.n")->i, 0);
  assert_string_equal(list[1].event, "READ");
  assert_false(list[1].candidate.enabled);
  assert_non_null(list[1].candidate.fault);
  assert_string_equal(list[2].event, "CANCEL");
  assert_true(list[2].candidate.enabled);
  assert_null(list[2].candidate.guard);
  chart_close(&c);
}

static void nothing_may_be_sent_to_a_machine_that_ended(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(FINAL("f")), ON(STAY("E"))));
  chart_start(&c);
  assert_true(c.now.done);
  const fsm_enabled_event *list;
  unsigned count = 9;
  assert_int_equal(fsm_enabled(c.machine, &c.now, &nobody, &c.arena, &list, &count, NULL), FSM_OK);
  assert_int_equal(count, 0);
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
      cmocka_unit_test(a_final_child_tells_its_parent_with_its_output),
      cmocka_unit_test(the_path_of_a_nested_parent_is_in_its_done_event),
      cmocka_unit_test(a_final_child_of_the_root_ends_the_machine_with_its_output),
      cmocka_unit_test(the_output_of_the_root_may_read_that_of_the_final_state),
      cmocka_unit_test(the_end_runs_the_exits_of_what_is_still_active),
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
      cmocka_unit_test(an_event_shows_its_data_at_the_top_too_but_not_over_its_own_names),
      cmocka_unit_test(the_start_shows_its_input_to_context_and_entry),
      cmocka_unit_test(a_start_whose_context_cannot_be_made_is_an_error),
      cmocka_unit_test(actor_now_and_in_are_seen),
      cmocka_unit_test(a_refusal_says_which_guard_and_what_it_saw),
      cmocka_unit_test(guard_false_no_transition_and_unknown_event_differ),
      cmocka_unit_test(the_world_cannot_claim_the_engines_own_events),
      cmocka_unit_test(arguments_past_their_bound_are_faults_of_the_call),
      cmocka_unit_test(enabled_lists_what_people_send_with_its_guards),
      cmocka_unit_test(nothing_may_be_sent_to_a_machine_that_ended),
      cmocka_unit_test(the_step_is_the_same_every_time_and_leaves_its_snapshot_alone),
      cmocka_unit_test(every_cause_has_its_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
