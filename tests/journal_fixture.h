/* journal_fixture.h: a journal in a scratch directory, and the damage that tests do to its files.
 *
 * Record n of a journal is always the same bytes (record_of), so that what is read back needs no memory
 * of what was written. crash() ends a journal as kill -9 would: nothing is confirmed.
 */
#ifndef FSM_TESTS_JOURNAL_FIXTURE_H
#define FSM_TESTS_JOURNAL_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/journal_impl.h"

enum { SEGMENT = FSM_SEGMENT_BYTES_MIN, BLOCK = FSM_JOURNAL_BLOCK };

typedef struct fixture {
  char dir[64];
  fsm__journal *journal;
  fsm__recovery found;
  fsm_error err;
  fsm_origin origin;
} fixture;

#define assert_ok(code) assert_int_equal((code), FSM_OK)

/* ---- life ---- */

static inline int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  snprintf(f->dir, sizeof f->dir, "/tmp/fsm-journal-XXXXXX");
  if (!f || !mkdtemp(f->dir)) return -1;
  f->origin = (fsm_origin){.store = "a store of tests", .partition = 3, .epoch = 7};
  *state = f;
  return 0;
}

static inline void remove_files(const char *path) {
  DIR *dir = opendir(path);
  if (!dir) return;
  const struct dirent *entry;
  while ((entry = readdir(dir)))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
}

/* Ends without the confirming batch of a close. */
static inline void crash(fixture *f) {
  if (f->journal && !f->journal->read_only) f->journal->dead = true;
  fsm__journal_close(f->journal);
  f->journal = NULL;
}

static inline void stop(fixture *f) {
  fsm__journal_close(f->journal);
  f->journal = NULL;
}

static inline int teardown(void **state) {
  fixture *f = *state;
  crash(f);
  remove_files(f->dir);
  rmdir(f->dir);
  free(f);
  return 0;
}

static inline fsm__journal_options options_of(const fixture *f) {
  return (fsm__journal_options){.dir = f->dir, .origin = f->origin, .segment_bytes = SEGMENT};
}

static inline fsm_code start_with(fixture *f, const fsm__journal_options *options) {
  memset(&f->err, 0, sizeof f->err);
  memset(&f->found, 0, sizeof f->found);
  return fsm__journal_open(options, &f->journal, &f->found, &f->err);
}

static inline fsm_code start_above(fixture *f, uint64_t floor_seq) {
  fsm__journal_options options = options_of(f);
  options.floor_seq = floor_seq;
  return start_with(f, &options);
}

static inline fsm_code start(fixture *f) { return start_above(f, 0); }

static inline fsm_code start_read_only(fixture *f, uint64_t floor_seq) {
  fsm__journal_options options = options_of(f);
  options.floor_seq = floor_seq;
  options.read_only = true;
  return start_with(f, &options);
}

/* ---- records ---- */

/* Length 0 stands for lengths of all kinds. */
enum { ANY_LENGTH = 0, LENGTH_MAX = 3100 };

static inline size_t length_of(uint64_t seq, size_t len) { return len ? len : 100 + seq * 977 % 3000; }

static inline size_t record_of(uint64_t seq, size_t len, uint8_t *out) {
  len = length_of(seq, len);
  for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(seq * 31 + i * 7 + i / 256 + 1);
  if (len >= 8) memcpy(out, &seq, 8);
  return len;
}

/* One frame of count records of len bytes, not committed. */
static inline fsm_code append(fixture *f, size_t count, size_t len) {
  size_t each = len ? len : LENGTH_MAX;
  uint8_t *data = malloc(count * each);
  fsm__bytes *records = calloc(count, sizeof *records);
  fsm__hash *leaves = calloc(count, sizeof *leaves);
  for (size_t i = 0; i < count; i++) {
    size_t got = record_of(fsm__journal_next_seq(f->journal) + i, len, data + i * each);
    records[i] = (fsm__bytes){data + i * each, got};
    leaves[i] = fsm__leaf(data + i * each, got);
  }
  fsm_code code = fsm__journal_append(f->journal, records, leaves, count, &f->err);
  free(leaves);
  free(records);
  free(data);
  return code;
}

/* Commits batches of one frame with one record of len bytes. */
static inline void put(fixture *f, size_t batches, size_t len) {
  for (size_t i = 0; i < batches; i++) {
    assert_ok(append(f, 1, len));
    assert_ok(fsm__journal_commit(f->journal, &f->err));
  }
}

/* Reads from..to and compares each with record_of; to must be the last. */
static inline void expect_records(fixture *f, uint64_t from, uint64_t to, size_t len) {
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  bool found = false;
  uint8_t *wanted = malloc(len ? len : LENGTH_MAX);
  assert_ok(fsm__journal_cursor_open(f->journal, from, &cursor, &f->err));
  for (uint64_t seq = from; seq <= to; seq++) {
    assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
    assert_true(found);
    assert_int_equal(entry.seq, seq);
    assert_int_equal(entry.record.len, length_of(seq, len));
    record_of(seq, len, wanted);
    assert_memory_equal(entry.record.data, wanted, entry.record.len);
  }
  assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
  assert_false(found);
  fsm__journal_cursor_close(cursor);
  free(wanted);
}

