/* snapshot_write.c: copying the store into a file while others work. See snapshot.h.
 *
 * A chunk is read in a short transaction, then written with no transaction open. The file is synced every few
 * megabytes and the copier rests between chunks, so that neither the disk nor the processor is taken from the
 * writer for long. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/queue.h"
#include "runtime/snapshot_impl.h"

enum { SYNC_EVERY_BYTES = 4 * 1024 * 1024, REST_MAX_MS = 50 };

typedef struct copier {
  const fsm__snapshot_options *options;
  fsm__path tmp, rows;
  int fd;
  size_t unsynced;
  fsm__digest *digest;
  fsm__snapshot_info info;
  bool closing;
} copier;

static fsm_code write_bytes(copier *c, const void *data, size_t len, fsm_error *err) {
  if (c->digest != NULL) fsm__digest_add(c->digest, data, len);
  for (size_t done = 0; done < len;) {
    ssize_t n = write(c->fd, (const char *)data + done, len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fsm__file_fault(err, c->rows.text, "the snapshot cannot be written");
    done += (size_t)n;
  }
  c->info.bytes += len;
  c->unsynced += len;
  if (c->unsynced < SYNC_EVERY_BYTES) return FSM_OK;
  c->unsynced = 0;
  return fdatasync(c->fd) == 0 ? FSM_OK : fsm__file_fault(err, c->rows.text, "the snapshot cannot be synced");
}

/* One block: rows of [at, *next), as many as reach the size of a block. */
static fsm_code write_block(copier *c, const fsm__chunk *chunk, const uint8_t *at, const uint8_t **next,
                            bool continued, fsm_error *err) {
  const uint8_t *end = (const uint8_t *)chunk->rows.data + chunk->rows.len, *to = at;
  fsm__block_head head = {
      .table = chunk->table, .seq = chunk->seq, .continued = continued, .closing = c->closing};
  fsm__row row;
  while (to - at < FSM__BLOCK_BYTES && to < end) {
    FSM_ASSERT(fsm__chunk_row(&to, end, &row));
    head.count++;
  }
  head.from_len = continued ? 0 : (uint32_t)chunk->from_len;
  head.length = head.from_len + (uint32_t)(to - at);
  uint8_t bytes[FSM__BLOCK_HEAD];
  fsm__block_encode(&head, chunk->from, at, (size_t)(to - at), bytes);
  fsm_code code = write_bytes(c, bytes, sizeof bytes, err);
  if (code == FSM_OK && head.from_len > 0) code = write_bytes(c, chunk->from, head.from_len, err);
  if (code == FSM_OK && to > at) code = write_bytes(c, at, (size_t)(to - at), err);
  c->info.blocks++;
  c->info.rows += head.count;
  *next = to;
  return code;
}

static fsm_code write_chunk(copier *c, const fsm__chunk *chunk, fsm_error *err) {
  const uint8_t *at = (const uint8_t *)chunk->rows.data;
  const uint8_t *end = at + chunk->rows.len;
  c->info.to_seq = chunk->seq;
  c->info.to_leaf = chunk->leaf;
  fsm_code code = write_block(c, chunk, at, &at, false, err);
  while (code == FSM_OK && at < end) code = write_block(c, chunk, at, &at, true, err);
  return code;
}

/* ---- the two passes ----------------------------------------------------------------------------- */

/* What is not of an instance, all of it in one transaction: A is its applied seq. */
static fsm_code copy_at_a(copier *c, fsm_error *err) {
  fsm__chunk chunks[FSM_TABLE_COUNT] = {{.count = 0}};
  fsm__snapshot_reader *reader = NULL;
  fsm_code code = fsm__store_snapshot(c->options->store, &reader, &c->info.from_seq, err);
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++) {
    if (fsm__snapshot_copies((fsm__table)t) != FSM__COPIED_AT_A) continue;
    fsm__chunk_start(&chunks[t], (fsm__table)t);
    code = fsm__chunk_table(reader, c->info.from_seq, &chunks[t], err);
    c->info.from_leaf = chunks[t].leaf;
  }
  if (reader != NULL) fsm__snapshot_close(reader);
  uint8_t head[FSM__SNAPSHOT_HEAD];
  fsm__snapshot_head_encode(&c->info, head);
  if (code == FSM_OK) code = write_bytes(c, head, sizeof head, err);
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++)
    if (fsm__snapshot_copies((fsm__table)t) == FSM__COPIED_AT_A) code = write_chunk(c, &chunks[t], err);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) fsm__chunk_free(&chunks[t]);
  return code;
}

static void rest(const copier *c, int64_t worked_ns) {
  const int64_t most = (int64_t)REST_MAX_MS * 1000000;
  unsigned percent = c->options->rest_percent < 95 ? c->options->rest_percent : 95;
  int64_t ns = worked_ns * percent / (100 - percent);
  if (ns <= 0) return;
  nanosleep(&(struct timespec){.tv_nsec = ns < most ? ns : most}, NULL);
}

