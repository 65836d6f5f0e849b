/* test_listen.c: which sockets are opened, and which are refused. */
#include "runtime/daemon/listen.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96];

static int make_dir(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/test_listen.XXXXXX");
  if (!mkdtemp(dir)) return -1;
  snprintf(path, sizeof path, "%s/s", dir);
  return 0;
}
static int drop_dir(void **state) {
  (void)state;
  unlink(path);
  return rmdir(dir);
}

static void loopback_addresses_are_taken_and_shown(void **state) {
  (void)state;
  static const char *const texts[] = {"127.0.0.1:0", "localhost:0", "127.1.2.3:0"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int fd = -1;
    unsigned port = 0;
    char shown[FSM__ADDRESS_MAX], expected[FSM__ADDRESS_MAX];
    assert_int_equal(fsm__listen_tcp(texts[i], false, &fd, &port, shown, NULL), FSM_OK);
    assert_in_range(port, 1, 65535);
    snprintf(expected, sizeof expected, "%s:%u", i == 2 ? "127.1.2.3" : "127.0.0.1", port);
    assert_string_equal(shown, expected);
    int again = -1;
    assert_int_equal(fsm__listen_tcp(shown, false, &again, &port, shown, NULL), FSM_EARGUMENT);
    close(fd);
  }
}

static void anything_else_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      ":80",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:8x",
                                      "0.0.0.0:0",
                                      "192.0.2.1:0",
                                      "[::]:0",
                                      "[2001:db8::1]:0",
                                      "example.org:80",
                                      "128.0.0.1:0",
                                      "[::ffff:127.0.0.1]:0",
                                      "127.0.0.1:000001",
                                      "127.1:0"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int fd = -1;
    unsigned port = 0;
    char shown[FSM__ADDRESS_MAX];
    fsm_error err = {0};
    assert_int_equal(fsm__listen_tcp(texts[i], false, &fd, &port, shown, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "--listen");
    assert_int_equal(fd, -1);
  }
}

static void a_socket_is_for_its_owner_and_replaces_a_dead_one_only(void **state) {
  (void)state;
  int fd = -1, second = -1;
  struct stat st;
  fsm_error err = {0};
  assert_int_equal(fsm__listen_unix(path, false, &fd, &err), FSM_OK);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(fsm__listen_unix(path, false, &second, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "in use"));
  close(fd); /* its file stays, as after kill -9 */
  assert_int_equal(fsm__listen_unix(path, false, &second, &err), FSM_OK);
  close(second);
  unlink(path);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fclose(f);
  assert_int_equal(fsm__listen_unix(path, false, &fd, &err), FSM_EARGUMENT);
  assert_int_equal(access(path, F_OK), 0);
  unlink(path);
}

static void a_port_file_is_whole(void **state) {
  (void)state;
  char text[16] = "";
  assert_int_equal(fsm__port_file_write(path, 65535, NULL), FSM_OK);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_non_null(fgets(text, sizeof text, f));
  fclose(f);
  assert_string_equal(text, "65535\n");
  unlink(path);
  char nowhere[128];
  snprintf(nowhere, sizeof nowhere, "%s/no/such", dir);
  fsm_error err = {0};
  assert_int_equal(fsm__port_file_write(nowhere, 1, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "--port-file");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loopback_addresses_are_taken_and_shown),
      cmocka_unit_test(anything_else_is_refused),
      cmocka_unit_test(a_socket_is_for_its_owner_and_replaces_a_dead_one_only),
      cmocka_unit_test(a_port_file_is_whole),
  };
  return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
