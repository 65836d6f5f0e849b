/* test_service.c: services of the program: C callbacks on threads of the runtime, every attempt on record. */
#include "runtime_scene.h"

/* NAME: a machine whose one state invokes SERVICE under POLICY; its output or error ends up in the context.
 */
#define MACHINE(name, service, policy)                                                                    \
  "{\"id\":\"" name                                                                                       \
  "\",\"initial\":\"work\",\"context\":{\"out\":null},\"states\":{\"work\":{\"invoke\":{"                 \
  "\"id\":\"job\",\"src\":\"" service "\",\"input\":{\"n\":{\"@expr\":\"1\"}},\"meta\":{\"fsm\":{" policy \
  "}},\"onDone\":{\"target\":\"ok\",\"context\":{\"out\":{\"@expr\":\"event.output\"}}},"                 \
  "\"onError\":{\"target\":\"bad\",\"context\":{\"out\":{\"@expr\":\"event.error\"}}}}},"                 \
  "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}"

static const char *const MACHINES[] = {
    MACHINE("plain", "svc", "\"attempts\":1"),
    MACHINE("tried", "svc", "\"attempts\":3,\"backoff\":\"20ms\",\"backoff_max\":\"30ms\""),
    MACHINE("short", "svc", "\"attempts\":1,\"timeout\":\"50ms\""),
    MACHINE("beating", "svc", "\"attempts\":1,\"timeout\":\"10s\",\"heartbeat\":\"100ms\""),
    MACHINE("other", "nobody.here", "\"attempts\":1"),
    "{\"id\":\"strict\",\"initial\":\"work\",\"context\":{\"out\":null},\"schemas\":{\"events\":{"
    "\"xstate.done.actor.job\":{\"type\":\"object\",\"properties\":{\"output\":{\"type\":\"object\"}}}}},"
    "\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"meta\":{\"fsm\":{\"timeout\":\"1h\"}}"
    ","
    "\"onDone\":\"ok\",\"onError\":{\"target\":\"bad\",\"context\":{\"out\":{\"@expr\":\"event.error\"}}}}},"
    "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}",
};

typedef enum behaviour {
  ANSWERS,
  FAILS,
  FAILS_FOR_GOOD,
  FAILS_TWICE,
  DEEP,
  LATER,
  SLOW,
  BEATS,
  WAITS /* until the test lets go */
} behaviour;

typedef struct stage {
  fixture *f;
  behaviour behaviour;
  _Atomic unsigned calls, running, most;
  _Atomic bool gate, on_writer;
  uint8_t token[16];
  unsigned attempt;
  int64_t called_ns[8];
  fsm_service service[2];
  unsigned threads;
  int64_t close_ns;
} stage;

static void nap(int64_t ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t real_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void deep(fsm_arena *arena, fsm_value *out) {
  *out = fsm_null();
  for (int i = 0; i < 40; i++) {
    fsm_value *item = fsm_arena_alloc(arena, sizeof *item);
    *item = *out;
    *out = fsm_list(item, 1);
  }
}

static void fail_as(fsm_service_result *out, bool final) {
  (void)fsm_fail(&out->error, FSM_EUNREACHABLE, "there", "no line");
  out->final = final;
}

static void beat_for(stage *s, const fsm_task *task, int times) {
  fsm_command beat = fsm_command_new(FSM_CMD_TASK_HEARTBEAT);
  memcpy(beat.token, task->token, 16);
  beat.attempt = task->attempt;
  for (int i = 0; i < times; i++) {
    fsm_answer answer;
    fsm_arena arena;
    nap(30);
    fsm_arena_init(&arena, 0);
    (void)fsm_call(s->f->runtime, &beat, &arena, &answer);
    fsm_arena_free(&arena);
  }
}

static void serve(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  stage *s = arg;
  unsigned call = atomic_fetch_add(&s->calls, 1), now = atomic_fetch_add(&s->running, 1) + 1;
  unsigned most = atomic_load(&s->most);
  while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now)) continue;
  if (call < 8) s->called_ns[call] = real_ns();
  pthread_mutex_lock(&s->f->lock);
  memcpy(s->token, task->token, 16);
  s->attempt = task->attempt;
  pthread_mutex_unlock(&s->f->lock);
  out->output = fsm_string("done");
  switch (s->behaviour) {
    case ANSWERS: break;
    case FAILS: fail_as(out, false); break;
    case FAILS_FOR_GOOD: fail_as(out, true); break;
    case FAILS_TWICE:
      if (call < 2) fail_as(out, false);
      break;
    case DEEP: deep(arena, &out->output); break;
    case LATER: out->later = true; break;
    case SLOW: nap(150); break;
    case BEATS: beat_for(s, task, 10); break;
    case WAITS:
      while (!atomic_load(&s->gate)) nap(1);
      break;
  }
  atomic_fetch_sub(&s->running, 1);
}

