/* test_journal_recovery.c: damage to batches as a crash, a disk or a person leaves it, and what opening makes
 * of it: each rule of DESIGN 5 has its case. Segments: test_journal_segment.c. */
#include "tests/journal_damage.h"

/* Opens, has cut the tail at this place, holds records 1..last, and goes on. */
static void expect_cut(fixture *f, uint64_t last, uint64_t at, size_t len) {
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, last);
  assert_true(f->found.cut_bytes > 0);
  assert_int_equal(f->found.cut_offset, at);
  assert_string_equal(f->found.cut_file, "00000000000000000001.seg");
  expect_zero(f, 1, at, SEGMENT);
  expect_records(f, 1, last, len);
  put(f, 2, len);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.cut_bytes, 0);
  expect_records(f, 1, last + 2, len);
  crash(f);
}

/* ---- the torn tail ---- */

static void a_clean_end_is_left_as_it_is(void **state) {
  fixture *f = *state;
  three_batches(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 3);
  assert_int_equal(f->found.cut_bytes, 0);
  assert_string_equal(f->found.cut_file, "");
  assert_false(f->found.adopted);
}

static void a_torn_tail_is_cut_wherever_it_broke(void **state) {
  fixture *f = *state;
  const uint64_t broke[] = {1, 63, 64, 300, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, LONG_BYTES - 1};
  for (size_t i = 0; i < sizeof broke / sizeof *broke; i++) {
    uint64_t at = three_batches(f);
    zero(f, 1, at + broke[i], at + 3 * BLOCK);
    expect_cut(f, 2, at, LONG);
    remove_files(f->dir);
  }
}

/* The disk writes the blocks of one write in any order. */
static void a_batch_counts_only_when_all_its_blocks_arrived(void **state) {
  fixture *f = *state;
  for (unsigned arrived = 0; arrived < 8; arrived++) {
    uint64_t at = three_batches(f);
    for (unsigned block = 0; block < 3; block++)
      if (!(arrived >> block & 1)) zero(f, 1, at + block * BLOCK, at + (block + 1) * BLOCK);
    if (arrived == 7 || !arrived) {
      assert_ok(start(f));
      assert_int_equal(f->found.last_seq, arrived ? 3 : 2);
      assert_int_equal(f->found.cut_bytes, 0);
      crash(f);
    } else {
      expect_cut(f, 2, at, LONG);
    }
    remove_files(f->dir);
  }
}

static void a_flipped_bit_in_the_unproved_batch_is_a_torn_tail(void **state) {
  fixture *f = *state;
  const uint64_t offsets[] = {0, 9, 17, 25, 33, 37, 41, 45, 50, 61, 64, 70, 500, LONG_BYTES - 1};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    uint64_t at = three_batches(f);
    flip(f, 1, at + offsets[i], i % 8);
    expect_cut(f, 2, at, LONG);
    remove_files(f->dir);
  }
}

static void a_cut_batch_number_is_never_used_again(void **state) {
  fixture *f = *state;
  fsm__batch_head torn, next;
  uint64_t at = three_batches(f);
  assert_int_equal(batch_at(f, 1, 2, &torn), at);
  flip(f, 1, at + 100, 0);
  assert_ok(start(f));
  put(f, 1, LONG);
  crash(f);
  assert_int_equal(batch_at(f, 1, 2, &next), at);
  assert_true(next.number > torn.number);
  assert_ok(start(f)); /* and the gap is no damage */
  assert_int_equal(f->found.last_seq, 3);
}

/* ---- what is proved ---- */

static void a_flipped_bit_in_an_answered_batch_is_refused(void **state) {
  fixture *f = *state;
  three_batches(f);
  for (uint64_t batch = 0; batch < 2; batch++)
    for (uint64_t offset = 3; offset < LONG_BYTES; offset += 13) {
      uint64_t at = BLOCK + batch * 3 * BLOCK;
      flip(f, 1, at + offset, offset % 8);
      expect_refused(f, 0, 1, at);
      flip(f, 1, at + offset, offset % 8);
    }
  assert_ok(start(f));
}

static void a_hole_in_front_of_a_proof_is_refused(void **state) {
  fixture *f = *state;
  three_batches(f);
  zero(f, 1, BLOCK + 3 * BLOCK, BLOCK + 6 * BLOCK);
  expect_refused(f, 0, 1, BLOCK + 3 * BLOCK);
}

static void a_confirm_proves_the_last_batch(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 2, SHORT);
  stop(f);
  flip(f, 1, 2 * BLOCK + 90, 3);
  expect_refused(f, 0, 1, 2 * BLOCK);
}

static void a_damaged_confirm_loses_no_record(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 2, SHORT);
  stop(f);
  flip(f, 1, 3 * BLOCK + 8, 3);
  expect_cut(f, 2, 3 * BLOCK, SHORT);
}

