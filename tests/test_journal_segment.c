/* test_journal_segment.c: segments of a journal that are torn, missing, foreign or of another kind, and what
 * opening makes of them. */
#include "tests/journal_damage.h"

/* ---- segments ---- */

static void a_missing_footer_is_refused(void **state) {
  fixture *f = *state;
  two_segments(f, NULL);
  uint8_t footer[BLOCK];
  read_bytes(f, 1, SEGMENT - BLOCK, footer, BLOCK);
  zero(f, 1, SEGMENT - BLOCK, SEGMENT);
  expect_refused(f, 0, 1, SEGMENT - BLOCK);
  expect_refused(f, 12, 1, SEGMENT - BLOCK); /* whatever the floor */
  write_bytes(f, 1, SEGMENT - BLOCK, footer, BLOCK);
  flip(f, 1, SEGMENT - BLOCK + FSM__BATCH_HEAD + 3, 0);
  expect_refused(f, 0, 1, SEGMENT - BLOCK);
}

static void an_adopted_spare_is_fine(void **state) {
  fixture *f = *state;
  uint64_t sealed = two_segments(f, NULL);
  zero(f, 2, BLOCK, SEGMENT);
  assert_ok(start(f));
  assert_true(f->found.adopted);
  assert_int_equal(f->found.last_seq, sealed);
  assert_int_equal(f->found.proved_seq, sealed);
  put(f, 1, HUGE_RECORD);
  crash(f);
  assert_ok(start(f));
  assert_false(f->found.adopted);
  expect_records(f, 1, sealed + 1, HUGE_RECORD);
}

static void a_left_over_spare_is_made_anew(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 1, HUGE_RECORD);
  crash(f);
  char path[80], junk[5000];
  memset(junk, 0xa5, sizeof junk);
  snprintf(path, sizeof path, "%s/spare", f->dir);
  int fd = open(path, O_WRONLY | O_CREAT, 0600);
  for (size_t i = 0; i < SEGMENT / sizeof junk; i++)
    assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
  close(fd);
  assert_ok(start(f));
  put(f, 11, HUGE_RECORD);
  assert_int_equal(f->journal->segment_count, 2);
  uint64_t end = f->journal->at;
  crash(f);
  expect_zero(f, 2, end, SEGMENT);
  assert_ok(start(f));
  assert_int_equal(f->found.cut_bytes, 0);
  expect_records(f, 1, 12, HUGE_RECORD);
}

static void a_crash_between_footer_and_name_goes_on_in_a_new_segment(void **state) {
  fixture *f = *state;
  uint64_t sealed = two_segments(f, NULL);
  assert_int_equal(unlink(path_of(f, 2)), 0);
  assert_ok(start_read_only(f, 0));
  assert_int_equal(f->found.last_seq, sealed);
  expect_records(f, 1, sealed, HUGE_RECORD);
  stop(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, sealed);
  assert_int_equal(f->found.cut_bytes, 0);
  assert_false(fsm__journal_unproved(f->journal));
  put(f, 1, SHORT);
  assert_int_equal(f->journal->segment_count, 2);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, sealed + 1);
}

static void a_footer_proves_its_segment_also_when_nothing_follows(void **state) {
  fixture *f = *state;
  uint64_t sealed = two_segments(f, NULL), len = fsm__blocks(FSM__BATCH_HEAD + 12 + HUGE_RECORD);
  assert_int_equal(unlink(path_of(f, 2)), 0);
  flip(f, 1, BLOCK + (sealed - 1) * len + 700, 0); /* the last batch, which no other batch proves */
  expect_refused(f, 0, 1, BLOCK + (sealed - 1) * len);
}

static void a_torn_footer_is_cut_and_the_segment_goes_on(void **state) {
  fixture *f = *state;
  uint64_t sealed = two_segments(f, NULL), len = fsm__blocks(FSM__BATCH_HEAD + 12 + HUGE_RECORD);
  assert_int_equal(unlink(path_of(f, 2)), 0);
  flip(f, 1, SEGMENT - BLOCK + 70, 0);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, sealed);
  assert_int_equal(f->found.cut_offset, BLOCK + sealed * len);
  put(f, 1, SHORT);
  assert_int_equal(f->journal->segment_count, 1);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, sealed + 1);
}

static void a_damaged_segment_header_is_refused(void **state) {
  fixture *f = *state;
  two_segments(f, NULL);
  flip(f, 2, 60, 0);
  expect_refused(f, 0, 2, 0);
  flip(f, 2, 60, 0);
  uint8_t block[BLOCK];
  read_bytes(f, 2, 0, block, BLOCK);
  zero(f, 2, 0, SEGMENT); /* as if it had never been used: but it got its name after its header */
  expect_refused(f, 0, 2, 0);
  write_bytes(f, 2, 0, block, BLOCK);
  flip(f, 1, 3, 0);
  expect_refused(f, 0, 1, 0);
}

static void rewrite_head(const fixture *f, uint64_t ordinal, fsm__segment_head *head, bool write) {
  uint8_t block[BLOCK];
  fsm_error err;
  if (write) {
    fsm__segment_encode(head, block);
    write_bytes(f, ordinal, 0, block, BLOCK);
  } else {
    read_bytes(f, ordinal, 0, block, BLOCK);
    assert_ok(fsm__segment_decode(block, ordinal, head, &err));
  }
}

