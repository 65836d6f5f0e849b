/* test_workers.c: tasks to workers over NATS, with a real server: what is slow to accept keeps nobody else
 * waiting, and answers that change nothing are told so. */
#include "runtime/workers.h"

#include <nats/nats.h>

#include "nats_server.h"
#include "runtime/clock.h"
#include "runtime/publish.h"
#include "runtime/queue.h"
#include "runtime_scene.h"

#define MACHINE(name, service)                                                                  \
  "{\"id\":\"" name                                                                             \
  "\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":\"" service \
  "\",\"meta\":{\"fsm\":{\"attempts\":2,\"timeout\":\"60s\",\"heartbeat\":\"30s\"}},"           \
  "\"onDone\":\"ok\",\"onError\":\"bad\"}},\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}"

typedef struct stage {
  nats_server server;
  fixture *f;
  fsm_publisher *publisher;
  natsConnection *nc;
  natsSubscription *subs[2];
  _Atomic unsigned silent, quick;
  char token[64];
} stage;

static void on_silent(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  (void)nc, (void)sub;
  atomic_fetch_add(&((stage *)arg)->silent, 1);
  natsMsg_Destroy(msg);
}

static void on_quick(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  stage *s = arg;
  const char *token = NULL;
  (void)sub;
  pthread_mutex_lock(&s->f->lock);
  if (natsMsgHeader_Get(msg, "Fsm-Task-Token", &token) == NATS_OK && atomic_load(&s->quick) == 0)
    snprintf(s->token, sizeof s->token, "%s", token);
  pthread_mutex_unlock(&s->f->lock);
  atomic_fetch_add(&s->quick, 1);
  natsConnection_PublishString(nc, natsMsg_GetReply(msg), "accepted");
  natsMsg_Destroy(msg);
}

static void nap(int64_t ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

static int setup(void **state) {
  stage *s = calloc(1, sizeof *s);
  fsm_error err = {.text = ""};
  if (!nats_server_new(&s->server) || !nats_server_start(&s->server)) return -1;
  s->f = fixture_new();
  fixture_close(s->f);
  fsm_publisher_options publishing = {.url = s->server.url};
  if (fsm_publisher_new(&publishing, &s->publisher, &err) != FSM_OK) fail_msg("%s", err.text);
  fsm_runtime_options options = scene_options(s->f);
  options.now = NULL;
  options.task_ready = fsm_publisher_task;
  options.task_arg = s->publisher;
  options.durable = fsm_publisher_durable;
  options.durable_arg = s->publisher;
  scene_open(s->f, &options);
  assert_int_equal(natsConnection_ConnectTo(&s->nc, s->server.url), NATS_OK);
  assert_int_equal(natsConnection_QueueSubscribe(&s->subs[0], s->nc, "fsm.task.silent", "w", on_silent, s),
                   0);
  assert_int_equal(natsConnection_QueueSubscribe(&s->subs[1], s->nc, "fsm.task.quick", "w", on_quick, s), 0);
  assert_int_equal(natsConnection_Flush(s->nc), NATS_OK);
  if (fsm_publisher_start(s->publisher, s->f->runtime, &err) != FSM_OK) fail_msg("%s", err.text);
  static const char *const machines[] = {MACHINE("silent", "silent"), MACHINE("quick", "quick")};
  for (int i = 0; i < 2; i++) {
    fsm_answer answer = deploy_text(s->f, machines[i], strlen(machines[i]));
    assert_code(&answer, FSM_OK);
  }
  *state = s;
  return 0;
}

/* Returns when its function does not run any more. */
static void unsubscribe(stage *s, int i) {
  natsSubscription_DrainTimeout(s->subs[i], 2000);
  natsSubscription_WaitForDrainCompletion(s->subs[i], 5000);
  natsSubscription_Destroy(s->subs[i]);
  s->subs[i] = NULL;
}

static int teardown(void **state) {
  stage *s = *state;
  for (int i = 0; i < 2; i++) unsubscribe(s, i);
  natsConnection_Destroy(s->nc);
  fsm_publisher_stop(s->publisher);
  fixture_close(s->f);
  fsm_publisher_free(s->publisher);
  fixture_free(s->f);
  nats_server_free(&s->server);
  free(s);
  return 0;
}

/* Until the instance q1 is shown so. */
static void await_text(stage *s, const char *text) {
  fsm_value instance = fsm_null();
  for (int i = 0; i < 6000 && strstr(text_of(s->f, &instance), text) == NULL; i++) {
    nap(5);
    instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "q1"});
  }
  assert_non_null(strstr(text_of(s->f, &instance), text));
}

