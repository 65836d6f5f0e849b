/* journal_recover.c: what is there after a crash: corruption, a torn tail, or a clean end.
 *
 * Only what a crash explains is repaired: one batch was being written when the power went, so at most
 * the last batch of the newest segment is torn, and nothing later can say that it was durable. Any
 * damage that a later `synced`, a later segment or the store (floor_seq) proves durable is refused with
 * its place. Everything is decided before anything is written.
 *
 * After a repair: zeroes behind the log, and every batch of it on the disk and not only in the page
 * cache, so that the next batch may say so.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

enum { READ_AHEAD = 256 * 1024 };

/* A batch that nothing has proved durable yet. */
typedef struct unproved_batch {
  uint64_t number, at, last_seq;
  uint32_t length, records;
} unproved_batch;

typedef struct recovery {
  fsm__journal *journal;
  uint64_t floor_seq;
  fsm__journal_floor floor;
  fsm__chain chain; /* what the next segment must follow */
  fsm__window window;
  /* of the newest segment */
  int fd;
  fsm__segment_head head;
  fsm__walk walk;
  fsm__index *index;
  uint64_t data_at, data_number; /* last batch with records; 0 = none */
  fsm__batch_head data;
  unproved_batch *unproved;
  size_t unproved_count, unproved_cap;
  uint64_t proved_number, proved_seq;
  bool sealed;
  uint64_t dirty_end;                /* end of the last block behind the log that is not zero; 0 = none */
  uint64_t tail_number, tail_synced; /* highest in any intact batch behind the log */
} recovery;

/* ---- what is proved ---- */

static fsm_code note_unproved(recovery *r, const fsm__batch_head *head, uint64_t at, fsm_error *err) {
  if (r->unproved_count == r->unproved_cap) {
    size_t cap = r->unproved_cap ? r->unproved_cap * 2 : 16;
    unproved_batch *wider = realloc(r->unproved, cap * sizeof *wider);
    if (!wider) return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for recovery");
    r->unproved = wider;
    r->unproved_cap = cap;
  }
  r->unproved[r->unproved_count++] =
      (unproved_batch){head->number, at, head->first_seq + head->records - 1, head->length, head->records};
  return FSM_OK;
}

/* Batches up to number synced were durable. */
static void note_synced(recovery *r, uint64_t synced) {
  size_t kept = 0;
  for (size_t i = 0; i < r->unproved_count; i++) {
    if (r->unproved[i].number > synced)
      r->unproved[kept++] = r->unproved[i];
    else if (r->unproved[i].records)
      r->proved_seq = r->unproved[i].last_seq;
  }
  r->unproved_count = kept;
  if (synced > r->proved_number) r->proved_number = synced;
}

/* ---- sealed segments ---- */

/* Every batch of it, because the store vouches for seqs in it. */
static fsm_code prove_sealed(recovery *r, const fsm__segment_head *head, const fsm__footer *footer,
                             fsm_error *err) {
  fsm__walk walk;
  fsm__walk_start(&walk, &r->window, head);
  bool valid = true;
  while (valid && walk.at < footer->used) {
    fsm__batch_head batch;
    const uint8_t *data;
    fsm_code code = fsm__walk_next(&walk, &batch, &data, &valid, err);
    if (code) return code;
  }
  if (walk.at == footer->used && walk.next_seq == footer->last_seq + 1) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(head->ordinal, walk.at).text,
                  "a batch of a sealed segment is damaged (seq %" PRIu64 ")", walk.next_seq);
}

static fsm_code recover_sealed(recovery *r, uint64_t ordinal, fsm_error *err) {
  fsm__journal *journal = r->journal;
  fsm__segment_head head;
  fsm__batch_head batch;
  fsm__footer footer;
  bool intact = false;
  int fd;
  fsm_code code = fsm__segment_open(journal->dir_fd, ordinal, O_RDONLY, &fd, err);
  if (code) return code;
  fsm__window_open(&r->window, fd, ordinal, 0, READ_AHEAD);
  code = fsm__segment_check(&r->window, &journal->origin, &r->chain, &head, err);
  if (!code) code = fsm__footer_read(&r->window, &head, &batch, &footer, &intact, err);
  /* The footer was synced before the next segment got its name. */
  if (!code && !intact)
    code = fsm_fail(err, FSM_ECORRUPT, fsm__place_of(ordinal, fsm__log_end(head.bytes)).text,
                    "the footer of a sealed segment is missing or damaged");
  if (!code && footer.last_seq >= head.first_seq && r->floor_seq < footer.last_seq)
    code = prove_sealed(r, &head, &footer, err);
  if (!code) code = fsm__segments_reserve(journal, err);
  if (!code) {
    fsm__segments_add(journal, &head, NULL);
    fsm__segment *segment = &journal->segments[journal->segment_count - 1];
    segment->used = footer.used;
    segment->leaf = footer.leaf;
    r->chain = (fsm__chain){footer.last_seq + 1, batch.number, head.origin.epoch, footer.leaf};
  }
  close(fd);
  return code;
}

