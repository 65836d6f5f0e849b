/* test_web.c: the HTTP client against a server of canned answers, over TCP and a unix socket. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/web.h"

enum { REQUEST_MAX = 64 * 1024 };

/* One connection: one request in, `answer` out as it is, closed. */
typedef struct server {
  int fd;
  pthread_t thread;
  const char *answer; /* NULL: says nothing until the client gives up */
  size_t answer_len;
  char request[REQUEST_MAX]; /* for others: heard() */
  size_t request_len;
  bool joined;
  char dir[64], path[96], url[64];
} server;

static bool complete(const server *s) {
  const char *end = memmem(s->request, s->request_len, "\r\n\r\n", 4);
  if (end == NULL) return false;
  const char *length = strcasestr(s->request, "content-length:");
  size_t body = length == NULL || length > end ? 0 : strtoul(length + 15, NULL, 10);
  return s->request_len >= (size_t)(end - s->request) + 4 + body;
}

static void *serve(void *arg) {
  server *s = arg;
  int fd = accept(s->fd, NULL, NULL);
  if (fd < 0) return NULL;
  ssize_t got = 1;
  while (!complete(s) && got > 0 && s->request_len < REQUEST_MAX - 1) {
    got = recv(fd, s->request + s->request_len, REQUEST_MAX - 1 - s->request_len, 0);
    if (got > 0) s->request_len += (size_t)got;
  }
  for (size_t at = 0; s->answer != NULL && at < s->answer_len;) {
    ssize_t sent = send(fd, s->answer + at, s->answer_len - at, MSG_NOSIGNAL);
    if (sent <= 0) break;
    at += (size_t)sent;
  }
  char rest;
  while (s->answer == NULL && recv(fd, &rest, 1, 0) > 0) continue;
  close(fd);
  return NULL;
}

static void listen_unix(server *s) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(s->dir, sizeof s->dir, "/tmp/fsm-web-XXXXXX");
  assert_non_null(mkdtemp(s->dir));
  snprintf(s->path, sizeof s->path, "%s/s", s->dir);
  memcpy(address.sun_path, s->path, strlen(s->path) + 1);
  s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void listen_tcp(server *s) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  s->fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
  snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

static server *start(bool tcp, const char *answer) {
  server *s = calloc(1, sizeof *s);
  assert_non_null(s);
  (tcp ? listen_tcp : listen_unix)(s);
  s->answer = answer;
  s->answer_len = answer == NULL ? 0 : strlen(answer);
  assert_int_equal(listen(s->fd, 4), 0);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
  return s;
}

/* What came, once the one connection is over. */
static const char *heard(server *s) {
  if (!s->joined) pthread_join(s->thread, NULL);
  s->joined = true;
  return s->request;
}

static void stop(server *s) {
  shutdown(s->fd, SHUT_RDWR);
  (void)heard(s);
  close(s->fd);
  if (s->path[0] != 0) unlink(s->path), rmdir(s->dir);
  free(s);
}

static fsm_web *client(const server *s, size_t body_max) {
  fsm_web_options options = {.socket = s->path[0] == 0 ? NULL : s->path,
                             .url = s->path[0] == 0 ? s->url : NULL,
                             .token = "tok.en",
                             .timeout_ns = INT64_C(20000000000),
                             .body_max = body_max};
  fsm_web *web = NULL;
  fsm_error err;
  assert_int_equal(fsm_web_open(&options, &web, &err), FSM_OK);
  return web;
}

