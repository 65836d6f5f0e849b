/* One macrostep after another: order, the bound, what a snapshot goes through between two of them. */
#include "session_scene.h"

#define LOOPS(x, y) ATOMIC(x, ON(ALWAYS(y))), ATOMIC(y, ON(ALWAYS(x)))

static void what_follows_is_done_in_the_order_it_was_asked_for(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s,
              COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GO", DO(SEND_SELF("A"), SEND_SELF("B"))),
                                                    STAY("A", DO(SEND_SELF("C"))), STAY("B"), STAY("C"))))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a\ns1 A: a\ns1 B: a\ns1 C: a\n");
  scene_close(&s);
}

static void an_event_that_nobody_takes_is_told_and_forgotten(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(
      &s,
      COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GO", DO(SEND_SELF("NOBODY"), SEND_SELF("A"))), STAY("A"))),
                             ATOMIC("b", ON(STAY("ELSEWHERE"))))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a\ns1 NOBODY: (no_transition) a\ns1 A: a\n");
  fsm_code outcome = FSM_OK;
  fsm_event event = {.name = "ELSEWHERE"};
  assert_int_equal(fsm_session_send(s.first, &event, &outcome, &s.err), FSM_OK);
  assert_int_equal(outcome, FSM_ENOTRANSITION);
  scene_close(&s);
}

static void a_rolled_back_macrostep_leaves_what_was(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s,
              COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", DO(SEND_SELF("X"))))), LOOPS("b", "c"))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: (loop_limit) a\n");
  scene_close(&s);
}

static void a_start_that_is_rolled_back_leaves_nothing(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_machine *loops =
      scene_machine(&s, &(const fsm_def){.root = COMPOUND("m", CHILDREN(LOOPS("a", "b")))});
  fsm_session *session = NULL;
  assert_int_equal(fsm_sessions_start(s.sessions, loops, NULL, &session, &s.err), FSM_ELOOP);
  assert_null(session);
  assert_string_equal(scene_text(&s), "s1 start: (loop_limit)\n");
  assert_string_equal(scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a")))), "s2 start: a\n");
  scene_close(&s);
}

static void a_context_that_cannot_be_made_refuses_the_start(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_machine *m = scene_machine(
      &s, &(const fsm_def){.root = COMPOUND("m", CHILDREN(ATOMIC("a"))), .context = FIELD("x", "1 / 0")});
  fsm_session *session = NULL;
  assert_int_equal(fsm_sessions_start(s.sessions, m, NULL, &session, &s.err), FSM_EEXPRESSION);
  assert_null(session);
  scene_close(&s);
}

static void macrosteps_of_one_call_are_bounded_and_the_next_call_goes_on(void **state) {
  (void)state;
  scene s = {.options.steps_max = 5};
  scene_open(&s);
  const fsm_def_state *root = COMPOUND(
      "m", CHILDREN(ATOMIC(
               "a", ON(STAY("FOUR", DO(SEND_SELF("X"), SEND_SELF("X"), SEND_SELF("X"), SEND_SELF("X"))),
                       STAY("FIVE", DO(SEND_SELF("X"), SEND_SELF("X"), SEND_SELF("X"), SEND_SELF("X"),
                                       SEND_SELF("LAST"))),
                       STAY("X"), STAY("LAST")))));
  scene_start(&s, root);
  assert_int_equal(scene_try(&s, "FOUR"), FSM_OK);
  assert_int_equal(scene_try(&s, "FIVE"), FSM_ELOOP);
  scene_text(&s);
  assert_int_equal(fsm_sessions_advance(s.sessions, 0, &s.err), FSM_OK);
  assert_string_equal(scene_text(&s), "s1 LAST: a\n");
  scene_close(&s);
}

static void the_stated_bound_is_the_default(void **state) {
  (void)state;
  scene s = {.quiet = true};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GO", DO(SEND_SELF("GO"))))))));
  assert_int_equal(scene_try(&s, "GO"), FSM_ELOOP);
  assert_string_equal(s.err.text, "after 1000000 macrosteps there is still something to do");
  scene_close(&s);
}

/* ---- between two macrosteps
 * ---------------------------------------------------------------------------------- */

static fsm_code count_up(void *arg, const fsm_machine *machine, fsm_arena *arena, fsm_snapshot *snapshot,
                         fsm_error *err) {
  (void)machine;
  int64_t *count = arg;
  if (*count < 0) return fsm_fail(err, FSM_EIO, "store", "it is full");
  fsm_pair *pair = fsm_arena_alloc(arena, sizeof *pair);
  assert_non_null(pair);
  *pair = (fsm_pair){fsm_string("count"), fsm_int(++*count)};
  snapshot->context = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
  return FSM_OK;
}

static void what_is_left_between_two_macrosteps_is_what_the_next_begins_with(void **state) {
  (void)state;
  int64_t count = 0;
  scene s = {.options.between = count_up, .options.between_arg = &count};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GO", DO({.kind = FSM_ACTION_EMIT,
                                                                       .event = "SEEN",
                                                                       .value = EXPR("context.count"),
                                                                       .where = "/emit"})))))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a; emit SEEN 1\n");
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a; emit SEEN 2\n");
  assert_int_equal(fsm_map_get(&fsm_session_snapshot(s.first)->context, "count")->i, 3);
  count = -1;
  assert_int_equal(scene_try(&s, "GO"), FSM_EIO);
  assert_string_equal(s.err.where, "store");
  assert_int_equal(scene_try(&s, "GO"), FSM_EIO); /* and so it stays */
  assert_string_equal(s.err.text, "the sessions stopped half way before: the disk or the system failed");
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_follows_is_done_in_the_order_it_was_asked_for),
      cmocka_unit_test(an_event_that_nobody_takes_is_told_and_forgotten),
      cmocka_unit_test(a_rolled_back_macrostep_leaves_what_was),
      cmocka_unit_test(a_start_that_is_rolled_back_leaves_nothing),
      cmocka_unit_test(a_context_that_cannot_be_made_refuses_the_start),
      cmocka_unit_test(macrosteps_of_one_call_are_bounded_and_the_next_call_goes_on),
      cmocka_unit_test(the_stated_bound_is_the_default),
      cmocka_unit_test(what_is_left_between_two_macrosteps_is_what_the_next_begins_with),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
