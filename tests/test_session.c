/* The calls of the program: sessions side by side, their bound, callbacks, memory that runs out. Linked
 * with --wrap=malloc, so that any allocation of the engine can be made to fail. */
#include "session_scene.h"

/* ---- memory
 * ------------------------------------------------------------------------------------------------- */

static unsigned long allocations, fail_at; /* fail_at 0 = never */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
  allocations++;
  return fail_at && allocations >= fail_at ? NULL : __real_malloc(size);
}

#define IN(ms, ev, ...) SEND_SELF(ev, .delay = INT(ms), __VA_ARGS__)

/* A bit of everything: children, timers, answers, a child that ends, one that is cancelled. */
static const fsm_machine *busy_machine(scene *s) {
  const fsm_def_state *kid = COMPOUND(
      "kid", CHILDREN(ATOMIC("k", ENTRY(SEND("HELLO", "#_parent"), IN(10, "END")), ON(GO("END", "f"))),
                      FINAL("f", .output = STR("done"))));
  const fsm_def_state *root = COMPOUND(
      "m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", MACHINE(kid)), INVOKE("job", .src = "service")),
                           ENTRY(IN(50, "AGAIN")),
                           ON(STAY("HELLO", DO(ASSIGN("n", "context.n + 1"), SEND("X", "#_nobody"))),
                              STAY("error.communication"), STAY("xstate.done.actor.kid"),
                              STAY("xstate.done.actor.job"), REENTER("AGAIN", "a"), GO("END", "f"))),
                    FINAL("f")));
  return scene_machine(s, &(const fsm_def){.root = root, .context = FIELD("n", "0")});
}

/* The first code that is not ok. */
static fsm_code busy_day(scene *s, const fsm_machine *machine) {
  fsm_code code = fsm_sessions_new(&s->options, &s->sessions, &s->err);
  if (code != FSM_OK) return code;
  fsm_value data = fsm_string("answer");
  code = fsm_sessions_start(s->sessions, machine, NULL, &s->first, &s->err);
  if (code == FSM_OK) code = fsm_session_answer(s->first, "job", false, &data, &s->err);
  if (code == FSM_OK) code = fsm_sessions_advance(s->sessions, 60 * MS, &s->err);
  if (code == FSM_OK) code = fsm_sessions_jump(s->sessions, 300 * MS, &s->err);
  if (code == FSM_OK) code = scene_try(s, "END");
  return code;
}

static void the_same_calls_do_the_same_for_ever(void **state) {
  (void)state;
  char first[8192] = "";
  for (int i = 0; i < 2; i++) {
    scene s = {.options.watch = scene_watch};
    s.options.watch_arg = &s;
    assert_int_equal(busy_day(&s, busy_machine(&s)), FSM_OK);
    if (i == 0)
      snprintf(first, sizeof first, "%s", scene_text(&s));
    else
      assert_string_equal(scene_text(&s), first);
    scene_close(&s);
  }
  assert_non_null(strstr(first, "s1 @300 END: f\n"));
}

static void memory_that_runs_out_is_a_fault_wherever_it_happens(void **state) {
  (void)state;
  unsigned long n = 1;
  for (;; n++) {
    scene s = {0};
    const fsm_machine *machine = busy_machine(&s);
    allocations = 0;
    fail_at = n;
    fsm_code code = busy_day(&s, machine);
    fail_at = 0;
    bool enough = code == FSM_OK;
    if (!enough) assert_int_equal(code, FSM_ENOMEM);
    scene_close(&s);
    if (enough) break;
  }
  assert_true(n > 30);
}

static void after_memory_ran_out_half_way_there_is_only_looking(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  s.quiet = true;
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("GO", DO(SEND_SELF("X"))), STAY("X"))))));
  scene_send(&s, "GO");
  allocations = 0;
  fail_at = 1; /* the arenas are warm: it is the message */
  assert_int_equal(scene_try(&s, "GO"), FSM_ENOMEM);
  fail_at = 0;
  assert_int_equal(scene_try(&s, "GO"), FSM_ENOMEM);
  assert_string_equal(s.err.text, "the sessions stopped half way before: memory ran out");
  assert_int_equal(fsm_sessions_advance(s.sessions, 1, &s.err), FSM_ENOMEM);
  assert_string_equal(fsm_session_id(s.first), "s1");
  assert_true(fsm_config_legal(fsm_session_machine(s.first), fsm_session_snapshot(s.first)->config));
  scene_close(&s);
}

/* ---- many
 * ---------------------------------------------------------------------------------------------------- */

static void as_many_sessions_as_stated_live_and_not_one_more(void **state) {
  (void)state;
  scene s = {.quiet = true};
  scene_open(&s);
  const fsm_machine *m = scene_machine(&s, &(const fsm_def){.root = COMPOUND("m", CHILDREN(ATOMIC("a")))});
  fsm_session *session;
  for (int i = 0; i < FSM_SESSIONS_MAX; i++)
    assert_int_equal(fsm_sessions_start(s.sessions, m, NULL, &session, &s.err), FSM_OK);
  assert_string_equal(fsm_session_id(session), "s1000");
  assert_int_equal(fsm_sessions_start(s.sessions, m, NULL, &session, &s.err), FSM_ETOOLARGE);
  assert_string_equal(s.err.text, "more than 1000 sessions are alive");
  s.first = session;
  assert_int_equal(scene_try(&s, "X"), FSM_OK); /* nothing happened by that */
  scene_close(&s);
}