static void a_segment_that_does_not_follow_is_refused(void **state) {
  fixture *f = *state;
  fsm__segment_head was, head;
  two_segments(f, NULL);
  rewrite_head(f, 2, &was, false);
  for (int what = 0; what < 4; what++) {
    head = was;
    if (what == 0) head.first_seq++;
    if (what == 1) head.first_seq--;
    if (what == 2) head.first_batch = 3;
    if (what == 3) head.prev.bytes[5] ^= 1;
    rewrite_head(f, 2, &head, true);
    expect_refused(f, 0, 2, 0);
  }
  rewrite_head(f, 2, &was, true);
  assert_ok(start(f));
}

static void another_store_or_partition_is_refused(void **state) {
  fixture *f = *state;
  three_batches(f);
  fsm_origin was = f->origin;
  f->origin.store[15] ^= 1;
  expect_refused(f, 0, 1, 0);
  assert_non_null(strstr(f->err.text, "store"));
  f->origin = was;
  f->origin.partition++;
  expect_refused(f, 0, 1, 0);
  f->origin = was;
  assert_ok(start(f));
}

static void a_newer_format_is_refused_by_its_number(void **state) {
  fixture *f = *state;
  three_batches(f);
  fsm__hash before = fingerprint(f);
  write_bytes(f, 1, 8, "\x02", 1);
  assert_int_equal(start(f), FSM_EVERSION);
  assert_non_null(strstr(f->err.text, "format 2"));
  assert_non_null(strstr(f->err.text, "knows 1"));
  assert_string_equal(f->err.where, "00000000000000000001.seg:0");
  write_bytes(f, 1, 8, "\x01", 1);
  fsm__hash after = fingerprint(f);
  assert_memory_equal(&before, &after, sizeof before);
}

static void a_missing_segment_is_refused_by_its_name(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 25, HUGE_RECORD);
  assert_int_equal(f->journal->segment_count, 3);
  crash(f);
  char kept[80];
  snprintf(kept, sizeof kept, "%s/kept", f->dir);
  for (uint64_t ordinal = 1; ordinal < 3; ordinal++) {
    assert_int_equal(rename(path_of(f, ordinal), kept), 0);
    expect_refused(f, 0, ordinal, 0);
    assert_int_equal(rename(kept, path_of(f, ordinal)), 0);
  }
  assert_int_equal(rename(path_of(f, 3), kept), 0); /* the newest: only the store can know */
  expect_refused(f, 25, 2, BLOCK + 10 * fsm__blocks(FSM__BATCH_HEAD + 12 + HUGE_RECORD));
}

static void a_segment_of_another_size_is_refused(void **state) {
  fixture *f = *state;
  three_batches(f);
  assert_int_equal(truncate(path_of(f, 1), SEGMENT - 1), 0);
  expect_refused(f, 0, 1, SEGMENT - 1);
  assert_int_equal(truncate(path_of(f, 1), SEGMENT + 1), 0);
  expect_refused(f, 0, 1, SEGMENT + 1);
  assert_int_equal(truncate(path_of(f, 1), 100), 0);
  expect_refused(f, 0, 1, 0);
  assert_int_equal(truncate(path_of(f, 1), 0), 0);
  expect_refused(f, 0, 1, 0);
}

static void sealed_segments_above_the_floor_are_proved(void **state) {
  fixture *f = *state;
  uint64_t last, sealed = two_segments(f, &last), len = fsm__blocks(FSM__BATCH_HEAD + 12 + HUGE_RECORD);
  flip(f, 1, BLOCK + 2 * len + 5000, 2);
  expect_refused(f, 0, 1, BLOCK + 2 * len);
  expect_refused(f, sealed - 1, 1, BLOCK + 2 * len);
  /* Below it the store has what the batch said: it opens, and reading there says what is wrong. */
  assert_ok(start_above(f, sealed));
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found;
  assert_ok(fsm__journal_cursor_open(f->journal, 3, &cursor, &f->err));
  assert_int_equal(fsm__journal_next(cursor, &entry, &found, &f->err), FSM_ECORRUPT);
  assert_string_equal(f->err.where, fsm__place_of(1, BLOCK + 2 * len).text);
  fsm__journal_cursor_seek(cursor, 4);
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_true(found);
  fsm__journal_cursor_close(cursor);
}

static void foreign_files_are_left_alone(void **state) {
  fixture *f = *state;
  three_batches(f);
  const char *names[] = {"00000000000000000002.seg.tmp", "1.seg", "00000000000000000001.idx",
                         "x0000000000000000002.seg"};
  char path[128];
  for (size_t i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
    close(open(path, O_WRONLY | O_CREAT, 0600));
  }
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 3);
  for (size_t i = 0; i < 4; i++) assert_true(exists(f, names[i]));
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(a_missing_footer_is_refused),
      ROW(an_adopted_spare_is_fine),
      ROW(a_left_over_spare_is_made_anew),
      ROW(a_crash_between_footer_and_name_goes_on_in_a_new_segment),
      ROW(a_footer_proves_its_segment_also_when_nothing_follows),
      ROW(a_torn_footer_is_cut_and_the_segment_goes_on),
      ROW(a_damaged_segment_header_is_refused),
      ROW(a_segment_that_does_not_follow_is_refused),
      ROW(another_store_or_partition_is_refused),
      ROW(a_newer_format_is_refused_by_its_number),
      ROW(a_missing_segment_is_refused_by_its_name),
      ROW(a_segment_of_another_size_is_refused),
      ROW(sealed_segments_above_the_floor_are_proved),
      ROW(foreign_files_are_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
