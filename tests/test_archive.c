/* test_archive.c: what is archived is whole and durable under its name, and nothing is replaced. */
#include "runtime/daemon/archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/files.h"

#define NAME "00000000000000000007-00000000000000000012.seg"

static char root[64], from[96], to[96];

static int begin(void **state) {
  (void)state;
  snprintf(root, sizeof root, "/tmp/fsm-archive-XXXXXX");
  if (mkdtemp(root) == NULL) return -1;
  snprintf(from, sizeof from, "%s/1.seg", root);
  snprintf(to, sizeof to, "%s/archive", root);
  return fsm__dir_make(to, NULL) == FSM_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  fsm__tree_remove(root);
  return 0;
}

static void holds(const char *name, const char *text) {
  fsm_buf buf = {0};
  char path[192];
  snprintf(path, sizeof path, "%s/%s", to, name);
  assert_int_equal(fsm__file_read(path, 1000, &buf, NULL), FSM_OK);
  assert_string_equal(fsm_buf_text(&buf), text);
  fsm_buf_free(&buf);
}

static void a_segment_is_called_by_its_seqs(void **state) {
  (void)state;
  assert_int_equal(fsm__file_write(root, "1.seg", "records", 7, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(to, from, 7, 12, NULL), FSM_OK);
  holds(NAME, "records");
}

static void the_same_again_is_fine_and_another_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(fsm__file_write(root, "1.seg", "records", 7, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(to, from, 7, 12, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(to, from, 7, 12, NULL), FSM_OK);
  assert_int_equal(fsm__file_write(root, "1.seg", "RECORDS", 7, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(to, from, 7, 12, &err), FSM_EEXISTS);
  assert_non_null(strstr(err.where, NAME));
  holds(NAME, "records");
}

static void a_copy_that_was_interrupted_is_made_anew(void **state) {
  (void)state;
  assert_int_equal(fsm__file_write(to, "copying", "rec", 3, NULL), FSM_OK);
  assert_int_equal(fsm__file_write(root, "1.seg", "records", 7, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(to, from, 7, 12, NULL), FSM_OK);
  holds(NAME, "records");
}

static void where_nothing_can_be_written_the_segment_stays(void **state) {
  (void)state;
  fsm_error err = {0};
  char absent[128];
  snprintf(absent, sizeof absent, "%s/absent", root);
  assert_int_equal(fsm__file_write(root, "1.seg", "records", 7, NULL), FSM_OK);
  assert_int_equal(fsm__archive_copy(absent, from, 7, 12, &err), FSM_ENOTFOUND);
  assert_true(*err.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_segment_is_called_by_its_seqs, begin, end),
      cmocka_unit_test_setup_teardown(the_same_again_is_fine_and_another_is_refused, begin, end),
      cmocka_unit_test_setup_teardown(a_copy_that_was_interrupted_is_made_anew, begin, end),
      cmocka_unit_test_setup_teardown(where_nothing_can_be_written_the_segment_stays, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
