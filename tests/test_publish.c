/* test_publish.c: a runtime whose records go to JetStream and whose tasks go to workers, with a real server.
 */
#include "runtime/publish.h"

#include <ftw.h>
#include <nats/nats.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "nats_server.h"
#include "runtime/workers.h"
#include "schema/json.h"

#define WAIT_WHY status().last_error
#include "tests/wait_for.h"

static const char definition[] =
    "{\"id\":\"doc\",\"initial\":\"draft\",\"context\":{\"review\":null,\"why\":null},\"states\":{"
    "\"draft\":{\"on\":{\"SUBMIT\":\"pending\"}},"
    "\"pending\":{\"invoke\":{\"id\":\"register\",\"src\":\"review.register\","
    "\"input\":{\"doc\":\"d1\",\"pages\":3},"
    "\"meta\":{\"fsm\":{\"attempts\":2,\"timeout\":\"30s\",\"backoff\":\"10ms\"}},"
    "\"onDone\":{\"target\":\"waiting\",\"actions\":[{\"type\":\"@xstate.assign\","
    "\"context\":{\"review\":{\"@expr\":\"event.output.id\"}}}]},"
    "\"onError\":\"failed\"}},"
    "\"waiting\":{\"on\":{\"APPROVE\":\"approved\"}},"
    "\"failed\":{\"on\":{\"RETRY\":\"pending\"}},"
    "\"approved\":{\"type\":\"final\"}}}";

static nats_server server;
static char dir[64];
static fsm_publisher *publisher;
static fsm_runtime *runtime;
static fsm_arena arena;

static int up(void **state) {
  (void)state;
  publisher = NULL;
  runtime = NULL;
  fsm_arena_init(&arena, 0);
  snprintf(dir, sizeof dir, "/tmp/fsm-publish-XXXXXX");
  return nats_server_new(&server) && mkdtemp(dir) != NULL ? 0 : -1;
}

static void close_all(void) {
  if (publisher != NULL) fsm_publisher_stop(publisher);
  if (runtime != NULL) fsm_runtime_close(runtime);
  fsm_publisher_free(publisher);
  publisher = NULL;
  runtime = NULL;
}

static int down(void **state) {
  (void)state;
  close_all();
  fsm_arena_free(&arena);
  nftw(dir, nats_server_remove_one, 16, FTW_DEPTH | FTW_PHYS);
  nats_server_free(&server);
  return 0;
}

