/* test_writer_lost.c: attempts that a kill -9 ends: counted, and tried again at once and not only at their
 * deadline. Each test kills a process of its own in the middle of a callback. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "runtime_scene.h"

#define MACHINE(name, attempts)                                                           \
  "{\"id\":\"" name                                                                       \
  "\",\"initial\":\"work\",\"context\":{\"out\":null},\"states\":{\"work\":{\"invoke\":{" \
  "\"id\":\"job\",\"src\":\"svc\",\"meta\":{\"fsm\":{\"attempts\":" attempts              \
  ",\"timeout\":\"1h\","                                                                  \
  "\"backoff\":\"1ms\"}},\"onDone\":\"ok\","                                              \
  "\"onError\":{\"target\":\"bad\",\"context\":{\"out\":{\"@expr\":\"event.error\"}}}}}," \
  "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}"

static const char *const MACHINES[] = {MACHINE("tried", "3"), MACHINE("once", "1")};

/* What both processes see. */
typedef struct shared {
  _Atomic unsigned calls, ended;
  _Atomic bool blocks, later;
  uint8_t token[16];
  unsigned attempt;
} shared;

typedef struct stage {
  fixture *f;
  shared *shared;
} stage;

static void serve(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  shared *s = arg;
  (void)arena;
  memcpy(s->token, task->token, 16);
  s->attempt = task->attempt;
  out->later = atomic_load(&s->later);
  atomic_fetch_add(&s->calls, 1);
  while (atomic_load(&s->blocks)) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  atomic_fetch_add(&s->ended, 1);
}

static void stage_open(stage *s) {
  const fsm_service services[] = {{.name = "svc", .run = serve, .arg = s->shared}};
  fsm_runtime_options options = scene_options(s->f);
  options.now = NULL;
  options.task_ready = NULL;
  options.services = services;
  options.service_count = 1;
  scene_open(s->f, &options);
}

static int setup(void **state) {
  stage *s = calloc(1, sizeof *s);
  s->shared = mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  s->f = fixture_new();
  for (size_t i = 0; i < sizeof MACHINES / sizeof MACHINES[0]; i++) {
    fsm_answer answer = deploy_text(s->f, MACHINES[i], strlen(MACHINES[i]));
    assert_code(&answer, FSM_OK);
  }
  fixture_close(s->f);
  *state = s;
  return 0;
}

static int teardown(void **state) {
  stage *s = *state;
  assert_verified(s->f);
  fixture_free(s->f);
  munmap(s->shared, sizeof *s->shared);
  free(s);
  return 0;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); }

/* Another process starts the instances and is killed when `calls` callbacks have been called. */
static void kill_in_the_middle(stage *s, const char *machine, unsigned instances, unsigned calls) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    stage_open(s);
    for (unsigned i = 0; i < instances; i++) {
      char id[16];
      snprintf(id, sizeof id, "i%u", i);
      (void)start(s->f, machine, id, NULL, NULL);
    }
    for (;;) pause();
  }
  for (int i = 0; i < 30000 && atomic_load(&s->shared->calls) < calls; i++) nap();
  nap();
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  assert_true(atomic_load(&s->shared->calls) >= calls);
}

static const char *shown(stage *s, const char *id) {
  fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  return text_of(s->f, &instance);
}

static void await(stage *s, const char *id, const char *text) {
  for (int i = 0; i < 30000 && strstr(shown(s, id), text) == NULL; i++) nap();
  if (strstr(shown(s, id), text) == NULL) fail_msg("%s", shown(s, id));
}

static void the_attempt_is_counted_and_the_next_begins_at_once(void **state) {
  stage *s = *state;
  atomic_store(&s->shared->blocks, true);
  kill_in_the_middle(s, "tried", 1, 1);
  atomic_store(&s->shared->blocks, false);
  stage_open(s);
  await(s, "i0", "\"state\":[\"ok\"]");
  assert_int_equal(s->shared->attempt, 2);
  fsm_value page = query(s->f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i0"});
  assert_non_null(strstr(text_of(s->f, &page), "the process ended during the attempt"));
}

static void the_last_attempt_is_the_error_of_the_invoke(void **state) {
  stage *s = *state;
  atomic_store(&s->shared->blocks, true);
  kill_in_the_middle(s, "once", 1, 1);
  atomic_store(&s->shared->blocks, false);
  stage_open(s);
  await(s, "i0", "\"state\":[\"bad\"]");
  assert_non_null(strstr(shown(s, "i0"), "the process ended during the attempt"));
  assert_int_equal(s->shared->calls, 1);
}

static void an_attempt_that_somebody_outside_answers_goes_on(void **state) {
  stage *s = *state;
  atomic_store(&s->shared->later, true);
  kill_in_the_middle(s, "once", 1, 1);
  stage_open(s); /* that it was handed on may have been killed before it was durable */
  for (int i = 0; i < 50; i++) nap();
  if (strstr(shown(s, "i0"), "\"state\":[\"bad\"]") != NULL) return;
  fsm_answer answer = task(s->f, FSM_CMD_TASK_COMPLETE, s->shared->token, 1, false, "1");
  assert_code(&answer, FSM_OK);
  await(s, "i0", "\"state\":[\"ok\"]");
}

static void whenever_it_is_killed_each_is_done_in_the_end(void **state) {
  stage *s = *state;
  enum { TASKS = 60 };
  kill_in_the_middle(s, "tried", TASKS, 20);
  stage_open(s);
  for (unsigned i = 0; i < TASKS; i++) {
    char id[16];
    snprintf(id, sizeof id, "i%u", i);
    fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id};
    fsm_value none;
    if (fsm_query_wait(s->f->runtime, &q, &s->f->arena, &none, NULL) != FSM_OK) continue; /* never answered */
    await(s, id, "\"state\":[\"ok\"]");
  }
  assert_true(s->shared->ended >= 20);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(the_attempt_is_counted_and_the_next_begins_at_once),
      T(the_last_attempt_is_the_error_of_the_invoke),
      T(an_attempt_that_somebody_outside_answers_goes_on),
      T(whenever_it_is_killed_each_is_done_in_the_end),
  };
  return cmocka_run_group_tests_name("writer_lost", tests, NULL, NULL);
}
