/* fuzz_disk.h: files: targets cursors (the sinks' positions) and journal (segments, read only). */
#ifndef FSM_TESTS_FUZZ_DISK_H
#define FSM_TESTS_FUZZ_DISK_H

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/crc32c.h"
#include "runtime/cursors.h"
#include "runtime/journal_impl.h"
#include "tests/filled_journal.h"
#include "tests/fuzz/mutate.h"

/* ---- cursors ------------------------------------------------------------------------------------- */

typedef struct cursors_place {
  char dir[64], path[96], old[96];
} cursors_place;

static inline void cursors_write(const char *path, const void *data, size_t len) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd)) fail_msg("cannot write %s", path);
}

static inline void cursors_seal(uint8_t *data, size_t len);

/* What earlier versions wrote, of so many sinks. */
static inline void cursors_write_old(const cursors_place *at, uint8_t count) {
  uint8_t data[12 + 3 * 92 + 4] = "FSMCUR01";
  data[8] = count;
  for (size_t i = 0; i < count; i++) {
    uint8_t *entry = data + 12 + i * 92;
    memcpy(entry, "sink", 4);
    entry[4] = (uint8_t)('a' + i);
    entry[36] = 41;
  }
  cursors_seal(data, 12 + (size_t)count * 92 + 4);
  cursors_write(at->old, data, 12 + (size_t)count * 92 + 4);
}

static inline void cursors_open(fuzz_run *run) {
  cursors_place *at = fsm_arena_zalloc(&run->kept, 1, sizeof *at);
  snprintf(at->dir, sizeof at->dir, "/tmp/fsm-fuzz-XXXXXX");
  if (!mkdtemp(at->dir)) fail_msg("no directory");
  snprintf(at->path, sizeof at->path, "%s/sinks/nats", at->dir);
  snprintf(at->old, sizeof at->old, "%s/cursors", at->dir);
  run->own = at;
  const fsm__cursor cursors[] = {
      {.sink = "nats", .epoch = 1, .seq = 41, .stream_created_ns = 5, .stream_seq = 40},
      {.sink = "nats", .epoch = UINT32_MAX, .seq = UINT64_MAX, .sent_seq = 7, .spilled = true},
      {.sink = "nats", .seq = 7, .sent_seq = 7, .settled_seq = 7, .settled_stream_seq = 9}};
  for (size_t i = 0; i < 3; i++) {
    if (fsm__cursor_save(at->dir, &cursors[i], false, NULL) != FSM_OK) fail_msg("cannot save a cursor");
    fuzz_seed_file(run, at->path);
  }
  for (uint8_t count = 0; count <= 3; count++) {
    cursors_write_old(at, count);
    fuzz_seed_file(run, at->old);
  }
  unlink(at->old);
}

static inline void cursors_close(fuzz_run *run) {
  const cursors_place *at = run->own;
  char sinks[96];
  snprintf(sinks, sizeof sinks, "%s/sinks", at->dir);
  unlink(at->path);
  unlink(at->old);
  rmdir(sinks);
  rmdir(at->dir);
}

/* The checksum at the end made right. */
static inline void cursors_seal(uint8_t *data, size_t len) {
  if (len < 4) return;
  uint32_t crc = fsm__crc32c(0, data, len - 4);
  for (unsigned i = 0; i < 4; i++) data[len - 4 + i] = (uint8_t)(crc >> (8 * i));
}

/* The file of all sinks: what it gives is bounded, and has names. */
static inline void cursors_one_old(fuzz_run *run, const cursors_place *at) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  size_t count = 77;
  fsm_error err = fuzz_error();
  unlink(at->path);
  cursors_write(at->old, run->input, run->input_len);
  fsm_code code = fsm__cursors_load(at->dir, cursors, &count, &err);
  fuzz_count(run, code);
  unlink(at->old);
  if (!fuzz_expect_error(run, code, &err)) return;
  fuzz_expect(run, code == FSM_OK || code == FSM_ECORRUPT, "a damaged file of cursors is corrupt");
  fuzz_expect(run, code == FSM_OK ? count <= FSM_CURSORS_MAX : count == 0, "the cursors are bounded");
  for (size_t i = 0; code == FSM_OK && i < count; i++)
    fuzz_expect(run, fsm__sink_name_fits(cursors[i].sink), "a cursor has a sink");
}

