/* archive_read.c: see archive_read.h.
 *
 * A file is opened when a record of it is asked for, and read on batch by batch; to a record in its midst the
 * batches before it are hopped over (their checksums are checked). The chain is checked from the first record
 * of the batch that was asked for on, and from file to file when reading goes on from one to the next.
 */
#include "runtime/archive_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/archive_read_impl.h"

/* ---- batches and records ------------------------------------------------------------------------- */

/* The next batch of the open file; at its end: records 0. */
static fsm_code next_batch(fsm__archive *a, fsm_error *err) {
  bool valid = false;
  fsm_error fault;
  const uint64_t at = a->walk.at;
  a->batch_head.records = 0;
  if (at >= a->footer.used || a->walk.next_seq > a->footer.last_seq) return FSM_OK;
  fsm_code code = fsm__walk_next(&a->walk, &a->batch_head, &a->batch, &valid, &fault);
  if (code != FSM_OK) return fsm__archive_renamed(a, &fault, err);
  if (!valid) {
    a->batch_head.records = 0;
    return fsm__archive_corrupt(a, at, "the batch is damaged", err);
  }
  return FSM_OK;
}

static void begin_batch(fsm__archive *a) {
  a->chained = a->chained && a->batch_head.first_seq == a->frames_seq; /* not hopped over any */
  a->frames_seq = a->batch_head.first_seq;
  fsm__frames_start(&a->frames, a->batch, &a->batch_head);
}

bool fsm__archive_in_hand(const fsm__archive *a, uint64_t seq) {
  return a->open && a->batch_head.records > 0 && seq >= a->frames_seq &&
         seq - a->batch_head.first_seq < a->batch_head.records;
}

/* Forward to the batch that holds seq. *there false: no file has it. */
fsm_code fsm__archive_load(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err) {
  fsm_code code = FSM_OK;
  const bool ahead = a->open && seq >= a->walk.next_seq && seq <= a->file.last;
  *there = true;
  if (!ahead) {
    if (a->frames_seq != seq) a->chained = false; /* a jump */
    code = fsm__archive_enter(a, seq, there, err);
    if (code != FSM_OK || !*there) return code;
  }
  do {
    code = next_batch(a, err);
    if (code == FSM_OK && a->walk.next_seq <= seq && a->walk.at >= a->footer.used)
      code = fsm__archive_corrupt(a, a->walk.at, "the segment ends before the last record that its name says",
                                  err);
  } while (code == FSM_OK && a->walk.next_seq <= seq);
  if (code != FSM_OK) {
    fsm__archive_leave(a);
    return code;
  }
  begin_batch(a);
  return FSM_OK;
}

static fsm_code check_record(fsm__archive *a, const fsm__bytes *bytes, fsm_error *err) {
  fsm_record record;
  fsm_error fault;
  const uint64_t at = a->walk.at - fsm__blocks(a->batch_head.length);
  fsm_arena_reset(&a->arena);
  if (fsm_record_decode(&a->arena, bytes->data, bytes->len, &record, &fault) != FSM_OK ||
      record.seq != a->frames_seq)
    return fsm_fail(err, FSM_ECORRUPT, fsm__archive_spot_of(a->file, at).text,
                    "the archive %s: what is there for record %" PRIu64 " is not that record", a->dir,
                    a->frames_seq);
  if (a->chained && (record.prev == NULL || memcmp(record.prev, a->leaf.bytes, sizeof a->leaf.bytes) != 0))
    return fsm_fail(err, FSM_EVERIFY, fsm__archive_spot_of(a->file, at).text,
                    "the archive %s: the prev of record %" PRIu64
                    " is not the hash of the record before it: one of the two was altered",
                    a->dir, a->frames_seq);
  a->leaf = fsm__leaf(bytes->data, bytes->len);
  a->chained = true;
  a->frames_seq++;
  if (a->frames_seq <= a->footer.last_seq || memcmp(&a->leaf, &a->footer.leaf, sizeof a->leaf) == 0)
    return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, fsm__archive_spot_of(a->file, at).text,
                  "the archive %s: record %" PRIu64 " was altered: its hash is not the one in the footer",
                  a->dir, a->frames_seq - 1);
}