static void open_all(void) {
  fsm_error err = {0};
  fsm_opened opened;
  fsm_publisher_options publishing = {.url = server.url};
  if (fsm_publisher_new(&publishing, &publisher, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  fsm_runtime_options options = {.dir = dir,
                                 .segment_bytes = 2 * 1024 * 1024,
                                 .map_bytes = (size_t)1 << 30,
                                 .task_ready = fsm_publisher_task,
                                 .task_arg = publisher,
                                 .durable = fsm_publisher_durable,
                                 .durable_arg = publisher};
  if (fsm_runtime_open(&options, &runtime, &opened, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  if (fsm_publisher_start(publisher, runtime, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
}

static fsm_publisher_status status(void) {
  fsm_publisher_status s;
  fsm_publisher_status_get(publisher, &s);
  return s;
}

/* ---- commands ---- */

static void must(const fsm_command *command) {
  fsm_answer answer;
  if (fsm_call(runtime, command, &arena, &answer) != FSM_OK) {
    fail_msg("%s: %s", answer.error.where, answer.error.text);
  }
}

static void deploy(void) {
  fsm_command c = fsm_command_new(FSM_CMD_DEPLOY);
  c.source = definition;
  c.source_len = sizeof definition - 1;
  must(&c);
}

static const char *named(int n) { return fsm_arena_printf(&arena, "doc-%d", n); }

static void submit_documents(int from, int to) {
  for (int i = from; i < to; i++) {
    fsm_command c = fsm_command_new(FSM_CMD_START);
    c.machine = "doc";
    c.instance = named(i);
    c.correlation = "case-1";
    must(&c);
    c = fsm_command_new(FSM_CMD_SEND);
    c.instance = named(i);
    c.event = "SUBMIT";
    c.correlation = "case-1";
    must(&c);
  }
}

static int in_state(const char *state) {
  fsm_query q = {.kind = FSM_QUERY_LIST, .machine = "doc", .state = state, .limit = FSM_PAGE_MAX};
  fsm_value doc;
  fsm_error err = {0};
  if (fsm_query_wait(runtime, &q, &arena, &doc, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  const fsm_value *items = fsm_map_get(&doc, "items");
  assert_non_null(items);
  return (int)items->len;
}

/* ---- a worker ---- */

typedef enum behaviour { COMPLETES, COMPLETES_FIRST, FAILS_ONCE, FAILS, KEEPS } behaviour;

typedef struct worker {
  natsConnection *nc;
  natsSubscription *sub;
  behaviour behaviour;
  pthread_mutex_t lock;
  int seen, refused;
  int busy; /* callbacks that run */
  char token[64], attempt[16], attempts[16], deadline[64], instance[64], machine[64], correlation[64];
  char payload[512], last_reply[1024];
} worker;

static void header(natsMsg *msg, const char *name, char *out, size_t size) {
  const char *value = NULL;
  snprintf(out, size, "%s", natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : "(none)");
}

static void ask(worker *w, const char *subject, const char *text) {
  natsMsg *reply = NULL;
  natsStatus s = natsConnection_RequestString(&reply, w->nc, subject, text, 10000);
  for (int i = 0; s == NATS_NO_RESPONDERS && i < 500; i++) { /* connected, and about to subscribe */
    nats_Sleep(10);
    s = natsConnection_RequestString(&reply, w->nc, subject, text, 10000);
  }
  pthread_mutex_lock(&w->lock);
  snprintf(w->last_reply, sizeof w->last_reply, "%.*s", s == NATS_OK ? natsMsg_GetDataLength(reply) : 0,
           s == NATS_OK ? natsMsg_GetData(reply) : "");
  if (s != NATS_OK || strstr(w->last_reply, "\"error\"") != NULL) w->refused++;
  pthread_mutex_unlock(&w->lock);
  natsMsg_Destroy(reply);
}

static void answer_task(worker *w, int seen, const char *token) {
  char text[256];
  bool fails = w->behaviour == FAILS || (w->behaviour == FAILS_ONCE && seen == 1);
  if (fails) {
    snprintf(text, sizeof text, "{\"token\":\"%s\",\"error\":{\"message\":\"no\"},\"final\":%s}", token,
             w->behaviour == FAILS ? "true" : "false");
    ask(w, "fsm.cmd.task.fail", text);
  } else {
    snprintf(text, sizeof text, "{\"token\":\"%s\",\"output\":{\"id\":\"r-%d\"}}", token, seen);
    ask(w, "fsm.cmd.task.complete", text);
  }
}

static void on_task(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  (void)sub;
  worker *w = arg;
  char token[64];
  pthread_mutex_lock(&w->lock);
  int seen = ++w->seen;
  w->busy++;
  header(msg, "Fsm-Task-Token", token, sizeof token);
  snprintf(w->token, sizeof w->token, "%s", token);
  header(msg, "Fsm-Attempt", w->attempt, sizeof w->attempt);
  header(msg, "Fsm-Attempts", w->attempts, sizeof w->attempts);
  header(msg, "Fsm-Deadline", w->deadline, sizeof w->deadline);
  header(msg, "Fsm-Instance", w->instance, sizeof w->instance);
  header(msg, "Fsm-Machine", w->machine, sizeof w->machine);
  header(msg, "Fsm-Correlation-Id", w->correlation, sizeof w->correlation);
  snprintf(w->payload, sizeof w->payload, "%.*s", natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
  pthread_mutex_unlock(&w->lock);
  if (w->behaviour == COMPLETES_FIRST) answer_task(w, seen, token);
  natsConnection_PublishString(nc, natsMsg_GetReply(msg), "accepted");
  if (w->behaviour != COMPLETES_FIRST && w->behaviour != KEEPS) answer_task(w, seen, token);
  natsMsg_Destroy(msg);
  pthread_mutex_lock(&w->lock);
  w->busy--;
  pthread_mutex_unlock(&w->lock);
}

static void worker_start(worker *w, behaviour how) {
  memset(w, 0, sizeof *w);
  pthread_mutex_init(&w->lock, NULL);
  w->behaviour = how;
  assert_int_equal(natsConnection_ConnectTo(&w->nc, server.url), NATS_OK);
  assert_int_equal(
      natsConnection_QueueSubscribe(&w->sub, w->nc, "fsm.task.review%2Eregister", "workers", on_task, w),
      NATS_OK);
  assert_int_equal(natsConnection_Flush(w->nc), NATS_OK);
}

static bool is_idle(worker *w) {
  pthread_mutex_lock(&w->lock);
  bool idle = w->busy == 0;
  pthread_mutex_unlock(&w->lock);
  return idle;
}

/* From here on nobody else touches it. */
static void worker_end(worker *w) {
  natsSubscription_DrainTimeout(w->sub, 2000);
  natsSubscription_WaitForDrainCompletion(w->sub, 5000);
  WAIT_FOR(is_idle(w));
  natsSubscription_Destroy(w->sub);
  natsConnection_Destroy(w->nc);
}

static int seen_by(worker *w) {
  pthread_mutex_lock(&w->lock);
  int seen = w->seen;
  pthread_mutex_unlock(&w->lock);
  return seen;
}

/* ---- the stream ---- */

static uint64_t stream_messages(void) {
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  jsStreamInfo *info = NULL;
  assert_int_equal(natsConnection_ConnectTo(&nc, server.url), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
  assert_int_equal(js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  uint64_t count = info->State.Msgs;
  jsStreamInfo_Destroy(info);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  return count;
}

/* ---- tests ---- */

static void a_bad_url_or_prefix_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  static const char *const bad[] = {
      "",   ".",    "a.",
      ".a", "a..b", "a b",
      "a*", "a>",   "12345678901234567890123456789012345678901234567890123456789012345"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fsm_publisher_options options = {.url = "nats://127.0.0.1:1", .prefix = bad[i]};
    assert_int_equal(fsm_publisher_new(&options, &publisher, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "prefix");
  }
  fsm_publisher_options none = {.url = NULL};
  assert_int_equal(fsm_publisher_new(&none, &publisher, &err), FSM_EARGUMENT);
  publisher = NULL;
}

static void without_a_server_commands_run_and_the_state_is_shown(void **state) {
  (void)state;
  open_all();
  deploy();
  submit_documents(0, 20);
  assert_int_equal(in_state("pending"), 20);
  WAIT_FOR(status().last_error[0] != '\0');
  assert_false(status().connected);
  assert_true(status().published_seq == 0);
  assert_true(status().durable_seq >= 41);
}

static void every_record_reaches_a_server_that_comes_late_and_restarts(void **state) {
  (void)state;
  open_all();
  deploy();
  submit_documents(0, 50);
  assert_true(nats_server_start(&server));
  WAIT_FOR(status().published_seq == status().durable_seq);
  assert_true(status().connected);
  assert_string_equal(status().last_error, "");
  nats_server_kill(&server);
  submit_documents(50, 100);
  assert_true(nats_server_start(&server));
  WAIT_FOR(status().published_seq == status().durable_seq && status().connected);
  uint64_t durable = status().durable_seq;
  assert_true(durable >= 201);
  close_all();
  assert_true(stream_messages() == durable);
}

static void a_restart_publishes_what_is_new_and_nothing_twice(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  open_all();
  deploy();
  submit_documents(0, 10);
  WAIT_FOR(status().published_seq == status().durable_seq);
  close_all();
  open_all();
  submit_documents(10, 20);
  WAIT_FOR(status().published_seq == status().durable_seq);
  assert_true(status().published < status().published_seq);
  uint64_t durable = status().durable_seq;
  close_all();
  assert_true(stream_messages() == durable);
}

static void two_hundred_tasks_are_done_by_a_worker(void **state) {
  (void)state;
  worker w;
  assert_true(nats_server_start(&server));
  worker_start(&w, COMPLETES);
  open_all();
  deploy();
  WAIT_FOR(status().connected);
  submit_documents(0, 200);
  WAIT_FOR(in_state("waiting") == 200);
  worker_end(&w);                         /* the last answer may be on its way to it still */
  assert_true(w.refused <= w.seen - 200); /* one that was slow to take is offered again */
}

static void a_worker_sees_what_the_task_is(void **state) {
  (void)state;
  worker w;
  assert_true(nats_server_start(&server));
  worker_start(&w, COMPLETES);
  open_all();
  deploy();
  WAIT_FOR(status().connected);
  submit_documents(0, 1);
  WAIT_FOR(in_state("waiting") == 1);
  worker_end(&w);
  char begin[192];
  snprintf(begin, sizeof begin, "{\"token\":\"%s\",\"service\":\"review.register\",\"instance\":\"doc-0\"",
           w.token);
  assert_int_equal(strlen(w.token), 32);
  assert_true(strncmp(w.payload, begin, strlen(begin)) == 0);
  assert_non_null(strstr(w.payload, "\"invoke\":\"register\",\"attempt\":1,\"attempts\":2,\"input\":{"));
  assert_non_null(strstr(w.payload, "\"pages\":3"));
  assert_string_equal(w.attempt, "1");
  assert_string_equal(w.attempts, "2");
  assert_string_equal(w.instance, "doc-0");
  assert_string_equal(w.machine, "doc");
  assert_string_equal(w.correlation, "case-1");
  assert_true(w.deadline[10] == 'T' && w.deadline[strlen(w.deadline) - 1] == 'Z');
  assert_non_null(strstr(w.last_reply, "\"instance\":\"doc-0\""));
}

static void an_answer_before_accepted_is_taken(void **state) {
  (void)state;
  worker w;
  assert_true(nats_server_start(&server));
  worker_start(&w, COMPLETES_FIRST);
  open_all();
  deploy();
  WAIT_FOR(status().connected);
  submit_documents(0, 20);
  WAIT_FOR(in_state("waiting") == 20);
  worker_end(&w);
  assert_true(w.refused <= w.seen - 20);
}

static void a_failure_is_tried_again_and_a_final_one_is_not(void **state) {
  (void)state;
  worker w;
  assert_true(nats_server_start(&server));
  worker_start(&w, FAILS_ONCE);
  open_all();
  deploy();
  WAIT_FOR(status().connected);
  submit_documents(0, 1);
  WAIT_FOR(in_state("waiting") == 1);
  assert_string_equal(w.attempt, "2");
  worker_end(&w);
  worker_start(&w, FAILS);
  submit_documents(1, 2);
  WAIT_FOR(in_state("failed") == 1);
  assert_string_equal(w.attempt, "1");
  assert_int_equal(seen_by(&w), 1);
  worker_end(&w);
}

static void a_task_waits_for_a_worker_and_uses_up_no_attempt(void **state) {
  (void)state;
  worker w;
  open_all();
  deploy();
  submit_documents(0, 5); /* no server */
  assert_true(nats_server_start(&server));
  WAIT_FOR(status().connected);
  submit_documents(5, 10); /* no worker */
  nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  assert_int_equal(in_state("pending"), 10);
  worker_start(&w, COMPLETES);
  WAIT_FOR(in_state("waiting") == 10);
  assert_string_equal(w.attempt, "1");
  worker_end(&w);
}

static void open_tasks_are_offered_again_after_a_restart(void **state) {
  (void)state;
  worker w;
  open_all();
  deploy();
  submit_documents(0, 5);
  close_all();
  assert_true(nats_server_start(&server));
  worker_start(&w, COMPLETES);
  open_all();
  WAIT_FOR(in_state("waiting") == 5);
  worker_end(&w);
}

static void requests_that_are_none_are_told_why(void **state) {
  (void)state;
  static const struct {
    const char *subject, *text, *expect;
  } cases[] = {
      {"fsm.cmd.task.complete", "{", "\"code\":\"malformed\""},
      {"fsm.cmd.task.complete", "[]", "not an object"},
      {"fsm.cmd.task.complete", "{}", "\"where\":\"/token\""},
      {"fsm.cmd.task.complete", "{\"token\":\"xy\"}", "\"where\":\"/token\""},
      {"fsm.cmd.task.complete", "{\"token\":\"0123456789abcdef0123456789abcdeg\"}", "\"where\":\"/token\""},
      {"fsm.cmd.task.complete", "{\"token\":\"0123456789abcdef0123456789abcdef\",\"final\":true}",
       "\"where\":\"/final\""},
      {"fsm.cmd.task.fail", "{\"token\":\"0123456789abcdef0123456789abcdef\",\"final\":1}",
       "\"where\":\"/final\""},
      {"fsm.cmd.task.heartbeat", "{\"token\":\"0123456789abcdef0123456789abcdef\",\"output\":1}",
       "\"where\":\"/output\""},
      {"fsm.cmd.task.complete", "{\"token\":\"0123456789ABCDEF0123456789abcdef\"}",
       "\"code\":\"unknown_task\""},
      {"fsm.cmd.task.fail", "{\"token\":\"0123456789abcdef0123456789abcdef\"}", "\"code\":\"unknown_task\""},
      {"fsm.cmd.task.heartbeat", "{\"token\":\"0123456789abcdef0123456789abcdef\"}",
       "\"code\":\"unknown_task\""},
  };
  worker w;
  assert_true(nats_server_start(&server));
  worker_start(&w, KEEPS);
  open_all();
  WAIT_FOR(status().connected);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ask(&w, cases[i].subject, cases[i].text);
    if (strstr(w.last_reply, cases[i].expect) == NULL) {
      fail_msg("%s %s → %s, not %s", cases[i].subject, cases[i].text, w.last_reply, cases[i].expect);
    }
  }
  char *large = malloc(FSM_WORKERS_REQUEST_MAX + 2);
  memset(large, ' ', FSM_WORKERS_REQUEST_MAX + 1);
  large[FSM_WORKERS_REQUEST_MAX + 1] = '\0';
  ask(&w, "fsm.cmd.task.complete", large);
  assert_non_null(strstr(w.last_reply, "\"code\":\"too_large\""));
  large[FSM_WORKERS_REQUEST_MAX] = '\0';
  ask(&w, "fsm.cmd.task.complete", large);
  assert_non_null(strstr(w.last_reply, "\"code\":\"malformed\""));
  free(large);
  worker_end(&w);
}

static void a_heartbeat_and_a_second_answer_are_told_what_they_are(void **state) {
  (void)state;
  worker w;
  char text[256];
  assert_true(nats_server_start(&server));
  worker_start(&w, KEEPS);
  open_all();
  deploy();
  WAIT_FOR(status().connected);
  submit_documents(0, 1);
  WAIT_FOR(seen_by(&w) == 1);
  snprintf(text, sizeof text, "{\"token\":\"%s\"}", w.token);
  ask(&w, "fsm.cmd.task.heartbeat", text);
  assert_null(strstr(w.last_reply, "\"error\""));
  snprintf(text, sizeof text, "{\"token\":\"%s\",\"output\":{\"id\":\"r\"}}", w.token);
  ask(&w, "fsm.cmd.task.complete", text);
  assert_null(strstr(w.last_reply, "\"error\""));
  assert_int_equal(in_state("waiting"), 1);
  ask(&w, "fsm.cmd.task.complete", text);
  assert_non_null(strstr(w.last_reply, "\"code\":\"unknown_task\""));
  worker_end(&w);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest alone[] = {
      TEST(a_bad_url_or_prefix_is_refused),
      TEST(without_a_server_commands_run_and_the_state_is_shown),
  };
  const struct CMUnitTest with_server[] = {
      TEST(every_record_reaches_a_server_that_comes_late_and_restarts),
      TEST(a_restart_publishes_what_is_new_and_nothing_twice),
      TEST(two_hundred_tasks_are_done_by_a_worker),
      TEST(a_worker_sees_what_the_task_is),
      TEST(an_answer_before_accepted_is_taken),
      TEST(a_failure_is_tried_again_and_a_final_one_is_not),
      TEST(a_task_waits_for_a_worker_and_uses_up_no_attempt),
      TEST(open_tasks_are_offered_again_after_a_restart),
      TEST(requests_that_are_none_are_told_why),
      TEST(a_heartbeat_and_a_second_answer_are_told_what_they_are),
  };
  int failed = cmocka_run_group_tests(alone, NULL, NULL);
  if (nats_server_there()) failed += cmocka_run_group_tests(with_server, NULL, NULL);
  return failed;
}