static void stage_open(stage *s) {
  fsm_runtime_options options = scene_options(s->f);
  options.now = NULL;
  options.task_ready = NULL;
  options.services = s->service;
  options.service_count = 1;
  options.service_threads = s->threads;
  options.service_close_ns = s->close_ns;
  s->service[0].name = "svc";
  s->service[0].run = serve;
  s->service[0].arg = s;
  scene_open(s->f, &options);
}

static int setup(void **state) {
  stage *s = calloc(1, sizeof *s);
  s->f = fixture_new();
  fixture_close(s->f);
  stage_open(s);
  for (size_t i = 0; i < sizeof MACHINES / sizeof MACHINES[0]; i++) {
    fsm_answer answer = deploy_text(s->f, MACHINES[i], strlen(MACHINES[i]));
    if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
  }
  *state = s;
  return 0;
}

static int teardown(void **state) {
  stage *s = *state;
  atomic_store(&s->gate, true);
  if (s->f->runtime != NULL) assert_verified(s->f);
  fixture_free(s->f);
  free(s);
  return 0;
}

static void begin(stage *s, const char *machine, behaviour how) {
  s->behaviour = how;
  fsm_answer answer = start(s->f, machine, "i1", NULL, NULL);
  assert_code(&answer, FSM_OK);
}

static const char *shown(stage *s, const char *id, const char *member) {
  fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  const fsm_value *value = fsm_map_get(&instance, member);
  return value != NULL ? text_of(s->f, value) : "";
}

static void await(stage *s, const char *member, const char *text) {
  for (int i = 0; i < 12000; i++) {
    if (strstr(shown(s, "i1", member), text) != NULL) return;
    nap(5);
  }
  fail_msg("%s is %s, not %s", member, shown(s, "i1", member), text);
}

static void await_calls(stage *s, unsigned n) {
  for (int i = 0; i < 12000 && atomic_load(&s->calls) < n; i++) nap(5);
  assert_true(atomic_load(&s->calls) >= n);
}

static int64_t health(stage *s, const char *name) {
  fsm_value document = query(s->f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  return fsm_map_get(&document, name)->i;
}

/* The kinds of the instance's records, a letter each: S task_started, D task_done, F task_failed. */
static const char *history(stage *s, const char *id) {
  fsm_value page = query(s->f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id});
  const fsm_value *items = fsm_map_get(&page, "items");
  char *out = fsm_arena_zalloc(&s->f->arena, items->len + 1, 1);
  for (unsigned i = 0, n = 0; i < items->len; i++) {
    const fsm_value *kind = fsm_map_get(&items->items[i], "kind");
    char letter = fsm_is_text(kind, "task_started")  ? 'S'
                  : fsm_is_text(kind, "task_done")   ? 'D'
                  : fsm_is_text(kind, "task_failed") ? 'F'
                                                     : 0;
    if (letter != 0) out[n++] = letter;
  }
  return out;
}

