/* test_http_flow.c: answers that go on, over a real socket: the loop and its clients are one thread here, so
 * that a client reads exactly when the test says so. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/daemon/http.h"

enum { FLOWS_MAX = 1000, TURNS_MAX = 200000 };

typedef struct flow {
  fsm__request *request;
  size_t given, total; /* bytes of 'a' 'b' 'c' …; more than `allowed` are not there yet */
  size_t allowed;
  unsigned pulls, closed;
} flow;

static fsm__loop *loop;
static fsm__http *http;
static fsm__log quiet;
static struct sockaddr_un address;
static flow flows[FLOWS_MAX];
static size_t flow_count, answered;
static bool later;         /* the flow begins after serve has returned */
static fsm__request *held; /* by whom it is begun */
static size_t total, allowed_at_first;

static long pull(void *arg, char *out, size_t max) {
  flow *f = arg;
  assert_int_equal(f->closed, 0);
  f->pulls++;
  size_t left = (f->allowed < f->total ? f->allowed : f->total) - f->given;
  if (left > max) left = max;
  for (size_t i = 0; i < left; i++) out[i] = (char)('a' + (f->given + i) % 26);
  f->given += left;
  return left == 0 && f->given == f->total ? -1 : (long)left;
}

static void closed(void *arg) { ((flow *)arg)->closed++; }

static flow *begin(fsm__request *request) {
  assert_in_range(flow_count, 0, FLOWS_MAX - 1);
  flow *f = &flows[flow_count++];
  *f = (flow){.request = request, .total = total, .allowed = allowed_at_first};
  request->type = "text/event-stream";
  fsm__http_flow(request, &(fsm__flow){pull, closed, f});
  assert_int_equal(f->closed, 0);
  return f;
}

static bool serve(void *arg, fsm__request *request) {
  (void)arg;
  if (strcmp(request->target, "/flow") != 0) {
    request->status = 200;
    fsm_buf_str(&request->out, "{}");
    answered++;
    return true;
  }
  if (later)
    held = request;
  else
    begin(request);
  return false;
}

static int open_all(void **state) {
  (void)state;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  quiet = (fsm__log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
  flow_count = answered = 0;
  later = false;
  held = NULL;
  total = allowed_at_first = 0;
  address = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/tmp/test_http_flow.%d", getpid());
  unlink(address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, FLOWS_MAX) != 0) return -1;
  if (fsm__loop_new(&loop, NULL) != FSM_OK) return -1;
  if (fsm__http_new(loop, &quiet, serve, NULL, &http, NULL) != FSM_OK) return -1;
  return fsm__http_listen(http, fd, &(fsm__listening){.policy = FSM__AUTH_NONE, .local = true}, NULL) ==
                 FSM_OK
             ? 0
             : -1;
}

static void stop(void) {
  if (!http) return;
  fsm__http_stop(http);
  fsm__http_free(http);
  http = NULL;
}

static int close_all(void **state) {
  (void)state;
  stop();
  fsm__loop_free(loop);
  close(quiet.fd);
  unlink(address.sun_path);
  return 0;
}

static int ask(const char *target) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  char text[128];
  int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
  assert_int_equal(write(fd, text, (size_t)len), len);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static void turn(void) {
  fsm__loop_wake(loop);
  fsm__loop_turn(loop);
}

/* What is there now; false at the end of the connection. */
static bool read_some(int fd, fsm_buf *in, size_t max) {
  char part[4096];
  ssize_t got = read(fd, part, max < sizeof part ? max : sizeof part);
  if (got > 0) fsm_buf_add(in, part, (size_t)got);
  return got > 0 || (got < 0 && errno == EAGAIN);
}

static void read_until(int fd, fsm_buf *in, const char *sign) {
  for (unsigned i = 0; i < TURNS_MAX; i++) {
    turn();
    if (!read_some(fd, in, SIZE_MAX)) break;
    if (in->len > 0 && strstr(fsm_buf_text(in), sign)) return;
  }
  fail_msg("\"%s\" never came, but: %s", sign, fsm_buf_text(in));
}

/* The body of a chunked answer in letters a…z, a…z. */
static size_t check_body(fsm_buf *in) {
  const char *at = strstr(fsm_buf_text(in), "\r\n\r\n");
  assert_non_null(at);
  at += 4;
  for (size_t n = 0;;) {
    char *end;
    size_t size = strtoul(at, &end, 16);
    assert_memory_equal(end, "\r\n", 2);
    end += 2;
    if (size == 0) return n;
    for (size_t i = 0; i < size; i++, n++) assert_int_equal(end[i], 'a' + n % 26);
    assert_memory_equal(end + size, "\r\n", 2);
    at = end + size + 2;
  }
}

