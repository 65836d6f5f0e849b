/* journal_write.c: append, commit, confirm, rotate.
 *
 * A commit is one pwrite over zeroes and one fdatasync; `synced` in it names the last batch whose
 * fdatasync has returned. Rotation writes the footer, and into the spare the header and the batch that did
 * not fit; both files are synced at once, by two threads; only when both are durable the spare gets its name;
 * and only when that is durable, the batch is. So a segment that has a successor is whole, and one that has a
 * name begins with what was answered from it. Before the footer nothing is written, and a full disk costs
 * only the batch in hand.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

static fsm_code refuse_dead(fsm_error *err) {
  return fsm_fail(err, FSM_EIO, "journal", "an earlier write failed; the process must end");
}

static fsm_code die(fsm__journal *journal, uint64_t ordinal, uint64_t at, const char *what, int fault,
                    fsm_error *err) {
  journal->dead = true;
  return fsm_fail(err, FSM_EIO, fsm__place_of(ordinal, at).text, "%s: %s", what, strerror(fault));
}

static void empty_batch(fsm__batch *batch) {
  batch->len = FSM__BATCH_HEAD;
  batch->frames = batch->records = 0;
}

static void drop_batches(fsm__journal *journal) {
  empty_batch(&journal->filling);
  empty_batch(&journal->sealed);
  journal->next_seq = fsm__journal_durable_seq(journal) + 1;
  journal->head = journal->durable_head;
}

/* ---- append ---- */

static fsm_code frame_bytes(const fsm__bytes *records, size_t count, size_t *out, fsm_error *err) {
  if (count > FSM_FRAME_RECORDS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "frame", "%zu records are over the limit of %d", count,
                    FSM_FRAME_RECORDS_MAX);
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    FSM_ASSERT(records[i].data && records[i].len);
    if (records[i].len > FSM_RECORD_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, "record", "%zu bytes are over the limit of %d", records[i].len,
                      FSM_RECORD_BYTES_MAX);
    bytes += records[i].len;
  }
  if (bytes > FSM_FRAME_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "frame", "%zu bytes are over the limit of %d", bytes,
                    FSM_FRAME_BYTES_MAX);
  *out = FSM__FRAME_HEAD + count * FSM__RECORD_HEAD + bytes;
  return FSM_OK;
}

fsm_code fsm__journal_append(fsm__journal *journal, const fsm__bytes *records, const fsm__hash *leaves,
                             size_t count, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only && records && leaves && count);
  if (journal->dead) return refuse_dead(err);
  size_t bytes = 0;
  fsm_code code = frame_bytes(records, count, &bytes, err);
  if (code) return code;
  fsm__batch *batch = &journal->filling;
  if (bytes > FSM_BATCH_BYTES_MAX - batch->len) return fsm_fail(err, FSM_EBUSY, "batch", "the batch is full");
  if (!batch->frames) batch->first_seq = journal->next_seq;
  batch->len += fsm__frame_put(batch->data + batch->len, records, count, bytes);
  batch->frames++;
  batch->records += (uint32_t)count;
  journal->next_seq += count;
  journal->head = leaves[count - 1];
  return FSM_OK;
}

/* ---- one batch to the disk ---- */

/* data has room for whole blocks; what is behind the batch in the last one becomes zero. */
static fsm_code put_batch(fsm__journal *journal, int fd, uint64_t ordinal, uint8_t *data,
                          const fsm__batch_head *head, uint64_t salt, uint64_t at, fsm_error *err) {
  size_t len = (size_t)fsm__blocks(head->length);
  FSM_ASSERT(at % FSM_JOURNAL_BLOCK == 0);
  memset(data + head->length, 0, len - head->length);
  fsm__batch_encode(data, head, salt);
  int fault = fsm__write_at(fd, data, len, at);
  return fault ? die(journal, ordinal, at, "pwrite", fault, err) : FSM_OK;
}

/* A batch is durable, and what it says was durable before it is proved. */
static void settle(fsm__journal *journal, const fsm__batch_head *head) {
  journal->next_number = head->number + 1;
  journal->durable_number = head->number;
  journal->proved_number = head->synced;
  atomic_fetch_add_explicit(&journal->batches, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&journal->bytes, fsm__blocks(head->length), memory_order_relaxed);
}

static fsm_code write_durably(fsm__journal *journal, uint8_t *data, fsm__batch_head *head, fsm_error *err) {
  uint64_t at = journal->at;
  FSM_ASSERT(at + fsm__blocks(head->length) <= fsm__log_end(journal->active_bytes));
  head->number = journal->next_number;
  head->synced = journal->durable_number;
  fsm_code code = put_batch(journal, journal->fd, journal->ordinal, data, head, journal->salt, at, err);
  if (code) return code;
  if (fdatasync(journal->fd)) return die(journal, journal->ordinal, at, "fdatasync", errno, err);
  settle(journal, head);
  return FSM_OK;
}

/* ---- rotation ---- */