static void an_attempt_is_on_record_before_the_callback_and_so_is_its_output(void **state) {
  stage *s = *state;
  begin(s, "plain", WAITS);
  await_calls(s, 1);
  assert_string_equal(history(s, "i1"), "S");
  assert_non_null(strstr(shown(s, "i1", "tasks"), "\"status\":\"started\""));
  atomic_store(&s->gate, true);
  await(s, "state", "ok");
  assert_non_null(strstr(shown(s, "i1", "context"), "\"out\":\"done\""));
  assert_string_equal(history(s, "i1"), "SD");
  assert_int_equal(s->calls, 1);
}

static void a_failure_is_an_event_that_says_what_and_where(void **state) {
  stage *s = *state;
  begin(s, "plain", FAILS);
  await(s, "state", "bad");
  assert_non_null(strstr(shown(s, "i1", "context"),
                         "{\"code\":\"unreachable\",\"message\":\"no line\",\"where\":\"there\"}"));
  assert_string_equal(history(s, "i1"), "SF");
}

static void failures_are_tried_again_after_their_backoff(void **state) {
  stage *s = *state;
  begin(s, "tried", FAILS_TWICE);
  await(s, "state", "ok");
  assert_int_equal(s->calls, 3);
  assert_string_equal(history(s, "i1"), "SFSFSD");
  for (int i = 0; i < 2; i++) assert_true(s->called_ns[i + 1] - s->called_ns[i] >= 1000000);
}

static void the_last_failure_is_the_last_attempt(void **state) {
  stage *s = *state;
  begin(s, "tried", FAILS);
  await(s, "state", "bad");
  assert_int_equal(s->calls, 3);
  assert_string_equal(history(s, "i1"), "SFSFSF");
}

static void a_final_failure_uses_no_further_attempt(void **state) {
  stage *s = *state;
  begin(s, "tried", FAILS_FOR_GOOD);
  await(s, "state", "bad");
  assert_int_equal(s->calls, 1);
}

static void output_that_no_event_can_hold_fails_the_attempt(void **state) {
  stage *s = *state;
  begin(s, "plain", DEEP);
  await(s, "state", "bad");
  assert_non_null(strstr(shown(s, "i1", "context"), "what the service gave is no data"));
}

static void output_that_the_schema_refuses_fails_the_attempt(void **state) {
  stage *s = *state;
  begin(s, "strict", ANSWERS); /* a text where an object is wanted */
  await(s, "state", "bad");
  assert_non_null(strstr(shown(s, "i1", "context"), "\"code\":\"invalid_data\""));
}

static void an_attempt_out_of_time_fails_and_its_answer_is_ignored_and_counted(void **state) {
  stage *s = *state;
  begin(s, "short", SLOW);
  await(s, "state", "bad");
  assert_non_null(strstr(shown(s, "i1", "context"), "out of time"));
  for (int i = 0; i < 12000 && health(s, "late_answers") == 0; i++) nap(5);
  assert_int_equal(health(s, "late_answers"), 1);
  assert_string_equal(history(s, "i1"), "SF");
}

static void heartbeats_of_the_callback_keep_its_attempt(void **state) {
  stage *s = *state;
  begin(s, "beating", BEATS); /* 300 ms */
  await(s, "state", "ok");
  const char *kinds = history(s, "i1");
  assert_true(strlen(kinds) >= 3 && strlen(kinds) <= 12);
  assert_int_equal(kinds[strlen(kinds) - 1], 'D');
}

static void silence_loses_the_attempt(void **state) {
  stage *s = *state;
  begin(s, "beating", SLOW);
  await(s, "state", "bad");
  assert_non_null(strstr(shown(s, "i1", "context"), "no sign of life"));
}

