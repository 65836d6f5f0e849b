/* snapshot_read.c: a snapshot's file from its first byte to its last, block by block. See snapshot.h.
 *
 * Nothing of a block is handed out before its checksum, its place in the order and the shape of its rows are
 * right; whether all blocks are there is known at the footer, so what was loaded before counts only then. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/snapshot_impl.h"

struct fsm__snapshot_file {
  fsm__path path;
  int fd;
  uint64_t at; /* of the next block */
  fsm__digest *digest;
  uint8_t *payload;
  size_t cap;
  fsm__snapshot_info info;
  /* order */
  bool started, closed;
  fsm__table table; /* of the last block */
  uint64_t seq;
  uint8_t last[FSM_STORE_KEY_MAX]; /* key of the last row of the table */
  size_t last_len;
  unsigned tables; /* a bit each: there was one */
};

static fsm_code damaged(const fsm__snapshot_file *file, uint64_t at, const char *how, fsm_error *err) {
  char where[FSM_WHERE_MAX];
  const char *path = file->path.text;
  size_t len = strlen(path), most = 150; /* its end tells which it is */
  snprintf(where, sizeof where, "%.150s:%llu", len > most ? path + len - most : path, (unsigned long long)at);
  return fsm_fail(err, FSM_ECORRUPT, where, "the snapshot is damaged: %s", how);
}

/* Exactly len bytes, or FSM_ECORRUPT: the file ends there. */
static fsm_code take(fsm__snapshot_file *file, void *out, size_t len, fsm_error *err) {
  for (size_t done = 0; done < len;) {
    ssize_t n = read(file->fd, (char *)out + done, len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fsm__file_fault(err, file->path.text, "the snapshot cannot be read");
    if (n == 0) return damaged(file, file->at, "the file ends in the middle", err);
    done += (size_t)n;
  }
  return FSM_OK;
}

fsm_code fsm__snapshot_file_open(const char *path, fsm__snapshot_file **out, fsm__snapshot_info *info,
                                 fsm_error *err) {
  *out = NULL;
  fsm__snapshot_file *file = calloc(1, sizeof *file);
  if (file == NULL) return fsm_fail(err, FSM_ENOMEM, path, "no memory to read a snapshot");
  file->fd = -1;
  fsm_code code = fsm__path_of(&file->path, err, "%s", path);
  if (code == FSM_OK) {
    file->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file->fd < 0) code = fsm__file_fault(err, path, "the snapshot cannot be opened");
  }
  file->digest = fsm__digest_new();
  if (code == FSM_OK && file->digest == NULL)
    code = fsm_fail(err, FSM_ENOMEM, path, "no memory to read a snapshot");
  uint8_t head[FSM__SNAPSHOT_HEAD];
  if (code == FSM_OK) code = take(file, head, sizeof head, err);
  if (code == FSM_OK) code = fsm__snapshot_head_decode(head, path, &file->info, err);
  if (code != FSM_OK) {
    fsm__snapshot_file_close(file);
    return code;
  }
  fsm__digest_add(file->digest, head, sizeof head);
  file->at = sizeof head;
  *info = file->info;
  *out = file;
  return FSM_OK;
}

