/* test_web_near.c: the HTTP client over a unix socket: its connection is kept, made anew and given up; and no
 * libcurl is loaded for it. */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/web.h"

#define HANG_UP "ends the connection at once"
#define PART "HTTP/1.1 200 OK\r\nContent-"
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { REQUEST_MAX = 4096, BIG = 8 * 1024 * 1024 };

/* Connections one after the other, each: as many requests as it has answers. */
typedef struct server {
  int fd;
  pthread_t thread;
  const char *const
      *answers; /* NULL ends a connection, two of them all; "": nothing, until the client hangs up */
  bool early;   /* answers after the first bytes, and reads no more */
  _Atomic unsigned connections, requests;
  char dir[64], path[96];
} server;

static bool hear(server *s, int fd) {
  char bytes[REQUEST_MAX];
  for (size_t len = 0; len < sizeof bytes - 1;) {
    const ssize_t got = recv(fd, bytes + len, sizeof bytes - 1 - len, 0);
    if (got <= 0) return false;
    bytes[len += (size_t)got] = 0;
    if (s->early || strstr(bytes, "\r\n\r\n") != NULL) break;
  }
  s->requests++;
  return true;
}

static void *serve(void *arg) {
  server *s = arg;
  for (const char *const *answer = s->answers; *answer != NULL; answer++) {
    const int fd = accept(s->fd, NULL, NULL);
    if (fd < 0) return NULL;
    s->connections++;
    for (; *answer != NULL && hear(s, fd) && strcmp(*answer, HANG_UP) != 0; answer++) {
      struct pollfd gone = {.fd = fd}; /* POLLHUP needs no asking, and nothing is read */
      while (**answer == 0 && poll(&gone, 1, -1) < 1) continue;
      (void)!send(fd, *answer, strlen(*answer), MSG_NOSIGNAL);
      if (strcmp(*answer, PART) == 0) break;
    }
    close(fd);
    while (*answer != NULL) answer++;
  }
  return NULL;
}

static server *start(const char *const *answers) {
  server *s = calloc(1, sizeof *s);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_non_null(s);
  s->answers = answers;
  snprintf(s->dir, sizeof s->dir, "/tmp/fsm-near-XXXXXX");
  assert_non_null(mkdtemp(s->dir));
  snprintf(s->path, sizeof s->path, "%s/s", s->dir);
  memcpy(address.sun_path, s->path, strlen(s->path) + 1);
  s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(s->fd, 4), 0);
  return s;
}

static fsm_web *client(server *s) {
  const fsm_web_options options = {.socket = s->path, .own_server = true, .timeout_ns = INT64_C(60000000000)};
  fsm_web *web = NULL;
  fsm_error err;
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
  assert_int_equal(fsm_web_open(&options, &web, &err), FSM_OK);
  return web;
}

static void stop(server *s, fsm_web *web) {
  fsm_web_close(web);
  shutdown(s->fd, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->fd);
  unlink(s->path), rmdir(s->dir);
  free(s);
}

static fsm_code ask(fsm_web *web, const char *method, const void *body, size_t len, char *out,
                    fsm_error *err) {
  const fsm_web_request request = {.method = method, .path = "/x", .body = body, .body_len = len};
  fsm_arena arena;
  fsm_web_reply reply = {0};
  fsm_arena_init(&arena, 0);
  const fsm_code code = fsm_web_do(web, &request, &arena, &reply, err);
  snprintf(out, 64, "%s", code == FSM_OK ? reply.body : "");
  fsm_arena_free(&arena);
  return code;
}

static void a_socket_needs_no_libcurl(void **state) {
  (void)state;
  char out[64];
  fsm_error err;
  server *s = start((const char *const[]){OK_ANSWER, NULL, NULL});
  fsm_web *web = client(s);
  assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_OK);
  assert_null(dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD));
  stop(s, web);
}

static void a_connection_is_kept(void **state) {
  (void)state;
  char out[64];
  fsm_error err;
  server *s = start((const char *const[]){OK_ANSWER, OK_ANSWER, OK_ANSWER, NULL, NULL});
  fsm_web *web = client(s);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(ask(web, i == 1 ? "POST" : "GET", NULL, 0, out, &err), FSM_OK);
    assert_string_equal(out, "ok");
  }
  assert_int_equal(s->connections, 1);
  stop(s, web);
}

