/* Claims of the directory of a store (runtime/store_dir.c): who may open it, and what opening leaves behind.
 */
#include <sys/file.h>

#include "tests/store_scratch.h"

static void what_is_missing_is_not_found_and_not_made(void **state) {
  place *p = *state;
  fsm__store *store;
  fsm_error err;
  struct stat found;
  fsm__store_options options = {.dir = p->dir};
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ENOTFOUND);
  options.read_only = true;
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ENOTFOUND);
  assert_int_equal(stat(p->dir, &found), -1);
  options = (fsm__store_options){.dir = "/nonexistent/parent/store", .new_store_id = store_id};
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ENOTFOUND);
  fsm__store_close(NULL);
}

static void a_data_file_left_empty_by_a_crash_is_a_new_store(void **state) {
  place *p = *state;
  char path[128];
  snprintf(path, sizeof path, "%s/data.mdb", p->dir);
  assert_int_equal(mkdir(p->dir, 0700), 0);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  fsm__store *store;
  fsm__store_options options = {.dir = p->dir, .read_only = true};
  assert_int_equal(fsm__store_open(&options, &store, NULL), FSM_ENOTFOUND);
  store = open_new(p);
  put(store, FSM_T_IDS, "a", "1");
  round_at(store, 1);
  fsm__store_close(store);
}

/* What a loss of power leaves of pages that were not synced: torn, and the mark beside them. */
static void a_data_file_torn_while_it_was_made_is_a_new_store(void **state) {
  place *p = *state;
  char path[128], mark[128], torn[16384];
  fsm__store *store;
  snprintf(path, sizeof path, "%s/data.mdb", p->dir);
  snprintf(mark, sizeof mark, "%s/" FSM_STORE_MAKING_FILE, p->dir);
  assert_int_equal(mkdir(p->dir, 0700), 0);
  memset(torn, 0, 4096);
  memset(torn + 4096, 'x', sizeof torn - 4096);
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  assert_int_equal(write(fd, torn, sizeof torn), sizeof torn);
  close(fd);
  fsm__store_options options = {.dir = p->dir, .new_store_id = store_id};
  assert_int_not_equal(fsm__store_open(&options, &store, NULL), FSM_OK); /* without the mark it is damage */
  close(open(mark, O_CREAT | O_WRONLY, 0600));
  store = open_new(p);
  assert_int_equal(access(mark, F_OK), -1);
  put(store, FSM_T_IDS, "a", "1");
  round_at(store, 1);
  fsm__store_close(store);
}

static void a_read_only_opening_writes_nothing_and_keeps_its_rows_in_memory(void **state) {
  fsm__store *store = open_new(*state);
  put(store, FSM_T_IDS, "a", "1");
  put(store, FSM_T_IDS, "b", "2");
  round_at(store, 3);
  fsm__store_close(store);
  fsm__hash before = digest_of(*state);
  store = open_read_only(*state);
  fsm__store *second = open_read_only(*state); /* readers share */
  put(store, FSM_T_IDS, "c", "tail");
  erase(store, FSM_T_IDS, "a");
  ranges(store, FSM_T_IDS, "", "b c");
  ranges(second, FSM_T_IDS, "", "a b");
  fsm__snapshot_reader *reader;
  uint64_t applied;
  assert_int_equal(fsm__store_snapshot(store, &reader, &applied, NULL), FSM_OK);
  assert_int_equal(applied, 3);
  fsm__snapshot_close(reader);
  unchanged(*state, before);
  fsm__store_close(second);
  fsm__store_close(store);
  unchanged(*state, before);
}

static void a_read_only_opening_makes_no_lock_file(void **state) {
  place *p = *state;
  char path[128];
  snprintf(path, sizeof path, "%s/lock", p->dir);
  fsm__store_close(open_new(p));
  assert_int_equal(unlink(path), 0);
  fsm__hash before = digest_of(p);
  fsm__store_options options = {.dir = p->dir, .read_only = true};
  fsm__store *store;
  assert_int_equal(fsm__store_open(&options, &store, NULL), FSM_ENOTFOUND);
  unchanged(p, before);
}