static void a_request_and_its_answer_arrive_whole(void **state) {
  (void)state;
  static const char answer[] =
      "HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\neTaG:  \"7\" \r\nX-Correlation-ID: c-1\r\n"
      "Content-Type: application/problem+json\r\n\r\nhello";
  for (int tcp = 0; tcp < 2; tcp++) {
    server *s = start(tcp, answer);
    fsm_web *web = client(s, 0);
    fsm_arena arena;
    fsm_web_reply reply;
    fsm_error err;
    const fsm_web_header headers[] = {{"Idempotency-Key", "k"}, {"If-Match", NULL}, {"X-Empty", ""}};
    fsm_web_request request = {.method = "POST",
                               .path = "/v1/instances/%2e%2e/events?a=b",
                               .headers = headers,
                               .header_count = 3,
                               .body = "{\"event\":\"A\"}",
                               .body_len = 13};
    fsm_arena_init(&arena, 0);
    assert_int_equal(fsm_web_do(web, &request, &arena, &reply, &err), FSM_OK);
    assert_int_equal(reply.status, 409);
    assert_string_equal(reply.body, "hello");
    assert_int_equal(reply.body_len, 5);
    assert_string_equal(reply.etag, "\"7\"");
    assert_string_equal(reply.correlation, "c-1");
    assert_string_equal(reply.type, "application/problem+json");
    assert_null(reply.retry_after);
    assert_non_null(strstr(heard(s), "POST /v1/instances/%2e%2e/events?a=b HTTP/1.1\r\n"));
    assert_non_null(strstr(heard(s), "\r\nAuthorization: Bearer tok.en\r\n"));
    assert_non_null(strstr(heard(s), "\r\nIdempotency-Key: k\r\n"));
    assert_non_null(strstr(heard(s), "\r\nX-Empty:"));
    assert_null(strstr(heard(s), "If-Match"));
    assert_null(strstr(heard(s), "Expect:"));
    assert_non_null(strstr(heard(s), "\r\n\r\n{\"event\":\"A\"}"));
    fsm_web_close(web);
    fsm_arena_free(&arena);
    stop(s);
  }
}

static void a_post_without_a_body_says_so(void **state) {
  (void)state;
  server *s = start(false, "HTTP/1.1 204 No Content\r\n\r\n");
  fsm_web *web = client(s, 0);
  fsm_arena arena;
  fsm_web_reply reply;
  fsm_error err;
  fsm_web_request request = {.method = "POST", .path = "/v1/verify"};
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_web_do(web, &request, &arena, &reply, &err), FSM_OK);
  assert_int_equal(reply.status, 204);
  assert_string_equal(reply.body, "");
  assert_non_null(strstr(heard(s), "Content-Length: 0\r\n"));
  assert_null(strstr(heard(s), "Content-Type"));
  fsm_web_close(web);
  fsm_arena_free(&arena);
  stop(s);
}

static fsm_code get(const server *s, size_t body_max, int64_t timeout_ns, fsm_error *err) {
  fsm_web *web = client(s, body_max);
  fsm_arena arena;
  fsm_web_reply reply = {0};
  fsm_web_request request = {.method = "GET", .path = "/x"};
  fsm_arena_init(&arena, 0);
  fsm_web_timeout(web, timeout_ns);
  fsm_code code = fsm_web_do(web, &request, &arena, &reply, err);
  if (code != FSM_OK) assert_null(reply.body);
  fsm_web_close(web);
  fsm_arena_free(&arena);
  return code;
}

static void a_body_over_the_limit_is_refused(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678";
  fsm_error err = {0};
  server *s = start(false, answer);
  assert_int_equal(get(s, 8, 0, &err), FSM_OK);
  stop(s);
  s = start(false, answer);
  assert_int_equal(get(s, 7, 0, &err), FSM_ETOOLARGE);
  assert_int_equal(err.code, FSM_ETOOLARGE);
  stop(s);
}

static void a_redirect_is_not_followed(void **state) {
  (void)state;
  fsm_error err = {0};
  server *s = start(true, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(get(s, 0, 0, &err), FSM_OK);
  stop(s);
}

static void silence_is_a_timeout(void **state) {
  (void)state;
  fsm_error err = {0};
  server *s = start(false, NULL);
  assert_int_equal(get(s, 0, 50000000, &err), FSM_ETIMEOUT);
  stop(s);
}

static void *interrupt_soon(void *web) {
  usleep(50000);
  fsm_web_interrupt(web);
  return NULL;
}

static void an_interrupted_request_ends_at_once_and_so_do_those_that_follow(void **state) {
  (void)state;
  server *s = start(true, NULL);
  fsm_web *web = client(s, 0); /* would wait 20 s */
  fsm_arena arena;
  fsm_web_reply reply = {0};
  fsm_web_request request = {.method = "GET", .path = "/x"};
  fsm_error err;
  pthread_t thread;
  struct timespec from, to;
  fsm_arena_init(&arena, 0);
  clock_gettime(CLOCK_MONOTONIC, &from);
  assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, web), 0);
  assert_int_equal(fsm_web_do(web, &request, &arena, &reply, &err), FSM_ECLOSED);
  assert_int_equal(fsm_web_do(web, &request, &arena, &reply, &err), FSM_ECLOSED);
  clock_gettime(CLOCK_MONOTONIC, &to);
  assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 15000);
  pthread_join(thread, NULL);
  fsm_web_close(web);
  fsm_arena_free(&arena);
  stop(s);
}

