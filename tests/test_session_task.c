/* What a session has invoked: children and open tasks, how they end and how they are cancelled. */
#include "session_scene.h"

#define SHOW(t) \
  { .kind = FSM_ACTION_EMIT, .event = "SEEN", .value = EXPR(t), .where = "/emit" }

/* A parent that invokes kid in a, and leaves a for b. */
#define PARENT(kid, ...)                                                                                  \
  COMPOUND("m",                                                                                           \
           CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", MACHINE(kid))), ON(GO("LEAVE", "b"), __VA_ARGS__)), \
                    ATOMIC("b", ON(STAY("*"))), ATOMIC("c")))

static void a_child_that_ends_is_heard_with_its_output_and_is_gone(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(ATOMIC("k", ENTRY(SEND_SELF("END", .delay = INT(10))), ON(GO("END", "f"))),
                               FINAL("f", .output = INT(42))));
  scene_start(&s, PARENT(kid, GO("xstate.done.actor.kid", "c", DO(SHOW("event.output")))));
  fsm_session_task task;
  assert_true(fsm_session_task_at(s.first, 0, &task));
  assert_string_equal(task.id, "kid");
  assert_string_equal(fsm_session_id(task.child), "s2");
  assert_ptr_equal(fsm_session_parent(task.child), s.first);
  assert_null(fsm_session_parent(s.first));
  assert_string_equal(scene_advance(&s, 10),
                      "s2 @10 END: f\ns1 @10 xstate.done.actor.kid: c; emit SEEN 42\n");
  assert_false(fsm_session_task_at(s.first, 0, &task));
  scene_close(&s);
}

static void the_input_reaches_the_child(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", ENTRY(SHOW("event.data")))));
  const fsm_def_state *root =
      COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", MACHINE(kid), .input = EXPR("{'n': 3}"))))));
  assert_string_equal(scene_start(&s, root), "s1 start: a\ns2 start: k; emit SEEN {n: 3}\n");
  scene_close(&s);
}

static void a_cancelled_child_runs_its_exits_and_is_heard_no_more(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND(
      "kid",
      CHILDREN(ATOMIC(
          "k", ENTRY(SEND_SELF("LATE", .delay = INT(10)), SEND("LATE", "#_parent", .delay = INT(10))),
          EXIT({.kind = FSM_ACTION_EMIT, .event = "BYE", .where = "/emit"}, SEND("BYE", "#_parent")))));
  scene_start(&s, PARENT(kid, STAY("X")));
  assert_string_equal(scene_send(&s, "LEAVE"), "s1 LEAVE: b\ns2 stop: k; emit BYE null\n");
  assert_string_equal(scene_advance(&s, 20), "");
  scene_close(&s);
}

static void what_a_child_sent_before_it_was_cancelled_is_not_heard_either(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  /* Both answers are in the queue when the first of them makes the parent leave. */
  const fsm_def_state *kid = COMPOUND(
      "kid", CHILDREN(ATOMIC("k", ON(STAY("GO", DO(SEND("LEAVE", "#_parent"), SEND("MORE", "#_parent")))))));
  scene_start(&s, PARENT(kid, STAY("ASK", DO(SEND("GO", "kid")))));
  assert_string_equal(scene_send(&s, "ASK"), "s1 ASK: a\ns2 GO: k\ns1 LEAVE: b\ns2 stop: k\n");
  scene_close(&s);
}

static void the_end_of_a_child_is_heard_even_when_its_state_was_left_meanwhile(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(ATOMIC("k", ON(GO("GO", "f", DO(SEND("LEAVE", "#_parent"))))), FINAL("f")));
  scene_start(&s, PARENT(kid, STAY("ASK", DO(SEND("GO", "kid")))));
  assert_string_equal(scene_send(&s, "ASK"),
                      "s1 ASK: a\ns2 GO: f\ns1 LEAVE: b\ns1 xstate.done.actor.kid: b\n");
  scene_close(&s);
}

static void but_not_when_another_is_at_work_under_its_id(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(ATOMIC("k", ON(GO("GO", "f", DO(SEND("AGAIN", "#_parent"))))), FINAL("f")));
  scene_start(&s, PARENT(kid, STAY("ASK", DO(SEND("GO", "kid"))), REENTER("AGAIN", "a"),
                         GO("xstate.done.actor.kid", "c")));
  assert_string_equal(scene_send(&s, "ASK"), "s1 ASK: a\ns2 GO: f\ns1 AGAIN: a\ns3 start: k\n");
  scene_close(&s);
}

