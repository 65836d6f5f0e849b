/* Between sessions: addresses, what an event shows of its sender, what comes back. */
#include "fsm/session_impl.h"
#include "session_scene.h"

/* Emits what it sees of an event, then sends to where it came from. */
#define SHOW(t) \
  { .kind = FSM_ACTION_EMIT, .event = "SEEN", .value = EXPR(t), .where = "/emit" }

static void a_parent_and_its_child_talk(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(ATOMIC("k", ENTRY(SEND("HELLO", "#_parent")), ON(GO("PING", "l"))),
                               ATOMIC("l", ENTRY(SEND("PONG", "#_parent")))));
  assert_string_equal(
      scene_start(
          &s, COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", MACHINE(kid))),
                                            ON(STAY("HELLO", DO(SEND("PING", "#_kid"))), STAY("PONG")))))),
      "s1 start: a\ns2 start: k\ns1 HELLO: a\ns2 PING: l\ns1 PONG: a\n");
  scene_close(&s);
}

static void in_the_xstate_dialect_an_invoke_id_alone_is_an_address(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", ON(GO("PING", "l"))), ATOMIC("l")));
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", MACHINE(kid))),
                                                ON(STAY("GO", DO(SEND("PING", "kid"))))))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: a\ns2 PING: l\n");
  scene_close(&s);
}

static void a_session_is_reached_by_its_id_and_so_is_oneself(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s,
              COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("TWO", DO(SEND("X", "#_scxml_s2"))),
                                                    STAY("ONE", DO(SEND("X", "#_scxml_s1"))), GO("X", "b"))),
                                     ATOMIC("b"))));
  assert_string_equal(scene_start(&s, COMPOUND("n", CHILDREN(ATOMIC("p", ON(GO("X", "q"))), ATOMIC("q")))),
                      "s2 start: p\n");
  assert_string_equal(scene_send(&s, "TWO"), "s1 TWO: a\ns2 X: q\n");
  assert_string_equal(scene_send(&s, "ONE"), "s1 ONE: a\ns1 X: b\n");
  scene_close(&s);
}

static void what_cannot_be_delivered_comes_back(void **state) {
  (void)state;
  static const char *const nowhere[] = {"#_parent", "#_nobody", "#_scxml_s9"};
  for (unsigned i = 0; i < 3; i++) {
    scene s = {0};
    scene_open(&s);
    fsm_def_value target = {.form = FSM_DEF_LITERAL, .literal = fsm_string(nowhere[i])};
    fsm_def_action send = {.kind = FSM_ACTION_SEND, .event = "X", .target = &target, .where = "/send"};
    fsm_def_transition ons[] = {
        {.events = TEXTS("GO"), .event_count = 1, .actions = &send, .action_count = 1, .where = "/on"},
        GO("error.communication", "b")};
    fsm_def_state a = {.name = "a", .transitions = ons, .transition_count = 2, .where = "/a"};
    scene_start(&s, COMPOUND("m", CHILDREN(&a, ATOMIC("b"))));
    assert_string_equal(scene_send(&s, "GO"), "s1 GO: b\n"); /* in the same macrostep */
    scene_close(&s);
  }
}

static void so_does_what_is_for_a_processor_that_nobody_knows(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(
      &s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("error.*", "b", DO(SHOW("event.error"))))), ATOMIC("b"))));
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .from = s.first->number,
                        .sent = true,
                        .target = "#_scxml_s1",
                        .processor = "pigeon",
                        .event = {.name = "X"}},
               *message;
  assert_int_equal(fsm__message_new(s.sessions, &draft, &message, &s.err), FSM_OK);
  assert_int_equal(fsm__session_post(s.first, message, &s.err), FSM_OK);
  assert_string_equal(
      scene_advance(&s, 0),
      "s1 error.communication: b; emit SEEN {message: \"there is no event processor pigeon\"}\n");
  scene_close(&s);
}

static void a_delayed_event_is_addressed_when_it_is_due(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", ON(GO("PING", "l"))), ATOMIC("l")));
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(SEND("PING", "kid", .delay = INT(10))),
                                                INVOKES(INVOKE("kid", MACHINE(kid))), ON(GO("LEAVE", "b"))),
                                         ATOMIC("b", ON(GO("error.communication", "c"))), ATOMIC("c"))));
  assert_string_equal(scene_advance(&s, 10), "s2 @10 PING: l\n");
  scene_close(&s);
  s = (scene){0};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ENTRY(SEND("PING", "kid", .delay = INT(10))),
                                                INVOKES(INVOKE("kid", MACHINE(kid))), ON(GO("LEAVE", "b"))),
                                         ATOMIC("b", ON(GO("error.communication", "c"))), ATOMIC("c"))));
  assert_string_equal(scene_send(&s, "LEAVE"), "s1 LEAVE: b\ns2 stop: k\n");
  assert_string_equal(scene_advance(&s, 10), "s1 @10 error.communication: c\n");
  scene_close(&s);
}

/* ---- as SCXML sees it ---------------------------------------------------------------------------------- */