static fsm_code copy_table(copier *c, fsm__table table, fsm__chunk *chunk, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (fsm__chunk_start(chunk, table); code == FSM_OK && !chunk->last;) {
    int64_t began_ns = fsm__monotonic_ns();
    if (c->options->stop != NULL && atomic_load(c->options->stop))
      return fsm_fail(err, FSM_ECLOSED, c->tmp.text, "the snapshot was not finished");
    code = fsm__chunk_read(c->options->store, chunk,
                           c->options->chunk_bytes > 0 ? c->options->chunk_bytes : FSM_CHUNK_BYTES, err);
    if (code == FSM_OK) code = write_chunk(c, chunk, err);
    if (c->options->between != NULL) c->options->between(c->options->between_arg, table);
    rest(c, fsm__monotonic_ns() - began_ns);
  }
  return code;
}

/* The counters once more, as of B, in one block: there are few. */
static fsm_code copy_closing(copier *c, fsm__chunk *chunk, fsm_error *err) {
  fsm__chunk_start(chunk, FSM_T_COUNTERS);
  fsm_code code = fsm__chunk_read(c->options->store, chunk, SIZE_MAX, err);
  c->closing = true;
  return code == FSM_OK ? write_chunk(c, chunk, err) : code;
}

/* `instances` first: see snapshot.h. */
static fsm_code copy_in_chunks(copier *c, fsm_error *err) {
  fsm__chunk chunk = {.count = 0};
  fsm_code code = copy_table(c, FSM_T_INSTANCES, &chunk, err);
  for (unsigned t = 0; code == FSM_OK && t < FSM_TABLE_COUNT; t++)
    if (t != FSM_T_INSTANCES && fsm__snapshot_copies((fsm__table)t) == FSM__COPIED_IN_CHUNKS)
      code = copy_table(c, (fsm__table)t, &chunk, err);
  if (code == FSM_OK) code = copy_closing(c, &chunk, err);
  fsm__chunk_free(&chunk);
  return code;
}

/* ---- the file and its directory ------------------------------------------------------------------ */

static fsm_code copier_open(copier *c, fsm_error *err) {
  c->fd = -1;
  fsm_code code = fsm__path_of(&c->tmp, err, "%s/tmp-%ld", c->options->dir, (long)getpid());
  if (code == FSM_OK) code = fsm__path_of(&c->rows, err, "%s/" FSM_SNAPSHOT_ROWS, c->tmp.text);
  if (code == FSM_OK) code = fsm__dir_make(c->options->dir, err);
  if (code != FSM_OK) return code;
  fsm__tree_remove(c->tmp.text);
  code = fsm__dir_make(c->tmp.text, err);
  if (code != FSM_OK) return code;
  c->fd = open(c->rows.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (c->fd < 0) return fsm__file_fault(err, c->rows.text, "the snapshot cannot be made");
  c->digest = fsm__digest_new();
  return c->digest != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
}

static fsm_code copier_end(copier *c, fsm_error *err) {
  uint8_t foot[FSM__SNAPSHOT_FOOT];
  c->info.hash = fsm__digest_end(c->digest);
  c->digest = NULL;
  fsm__snapshot_foot_encode(&c->info, foot);
  fsm_code code = write_bytes(c, foot, sizeof foot, err);
  if (code == FSM_OK && fsync(c->fd) != 0)
    code = fsm__file_fault(err, c->rows.text, "the snapshot cannot be synced");
  if (code == FSM_OK) code = fsm__snapshot_manifest_save(c->tmp.text, &c->info, err);
  return code;
}

static fsm_code put_in_place(copier *c, fsm_error *err) {
  fsm__path path;
  fsm_code code = fsm__snapshot_path(c->options->dir, c->info.from_seq, &path, err);
  if (code != FSM_OK) return code;
  fsm__snapshot_info there;
  if (fsm__path_exists(path.text) && fsm__snapshot_describe(path.text, &there, NULL) == FSM_OK) {
    c->info = there;
    return FSM_OK;
  }
  fsm__tree_remove(path.text); /* damaged: this one is whole */
  return fsm__file_move(c->tmp.text, path.text, err);
}

fsm_code fsm__snapshot_make(const fsm__snapshot_options *options, fsm__snapshot_info *out, fsm_error *err) {
  FSM_ASSERT(options->store != NULL && options->dir != NULL);
  copier *c = calloc(1, sizeof *c);
  if (c == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
  c->options = options;
  c->info = (fsm__snapshot_info){.origin = options->origin, .made_ns = options->now_ns};
  fsm_code code = copier_open(c, err);
  if (code == FSM_OK) code = copy_at_a(c, err);
  if (code == FSM_OK) code = copy_in_chunks(c, err);
  if (code == FSM_OK) code = copier_end(c, err);
  if (c->digest != NULL) (void)fsm__digest_end(c->digest);
  if (c->fd >= 0 && close(c->fd) != 0 && code == FSM_OK)
    code = fsm__file_fault(err, c->rows.text, "the snapshot cannot be closed");
  if (code == FSM_OK) code = put_in_place(c, err);
  if (c->tmp.text[0] != '\0') fsm__tree_remove(c->tmp.text);
  if (code == FSM_OK) *out = c->info;
  free(c);
  return code;
}