static fsm_code put_footer(fsm__journal *journal, fsm__batch_head *head, fsm_error *err) {
  uint8_t block[FSM_JOURNAL_BLOCK];
  uint64_t last_seq = fsm__journal_durable_seq(journal);
  fsm__footer footer = {last_seq, journal->durable_head, journal->at};
  *head = (fsm__batch_head){.number = journal->next_number,
                            .synced = journal->durable_number,
                            .first_seq = last_seq + 1,
                            .length = FSM__BATCH_HEAD + FSM__FOOTER_BYTES,
                            .kind = FSM__BATCH_FOOTER};
  fsm__footer_encode(&footer, block + FSM__BATCH_HEAD);
  return put_batch(journal, journal->fd, journal->ordinal, block, head, journal->salt,
                   fsm__log_end(journal->active_bytes), err);
}

/* The header, and the batch that the segment begins with, into the spare; first NULL: no batch. */
static fsm_code put_head(fsm__journal *journal, int fd, const fsm__segment_head *segment,
                         fsm__batch_head *first, fsm_error *err) {
  uint8_t block[FSM_JOURNAL_BLOCK];
  fsm__segment_encode(segment, block);
  int fault = fsm__write_at(fd, block, sizeof block, 0);
  if (fault) return die(journal, segment->ordinal, 0, "pwrite of a segment header", fault, err);
  if (!first) return FSM_OK;
  first->number = segment->first_batch;
  first->synced = journal->durable_number;
  return put_batch(journal, fd, segment->ordinal, journal->sealed.data, first, segment->salt,
                   FSM_JOURNAL_BLOCK, err);
}

/* Both files to the disk at once, the footer by the spare's thread; then, and only then, the name. */
static fsm_code christen(fsm__journal *journal, int fd, const fsm__segment_head *head, fsm_error *err) {
  char name[FSM__NAME_BYTES];
  fsm__segment_name(head->ordinal, name);
  if (journal->fd >= 0) fsm__spare_sync(&journal->spare, journal->fd);
  int fault = fdatasync(fd) ? errno : 0;
  int footer_fault = journal->fd >= 0 ? fsm__spare_synced(&journal->spare) : 0;
  if (footer_fault)
    return die(journal, journal->ordinal, fsm__log_end(journal->active_bytes), "fdatasync of a footer",
               footer_fault, err);
  if (fault) return die(journal, head->ordinal, 0, "fdatasync of a new segment", fault, err);
  if (renameat(journal->dir_fd, FSM__SPARE_NAME, journal->dir_fd, name))
    return die(journal, head->ordinal, 0, "rename of the spare", errno, err);
  if (fsync(journal->dir_fd)) return die(journal, head->ordinal, 0, "fsync of the directory", errno, err);
  return FSM_OK;
}

static fsm__segment_head next_segment(const fsm__journal *journal) {
  bool seals = journal->fd >= 0; /* the footer has a number, too */
  return (fsm__segment_head){.origin = journal->origin,
                             .ordinal = journal->ordinal + 1,
                             .bytes = journal->segment_bytes,
                             .first_seq = fsm__journal_durable_seq(journal) + 1,
                             .first_batch = journal->next_number + seals,
                             .prev = journal->durable_head};
}

static void activate(fsm__journal *journal, int fd, const fsm__segment_head *head) {
  if (journal->fd >= 0) {
    close(journal->fd);
    pthread_mutex_lock(&journal->lock);
    journal->segments[journal->segment_count - 1].used = journal->at;
    journal->segments[journal->segment_count - 1].leaf = journal->durable_head;
    pthread_mutex_unlock(&journal->lock);
    atomic_fetch_add_explicit(&journal->rotations, 1, memory_order_relaxed);
  }
  fsm__segments_add(journal, head, fsm__index_new());
  atomic_store_explicit(&journal->epoch, head->origin.epoch, memory_order_release);
  journal->fd = fd;
  journal->ordinal = head->ordinal;
  journal->salt = head->salt;
  journal->active_bytes = head->bytes;
  journal->at = FSM_JOURNAL_BLOCK;
  journal->proved_number = journal->durable_number;
  fsm__spare_want(&journal->spare);
  fsm__indexer_wake(&journal->indexer);
}

static fsm_code seal_and_christen(fsm__journal *journal, int fd, fsm__batch_head *first, fsm_error *err) {
  fsm__batch_head footer;
  bool seals = journal->fd >= 0;
  fsm__segment_head head = next_segment(journal);
  fsm_code code = fsm__random(&head.salt, sizeof head.salt, err);
  if (!code && seals) code = put_footer(journal, &footer, err);
  if (!code) code = put_head(journal, fd, &head, first, err);
  if (!code) code = christen(journal, fd, &head, err);
  if (code) return code;
  if (seals) settle(journal, &footer);
  activate(journal, fd, &head);
  if (!first) return FSM_OK;
  settle(journal, first);
  journal->proved_number = head.first_batch - 1; /* the name itself proves what was before it */
  return FSM_OK;
}