static const char *asked(stage *s, const char *subject, const char *more) {
  natsMsg *reply = NULL;
  char text[256];
  pthread_mutex_lock(&s->f->lock);
  snprintf(text, sizeof text, "{\"token\":\"%s\"%s}", s->token, more);
  pthread_mutex_unlock(&s->f->lock);
  natsStatus status = natsConnection_RequestString(&reply, s->nc, subject, text, 10000);
  assert_int_equal(status, NATS_OK);
  const char *said =
      fsm_arena_strndup(&s->f->arena, natsMsg_GetData(reply), (size_t)natsMsg_GetDataLength(reply));
  natsMsg_Destroy(reply);
  return said;
}

static void one_that_never_accepts_keeps_nobody_else_waiting(void **state) {
  stage *s = *state;
  enum { MANY = 5000 }; /* more than all that may wait for an answer */
  const int64_t since_ns = fsm__monotonic_ns();
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "silent";
  for (int i = 0; i < MANY; i++)
    assert_int_equal(fsm_submit(s->f->runtime, &command, NULL, NULL, NULL), FSM_OK);
  command.machine = "quick";
  for (int i = 0; i < 20; i++)
    assert_int_equal(fsm_submit(s->f->runtime, &command, NULL, NULL, NULL), FSM_OK);
  for (int i = 0; i < 6000 && atomic_load(&s->quick) < 20; i++) nap(5);
  assert_true(atomic_load(&s->quick) >= 20);
  /* each that is silent holds its place for FSM_WORKERS_ACCEPT_MS */
  const unsigned silent = atomic_load(&s->silent);
  const int64_t rounds = 2 + (fsm__monotonic_ns() - since_ns) / (FSM_WORKERS_ACCEPT_MS * (int64_t)1000000);
  assert_true(silent >= 1 && silent <= rounds * FSM_WORKERS_SERVICE_WINDOW);
}

static void a_service_without_workers_is_nobody_until_one_comes(void **state) {
  stage *s = *state;
  unsubscribe(s, 1);
  assert_int_equal(natsConnection_Flush(s->nc), NATS_OK);
  fsm_answer answer = start(s->f, "quick", "q1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  await_text(s, "\"status\":\"nobody\"");
  assert_int_equal(natsConnection_QueueSubscribe(&s->subs[1], s->nc, "fsm.task.quick", "w", on_quick, s), 0);
  await_text(s, "\"status\":\"started\"");
  answer = start(s->f, "quick", "q2", NULL, NULL);
  assert_code(&answer, FSM_OK);
  fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "q2"});
  assert_null(strstr(text_of(s->f, &instance), "nobody"));
}

static void answers_that_change_nothing_are_told_so(void **state) {
  stage *s = *state;
  fsm_answer answer = start(s->f, "quick", "q1", NULL, NULL);
  assert_code(&answer, FSM_OK);
  await_text(s, "\"status\":\"started\"");
  assert_null(strstr(asked(s, "fsm.cmd.task.heartbeat", ",\"attempt\":1"), "\"error\""));
  assert_null(strstr(asked(s, "fsm.cmd.task.complete", ",\"attempt\":1"), "\"error\""));
  assert_non_null(strstr(asked(s, "fsm.cmd.task.complete", ",\"attempt\":1"), "\"code\":\"unknown_task\""));
  assert_non_null(strstr(asked(s, "fsm.cmd.task.heartbeat", ""), "\"code\":\"unknown_task\""));
  fsm_value health = query(s->f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(fsm_map_get(&health, "late_answers")->i, 2);
  assert_int_equal(fsm_map_get(&health, "duplicates")->i, 2);
  assert_state(s->f, "q1", "ok");
  assert_verified(s->f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(one_that_never_accepts_keeps_nobody_else_waiting),
      T(a_service_without_workers_is_nobody_until_one_comes),
      T(answers_that_change_nothing_are_told_so),
  };
  if (!nats_server_there()) {
    fprintf(stderr, "skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)\n");
    return 0;
  }
  return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
