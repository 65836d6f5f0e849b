/* test_archive_read.c: archived segments give the records of the journal, and nothing that was altered, cut,
 * swapped or left out passes for them. */
#include "runtime/archive_read.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/daemon/archive.h"
#include "runtime/files.h"
#include "runtime/journal_impl.h"
#include "tests/filled_journal.h"

enum { SEGMENTS = 3, LARGE = 200000 };

static filled_journal f;
static char to[96];
static fsm_error err;
static fsm__archive *archive;
static fsm__segment_info *segments;
static size_t segment_count;
static fsm__hash *leaves; /* of record seq, at seq */

static fsm_code keep(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                     fsm_error *e) {
  char path[192];
  (void)dir_fd;
  snprintf(path, sizeof path, "%s/journal/%s", f.dir, name);
  return fsm__archive_copy(arg, path, segment->first_seq, segment->last_seq, e);
}

/* A journal of SEGMENTS sealed segments that are archived and removed, and one that is left. */
static int begin(void **state) {
  (void)state;
  static char text[LARGE];
  memset(text, 'x', sizeof text - 1);
  err = (fsm_error){.text = ""};
  if (!filled_journal_new(&f, 7)) return -1;
  snprintf(to, sizeof to, "%s/archive", f.dir);
  if (fsm__dir_make(to, &err) != FSM_OK) return -1;
  for (segment_count = 0; segment_count <= SEGMENTS;) {
    if (!filled_journal_add(&f, 5, "small") || !filled_journal_add(&f, 3, text)) return -1;
    free(segments);
    if (fsm__journal_segments(f.journal, &segments, &segment_count, &err) != FSM_OK) return -1;
  }
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found = false;
  leaves = calloc(fsm__journal_durable_seq(f.journal) + 1, sizeof *leaves);
  if (leaves == NULL || fsm__journal_cursor_open(f.journal, 1, &cursor, &err) != FSM_OK) return -1;
  while (fsm__journal_next(cursor, &entry, &found, &err) == FSM_OK && found)
    leaves[entry.seq] = fsm__leaf(entry.record.data, entry.record.len);
  fsm__journal_cursor_close(cursor);
  fsm__prune_report report;
  if (fsm__journal_prune(f.journal, segments[SEGMENTS].first_seq, keep, to, &report, &err) != FSM_OK)
    return -1;
  return fsm__archive_open(to, &f.origin, &archive, &err) == FSM_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  fsm__archive_close(archive);
  filled_journal_free(&f);
  free(segments);
  free(leaves);
  segments = NULL;
  return 0;
}

static const char *name_of(unsigned i) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%020llu-%020llu.seg", to, (unsigned long long)segments[i].first_seq,
           (unsigned long long)segments[i].last_seq);
  return path;
}

static uint64_t last_archived(void) { return segments[SEGMENTS - 1].last_seq; }

/* Reads on from where the archive is; the seq that was not given. */
static uint64_t read_on(fsm_code *code) {
  fsm__journal_entry entry;
  bool found = true;
  uint64_t seq = 0;
  while ((*code = fsm__archive_next(archive, &entry, &found, &err)) == FSM_OK && found) {
    if (seq != 0) assert_int_equal(entry.seq, seq);
    assert_int_equal(entry.epoch, 1);
    const fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
    assert_memory_equal(&leaf, &leaves[entry.seq], sizeof leaf);
    seq = entry.seq + 1;
  }
  return seq;
}

static void flip(const char *path, uint64_t at) {
  uint8_t byte;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
  byte ^= 4;
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
  close(fd);
}

static void names(unsigned i) { /* the fault, this file */
  const char *base = strrchr(name_of(i), '/') + 1;
  if (strncmp(err.where, base, strlen(base)) != 0) fail_msg("%s is not in %s: %s", err.where, base, err.text);
}

/* ---- what is there ------------------------------------------------------------------------------- */

static void all_records_come_in_order_as_they_were_in_the_journal(void **state) {
  (void)state;
  fsm_code code;
  assert_int_equal(read_on(&code), last_archived() + 1);
  assert_int_equal(code, FSM_OK);
  assert_true(last_archived() + 1 == fsm__journal_first_seq(f.journal));
}

