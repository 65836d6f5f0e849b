/* test_service_http.c: the service http against a server on the loopback: what is sent, what comes of each
 * answer, what is never called. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "runtime_scene.h"

static const char CALL[] =
    "{\"id\":\"call\",\"initial\":\"work\",\"context\":{\"req\":{\"@expr\":\"input\"},\"out\":null},"
    "\"states\":{"
    "\"work\":{\"invoke\":{\"id\":\"job\",\"src\":\"http\",\"input\":{\"@expr\":\"context.req\"},"
    "\"meta\":{\"fsm\":{\"attempts\":3,\"timeout\":\"2s\",\"backoff\":\"5ms\"}},"
    "\"onDone\":{\"target\":\"ok\",\"context\":{\"out\":{\"@expr\":\"event.output\"}}},"
    "\"onError\":{\"target\":\"bad\",\"context\":{\"out\":{\"@expr\":\"event.error\"}}}}},"
    "\"ok\":{\"type\":\"final\"},\"bad\":{\"type\":\"final\"}}}";

/* Answers by path, one connection at a time; keeps the last request. */
typedef struct server {
  int fd;
  unsigned port;
  pthread_t thread;
  _Atomic unsigned calls;
  pthread_mutex_t lock;
  char request[8192];
} server;

static const struct {
  const char *path, *answer;
} ANSWERS[] = {
    {"/json",
     "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-Kind: One\r\n"
     "Connection: close\r\n\r\n{\"id\":7,\"list\":[1,2]}"},
    {"/text", "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\njust words"},
    {"/broken", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"id\":"},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/gone",
     "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
     "{\"why\":\"gone\"}"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /json\r\nConnection: close\r\n\r\n"},
    {"/down", "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nConnection: close\r\n\r\n"},
    {"/busy", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
};

static const char *answer_to(server *s, unsigned call) {
  if (strstr(s->request, " /flaky ") != NULL) return call < 2 ? ANSWERS[6].answer : ANSWERS[0].answer;
  for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s", ANSWERS[i].path);
    if (strstr(s->request, wanted) != NULL) return ANSWERS[i].answer;
  }
  return NULL;
}

static bool whole(const char *request) {
  const char *end = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "content-length:");
  return end != NULL && (length == NULL || strlen(end + 4) >= strtoul(length + 15, NULL, 10));
}

static void send_all(int fd, const char *data, size_t len) {
  for (ssize_t sent; len > 0 && (sent = send(fd, data, len, MSG_NOSIGNAL)) > 0; data += sent)
    len -= (size_t)sent;
}

static void send_large(int fd) {
  enum { LARGE = 60 * 1024 };
  char *body = malloc(LARGE);
  const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  memset(body, 'x', LARGE);
  send_all(fd, head, strlen(head));
  send_all(fd, body, LARGE);
  free(body);
}

static void *serve(void *arg) {
  server *s = arg;
  for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0; close(fd)) {
    pthread_mutex_lock(&s->lock);
    size_t len = 0;
    s->request[0] = '\0';
    for (ssize_t got = 1; got > 0 && !whole(s->request) && len < sizeof s->request - 1;
         s->request[len] = '\0') {
      got = recv(fd, s->request + len, sizeof s->request - 1 - len, 0);
      if (got > 0) len += (size_t)got;
    }
    unsigned call = atomic_fetch_add(&s->calls, 1);
    const char *answer = answer_to(s, call);
    bool slow = strstr(s->request, " /slow ") != NULL, large = strstr(s->request, " /large ") != NULL;
    pthread_mutex_unlock(&s->lock);
    if (slow) nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
    if (large) send_large(fd);
    if (answer != NULL) send_all(fd, answer, strlen(answer));
  }
  return NULL;
}

static server *server_new(void) {
  server *s = calloc(1, sizeof *s);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  pthread_mutex_init(&s->lock, NULL);
  s->fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(s->fd, 16), 0);
  assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
  s->port = ntohs(address.sin_port);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
  return s;
}

static void server_free(server *s) {
  shutdown(s->fd, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->fd);
  free(s);
}

typedef struct stage {
  fixture *f;
  server *server;
  char allowed[64];
  bool off;
} stage;

static void stage_open(stage *s) {
  fsm_runtime_options options = scene_options(s->f);
  const char *const allow[] = {s->allowed};
  options.now = NULL;
  options.task_ready = NULL;
  options.http_allow = allow;
  options.http_allow_count = s->off ? 0 : 1;
  options.http_concurrency = 2;
  scene_open(s->f, &options);
}

static int setup(void **state) {
  stage *s = calloc(1, sizeof *s);
  s->server = server_new();
  snprintf(s->allowed, sizeof s->allowed, "http://127.0.0.1:%u/", s->server->port);
  s->f = fixture_new();
  fixture_close(s->f);
  stage_open(s);
  fsm_answer answer = deploy_text(s->f, CALL, strlen(CALL));
  if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
  *state = s;
  return 0;
}