static void a_broken_answer_is_unreachable(void **state) {
  (void)state;
  static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123",
                                        "garbage\r\n\r\n"};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    fsm_error err = {0};
    server *s = start(false, answers[i]);
    assert_int_equal(get(s, 0, 0, &err), FSM_EUNREACHABLE);
    stop(s);
  }
}

static void nobody_there_is_unreachable(void **state) {
  (void)state;
  fsm_error err = {0};
  server *s = start(true, "");
  server gone = *s; /* its address, once nobody listens there */
  stop(s);
  assert_int_equal(get(&gone, 0, 0, &err), FSM_EUNREACHABLE);
  snprintf(gone.path, sizeof gone.path, "/nonexistent/fsmd.sock");
  assert_int_equal(get(&gone, 0, 0, &err), FSM_EUNREACHABLE);
  assert_string_equal(err.where, "/nonexistent/fsmd.sock");
}

static fsm_code opened(fsm_web_options options) {
  fsm_web *web = NULL;
  fsm_error err;
  fsm_code code = fsm_web_open(&options, &web, &err);
  fsm_web_close(web);
  return code;
}

static void what_cannot_be_sent_is_refused_before_it_is(void **state) {
  (void)state;
  char path[FSM_WEB_SOCKET_MAX + 2];
  memset(path, 'a', sizeof path);
  path[FSM_WEB_SOCKET_MAX + 1] = 0;
  assert_int_equal(opened((fsm_web_options){.socket = path}), FSM_EARGUMENT);
  path[FSM_WEB_SOCKET_MAX] = 0;
  assert_int_equal(opened((fsm_web_options){.socket = path}), FSM_OK);
  assert_int_equal(opened((fsm_web_options){0}), FSM_EARGUMENT);
  assert_int_equal(opened((fsm_web_options){.url = "file:///etc/passwd"}), FSM_EARGUMENT);
  assert_int_equal(opened((fsm_web_options){.url = "127.0.0.1:80"}), FSM_EARGUMENT);
  assert_int_equal(opened((fsm_web_options){.url = "http://h", .token = "a\r\nX: y"}), FSM_EARGUMENT);

  fsm_web *web = NULL;
  fsm_error err;
  fsm_arena arena;
  fsm_web_reply reply;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_web_open(&(fsm_web_options){.url = "http://127.0.0.1:1"}, &web, &err), FSM_OK);
  const fsm_web_header bad = {"X-Correlation-ID", "a\nb"};
  fsm_web_header many[FSM_WEB_HEADERS_MAX + 1] = {{0}};
  const fsm_web_request requests[] = {
      {.method = "GET", .path = "x"},
      {.method = "GET", .path = "/a b"},
      {.method = "GET", .path = "/a\r\nX: y"},
      {.method = "GET", .path = "/", .headers = &bad, .header_count = 1},
      {.method = "GET", .path = "/", .headers = many, .header_count = FSM_WEB_HEADERS_MAX + 1}};
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
    assert_int_equal(fsm_web_do(web, &requests[i], &arena, &reply, &err), FSM_EARGUMENT);
  fsm_web_close(web);
  fsm_arena_free(&arena);
}

static void escaping_leaves_only_the_unreserved(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_web_escape(&buf, "aZ09-._~/:% \0é", 15);
  assert_string_equal(fsm_buf_text(&buf), "aZ09-._~%2F%3A%25%20%00%C3%A9");
  fsm_buf_free(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_and_its_answer_arrive_whole),
      cmocka_unit_test(a_post_without_a_body_says_so),
      cmocka_unit_test(a_body_over_the_limit_is_refused),
      cmocka_unit_test(a_redirect_is_not_followed),
      cmocka_unit_test(silence_is_a_timeout),
      cmocka_unit_test(an_interrupted_request_ends_at_once_and_so_do_those_that_follow),
      cmocka_unit_test(a_broken_answer_is_unreachable),
      cmocka_unit_test(nobody_there_is_unreachable),
      cmocka_unit_test(what_cannot_be_sent_is_refused_before_it_is),
      cmocka_unit_test(escaping_leaves_only_the_unreserved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
