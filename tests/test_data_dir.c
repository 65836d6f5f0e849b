/* test_data_dir.c: a directory that is not ours, not private or not whole is refused, and nothing is made in
 * it. */
#include "runtime_fixture.h"

static int setup(void **state) {
  *state = fixture_new();
  return 0;
}

static int teardown(void **state) {
  fixture_free(*state);
  return 0;
}

static fsm_code open_again(fixture *f, bool read_only, fsm_error *err) {
  fsm_runtime *runtime = NULL;
  const fsm_runtime_options options = {
      .dir = f->dir, .read_only = read_only, .map_bytes = 64 << 20, .segment_bytes = 2 * 1024 * 1024};
  fsm_code code = fsm_runtime_open(&options, &runtime, NULL, err);
  if (code == FSM_OK)
    fsm_runtime_close(runtime);
  else
    assert_null(runtime);
  return code;
}

static void in_dir(const fixture *f, const char *name, char *out, size_t size) {
  snprintf(out, size, "%s/%s", f->dir, name);
}

static void a_directory_open_to_others_is_refused_with_its_mode(void **state) {
  fixture *f = *state;
  fsm_error err = {.text = ""};
  fixture_close(f);
  assert_int_equal(chmod(f->dir, 0750), 0);
  assert_int_equal(open_again(f, false, &err), FSM_EPERMISSION);
  assert_non_null(strstr(err.text, "0750"));
  assert_int_equal(open_again(f, true, &err), FSM_EPERMISSION);
  assert_int_equal(chmod(f->dir, 0700), 0);
  assert_int_equal(open_again(f, false, &err), FSM_OK);
}

static void no_directory_named_is_an_argument(void **state) {
  (void)state;
  fsm_runtime *runtime = NULL;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm_runtime_open(&(fsm_runtime_options){.dir = NULL}, &runtime, NULL, &err),
                   FSM_EARGUMENT);
}

static void a_journal_without_its_store_gets_no_new_one(void **state) {
  fixture *f = *state;
  char store[128], data[160];
  fsm_error err = {.text = ""};
  deploy_approval(f);
  fixture_close(f);
  in_dir(f, "store", store, sizeof store);
  snprintf(data, sizeof data, "%s/data.mdb", store);
  remove_tree(store);
  for (int read_only = 0; read_only < 2; read_only++) {
    assert_int_equal(open_again(f, read_only, &err), FSM_ECORRUPT);
    assert_non_null(strstr(err.text, "store is missing"));
    assert_int_not_equal(access(data, F_OK), 0);
  }
}

static void a_store_without_its_journal_gets_no_new_one(void **state) {
  fixture *f = *state;
  char journal[128];
  fsm_error err = {.text = ""};
  deploy_approval(f);
  fixture_close(f);
  in_dir(f, "journal", journal, sizeof journal);
  remove_tree(journal);
  for (int read_only = 0; read_only < 2; read_only++) {
    assert_int_equal(open_again(f, read_only, &err), FSM_ECORRUPT);
    assert_non_null(strstr(err.text, "journal is missing"));
    assert_int_not_equal(access(journal, F_OK), 0);
  }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_directory_open_to_others_is_refused_with_its_mode),
      T(no_directory_named_is_an_argument),
      T(a_journal_without_its_store_gets_no_new_one),
      T(a_store_without_its_journal_gets_no_new_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