static int teardown(void **state) {
  stage *s = *state;
  assert_verified(s->f);
  fixture_free(s->f);
  server_free(s->server);
  free(s);
  return 0;
}

static const char *shown(stage *s, const char *member) {
  fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i1"});
  const fsm_value *value = fsm_map_get(&instance, member);
  return value != NULL ? text_of(s->f, value) : "";
}

/* Starts a call of a path with more members of the input, and waits for its end: what came out of it. */
static const char *call(stage *s, const char *path, const char *more, const char *end) {
  char input[512], wanted[32];
  snprintf(input, sizeof input, "{\"url\":\"http://127.0.0.1:%u%s\"%s}", s->server->port, path, more);
  snprintf(wanted, sizeof wanted, "\"%s\"", end);
  fsm_answer answer = start(s->f, "call", "i1", NULL, input);
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 12000; i++) {
    if (strstr(shown(s, "state"), wanted) != NULL) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  if (strstr(shown(s, "state"), wanted) == NULL)
    fail_msg("%s: %s, %s", path, shown(s, "state"), shown(s, "tasks"));
  fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i1"});
  return text_of(s->f, fsm_map_get(fsm_map_get(&instance, "context"), "out"));
}

static void assert_has(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in %s", part, text);
}

static bool heard(stage *s, const char *text) {
  pthread_mutex_lock(&s->server->lock);
  bool found = strcasestr(s->server->request, text) != NULL;
  pthread_mutex_unlock(&s->server->lock);
  return found;
}

static void an_answer_in_json_is_a_value(void **state) {
  stage *s = *state;
  const char *out = call(s, "/json?a=b%20c", "", "ok");
  assert_has(out, "\"status\":200");
  assert_has(out, "\"body\":{\"id\":7,\"list\":[1,2]}");
  assert_has(out, "\"x-kind\":\"One\"");
  assert_true(heard(s, "GET /json?a=b%20c HTTP/1.1\r\n"));
  assert_true(heard(s, "\r\nX-Correlation-ID: "));
  assert_true(heard(s, "\r\nIdempotency-Key: 0000000000000001"));
  assert_false(heard(s, "Content-Type"));
}

static void another_answer_is_text(void **state) {
  stage *s = *state;
  assert_has(call(s, "/text", "", "ok"), "\"body\":\"just words\"");
}

static void no_body_is_null(void **state) { assert_has(call(*state, "/empty", "", "ok"), "\"body\":null"); }

static void what_only_says_that_it_is_json_is_text(void **state) {
  assert_has(call(*state, "/broken", "", "ok"), "\"body\":\"{\\\"id\\\":\"");
}

static void a_body_goes_as_json_and_headers_as_they_are(void **state) {
  stage *s = *state;
  (void)call(s, "/json", ",\"method\":\"PUT\",\"headers\":{\"X-Mine\":\"me\"},\"body\":{\"a\":[1]}", "ok");
  assert_true(heard(s, "PUT /json HTTP/1.1\r\n"));
  assert_true(heard(s, "\r\nX-Mine: me\r\n"));
  assert_true(heard(s, "\r\nContent-Type: application/json\r\n"));
  assert_true(heard(s, "\r\n\r\n{\"a\":[1]}"));
}

static void a_text_goes_as_it_is(void **state) {
  stage *s = *state;
  (void)call(s, "/json", ",\"body\":\"<a/>\",\"headers\":{\"content-type\":\"text/xml\"}", "ok");
  assert_true(heard(s, "POST /json HTTP/1.1\r\n"));
  assert_true(heard(s, "\r\nContent-Type: text/xml\r\n"));
  assert_true(heard(s, "\r\n\r\n<a/>"));
}

static void a_mistake_of_the_caller_is_final(void **state) {
  stage *s = *state;
  const char *out = call(s, "/gone", "", "bad");
  assert_has(out, "\"status\":404");
  assert_has(out, "\"body\":{\"why\":\"gone\"}");
  assert_has(out, "\"message\":\"the server answered 404\"");
  assert_int_equal(s->server->calls, 1);
}

static void a_redirect_is_not_followed(void **state) {
  stage *s = *state;
  assert_has(call(s, "/moved", "", "bad"), "\"location\":\"/json\"");
  assert_int_equal(s->server->calls, 1);
}

static void what_is_good_can_be_said(void **state) {
  assert_has(call(*state, "/gone", ",\"ok\":[200,\"404-405\"]", "ok"), "\"status\":404");
}

static void what_is_not_among_the_good_is_not(void **state) {
  assert_has(call(*state, "/text", ",\"ok\":[200]", "bad"), "\"status\":201");
}

static void a_server_that_is_down_is_tried_again(void **state) {
  stage *s = *state;
  assert_has(call(s, "/flaky", "", "ok"), "\"status\":200");
  assert_int_equal(s->server->calls, 3);
}