static const char *scxml_start(scene *s, const fsm_def_state *root) {
  const fsm_machine *machine = scene_machine(s, &(const fsm_def){.root = root, .dialect = FSM_SCXML});
  fsm_session *session;
  assert_int_equal(fsm_sessions_start(s->sessions, machine, NULL, &session, &s->err), FSM_OK);
  if (!s->first) s->first = session;
  return scene_text(s);
}

#define SCXML_MACHINE(r) \
  .machine = &(const fsm_def) { .root = (r), .dialect = FSM_SCXML }

static void an_event_can_be_answered_where_it_came_from(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid =
      COMPOUND("kid", CHILDREN(ATOMIC("k", ON(STAY("PING", DO({.kind = FSM_ACTION_SEND,
                                                               .event = "PONG",
                                                               .target = EXPR("_event.origin"),
                                                               .type = EXPR("_event.origintype"),
                                                               .where = "/send"}))))));
  assert_string_equal(
      scxml_start(&s,
                  COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", SCXML_MACHINE(kid))),
                                                ON(STAY("GO", DO(SEND("PING", "#_kid"))),
                                                   STAY("PONG", DO(SHOW("[_event.invokeid, _event.origin, "
                                                                        "_event.type]")))))))),
      "s1 start: a\ns2 start: k\n");
  assert_string_equal(
      scene_send(&s, "GO"),
      "s1 GO: a\ns2 PING: k\ns1 PONG: a; emit SEEN [\"kid\", \"#_scxml_s2\", \"external\"]\n");
  scene_close(&s);
}

static void only_its_parent_sees_whose_child_it_is(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND(
      "kid", CHILDREN(ATOMIC("k", ENTRY(SEND_SELF("X"), SEND("X", "#_scxml_s1"), SEND("X", "#_scxml_s3")),
                             ON(STAY("X", DO(SHOW("_event.invokeid")))))));
  const fsm_def_state *other =
      COMPOUND("o", CHILDREN(ATOMIC("p", ON(STAY("X", DO(SHOW("_event.invokeid")))))));
  assert_string_equal(
      scxml_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a",
                                                    INVOKES(INVOKE("kid", SCXML_MACHINE(kid)),
                                                            INVOKE("other", SCXML_MACHINE(other))),
                                                    ON(STAY("X", DO(SHOW("_event.invokeid")))))))),
      "s1 start: a\ns2 start: k\ns3 start: p\ns2 X: k; emit SEEN null\ns1 X: a; emit SEEN \"kid\"\n"
      "s3 X: p; emit SEEN null\n");
  scene_close(&s);
}

static void only_an_id_that_was_given_is_shown(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *root = COMPOUND(
      "m",
      CHILDREN(ATOMIC(
          "a", ON(STAY("GIVEN", DO(SEND_SELF("X", .id = "mine"))), STAY("MADE", DO(SEND_SELF("X"))),
                  STAY("LOST", DO(SEND("X", "#_nobody", .id = "lost"))), STAY("X", DO(SHOW("_event.sendid"))),
                  STAY("error.communication", DO(SHOW("[_event.sendid, _event.type]")))))));
  scxml_start(&s, root);
  assert_string_equal(scene_send(&s, "GIVEN"), "s1 GIVEN: a\ns1 X: a; emit SEEN \"mine\"\n");
  assert_string_equal(scene_send(&s, "MADE"), "s1 MADE: a\ns1 X: a; emit SEEN null\n");
  assert_string_equal(scene_send(&s, "LOST"), "s1 LOST: a; emit SEEN [\"lost\", \"platform\"]\n");
  scene_close(&s);
}

static void every_external_event_is_forwarded_as_it_was(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  const fsm_def_state *kid = COMPOUND("kid", CHILDREN(ATOMIC("k", ON(STAY("*", DO(SHOW("_event.data")))))));
  scxml_start(
      &s, COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", SCXML_MACHINE(kid), .autoforward = true)),
                                        ON(STAY("X"))))));
  fsm_event event = {.name = "X", .data = fsm_int(7)};
  assert_int_equal(fsm_session_send(s.first, &event, NULL, &s.err), FSM_OK);
  assert_string_equal(scene_text(&s), "s1 X: a\ns2 X: k; emit SEEN 7\n");
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_parent_and_its_child_talk),
      cmocka_unit_test(in_the_xstate_dialect_an_invoke_id_alone_is_an_address),
      cmocka_unit_test(a_session_is_reached_by_its_id_and_so_is_oneself),
      cmocka_unit_test(what_cannot_be_delivered_comes_back),
      cmocka_unit_test(so_does_what_is_for_a_processor_that_nobody_knows),
      cmocka_unit_test(a_delayed_event_is_addressed_when_it_is_due),
      cmocka_unit_test(an_event_can_be_answered_where_it_came_from),
      cmocka_unit_test(only_its_parent_sees_whose_child_it_is),
      cmocka_unit_test(only_an_id_that_was_given_is_shown),
      cmocka_unit_test(every_external_event_is_forwarded_as_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