static void one_that_the_server_ends_is_made_anew(void **state) {
  (void)state;
  static const char *const answers[] = {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                                        NULL,
                                        OK_ANSWER,
                                        NULL,
                                        OK_ANSWER,
                                        NULL,
                                        NULL};
  char out[64];
  fsm_error err;
  server *s = start(answers);
  fsm_web *web = client(s);
  for (unsigned i = 0; i < 3; i++) assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_OK);
  assert_int_equal(s->connections, 3);
  assert_int_equal(s->requests, 3);
  stop(s, web);
}

static void what_has_a_key_may_be_taken_twice(void **state) {
  (void)state;
  fsm_error err = {0};
  static const char *const answers[] = {OK_ANSWER, HANG_UP, NULL, OK_ANSWER, NULL, NULL};
  static const fsm_web_header key = {"Idempotency-Key", "k-1"};
  const fsm_web_request request = {
      .method = "POST", .path = "/x", .headers = &key, .header_count = 1, .body = "{}", .body_len = 2};
  server *s = start(answers);
  fsm_web *web = client(s);
  for (unsigned i = 0; i < 2; i++) {
    fsm_arena arena;
    fsm_web_reply reply = {0};
    fsm_arena_init(&arena, 0);
    assert_int_equal(fsm_web_do(web, &request, &arena, &reply, &err), FSM_OK);
    fsm_arena_free(&arena);
  }
  assert_int_equal(s->requests, 3);
  assert_int_equal(s->connections, 2);
  stop(s, web);
}

static void what_changes_something_is_not_sent_twice(void **state) {
  (void)state;
  char out[64];
  fsm_error err = {0};
  static const char *const answers[] = {OK_ANSWER, PART,      NULL, OK_ANSWER, HANG_UP,
                                        NULL,      OK_ANSWER, NULL, NULL};
  server *s = start(answers);
  fsm_web *web = client(s);
  assert_int_equal(ask(web, "POST", "{}", 2, out, &err), FSM_OK);
  assert_int_equal(ask(web, "POST", "{}", 2, out, &err), FSM_EUNREACHABLE);
  assert_non_null(strstr(err.text, "in the middle"));
  assert_int_equal(ask(web, "POST", "{}", 2, out, &err), FSM_OK);
  assert_int_equal(ask(web, "POST", "{}", 2, out, &err), FSM_EUNREACHABLE);
  assert_non_null(strstr(err.text, "without an answer"));
  assert_int_equal(s->requests, 4);
  stop(s, web);
}

static void what_only_asks_is(void **state) {
  (void)state;
  char out[64];
  fsm_error err;
  server *s = start((const char *const[]){OK_ANSWER, HANG_UP, NULL, OK_ANSWER, NULL, NULL});
  fsm_web *web = client(s);
  assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_OK);
  assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_OK);
  assert_int_equal(s->requests, 3);
  stop(s, web);
}

static void an_answer_before_all_is_sent_is_heard(void **state) {
  (void)state;
  static const char *const answers[] = {"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", "", NULL,
                                        NULL};
  char out[64], *body = calloc(1, BIG);
  fsm_error err;
  server *s = start(answers);
  s->early = true;
  fsm_web *web = client(s);
  assert_non_null(body);
  assert_int_equal(ask(web, "POST", body, BIG, out, &err), FSM_OK);
  assert_string_equal(out, "no");
  free(body);
  stop(s, web);
}

static void *interrupt(void *web) {
  fsm_web_interrupt(web);
  return NULL;
}

typedef struct waiting {
  server *s;
  fsm_web *web;
} waiting;

static void *interrupt_once_heard(void *arg) {
  const waiting *w = arg;
  while (w->s->requests == 0) usleep(1000);
  return interrupt(w->web);
}

static void one_that_is_interrupted_ends_and_so_do_those_that_follow(void **state) {
  (void)state;
  char out[64];
  fsm_error err;
  pthread_t thread;
  server *s = start((const char *const[]){"", NULL, NULL});
  fsm_web *web = client(s);
  waiting w = {s, web};
  assert_int_equal(pthread_create(&thread, NULL, interrupt_once_heard, &w), 0);
  assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_ECLOSED);
  assert_int_equal(ask(web, "GET", NULL, 0, out, &err), FSM_ECLOSED);
  pthread_join(thread, NULL);
  stop(s, web);
}

