/* Epochs of one journal: each segment names its own, they never go back. */
#include "tests/journal_fixture.h"

static void expect_epochs(fixture *f, const uint32_t *epochs, uint64_t count) {
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found;
  assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  for (uint64_t i = 0; i < count; i++) {
    assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
    assert_true(found);
    assert_int_equal(entry.epoch, epochs[i]);
    assert_int_equal(fsm__journal_epoch_of(f->journal, i + 1), epochs[i]);
  }
  fsm__journal_cursor_close(cursor);
}

static void records_are_of_the_epoch_of_their_segment(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_int_equal(fsm__journal_epoch(f->journal), 7);
  put(f, 2, 100);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  assert_int_equal(fsm__journal_epoch(f->journal), 8);
  assert_int_equal(fsm__journal_epoch_of(f->journal, 2), 7);
  assert_int_equal(fsm__journal_epoch_of(f->journal, 3), 8); /* to be written */
  put(f, 1, 100);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  put(f, 1, 100);
  static const uint32_t epochs[] = {7, 7, 8, 9};
  for (int again = 0; again < 3; again++) {
    expect_epochs(f, epochs, 4);
    assert_int_equal(fsm__journal_epoch_end(f->journal, 6), 0);
    assert_int_equal(fsm__journal_epoch_end(f->journal, 7), 2);
    assert_int_equal(fsm__journal_epoch_end(f->journal, 8), 3);
    assert_int_equal(fsm__journal_epoch_end(f->journal, 9), 4);
    assert_int_equal(fsm__journal_epoch_end(f->journal, 10), 4);
    again ? stop(f) : crash(f);
    f->origin.epoch = (uint32_t)again; /* what is there counts */
    assert_ok(start(f));
    assert_int_equal(fsm__journal_epoch(f->journal), 9);
  }
  put(f, 1, 100);
  assert_int_equal(fsm__journal_epoch_of(f->journal, 5), 9);
}

static void a_crash_right_after_the_new_epoch_keeps_it(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 3, 100);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  crash(f);
  assert_ok(start_above(f, 3));
  assert_int_equal(fsm__journal_epoch(f->journal), 8);
  assert_true(f->found.adopted);
  expect_records(f, 1, 3, 100);
  fsm__segment_info *list;
  size_t count;
  assert_ok(fsm__journal_segments(f->journal, &list, &count, &f->err));
  assert_true(count == 2 && list[1].last_seq < list[1].first_seq && list[1].epoch == 8);
  free(list);
}

static void a_journal_without_segments_starts_in_the_new_epoch(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  put(f, 1, 100);
  static const uint32_t epochs[] = {9};
  expect_epochs(f, epochs, 1);
  stop(f);
  assert_ok(start(f));
  expect_epochs(f, epochs, 1);
}

static void set_epoch(fixture *f, uint64_t ordinal, uint32_t epoch) {
  uint8_t block[BLOCK];
  fsm__segment_head head;
  read_bytes(f, ordinal, 0, block, BLOCK);
  assert_ok(fsm__segment_decode(block, ordinal, &head, &f->err));
  head.origin.epoch = epoch;
  fsm__segment_encode(&head, block);
  write_bytes(f, ordinal, 0, block, BLOCK);
}

static void an_epoch_that_goes_back_is_refused_by_name(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 1, 100);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  put(f, 1, 100);
  stop(f);
  set_epoch(f, 2, 6);
  expect_corrupt(f, start(f), 2, 0);
  assert_non_null(strstr(f->err.text, "epoch 6"));
  assert_non_null(strstr(f->err.text, "never goes back"));
  set_epoch(f, 2, 7);
  assert_ok(start(f));
}

static void a_mark_of_the_newest_epoch_is_a_floor(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 1, 100);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  put(f, 2, 100);
  crash(f);
  fsm__batch_head head;
  flip(f, 2, batch_at(f, 2, 1, &head) + 80, 0); /* the last batch, that nothing proves */
  fsm__journal_options options = options_of(f);
  fsm__journal_mark mark = {8, 3};
  options.marks = &mark;
  options.mark_count = 1;
  expect_corrupt(f, start_with(f, &options), 2, batch_at(f, 2, 1, &head));
  mark.epoch = 7; /* says nothing about what was written after the fork */
  assert_ok(start_with(f, &options));
  assert_int_equal(f->found.last_seq, 2);
}

static void the_last_epoch_is_said_to_be(void **state) {
  fixture *f = *state;
  f->origin.epoch = UINT32_MAX;
  assert_ok(start(f));
  put(f, 1, 100);
  assert_int_equal(fsm__journal_new_epoch(f->journal, &f->err), FSM_EQUOTA);
  put(f, 1, 100);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(records_are_of_the_epoch_of_their_segment),
      ROW(a_crash_right_after_the_new_epoch_keeps_it),
      ROW(a_journal_without_segments_starts_in_the_new_epoch),
      ROW(an_epoch_that_goes_back_is_refused_by_name),
      ROW(a_mark_of_the_newest_epoch_is_a_floor),
      ROW(the_last_epoch_is_said_to_be),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