static void what_a_child_sent_before_it_ended_is_heard_first(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(FINAL("f", ENTRY(SEND("X", "#_parent"), SEND("Y", "#_parent")))));
  assert_string_equal(scene_start(&s, PARENT(kid, STAY("X"), STAY("Y"), GO("xstate.done.actor.kid", "c"))),
                      "s1 start: a\ns2 start: f\ns1 X: a\ns1 Y: a\ns1 xstate.done.actor.kid: c\n");
  scene_close(&s);
}

static void grandchildren_stop_with_the_one_between(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *grandkid =
      COMPOUND("g", CHILDREN(ATOMIC("q", ENTRY(SEND_SELF("X", .delay = INT(10))))));
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", INVOKES(INVOKE("g", MACHINE(grandkid))))));
  assert_string_equal(scene_start(&s, PARENT(kid, STAY("X"))), "s1 start: a\ns2 start: k\ns3 start: q\n");
  assert_string_equal(scene_send(&s, "LEAVE"), "s1 LEAVE: b\ns2 stop: k\ns3 stop: q\n");
  assert_string_equal(scene_advance(&s, 20), "");
  scene_close(&s);
}

static void a_child_that_has_not_started_is_simply_gone(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k")));
  const fsm_def_state *root =
      COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(SEND_SELF("LEAVE")), INVOKES(INVOKE("kid", MACHINE(kid))),
                                    ON(GO("LEAVE", "b"))),
                             ATOMIC("b")));
  assert_string_equal(scene_start(&s, root), "s1 start: a\ns1 LEAVE: b\n");
  scene_close(&s);
}

static void a_child_that_loops_has_failed(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
#define LOOPS ATOMIC("l", ON(ALWAYS("n"))), ATOMIC("n", ON(ALWAYS("l")))
  const fsm_def_state *at_once = COMPOUND("kid", CHILDREN(LOOPS));
  const fsm_def_state *later = COMPOUND("kid", CHILDREN(ATOMIC("k", ON(GO("GO", "l"))), LOOPS));
  assert_string_equal(scene_start(&s, PARENT(at_once, GO("xstate.error.actor.kid", "c"))),
                      "s1 start: a\ns2 start: (loop_limit)\ns1 xstate.error.actor.kid: c\n");
  scene_close(&s);
  s = (scene){0};
  scene_open(&s);
  scene_start(&s, PARENT(later, STAY("ASK", DO(SEND("GO", "kid"))), GO("xstate.error.actor.kid", "c")));
  assert_string_equal(scene_send(&s, "ASK"),
                      "s1 ASK: a\ns2 GO: (loop_limit) k\ns1 xstate.error.actor.kid: c\n");
  scene_close(&s);
}

static void an_error_that_nothing_takes_ends_a_child_and_is_told(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", ENTRY(ASSIGN("x", "1 / 0")))));
  const char *text =
      scene_start(&s, PARENT(kid, GO("xstate.error.actor.kid", "c", DO(SHOW("has(event.error.message)")))));
  assert_string_equal(
      text, "s1 start: a\ns2 start: (expression) k\ns1 xstate.error.actor.kid: c; emit SEEN true\n");
  scene_close(&s);
}

static void with_a_child_that_failed_its_own_children_stop(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *grandkid = COMPOUND("g", CHILDREN(ATOMIC("q")));
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", INVOKES(INVOKE("g", MACHINE(grandkid))),
                                                             ON(STAY("GO", DO(ASSIGN("x", "1 / 0")))))));
  scene_start(&s, PARENT(kid, STAY("ASK", DO(SEND("GO", "kid"))), GO("xstate.error.actor.kid", "c")));
  assert_string_equal(scene_send(&s, "ASK"),
                      "s1 ASK: a\ns2 GO: (expression) k\ns3 stop: q\ns1 xstate.error.actor.kid: c\n");
  scene_close(&s);
}

/* ---- machines that are loaded, and tasks that wait
 * ---------------------------------------------------------- */

static const fsm_machine *loaded;

static fsm_code load(void *arg, const fsm_session *parent, const fsm_effect *open,
                     const fsm_machine **machine, fsm_error *err) {
  (void)arg;
  assert_non_null(parent);
  const char *src = fsm_invoke_src(fsm_session_machine(parent), open->invoke);
  if (strcmp(src, "broken") == 0) return fsm_fail(err, FSM_EDEFINITION, src, "it is broken");
  *machine = strcmp(src, "machine") == 0 ? loaded : NULL;
  return FSM_OK;
}

