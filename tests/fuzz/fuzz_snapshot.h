/* fuzz_snapshot.h: targets snapshot (the reader of a snapshot's file) and manifest (of a snapshot). */
#ifndef FSM_TESTS_FUZZ_SNAPSHOT_H
#define FSM_TESTS_FUZZ_SNAPSHOT_H

#include <fcntl.h>

#include "runtime/crc32c.h"
#include "runtime/manifest.h"
#include "runtime/snapshot_impl.h"
#include "tests/fuzz/mutate.h"

typedef struct snapshot_place {
  char path[64];
} snapshot_place;

static inline void snapshot_rows(fsm_buf *rows, unsigned count, uint8_t first) {
  for (unsigned i = 0; i < count; i++) {
    const uint8_t row[FSM_ROW_HEAD + 9 + 3] = {9,  0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(first + i),
                                               's'};
    fsm_buf_add(rows, row, sizeof row);
  }
}

static inline void snapshot_block(fsm_buf *out, fsm__block_head head, const char *from, const fsm_buf *rows) {
  uint8_t bytes[FSM__BLOCK_HEAD];
  head.length = head.from_len + (uint32_t)rows->len;
  fsm__block_encode(&head, from, rows->data, rows->len, bytes);
  fsm_buf_add(out, bytes, sizeof bytes);
  if (head.from_len > 0) fsm_buf_add(out, from, head.from_len);
  if (rows->len > 0) fsm_buf_add(out, rows->data, rows->len);
}

/* The footer made to fit what is before it, when there is one: what a forger would do. */
static inline void snapshot_close_file(uint8_t *data, size_t len, uint64_t to_seq, uint64_t blocks,
                                       uint64_t rows) {
  fsm__snapshot_info info = {.to_seq = to_seq, .blocks = blocks, .rows = rows};
  info.hash = fsm__sha256(data, len - FSM__SNAPSHOT_FOOT);
  fsm__snapshot_foot_encode(&info, data + len - FSM__SNAPSHOT_FOOT);
}

static inline void snapshot_open(fuzz_run *run) {
  snapshot_place *at = fsm_arena_zalloc(&run->kept, 1, sizeof *at);
  snprintf(at->path, sizeof at->path, "/tmp/fsm-fuzz-XXXXXX");
  int fd = mkstemp(at->path);
  if (fd < 0) fail_msg("no file");
  close(fd);
  run->own = at;
  fsm_buf out = {0}, none = {0}, some = {0}, more = {0};
  const fsm__snapshot_info info = {.from_seq = 7, .made_ns = 5};
  uint8_t head[FSM__SNAPSHOT_HEAD], foot[FSM__SNAPSHOT_FOOT] = {0};
  fsm__snapshot_head_encode(&info, head);
  fsm_buf_add(&out, head, sizeof head);
  snapshot_rows(&some, 5, 1);
  snapshot_rows(&more, 3, 9);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_MACHINES, .seq = 7}, NULL, &none);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_COUNTERS, .seq = 7, .count = 5}, NULL, &some);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_INSTANCES, .seq = 8, .count = 5}, NULL, &some);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_INSTANCES, .seq = 9, .count = 3, .from_len = 8},
                 "\0\0\0\0\0\0\0\6", &more);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_DUE, .seq = 9}, NULL, &none);
  snapshot_block(&out, (fsm__block_head){.table = FSM_T_COUNTERS, .seq = 11, .count = 5, .closing = true},
                 NULL, &some);
  fsm_buf_add(&out, foot, sizeof foot);
  snapshot_close_file((uint8_t *)out.data, out.len, 11, 6, 18);
  fuzz_seed_add(run, out.data, out.len);
  fsm_buf_free(&out);
  fsm_buf_free(&some);
  fsm_buf_free(&more);
}

static inline void snapshot_close(fuzz_run *run) {
  const snapshot_place *at = run->own;
  unlink(at->path);
}

/* Checksums made right, block by block as far as they can be told. */
static inline void snapshot_seal(uint8_t *data, size_t len) {
  fsm__block_head head;
  uint64_t seq = 0, blocks = 0, rows = 0;
  if (len < FSM__SNAPSHOT_HEAD + FSM__SNAPSHOT_FOOT) return;
  uint32_t crc = fsm__crc32c(0, data, FSM__SNAPSHOT_HEAD - 4);
  for (unsigned i = 0; i < 4; i++) data[FSM__SNAPSHOT_HEAD - 4 + i] = (uint8_t)(crc >> (8 * i));
  size_t at = FSM__SNAPSHOT_HEAD, end = len - FSM__SNAPSHOT_FOOT;
  while (end - at >= FSM__BLOCK_HEAD && fsm__block_decode(data + at, &head) == FSM__PART_BLOCK &&
         head.length <= end - at - FSM__BLOCK_HEAD) {
    const uint8_t *payload = data + at + FSM__BLOCK_HEAD;
    fsm__block_encode(&head, payload, payload + head.from_len, head.length - head.from_len, data + at);
    at += FSM__BLOCK_HEAD + head.length;
    seq = head.seq;
    blocks++;
    rows += head.count;
  }
  if (at == end) snapshot_close_file(data, len, seq, blocks, rows);
}