/* In a child, as an ordinary user when we are root, for whom no directory is read-only. */
static int read_as_ordinary_user(const place *p) {
  enum { NOBODY = 65534 };
  if (geteuid() == 0) {
    static const char *const names[] = {"", "/lock", "/lock.mdb", "/data.mdb"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
      snprintf(path, sizeof path, "%s%s", p->dir, names[i]);
      if (chown(path, NOBODY, NOBODY)) return 10;
    }
    if (chmod(p->root, 0711) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
      return 11;
  }
  char path[128];
  snprintf(path, sizeof path, "%s/new", p->dir);
  if (open(path, O_CREAT | O_WRONLY, 0600) >= 0) return 12;
  fsm__store_options options = {.dir = p->dir, .read_only = true};
  fsm__store *store;
  fsm_error err = {0};
  fsm_code code = fsm__store_open(&options, &store, &err);
  if (code) return 20 + (int)code;
  const void *value;
  size_t len;
  code = fsm__store_get(store, FSM_T_IDS, "a", 1, &value, &len, &err);
  fsm__store_close(store);
  return code ? 13 : 0;
}

static void a_read_only_opening_works_in_a_read_only_directory(void **state) {
  place *p = *state;
  fsm__store *store = open_new(p);
  put(store, FSM_T_IDS, "a", "1");
  round_at(store, 1);
  fsm__store_close(store);
  assert_int_equal(chmod(p->dir, 0500), 0);
  assert_int_equal(in_child(read_as_ordinary_user, p), 0);
}

/* ---- locks and owners ---- */

static int open_again(const place *p) {
  fsm__store_options options = options_of(p);
  fsm__store *store;
  fsm_error err = {0};
  char pid[24];
  snprintf(pid, sizeof pid, "process %ld ", (long)getppid());
  for (int read_only = 0; read_only < 2; read_only++) {
    options.read_only = read_only;
    if (read_only) options.new_store_id = NULL;
    if (fsm__store_open(&options, &store, &err) != FSM_ELOCKED) return 1;
    if (!strstr(err.text, pid)) return 2;
  }
  return 0;
}

static int write_beside_reader(const place *p) {
  fsm__store_options options = options_of(p);
  fsm__store *store;
  fsm_error err = {0};
  return fsm__store_open(&options, &store, &err) == FSM_ELOCKED && strstr(err.text, "reading") ? 0 : 1;
}

static void readers_are_told_from_a_writer_whatever_pid_was_left_behind(void **state) {
  place *p = *state;
  char path[128];
  snprintf(path, sizeof path, "%s/lock", p->dir);
  fsm__store_close(open_new(p));
  int fd = open(path, O_RDWR);
  assert_true(fd >= 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0); /* as a killed writer leaves it */
  fsm__store_options options = options_of(p);
  fsm__store *store;
  fsm_error err;
  assert_int_equal(flock(fd, LOCK_SH), 0);
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ELOCKED);
  assert_string_equal(err.text, FSM_STORE_READ_ELSEWHERE);
  assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* asking left no lock behind */
  assert_int_equal(ftruncate(fd, 0), 0);             /* a writer that has not said its pid yet */
  assert_int_equal(fsm__store_open(&options, &store, &err), FSM_ELOCKED);
  assert_string_equal(err.text, "another process holds it");
  close(fd);
  fsm__store_close(open_new(p));
}

static void another_process_is_refused_and_told_who_holds_it(void **state) {
  fsm__store *store = open_new(*state);
  assert_int_equal(in_child(open_again, *state), 0);
  fsm__store_options options = options_of(*state);
  fsm__store *second;
  assert_int_equal(fsm__store_open(&options, &second, NULL), FSM_ELOCKED); /* in one process too */
  fsm__store_close(store);
  store = open_read_only(*state);
  assert_int_equal(in_child(write_beside_reader, *state), 0);
  fsm__store_close(store);
  fsm__store_close(open_new(*state));
}

static fsm_code reopen_code(const place *p, bool read_only) {
  fsm__store_options options = {.dir = p->dir, .read_only = read_only};
  fsm__store *store = NULL;
  fsm_error err;
  fsm_code code = fsm__store_open(&options, &store, &err);
  fsm__store_close(store);
  return code;
}

static void links_and_what_others_may_open_are_refused(void **state) {
  place *p = *state;
  char data[128], away[128];
  data_path(p, data, sizeof data);
  snprintf(away, sizeof away, "%s/away", p->root);
  fsm__store_close(open_new(p));
  assert_int_equal(chmod(data, 0640), 0);
  assert_int_equal(reopen_code(p, false), FSM_EPERMISSION);
  assert_int_equal(chmod(data, 0600), 0);
  assert_int_equal(chmod(p->dir, 0701), 0);
  assert_int_equal(reopen_code(p, true), FSM_EPERMISSION);
  assert_int_equal(chmod(p->dir, 0700), 0);
  assert_int_equal(rename(data, away), 0);
  assert_int_equal(symlink(away, data), 0);
  assert_int_equal(reopen_code(p, false), FSM_EPERMISSION);
  assert_int_equal(reopen_code(p, true), FSM_EPERMISSION);
  assert_int_equal(unlink(data), 0);
  assert_int_equal(rename(away, data), 0);
  assert_int_equal(reopen_code(p, true), FSM_OK);
  assert_int_equal(rename(p->dir, away), 0);
  assert_int_equal(symlink(away, p->dir), 0);
  assert_int_equal(reopen_code(p, true), FSM_EPERMISSION);
  assert_int_equal(unlink(p->dir), 0);
  assert_int_equal(rename(away, p->dir), 0);
  assert_int_equal(reopen_code(p, false), FSM_OK);
}

static void what_is_made_is_open_to_its_owner_alone(void **state) {
  place *p = *state;
  mode_t old = umask(0);
  fsm__store *store = open_new(p);
  umask(old);
  static const char *const names[] = {"lock", "lock.mdb", "data.mdb"};
  struct stat found;
  assert_int_equal(stat(p->dir, &found), 0);
  assert_int_equal(found.st_mode & 0777, 0700);
  for (size_t i = 0; i < 3; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", p->dir, names[i]);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
  }
  fsm__store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_missing_is_not_found_and_not_made),
      TEST(a_data_file_left_empty_by_a_crash_is_a_new_store),
      TEST(a_data_file_torn_while_it_was_made_is_a_new_store),
      TEST(a_read_only_opening_writes_nothing_and_keeps_its_rows_in_memory),
      TEST(a_read_only_opening_makes_no_lock_file),
      TEST(a_read_only_opening_works_in_a_read_only_directory),
      TEST(readers_are_told_from_a_writer_whatever_pid_was_left_behind),
      TEST(another_process_is_refused_and_told_who_holds_it),
      TEST(links_and_what_others_may_open_are_refused),
      TEST(what_is_made_is_open_to_its_owner_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