static void any_record_is_found_and_reading_goes_on_behind_it(void **state) {
  (void)state;
  fsm__journal_entry entry;
  fsm_code code;
  for (uint64_t seq = last_archived(); seq > 0; seq -= seq > 3 ? 3 : 1) {
    assert_int_equal(fsm__archive_read(archive, seq, &entry, &err), FSM_OK);
    assert_int_equal(entry.seq, seq);
    const fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
    assert_memory_equal(&leaf, &leaves[seq], sizeof leaf);
  }
  assert_int_equal(read_on(&code), last_archived() + 1);
  assert_int_equal(code, FSM_OK);
}

static void what_is_archived_meanwhile_is_found(void **state) {
  (void)state;
  char aside[300];
  fsm_code code;
  snprintf(aside, sizeof aside, "%s/aside", to);
  assert_int_equal(rename(name_of(2), aside), 0);
  assert_int_equal(read_on(&code), segments[2].first_seq);
  assert_int_equal(code, FSM_OK); /* the end, for now */
  assert_int_equal(rename(aside, name_of(2)), 0);
  assert_int_equal(read_on(&code), last_archived() + 1);
}

static void what_is_next_is_told_over_a_hole(void **state) {
  (void)state;
  uint64_t next = 7;
  assert_int_equal(unlink(name_of(1)), 0);
  assert_int_equal(fsm__archive_has(archive, 1, &next, &err), FSM_OK);
  assert_int_equal(next, 1);
  assert_int_equal(fsm__archive_has(archive, segments[1].first_seq, &next, &err), FSM_OK);
  assert_int_equal(next, segments[2].first_seq);
  assert_int_equal(fsm__archive_has(archive, last_archived(), &next, &err), FSM_OK);
  assert_int_equal(next, last_archived());
  assert_int_equal(fsm__archive_has(archive, last_archived() + 1, &next, &err), FSM_OK);
  assert_int_equal(next, 0);
}

/* ---- what is not --------------------------------------------------------------------------------- */

static void a_missing_segment_is_named_by_what_is_missing(void **state) {
  (void)state;
  char text[64];
  fsm_code code;
  assert_int_equal(unlink(name_of(1)), 0);
  assert_int_equal(read_on(&code), segments[1].first_seq);
  assert_int_equal(code, FSM_ENOTFOUND);
  snprintf(text, sizeof text, "goes on with record %llu", (unsigned long long)segments[2].first_seq);
  assert_non_null(strstr(err.text, text));
  assert_string_equal(err.where, to);
}

static void an_archive_that_is_empty_or_gone_says_so(void **state) {
  (void)state;
  fsm__journal_entry entry;
  for (unsigned i = 0; i < SEGMENTS; i++) assert_int_equal(unlink(name_of(i)), 0);
  assert_int_equal(fsm__archive_read(archive, 1, &entry, &err), FSM_ENOTFOUND);
  assert_non_null(strstr(err.text, "has no segments"));
  assert_int_equal(rmdir(to), 0);
  assert_int_equal(fsm__archive_read(archive, 1, &entry, &err), FSM_ENOTFOUND);
  assert_string_equal(err.where, to);
}

static void two_files_with_the_same_record_are_refused(void **state) {
  (void)state;
  char other[256];
  fsm_code code;
  const uint64_t twice = segments[1].first_seq + 1;
  snprintf(other, sizeof other, "%s/%020llu-%020llu.seg", to, (unsigned long long)twice,
           (unsigned long long)twice);
  assert_int_equal(link(name_of(1), other), 0);
  assert_int_equal(fsm__archive_read(archive, twice, &(fsm__journal_entry){.seq = 0}, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "move away"));
  assert_non_null(strstr(err.where, strrchr(other, '/') + 1));
  fsm__archive_seek(archive, 1); /* the rest is not touched by it */
  assert_int_equal(read_on(&code), last_archived() + 1);
}