static inline fsm_code snapshot_read(fuzz_run *run, const char *path, fsm_error *err) {
  fsm__snapshot_file *file = NULL;
  fsm__snapshot_info info;
  fsm__snapshot_block block;
  uint64_t rows = 0, seq = 0;
  fsm_code code = fsm__snapshot_file_open(path, &file, &info, err);
  for (bool found = true; code == FSM_OK && found && !run->failure[0];) {
    code = fsm__snapshot_file_next(file, &block, &found, &info, err);
    if (code != FSM_OK || !found) break;
    fuzz_expect(run, block.table < FSM_TABLE_COUNT && block.seq >= seq, "blocks are of tables, in order");
    const uint8_t *at = block.rows;
    fsm__row row;
    for (uint32_t i = 0; i < block.count; i++, rows++)
      fuzz_expect(run, fsm__chunk_row(&at, block.end, &row), "a block has the rows that it says");
    fuzz_expect(run, at == block.end, "and nothing behind them");
    seq = block.seq;
  }
  if (code == FSM_OK && !run->failure[0])
    fuzz_expect(run, info.rows == rows && info.to_seq == seq, "the footer tells what was read");
  fsm__snapshot_file_close(file);
  return code;
}

static inline void snapshot_one(fuzz_run *run) {
  const snapshot_place *at = run->own;
  fuzz_input_mutated(run);
  if (!fuzz_one_in(run, 4)) snapshot_seal(run->input, run->input_len);
  int fd = open(at->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0 || write(fd, run->input, run->input_len) != (ssize_t)run->input_len || close(fd) != 0)
    fail_msg("cannot write %s", at->path);
  fsm_error err = fuzz_error();
  fsm_code code = snapshot_read(run, at->path, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err) || code == FSM_OK) return;
  fuzz_expect(run, code == FSM_ECORRUPT || code == FSM_EVERSION, "a damaged snapshot is corrupt");
}

/* ---- manifest ------------------------------------------------------------------------------------ */

static inline void manifest_file(const fuzz_run *run, char out[96]) {
  snprintf(out, 96, "%s/" FSM_MANIFEST_NAME, ((const snapshot_place *)run->own)->path);
}

static inline void manifest_open(fuzz_run *run) {
  static const char *const tokens[] = {"store ", "from ", "to ", "rows ", "18446744073709551616", "\n", NULL};
  snapshot_place *at = fsm_arena_zalloc(&run->kept, 1, sizeof *at);
  char path[96];
  snprintf(at->path, sizeof at->path, "/tmp/fsm-fuzz-XXXXXX");
  run->own = at;
  run->tokens = tokens;
  const fsm__snapshot_info info = {.origin = {.store = "a store of tests", .partition = 3, .epoch = 7},
                                   .from_seq = 7,
                                   .to_seq = UINT64_MAX,
                                   .blocks = 2,
                                   .rows = 3,
                                   .made_ns = 5};
  fsm_buf seed = {0};
  if (mkdtemp(at->path) == NULL || fsm__snapshot_manifest_save(at->path, &info, NULL) != FSM_OK)
    fail_msg("no manifest");
  manifest_file(run, path);
  if (fsm__file_read(path, FSM_MANIFEST_BYTES_MAX, &seed, NULL) != FSM_OK) fail_msg("no manifest");
  fuzz_seed_add(run, seed.data, seed.len);
  fsm_buf_free(&seed);
}

static inline void manifest_close(fuzz_run *run) {
  char path[96];
  manifest_file(run, path);
  unlink(path);
  rmdir(((const snapshot_place *)run->own)->path);
}

/* The hash made right; what is before it is what a person has edited. */
static inline void manifest_seal(uint8_t *data, size_t len) {
  enum { SEAL = 7 + 2 * FSM_HASH_BYTES + 1 };
  char hex[2 * FSM_HASH_BYTES + 1];
  if (len < SEAL) return;
  fsm__hash hash = fsm__sha256(data, len - SEAL);
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  memcpy(data + len - SEAL, "sha256 ", 7);
  memcpy(data + len - SEAL + 7, hex, 2 * FSM_HASH_BYTES);
  data[len - 1] = '\n';
}

static inline void manifest_one(fuzz_run *run) {
  const snapshot_place *at = run->own;
  char path[96];
  manifest_file(run, path);
  fuzz_input_mutated(run);
  bool sealed = !fuzz_one_in(run, 4);
  if (sealed) manifest_seal(run->input, run->input_len);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, run->input, run->input_len) != (ssize_t)run->input_len || close(fd) != 0)
    fail_msg("cannot write %s", path);
  fsm__snapshot_info info = {.from_seq = 77}, again;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__snapshot_describe(at->path, &info, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_ECORRUPT || code == FSM_EVERSION, "a damaged manifest is corrupt");
    return;
  }
  if (fsm__snapshot_manifest_save(at->path, &info, NULL) != FSM_OK) fail_msg("cannot write %s", path);
  code = fsm__snapshot_describe(at->path, &again, &err);
  fuzz_expect(run,
              code == FSM_OK && memcmp(&again.origin, &info.origin, sizeof info.origin) == 0 &&
                  again.from_seq == info.from_seq && again.to_seq == info.to_seq && again.rows == info.rows &&
                  again.blocks == info.blocks && again.verified_ns == info.verified_ns &&
                  memcmp(&again.hash, &info.hash, sizeof info.hash) == 0,
              "a manifest that is taken is written as what was read");
}

#endif