static void an_answer_may_come_later_from_elsewhere(void **state) {
  stage *s = *state;
  begin(s, "plain", LATER);
  for (int i = 0; i < 12000 && strcmp(history(s, "i1"), "SS") != 0; i++) nap(5);
  assert_string_equal(history(s, "i1"), "SS");
  fixture_close(s->f);
  stage_open(s); /* the one who has the token knows nothing of that */
  nap(50);
  assert_non_null(strstr(shown(s, "i1", "tasks"), "\"status\":\"started\""));
  fsm_answer answer = task(s->f, FSM_CMD_TASK_COMPLETE, s->token, 1, false, "\"from elsewhere\"");
  assert_code(&answer, FSM_OK);
  assert_state(s->f, "i1", "ok");
}

static fsm_answer admin(stage *s, fsm_command_kind kind) {
  fsm_command command = fsm_command_new(kind);
  command.instance = "i1";
  command.reason = "a test";
  command.actor = json(s->f, "{\"sub\":\"ana\"}");
  return sent(s->f, &command);
}

static void the_answer_of_a_paused_instance_waits_and_is_taken_when_it_goes_on(void **state) {
  stage *s = *state;
  begin(s, "plain", WAITS);
  await_calls(s, 1);
  fsm_answer answer = admin(s, FSM_CMD_PAUSE);
  assert_code(&answer, FSM_OK);
  atomic_store(&s->gate, true);
  nap(100);
  assert_state(s->f, "i1", "work");
  answer = admin(s, FSM_CMD_RESUME);
  assert_code(&answer, FSM_OK);
  await(s, "state", "ok");
  assert_string_equal(history(s, "i1"), "SD");
}

static void a_paused_instance_begins_no_attempt(void **state) {
  stage *s = *state;
  begin(s, "tried", FAILS_TWICE);
  await_calls(s, 1);
  fsm_answer answer = admin(s, FSM_CMD_PAUSE);
  assert_code(&answer, FSM_OK);
  nap(100); /* longer than the back-off */
  unsigned calls = atomic_load(&s->calls);
  nap(100);
  assert_int_equal(s->calls, calls);
  answer = admin(s, FSM_CMD_RESUME);
  assert_code(&answer, FSM_OK);
  await(s, "state", "ok");
}

static void a_service_that_nobody_has_waits_and_is_seen_waiting(void **state) {
  stage *s = *state;
  begin(s, "other", ANSWERS);
  nap(50);
  assert_int_equal(s->calls, 0);
  assert_state(s->f, "i1", "work");
  assert_non_null(strstr(shown(s, "i1", "tasks"), "\"status\":\"nobody\""));
}

static void no_more_run_at_once_than_the_service_allows(void **state) {
  stage *s = *state;
  fixture_close(s->f);
  s->service[0].concurrency = 2;
  s->threads = 6;
  stage_open(s);
  s->behaviour = SLOW;
  for (int i = 0; i < 8; i++) {
    char id[16];
    snprintf(id, sizeof id, "n%d", i);
    fsm_answer answer = start(s->f, "plain", id, NULL, NULL);
    assert_code(&answer, FSM_OK);
  }
  await_calls(s, 8);
  for (int i = 0; i < 12000 && atomic_load(&s->running) > 0; i++) nap(5);
  assert_int_equal(s->most, 2);
}

static void closing_waits_for_what_runs_and_keeps_its_answer(void **state) {
  stage *s = *state;
  begin(s, "plain", SLOW);
  await_calls(s, 1);
  fixture_close(s->f);
  assert_int_equal(s->running, 0);
  stage_open(s);
  assert_state(s->f, "i1", "ok");
  assert_string_equal(history(s, "i1"), "SD");
}

static void what_runs_longer_than_closing_waits_counts_as_an_attempt(void **state) {
  stage *s = *state;
  fixture_close(s->f);
  s->close_ns = 30000000;
  stage_open(s);
  begin(s, "tried", WAITS);
  await_calls(s, 1);
  fixture_close(s->f);
  assert_int_equal(s->running, 1);
  atomic_store(&s->gate, true);
  for (int i = 0; i < 12000 && atomic_load(&s->running) > 0; i++) nap(5);
  stage_open(s);
  await(s, "state", "ok");
  assert_string_equal(history(s, "i1"), "SFSD");
  assert_int_equal(s->attempt, 2);
}