static inline void cursors_one(fuzz_run *run) {
  const cursors_place *at = run->own;
  fuzz_input_mutated(run);
  if (fuzz_one_in(run, 2)) cursors_seal(run->input, run->input_len);
  if (run->input_len > 8 && memcmp(run->input, "FSMCUR01", 8) == 0) {
    cursors_one_old(run, at);
    return;
  }
  cursors_write(at->path, run->input, run->input_len);
  fsm__cursor cursor;
  bool there = false;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__cursor_load(at->dir, "nats", &cursor, &there, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_ECORRUPT && !there, "a damaged cursor is corrupt and gives none");
    return;
  }
  static uint8_t back[8192];
  if (fsm__cursor_save(at->dir, &cursor, false, NULL) != FSM_OK) fail_msg("cannot save a cursor");
  int fd = open(at->path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? -1 : read(fd, back, sizeof back);
  if (fd >= 0) close(fd);
  fuzz_expect(run, len == (ssize_t)run->input_len && memcmp(back, run->input, run->input_len) == 0,
              "a cursor that loads is saved as the same bytes");
}

/* ---- journal ------------------------------------------------------------------------------------- */

enum { JOURNAL_FILES = 2, JOURNAL_BATCHES = 64, JOURNAL_BYTES = FSM_SEGMENT_BYTES_MIN };

typedef struct journal_file {
  int fd;
  uint8_t *data; /* as written */
  uint64_t salt;
  struct journal_batch {
    uint64_t at;
    uint32_t length;
  } batches[JOURNAL_BATCHES];
  size_t batch_count;
} journal_file;

typedef struct journal_place {
  filled_journal filled;
  journal_file files[JOURNAL_FILES]; /* one sealed, one active */
  fsm__hash *leaves;                 /* of record seq, at seq */
  uint64_t last_seq;
} journal_place;

static inline void journal_load(journal_place *place, unsigned number) {
  journal_file *file = &place->files[number];
  char path[160];
  snprintf(path, sizeof path, "%s/journal/%020u.seg", place->filled.dir, number + 1);
  file->fd = open(path, O_RDWR | O_CLOEXEC);
  file->data = malloc(JOURNAL_BYTES);
  if (file->fd < 0 || !file->data || pread(file->fd, file->data, JOURNAL_BYTES, 0) != JOURNAL_BYTES)
    fail_msg("cannot read %s", path);
  fsm__segment_head head;
  if (fsm__segment_decode(file->data, number + 1, &head, NULL) != FSM_OK) fail_msg("no segment: %s", path);
  file->salt = head.salt;
  for (uint64_t at = FSM_JOURNAL_BLOCK; at < JOURNAL_BYTES;) {
    fsm__batch_head batch;
    if (!fsm__batch_decode(file->data + at, head.salt, JOURNAL_BYTES - at, &batch)) {
      at += FSM_JOURNAL_BLOCK; /* the footer is at the end */
      continue;
    }
    FSM_ASSERT(file->batch_count < JOURNAL_BATCHES);
    file->batches[file->batch_count++] = (struct journal_batch){at, batch.length};
    at += fsm__blocks(batch.length);
  }
}

static inline void journal_note_leaves(journal_place *place) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = true;
  place->last_seq = fsm__journal_durable_seq(place->filled.journal);
  place->leaves = calloc(place->last_seq + 1, sizeof *place->leaves);
  if (fsm__journal_cursor_open(place->filled.journal, 1, &cursor, NULL) != FSM_OK) fail_msg("no cursor");
  for (uint64_t seq = 1; seq <= place->last_seq; seq++) {
    if (fsm__journal_next(cursor, &entry, &found, NULL) != FSM_OK || !found) fail_msg("no record");
    place->leaves[seq] = fsm__leaf(entry.record.data, entry.record.len);
  }
  fsm__journal_cursor_close(cursor);
}

static inline void journal_open(fuzz_run *run) {
  journal_place *place = fsm_arena_zalloc(&run->kept, 1, sizeof *place);
  run->own = place;
  static char text[200000];
  memset(text, 'x', sizeof text - 1);
  /* The first segment is filled with large records; the second holds a few small batches of one to nine. */
  bool good = filled_journal_new(&place->filled, 7);
  for (unsigned i = 0; good && i < 4; i++) good = filled_journal_add(&place->filled, 3, "small");
  for (unsigned i = 0; good && i < 13; i++) good = filled_journal_add(&place->filled, 1, text);
  for (unsigned i = 0; good && i < 9; i++)
    good = filled_journal_add(&place->filled, 1 + i, "after the rotation");
  if (!good) fail_msg("cannot fill a journal");
  journal_note_leaves(place);
  fsm__journal_close(place->filled.journal);
  place->filled.journal = NULL;
  for (unsigned i = 0; i < JOURNAL_FILES; i++) journal_load(place, i);
  fuzz_seed_add(run, place->files[1].data, 8192);
}