/* ---- the newest segment: find ---- */

static fsm_code walk_log(recovery *r, fsm_error *err) {
  fsm__walk_start(&r->walk, &r->window, &r->head);
  for (;;) {
    fsm__batch_head batch;
    const uint8_t *data;
    bool valid;
    uint64_t at = r->walk.at;
    fsm_code code = fsm__walk_next(&r->walk, &batch, &data, &valid, err);
    if (code || !valid) return code;
    note_synced(r, batch.synced);
    code = note_unproved(r, &batch, at, err);
    if (code) return code;
    if (batch.kind != FSM__BATCH_DATA) continue;
    r->data = batch;
    r->data_at = at;
    r->data_number = batch.number;
    fsm__index_note(r->index, batch.first_seq, at);
  }
}

/* The leaf of the last record, for the next one's prev. */
static fsm_code find_head(recovery *r, fsm_error *err) {
  r->chain.number = r->walk.number;
  r->chain.next_seq = r->walk.next_seq;
  r->chain.epoch = r->head.origin.epoch;
  r->chain.leaf = r->head.prev;
  if (!r->data_at) return FSM_OK;
  const uint8_t *data;
  fsm_code code = fsm__window_view(&r->window, r->data_at, r->data.length, &data, err);
  if (code) return code;
  fsm__frames frames;
  fsm__bytes record = {0};
  bool frame_end;
  fsm__frames_start(&frames, data, &r->data);
  while (fsm__frames_next(&frames, &record, &frame_end)) continue;
  r->chain.leaf = fsm__leaf(record.data, record.len);
  return FSM_OK;
}

static fsm_code survey_block(recovery *r, uint64_t at, fsm_error *err) {
  const uint8_t *data;
  fsm__batch_head batch;
  fsm_code code = fsm__window_view(&r->window, at, FSM_JOURNAL_BLOCK, &data, err);
  if (code || fsm__block_is_zero(data)) return code;
  r->dirty_end = at + FSM_JOURNAL_BLOCK;
  if (!fsm__batch_decode(data, r->head.salt, r->head.bytes - at, &batch)) return FSM_OK;
  code = fsm__window_view(&r->window, at, batch.length, &data, err);
  if (code || !fsm__batch_intact(data, &batch)) return code;
  if (batch.number > r->tail_number) r->tail_number = batch.number;
  if (batch.synced > r->tail_synced) r->tail_synced = batch.synced;
  return FSM_OK;
}

/* Looks at every block behind the log, the footer's included. */
static fsm_code survey_tail(recovery *r, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (uint64_t at = r->walk.at; !code && at < r->head.bytes; at += FSM_JOURNAL_BLOCK)
    code = survey_block(r, at, err);
  return code;
}

/* A crash between the footer and the new name leaves a sealed newest segment. */
static fsm_code find_footer(recovery *r, fsm_error *err) {
  fsm__batch_head batch;
  fsm__footer footer;
  bool intact;
  fsm_code code = fsm__footer_read(&r->window, &r->head, &batch, &footer, &intact, err);
  if (code || !intact) return code;
  if (footer.used != r->walk.at || footer.last_seq + 1 != r->chain.next_seq ||
      batch.number <= r->walk.number || memcmp(&footer.leaf, &r->chain.leaf, sizeof footer.leaf) != 0)
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(r->head.ordinal, r->walk.at).text,
                    "the log breaks off at seq %" PRIu64 ", its footer says that it goes on to %" PRIu64,
                    r->walk.next_seq, footer.last_seq);
  note_synced(r, batch.synced);
  r->sealed = true;
  r->chain.number = batch.number;
  return note_unproved(r, &batch, fsm__log_end(r->head.bytes), err);
}

/* ---- the newest segment: decide ---- */

static fsm_code decide(recovery *r, fsm_error *err) {
  if (r->sealed) return FSM_OK;
  fsm__place place = fsm__place_of(r->head.ordinal, r->walk.at);
  uint64_t next_seq = r->walk.next_seq;
  if (r->tail_synced > r->walk.number)
    return fsm_fail(err, FSM_ECORRUPT, place.text,
                    "the batch at seq %" PRIu64 " is damaged, and a later one says that it was durable",
                    next_seq);
  if (r->dirty_end && next_seq <= r->floor_seq)
    return fsm_fail(err, FSM_ECORRUPT, place.text,
                    "the batch at seq %" PRIu64 " is damaged, and seq %" PRIu64 " is known to be durable",
                    next_seq, r->floor_seq);
  note_synced(r, r->tail_synced);
  return FSM_OK;
}