static void a_thousand_over_four_threads_are_each_done_once(void **state) {
  stage *s = *state;
  enum { MANY = 1000 };
  fsm_command *commands = calloc(MANY, sizeof *commands);
  for (int i = 0; i < MANY; i++) {
    commands[i] = fsm_command_new(FSM_CMD_START);
    commands[i].machine = "plain";
    assert_int_equal(fsm_submit(s->f->runtime, &commands[i], NULL, NULL, NULL), FSM_OK);
  }
  free(commands);
  fsm_query done = {.kind = FSM_QUERY_COUNTS, .machine = "plain"};
  const char *text = "";
  for (int i = 0; i < 12000 && strstr(text, "\"count\":1000,\"machine\":\"plain\",\"state\":\"ok\"") == NULL;
       i++) {
    fsm_value counts = query(s->f, done);
    text = text_of(s->f, &counts);
    nap(5);
  }
  assert_non_null(strstr(text, "\"count\":1000,\"machine\":\"plain\",\"state\":\"ok\""));
  assert_int_equal(s->calls, MANY);
  assert_int_equal(s->most <= 4, 1);
}

static void registering_is_checked(void **state) {
  stage *s = *state;
  fsm_runtime_options options = scene_options(s->f);
  fsm_runtime *none = NULL;
  fsm_error err = {.text = ""};
  fixture_close(s->f);
  fsm_service twice[2] = {{.name = "a", .run = serve}, {.name = "a", .run = serve}};
  options.services = twice;
  options.service_count = 2;
  assert_int_equal(fsm_runtime_open(&options, &none, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "services[1]");
  twice[1].name = "machine";
  assert_int_equal(fsm_runtime_open(&options, &none, NULL, &err), FSM_EARGUMENT);
  twice[1] = (fsm_service){.name = "b"};
  assert_int_equal(fsm_runtime_open(&options, &none, NULL, &err), FSM_EARGUMENT);
  char name[FSM_SERVICE_NAME_MAX + 2];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  twice[1] = (fsm_service){.name = name, .run = serve};
  assert_int_equal(fsm_runtime_open(&options, &none, NULL, &err), FSM_ETOOLARGE);
  name[FSM_SERVICE_NAME_MAX] = '\0';
  assert_int_equal(fsm_runtime_open(&options, &s->f->runtime, NULL, &err), FSM_OK);
  options.service_threads = 257;
  assert_int_equal(fsm_runtime_open(&options, &none, NULL, &err), FSM_ETOOLARGE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(an_attempt_is_on_record_before_the_callback_and_so_is_its_output),
      T(a_failure_is_an_event_that_says_what_and_where),
      T(failures_are_tried_again_after_their_backoff),
      T(the_last_failure_is_the_last_attempt),
      T(a_final_failure_uses_no_further_attempt),
      T(output_that_no_event_can_hold_fails_the_attempt),
      T(output_that_the_schema_refuses_fails_the_attempt),
      T(an_attempt_out_of_time_fails_and_its_answer_is_ignored_and_counted),
      T(heartbeats_of_the_callback_keep_its_attempt),
      T(silence_loses_the_attempt),
      T(an_answer_may_come_later_from_elsewhere),
      T(the_answer_of_a_paused_instance_waits_and_is_taken_when_it_goes_on),
      T(a_paused_instance_begins_no_attempt),
      T(a_service_that_nobody_has_waits_and_is_seen_waiting),
      T(no_more_run_at_once_than_the_service_allows),
      T(closing_waits_for_what_runs_and_keeps_its_answer),
      T(what_runs_longer_than_closing_waits_counts_as_an_attempt),
      T(a_thousand_over_four_threads_are_each_done_once),
      T(registering_is_checked),
  };
  return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