void fsm__snapshot_file_close(fsm__snapshot_file *file) {
  if (file == NULL) return;
  if (file->fd >= 0) close(file->fd);
  if (file->digest != NULL) (void)fsm__digest_end(file->digest);
  free(file->payload);
  free(file);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

/* Where a block may come: tables at A, then instances, then the others; within a table chunks as they were
 * read, their seqs not going back. NULL = it may. */
static const char *out_of_place(const fsm__snapshot_file *file, const fsm__block_head *head) {
  if (head->table >= FSM_TABLE_COUNT) return "a block is of no table";
  if (file->closed) return "a block comes behind the last one";
  if (head->closing)
    return head->table == FSM_T_COUNTERS && head->from_len == 0 && head->seq >= file->seq &&
                   file->tables >> FSM_T_INSTANCES & 1
               ? NULL
               : "the last block is not that of the counters";
  fsm__copied copied = fsm__snapshot_copies((fsm__table)head->table);
  bool same = file->started && head->table == (uint32_t)file->table;
  if (copied == FSM__COPIED_NOT) return "a block is of a table that is not copied";
  if (copied == FSM__COPIED_AT_A && head->seq != file->info.from_seq)
    return "a block of what is copied at one seq has another one";
  if (head->seq < file->info.from_seq || (file->started && head->seq < file->seq))
    return "the seq of a block goes back";
  if (head->continued && (!same || head->seq != file->seq || head->from_len != 0))
    return "a block goes on with a chunk that is not before it";
  if (!same && (head->continued || head->from_len != 0)) return "a table does not begin with its first chunk";
  if (!same && file->tables >> head->table & 1) return "the blocks of a table are not together";
  if (same && !head->continued && head->from_len == 0) return "a table begins twice";
  if (copied == FSM__COPIED_IN_CHUNKS && head->table != FSM_T_INSTANCES &&
      !(file->tables >> FSM_T_INSTANCES & 1))
    return "an index comes before the instances";
  return NULL;
}

/* Rows as many as said, keys rising, none before the chunk. NULL = so it is. */
static const char *bad_rows(fsm__snapshot_file *file, const fsm__block_head *head, const uint8_t *payload) {
  const uint8_t *at = payload + head->from_len, *end = payload + head->length;
  fsm__row row;
  uint32_t count = 0;
  if (!file->started || head->table != (uint32_t)file->table) file->last_len = 0;
  if (head->from_len > 0 && file->last_len > 0 &&
      fsm__keys_compare(payload, head->from_len, file->last, file->last_len) <= 0)
    return "a chunk begins before the end of the one before";
  for (; fsm__chunk_row(&at, end, &row); count++) {
    if (file->last_len > 0 && fsm__keys_compare(row.key, row.key_len, file->last, file->last_len) <= 0)
      return "the keys of the rows do not rise";
    if (head->from_len > 0 && fsm__keys_compare(row.key, row.key_len, payload, head->from_len) < 0)
      return "a row is before its chunk";
    memcpy(file->last, row.key, row.key_len);
    file->last_len = row.key_len;
  }
  if (at != end) return "a row cannot be read";
  return count == head->count ? NULL : "the rows of a block are not as many as it says";
}

static fsm_code read_payload(fsm__snapshot_file *file, const fsm__block_head *head, fsm_error *err) {
  struct stat st;
  if (fstat(file->fd, &st) != 0) return fsm__file_fault(err, file->path.text, "the snapshot cannot be read");
  if ((uint64_t)st.st_size < file->at + FSM__BLOCK_HEAD + head->length)
    return damaged(file, file->at, "a block is longer than the file",
                   err);                                   /* before memory is taken for it */
  if (file->payload == NULL || head->length > file->cap) { /* also an empty block has a place */
    uint8_t *grown = realloc(file->payload, (size_t)head->length + 1);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, file->path.text, "no memory for a block");
    file->payload = grown;
    file->cap = head->length;
  }
  return head->length > 0 ? take(file, file->payload, head->length, err) : FSM_OK;
}

static fsm_code read_foot(fsm__snapshot_file *file, const uint8_t *begun, fsm__snapshot_info *info,
                          fsm_error *err) {
  uint8_t foot[FSM__SNAPSHOT_FOOT], more;
  fsm__snapshot_info said = file->info;
  memcpy(foot, begun, FSM__BLOCK_HEAD);
  fsm_code code = take(file, foot + FSM__BLOCK_HEAD, sizeof foot - FSM__BLOCK_HEAD, err);
  if (code != FSM_OK) return code;
  fsm__hash hash = fsm__digest_end(file->digest);
  file->digest = NULL;
  if (!fsm__snapshot_foot_decode(foot, &said))
    return damaged(file, file->at, "the footer has a wrong checksum", err);
  if (said.rows != file->info.rows || said.blocks != file->info.blocks || said.to_seq != file->seq ||
      !file->closed)
    return damaged(file, file->at, "there are not the blocks and rows that the footer tells of", err);
  if (memcmp(&hash, &said.hash, sizeof hash) != 0)
    return damaged(file, file->at, "the hash of the whole is another", err);
  if (read(file->fd, &more, 1) != 0) return damaged(file, file->at, "something comes behind the footer", err);
  said.bytes = file->at + sizeof foot;
  *info = said;
  return FSM_OK;
}

