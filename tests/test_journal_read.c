/* test_journal_read.c: cursors, in order and at random, beside the writer and over rotations; and
 * verify, down to a record that was altered together with its checksum.
 */
#include <pthread.h>

#include "journal_fixture.h"

static uint32_t next_random(uint32_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 17;
  *seed ^= *seed << 5;
  return *seed;
}

static void expect_entry(fixture *f, fsm__journal_cursor *cursor, uint64_t seq) {
  fsm__journal_entry entry;
  bool found;
  uint8_t wanted[LENGTH_MAX];
  fsm_code code = fsm__journal_next(cursor, &entry, &found, &f->err);
  if (code) print_message("seq %llu: %s %s\n", (unsigned long long)seq, f->err.where, f->err.text);
  assert_ok(code);
  assert_true(found);
  assert_int_equal(entry.seq, seq);
  size_t len = record_of(seq, ANY_LENGTH, wanted);
  assert_int_equal(entry.record.len, len);
  assert_memory_equal(entry.record.data, wanted, len);
}

/* Records of all lengths in frames and batches of all sizes. */
static void fill(fixture *f, uint64_t last, uint32_t *seed) {
  while (fsm__journal_next_seq(f->journal) <= last) {
    unsigned frames = 1 + next_random(seed) % (next_random(seed) % 8 ? 4 : 100);
    for (unsigned i = 0; i < frames; i++) assert_ok(append(f, 1 + next_random(seed) % 3, ANY_LENGTH));
    assert_ok(fsm__journal_commit(f->journal, &f->err));
    if (next_random(seed) % 16 == 0) assert_ok(fsm__journal_confirm(f->journal, &f->err));
  }
}

/* ---- cursors ---- */

static void records_come_in_order_over_many_segments(void **state) {
  fixture *f = *state;
  uint32_t seed = 1;
  assert_ok(start(f));
  fill(f, 6000, &seed);
  assert_true(f->journal->segment_count > 4);
  uint64_t last = fsm__journal_durable_seq(f->journal);
  expect_records(f, 1, last, ANY_LENGTH);
  stop(f);
  assert_ok(start_read_only(f, 0));
  expect_records(f, 1, last, ANY_LENGTH);
}

static void a_seek_finds_any_record(void **state) {
  fixture *f = *state;
  uint32_t seed = 2;
  assert_ok(start(f));
  fill(f, 6000, &seed);
  uint64_t last = fsm__journal_durable_seq(f->journal);
  for (int restarted = 0; restarted < 2; restarted++) {
    fsm__journal_cursor *cursor;
    assert_ok(fsm__journal_cursor_open(f->journal, last, &cursor, &f->err));
    expect_entry(f, cursor, last);
    for (int i = 0; i < 3000; i++) {
      uint64_t seq = 1 + next_random(&seed) % last;
      fsm__journal_cursor_seek(cursor, seq);
      for (uint64_t on = 0; on < 3 && seq + on <= last; on++) expect_entry(f, cursor, seq + on);
    }
    fsm__journal_cursor_close(cursor);
    stop(f);
    assert_ok(start(f)); /* and with indexes that must be built */
  }
}

static void a_history_is_walked_backwards(void **state) {
  fixture *f = *state;
  uint32_t seed = 3;
  assert_ok(start(f));
  fill(f, 3000, &seed);
  fsm__journal_cursor *cursor;
  assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  for (uint64_t seq = fsm__journal_durable_seq(f->journal); seq; seq--) {
    fsm__journal_cursor_seek(cursor, seq);
    expect_entry(f, cursor, seq);
  }
  fsm__journal_cursor_close(cursor);
}

