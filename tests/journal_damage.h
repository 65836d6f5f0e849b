/* journal_damage.h: journals of known batches and segments, and what opening a damaged one must come to.
 *
 * A batch of one 1,000-byte record takes three blocks, of one 100-byte record one. */
#ifndef FSM_TESTS_JOURNAL_DAMAGE_H
#define FSM_TESTS_JOURNAL_DAMAGE_H

#include "journal_fixture.h"

enum { LONG = 1000, LONG_BYTES = FSM__BATCH_HEAD + 12 + LONG, SHORT = 100, HUGE_RECORD = 200 * 1024 };

/* Three batches of three blocks, the last one unproved. Gives the offset of the last. */
static inline uint64_t three_batches(fixture *f) {
  assert_ok(start(f));
  put(f, 3, LONG);
  crash(f);
  return BLOCK + 2 * 3 * BLOCK;
}

/* Two segments; gives how many records the sealed one holds. */
static inline uint64_t two_segments(fixture *f, uint64_t *last) {
  assert_ok(start(f));
  put(f, 12, HUGE_RECORD);
  assert_int_equal(f->journal->segment_count, 2);
  uint64_t sealed = f->journal->segments[1].first_seq - 1;
  if (last) *last = fsm__journal_durable_seq(f->journal);
  crash(f);
  return sealed;
}

static inline void expect_zero(const fixture *f, uint64_t ordinal, uint64_t from, uint64_t to) {
  uint8_t block[BLOCK];
  for (uint64_t at = from; at < to; at += BLOCK) {
    read_bytes(f, ordinal, at, block, BLOCK);
    assert_true(fsm__block_is_zero(block));
  }
}

/* Refused at its place, and not a byte of any file is another. */
static inline void expect_refused(fixture *f, uint64_t floor_seq, uint64_t ordinal, uint64_t at) {
  fsm__hash before = fingerprint(f);
  expect_corrupt(f, start_above(f, floor_seq), ordinal, at);
  expect_corrupt(f, start_read_only(f, floor_seq), ordinal, at);
  fsm__hash after = fingerprint(f);
  assert_memory_equal(&before, &after, sizeof before);
}

#endif
