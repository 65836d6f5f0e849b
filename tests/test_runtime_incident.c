/* test_runtime_incident.c: steps that cannot be: rolled back, and the instance parked with the reason. */
#include "tests/approval_scene.h"

/* ---- incidents ---------------------------------------------------------------------------------- */

static void a_loop_is_rolled_back_into_an_incident(void **state) {
  static const char LOOP[] =
      "{\"id\":\"loop\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"idle\":{},"
      "\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"always\":\"c\"},\"c\":{\"always\":\"b\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, LOOP, strlen(LOOP));
  assert_code(&answer, FSM_OK);
  (void)start(f, "loop", "l1", NULL, NULL);
  answer = send_event(f, "l1", "GO", NULL);
  assert_code(&answer, FSM_ELOOP);
  assert_state(f, "l1", "a");
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "l1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  answer = send_event(f, "l1", "GO", NULL);
  assert_code(&answer, FSM_EINCIDENT);
  assert_verified(f);
}

static void an_error_that_nothing_takes_opens_an_incident(void **state) {
  static const char UNHANDLED[] =
      "{\"id\":\"unhandled\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"src\":\"svc\",\"id\":"
      "\"j\",\"onDone\":\"ok\"}},"
      "\"ok\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, UNHANDLED, strlen(UNHANDLED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "unhandled", "u1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, true, "{\"message\":\"gone wrong\"}");
  assert_code(&answer, FSM_OK);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "u1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_verified(f);
}

static void a_step_whose_result_cannot_be_stored_parks_the_instance(void **state) {
  static const char INFINITE[] =
      "{\"id\":\"infinite\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"actions\":"
      "{\"type\":\"@xstate.assign\",\"context\":{\"x\":{\"@expr\":\"1.0 / 0.0\"}}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, INFINITE, strlen(INFINITE));
  if (answer.error.code != FSM_OK) fail_msg("%s %s", answer.error.where, answer.error.text);
  (void)start(f, "infinite", "i1", NULL, NULL);
  answer = send_event(f, "i1", "GO", NULL);
  assert_true(answer.error.code != FSM_OK);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_verified(f);
}

static void an_answer_that_loops_is_refused_and_its_task_stays_open(void **state) {
  static const char TRAP[] =
      "{\"id\":\"trap\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"a\"}},"
      "\"a\":{\"always\":\"b\"},\"b\":{\"always\":\"a\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TRAP, strlen(TRAP));
  assert_code(&answer, FSM_OK);
  (void)start(f, "trap", "t1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_COMPLETE, last_token(f), 1, false, "1");
  assert_code(&answer, FSM_ELOOP);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "t1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_int_equal(fsm_map_get(&instance, "tasks")->len, 1);
  assert_verified(f);
}

static void a_context_that_nests_too_deep_parks_and_its_history_can_be_read(void **state) {
  static const char DEEPER[] =
      "{\"id\":\"deeper\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"actions\":"
      "{\"type\":\"@xstate.assign\",\"context\":{\"x\":{\"@expr\":\"[context.x]\"}}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, DEEPER, strlen(DEEPER));
  assert_code(&answer, FSM_OK);
  (void)start(f, "deeper", "d1", NULL, NULL);
  unsigned taken = 0;
  while (taken < 100 && send_event(f, "d1", "GO", NULL).error.code == FSM_OK) taken++;
  assert_true(taken > FSM_DATA_DEPTH_MAX && taken < 64);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "d1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "d1"});
  assert_int_equal(fsm_map_get(&history, "items")->len, taken + 2);
  assert_verified(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_loop_is_rolled_back_into_an_incident),
      T(an_error_that_nothing_takes_opens_an_incident),
      T(a_step_whose_result_cannot_be_stored_parks_the_instance),
      T(an_answer_that_loops_is_refused_and_its_task_stays_open),
      T(a_context_that_nests_too_deep_parks_and_its_history_can_be_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
