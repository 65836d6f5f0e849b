/* test_retention.c: snapshots are made and verified as records come; segments go only when two verified
 * snapshots, the sinks and idempotency let them; what is left proves and rebuilds the store. */
#include "snapshot_scene.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/cursors.h"
#include "runtime/database.h"
#include "runtime/parked.h"
#include "runtime/retention.h"

enum { DAY_H = 25 };

/* How often the cursor and its directory were made durable. */
static _Atomic ino_t watched_file, watched_dir;
static atomic_uint file_syncs, dir_syncs;

int fsync(int fd) {
  struct stat st;
  if (fstat(fd, &st) == 0 && st.st_ino == atomic_load(&watched_file)) atomic_fetch_add(&file_syncs, 1);
  if (fstat(fd, &st) == 0 && st.st_ino == atomic_load(&watched_dir)) atomic_fetch_add(&dir_syncs, 1);
  return (int)syscall(SYS_fsync, fd);
}

typedef struct archived {
  _Atomic unsigned count;
  const char *dir; /* where a sink comes while the first segment is archived; NULL = none */
  uint64_t next;
  bool gap, lazy; /* lazy: it goes before the cursor was made durable */
} archived;

static fsm_code keep(void *arg, const char *path, uint64_t first_seq, uint64_t last_seq, fsm_error *err) {
  archived *a = arg;
  (void)err;
  if (first_seq != a->next || access(path, R_OK) != 0) a->gap = true;
  a->next = last_seq + 1;
  if (atomic_load(&file_syncs) == 0 || atomic_load(&dir_syncs) == 0) a->lazy = true;
  const fsm__cursor late = {.sink = "late"};
  if (a->dir != NULL && fsm__cursor_save(a->dir, &late, true, NULL) != FSM_OK) a->gap = true;
  atomic_fetch_add(&a->count, 1);
  return FSM_OK;
}

static fsm_runtime_options thrifty(fixture *f, archived *a) {
  fsm_runtime_options options = restless_options(f);
  options.snapshot_records = 40;
  options.retain_bytes = 3 * 1024 * 1024;
  options.archive = keep;
  options.archive_arg = a;
  return options;
}

