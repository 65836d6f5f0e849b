/* Records by instance, correlation, user and trace: always what a look at every record gives. */
#include "tests/terms_journal.h"

/* Two sealed segments and an active one. */
static void filled(fixture *f) {
  assert_ok(start(f));
  put_terms(f, 4500, 100, 1000);
  fsm__journal_stats stats;
  fsm__journal_stats_get(f->journal, &stats);
  assert_int_equal(stats.rotations, 2);
}

static void expect_all_kinds(fixture *f) {
  uint64_t last = fsm__journal_durable_seq(f->journal);
  for (int descending = 0; descending < 2; descending++) {
    fsm__find by[] = {
        {.texts = {NULL, NULL, NULL, "a-trace-of-oursb"}},
        {.texts = {"doc-7"}},
        {.texts = {"doc-96", NULL, "user-2"}},
        {.texts = {NULL, "corr-3"}},
        {.texts = {NULL, NULL, "user-4"}, .after = 1000, .before = 3500},
        {.texts = {NULL, "corr-10", "user-0"}, .after = 2000},
        {.texts = {"doc-7", "corr-3", "user-1"}},
        {.texts = {NULL}, .after = last - 700},
        {.texts = {"doc-5"}, .after = last},
        {.texts = {"doc-5"}, .after = UINT64_MAX},
        {.texts = {"doc-5"}, .before = 1},
        {.texts = {NULL, "corr-3"}, .after = 10, .before = 11},
    };
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
      by[i].descending = descending;
      uint64_t count = expect_found(f, &by[i]);
      if (i < 6) assert_true(count > 0);
    }
    static const char *const absent[] = {"doc-97", "doc", "doc-7 ", "", "corr-3"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
      assert_int_equal(expect_found(f, &(fsm__find){.texts = {absent[i]}, .descending = descending}), 0);
  }
}

static void a_search_finds_what_a_look_at_all_records_finds(void **state) {
  fixture *f = *state;
  filled(f);
  expect_all_kinds(f);
  crash(f);
  assert_ok(start(f));
  expect_all_kinds(f);
  crash(f);
  assert_ok(start_read_only(f, 0));
  expect_all_kinds(f);
}

static void reading_only_needs_no_index_files_and_writes_none(void **state) {
  fixture *f = *state;
  filled(f);
  crash(f);
  for (uint64_t ordinal = 1; ordinal < 3; ordinal++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%020llu.idx", f->dir, (unsigned long long)ordinal);
    (void)!unlink(path);
  }
  assert_ok(start_read_only(f, 0));
  expect_all_kinds(f);
  assert_false(exists(f, "00000000000000000001.idx") || exists(f, "00000000000000000002.idx"));
}

static void what_is_written_meanwhile_is_found_too(void **state) {
  fixture *f = *state;
  fsm__finder *finder;
  fsm__journal_entry entry;
  bool found;
  assert_ok(start(f));
  put_terms(f, 50, 10, 1000);
  assert_ok(fsm__journal_find(f->journal, &(fsm__find){.texts = {NULL, "corr-3"}}, &finder, &f->err));
  uint64_t seq = 0, next = 0;
  for (unsigned round = 0; round < 100; round++) { /* over two rotations */
    put_terms(f, 45, 45, 1000);
    for (unsigned i = 0; i < 3; i++) {
      for (next = seq + 1; !is_wanted(next, &(fsm__find){.texts = {NULL, "corr-3"}}); next++) continue;
      if (next > fsm__journal_durable_seq(f->journal)) break;
      assert_ok(fsm__finder_next(finder, &entry, &found, &f->err));
      assert_true(found);
      assert_int_equal(entry.seq, next);
      seq = next;
    }
  }
  fsm__finder_close(finder);
}

