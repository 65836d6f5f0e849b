/* test_tls.c: which files are taken as certificate and key. */
#include "runtime/daemon/tls.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

static char dir[64], cert[96], key[96];

static void put(const char *path, const char *text, size_t len, mode_t mode) {
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  fclose(file);
  assert_int_equal(chmod(path, mode), 0);
}

static int make_files(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/test_tls.XXXXXX");
  if (!mkdtemp(dir)) return -1;
  snprintf(cert, sizeof cert, "%s/cert", dir);
  snprintf(key, sizeof key, "%s/key", dir);
  put(cert, PEM, strlen(PEM), 0644);
  put(key, PEM, strlen(PEM), 0600);
  return 0;
}
static int drop_files(void **state) {
  (void)state;
  unlink(cert);
  unlink(key);
  return rmdir(dir);
}

static void refused(const char *path, const char *says) {
  fsm__tls tls;
  fsm_error err = {0};
  assert_int_equal(fsm__tls_load(cert, key, &tls, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, path);
  assert_non_null(strstr(err.text, says));
  assert_null(tls.cert.data);
  assert_null(tls.key.data);
}

static void a_pair_is_read_whole(void **state) {
  (void)state;
  fsm__tls tls;
  assert_int_equal(fsm__tls_load(cert, key, &tls, NULL), FSM_OK);
  assert_string_equal(fsm_buf_text(&tls.cert), PEM);
  assert_string_equal(fsm_buf_text(&tls.key), PEM);
  fsm__tls_free(&tls);
}

static void a_key_that_others_may_touch_is_refused(void **state) {
  (void)state;
  static const mode_t modes[] = {0640, 0604, 0620, 0602, 0660, 0644, 0610};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal(chmod(key, modes[i]), 0);
    refused(key, "chmod 600");
  }
  if (geteuid() != 0) return;
  assert_int_equal(chmod(key, 0600), 0);
  assert_int_equal(chown(key, 12345, 12345), 0);
  refused(key, "belongs to user 12345");
}

static void what_is_no_file_of_pem_is_refused(void **state) {
  (void)state;
  static char large[FSM__TLS_FILE_MAX + 1];
  fsm__tls tls;
  put(cert, "", 0, 0644);
  refused(cert, "bytes");
  put(cert, "hello", 5, 0644);
  refused(cert, "PEM");
  put(cert, PEM "\0", sizeof PEM, 0644);
  refused(cert, "PEM");
  memset(large, '\n', sizeof large);
  memcpy(large, PEM, strlen(PEM));
  put(cert, large, sizeof large, 0644);
  refused(cert, "bytes");
  put(cert, large, sizeof large - 1, 0644);
  assert_int_equal(fsm__tls_load(cert, key, &tls, NULL), FSM_OK);
  fsm__tls_free(&tls);
  unlink(cert);
  refused(cert, "opened");
  assert_int_equal(mkdir(cert, 0755), 0);
  refused(cert, "not a file");
  rmdir(cert);
  put(cert, PEM, strlen(PEM), 0644);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, make_files, drop_files)
int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(a_pair_is_read_whole),
      SCENE(a_key_that_others_may_touch_is_refused),
      SCENE(what_is_no_file_of_pem_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