static const fsm_machine *itself;

static fsm_code load_itself(void *arg, const fsm_session *parent, const fsm_effect *open,
                            const fsm_machine **machine, fsm_error *err) {
  (void)arg, (void)parent, (void)open, (void)err;
  *machine = itself;
  return FSM_OK;
}

static void a_machine_that_invokes_itself_ends_at_the_bound(void **state) {
  (void)state;
  scene s = {.quiet = true, .options.load = load_itself};
  scene_open(&s);
  itself = scene_machine(
      &s, &(const fsm_def){.root = COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES(INVOKE("kid", .src = "m")))))});
  fsm_session *session;
  assert_int_equal(fsm_sessions_start(s.sessions, itself, NULL, &session, &s.err), FSM_ETOOLARGE);
  assert_string_equal(fsm_session_id(session), "s1");
  scene_close(&s);
}

static void timers_and_waiting_events_share_one_bound(void **state) {
  (void)state;
  scene s = {.quiet = true};
  scene_open(&s);
  static fsm_def_action many[1000];
  const fsm_def_action one = IN(10, "X");
  for (unsigned i = 0; i < 1000; i++) many[i] = one;
  const fsm_def_transition ons[] = {
      {.events = TEXTS("GO"), .event_count = 1, .actions = many, .action_count = 1000, .where = "/on"},
      {.events = TEXTS("ONE"), .event_count = 1, .actions = &one, .action_count = 1, .where = "/on"}};
  const fsm_def_state a = {.name = "a", .transitions = ons, .transition_count = 2, .where = "/a"};
  scene_start(&s, COMPOUND("m", CHILDREN(&a)));
  for (int i = 0; i < FSM_SESSION_QUEUE_MAX / 1000; i++) assert_int_equal(scene_try(&s, "GO"), FSM_OK);
  assert_int_equal(scene_try(&s, "ONE"), FSM_ETOOLARGE);
  assert_string_equal(s.err.text, "more than 100000 events wait");
  scene_close(&s);
}

/* ---- the calls
 * ----------------------------------------------------------------------------------------------- */

static fsm_code meddled;

static void meddle(void *arg, const fsm_session *session, const fsm_event *event,
                   const fsm_step_result *result) {
  (void)event, (void)result;
  scene *s = arg;
  if (strcmp(fsm_session_id(session), "s1") == 0 && s->first) meddled = scene_try(s, "X");
}

static void a_callback_must_not_change_the_sessions(void **state) {
  (void)state;
  scene s = {.options.watch = meddle};
  s.options.watch_arg = &s;
  assert_int_equal(fsm_sessions_new(&s.options, &s.sessions, &s.err), FSM_OK);
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("X"))))));
  assert_int_equal(scene_try(&s, "X"), FSM_OK);
  assert_int_equal(meddled, FSM_EARGUMENT);
  scene_close(&s);
}

static void an_ended_session_can_be_seen_and_refuses_events(void **state) {
  (void)state;
  scene s = {0};
  scene_open(&s);
  scene_start(&s, COMPOUND("m", CHILDREN(FINAL("f", .output = INT(3)))));
  assert_true(fsm_session_snapshot(s.first)->done);
  assert_int_equal(fsm_session_snapshot(s.first)->output.i, 3);
  fsm_code outcome = FSM_OK;
  fsm_event event = {.name = "X"};
  assert_int_equal(fsm_session_send(s.first, &event, &outcome, &s.err), FSM_OK);
  assert_int_equal(outcome, FSM_ECOMPLETED);
  scene_close(&s);
}

static void guards_see_the_actor_that_was_given(void **state) {
  (void)state;
  char sub[] = "anna";
  fsm_pair pair = {fsm_string("sub"), fsm_string(sub)};
  fsm_value actor = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  scene s = {.options.actor = &actor};
  scene_open(&s);
  sub[0] = 'x'; /* it was copied */
  scene_start(&s, COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", .guard = "actor.sub == 'anna'"))),
                                         ATOMIC("b"))));
  assert_string_equal(scene_send(&s, "GO"), "s1 GO: b\n");
  scene_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_calls_do_the_same_for_ever),
      cmocka_unit_test(memory_that_runs_out_is_a_fault_wherever_it_happens),
      cmocka_unit_test(after_memory_ran_out_half_way_there_is_only_looking),
      cmocka_unit_test(as_many_sessions_as_stated_live_and_not_one_more),
      cmocka_unit_test(a_machine_that_invokes_itself_ends_at_the_bound),
      cmocka_unit_test(timers_and_waiting_events_share_one_bound),
      cmocka_unit_test(a_callback_must_not_change_the_sessions),
      cmocka_unit_test(an_ended_session_can_be_seen_and_refuses_events),
      cmocka_unit_test(guards_see_the_actor_that_was_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
