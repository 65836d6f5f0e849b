/* test_writer_task.c: attempts of workers: signs of life, answers that come late, twice, or of an attempt
 * that is over. */
#include "runtime_scene.h"

static const char BEATING[] =
    "{\"id\":\"beating\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
    "\"svc\","
    "\"meta\":{\"fsm\":{\"attempts\":2,\"timeout\":\"60s\",\"heartbeat\":\"9s\",\"backoff\":\"1ms\"}},"
    "\"onDone\":\"ok\",\"onError\":\"bad\"}},\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";

static int setup(void **state) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, BEATING, strlen(BEATING));
  assert_code(&answer, FSM_OK);
  (void)start(f, "beating", "b1", NULL, NULL);
  await_offers(f, 1);
  answer = task(f, FSM_CMD_TASK_STARTED, f->offered[0].token, 1, false, NULL);
  assert_code(&answer, FSM_OK);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static void pass(fixture *f, double seconds) {
  atomic_fetch_add(&f->now_ns, (int64_t)(seconds * (double)SECOND));
}

/* A turn of the writer has looked at what is due: its answer comes after that. */
static const char *task_text(fixture *f) {
  (void)send_event(f, "b1", "NOTHING", NULL);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "b1"});
  return text_of(f, fsm_map_get(&instance, "tasks"));
}

static bool runs(fixture *f) { return strstr(task_text(f), "\"status\":\"started\"") != NULL; }

static fsm_answer beat(fixture *f) {
  return task(f, FSM_CMD_TASK_HEARTBEAT, f->offered[0].token, 1, false, NULL);
}

static int64_t health(fixture *f, const char *name) {
  fsm_value document = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return fsm_map_get(&document, name)->i;
}

static void an_attempt_that_is_silent_is_lost(void **state) {
  fixture *f = *state;
  pass(f, 8);
  assert_true(runs(f));
  pass(f, 2);
  assert_false(runs(f));
  assert_non_null(strstr(task_text(f), "no sign of life"));
  pass(f, 1);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 2);
  assert_verified(f);
}

static void heartbeats_keep_an_attempt_up_to_its_deadline_and_no_longer(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 7; i++) { /* 56 s */
    pass(f, 8);
    fsm_answer answer = beat(f);
    assert_code(&answer, FSM_OK);
    assert_true(runs(f));
  }
  pass(f, 3);
  assert_true(runs(f));
  pass(f, 2);
  assert_false(runs(f));
  assert_non_null(strstr(task_text(f), "out of time"));
  assert_verified(f);
}

static void heartbeats_that_come_often_are_few_records_and_all_count(void **state) {
  fixture *f = *state;
  unsigned records = 0;
  pass(f, 2.5); /* less than a third: no record */
  fsm_answer answer = beat(f);
  assert_code(&answer, FSM_OK);
  assert_true(answer.seq == 0);
  pass(f, 7.5); /* silent for 7.5 s; the record knows of 10 */
  assert_true(runs(f));
  for (int i = 0; i < 20; i++) {
    pass(f, 1);
    answer = beat(f);
    assert_code(&answer, FSM_OK);
    records += answer.seq != 0;
  }
  assert_true(records >= 5 && records <= 7); /* one in three seconds */
  pass(f, 8);
  assert_true(runs(f));
  pass(f, 2);
  assert_false(runs(f));
  assert_verified(f);
}

static void a_beat_in_memory_dies_with_the_process_and_a_recorded_one_does_not(void **state) {
  fixture *f = *state;
  pass(f, 4);
  (void)beat(f);
  fixture_reopen(f);
  pass(f, 8);
  assert_true(runs(f));
  pass(f, 2);
  assert_false(runs(f));
  assert_verified(f);
}

static void an_answer_of_an_attempt_that_is_over_is_refused_and_counted(void **state) {
  fixture *f = *state;
  const uint8_t *token = f->offered[0].token;
  pass(f, 10);
  assert_false(runs(f));
  pass(f, 1);
  await_offers(f, 2);
  fsm_answer answer = task(f, FSM_CMD_TASK_COMPLETE, token, 1, false, "1");
  assert_code(&answer, FSM_ETASK);
  assert_string_equal(answer.error.where, "attempt");
  answer = task(f, FSM_CMD_TASK_STARTED, token, 2, false, NULL);
  assert_code(&answer, FSM_OK);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, "\"late\"");
  assert_code(&answer, FSM_ETASK);
  answer = task(f, FSM_CMD_TASK_HEARTBEAT, token, 1, false, NULL);
  assert_code(&answer, FSM_ETASK);
  assert_true(runs(f));
  assert_int_equal(health(f, "late_answers"), 3);
  assert_int_equal(health(f, "duplicates"), 0);
  answer = task(f, FSM_CMD_TASK_COMPLETE, token, 2, false, "1");
  assert_code(&answer, FSM_OK);
  assert_state(f, "b1", "ok");
  answer = task(f, FSM_CMD_TASK_COMPLETE, token, 2, false, "1");
  assert_code(&answer, FSM_ETASK);
  assert_int_equal(health(f, "late_answers"), 4);
  assert_int_equal(health(f, "duplicates"), 1);
  assert_verified(f);
}

static void the_last_error_is_kept_with_the_task(void **state) {
  fixture *f = *state;
  char letters[501] = "", data[600];
  for (size_t i = 0; i < 500; i += 2) memcpy(letters + i, "\xc3\xa9", 3);
  snprintf(data, sizeof data, "{\"message\":\"%s\"}", letters);
  fsm_answer answer = task(f, FSM_CMD_TASK_FAIL, f->offered[0].token, 1, false, data);
  assert_code(&answer, FSM_OK);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "b1"});
  const fsm_value *error = fsm_map_get(&fsm_map_get(&instance, "tasks")->items[0], "error");
  assert_non_null(error);
  assert_int_equal(error->len, 256); /* whole characters of two bytes */
  assert_verified(f);
}