static void a_search_goes_on_with_what_is_kept(void **state) {
  fixture *f = *state;
  filled(f);
  fsm__find wanted = {.texts = {NULL, NULL, "user-1"}};
  fsm__finder *up, *down;
  fsm__journal_entry entry;
  fsm__prune_report report;
  bool found;
  assert_ok(fsm__journal_find(f->journal, &wanted, &up, &f->err));
  assert_ok(fsm__finder_next(up, &entry, &found, &f->err));
  assert_true(found && entry.seq < 100);
  wanted.descending = true;
  assert_ok(fsm__journal_find(f->journal, &wanted, &down, &f->err));
  assert_ok(fsm__journal_prune(f->journal, 3000, NULL, NULL, &report, &f->err));
  assert_int_equal(report.segments, 1);
  assert_ok(fsm__finder_next(up, &entry, &found, &f->err));
  assert_true(found && entry.seq >= report.first_seq && entry.seq < report.first_seq + 30);
  uint64_t least = UINT64_MAX;
  do {
    assert_ok(fsm__finder_next(down, &entry, &found, &f->err));
    if (found) least = entry.seq;
  } while (found);
  assert_true(least >= report.first_seq && least < report.first_seq + 30);
  fsm__finder_close(up);
  fsm__finder_close(down);
  expect_found(f, &wanted);
}

/* ---- one record --------------------------------------------------------------------------------- */

static void expect_read(fixture *f, fsm__journal_cursor *cursor, uint64_t seq) {
  fsm__journal_entry entry;
  fsm_record_brief brief;
  fsm_code code = fsm__journal_read(cursor, seq, &entry, &f->err);
  if (code) fail_msg("seq %llu: %s %s", (unsigned long long)seq, f->err.where, f->err.text);
  assert_true(entry.seq == seq && entry.epoch == 7 && entry.frame_end);
  assert_ok(fsm_record_peek(entry.record.data, entry.record.len, &brief));
  assert_int_equal(brief.seq, seq);
}

static void any_record_is_read_by_its_seq_with_or_without_index_files(void **state) {
  fixture *f = *state;
  filled(f);
  await_index(f, 1);
  await_index(f, 2);
  for (int with = 1; with >= 0; with--) {
    fsm__journal_cursor *cursor;
    fsm__journal_entry entry;
    bool found;
    assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
    for (uint64_t i = 0; i < 3000; i++) {
      uint64_t seq = i * 2654435761u % 4500 + 1;
      expect_read(f, cursor, seq);
      if (i % 5 || seq == 4500) continue; /* and on from there in order */
      assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
      assert_true(found && entry.seq == seq + 1);
    }
    assert_int_equal(fsm__journal_read(cursor, 4501, &entry, &f->err), FSM_ENOTFOUND);
    fsm__journal_cursor_close(cursor);
    if (!with) break;
    crash(f);
    for (uint64_t ordinal = 1; ordinal < 3; ordinal++) {
      char path[128];
      snprintf(path, sizeof path, "%s/%020llu.idx", f->dir, (unsigned long long)ordinal);
      assert_int_equal(unlink(path), 0);
    }
    assert_ok(start_read_only(f, 0));
  }
}

static void a_damaged_record_is_never_read(void **state) {
  fixture *f = *state;
  filled(f);
  await_index(f, 1);
  fsm__batch_head head;
  uint64_t at = batch_at(f, 1, 3, &head);
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  for (uint64_t offset = 64; offset < 1500; offset += 7) { /* the first record and into the next */
    flip(f, 1, at + offset, offset % 8);
    fsm_code code = fsm__journal_read(cursor, 301, &entry, &f->err);
    if (!code)
      assert_true(offset < 64 + 8 || offset > 64 + 12 + entry.record.len - 1); /* its own bytes are whole */
    else
      assert_int_equal(code, FSM_ECORRUPT);
    flip(f, 1, at + offset, offset % 8);
    fsm__journal_cursor_close(cursor);
    assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  }
  expect_read(f, cursor, 301);
  fsm__journal_cursor_close(cursor);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(a_search_finds_what_a_look_at_all_records_finds),
      ROW(reading_only_needs_no_index_files_and_writes_none),
      ROW(what_is_written_meanwhile_is_found_too),
      ROW(a_search_goes_on_with_what_is_kept),
      ROW(any_record_is_read_by_its_seq_with_or_without_index_files),
      ROW(a_damaged_record_is_never_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