/* first: the batch in hand, which becomes durable with the new segment; NULL: none. */
static fsm_code rotate(fsm__journal *journal, fsm__batch_head *first, fsm_error *err) {
  int fd;
  fsm_code code = fsm__segments_reserve(journal, err);
  if (!code) code = fsm__spare_take(&journal->spare, &fd, err);
  if (code) {
    journal->dead = code == FSM_EIO;
    return code;
  }
  code = seal_and_christen(journal, fd, first, err);
  if (code) {
    journal->dead = true;
    close(fd);
  }
  return code;
}

/* ---- commit and confirm ---- */

static bool fits(const fsm__journal *journal, size_t bytes) {
  return journal->fd >= 0 && journal->at + fsm__blocks(bytes) <= fsm__data_end(journal->active_bytes);
}

static void note_in_index(fsm__journal *journal, uint64_t seq, uint64_t at) {
  pthread_mutex_lock(&journal->lock);
  fsm__index_note(journal->segments[journal->segment_count - 1].index, seq, at);
  pthread_mutex_unlock(&journal->lock);
}

fsm_code fsm__journal_ready_keeping(fsm__journal *journal, uint64_t keep, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only);
  if (journal->dead) return refuse_dead(err);
  uint64_t room = fsm__journal_room(journal);
  if (room >= FSM_BATCH_BYTES_MAX && room - FSM_BATCH_BYTES_MAX >= keep) return FSM_OK;
  return fsm__spare_await(&journal->spare, err);
}

fsm_code fsm__journal_ready(fsm__journal *journal, fsm_error *err) {
  return fsm__journal_ready_keeping(journal, 0, err);
}

uint64_t fsm__journal_room(const fsm__journal *journal) {
  uint64_t end = journal->fd >= 0 ? fsm__data_end(journal->active_bytes) : 0;
  return journal->at < end ? end - journal->at : 0;
}

fsm_code fsm__journal_new_epoch(fsm__journal *journal, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only && !journal->filling.frames && !journal->sealed.frames);
  if (journal->dead) return refuse_dead(err);
  if (journal->origin.epoch == UINT32_MAX) return fsm_fail(err, FSM_EQUOTA, "epoch", "no epoch is left");
  journal->origin.epoch++;
  fsm_code code = rotate(journal, NULL, err);
  if (code) journal->origin.epoch--;
  return code;
}

void fsm__journal_seal(fsm__journal *journal) {
  FSM_ASSERT(journal && !journal->read_only && !journal->sealed.frames);
  fsm__batch sealed = journal->filling;
  journal->filling = journal->sealed;
  empty_batch(&journal->filling);
  sealed.head = journal->head;
  journal->sealed = sealed;
}

fsm_code fsm__journal_sync(fsm__journal *journal, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only);
  if (journal->dead) return refuse_dead(err);
  fsm__batch *batch = &journal->sealed;
  if (!batch->frames) return FSM_OK;
  fsm__batch_head head = {.first_seq = batch->first_seq,
                          .length = (uint32_t)batch->len,
                          .frames = batch->frames,
                          .records = batch->records,
                          .kind = FSM__BATCH_DATA};
  FSM_ASSERT(head.first_seq == fsm__journal_durable_seq(journal) + 1);
  bool stays = fits(journal, batch->len);
  fsm_code code = stays ? write_durably(journal, batch->data, &head, err) : rotate(journal, &head, err);
  if (code) return code;
  note_in_index(journal, head.first_seq, journal->at);
  journal->at += fsm__blocks(head.length);
  journal->data_number = head.number;
  journal->durable_head = batch->head;
  atomic_fetch_add_explicit(&journal->frames, head.frames, memory_order_relaxed);
  atomic_fetch_add_explicit(&journal->records, head.records, memory_order_relaxed);
  empty_batch(batch);
  /* Last: whoever sees the seq finds the batch. */
  atomic_store_explicit(&journal->durable_seq, head.first_seq + head.records - 1, memory_order_release);
  return FSM_OK;
}

fsm_code fsm__journal_commit(fsm__journal *journal, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only);
  if (journal->dead) return refuse_dead(err);
  if (!journal->filling.frames) return FSM_OK;
  fsm__journal_seal(journal);
  fsm_code code = fsm__journal_sync(journal, err);
  if (code && !journal->dead) drop_batches(journal);
  return code;
}

bool fsm__journal_unproved(const fsm__journal *journal) {
  return journal->fd >= 0 && journal->data_number > journal->proved_number;
}

fsm_code fsm__journal_confirm(fsm__journal *journal, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only);
  if (journal->dead) return refuse_dead(err);
  if (!fsm__journal_unproved(journal)) return FSM_OK;
  uint8_t block[FSM_JOURNAL_BLOCK];
  fsm__batch_head head = {.first_seq = fsm__journal_durable_seq(journal) + 1,
                          .length = FSM__BATCH_HEAD,
                          .kind = FSM__BATCH_CONFIRM};
  fsm_code code = write_durably(journal, block, &head, err);
  if (!code) journal->at += FSM_JOURNAL_BLOCK;
  return code;
}