/* More sealed segments than indexes are kept for. */
static void indexes_are_built_and_dropped(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  f->journal->segment_bytes = FSM_SEGMENT_BYTES_MIN;
  while (f->journal->segment_count < FSM__INDEXES_KEPT + 4) {
    for (int i = 0; i < 250; i++) assert_ok(append(f, 1, ANY_LENGTH));
    assert_ok(fsm__journal_commit(f->journal, &f->err));
  }
  uint64_t last = fsm__journal_durable_seq(f->journal);
  stop(f);
  assert_ok(start_above(f, last));
  fsm__journal_cursor *cursor;
  assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < f->journal->segment_count; i++) {
      uint64_t seq = f->journal->segments[i].first_seq + 100;
      fsm__journal_cursor_seek(cursor, seq);
      expect_entry(f, cursor, seq);
      size_t kept = 0;
      for (size_t k = 0; k < f->journal->segment_count; k++)
        kept += f->journal->segments[k].index && f->journal->segments[k].used;
      assert_true(kept <= FSM__INDEXES_KEPT);
    }
  fsm__journal_cursor_close(cursor);
}

static void a_cursor_waits_at_the_end_and_goes_on(void **state) {
  fixture *f = *state;
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found = true;
  assert_ok(start(f));
  assert_ok(fsm__journal_cursor_open(f->journal, 0, &cursor, &f->err)); /* as 1 */
  for (uint64_t seq = 1; seq <= 2000; seq++) {
    assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
    assert_false(found);
    assert_ok(append(f, 1, ANY_LENGTH));
    assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
    assert_false(found);
    assert_ok(fsm__journal_commit(f->journal, &f->err));
    expect_entry(f, cursor, seq);
    if (seq % 7 == 0) assert_ok(fsm__journal_confirm(f->journal, &f->err));
  }
  assert_true(f->journal->segment_count > 1);
  fsm__journal_cursor_seek(cursor, 5000);
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_false(found);
  fsm__journal_cursor_close(cursor);
}

typedef struct reader {
  pthread_t thread;
  fsm__journal *journal;
  uint64_t last;
  bool at_random;
  uint64_t wrong;
} reader;

static bool reads_right(fsm__journal_cursor *cursor, uint64_t seq, bool *found) {
  fsm__journal_entry entry;
  fsm_error err;
  uint8_t wanted[LENGTH_MAX];
  if (fsm__journal_next(cursor, &entry, found, &err)) {
    print_message("seq %llu: %s %s\n", (unsigned long long)seq, err.where, err.text);
    return false;
  }
  if (!*found) return true;
  size_t len = record_of(seq, ANY_LENGTH, wanted);
  return entry.seq == seq && entry.record.len == len && memcmp(entry.record.data, wanted, len) == 0;
}

static void *read_all(void *argument) {
  reader *r = argument;
  fsm__journal_cursor *cursor;
  fsm_error err;
  if (fsm__journal_cursor_open(r->journal, 1, &cursor, &err)) return r->wrong++, NULL;
  uint32_t seed = 77;
  for (uint64_t seq = 1; seq <= r->last && !r->wrong;) {
    uint64_t durable = fsm__journal_durable_seq(r->journal), wanted = seq;
    bool found;
    if (r->at_random && durable && next_random(&seed) % 2) {
      wanted = 1 + next_random(&seed) % durable;
      fsm__journal_cursor_seek(cursor, wanted);
      r->wrong += !reads_right(cursor, wanted, &found) || !found;
      fsm__journal_cursor_seek(cursor, seq);
    }
    r->wrong += !reads_right(cursor, seq, &found);
    seq += found;
  }
  fsm__journal_cursor_close(cursor);
  return NULL;
}

static void readers_and_the_writer_do_not_disturb_each_other(void **state) {
  fixture *f = *state;
  reader readers[3];
  uint32_t seed = 4;
  assert_ok(start(f));
  for (int i = 0; i < 3; i++) {
    readers[i] = (reader){.journal = f->journal, .last = 5000, .at_random = i > 0};
    assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
  }
  fill(f, 5000, &seed);
  for (int i = 0; i < 3; i++) {
    pthread_join(readers[i].thread, NULL);
    assert_int_equal(readers[i].wrong, 0);
  }
}

static void damage_after_opening_is_found_by_the_read(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 20, 100);
  flip(f, 1, 5 * BLOCK + 120, 1); /* the fifth batch */
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found;
  assert_ok(fsm__journal_cursor_open(f->journal, 4, &cursor, &f->err));
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  for (int again = 0; again < 2; again++) {
    assert_int_equal(fsm__journal_next(cursor, &entry, &found, &f->err), FSM_ECORRUPT);
    assert_false(found);
    assert_string_equal(f->err.where, fsm__place_of(1, 5 * BLOCK).text);
  }
  fsm__journal_cursor_seek(cursor, 6);
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_int_equal(entry.seq, 6);
  fsm__journal_cursor_close(cursor);
}