static void one_under_another_name_is_refused(void **state) {
  (void)state;
  char other[256];
  snprintf(other, sizeof other, "%s/%020llu-%020llu.seg", to, (unsigned long long)segments[1].first_seq,
           (unsigned long long)segments[1].last_seq - 1);
  assert_int_equal(rename(name_of(1), other), 0);
  assert_int_equal(fsm__archive_read(archive, segments[1].first_seq, &(fsm__journal_entry){.seq = 0}, &err),
                   FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "other records than its name says"));
}

static void a_flipped_bit_anywhere_in_what_is_used_is_found(void **state) {
  (void)state;
  struct stat st;
  fsm_code code;
  uint8_t *block = calloc(1, FSM_JOURNAL_BLOCK);
  assert_int_equal(stat(name_of(1), &st), 0);
  for (uint64_t at = 3; at < (uint64_t)st.st_size; at += at < 1024 ? 97 : 99991) {
    const bool tail = at >= fsm__log_end((uint64_t)st.st_size);
    if (tail && at % FSM_JOURNAL_BLOCK >= FSM__BATCH_HEAD + FSM__FOOTER_BYTES) continue;
    flip(name_of(1), at);
    fsm__archive_seek(archive, segments[1].first_seq - 1);
    const uint64_t seq = read_on(&code);
    if (code == FSM_OK) { /* zeroes behind the last record, or behind a batch */
      assert_int_equal(seq, last_archived() + 1);
    } else {
      assert_true(code == FSM_ECORRUPT || code == FSM_EVERSION);
      names(1);
    }
    flip(name_of(1), at);
  }
  free(block);
  flip(name_of(1),
       FSM_JOURNAL_BLOCK + FSM__BATCH_HEAD + 20); /* in a record: the place is that of its batch */
  fsm__archive_seek(archive, segments[1].first_seq);
  (void)read_on(&code);
  assert_int_equal(code, FSM_ECORRUPT);
  assert_string_equal(strrchr(err.where, ':'), ":512");
}

static void one_cut_short_is_found(void **state) {
  (void)state;
  assert_int_equal(truncate(name_of(0), FSM_SEGMENT_BYTES_MIN / 2), 0);
  assert_int_equal(fsm__archive_read(archive, 1, &(fsm__journal_entry){.seq = 0}, &err), FSM_ECORRUPT);
  names(0);
  assert_non_null(strstr(err.text, "as many bytes"));
}

/* A byte of the batch at `at`, and its checksum made right: what a forger does. */
static void forge(const char *path, uint64_t at, uint64_t byte) {
  uint8_t block[FSM_JOURNAL_BLOCK], *batch = malloc(FSM_BATCH_BYTES_MAX);
  fsm__segment_head head;
  fsm__batch_head batch_head;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  assert_int_equal(pread(fd, block, sizeof block, 0), sizeof block);
  assert_int_equal(fsm__segment_decode(block, fsm__segment_ordinal(block), &head, NULL), FSM_OK);
  assert_true(pread(fd, batch, FSM_BATCH_BYTES_MAX, (off_t)at) > 0);
  assert_true(fsm__batch_decode(batch, head.salt, head.bytes - at, &batch_head));
  batch[byte] ^= 1;
  fsm__batch_encode(batch, &batch_head, head.salt);
  assert_int_equal(pwrite(fd, batch, batch_head.length, (off_t)at), batch_head.length);
  close(fd);
  free(batch);
}

static uint64_t text_in(const char *path, uint64_t from, const char *text) {
  static uint8_t data[FSM_SEGMENT_BYTES_MIN];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = pread(fd, data, sizeof data, (off_t)from);
  close(fd);
  const uint8_t *at = memmem(data, (size_t)len, text, strlen(text));
  assert_non_null(at);
  return (uint64_t)(at - data);
}

static void a_record_altered_with_its_checksum_breaks_the_chain(void **state) {
  (void)state;
  fsm_code code;
  forge(name_of(1), FSM_JOURNAL_BLOCK, text_in(name_of(1), FSM_JOURNAL_BLOCK, "document"));
  fsm__journal_entry entry;
  assert_int_equal(fsm__archive_read(archive, segments[1].first_seq, &entry, &err),
                   FSM_OK); /* not yet known */
  code = fsm__archive_read(archive, segments[1].first_seq + 1, &entry, &err);
  if (code == FSM_OK) code = fsm__archive_read(archive, segments[1].first_seq + 2, &entry, &err);
  assert_int_equal(code, FSM_EVERIFY);
  names(1);
}

