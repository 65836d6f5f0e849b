/* test_runtime_time.c: what time does: timers, attempts that run out or are tried again, restarts between. */
#include "tests/approval_scene.h"

/* ---- time --------------------------------------------------------------------------------------- */

static const char TIMED[] =
    "{\"id\":\"timed\",\"initial\":\"waiting\",\"context\":{\"n\":0},\"states\":{"
    "\"waiting\":{\"after\":{\"60000\":\"late\"},\"on\":{\"GO\":\"gone\"}},"
    "\"late\":{},\"gone\":{}}}";

static void await_state(fixture *f, const char *id, const char *wanted) {
  for (int i = 0; i < 10000; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
    if (strstr(text_of(f, fsm_map_get(&instance, "state")), wanted) != NULL) return;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  fail_msg("%s never came to %s", id, wanted);
}

static void a_timer_fires_when_it_is_due_also_after_a_restart(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TIMED, strlen(TIMED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "timed", "t1", NULL, NULL);
  (void)start(f, "timed", "t2", NULL, NULL);
  answer = send_event(f, "t2", "GO", NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, 59 * SECOND);
  assert_state(f, "t1", "waiting");
  fixture_reopen(f);
  atomic_fetch_add(&f->now_ns, 2 * SECOND + SECOND / 1000);
  await_state(f, "t1", "late");
  assert_state(f, "t2", "gone"); /* a cancelled timer never fires */
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "t1"});
  const char *text = text_of(f, &history);
  assert_non_null(strstr(text, "\"kind\":\"timer_fired\""));
  assert_non_null(strstr(text, "\"late\":1000"));
  assert_verified(f);
}

static void a_task_whose_attempt_runs_out_of_time_fails(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, last_token(f), 16);
  fsm_answer answer = task(f, FSM_CMD_TASK_STARTED, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&f->now_ns, 31 * SECOND);
  await_state(f, "d1", "submissionFailed");
  answer = task(f, FSM_CMD_TASK_COMPLETE, token, 1, false, "{\"reviewId\":\"R\"}");
  assert_code(&answer, FSM_ETASK); /* a late answer is ignored, and counted */
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(fsm_map_get(&health, "late_answers")->i, 1);
  assert_int_equal(fsm_map_get(&health, "refused")->i, 1);
  assert_state(f, "d1", "submissionFailed");
  assert_verified(f);
}

static void an_undelivered_task_is_offered_again_and_uses_no_attempt(void **state) {
  fixture *f = *state;
  submit(f, "d1");
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_UNDELIVERED, last_token(f), 0, false, NULL);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 1);
  assert_memory_equal(f->offered[0].token, f->offered[1].token, 16);
  fixture_reopen(f);
  await_offers(f, 3);
  assert_memory_equal(f->offered[0].token, f->offered[2].token, 16);
}

static void a_failed_attempt_is_retried_after_its_backoff(void **state) {
  static const char RETRIED[] =
      "{\"id\":\"retried\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
      "\"svc\","
      "\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"10s\"}},\"onDone\":\"ok\",\"onError\":\"bad\"}},"
      "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RETRIED, strlen(RETRIED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "retried", "r1", NULL, NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 1, false, NULL);
  answer = task(f, FSM_CMD_TASK_FAIL, last_token(f), 1, false, "{\"message\":\"try later\"}");
  assert_code(&answer, FSM_OK);
  assert_state(f, "r1", "work");
  atomic_fetch_add(&f->now_ns, 11 * SECOND);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 2);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 2, false, NULL);
  (void)task(f, FSM_CMD_TASK_FAIL, last_token(f), 2, false, "{\"message\":\"again\"}");
  assert_state(f, "r1", "bad");
  assert_verified(f);
}

/* ---- what time and repetition must not do ------------------------------------------------------- */

static void a_timer_that_is_set_anew_waits_its_whole_time_again(void **state) {
  static const char RENEWED[] =
      "{\"id\":\"renewed\",\"initial\":\"w\",\"states\":{\"w\":{\"after\":{\"60000\":{\"target\":\"w\","
      "\"reenter\":true},"
      "\"90000\":\"late\"}},\"late\":{}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RENEWED, strlen(RENEWED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "renewed", "r1", NULL, NULL);
  atomic_fetch_add(&f->now_ns, 100 * SECOND); /* both are due, but the first one renews the second */
  for (int i = 0; i < 12000; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "r1"});
    if (fsm_map_get(&instance, "rev")->i > 1) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_state(f, "r1", "w");
  atomic_fetch_add(&f->now_ns, 30 * SECOND);
  assert_state(f, "r1", "w");
  assert_verified(f);
}

static void a_parked_instance_does_not_move_when_an_attempt_runs_out(void **state) {
  static const char PARKED[] =
      "{\"id\":\"parked\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"ok\","
      "\"onError\":\"bad\",\"meta\":{\"fsm\":{\"timeout\":\"30s\"}}},\"on\":{\"LOOP\":\"a\"}},\"a\":{"
      "\"always\":\"b\"},"
      "\"b\":{\"always\":\"a\"},\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, PARKED, strlen(PARKED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "parked", "p1", NULL, NULL);
  await_offers(f, 1);
  (void)task(f, FSM_CMD_TASK_STARTED, last_token(f), 1, false, NULL);
  answer = send_event(f, "p1", "LOOP", NULL);
  assert_code(&answer, FSM_ELOOP);
  atomic_fetch_add(&f->now_ns, 31 * SECOND);
  nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "p1"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "incident"));
  assert_state(f, "p1", "w");
}

static void attempts_are_a_bound_also_when_nobody_said_that_they_began(void **state) {
  static const char TWICE[] =
      "{\"id\":\"twice\",\"initial\":\"w\",\"states\":{\"w\":{\"invoke\":{\"id\":\"j\",\"src\":\"svc\","
      "\"onDone\":\"ok\","
      "\"onError\":\"bad\",\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"1ms\",\"timeout\":\"2500000h\"}}}}"
      ","
      "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TWICE, strlen(TWICE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "twice", "t1", NULL, NULL);
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, last_token(f), 16);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, "t1", "w");
  answer = task(f, FSM_CMD_TASK_STARTED, token, 2, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 2, false, NULL);
  assert_code(&answer, FSM_OK);
  assert_state(f, "t1", "bad");
  assert_verified(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_timer_fires_when_it_is_due_also_after_a_restart),
      T(a_task_whose_attempt_runs_out_of_time_fails),
      T(an_undelivered_task_is_offered_again_and_uses_no_attempt),
      T(a_failed_attempt_is_retried_after_its_backoff),
      T(a_timer_that_is_set_anew_waits_its_whole_time_again),
      T(a_parked_instance_does_not_move_when_an_attempt_runs_out),
      T(attempts_are_a_bound_also_when_nobody_said_that_they_began),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