/* ---- verify: here the records are real ones ---- */

static size_t encode(uint64_t seq, const fsm__hash *prev, fsm_buf *buf) {
  fsm_record record = fsm_record_new(FSM_RECORD_ADMIN);
  fsm_error err;
  record.seq = seq;
  record.time_ns = 1700000000000000000 + (int64_t)seq;
  record.req = "a request";
  record.prev = prev->bytes;
  size_t before = buf->len;
  assert_ok(fsm_record_encode(buf, &record, &err));
  return buf->len - before;
}

/* One frame of one record per batch. */
static void put_real(fixture *f, size_t count) {
  fsm_buf buf = {0};
  for (size_t i = 0; i < count; i++) {
    fsm__hash head = fsm__journal_head(f->journal);
    fsm_buf_reset(&buf);
    size_t len = encode(fsm__journal_next_seq(f->journal), &head, &buf);
    fsm__bytes record = {buf.data, len};
    fsm__hash leaf = fsm__leaf(buf.data, len);
    assert_ok(fsm__journal_append(f->journal, &record, &leaf, 1, &f->err));
    assert_ok(fsm__journal_commit(f->journal, &f->err));
  }
  fsm_buf_free(&buf);
}

static void expect_verified(fixture *f, uint64_t records) {
  fsm__journal_check check;
  fsm__hash head = fsm__journal_head(f->journal);
  fsm_code code = fsm__journal_verify(f->journal, &check, &f->err);
  if (code) print_message("%s: %s\n", f->err.where, f->err.text);
  assert_ok(code);
  assert_int_equal(check.records, records);
  assert_int_equal(check.last_seq, records);
  assert_int_equal(check.segments, f->journal->segment_count);
  assert_memory_equal(&check.head, &head, sizeof head);
}

static void an_untouched_journal_is_verified(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  expect_verified(f, 0);
  put_real(f, 5);
  expect_verified(f, 5);
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  put_real(f, 4200);
  assert_int_equal(f->journal->segment_count, 2);
  expect_verified(f, 4205);
  stop(f);
  assert_ok(start_read_only(f, 0));
  expect_verified(f, 4205);
}

/* Changes a byte of the request in record seq (one block each) and makes the checksum right again. */
static void forge(const fixture *f, uint64_t ordinal, uint64_t at) {
  uint8_t segment[BLOCK], batch[BLOCK];
  fsm__segment_head head;
  fsm__batch_head batch_head;
  fsm_error err;
  read_bytes(f, ordinal, 0, segment, BLOCK);
  assert_ok(fsm__segment_decode(segment, ordinal, &head, &err));
  read_bytes(f, ordinal, at, batch, BLOCK);
  assert_true(fsm__batch_decode(batch, head.salt, BLOCK, &batch_head));
  uint8_t *place = memmem(batch, BLOCK, "a request", 9);
  assert_non_null(place);
  *place = 'A';
  fsm__batch_encode(batch, &batch_head, head.salt);
  assert_true(fsm__batch_intact(batch, &batch_head));
  write_bytes(f, ordinal, at, batch, BLOCK);
}

static void expect_altered(fixture *f, const char *where) {
  fsm__journal_check check;
  assert_int_equal(fsm__journal_verify(f->journal, &check, &f->err), FSM_EVERIFY);
  assert_string_equal(f->err.where, where);
}

static void a_record_altered_with_its_checksum_is_found_by_the_chain(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put_real(f, 50);
  stop(f);
  forge(f, 1, 20 * BLOCK); /* record 20 */
  assert_ok(start(f));     /* checksums cannot see it */
  assert_int_equal(f->found.last_seq, 50);
  expect_altered(f, "seq 21");
}

static void the_last_record_of_a_segment_is_held_by_its_footer(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put_real(f, 4200);
  uint64_t last = f->journal->segments[1].first_seq - 1;
  stop(f);
  forge(f, 1, last * BLOCK);
  assert_ok(start(f));
  char where[32];
  snprintf(where, sizeof where, "seq %llu", (unsigned long long)last);
  expect_altered(f, where);
}

