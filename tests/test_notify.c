/* test_notify.c: what is taken from the environment of a supervisor, and what it is told; how many
 * connections a number of files leaves. */
#include "runtime/daemon/notify.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/daemon/limits.h"

/* A supervisor's socket in the abstract space; name gets its @NAME. */
static int supervisor(char name[64]) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  const int len = snprintf(name, 64, "@test_notify.%ld", (long)getpid());
  memcpy(at.sun_path + 1, name + 1, (size_t)len - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
  assert_int_equal(bind(fd, (const struct sockaddr *)&at, size), 0);
  return fd;
}

static void told(int fd, const char *text) {
  char got[2048];
  const ssize_t len = recv(fd, got, sizeof got - 1, 0);
  assert_true(len >= 0);
  got[len] = 0;
  assert_string_equal(got, text);
}

static void without_a_supervisor_nothing_is_sent(void **state) {
  (void)state;
  fsm__notify notify;
  assert_int_equal(fsm__notify_open(NULL, "1", "x", &notify, NULL), FSM_OK);
  assert_int_equal(notify.fd, -1);
  assert_int_equal(notify.watchdog_ms, 0);
  assert_int_equal(fsm__notify_open("", NULL, NULL, &notify, NULL), FSM_OK);
  fsm__notify_send(&notify, "READY=1");
  fsm__notify_close(&notify);
}

static void what_is_sent_arrives_as_one_message(void **state) {
  (void)state;
  char name[64], longer[2000];
  fsm__notify notify;
  int fd = supervisor(name);
  assert_int_equal(fsm__notify_open(name, NULL, NULL, &notify, NULL), FSM_OK);
  fsm__notify_send(&notify, "READY=1\nSTATUS=%d", 7);
  told(fd, "READY=1\nSTATUS=7");
  memset(longer, 'x', sizeof longer);
  longer[sizeof longer - 1] = 0;
  fsm__notify_send(&notify, "%s", longer);
  longer[1023] = 0;
  told(fd, longer);
  fsm__notify_close(&notify);
  fsm__notify_send(&notify, "READY=1"); /* closed: nowhere */
  close(fd);
}

static void a_supervisor_that_does_not_read_holds_up_nothing(void **state) {
  (void)state;
  char name[64];
  fsm__notify notify;
  int fd = supervisor(name);
  assert_int_equal(fsm__notify_open(name, NULL, NULL, &notify, NULL), FSM_OK);
  for (int i = 0; i < 10000; i++) fsm__notify_send(&notify, "WATCHDOG=1");
  close(fd);
  fsm__notify_send(&notify, "WATCHDOG=1"); /* gone */
  fsm__notify_close(&notify);
}

static uint64_t watchdog(const char *usec, const char *pid) {
  char name[64];
  fsm__notify notify;
  int fd = supervisor(name);
  fsm_error err = {0};
  const fsm_code code = fsm__notify_open(name, usec, pid, &notify, &err);
  close(fd);
  if (code != FSM_OK) {
    assert_int_equal(code, FSM_EARGUMENT);
    assert_int_equal(notify.fd, -1);
    assert_true(strncmp(err.where, "WATCHDOG_", 9) == 0);
    return UINT64_MAX;
  }
  fsm__notify_close(&notify);
  return notify.watchdog_ms;
}

static void the_watchdog_is_fed_three_times_as_often_as_it_asks(void **state) {
  (void)state;
  char ours[32];
  snprintf(ours, sizeof ours, "%ld", (long)getpid());
  assert_int_equal(watchdog(NULL, NULL), 0);
  assert_int_equal(watchdog("60000000", NULL), 20000);
  assert_int_equal(watchdog("60000000", ours), 20000);
  assert_int_equal(watchdog("60000000", "1"), 0);
  assert_int_equal(watchdog("1", NULL), 1);
  static const char *const wrong[] = {"", "0", "-1", " 1", "1s", "99999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(watchdog(wrong[i], NULL), UINT64_MAX);
    assert_int_equal(watchdog("60000000", wrong[i]), UINT64_MAX);
  }
}

static void an_address_that_is_none_is_refused(void **state) {
  (void)state;
  char longest[128] = "/";
  memset(longest + 1, 'x', 107);
  static const char *const wrong[] = {"x", "/", "@", "unix:/x", "/nonexistent/x"};
  fsm__notify notify;
  fsm_error err = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(fsm__notify_open(wrong[i], NULL, NULL, &notify, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "NOTIFY_SOCKET");
  }
  assert_int_equal(fsm__notify_open(longest, NULL, NULL, &notify, &err), FSM_EARGUMENT);
  assert_string_equal(err.text, "it is longer than a unix socket's path can be");
  longest[107] = 0;
  assert_int_equal(fsm__notify_open(longest, NULL, NULL, &notify, &err), FSM_EARGUMENT);
  assert_string_equal(err.text, "nobody listens there: No such file or directory");
}

static void files_that_are_left_are_connections_up_to_the_most(void **state) {
  (void)state;
  assert_int_equal(fsm__limits_connections(0, 100), 0);
  assert_int_equal(fsm__limits_connections(FSM__FILES_RESERVED, 100), 0);
  assert_int_equal(fsm__limits_connections(FSM__FILES_RESERVED + 1, 100), 1);
  assert_int_equal(fsm__limits_connections(FSM__FILES_RESERVED + 100, 100), 100);
  assert_int_equal(fsm__limits_connections(UINT64_MAX, 100), 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_supervisor_nothing_is_sent),
      cmocka_unit_test(what_is_sent_arrives_as_one_message),
      cmocka_unit_test(a_supervisor_that_does_not_read_holds_up_nothing),
      cmocka_unit_test(the_watchdog_is_fed_three_times_as_often_as_it_asks),
      cmocka_unit_test(an_address_that_is_none_is_refused),
      cmocka_unit_test(files_that_are_left_are_connections_up_to_the_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
