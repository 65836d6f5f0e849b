/* test_code.c: the table of faults and the filling of an fsm_error. */
#include "fsm/code.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void every_code_has_a_unique_name_that_leads_back_to_it(void **state) {
  (void)state;
  for (int i = 0; i < FSM_CODE_COUNT; i++) {
    const char *name = fsm_code_name((fsm_code)i);
    assert_true(*name);
    assert_int_equal(fsm_code_of(name), i);
    assert_true(*fsm_code_text((fsm_code)i));
    assert_in_range(fsm_code_http((fsm_code)i), 200, 599);
    assert_in_range(fsm_code_exit((fsm_code)i), 0, 10);
  }
  assert_int_equal(fsm_code_of("no_such_name"), FSM_CODE_COUNT);
  assert_int_equal(fsm_code_exit(FSM_OK), 0);
  assert_int_equal(fsm_code_http(FSM_ENOTFOUND), 404);
}

static void a_fault_carries_code_place_and_sentence(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(fsm_fail(&err, FSM_EDATA, "/a/b", "expected %d", 7), FSM_EDATA);
  assert_int_equal(err.code, FSM_EDATA);
  assert_string_equal(err.where, "/a/b");
  assert_string_equal(err.text, "expected 7");
  assert_int_equal(fsm_fail(&err, FSM_EIO, NULL, "x"), FSM_EIO);
  assert_string_equal(err.where, "");
  assert_int_equal(fsm_fail(NULL, FSM_EIO, "a", "nobody %s", "listens"), FSM_EIO);
}

static void a_fault_can_be_wrapped_in_itself(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(fsm_fail(&err, FSM_EDATA, "/place", "inner"), FSM_EDATA);
  assert_int_equal(fsm_fail(&err, FSM_EDEFINITION, err.where, "outer: %s", err.text), FSM_EDEFINITION);
  assert_string_equal(err.where, "/place");
  assert_string_equal(err.text, "outer: inner");
}

static void long_text_is_cut_to_fit(void **state) {
  (void)state;
  fsm_error err;
  char text[FSM_TEXT_MAX * 2];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  assert_int_equal(fsm_fail(&err, FSM_EDATA, text, "%s", text), FSM_EDATA);
  assert_int_equal(strlen(err.where), FSM_WHERE_MAX - 1);
  assert_int_equal(strlen(err.text), FSM_TEXT_MAX - 1);
  text[FSM_TEXT_MAX - 1] = 0;
  assert_int_equal(fsm_fail(&err, FSM_EDATA, "", "%s", text), FSM_EDATA);
  assert_string_equal(err.text, text);
}

/* "€" is three bytes, "𝄞" four: shifted by each number of leading bytes, the cut meets every seam. */
static void a_cut_never_splits_a_character(void **state) {
  (void)state;
  static const char *const chars[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9d\x84\x9e"};
  for (size_t c = 0; c < 3; c++) {
    size_t width = strlen(chars[c]);
    for (size_t shift = 0; shift < width; shift++) {
      char text[FSM_TEXT_MAX * 2] = "aaaa";
      size_t len = shift;
      for (; len + width < sizeof text; len += width) memcpy(text + len, chars[c], width);
      text[len] = 0;
      fsm_error err;
      assert_int_equal(fsm_fail(&err, FSM_EDATA, text, "%s", text), FSM_EDATA);
      assert_int_equal((strlen(err.text) - shift) % width, 0);
      assert_int_equal((strlen(err.where) - shift) % width, 0);
      assert_in_range(strlen(err.text), FSM_TEXT_MAX - width, FSM_TEXT_MAX - 1);
    }
  }
}

static void a_failed_assertion_aborts_and_says_where(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    FSM_ASSERT(1 == 2);
    _exit(0);
  }
  close(ends[1]);
  char text[1024];
  ssize_t len = read(ends[0], text, sizeof text - 1);
  assert_true(len > 0);
  text[len] = 0;
  close(ends[0]);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  assert_non_null(strstr(text, "test_code.c"));
  assert_non_null(strstr(text, "1 == 2"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_a_unique_name_that_leads_back_to_it),
      cmocka_unit_test(a_fault_carries_code_place_and_sentence),
      cmocka_unit_test(a_fault_can_be_wrapped_in_itself),
      cmocka_unit_test(long_text_is_cut_to_fit),
      cmocka_unit_test(a_cut_never_splits_a_character),
      cmocka_unit_test(a_failed_assertion_aborts_and_says_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