static fsm_code recover_newest(recovery *r, uint64_t ordinal, fsm_error *err) {
  fsm__journal *journal = r->journal;
  fsm_code code =
      fsm__segment_open(journal->dir_fd, ordinal, journal->read_only ? O_RDONLY : O_RDWR, &r->fd, err);
  if (code) return code;
  fsm__window_open(&r->window, r->fd, ordinal, 0, READ_AHEAD);
  code = fsm__segment_check(&r->window, &journal->origin, &r->chain, &r->head, err);
  if (code) return code;
  /* The header was written after everything before it was durable. */
  r->proved_number = r->head.first_batch - 1;
  r->proved_seq = r->head.first_seq - 1;
  r->index = fsm__index_new();
  code = walk_log(r, err);
  if (!code) code = find_head(r, err);
  if (!code) code = find_footer(r, err);
  if (!code && !r->sealed) code = survey_tail(r, err);
  if (!code) code = decide(r, err);
  if (!code) code = fsm__segments_reserve(journal, err);
  if (code) return code;
  fsm__segments_add(journal, &r->head, r->index);
  r->index = NULL;
  if (r->sealed) {
    journal->segments[journal->segment_count - 1].used = r->walk.at;
    journal->segments[journal->segment_count - 1].leaf = r->chain.leaf;
  }
  return FSM_OK;
}

/* ---- repair ---- */

static fsm_code io_fault(const recovery *r, uint64_t at, const char *what, int fault, fsm_error *err) {
  return fsm_fail(err, FSM_EIO, fsm__place_of(r->head.ordinal, at).text, "%s: %s", what, strerror(fault));
}

/* The same bytes again: after a failed fsync the kernel calls a page clean that never reached the disk. */
static fsm_code rewrite(recovery *r, const unproved_batch *batch, fsm_error *err) {
  const uint8_t *data;
  size_t len = (size_t)fsm__blocks(batch->length);
  fsm_code code = fsm__window_view(&r->window, batch->at, len, &data, err);
  if (code) return code;
  int fault = fsm__write_at(r->fd, data, len, batch->at);
  return fault ? io_fault(r, batch->at, "pwrite", fault, err) : FSM_OK;
}

static fsm_code repair(recovery *r, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; !code && i < r->unproved_count; i++) code = rewrite(r, &r->unproved[i], err);
  if (code) return code;
  int fault = r->dirty_end ? fsm__zero_at(r->fd, r->walk.at, r->dirty_end) : 0;
  if (fault) return io_fault(r, r->walk.at, "pwrite", fault, err);
  if (fdatasync(r->fd)) return io_fault(r, r->walk.at, "fdatasync", errno, err);
  if (fsync(r->journal->dir_fd)) return io_fault(r, 0, "fsync of the directory", errno, err);
  return FSM_OK;
}

/* ---- the whole ---- */

static fsm_code check_floor(const recovery *r, fsm_error *err) {
  uint64_t last_seq = r->chain.next_seq - 1;
  if (last_seq >= r->floor_seq) return FSM_OK;
  fsm__place place = fsm__place_of(r->head.ordinal ? r->head.ordinal : r->floor.ordinal, r->walk.at);
  return fsm_fail(err, FSM_ECORRUPT, place.text,
                  "the store is ahead of the journal: it knows seq %" PRIu64
                  ", the journal ends with %" PRIu64,
                  r->floor_seq, last_seq);
}

static void report(const recovery *r, fsm__recovery *found) {
  *found = (fsm__recovery){.last_seq = r->chain.next_seq - 1, .proved_seq = r->proved_seq};
  if (!r->head.ordinal) return;
  found->adopted = !r->data_at && r->walk.at == FSM_JOURNAL_BLOCK && !r->dirty_end;
  for (size_t i = 0; i < r->unproved_count && !r->journal->read_only; i++)
    found->rewritten += r->unproved[i].records > 0;
  if (!r->dirty_end) return;
  found->cut_bytes = r->dirty_end - r->walk.at;
  found->cut_offset = r->walk.at;
  fsm__segment_name(r->head.ordinal, found->cut_file);
}