static void damage_at_or_below_the_floor_is_refused(void **state) {
  fixture *f = *state;
  uint64_t at = three_batches(f);
  flip(f, 1, at + 100, 1);
  expect_refused(f, 3, 1, at);
  assert_non_null(strstr(f->err.text, "seq 3 is damaged"));
  expect_refused(f, 4, 1, at);
  assert_non_null(strstr(f->err.text, "seq 3 is damaged"));
  fsm_code code = start_above(f, 2); /* the damage is above */
  assert_ok(code);
  assert_int_equal(f->found.last_seq, 2);
}

static void a_store_ahead_of_the_journal_is_refused(void **state) {
  fixture *f = *state;
  uint64_t at = three_batches(f);
  expect_refused(f, 4, 1, at + 3 * BLOCK);
  assert_non_null(strstr(f->err.text, "ahead"));
  assert_non_null(strstr(f->err.text, "seq 4"));
  assert_non_null(strstr(f->err.text, "ends with 3"));
  assert_ok(start_above(f, 3));
}

static void a_store_ahead_of_a_journal_that_is_gone_is_refused(void **state) {
  fixture *f = *state;
  expect_refused(f, 1, 1, 0);
  assert_false(exists(f, "00000000000000000001.seg"));
}

/* ---- the unproved tail ---- */

static time_t modified(const fixture *f, uint64_t ordinal) {
  struct stat st;
  assert_int_equal(stat(path_of(f, ordinal), &st), 0);
  return st.st_mtime;
}

static void make_old(const fixture *f, uint64_t ordinal) {
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  assert_int_equal(utimensat(AT_FDCWD, path_of(f, ordinal), old, 0), 0);
}

static void the_unproved_tail_is_written_again_and_reported(void **state) {
  fixture *f = *state;
  three_batches(f);
  for (int again = 0; again < 2; again++) {
    make_old(f, 1);
    fsm__hash before = fingerprint(f);
    assert_ok(start(f));
    assert_int_equal(f->found.proved_seq, 2);
    assert_int_equal(f->found.rewritten, 1);
    assert_true(modified(f, 1) > 1000);
    assert_true(fsm__journal_unproved(f->journal));
    crash(f);
    fsm__hash after = fingerprint(f);
    assert_memory_equal(&before, &after, sizeof before);
  }
}

static void reading_only_decides_the_same_and_writes_nothing(void **state) {
  fixture *f = *state;
  uint64_t at = three_batches(f);
  flip(f, 1, at + 100, 1);
  make_old(f, 1);
  fsm__hash before = fingerprint(f);
  assert_ok(start_read_only(f, 0));
  assert_int_equal(f->found.last_seq, 2);
  assert_int_equal(f->found.rewritten, 0);
  assert_int_equal(f->found.cut_offset, at);
  expect_records(f, 1, 2, LONG);
  stop(f);
  fsm__hash after = fingerprint(f);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(modified(f, 1), 1000);
  assert_false(exists(f, "spare"));
}

/* ---- stale batches ---- */

static void a_batch_behind_the_end_is_not_resurrected(void **state) {
  fixture *f = *state;
  uint64_t end = three_batches(f) + 3 * BLOCK;
  fsm__batch_head last, next;
  batch_at(f, 1, 2, &last);
  plant_batch(f, 1, end + BLOCK, last.number + 5, last.number, 4, SHORT);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 3);
  assert_int_equal(f->found.cut_offset, end);
  expect_zero(f, 1, end, SEGMENT);
  put(f, 1, LONG);
  crash(f);
  batch_at(f, 1, 3, &next);
  assert_true(next.number > last.number + 5);
}

static void an_old_number_right_at_the_end_is_not_taken(void **state) {
  fixture *f = *state;
  uint64_t end = three_batches(f) + 3 * BLOCK;
  fsm__batch_head last;
  batch_at(f, 1, 2, &last);
  plant_batch(f, 1, end, last.number, last.number - 1, 4, LONG);
  expect_cut(f, 3, end, LONG);
}

static void another_seq_right_at_the_end_is_not_taken(void **state) {
  fixture *f = *state;
  uint64_t end = three_batches(f) + 3 * BLOCK;
  fsm__batch_head last;
  batch_at(f, 1, 2, &last);
  plant_batch(f, 1, end, last.number + 1, last.number, 5, LONG);
  expect_cut(f, 3, end, LONG);
}