static void it_is_tried_as_often_as_the_policy_says(void **state) {
  stage *s = *state;
  assert_has(call(s, "/down", "", "bad"), "\"code\":\"unreachable\"");
  assert_int_equal(s->server->calls, 3);
}

static void retry_after_is_kept_to(void **state) {
  stage *s = *state;
  int64_t began_ns = 0, ended_ns = 0;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  began_ns = (int64_t)t.tv_sec * SECOND + t.tv_nsec;
  (void)call(s, "/busy", "", "bad");
  clock_gettime(CLOCK_MONOTONIC, &t);
  ended_ns = (int64_t)t.tv_sec * SECOND + t.tv_nsec;
  assert_int_equal(s->server->calls, 3);
  assert_true(ended_ns - began_ns >= 2 * SECOND);
}

static void too_slow_is_a_failed_attempt(void **state) {
  stage *s = *state;
  assert_has(call(s, "/slow", ",\"timeout\":\"50ms\"", "bad"), "\"code\":\"timeout\"");
}

static void a_broken_connection_is_a_failed_attempt(void **state) {
  stage *s = *state;
  assert_has(call(s, "/cut", "", "bad"), "\"code\":\"unreachable\"");
  assert_int_equal(s->server->calls, 3);
}

static void an_answer_over_the_limit_is_final(void **state) {
  stage *s = *state;
  assert_has(call(s, "/large", "", "bad"), "\"code\":\"too_large\"");
  assert_int_equal(s->server->calls, 1);
}

static void input_that_is_not_understood_is_final_and_says_where(void **state) {
  stage *s = *state;
  static const struct {
    const char *more, *where;
  } bad[] = {
      {",\"method\":\"TRACE\"", "method"},
      {",\"methods\":\"GET\"", "input"},
      {",\"headers\":{\"Host\":\"evil\"}", "headers"},
      {",\"headers\":{\"A B\":\"x\"}", "headers"},
      {",\"headers\":{\"A\":\"x\\r\\nB: y\"}", "headers"},
      {",\"headers\":{\"A\":1}", "headers"},
      {",\"ok\":[99]", "ok"},
      {",\"ok\":[\"300-200\"]", "ok"},
      {",\"ok\":[]", "ok"},
      {",\"timeout\":\"soon\"", "timeout"},
      {",\"timeout\":5", "timeout"},
      {",\"method\":\"HEAD\",\"body\":1", "method"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char input[256], id[16], wanted[64];
    snprintf(id, sizeof id, "b%zu", i);
    snprintf(input, sizeof input, "{\"url\":\"%sjson\"%s}", s->allowed, bad[i].more);
    snprintf(wanted, sizeof wanted, "\"where\":\"%s\"", bad[i].where);
    fsm_answer answer = start(s->f, "call", id, NULL, input);
    assert_code(&answer, FSM_OK);
    const char *text = "";
    for (int n = 0; n < 30000 && strstr(text, "\"bad\"") == NULL; n++) {
      fsm_value instance = query(s->f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
      text = text_of(s->f, &instance);
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    assert_has(text, wanted);
  }
  assert_int_equal(s->server->calls, 0);
}

static void what_is_not_allowed_is_never_called(void **state) {
  stage *s = *state;
  fixture_close(s->f);
  snprintf(s->allowed, sizeof s->allowed, "http://127.0.0.1:%u/public", s->server->port);
  stage_open(s);
  assert_has(call(s, "/json", "", "bad"), "\"code\":\"not_permitted\"");
  assert_int_equal(s->server->calls, 0);
}

static void off_it_says_so(void **state) {
  stage *s = *state;
  fixture_close(s->f);
  s->off = true;
  stage_open(s);
  fsm_answer answer = start(s->f, "call", "i1", NULL, "{\"url\":\"http://127.0.0.1/\"}");
  assert_code(&answer, FSM_OK);
  assert_has(shown(s, "tasks"), "\"status\":\"nobody\"");
  assert_has(shown(s, "tasks"), "the built-in service http is off");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(an_answer_in_json_is_a_value),
      T(another_answer_is_text),
      T(no_body_is_null),
      T(what_only_says_that_it_is_json_is_text),
      T(a_body_goes_as_json_and_headers_as_they_are),
      T(a_text_goes_as_it_is),
      T(a_mistake_of_the_caller_is_final),
      T(a_redirect_is_not_followed),
      T(what_is_good_can_be_said),
      T(what_is_not_among_the_good_is_not),
      T(a_server_that_is_down_is_tried_again),
      T(it_is_tried_as_often_as_the_policy_says),
      T(retry_after_is_kept_to),
      T(too_slow_is_a_failed_attempt),
      T(a_broken_connection_is_a_failed_attempt),
      T(an_answer_over_the_limit_is_final),
      T(input_that_is_not_understood_is_final_and_says_where),
      T(what_is_not_allowed_is_never_called),
      T(off_it_says_so),
  };
  return cmocka_run_group_tests_name("service_http", tests, NULL, NULL);
}