/* ---- the contract -------------------------------------------------------------------------------- */

fsm_code fsm__archive_open(const char *dir, const fsm_origin *origin, fsm__archive **out, fsm_error *err) {
  FSM_ASSERT(dir != NULL && origin != NULL && out != NULL);
  fsm__archive *a = calloc(1, sizeof *a);
  if (a != NULL) a->dir = strdup(dir);
  if (a == NULL || a->dir == NULL) {
    free(a);
    return fsm_fail(err, FSM_ENOMEM, dir, "no memory to read the archive");
  }
  a->origin = *origin;
  a->seq = 1;
  fsm_arena_init(&a->arena, 0);
  *out = a;
  return FSM_OK;
}

void fsm__archive_close(fsm__archive *a) {
  if (a == NULL) return;
  fsm__archive_leave(a);
  fsm__window_free(&a->window);
  fsm_arena_free(&a->arena);
  free(a->files);
  free(a->dir);
  free(a);
}

void fsm__archive_seek(fsm__archive *a, uint64_t seq) { a->seq = seq > 0 ? seq : 1; }

fsm_code fsm__archive_next(fsm__archive *a, fsm__journal_entry *out, bool *found, fsm_error *err) {
  FSM_ASSERT(a != NULL && out != NULL && found != NULL);
  bool there = true, frame_end = false;
  fsm__bytes record;
  fsm_code code = fsm__archive_in_hand(a, a->seq) ? FSM_OK : fsm__archive_load(a, a->seq, &there, err);
  *found = false;
  if (code != FSM_OK) return code;
  if (!there) return fsm__archive_absent(a, a->seq, err);
  do {
    if (!fsm__frames_next(&a->frames, &record, &frame_end)) {
      fsm__archive_leave(a);
      return fsm__archive_corrupt(a, a->walk.at, "the batch has fewer records than it says", err);
    }
    code = check_record(a, &record, err);
  } while (code == FSM_OK && a->frames_seq <= a->seq);
  if (code != FSM_OK) {
    fsm__archive_leave(a);
    a->chained = false;
    return code;
  }
  *out = (fsm__journal_entry){
      .seq = a->seq, .epoch = a->head.origin.epoch, .record = record, .frame_end = frame_end};
  a->seq++;
  *found = true;
  return FSM_OK;
}

fsm_code fsm__archive_read(fsm__archive *a, uint64_t seq, fsm__journal_entry *out, fsm_error *err) {
  FSM_ASSERT(seq > 0);
  bool found = false;
  fsm__archive_seek(a, seq);
  fsm_code code = fsm__archive_next(a, out, &found, err);
  return code == FSM_OK && !found ? fsm__archive_missing(a, seq, err) : code;
}

fsm_code fsm__archive_joins(fsm__archive *a, uint64_t last, const uint8_t *prev, fsm_error *err) {
  FSM_ASSERT(a != NULL && last > 0);
  fsm__journal_entry entry;
  bool there = false;
  fsm__archive_leave(a);
  a->chained = false;
  fsm_code code = fsm__archive_enter(a, last, &there, err);
  if (code == FSM_OK && !there) return fsm__archive_missing(a, last, err);
  fsm__hash leaf = code == FSM_OK ? a->footer.leaf : a->leaf;
  if (code == FSM_OK && a->file.last != last) {
    code = fsm__archive_read(a, last, &entry, err);
    leaf = a->leaf;
  }
  if (code != FSM_OK || (prev != NULL && memcmp(leaf.bytes, prev, sizeof leaf.bytes) == 0)) return code;
  return fsm_fail(err, FSM_EVERIFY, fsm__archive_spot_of(a->file, 0).text,
                  "the archive %s: its record %" PRIu64
                  " is not the one that the journal goes on from: this is an archive of another branch (from "
                  "before a restore, or of a copy)",
                  a->dir, last);
}