static void a_batch_of_another_segment_is_not_taken(void **state) {
  fixture *f = *state;
  uint64_t sealed = two_segments(f, NULL), len = fsm__blocks(FSM__BATCH_HEAD + 12 + HUGE_RECORD);
  fsm__batch_head head;
  uint64_t at = batch_at(f, 2, 0, &head);
  uint8_t *batch = malloc(len);
  read_bytes(f, 2, at, batch, len);
  zero(f, 1, BLOCK + (sealed - 1) * len, SEGMENT);           /* as if segment 1 were the newest, */
  write_bytes(f, 1, BLOCK + (sealed - 1) * len, batch, len); /* and 2's first batch the next in it */
  assert_int_equal(unlink(path_of(f, 2)), 0);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, sealed - 1);
  assert_int_equal(f->found.cut_offset, BLOCK + (sealed - 1) * len);
  free(batch);
}

static void a_later_batch_that_was_told_of_the_missing_one_is_a_proof(void **state) {
  fixture *f = *state;
  uint64_t end = three_batches(f) + 3 * BLOCK;
  fsm__batch_head last;
  batch_at(f, 1, 2, &last);
  plant_batch(f, 1, SEGMENT - 4 * BLOCK, last.number + 2, last.number + 1, 5, SHORT);
  expect_refused(f, 0, 1, end);
}

/* ---- whatever happens ---- */

static uint32_t next_random(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

static void damage_once(const fixture *f, unsigned kind, uint64_t used, uint32_t *seed) {
  uint64_t at = next_random(seed) % used;
  uint8_t junk[BLOCK];
  switch (kind) {
    case 0: flip(f, 1, at, next_random(seed) % 8); break;
    case 1:
      for (size_t i = 0; i < BLOCK; i++) junk[i] = (uint8_t)next_random(seed);
      write_bytes(f, 1, at / BLOCK * BLOCK, junk, BLOCK);
      break;
    case 2: zero(f, 1, at, SEGMENT); break;
    default: assert_int_equal(truncate(path_of(f, 1), (off_t)at), 0);
  }
}

/* One damage, anywhere: a refusal, or all that was proved and nothing invented. */
static void any_damage_gives_a_refusal_or_a_prefix_with_all_that_was_proved(void **state) {
  fixture *f = *state;
  enum { RECORDS = 40, TRIALS = 300 };
  assert_ok(start(f));
  put(f, RECORDS, ANY_LENGTH);
  uint64_t used = f->journal->at;
  crash(f);
  uint8_t *whole = malloc(SEGMENT);
  read_bytes(f, 1, 0, whole, SEGMENT);
  uint32_t seed = 20250607;
  unsigned refused = 0, opened = 0;
  for (unsigned trial = 0; trial < TRIALS; trial++) {
    assert_int_equal(truncate(path_of(f, 1), SEGMENT), 0);
    write_bytes(f, 1, 0, whole, SEGMENT);
    unsigned kind = trial % 4;
    damage_once(f, kind, used + BLOCK, &seed);
    /* Where the end is zeroed the proofs go with it: there the store is the witness. */
    uint64_t floor_seq = kind == 2 ? RECORDS - 1 : 0;
    fsm_code code = trial / 4 % 2 ? start_read_only(f, floor_seq) : start_above(f, floor_seq);
    if (code) {
      assert_true(code == FSM_ECORRUPT || code == FSM_EVERSION);
      refused++;
      continue;
    }
    opened++;
    assert_in_range(f->found.last_seq, RECORDS - 1, RECORDS);
    expect_records(f, 1, f->found.last_seq, ANY_LENGTH);
    crash(f);
  }
  assert_true(refused > TRIALS / 4 && opened > 3);
  free(whole);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(a_clean_end_is_left_as_it_is),
      ROW(a_torn_tail_is_cut_wherever_it_broke),
      ROW(a_batch_counts_only_when_all_its_blocks_arrived),
      ROW(a_flipped_bit_in_the_unproved_batch_is_a_torn_tail),
      ROW(a_cut_batch_number_is_never_used_again),
      ROW(a_flipped_bit_in_an_answered_batch_is_refused),
      ROW(a_hole_in_front_of_a_proof_is_refused),
      ROW(a_confirm_proves_the_last_batch),
      ROW(a_damaged_confirm_loses_no_record),
      ROW(damage_at_or_below_the_floor_is_refused),
      ROW(a_store_ahead_of_the_journal_is_refused),
      ROW(a_store_ahead_of_a_journal_that_is_gone_is_refused),
      ROW(the_unproved_tail_is_written_again_and_reported),
      ROW(reading_only_decides_the_same_and_writes_nothing),
      ROW(a_batch_behind_the_end_is_not_resurrected),
      ROW(an_old_number_right_at_the_end_is_not_taken),
      ROW(another_seq_right_at_the_end_is_not_taken),
      ROW(a_batch_of_another_segment_is_not_taken),
      ROW(a_later_batch_that_was_told_of_the_missing_one_is_a_proof),
      ROW(any_damage_gives_a_refusal_or_a_prefix_with_all_that_was_proved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