static void a_service_may_ask_for_more_time_before_the_next_attempt(void **state) {
  fixture *f = *state;
  fsm_command command = fsm_command_new(FSM_CMD_TASK_FAIL);
  memcpy(command.token, f->offered[0].token, 16);
  command.retry_ns = 20 * SECOND;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  pass(f, 19);
  (void)task_text(f);
  assert_int_equal(f->offered_count, 1);
  pass(f, 2);
  await_offers(f, 2);
  assert_verified(f);
}

/* ---- what is offered is durable ------------------------------------------------------------------ */

static const char TIMED[] =
    "{\"id\":\"timed\",\"initial\":\"a\",\"states\":{\"a\":{\"after\":{\"1000\":\"b\"}},"
    "\"b\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"onDone\":\"c\"}},\"c\":{}}}";

typedef struct watch {
  _Atomic uint64_t durable, at_offer; /* at_offer: what was durable then; 0 = none yet */
  uint8_t token[16];
} watch;

static void note_durable(void *arg, uint64_t seq) { atomic_store(&((watch *)arg)->durable, seq); }

static void note_offer(void *arg, const fsm_task *task) {
  watch *w = arg;
  if (strcmp(task->instance, "t1") != 0) return;
  memcpy(w->token, task->token, sizeof w->token);
  atomic_store(&w->at_offer, atomic_load(&w->durable));
}

static void await_offer(watch *w) {
  for (int i = 0; i < 12000 && atomic_load(&w->at_offer) == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_true(atomic_load(&w->at_offer) != 0);
}

static uint64_t last_seq(fixture *f, const char *id) {
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id});
  const fsm_value *items = fsm_map_get(&page, "items");
  return (uint64_t)fsm_map_get(&items->items[items->len - 1], "seq")->i;
}

static fsm_answer operated(fixture *f, fsm_command_kind kind) {
  fsm_command command = fsm_command_new(kind);
  command.instance = "t1";
  command.reason = "a test";
  command.actor = json(f, "{\"sub\":\"op\"}");
  return sent(f, &command);
}

static void a_task_is_offered_only_when_its_record_is_durable(void **state) {
  fixture *f = *state;
  watch w = {.durable = 0};
  fsm_runtime_options options = scene_options(f);
  options.durable = note_durable;
  options.durable_arg = options.task_arg = &w;
  options.task_ready = note_offer;
  scene_reopen(f, &options);
  fsm_answer answer = deploy_text(f, TIMED, strlen(TIMED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "timed", "t1", NULL, NULL);
  answer = operated(f, FSM_CMD_PAUSE);
  assert_code(&answer, FSM_OK);
  pass(f, 5); /* the timer is overdue, and fires in the turn in which it is looked for */
  answer = operated(f, FSM_CMD_RESUME);
  assert_code(&answer, FSM_OK);
  await_offer(&w);
  assert_true(atomic_load(&w.at_offer) >= last_seq(f, "t1"));
}

/* A step of its instance, in the very turn in which the task is due again. */
static void a_task_is_offered_only_when_what_its_instance_did_last_is_durable(void **state) {
  static const char BOTH[] =
      "{\"id\":\"both\",\"type\":\"parallel\",\"states\":{\"l\":{\"initial\":\"a\",\"states\":{\"a\":{"
      "\"after\":{\"30000\":\"b\"}},\"b\":{}}},"
      "\"r\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"meta\":{\"fsm\":{\"attempts\":2}}}}}}";
  fixture *f = *state;
  watch w = {.durable = 0};
  fsm_runtime_options options = scene_options(f);
  options.durable = note_durable;
  options.durable_arg = options.task_arg = &w;
  options.task_ready = note_offer;
  scene_reopen(f, &options);
  fsm_answer answer = deploy_text(f, BOTH, strlen(BOTH));
  assert_code(&answer, FSM_OK);
  (void)start(f, "both", "t1", NULL, NULL);
  await_offer(&w);
  fsm_command fail = fsm_command_new(FSM_CMD_TASK_FAIL);
  memcpy(fail.token, w.token, sizeof fail.token);
  fail.attempt = 1;
  fail.retry_ns = 60 * SECOND;
  answer = sent(f, &fail);
  assert_code(&answer, FSM_OK);
  answer = operated(f, FSM_CMD_PAUSE);
  assert_code(&answer, FSM_OK);
  atomic_store(&w.at_offer, 0);
  pass(f, 100);
  answer = operated(f, FSM_CMD_RESUME);
  assert_code(&answer, FSM_OK);
  await_offer(&w);
  assert_true(atomic_load(&w.at_offer) >= last_seq(f, "t1"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(an_attempt_that_is_silent_is_lost),
      T(heartbeats_keep_an_attempt_up_to_its_deadline_and_no_longer),
      T(heartbeats_that_come_often_are_few_records_and_all_count),
      T(a_beat_in_memory_dies_with_the_process_and_a_recorded_one_does_not),
      T(an_answer_of_an_attempt_that_is_over_is_refused_and_counted),
      T(the_last_error_is_kept_with_the_task),
      T(a_service_may_ask_for_more_time_before_the_next_attempt),
      T(a_task_is_offered_only_when_its_record_is_durable),
      T(a_task_is_offered_only_when_what_its_instance_did_last_is_durable),
  };
  return cmocka_run_group_tests_name("writer_task", tests, NULL, NULL);
}
