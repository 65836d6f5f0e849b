/* Pruning whole segments, the floor that it leaves, and a kill before each system call of it.
 *
 * unlinkat, renameat, fsync and pwrite are counted here and can end the process before they happen. */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/filled_journal.h"
#include "tests/journal_fixture.h"

/* ---- a kill before a system call ---------------------------------------------------------------- */

enum { KILLED = 77, FREE = -1 };
static _Thread_local int calls_left = FREE;
static _Thread_local int calls_made;

static void call(void) {
  calls_made++;
  if (calls_left == FREE) return;
  if (calls_left-- == 0) _exit(KILLED);
}

int unlinkat(int dir_fd, const char *name, int flags) {
  call();
  return (int)syscall(SYS_unlinkat, dir_fd, name, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  call();
  return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int fsync(int fd) {
  call();
  return (int)syscall(SYS_fsync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  call();
  return syscall(SYS_pwrite64, fd, data, len, at);
}

/* ---- a journal of some segments ----------------------------------------------------------------- */

enum { LARGE = FSM_RECORD_BYTES_MAX };

/* Seven of the largest records fill a segment: 1..7, 8..14, … */
static void segments(fixture *f, unsigned sealed) {
  assert_ok(start(f));
  put(f, sealed * 7 + 1, LARGE);
  fsm__journal_stats stats;
  fsm__journal_stats_get(f->journal, &stats);
  assert_int_equal(stats.rotations, sealed);
}

static fsm_code prune(fixture *f, uint64_t keep, fsm__prune_report *report) {
  return fsm__journal_prune(f->journal, keep, NULL, NULL, report, &f->err);
}

static void expect_archived(fixture *f, uint64_t seq) {
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found;
  assert_ok(fsm__journal_cursor_open(f->journal, seq, &cursor, &f->err));
  assert_int_equal(fsm__journal_next(cursor, &entry, &found, &f->err), FSM_ENOTFOUND);
  assert_non_null(strstr(f->err.text, "archived: records before seq "));
  fsm__journal_cursor_close(cursor);
}

static void expect_chain(fixture *f, uint64_t records) {
  fsm__journal_check check;
  fsm_code code = fsm__journal_verify(f->journal, &check, &f->err);
  (void)records; /* these are no records that verify could read */
  assert_int_equal(code, FSM_EVERIFY);
  assert_non_null(strstr(f->err.where, "seq "));
}

static void whole_segments_below_go_and_the_rest_opens_again(void **state) {
  fixture *f = *state;
  segments(f, 3);
  assert_int_equal(fsm__journal_first_seq(f->journal), 1);
  fsm__prune_report report;
  assert_ok(prune(f, 7, &report)); /* 7 is in the first segment */
  assert_int_equal(report.segments, 0);
  assert_true(exists(f, "00000000000000000001.seg"));
  assert_false(exists(f, "floor"));
  assert_ok(prune(f, 8, &report));
  assert_int_equal(report.segments, 1);
  assert_int_equal(report.bytes, SEGMENT);
  assert_int_equal(report.first_seq, 8);
  assert_false(exists(f, "00000000000000000001.seg"));
  assert_ok(prune(f, UINT64_MAX, &report)); /* all but the newest */
  assert_int_equal(report.segments, 2);
  assert_int_equal(fsm__journal_first_seq(f->journal), 22);
  expect_archived(f, 21);
  expect_records(f, 22, 22, LARGE);
  put(f, 3, LARGE);
  stop(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 25);
  assert_int_equal(fsm__journal_first_seq(f->journal), 22);
  expect_archived(f, 1);
  expect_records(f, 22, 25, LARGE);
  put(f, 8, LARGE); /* ordinals, batch numbers and the chain go on */
  expect_records(f, 22, 33, LARGE);
  expect_chain(f, 12);
  crash(f);
  assert_ok(start_read_only(f, 0));
  expect_records(f, 22, 33, LARGE);
}

static void a_reader_in_a_segment_that_goes_is_told_and_not_misled(void **state) {
  fixture *f = *state;
  segments(f, 2);
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  fsm__prune_report report;
  bool found;
  assert_ok(fsm__journal_cursor_open(f->journal, 3, &cursor, &f->err));
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_ok(prune(f, 8, &report));
  assert_int_equal(fsm__journal_next(cursor, &entry, &found, &f->err), FSM_ENOTFOUND);
  assert_false(found);
  fsm__journal_cursor_seek(cursor, 8);
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_true(found && entry.seq == 8);
  fsm__journal_cursor_close(cursor);
}

static void while_pinned_nothing_goes(void **state) {
  fixture *f = *state;
  segments(f, 2);
  fsm__prune_report report;
  fsm__journal_pin(f->journal);
  fsm__journal_pin(f->journal);
  assert_int_equal(prune(f, 8, &report), FSM_EBUSY);
  fsm__journal_unpin(f->journal);
  assert_int_equal(prune(f, 8, &report), FSM_EBUSY);
  assert_int_equal(report.segments, 0);
  expect_records(f, 1, 15, LARGE);
  fsm__journal_unpin(f->journal);
  assert_ok(prune(f, 8, &report));
  assert_int_equal(report.segments, 1);
}

/* ---- the archive hook --------------------------------------------------------------------------- */

typedef struct archive {
  uint64_t ordinals[8];
  unsigned count, fail_at; /* 0 = never */
} archive;

static fsm_code take(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                     fsm_error *err) {
  archive *a = arg;
  struct stat st;
  char want[FSM_SEGMENT_NAME_BYTES];
  fsm__segment_name(segment->ordinal, want);
  assert_string_equal(name, want);
  assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
  assert_true(segment->sealed && segment->bytes == (uint64_t)st.st_size);
  assert_int_equal(segment->last_seq, segment->first_seq + 6);
  a->ordinals[a->count++] = segment->ordinal;
  if (a->count == a->fail_at) return fsm_fail(err, FSM_EUNREACHABLE, "tape", "the archive is away");
  return FSM_OK;
}

static void a_failing_archive_stops_it_and_nothing_is_lost(void **state) {
  fixture *f = *state;
  segments(f, 3);
  fsm__prune_report report;
  archive a = {.fail_at = 2};
  assert_int_equal(fsm__journal_prune(f->journal, 22, take, &a, &report, &f->err), FSM_EUNREACHABLE);
  assert_string_equal(f->err.text, "the archive is away");
  assert_int_equal(report.segments, 1);
  assert_int_equal(report.first_seq, 8);
  expect_records(f, 8, 22, LARGE);
  crash(f);
  assert_ok(start(f));
  expect_records(f, 8, 22, LARGE);
  a = (archive){.count = 0};
  assert_ok(fsm__journal_prune(f->journal, 22, take, &a, &report, &f->err));
  assert_true(a.count == 2 && a.ordinals[0] == 2 && a.ordinals[1] == 3);
}

/* ---- killed anywhere ---------------------------------------------------------------------------- */

/* Prunes two segments in a process that dies before call n; true: it did not come to that. */
static bool prune_killed_before(fixture *f, int n) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    fsm__prune_report report;
    if (start(f) != FSM_OK) _exit(1);
    calls_left = n;
    fsm_code code = prune(f, 15, &report);
    _exit(code == FSM_OK ? 0 : 2);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  int exit = WEXITSTATUS(status);
  assert_true(exit == 0 || exit == KILLED);
  return exit == 0;
}

static void a_kill_before_any_call_leaves_a_journal_that_opens(void **state) {
  fixture *f = *state;
  bool done = false;
  int n = 0;
  for (; !done; n++) {
    remove_files(f->dir);
    segments(f, 2);
    stop(f);
    done = prune_killed_before(f, n);
    assert_ok(start_read_only(f, 15));
    uint64_t first = fsm__journal_first_seq(f->journal);
    assert_true(first == 1 || first == 8 || first == 15);
    expect_records(f, first, 15, LARGE);
    crash(f);
    assert_ok(start_above(f, 15));
    assert_int_equal(fsm__journal_first_seq(f->journal), first);
    expect_records(f, first, 15, LARGE);
    fsm__prune_report report;
    assert_ok(prune(f, 15, &report)); /* it goes on where it was */
    expect_records(f, 15, 15, LARGE);
    assert_false(exists(f, "00000000000000000001.seg") || exists(f, "00000000000000000002.seg"));
    crash(f);
  }
  assert_true(n > 12); /* two segments: tmp, fsync, rename, fsync, unlink, unlink each; and one fsync */
}

/* ---- the floor ---------------------------------------------------------------------------------- */

static void pruned_one(fixture *f) {
  segments(f, 3);
  fsm__prune_report report;
  assert_ok(prune(f, 8, &report));
  stop(f);
}

static void remove_file(const fixture *f, const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", f->dir, name);
  assert_int_equal(unlink(path), 0);
}

static void a_first_segment_that_was_not_pruned_is_missed(void **state) {
  fixture *f = *state;
  pruned_one(f);
  remove_file(f, "00000000000000000002.seg");
  expect_corrupt(f, start(f), 2, 0);
  assert_non_null(strstr(f->err.text, "missing"));
}

static void without_its_floor_a_pruned_journal_is_refused(void **state) {
  fixture *f = *state;
  pruned_one(f);
  remove_file(f, "floor");
  expect_corrupt(f, start(f), 1, 0);
}

static void a_segment_missing_in_the_middle_is_refused(void **state) {
  fixture *f = *state;
  pruned_one(f);
  remove_file(f, "00000000000000000003.seg");
  expect_corrupt(f, start(f), 3, 0);
}

static void rewrite_floor(fixture *f, const fsm__journal_floor *floor) {
  int dir = open(f->dir, O_RDONLY | O_DIRECTORY);
  assert_ok(fsm__floor_write(dir, floor, &f->err));
  close(dir);
}

static fsm__journal_floor read_floor(fixture *f) {
  fsm__journal_floor floor;
  bool there;
  int dir = open(f->dir, O_RDONLY | O_DIRECTORY);
  assert_ok(fsm__floor_read(dir, &floor, &there, &f->err));
  assert_true(there);
  close(dir);
  return floor;
}

static void a_floor_that_its_segment_does_not_follow_is_refused(void **state) {
  fixture *f = *state;
  pruned_one(f);
  fsm__journal_floor was = read_floor(f);
  for (int what = 0; what < 4; what++) {
    fsm__journal_floor floor = was;
    if (what == 0) floor.first_seq++;
    if (what == 1) floor.prev.bytes[31] ^= 1;
    if (what == 2) floor.first_batch += 100;
    if (what == 3) floor.origin.epoch = 8;
    rewrite_floor(f, &floor);
    expect_corrupt(f, start(f), 2, 0);
  }
  was.origin.store[0] ^= 1;
  rewrite_floor(f, &was);
  assert_int_equal(start(f), FSM_ECORRUPT);
  assert_string_equal(f->err.where, "floor");
}

static void any_damage_of_the_floor_is_refused_by_its_name(void **state) {
  fixture *f = *state;
  uint8_t data[FSM_FLOOR_BYTES + 1] = {0};
  fsm__journal_floor floor = {f->origin, 9, 1000, 77, {{1, 2, 3}}}, back;
  fsm__floor_encode(&floor, data);
  assert_ok(fsm__floor_decode(data, FSM_FLOOR_BYTES, &back, &f->err));
  assert_memory_equal(&back, &floor, sizeof back);
  for (unsigned bit = 0; bit < FSM_FLOOR_BYTES * 8; bit++) {
    data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    fsm_code code = fsm__floor_decode(data, FSM_FLOOR_BYTES, &back, &f->err);
    assert_true(code == FSM_ECORRUPT || (code == FSM_EVERSION && bit / 8 >= 8 && bit / 8 < 12));
    assert_string_equal(f->err.where, "floor");
    data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_int_equal(fsm__floor_decode(data, FSM_FLOOR_BYTES - 1, &back, &f->err), FSM_ECORRUPT);
  assert_int_equal(fsm__floor_decode(data, FSM_FLOOR_BYTES + 1, &back, &f->err), FSM_ECORRUPT);
}

/* What a restore does that has only a snapshot: the journal goes on where that ends. */
static void a_floor_alone_says_where_a_new_journal_starts(void **state) {
  fixture *f = *state;
  fsm__journal_floor floor = {f->origin, 9, 1000, 77, {{1, 2, 3}}};
  rewrite_floor(f, &floor);
  assert_ok(start_above(f, 999));
  assert_int_equal(fsm__journal_next_seq(f->journal), 1000);
  fsm__hash head = fsm__journal_head(f->journal);
  assert_memory_equal(&head, &floor.prev, sizeof head);
  put(f, 3, 100);
  stop(f);
  assert_true(exists(f, "00000000000000000009.seg"));
  assert_ok(start(f));
  expect_records(f, 1000, 1002, 100);
}

/* ---- the list ----------------------------------------------------------------------------------- */

static void the_list_tells_of_each_segment(void **state) {
  (void)state;
  filled_journal f;
  fsm__segment_info *list;
  size_t count;
  fsm_error err;
  static char text[200000];
  memset(text, 'x', sizeof text - 1);
  assert_true(filled_journal_new(&f, 9));
  assert_ok(fsm__journal_segments(f.journal, &list, &count, &err));
  assert_int_equal(count, 0);
  free(list);
  assert_true(filled_journal_add(&f, 40, text));
  for (int again = 0; again < 2; again++) {
    assert_ok(fsm__journal_segments(f.journal, &list, &count, &err));
    assert_true(count > 2);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal(list[i].ordinal, i + 1);
      assert_int_equal(list[i].bytes, SEGMENT);
      assert_int_equal(list[i].epoch, 1);
      assert_true(list[i].sealed == (i + 1 < count));
      assert_int_equal(list[i].first_seq, i ? list[i - 1].last_seq + 1 : 1);
      assert_int_equal(list[i].last_time_ns,
                       INT64_C(1700000000123456789) + (int64_t)list[i].last_seq * 1000000);
    }
    assert_int_equal(list[count - 1].last_seq, 40);
    free(list);
  }
  fsm__journal_check check, after;
  assert_ok(fsm__journal_verify(f.journal, &check, &err));
  assert_int_equal(check.records, 40);
  fsm__prune_report report;
  assert_ok(fsm__journal_prune(f.journal, 40, NULL, NULL, &report, &err));
  assert_true(report.segments > 0 && report.first_seq > 1);
  assert_ok(fsm__journal_verify(f.journal, &after, &err)); /* from the floor on */
  assert_int_equal(after.records, 41 - report.first_seq);
  assert_memory_equal(&after.head, &check.head, sizeof check.head);
  filled_journal_free(&f);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(whole_segments_below_go_and_the_rest_opens_again),
      ROW(a_reader_in_a_segment_that_goes_is_told_and_not_misled),
      ROW(while_pinned_nothing_goes),
      ROW(a_failing_archive_stops_it_and_nothing_is_lost),
      ROW(a_kill_before_any_call_leaves_a_journal_that_opens),
      ROW(a_first_segment_that_was_not_pruned_is_missed),
      ROW(without_its_floor_a_pruned_journal_is_refused),
      ROW(a_segment_missing_in_the_middle_is_refused),
      ROW(a_floor_that_its_segment_does_not_follow_is_refused),
      ROW(any_damage_of_the_floor_is_refused_by_its_name),
      ROW(a_floor_alone_says_where_a_new_journal_starts),
      cmocka_unit_test(the_list_tells_of_each_segment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