static void blobs(fixture *f, unsigned count) {
  client c = {.f = f, .id = 0, .commands = count, .blob = 60000};
  client_run(&c);
  for (int i = 0; i < 12000 && atomic_load(&c.answers) < count; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  settle(f);
}

static void begin(fixture *f, archived *a) {
  *a = (archived){.next = 1};
  const fsm_runtime_options options = thrifty(f, a);
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  answer = start_counter(f, "c0");
  assert_code(&answer, FSM_OK);
  scene_reopen(f, &options);
}

static fsm__retained told(fixture *f) {
  fsm__retained out;
  fsm__retention_get(fsm__runtime_retention(f->runtime), &out);
  if (out.fault.code != FSM_OK) fail_msg("%s: %s", out.fault.where, out.fault.text);
  return out;
}

static void await_snapshots(fixture *f, uint64_t count) {
  for (int i = 0; i < 6000 && told(f).snapshots < count; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  assert_true(told(f).snapshots >= count);
}

static void await_removed(fixture *f) {
  for (int i = 0; i < 6000 && told(f).segments == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void segments_go_when_two_verified_snapshots_are_behind_them(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  fsm_value document;
  fsm_error err = {.text = ""};
  begin(f, &a);
  blobs(f, 100);
  await_snapshots(f, 1);
  assert_true(told(f).segments == 0); /* one is not two, and idempotency needs a day */
  atomic_fetch_add(&f->now_ns, DAY_H * 3600 * SECOND);
  blobs(f, 60);
  await_snapshots(f, 2);
  blobs(f, 60);
  await_snapshots(f, 3);
  await_removed(f);
  assert_true(told(f).segments > 0 && atomic_load(&a.count) > 0 && !a.gap);
  assert_true(fsm__journal_first_seq(fsm__runtime_journal(f->runtime)) > 1);
  assert_verified(f);
  fsm__snapshot_info *list = NULL;
  size_t count = 0;
  assert_int_equal(fsm__snapshot_list(snapshots_of(f), &list, &count, NULL, NULL), FSM_OK);
  assert_true(count >= 2 && count <= 3);
  free(list);
  fixture_close(f);
  const fsm_database_order order = {.actor = "me"};
  fsm_code code = fsm_database_rebuild(f->dir, &order, &f->arena, &document, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm_runtime_options options = restless_options(f);
  scene_open(f, &options);
  assert_int_equal(context_n(f, "c0"), 220);
  assert_verified(f);
  fixture_free(f);
}

static void what_a_sink_has_not_acknowledged_stays(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  const fsm__cursor cursor = {.sink = "nats", .seq = 3, .sent_seq = 3, .settled_seq = 3};
  begin(f, &a);
  assert_int_equal(fsm__cursor_save(f->dir, &cursor, true, NULL), FSM_OK);
  blobs(f, 60);
  await_snapshots(f, 1); /* before more comes, or one snapshot has it all */
  atomic_fetch_add(&f->now_ns, DAY_H * 3600 * SECOND);
  blobs(f, 60);
  await_snapshots(f, 2);
  blobs(f, 60);
  await_snapshots(f, 3);
  nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
  assert_true(told(f).segments == 0);
  fixture_free(f);
}

static void pass_by(fixture *f) {
  blobs(f, 100);
  await_snapshots(f, 1);
  atomic_fetch_add(&f->now_ns, DAY_H * 3600 * SECOND);
  blobs(f, 60);
  await_snapshots(f, 2);
  blobs(f, 60);
  await_snapshots(f, 3);
}

static ino_t inode_of(const fixture *f, const char *name) {
  char path[160];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", f->dir, name);
  assert_int_equal(stat(path, &st), 0);
  return st.st_ino;
}

static void a_cursor_is_durable_before_it_lets_a_segment_go(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  const fsm__cursor cursor = {.sink = "nats", .seq = 1000, .sent_seq = 1000, .settled_seq = 1000};
  begin(f, &a);
  assert_int_equal(fsm__cursor_save(f->dir, &cursor, false, NULL), FSM_OK);
  atomic_store(&watched_file, inode_of(f, "sinks/nats"));
  atomic_store(&watched_dir, inode_of(f, "sinks"));
  atomic_store(&file_syncs, 0);
  atomic_store(&dir_syncs, 0);
  pass_by(f);
  await_removed(f);
  assert_true(told(f).segments > 0 && !a.lazy);
  fixture_free(f);
}

/* With an archive it would be read from there. */
static void without_an_archive_what_is_parked_stays_until_it_is_given_up(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  const fsm__cursor cursor = {.sink = "nats", .seq = 1000, .sent_seq = 1000, .settled_seq = 1000};
  const fsm__parked parked = {.seq = 3, .epoch = 1, .tries = 1, .code = FSM_EDATA, .text = "no"};
  begin(f, &a);
  fsm_runtime_options options = thrifty(f, &a);
  options.archive = NULL;
  scene_reopen(f, &options);
  assert_int_equal(fsm__cursor_save(f->dir, &cursor, true, NULL), FSM_OK);
  assert_int_equal(fsm__parked_save(f->dir, "nats", &parked, 1, NULL), FSM_OK);
  pass_by(f);
  nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
  assert_int_equal(told(f).segments, 0);
  assert_int_equal(fsm__parked_save(f->dir, "nats", NULL, 0, NULL), FSM_OK);
  await_removed(f);
  assert_true(told(f).segments > 0);
  fixture_free(f);
}

static void what_an_archive_has_is_not_kept_for_being_parked(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  const fsm__cursor cursor = {.sink = "nats", .seq = 1000, .sent_seq = 1000, .settled_seq = 1000};
  const fsm__parked parked = {.seq = 3, .epoch = 1, .tries = 1, .code = FSM_EDATA, .text = "no"};
  begin(f, &a);
  assert_int_equal(fsm__cursor_save(f->dir, &cursor, true, NULL), FSM_OK);
  assert_int_equal(fsm__parked_save(f->dir, "nats", &parked, 1, NULL), FSM_OK);
  pass_by(f);
  await_removed(f);
  assert_true(told(f).segments > 0);
  fixture_free(f);
}

static void a_sink_that_comes_while_segments_go_keeps_those_that_are_left(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  begin(f, &a);
  a.dir = f->dir;
  blobs(f, 100);
  await_snapshots(f, 1);
  atomic_fetch_add(&f->now_ns, DAY_H * 3600 * SECOND);
  blobs(f, 60);
  await_snapshots(f, 2);
  blobs(f, 60);
  await_snapshots(f, 3);
  await_removed(f);
  nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
  assert_int_equal(told(f).segments, 1);
  assert_false(a.gap);
  fixture_free(f);
}

static void what_idempotency_may_have_to_answer_stays(void **state) {
  (void)state;
  fixture *f = restless_new();
  archived a;
  begin(f, &a);
  blobs(f, 60);
  await_snapshots(f, 1);
  blobs(f, 60);
  await_snapshots(f, 2);
  nanosleep(&(struct timespec){.tv_nsec = 600000000}, NULL);
  assert_true(told(f).segments == 0); /* all within a day of record time */
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(segments_go_when_two_verified_snapshots_are_behind_them),
      cmocka_unit_test(what_a_sink_has_not_acknowledged_stays),
      cmocka_unit_test(a_cursor_is_durable_before_it_lets_a_segment_go),
      cmocka_unit_test(without_an_archive_what_is_parked_stays_until_it_is_given_up),
      cmocka_unit_test(what_an_archive_has_is_not_kept_for_being_parked),
      cmocka_unit_test(a_sink_that_comes_while_segments_go_keeps_those_that_are_left),
      cmocka_unit_test(what_idempotency_may_have_to_answer_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
