/* test_web_secret.c: a secret is read from a file of ours alone, and again when it is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/web.h"
#include "runtime/web_secret.h"

static char dir[64], path[96];

static int setup(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/fsm-secret-XXXXXX");
  if (mkdtemp(dir) == NULL) return -1;
  snprintf(path, sizeof path, "%s/token", dir);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(dir);
}

static void write_file(const char *text, size_t len, mode_t mode) {
  char beside[sizeof path + 4];
  snprintf(beside, sizeof beside, "%s.new", path);
  FILE *file = fopen(beside, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(beside, mode), 0);
  assert_int_equal(rename(beside, path), 0);
}

static fsm_code opened(const char *text, size_t len, mode_t mode) {
  fsm__secret *secret = NULL;
  fsm_error err = {0};
  write_file(text, len, mode);
  fsm_code code = fsm__secret_open("token_file", path, &secret, &err);
  if (code != FSM_OK) {
    assert_null(secret);
    assert_string_equal(err.where, "token_file");
    if (len == 6) assert_null(strstr(err.text, text)); /* never what is in it */
  }
  fsm__secret_free(secret);
  return code;
}

static void a_credential_of_systemd_may_have_a_groups_right_to_read_when_it_is_roots(void **state) {
  (void)state;
  char inside[128];
  assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
  assert_true(fsm__secret_is_closed(path, 0100440, 0));
  assert_true(fsm__secret_is_closed(path, 0100400, 0));
  static const unsigned open_modes[] = {0100460, 0100450, 0100444, 0100441, 0100442};
  for (unsigned i = 0; i < sizeof open_modes / sizeof *open_modes; i++)
    assert_false(fsm__secret_is_closed(path, open_modes[i], 0));
  assert_false(fsm__secret_is_closed(path, 0100440, 12345)); /* not root's */
  assert_false(fsm__secret_is_closed(path, 0100400, 12345));
  static const char *const outside[] = {"/../x", "/a/b", "/.x", "x/y", "/"};
  for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
    snprintf(inside, sizeof inside, "%s%s", dir, outside[i]);
    assert_false(fsm__secret_is_closed(inside, 0100440, 0));
  }
  assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
  assert_false(fsm__secret_is_closed(path, 0100440, 0));
  assert_true(fsm__secret_is_closed(path, 0100400, 0));
}

static void a_secret_that_was_replaced_is_read_again(void **state) {
  (void)state;
  fsm__secret *secret = NULL;
  fsm_error err;
  const char *text = NULL;
  write_file("first\n", 6, 0600);
  assert_int_equal(fsm__secret_open("token_file", path, &secret, &err), FSM_OK);
  assert_int_equal(fsm__secret_read(secret, &text, &err), FSM_OK);
  assert_string_equal(text, "first");
  write_file("other\r\n", 7, 0400);
  assert_int_equal(fsm__secret_read(secret, &text, &err), FSM_OK);
  assert_string_equal(text, "other");
  unlink(path);
  assert_int_equal(fsm__secret_read(secret, &text, &err), FSM_EARGUMENT);
  write_file("third", 5, 0600);
  assert_int_equal(fsm__secret_read(secret, &text, &err), FSM_OK);
  assert_string_equal(text, "third");
  fsm__secret_free(secret);
}

static void a_secret_that_others_may_read_is_refused(void **state) {
  (void)state;
  assert_int_equal(opened("s3cret", 6, 0600), FSM_OK);
  assert_int_equal(opened("s3cret", 6, 0640), FSM_EPERMISSION);
  assert_int_equal(opened("s3cret", 6, 0604), FSM_EPERMISSION);
  fsm_error err;
  assert_int_equal(fsm__secret_check("key_file", path, &err), FSM_EPERMISSION);
  assert_int_equal(fsm__secret_check("key_file", dir, &err), FSM_EARGUMENT);
}

static void a_secret_is_one_line_of_at_most_the_limit(void **state) {
  (void)state;
  static char text[FSM_SECRET_MAX + 3];
  memset(text, 'x', sizeof text);
  assert_int_equal(opened("", 0, 0600), FSM_EARGUMENT);
  assert_int_equal(opened("\n", 1, 0600), FSM_EARGUMENT);
  assert_int_equal(opened("a\nb", 3, 0600), FSM_EARGUMENT);
  assert_int_equal(opened(text, FSM_SECRET_MAX, 0600), FSM_OK);
  text[FSM_SECRET_MAX] = '\n';
  assert_int_equal(opened(text, FSM_SECRET_MAX + 1, 0600), FSM_OK);
  text[FSM_SECRET_MAX] = 'x';
  assert_int_equal(opened(text, FSM_SECRET_MAX + 1, 0600), FSM_ETOOLARGE);
  assert_int_equal(opened(text, sizeof text, 0600), FSM_ETOOLARGE);
}

static fsm_code client(fsm_web_options options) {
  fsm_web *web = NULL;
  fsm_error err;
  options.url = "https://localhost";
  fsm_code code = fsm_web_open(&options, &web, &err);
  fsm_web_close(web);
  return code;
}

static void a_client_says_at_once_what_it_cannot_use(void **state) {
  (void)state;
  write_file("s3cret\n", 7, 0600);
  assert_int_equal(client((fsm_web_options){.token_file = path}), FSM_OK);
  assert_int_equal(client((fsm_web_options){.user = "u", .password_file = path}), FSM_OK);
  assert_int_equal(client((fsm_web_options){.token_file = path, .token = "t"}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.user = "u"}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.password_file = path}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.user = "u:v", .password_file = path}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.cert_file = path}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.key_file = path}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.ca_file = "/nonexistent/ca.pem"}), FSM_EARGUMENT);
  assert_int_equal(client((fsm_web_options){.token_file = "/nonexistent/token"}), FSM_EARGUMENT);
  write_file("key", 3, 0644);
  assert_int_equal(client((fsm_web_options){.cert_file = path, .key_file = path}), FSM_EPERMISSION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_credential_of_systemd_may_have_a_groups_right_to_read_when_it_is_roots),
      cmocka_unit_test(a_secret_that_was_replaced_is_read_again),
      cmocka_unit_test(a_secret_that_others_may_read_is_refused),
      cmocka_unit_test(a_secret_is_one_line_of_at_most_the_limit),
      cmocka_unit_test(a_client_says_at_once_what_it_cannot_use),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