static void the_head_goes_before_there_is_anything_to_pull(void **state) {
  (void)state;
  fsm_buf in = {0};
  total = 10;
  int fd = ask("/flow");
  read_until(fd, &in, "\r\n\r\n");
  assert_non_null(strstr(fsm_buf_text(&in), "HTTP/1.1 200 "));
  assert_non_null(strstr(fsm_buf_text(&in), "Content-Type: text/event-stream\r\n"));
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(flows[0].pulls, 1); /* nobody asks in vain */
  flows[0].allowed = 4;
  fsm__http_flow_ready(flows[0].request);
  fsm__http_flow_ready(flows[0].request);
  read_until(fd, &in, "abcd");
  flows[0].allowed = 10;
  fsm__http_flow_ready(flows[0].request);
  read_until(fd, &in, "0\r\n\r\n");
  assert_int_equal(check_body(&in), 10);
  turn();
  assert_int_equal(flows[0].closed, 1);
  close(fd);
  fsm_buf_free(&in);
}

/* ---- an answer that is waited for ----------------------------------------------------------------- */

/* Handed on, and not answered yet. */
static fsm__request *wait_for_answer(int *fd) {
  later = true;
  held = NULL;
  *fd = ask("/flow");
  for (unsigned i = 0; held == NULL; i++) {
    turn();
    assert_true(i < TURNS_MAX);
  }
  return held;
}

static bool until_gone(fsm__request *request) {
  const time_t end = time(NULL) + 60;
  while (!fsm__request_gone(request) && time(NULL) < end) {
    turn();
    usleep(1000);
  }
  return fsm__request_gone(request);
}

static void answer(fsm__request *request) {
  request->status = 200;
  fsm_buf_str(&request->out, "{}");
  fsm__request_finish(request);
  turn();
}

static void a_client_that_leaves_while_it_waits_is_known_to_be_gone(void **state) {
  (void)state;
  int fds[3];
  fsm_buf in = {0};
  fsm__request *stays = wait_for_answer(&fds[0]), *leaves = wait_for_answer(&fds[1]),
               *half = wait_for_answer(&fds[2]);
  close(fds[1]);
  assert_true(until_gone(leaves));
  assert_false(fsm__request_gone(half));
  assert_int_equal(shutdown(fds[2], SHUT_WR), 0);
  assert_true(until_gone(half));
  assert_false(fsm__request_gone(stays));
  answer(leaves);
  answer(half);
  answer(stays);
  read_until(fds[0], &in, "{}");
  fsm_buf_reset(&in);
  read_until(fds[2], &in, "{}"); /* who only sends no more is still answered */
  close(fds[0]);
  close(fds[2]);
  fsm_buf_free(&in);
}

static void more_of_it(void *arg) {
  flow *f = arg;
  f->allowed++;
  fsm__http_flow_ready(f->request);
}

/* Nothing else wakes the loop here. */
static void what_a_clock_of_the_loop_makes_ready_goes_out(void **state) {
  (void)state;
  enum { TICK_MS = 20, TURNS = 10 };
  fsm_buf in = {0};
  fsm__timer *clock = NULL;
  total = 10;
  int fd = ask("/flow");
  read_until(fd, &in, "\r\n\r\n");
  for (int i = 0; i < 5; i++) turn();
  assert_int_equal(fsm__timer_new(loop, more_of_it, &flows[0], &clock, NULL), FSM_OK);
  fsm__timer_start(clock, TICK_MS, 0);
  for (int i = 0; i < TURNS && !strstr(fsm_buf_text(&in), "1\r\na\r\n"); i++) {
    fsm__loop_turn(loop);
    assert_true(read_some(fd, &in, SIZE_MAX));
  }
  assert_non_null(strstr(fsm_buf_text(&in), "1\r\na\r\n"));
  fsm__timer_free(clock);
  close(fd);
  fsm_buf_free(&in);
}

static void a_flow_that_begins_later_is_the_same(void **state) {
  (void)state;
  fsm_buf in = {0};
  later = true;
  total = allowed_at_first = 30;
  int fd = ask("/flow");
  for (const time_t end = time(NULL) + 60; !held && time(NULL) < end;) turn();
  assert_non_null(held);
  begin(held);
  read_until(fd, &in, "0\r\n\r\n");
  assert_int_equal(check_body(&in), 30);
  close(fd);
  fsm_buf_free(&in);
}

