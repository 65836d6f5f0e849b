/* snapshot.h: the store on disk as a file, copied while the writer works: the one mechanism for backup,
 * retention and rebuild (DESIGN 5). Directory `<data>/snapshots/<seq>/` (20 digits): `rows` and `manifest`.
 *
 * A snapshot is fuzzy. `machines`, `names` and `counters` are copied in one transaction at applied seq A,
 * then the other tables in chunks, each a range of keys at an applied seq of its own, `instances` first. So a
 * row is as it was at some seq between A and B, the last of them, and the rows of one instance at one seq.
 * Loading puts the chunks into an empty store and replays the journal from A + 1 to B with one rule: what a
 * frame does to a row whose chunk is as new as the frame is dropped (ahead.h), and of a frame whose instance
 * is as new nothing is worked out at all. That is exact:
 *  - an instance's rows are of one seq, so what a later frame reads of it is what the writer read;
 *  - the other tables are copied after `instances`, so a frame that is passed over has done what it does to
 *    them before they were copied;
 *  - `counters` is copied a second time, last, so at B, and these rows are put in place at the end: meanwhile
 *    only the number of the last instance counts, which goes in step with the frames;
 *  - what is dropped from the front of a table (`starts`) is found there as the writer found it: what is
 *  - what is dropped from the front of a table (`starts`) is found there as the writer found it: what is
 *    before the chunk in question is exact, what is behind it is not touched;
 *    goes in step with the frames from there.
 * No other rule is about a kind of row; a table that is added later needs none as long as what applying a
 * frame reads is of its own instance, or as `starts` is.
 *
 * rows: a header, blocks (a chunk is one block or several), a footer, each with a CRC-32C; the SHA-256 of all
 * before the footer is in it and in the manifest. Little endian. Reading needs memory for one block.
 */
#ifndef FSM_RUNTIME_SNAPSHOT_H
#define FSM_RUNTIME_SNAPSHOT_H

#include <stdatomic.h>

#include "runtime/catalog.h"
#include "runtime/core.h"
#include "runtime/files.h"

enum {
  FSM_SNAPSHOT_FORMAT = 1,
  FSM_SNAPSHOTS_MAX = 4096, /* that are listed */
  FSM_SNAPSHOT_BLOCK_MAX = FSM_STORE_VALUE_MAX + 2 * 1024 * 1024
};
#define FSM_SNAPSHOT_DIR "snapshots"
#define FSM_SNAPSHOT_ROWS "rows"

typedef struct fsm__snapshot_info {
  fsm_origin origin;
  uint64_t from_seq, to_seq;    /* A, B */
  fsm__hash from_leaf, to_leaf; /* of these records */
  int64_t made_ns, verified_ns; /* wall clock; verified_ns 0 = it is not */
  uint64_t rows, blocks, bytes; /* bytes: of the file */
  fsm__hash hash;               /* of the file up to its footer */
} fsm__snapshot_info;

/* ---- making ---- */

typedef struct fsm__snapshot_options {
  fsm__store *store; /* any thread's */
  fsm_origin origin;
  const char *dir;          /* …/snapshots: made when missing */
  int64_t now_ns;           /* for made_ns */
  const _Atomic bool *stop; /* may be set meanwhile: FSM_ECLOSED; NULL = never */
  unsigned rest_percent;    /* of the time: how long to let others work; 0 = not at all, at most 95 */
  void (*between)(
      void *arg,
      fsm__table table); /* called after each chunk; NULL = nothing (tests do something to the store) */
  void *between_arg;
  size_t chunk_bytes; /* 0 = FSM_CHUNK_BYTES */
} fsm__snapshot_options;

/* Makes <dir>/<A>; *out tells of it. One that is there for A already is told and nothing is made. Nothing
 * half-made is ever at that name. */
FSM_MUST_USE fsm_code fsm__snapshot_make(const fsm__snapshot_options *options, fsm__snapshot_info *out,
                                         fsm_error *err);

/* ---- what there is ---- */

/* The snapshots in dir in order of A, *out malloced; a missing directory is none. Those whose manifest
 * cannot be read are left out and counted in *damaged (NULL = not wanted). */
FSM_MUST_USE fsm_code fsm__snapshot_list(const char *dir, fsm__snapshot_info **out, size_t *count,
                                         size_t *damaged, fsm_error *err);
FSM_MUST_USE fsm_code fsm__snapshot_path(const char *dir, uint64_t from_seq, fsm__path *out, fsm_error *err);
/* path: of one snapshot. */
FSM_MUST_USE fsm_code fsm__snapshot_describe(const char *path, fsm__snapshot_info *out, fsm_error *err);
/* Notes in the manifest that it was verified. */
FSM_MUST_USE fsm_code fsm__snapshot_note_verified(const char *dir, uint64_t from_seq, int64_t now_ns,
                                                  fsm_error *err);
/* Also what was left of one that was not finished. */
void fsm__snapshot_remove(const char *dir, uint64_t from_seq);
void fsm__snapshot_sweep(const char *dir);

/* ---- reading ---- */

typedef struct fsm__snapshot_file fsm__snapshot_file;
typedef struct fsm__snapshot_block {
  fsm__table table;
  uint64_t seq;        /* applied seq of its chunk */
  bool continued;      /* of the same chunk as the block before */
  bool closing;        /* the counters as of B: the last one */
  const uint8_t *from; /* where the chunk begins; of its first block only */
  size_t from_len;
  uint32_t count;
  const uint8_t *rows, *end; /* for fsm__chunk_row; valid until the next block */
} fsm__snapshot_block;

/* The file of rows. info has what the header says. FSM_ECORRUPT names "FILE:OFFSET", here and below. */
FSM_MUST_USE fsm_code fsm__snapshot_file_open(const char *path, fsm__snapshot_file **out,
                                              fsm__snapshot_info *info, fsm_error *err);
/* *found false: the footer was reached and all of it is in order; info has the rest. */
FSM_MUST_USE fsm_code fsm__snapshot_file_next(fsm__snapshot_file *file, fsm__snapshot_block *out, bool *found,
                                              fsm__snapshot_info *info, fsm_error *err);
void fsm__snapshot_file_close(fsm__snapshot_file *file);

/* Reads all of it. When there is a manifest beside it, that must say the same. */
FSM_MUST_USE fsm_code fsm__snapshot_check(const char *path, fsm__snapshot_info *out, fsm_error *err);

/* ---- loading ---- */

/* Is it of this journal: can it be made exact by it, and is the record at its B the one that it was made at?
 * After a cut or a restore other records have the same seqs. */
bool fsm__snapshot_fits(const fsm__snapshot_info *info, fsm__journal *journal);

/* Into an empty store whose file nobody else sees, and the journal replayed over it to B. path: of one
 * snapshot; FSM_EVERIFY when it does not fit. position->seq and leaf are B's then, the rows are committed and
 * exact. */
FSM_MUST_USE fsm_code fsm__snapshot_load(const char *path, fsm__journal *journal, fsm__store *store,
                                         fsm__catalog **catalog, fsm__core *position, fsm_error *err);

#endif
