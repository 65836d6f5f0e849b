/* test_sink_file_taken.c: files and directories that are moved, deleted, emptied or forbidden under a file
 * sink, and a full disk. */
#include <sys/wait.h>

#include "tests/sink_file_open.h"

#include "tests/scratch_disk.h"

/* ---- the files ----------------------------------------------------------------------------------- */

static void a_file_taken_away_with_the_front_of_a_batch_is_followed_by_all_of_it(void **state) {
  (void)state;
  static uint64_t seqs[2000];
  scene_ready(s);
  for (unsigned deleted = 0; deleted < 2; deleted++) {
    publish_all_of_them(3);
    if (deleted)
      assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
    else
      assert_int_equal(truncate(scene_path(s, "log-current.ndjson"), 1000), 0);
    publish_all_of_them(1);
    assert_int_equal(s->sink->flush(s->sink, &s->err), FSM_OK);
    const unsigned count = scene_seqs(s, seqs, 2000);
    assert_true(count >= 1200);
    for (unsigned i = 0; i < 1200; i++) assert_int_equal(seqs[count - 1200 + i], i % 300 + 1);
  }
}

/* ---- whoever takes files away -------------------------------------------------------------------- */

static void a_file_that_was_moved_away_is_followed_by_a_new_one(void **state) {
  (void)state;
  char to[256];
  scene_ready(s);
  scene_gives(s, 1, 10);
  snprintf(to, sizeof to, "%s/log-00000000T000000Z-taken.ndjson", s->dir);
  assert_int_equal(rename(scene_path(s, "log-current.ndjson"), to), 0);
  scene_gives(s, 11, 20);
  assert_int_equal(scene_list(s).count, 2);
  scene_holds(s, 20);
}

static void a_file_that_was_deleted_is_not_missed_and_loses_nothing_later(void **state) {
  (void)state;
  uint64_t seqs[32];
  scene_ready(s);
  scene_gives(s, 1, 10);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_gives(s, 11, 20);
  assert_int_equal(scene_seqs(s, seqs, 32), 10);
  assert_int_equal(seqs[0], 11);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_again(s);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, 20); /* taken, not lost */
}

static void one_that_was_emptied_in_place_is_gone_on_with(void **state) {
  (void)state;
  uint64_t seqs[32];
  scene_ready(s);
  scene_gives(s, 1, 10);
  assert_int_equal(truncate(scene_path(s, "log-current.ndjson"), 0), 0);
  scene_gives(s, 11, 12);
  assert_int_equal(scene_seqs(s, seqs, 32), 2);
  assert_int_equal(seqs[0], 11);
}

static void a_directory_that_is_gone_is_told_and_come_back_to(void **state) {
  (void)state;
  char aside[128];
  scene_ready(s);
  scene_gives(s, 1, 10);
  snprintf(aside, sizeof aside, "%s/aside", s->f.dir);
  assert_int_equal(rename(s->dir, aside), 0);
  assert_int_equal(scene_give(s, 11, 12), FSM_ENOTFOUND);
  assert_string_equal(s->err.where, s->dir);
  assert_int_equal(scene_prepare(s), FSM_ENOTFOUND); /* not made anew: it may be mounted again */
  assert_int_equal(rename(aside, s->dir), 0);
  scene_ready(s);
  scene_gives(s, 11, 12);
  scene_holds(s, 12);
}

static void a_directory_that_may_not_be_written_is_told(void **state) {
  (void)state;
  scene_ready(s);
  scene_gives(s, 1, 10);
  s->sink->free(s->sink);
  assert_int_equal(chmod(s->dir, 0500), 0);
  s->sink = scene_sink(s);
  pid_t pid = fork(); /* root may write anywhere */
  if (pid == 0) {
    bool good = geteuid() != 0 || (chown(s->f.dir, 1234, 1234) == 0 && chown(s->dir, 1234, 1234) == 0 &&
                                   setgid(1234) == 0 && setuid(1234) == 0);
    _exit(good && scene_prepare(s) == FSM_EPERMISSION ? 0 : 1);
  }
  int status = 1;
  waitpid(pid, &status, 0);
  assert_int_equal(chmod(s->dir, 0700), 0);
  assert_int_equal(status, 0);
}

static void what_is_no_file_under_its_name_is_refused(void **state) {
  (void)state;
  char link_to[128];
  scene_ready(s);
  snprintf(link_to, sizeof link_to, "%s/elsewhere", s->f.dir);
  assert_int_equal(symlink(link_to, scene_path(s, "log-current.ndjson")), 0);
  assert_int_equal(scene_prepare(s), FSM_EPERMISSION);
  assert_int_equal(scene_give(s, 1, 2), FSM_EPERMISSION);
  assert_int_not_equal(access(link_to, F_OK), 0);
  assert_int_equal(unlink(scene_path(s, "log-current.ndjson")), 0);
  scene_ready(s);
  scene_gives(s, 1, 2);
}

/* ---- a full disk --------------------------------------------------------------------------------- */

static void on_a_full_disk_it_waits_and_nothing_is_lost_or_torn(void **state) {
  (void)state;
  scene_ready(s);
  s->sink->free(s->sink);
  if (!disk_mount(s->dir, 1 << 20)) {
    s->sink = scene_sink(s);
    skip();
  }
  s->sink = scene_sink(s);
  scene_ready(s);
  scene_gives(s, 1, 50);
  disk_leave(s->dir, 0);
  fsm_code code = FSM_OK;
  uint64_t seq = 51;
  for (; seq <= 200 && code == FSM_OK; seq += code == FSM_OK) code = scene_give(s, seq, seq);
  assert_int_equal(code, FSM_EFULL);
  assert_int_equal(scene_give(s, seq, 300), FSM_EFULL);
  scene_ready(s);
  assert_int_equal(s->cursor.seq, seq - 1);
  assert_int_equal(scene_give(s, seq, 300), FSM_EFULL);
  scene_holds(s, seq - 1); /* no torn end either */
  disk_drop_ballast(s->dir);
  scene_ready(s);
  scene_gives(s, seq, 300);
  scene_holds(s, 300);
  disk_unmount(s->dir);
}

int main(void) {
  const bool own_disks = disk_space_of_our_own();
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(a_file_taken_away_with_the_front_of_a_batch_is_followed_by_all_of_it),
      T(a_file_that_was_moved_away_is_followed_by_a_new_one),
      T(a_file_that_was_deleted_is_not_missed_and_loses_nothing_later),
      T(one_that_was_emptied_in_place_is_gone_on_with),
      T(a_directory_that_is_gone_is_told_and_come_back_to),
      T(a_directory_that_may_not_be_written_is_told),
      T(what_is_no_file_under_its_name_is_refused),
      T(on_a_full_disk_it_waits_and_nothing_is_lost_or_torn),
  };
  if (!own_disks) print_message("no mount namespace: the test of a full disk is skipped\n");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