static void the_very_last_record_is_held_by_the_head(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put_real(f, 10);
  fsm__hash before = fsm__journal_head(f->journal);
  stop(f);
  forge(f, 1, 10 * BLOCK);
  assert_ok(start(f));
  fsm__journal_check check;
  assert_ok(fsm__journal_verify(f->journal, &check, &f->err));
  assert_memory_not_equal(&check.head, &before, sizeof before);
}

static void a_record_that_is_none_is_found(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put_real(f, 3);
  put(f, 1, 100); /* not msgpack */
  expect_altered(f, "seq 4");
}

static void a_record_with_another_seq_or_prev_is_found(void **state) {
  fixture *f = *state;
  for (int wrong_prev = 0; wrong_prev < 2; wrong_prev++) {
    assert_ok(start(f));
    put_real(f, 3);
    fsm_buf buf = {0};
    fsm__hash prev = fsm__journal_head(f->journal);
    prev.bytes[31] ^= (uint8_t)wrong_prev;
    size_t len = encode(wrong_prev ? 4 : 5, &prev, &buf);
    fsm__bytes record = {buf.data, len};
    fsm__hash leaf = fsm__leaf(buf.data, len);
    assert_ok(fsm__journal_append(f->journal, &record, &leaf, 1, &f->err));
    assert_ok(fsm__journal_commit(f->journal, &f->err));
    expect_altered(f, "seq 4");
    fsm_buf_free(&buf);
    stop(f);
    remove_files(f->dir);
  }
}

static void verify_names_the_place_of_any_flipped_bit(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put_real(f, 4200);
  fsm__journal_check check;
  const struct {
    uint64_t ordinal, at, named;
  } bits[] = {{1, 40, 0},
              {1, 100 * BLOCK + 12, 100 * BLOCK},
              {1, 100 * BLOCK + 100, 100 * BLOCK},
              {1, SEGMENT - BLOCK + 80, SEGMENT - BLOCK},
              {2, 80, 0},
              {2, BLOCK + 80, BLOCK}};
  for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
    flip(f, bits[i].ordinal, bits[i].at, 2);
    assert_int_equal(fsm__journal_verify(f->journal, &check, &f->err), FSM_ECORRUPT);
    assert_string_equal(f->err.where, fsm__place_of(bits[i].ordinal, bits[i].named).text);
    flip(f, bits[i].ordinal, bits[i].at, 2);
  }
  expect_verified(f, 4200);
}

static void *verify_often(void *argument) {
  reader *r = argument;
  fsm__journal_check check;
  fsm_error err;
  do {
    if (fsm__journal_verify(r->journal, &check, &err)) {
      print_message("%s: %s\n", err.where, err.text);
      r->wrong++;
    }
  } while (!r->wrong && check.last_seq < r->last);
  return NULL;
}

static void verify_runs_beside_the_writer(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  reader r = {.journal = f->journal, .last = 9000};
  assert_int_equal(pthread_create(&r.thread, NULL, verify_often, &r), 0);
  put_real(f, 9000);
  pthread_join(r.thread, NULL);
  assert_int_equal(r.wrong, 0);
  assert_int_equal(f->journal->segment_count, 3);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(records_come_in_order_over_many_segments),
      ROW(a_seek_finds_any_record),
      ROW(a_history_is_walked_backwards),
      ROW(indexes_are_built_and_dropped),
      ROW(a_cursor_waits_at_the_end_and_goes_on),
      ROW(readers_and_the_writer_do_not_disturb_each_other),
      ROW(damage_after_opening_is_found_by_the_read),
      ROW(an_untouched_journal_is_verified),
      ROW(a_record_altered_with_its_checksum_is_found_by_the_chain),
      ROW(the_last_record_of_a_segment_is_held_by_its_footer),
      ROW(the_very_last_record_is_held_by_the_head),
      ROW(a_record_that_is_none_is_found),
      ROW(a_record_with_another_seq_or_prev_is_found),
      ROW(verify_names_the_place_of_any_flipped_bit),
      ROW(verify_runs_beside_the_writer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