/* ---- an answer without end -------------------------------------------------------------------------- */

typedef struct heard {
  char bytes[64];
  size_t len, enough; /* enough: so many bytes */
  bool alive;
} heard;

static bool take_part(void *arg, const char *data, size_t len) {
  heard *h = arg;
  assert_true(len < sizeof h->bytes - h->len);
  memcpy(h->bytes + h->len, data, len);
  h->len += len;
  return h->len < h->enough;
}

static bool is_alive(void *arg) { return ((heard *)arg)->alive; }

static fsm_code listen_to(fsm_web *web, heard *h, int64_t silence_ns, int *status, fsm_error *err) {
  const fsm_web_request request = {.method = "GET", .path = "/x", .accept = "text/event-stream"};
  const fsm_web_listener listener = {take_part, is_alive, h, silence_ns};
  fsm_arena arena;
  fsm_web_reply reply = {0};
  fsm_arena_init(&arena, 0);
  const fsm_code code = fsm_web_listen(web, &request, &listener, &arena, &reply, err);
  *status = reply.status;
  fsm_arena_free(&arena);
  return code;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void a_listener_hears_parts_until_it_is_enough(void **state) {
  (void)state;
  fsm_error err = {0};
  int status = 0;
  heard h = {.enough = 4, .alive = true};
  server *s =
      start((const char *const[]){CHUNKED "2\r\nab\r\n2\r\ncd\r\n", "", NULL, CHUNKED "1\r\nx\r\n0\r\n\r\n",
                                  NULL, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", NULL, NULL});
  fsm_web *web = client(s);
  assert_int_equal(listen_to(web, &h, INT64_C(60000000000), &status, &err), FSM_OK);
  assert_string_equal(h.bytes, "abcd");
  assert_int_equal(status, 200);
  h = (heard){.enough = 4,
              .alive = true}; /* the other side ends it, and the next one on that connection is anew */
  assert_int_equal(listen_to(web, &h, INT64_C(60000000000), &status, &err), FSM_OK);
  assert_string_equal(h.bytes, "x");
  h = (heard){.enough = 4, .alive = true};
  assert_int_equal(listen_to(web, &h, INT64_C(60000000000), &status, &err), FSM_OK);
  assert_int_equal(status, 404);
  assert_int_equal(h.len, 0);
  assert_int_equal(s->connections, 3);
  stop(s, web);
}

static void silence_and_the_end_of_a_listener_end_it(void **state) {
  (void)state;
  fsm_error err = {0};
  int status = 7;
  heard h = {.enough = 4, .alive = true};
  server *s = start((const char *const[]){"", NULL, "", NULL, NULL});
  fsm_web *web = client(s);
  assert_int_equal(listen_to(web, &h, 1000000, &status, &err), FSM_ETIMEOUT);
  h.alive = false;
  assert_int_equal(listen_to(web, &h, INT64_C(60000000000), &status, &err), FSM_OK);
  assert_int_equal(status, 0);
  stop(s, web);
}

static void what_needs_a_url_is_refused(void **state) {
  (void)state;
  fsm_web *web = NULL;
  fsm_error err;
  const fsm_web_options options = {.socket = "/s", .user = "u", .password_file = "/p"};
  assert_int_equal(fsm_web_open(&options, &web, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "user");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_socket_needs_no_libcurl),
      cmocka_unit_test(a_connection_is_kept),
      cmocka_unit_test(one_that_the_server_ends_is_made_anew),
      cmocka_unit_test(what_has_a_key_may_be_taken_twice),
      cmocka_unit_test(what_changes_something_is_not_sent_twice),
      cmocka_unit_test(what_only_asks_is),
      cmocka_unit_test(an_answer_before_all_is_sent_is_heard),
      cmocka_unit_test(one_that_is_interrupted_ends_and_so_do_those_that_follow),
      cmocka_unit_test(a_listener_hears_parts_until_it_is_enough),
      cmocka_unit_test(silence_and_the_end_of_a_listener_end_it),
      cmocka_unit_test(what_needs_a_url_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
