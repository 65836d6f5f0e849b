/* test_hold.c: while a sink with policy hold is too far behind, what is to be refused is, with the reason,
 * and nothing else; afterwards all is as before. */
#include "runtime/hold.h"

#include "tests/runtime_scene.h"

static const char TEXT[] = "sink siem is 9 records behind";
static const char WAITER[] =
    "{\"id\":\"waiter\",\"initial\":\"wait\",\"states\":{\"wait\":{\"after\":{\"PT2H\":\"over\"}},"
    "\"over\":{\"on\":{\"GO\":\"end\"}},\"end\":{\"type\":\"final\"}}}";
static const char PARENT[] =
    "{\"id\":\"parent\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"invoke\":{"
    "\"id\":"
    "\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"counter\",\"key\":\"of-parent\"},\"onDone\":\"c\","
    "\"onError\":\"c\"}},\"c\":{\"type\":\"final\"}}}";

static int begin(void **state) {
  fixture *f = fixture_new();
  *state = f;
  const char *const machines[] = {COUNTER, WAITER, PARENT};
  for (size_t i = 0; i < 3; i++) {
    fsm_answer answer = deploy_text(f, machines[i], strlen(machines[i]));
    if (answer.error.code != FSM_OK) fail_msg("%s: %s", answer.error.where, answer.error.text);
  }
  return 0;
}

static int end(void **state) {
  fixture_free(*state);
  return 0;
}

static void expect_held(const fsm_answer *answer) {
  assert_code(answer, FSM_EQUOTA);
  assert_string_equal(answer->error.text, TEXT);
}

static fsm_answer start_keyed(fixture *f, const char *id, const char *idem) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "counter";
  command.instance = id;
  command.idem = idem;
  return sent(f, &command);
}

static fsm_answer add_absent(fixture *f, const char *key) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.machine = "counter";
  command.key = key;
  command.event = "ADD";
  command.if_absent = true;
  return sent(f, &command);
}

static fsm_answer admin(fixture *f, fsm_command_kind kind, const char *id) {
  fsm_command command = fsm_command_new(kind);
  command.instance = id;
  command.reason = "mending";
  command.actor = json(f, "{\"authn\":\"local\",\"sub\":\"ann\"}");
  return sent(f, &command);
}

static void while_starts_are_held_nothing_new_is_made_and_the_rest_goes_on(void **state) {
  fixture *f = *state;
  fsm_answer answer = start_keyed(f, "c1", "key-1");
  assert_code(&answer, FSM_OK);
  answer = add_absent(f, "open");
  assert_code(&answer, FSM_OK);
  fsm__runtime_hold(f->runtime, FSM__HOLD_STARTS, TEXT);
  answer = start_counter(f, "c2");
  expect_held(&answer);
  answer = add_absent(f, "new");
  expect_held(&answer);
  answer = add_absent(f, "open"); /* there is one */
  assert_code(&answer, FSM_OK);
  answer = start_keyed(f, "c1", "key-1"); /* the first answer, again */
  assert_code(&answer, FSM_OK);
  assert_true(answer.replayed);
  answer = send_event(f, "c1", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  fsm__runtime_hold(f->runtime, FSM__HOLD_NONE, NULL);
  answer = start_counter(f, "c2");
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static void instances_that_others_start_are_made_all_the_same(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "parent", "p1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  fsm__runtime_hold(f->runtime, FSM__HOLD_STARTS, TEXT);
  answer = send_event(f, "p1", "GO", NULL);
  assert_code(&answer, FSM_OK);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.machine = "counter";
  command.key = "of-parent";
  command.event = "ADD";
  for (int i = 0; i < 12000; i++) {
    atomic_fetch_add(&f->now_ns, SECOND / 100);
    answer = sent(f, &command);
    if (answer.error.code == FSM_OK) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_code(&answer, FSM_OK);
}

static void while_all_is_held_repairs_notes_and_routes_are_taken(void **state) {
  fixture *f = *state;
  fsm_answer answer = start_counter(f, "c1");
  assert_code(&answer, FSM_OK);
  fsm__runtime_hold(f->runtime, FSM__HOLD_ALL, TEXT);
  answer = start_counter(f, "c2");
  expect_held(&answer);
  answer = send_event(f, "c1", "ADD", NULL);
  expect_held(&answer);
  answer = deploy_text(f, WAITER, strlen(WAITER));
  expect_held(&answer);
  answer = task(f, FSM_CMD_TASK_COMPLETE, (const uint8_t[16]){1}, 1, false, NULL);
  expect_held(&answer);
  answer = admin(f, FSM_CMD_NOTE, "c1");
  assert_code(&answer, FSM_OK);
  fsm_command note = fsm_command_new(FSM_CMD_SINK_NOTE);
  note.name = "siem";
  note.event = "held";
  answer = sent(f, &note);
  assert_code(&answer, FSM_OK);
  assert_true(fsm__hold_lets(FSM_CMD_ROUTE_SET) && fsm__hold_lets(FSM_CMD_ROUTE_REMOVE));
  assert_int_equal(context_n(f, "c1"), 0); /* reads go on */
  fsm__runtime_hold(f->runtime, FSM__HOLD_NONE, NULL);
  answer = send_event(f, "c1", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static void while_all_is_held_timers_wait_and_fire_afterwards(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "waiter", "w1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  fsm__runtime_hold(f->runtime, FSM__HOLD_ALL, TEXT);
  atomic_fetch_add(&f->now_ns, 3 * 3600 * SECOND);
  for (int i = 0; i < 10; i++) {
    answer = admin(f, FSM_CMD_NOTE, "w1"); /* a turn that could have fired it */
    assert_code(&answer, FSM_OK);
  }
  assert_state(f, "w1", "wait");
  fsm__runtime_hold(f->runtime, FSM__HOLD_NONE, NULL);
  for (int i = 0; i < 12000; i++) {
    answer = send_event(f, "w1", "GO", NULL);
    if (answer.error.code == FSM_OK) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_code(&answer, FSM_OK);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(while_starts_are_held_nothing_new_is_made_and_the_rest_goes_on),
      T(instances_that_others_start_are_made_all_the_same),
      T(while_all_is_held_repairs_notes_and_routes_are_taken),
      T(while_all_is_held_timers_wait_and_fire_afterwards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