fsm_code fsm__snapshot_file_next(fsm__snapshot_file *file, fsm__snapshot_block *out, bool *found,
                                 fsm__snapshot_info *info, fsm_error *err) {
  FSM_ASSERT(file->digest != NULL); /* not behind the end */
  uint8_t bytes[FSM__BLOCK_HEAD];
  fsm__block_head head;
  *found = false;
  fsm_code code = take(file, bytes, sizeof bytes, err);
  if (code != FSM_OK) return code;
  fsm__part part = fsm__block_decode(bytes, &head);
  if (part == FSM__PART_FOOT) return read_foot(file, bytes, info, err);
  if (part == FSM__PART_NONE) return damaged(file, file->at, "this is no block", err);
  code = read_payload(file, &head, err);
  if (code != FSM_OK) return code;
  if (!fsm__block_intact(bytes, file->payload, head.length))
    return damaged(file, file->at, "a block has a wrong checksum", err);
  const char *fault = out_of_place(file, &head);
  if (fault == NULL) fault = bad_rows(file, &head, file->payload);
  if (fault != NULL) return damaged(file, file->at, fault, err);
  fsm__digest_add(file->digest, bytes, sizeof bytes);
  fsm__digest_add(file->digest, file->payload, head.length);
  file->at += sizeof bytes + head.length;
  file->started = true;
  file->closed = head.closing;
  file->table = (fsm__table)head.table;
  file->tables |= 1u << head.table;
  file->seq = head.seq;
  file->info.blocks++;
  file->info.rows += head.count;
  *out = (fsm__snapshot_block){.table = file->table,
                               .seq = head.seq,
                               .continued = head.continued,
                               .closing = head.closing,
                               .from = file->payload,
                               .from_len = head.from_len,
                               .count = head.count,
                               .rows = file->payload + head.from_len,
                               .end = file->payload + head.length};
  *found = true;
  return FSM_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static bool same(const fsm__snapshot_info *a, const fsm__snapshot_info *b) {
  return memcmp(&a->origin, &b->origin, sizeof a->origin) == 0 && a->from_seq == b->from_seq &&
         a->to_seq == b->to_seq && a->rows == b->rows && a->blocks == b->blocks && a->bytes == b->bytes &&
         memcmp(&a->hash, &b->hash, sizeof a->hash) == 0;
}

fsm_code fsm__snapshot_check(const char *path, fsm__snapshot_info *out, fsm_error *err) {
  fsm__path rows, manifest;
  fsm__snapshot_file *file = NULL;
  fsm__snapshot_info told;
  fsm__snapshot_block block;
  fsm_code code = fsm__path_of(&rows, err, "%s/" FSM_SNAPSHOT_ROWS, path);
  if (code == FSM_OK) code = fsm__path_of(&manifest, err, "%s/manifest", path);
  if (code == FSM_OK) code = fsm__snapshot_file_open(rows.text, &file, out, err);
  for (bool found = true; code == FSM_OK && found;)
    code = fsm__snapshot_file_next(file, &block, &found, out, err);
  fsm__snapshot_file_close(file);
  if (code != FSM_OK || !fsm__path_exists(manifest.text)) return code;
  code = fsm__snapshot_describe(path, &told, err);
  if (code == FSM_OK && !same(&told, out))
    code = fsm_fail(err, FSM_ECORRUPT, manifest.text, "the manifest tells of other rows than there are");
  if (code == FSM_OK) out->verified_ns = told.verified_ns;
  return code;
}