static inline void journal_close(fuzz_run *run) {
  journal_place *place = run->own;
  for (unsigned i = 0; i < JOURNAL_FILES; i++) {
    close(place->files[i].fd);
    free(place->files[i].data);
  }
  free(place->leaves);
  filled_journal_free(&place->filled);
}

/* A place where it matters: a header, or the payload of a batch, or anywhere. *batch: which, or NULL. */
static inline uint64_t journal_spot(fuzz_run *run, const journal_file *file,
                                    const struct journal_batch **batch) {
  const struct journal_batch *b = &file->batches[fuzz_below(run, file->batch_count)];
  *batch = NULL;
  switch (fuzz_below(run, 8)) {
    case 0: return fuzz_below(run, 128);
    case 1: return fuzz_below(run, JOURNAL_BYTES - 1024);
    case 2: return JOURNAL_BYTES - 1024 + fuzz_below(run, 900);
    case 3: *batch = b; return b->at + FSM__BATCH_HEAD + fuzz_below(run, 16);
    case 4: *batch = b; return b->at + fuzz_below(run, b->length);
    default: *batch = b; return b->at + fuzz_below(run, FSM__BATCH_HEAD);
  }
}

/* The batch's checksum made right, as a forger would. */
static inline void journal_seal(uint8_t *data, const struct journal_batch *batch) {
  uint8_t *head = data + batch->at;
  uint32_t length =
      (uint32_t)head[32] | (uint32_t)head[33] << 8 | (uint32_t)head[34] << 16 | (uint32_t)head[35] << 24;
  if (length < FSM__BATCH_HEAD || length > JOURNAL_BYTES - batch->at) return;
  memset(head + 60, 0, 4);
  uint32_t crc = fsm__crc32c(0, head, length);
  for (unsigned i = 0; i < 4; i++) head[60 + i] = (uint8_t)(crc >> (8 * i));
}

static inline void journal_seal_segment(uint8_t *data) {
  memset(data + 508, 0, 4);
  uint32_t crc = fsm__crc32c(0, data, FSM_JOURNAL_BLOCK);
  for (unsigned i = 0; i < 4; i++) data[508 + i] = (uint8_t)(crc >> (8 * i));
}

/* What was done to a file. */
typedef struct journal_damage {
  unsigned file;
  uint64_t from, to; /* bytes that may differ */
  bool sealed;       /* checksums were made right */
} journal_damage;

static inline void journal_change(fuzz_run *run, uint8_t *data, uint64_t at) {
  uint64_t edge = fuzz_edge(run);
  size_t size = (size_t)1 << fuzz_below(run, 4);
  switch (fuzz_below(run, 6)) {
    case 0: data[at] ^= (uint8_t)(1u << fuzz_below(run, 8)); return;
    case 1: memset(data + at, fuzz_one_in(run, 2) ? 0 : 0xff, 1 + fuzz_below(run, 64)); return;
    case 2: memcpy(data + at, data + fuzz_below(run, JOURNAL_BYTES - 64), 1 + fuzz_below(run, 64)); return;
    case 3: data[at] = (uint8_t)(data[at] + fuzz_below(run, 5) - 2); return;
    default:
      for (size_t i = 0; i < size; i++) data[at + i] = (uint8_t)(edge >> (8 * i));
  }
}

/* Whole batches moved, copied or wiped: what reordered or lost writes leave. */
static inline journal_damage journal_move(fuzz_run *run, const journal_file *file, uint8_t *data) {
  const struct journal_batch *from = &file->batches[fuzz_below(run, file->batch_count)];
  const struct journal_batch *to = &file->batches[fuzz_below(run, file->batch_count)];
  uint64_t len = fsm__blocks(from->length), at = to->at;
  if (len > JOURNAL_BYTES - at) len = JOURNAL_BYTES - at;
  if (fuzz_one_in(run, 3)) {
    len = fsm__blocks(to->length);
    memset(data + at, 0, len);
  } else {
    memmove(data + at, file->data + from->at, len);
  }
  return (journal_damage){.from = at, .to = at + len};
}