/* ---- files ---- */

static inline const char *path_of(const fixture *f, uint64_t ordinal) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%020llu.seg", f->dir, (unsigned long long)ordinal);
  return path;
}

static inline int file_of(const fixture *f, uint64_t ordinal) {
  int fd = open(path_of(f, ordinal), O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

static inline void read_bytes(const fixture *f, uint64_t ordinal, uint64_t at, void *out, size_t len) {
  int fd = file_of(f, ordinal);
  assert_int_equal(pread(fd, out, len, (off_t)at), len);
  close(fd);
}

static inline void write_bytes(const fixture *f, uint64_t ordinal, uint64_t at, const void *data,
                               size_t len) {
  int fd = file_of(f, ordinal);
  assert_int_equal(pwrite(fd, data, len, (off_t)at), len);
  close(fd);
}

static inline void flip(const fixture *f, uint64_t ordinal, uint64_t at, unsigned bit) {
  uint8_t byte;
  read_bytes(f, ordinal, at, &byte, 1);
  byte ^= (uint8_t)(1u << bit);
  write_bytes(f, ordinal, at, &byte, 1);
}

static inline void zero(const fixture *f, uint64_t ordinal, uint64_t from, uint64_t to) {
  int fd = file_of(f, ordinal);
  assert_int_equal(fsm__zero_at(fd, from, to), 0);
  close(fd);
}

static inline bool exists(const fixture *f, const char *name) {
  char path[128];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", f->dir, name);
  return lstat(path, &st) == 0;
}

/* Of all bytes of the segments there, and of the spare. */
static inline fsm__hash fingerprint(const fixture *f) {
  fsm__hash sum = {{0}};
  uint8_t *data = malloc(SEGMENT + 2 * FSM_HASH_BYTES);
  for (uint64_t ordinal = 0; ordinal < 20; ordinal++) {
    char path[128];
    snprintf(path, sizeof path, "%s/spare", f->dir);
    int fd = open(ordinal ? path_of(f, ordinal) : path, O_RDONLY | O_CLOEXEC);
    memcpy(data, &sum, sizeof sum);
    data[sizeof sum] = fd >= 0;
    ssize_t got = fd >= 0 ? read(fd, data + sizeof sum + 1, SEGMENT) : 0;
    sum = fsm__sha256(data, sizeof sum + 1 + (size_t)(got < 0 ? 0 : got));
    if (fd >= 0) close(fd);
  }
  free(data);
  return sum;
}

/* Offset of batch n (from 0) in a segment, by hopping; its header in *head. */
static inline uint64_t batch_at(const fixture *f, uint64_t ordinal, size_t n, fsm__batch_head *head) {
  uint8_t block[BLOCK];
  fsm__segment_head segment;
  fsm_error err;
  read_bytes(f, ordinal, 0, block, BLOCK);
  assert_ok(fsm__segment_decode(block, ordinal, &segment, &err));
  uint64_t at = BLOCK;
  for (;; at += fsm__blocks(head->length)) {
    read_bytes(f, ordinal, at, block, BLOCK);
    assert_true(fsm__batch_decode(block, segment.salt, segment.bytes - at, head));
    if (!n--) return at;
  }
}

/* Writes a well-formed batch of one record at an offset: what a crash or a forger could leave. */
static inline void plant_batch(const fixture *f, uint64_t ordinal, uint64_t at, uint64_t number,
                               uint64_t synced, uint64_t first_seq, size_t len) {
  uint8_t block[BLOCK], *batch = calloc(1, fsm__blocks(FSM__BATCH_HEAD + 12 + len)), *data = malloc(len);
  fsm__segment_head segment;
  fsm_error err;
  read_bytes(f, ordinal, 0, block, BLOCK);
  assert_ok(fsm__segment_decode(block, ordinal, &segment, &err));
  record_of(first_seq, len, data);
  fsm__bytes record = {data, len};
  fsm__frame_put(batch + FSM__BATCH_HEAD, &record, 1, 12 + len);
  fsm__batch_head head = {number, synced, first_seq,      (uint32_t)(FSM__BATCH_HEAD + 12 + len),
                          1,      1,      FSM__BATCH_DATA};
  fsm__batch_encode(batch, &head, segment.salt);
  write_bytes(f, ordinal, at, batch, fsm__blocks(head.length));
  free(batch);
  free(data);
}

static inline void expect_corrupt(fixture *f, fsm_code code, uint64_t ordinal, uint64_t at) {
  if (code != FSM_ECORRUPT) print_message("code %s: %s %s\n", fsm_code_name(code), f->err.where, f->err.text);
  assert_int_equal(code, FSM_ECORRUPT);
  assert_null(f->journal);
  assert_string_equal(f->err.where, fsm__place_of(ordinal, at).text);
}

#endif