static void a_segment_of_another_store_is_refused(void **state) {
  (void)state;
  fsm_origin origin = f.origin;
  origin.store[0] ^= 1;
  fsm__archive_close(archive);
  assert_int_equal(fsm__archive_open(to, &origin, &archive, &err), FSM_OK);
  assert_int_equal(fsm__archive_read(archive, 1, &(fsm__journal_entry){.seq = 0}, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "another store"));
  names(0);
}

static void a_segment_of_another_branch_does_not_chain(void **state) {
  (void)state;
  uint8_t block[FSM_JOURNAL_BLOCK];
  fsm__segment_head head;
  fsm_code code;
  int fd = open(name_of(1), O_RDWR | O_CLOEXEC);
  assert_int_equal(pread(fd, block, sizeof block, 0), sizeof block);
  assert_int_equal(fsm__segment_decode(block, fsm__segment_ordinal(block), &head, NULL), FSM_OK);
  head.prev.bytes[0] ^= 1;
  fsm__segment_encode(&head, block);
  assert_int_equal(pwrite(fd, block, sizeof block, 0), sizeof block);
  close(fd);
  assert_int_equal(read_on(&code), segments[1].first_seq);
  assert_int_equal(code, FSM_EVERIFY);
  assert_non_null(strstr(err.text, "does not chain"));
}

/* One that looks for what is not in it passes over all batches. */
static void whoever_passes_over_batches_sees_another_branch_too(void **state) {
  a_segment_of_another_branch_does_not_chain(state);
  fsm__journal_entry entry;
  bool found = true;
  fsm__archive_seek(archive, 1);
  assert_int_equal(fsm__archive_find(archive, FSM__FIND_INSTANCE, "nobody-at-all", last_archived() + 1,
                                     &entry, &found, &err),
                   FSM_EVERIFY);
  assert_non_null(strstr(err.text, "does not chain"));
}

static void an_archive_joins_the_journal_by_its_last_record_alone(void **state) {
  (void)state;
  fsm__hash wrong = leaves[last_archived()];
  assert_int_equal(fsm__archive_joins(archive, last_archived(), wrong.bytes, &err), FSM_OK);
  assert_int_equal(fsm__archive_joins(archive, last_archived() - 1, leaves[last_archived() - 1].bytes, &err),
                   FSM_OK); /* inside of a file */
  assert_int_equal(fsm__archive_joins(archive, last_archived() - 1, wrong.bytes, &err), FSM_EVERIFY);
  wrong.bytes[31] ^= 1;
  assert_int_equal(fsm__archive_joins(archive, last_archived(), wrong.bytes, &err), FSM_EVERIFY);
  assert_non_null(strstr(err.text, "another branch"));
  names(SEGMENTS - 1);
  assert_int_equal(fsm__archive_joins(archive, last_archived(), NULL, &err), FSM_EVERIFY);
  assert_int_equal(fsm__archive_joins(archive, last_archived() + 1, wrong.bytes, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__archive_read(archive, 1, &(fsm__journal_entry){.seq = 0}, &err), FSM_OK);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(all_records_come_in_order_as_they_were_in_the_journal),
      T(any_record_is_found_and_reading_goes_on_behind_it),
      T(what_is_archived_meanwhile_is_found),
      T(what_is_next_is_told_over_a_hole),
      T(a_missing_segment_is_named_by_what_is_missing),
      T(an_archive_that_is_empty_or_gone_says_so),
      T(two_files_with_the_same_record_are_refused),
      T(one_under_another_name_is_refused),
      T(a_flipped_bit_anywhere_in_what_is_used_is_found),
      T(one_cut_short_is_found),
      T(a_record_altered_with_its_checksum_breaks_the_chain),
      T(a_segment_of_another_store_is_refused),
      T(a_segment_of_another_branch_does_not_chain),
      T(whoever_passes_over_batches_sees_another_branch_too),
      T(an_archive_joins_the_journal_by_its_last_record_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