static inline journal_damage journal_harm(fuzz_run *run, journal_place *place, uint8_t *data) {
  unsigned number = (unsigned)fuzz_below(run, JOURNAL_FILES);
  const journal_file *file = &place->files[number];
  journal_damage d = {.from = JOURNAL_BYTES};
  memcpy(data, file->data, JOURNAL_BYTES);
  if (fuzz_one_in(run, 8)) {
    d = journal_move(run, file, data);
    d.file = number;
    return d;
  }
  d.file = number;
  bool seal = fuzz_one_in(run, 2);
  do {
    const struct journal_batch *batch;
    uint64_t at = journal_spot(run, file, &batch), from = at, to = at + 64;
    if (to > JOURNAL_BYTES) at = from = JOURNAL_BYTES - 64, to = JOURNAL_BYTES;
    journal_change(run, data, at);
    if (seal && batch) journal_seal(data, batch), from = batch->at < from ? batch->at : from, d.sealed = true;
    if (seal && at < FSM_JOURNAL_BLOCK)
      journal_seal_segment(data), from = 0, to = FSM_JOURNAL_BLOCK, d.sealed = true;
    d.from = from < d.from ? from : d.from;
    d.to = to > d.to ? to : d.to;
  } while (fuzz_one_in(run, 3));
  return d;
}

static inline void journal_put(const journal_file *file, const uint8_t *data, uint64_t from, uint64_t to) {
  if (pwrite(file->fd, data + from, to - from, (off_t)from) != (ssize_t)(to - from))
    fail_msg("cannot write a segment");
}

/* What can be read is what was written, in order and without a gap; a fault may end it. */
static inline void journal_expect_prefix(fuzz_run *run, const journal_place *place, fsm__journal *journal,
                                         bool sealed) {
  fsm__journal_cursor *cursor = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__journal_cursor_open(journal, 1, &cursor, &err);
  if (!fuzz_expect_error(run, code, &err) || code != FSM_OK) return;
  uint64_t last = fsm__journal_durable_seq(journal), seq = 0;
  bool found = true;
  while (code == FSM_OK && found && !run->failure[0]) {
    fsm__journal_entry entry;
    fsm_error fault = fuzz_error();
    code = fsm__journal_next(cursor, &entry, &found, &fault);
    fuzz_expect_error(run, code, &fault);
    if (code != FSM_OK || !found) break;
    fuzz_expect(run, entry.seq == ++seq, "records come without a gap");
    if (sealed || run->failure[0]) continue;
    fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
    fuzz_expect(run, seq <= place->last_seq && memcmp(&leaf, &place->leaves[seq], sizeof leaf) == 0,
                "a record that is read is the one that was written");
  }
  if (code == FSM_OK) fuzz_expect(run, seq == last, "all records that are durable can be read");
  fsm__journal_cursor_close(cursor);
}

static inline void journal_look(fuzz_run *run, journal_place *place, const journal_damage *d) {
  char dir[96];
  snprintf(dir, sizeof dir, "%s/journal", place->filled.dir);
  const uint64_t floors[] = {0, place->last_seq, 1 + fuzz_below(run, place->last_seq)};
  uint64_t floor = floors[fuzz_below(run, 3)];
  fsm__journal_options options = {.dir = dir,
                                  .origin = place->filled.origin,
                                  .segment_bytes = JOURNAL_BYTES,
                                  .read_only = true,
                                  .floor_seq = floor};
  fsm__journal *journal = NULL;
  fsm__recovery found;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__journal_open(&options, &journal, &found, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_ECORRUPT || code == FSM_EVERSION || d->sealed,
                "a damaged journal is corrupt");
    fuzz_expect(run, journal == NULL && err.where[0], "a journal that is refused says where");
    return;
  }
  fuzz_expect(run, found.last_seq >= floor, "nothing below the floor is cut");
  fuzz_expect(run, d->sealed || found.last_seq <= place->last_seq, "nothing is made up");
  journal_expect_prefix(run, place, journal, d->sealed);
  fsm__journal_check check;
  err = fuzz_error();
  code = fsm__journal_verify(journal, &check, &err);
  if (fuzz_expect_error(run, code, &err) && code == FSM_OK && !d->sealed)
    fuzz_expect(run,
                check.last_seq == found.last_seq &&
                    memcmp(&check.head, &place->leaves[check.last_seq], sizeof check.head) == 0,
                "what verifies is what was written");
  fsm__journal_close(journal);
}

static inline void journal_one(fuzz_run *run) {
  static uint8_t data[JOURNAL_BYTES];
  journal_place *place = run->own;
  journal_damage d = journal_harm(run, place, data);
  const journal_file *file = &place->files[d.file];
  journal_put(file, data, d.from, d.to);
  uint64_t cut = fuzz_one_in(run, 40) ? fuzz_below(run, JOURNAL_BYTES) : 0;
  if (cut && ftruncate(file->fd, (off_t)cut) != 0) fail_msg("cannot cut a segment");
  fuzz_input(run, data + d.from, d.to - d.from);
  journal_look(run, place, &d);
  journal_put(file, file->data, d.from, d.to);
  if (cut) journal_put(file, file->data, 0, JOURNAL_BYTES);
}

#endif