static void hand_over(recovery *r) {
  fsm__journal *journal = r->journal;
  uint64_t highest = r->tail_number > r->chain.number ? r->tail_number : r->chain.number;
  journal->next_number = highest + (r->dirty_end ? 2 : 1); /* the torn batch had a number too */
  journal->durable_number = r->chain.number;
  journal->data_number = r->data_number;
  journal->proved_number = r->sealed ? r->chain.number : r->proved_number;
  journal->ordinal = r->head.ordinal ? r->head.ordinal : r->floor.ordinal - 1;
  if (r->head.ordinal || r->chain.epoch > journal->origin.epoch) journal->origin.epoch = r->chain.epoch;
  atomic_store_explicit(&journal->epoch, journal->origin.epoch, memory_order_release);
  journal->floor = r->floor;
  atomic_store_explicit(&journal->first_seq, r->floor.first_seq, memory_order_release);
  journal->next_seq = r->chain.next_seq;
  journal->head = journal->durable_head = r->chain.leaf;
  journal->salt = r->head.salt;
  journal->active_bytes = r->head.bytes;
  journal->at = r->walk.at;
  if (!r->sealed && !journal->read_only) {
    journal->fd = r->fd;
    r->fd = -1;
  }
  atomic_store_explicit(&journal->durable_seq, journal->next_seq - 1, memory_order_release);
}

/* The floor, or that there is none: then the log starts with segment 1. */
static fsm_code find_floor(recovery *r, fsm_error *err) {
  const fsm_origin *origin = &r->journal->origin;
  bool there;
  r->floor = fsm__floor_none(origin);
  fsm_code code = fsm__floor_read(r->journal->dir_fd, &r->floor, &there, err);
  if (!code && (memcmp(r->floor.origin.store, origin->store, sizeof origin->store) != 0 ||
                r->floor.origin.partition != origin->partition))
    code = fsm_fail(err, FSM_ECORRUPT, FSM_FLOOR_NAME, "the floor belongs to another store or partition");
  r->chain = fsm__floor_chain(&r->floor);
  return code;
}

/* Marks of the newest epoch count; its header is checked in its turn. */
static fsm_code heed_marks(recovery *r, const fsm__journal_options *options, uint64_t newest,
                           fsm_error *err) {
  fsm__segment_head head = {.origin = options->origin};
  if (r->chain.epoch > head.origin.epoch) head.origin.epoch = r->chain.epoch;
  if (newest && options->mark_count) {
    fsm_error ignored;
    const uint8_t *block;
    int fd;
    fsm_code code = fsm__segment_open(r->journal->dir_fd, newest, O_RDONLY, &fd, err);
    if (code) return code;
    fsm__window_open(&r->window, fd, newest, FSM_JOURNAL_BLOCK, FSM_JOURNAL_BLOCK);
    code = fsm__window_view(&r->window, 0, FSM_JOURNAL_BLOCK, &block, &ignored);
    if (!code) code = fsm__segment_decode(block, newest, &head, &ignored);
    close(fd);
    if (code) return FSM_OK;
  }
  for (size_t i = 0; i < options->mark_count; i++) {
    const fsm__journal_mark *mark = &options->marks[i];
    if (mark->epoch == head.origin.epoch && mark->seq > r->floor_seq) r->floor_seq = mark->seq;
  }
  return FSM_OK;
}

static fsm_code recover(recovery *r, const uint64_t *ordinals, size_t count, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; !code && i < count; i++) {
    if (ordinals[i] != r->floor.ordinal + i)
      return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(r->floor.ordinal + i, 0).text,
                      "the segment is missing");
    code = i + 1 < count ? recover_sealed(r, ordinals[i], err) : recover_newest(r, ordinals[i], err);
  }
  if (!code) code = check_floor(r, err);
  if (!code && count && !r->journal->read_only) code = repair(r, err);
  return code;
}

fsm_code fsm__journal_recover(fsm__journal *journal, const fsm__journal_options *options,
                              fsm__recovery *found, fsm_error *err) {
  recovery r = {.journal = journal, .floor_seq = options->floor_seq, .fd = -1};
  uint64_t *ordinals = NULL;
  size_t count = 0, below = 0;
  fsm_code code = fsm__segment_list(journal->dir_fd, &ordinals, &count, err);
  if (!code) code = find_floor(&r, err);
  if (!code) /* pruned, only their unlink is missing */
    while (below < count && ordinals[below] < r.floor.ordinal) below++;
  if (!code) code = heed_marks(&r, options, below < count ? ordinals[count - 1] : 0, err);
  if (!code) code = recover(&r, count > 0 ? ordinals + below : NULL, count - below, err);
  int fault =
      code || journal->read_only ? 0 : fsm__remove_below(journal->dir_fd, ordinals, below, r.floor.ordinal);
  if (fault)
    code = fsm_fail(err, FSM_EIO, fsm__place_of(ordinals[0], 0).text, "unlink of a pruned segment: %s",
                    strerror(fault));
  if (!code) {
    report(&r, found);
    hand_over(&r);
  }
  if (r.fd >= 0) close(r.fd);
  fsm__index_free(r.index);
  fsm__window_free(&r.window);
  free(r.unproved);
  free(ordinals);
  return code;
}