/* A parent that asks a service. */
#define ASKS(service)                                                                          \
  COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("job", .src = (service))),                 \
                                ON(GO("xstate.done.actor.job", "b", DO(SHOW("event.output"))), \
                                   GO("xstate.error.actor.job", "c", DO(SHOW("event.error"))), \
                                   GO("LEAVE", "b"))),                                         \
                         ATOMIC("b"), ATOMIC("c")))

static void a_machine_that_src_names_is_loaded(void **state) {
  (void)state;
  scene s = {.options.load = load};
  scene_open(&s);
  loaded = scene_machine(&s, &(const fsm_def){.root = COMPOUND("n", CHILDREN(FINAL("f", .output = INT(5))))});
  assert_string_equal(scene_start(&s, ASKS("machine")),
                      "s1 start: a\ns2 start: f\ns1 xstate.done.actor.job: b; emit SEEN 5\n");
  scene_close(&s);
}

static void a_fault_of_loading_is_the_invokes_error(void **state) {
  (void)state;
  scene s = {.options.load = load};
  scene_open(&s);
  assert_string_equal(scene_start(&s, ASKS("broken")),
                      "s1 start: a\ns1 xstate.error.actor.job: c; emit SEEN {message: \"it is broken\"}\n");
  scene_close(&s);
}

static void what_nobody_works_on_waits_for_an_answer(void **state) {
  (void)state;
  for (int failed = 0; failed < 2; failed++) {
    scene s = {.options.load = load};
    scene_open(&s);
    scene_start(&s, ASKS("service"));
    fsm_session_task task;
    assert_true(fsm_session_task_at(s.first, 0, &task));
    assert_null(task.child);
    fsm_value data = fsm_int(9);
    assert_int_equal(fsm_session_answer(s.first, "other", false, &data, &s.err), FSM_ENOTFOUND);
    assert_int_equal(fsm_session_answer(s.first, "job", failed, &data, &s.err), FSM_OK);
    assert_string_equal(scene_text(&s), failed ? "s1 xstate.error.actor.job: c; emit SEEN 9\n"
                                               : "s1 xstate.done.actor.job: b; emit SEEN 9\n");
    assert_int_equal(fsm_session_answer(s.first, "job", failed, &data, &s.err), FSM_ENOTFOUND);
    scene_close(&s);
  }
}

static void an_answer_to_a_task_that_was_left_finds_nothing(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s, ASKS("service"));
  scene_send(&s, "LEAVE");
  assert_int_equal(fsm_session_answer(s.first, "job", false, NULL, &s.err), FSM_ENOTFOUND);
  assert_string_equal(s.err.where, "job");
  scene_close(&s);
}

static void a_task_on_which_a_session_works_cannot_be_answered(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k")));
  scene_start(&s, PARENT(kid, STAY("X")));
  assert_int_equal(fsm_session_answer(s.first, "kid", false, NULL, &s.err), FSM_ENOTFOUND);
  assert_string_equal(s.err.text, "a session works on this task");
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_child_that_ends_is_heard_with_its_output_and_is_gone),
      cmocka_unit_test(the_input_reaches_the_child),
      cmocka_unit_test(a_cancelled_child_runs_its_exits_and_is_heard_no_more),
      cmocka_unit_test(what_a_child_sent_before_it_was_cancelled_is_not_heard_either),
      cmocka_unit_test(the_end_of_a_child_is_heard_even_when_its_state_was_left_meanwhile),
      cmocka_unit_test(but_not_when_another_is_at_work_under_its_id),
      cmocka_unit_test(what_a_child_sent_before_it_ended_is_heard_first),
      cmocka_unit_test(grandchildren_stop_with_the_one_between),
      cmocka_unit_test(a_child_that_has_not_started_is_simply_gone),
      cmocka_unit_test(a_child_that_loops_has_failed),
      cmocka_unit_test(an_error_that_nothing_takes_ends_a_child_and_is_told),
      cmocka_unit_test(with_a_child_that_failed_its_own_children_stop),
      cmocka_unit_test(a_machine_that_src_names_is_loaded),
      cmocka_unit_test(a_fault_of_loading_is_the_invokes_error),
      cmocka_unit_test(what_nobody_works_on_waits_for_an_answer),
      cmocka_unit_test(an_answer_to_a_task_that_was_left_finds_nothing),
      cmocka_unit_test(a_task_on_which_a_session_works_cannot_be_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