static void many_chunks_reach_a_slow_reader_whole_and_others_do_not_wait(void **state) {
  (void)state;
  fsm_buf in = {0}, other = {0};
  total = allowed_at_first = 3 * 1024 * 1024;
  int slow = ask("/flow");
  for (int i = 0; i < 200; i++) turn();
  size_t before = flows[0].given;
  assert_in_range(before, 1, total - 1); /* not read, so not pulled: no memory is used for it */
  int quick = ask("/else");
  read_until(quick, &other, "{}");
  while (!strstr(fsm_buf_text(&in) + (in.len > 16 ? in.len - 16 : 0), "\r\n0\r\n\r\n")) {
    turn();
    assert_true(read_some(slow, &in, 1500));
  }
  assert_int_equal(check_body(&in), total);
  close(slow);
  close(quick);
  fsm_buf_free(&in);
  fsm_buf_free(&other);
}

static void a_client_that_leaves_is_noticed_at_the_next_bytes(void **state) {
  (void)state;
  fsm_buf in = {0};
  total = 100;
  allowed_at_first = 3;
  int fd = ask("/flow");
  read_until(fd, &in, "abc");
  close(fd);
  for (size_t i = 4; i < 20 && !flows[0].closed; i++) {
    flows[0].allowed = i;
    fsm__http_flow_ready(flows[0].request);
    turn();
    turn();
  }
  assert_int_equal(flows[0].closed, 1);
  fsm_buf_free(&in);
}

static void a_flow_whose_client_had_left_before_is_closed_but_not_at_once(void **state) {
  (void)state;
  later = true;
  int fd = ask("/flow");
  for (const time_t end = time(NULL) + 60; !held && time(NULL) < end;) turn();
  close(fd);
  fsm__http_stop(http); /* its connection ends here */
  begin(held);
  fsm__http_free(http);
  http = NULL;
  assert_int_equal(flows[0].closed, 1);
}

static size_t count_closed(void) {
  size_t n = 0;
  for (size_t i = 0; i < flow_count; i++) {
    assert_in_range(flows[i].closed, 0, 1);
    n += flows[i].closed;
  }
  return n;
}

static bool idle;
static void on_idle(void *arg) {
  (void)arg;
  idle = true;
}

static void a_thousand_flows_get_their_bytes_and_end_with_the_daemon(void **state) {
  (void)state;
  static int fds[FLOWS_MAX];
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  size_t count = files.rlim_cur > 2 * FLOWS_MAX + 100 ? FLOWS_MAX : 100;
  total = 100;
  for (size_t i = 0; i < count; i++) {
    fds[i] = ask("/flow");
    turn();
  }
  for (const time_t end = time(NULL) + 60; flow_count < count && time(NULL) < end;) turn();
  assert_int_equal(flow_count, count);
  for (size_t i = 0; i < count; i++) {
    flows[i].allowed = 26;
    fsm__http_flow_ready(flows[i].request);
  }
  for (size_t i = 0; i < count; i++) {
    fsm_buf in = {0};
    read_until(fds[i], &in, "xyz");
    fsm_buf_free(&in);
  }
  fsm__http_drain(http, on_idle, NULL);
  for (const time_t end = time(NULL) + 60; !idle && time(NULL) < end;) turn();
  assert_true(idle);
  assert_int_equal(count_closed(), count);
  for (size_t i = 0; i < count; i++) {
    fsm_buf in = {0};
    while (read_some(fds[i], &in, SIZE_MAX) && !strstr(fsm_buf_text(&in), "0\r\n\r\n")) turn();
    assert_non_null(
        strstr(fsm_buf_text(&in), "0\r\n\r\n")); /* a clean end, which the client can tell from a break */
    fsm_buf_free(&in);
    close(fds[i]);
  }
}

static void a_stop_ends_flows_that_nobody_reads(void **state) {
  (void)state;
  total = allowed_at_first = 3 * 1024 * 1024;
  int full = ask("/flow");
  for (int i = 0; i < 200; i++) turn();
  allowed_at_first = 0;
  int dry = ask("/flow");
  for (const time_t end = time(NULL) + 60; flow_count < 2 && time(NULL) < end;) turn();
  stop();
  assert_int_equal(count_closed(), 2);
  close(full);
  close(dry);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(the_head_goes_before_there_is_anything_to_pull),
      SCENE(a_client_that_leaves_while_it_waits_is_known_to_be_gone),
      SCENE(what_a_clock_of_the_loop_makes_ready_goes_out),
      SCENE(a_flow_that_begins_later_is_the_same),
      SCENE(many_chunks_reach_a_slow_reader_whole_and_others_do_not_wait),
      SCENE(a_client_that_leaves_is_noticed_at_the_next_bytes),
      SCENE(a_flow_whose_client_had_left_before_is_closed_but_not_at_once),
      SCENE(a_thousand_flows_get_their_bytes_and_end_with_the_daemon),
      SCENE(a_stop_ends_flows_that_nobody_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
