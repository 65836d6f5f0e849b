/* journal.c: opening, closing, the table of segments, and what is asked of an open journal.
 *
 * The contract is in journal.h, the inside in journal_impl.h.
 */
#include "runtime/journal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

static fsm_code check_options(const fsm__journal_options *options, uint64_t *bytes, fsm_error *err) {
  *bytes = options->segment_bytes ? options->segment_bytes : FSM_SEGMENT_BYTES_DEFAULT;
  if (*bytes < FSM_SEGMENT_BYTES_MIN || *bytes > FSM_SEGMENT_BYTES_MAX || *bytes % FSM_JOURNAL_BLOCK)
    return fsm_fail(err, FSM_EARGUMENT, "segment_bytes", "a segment has %d to %d bytes in whole blocks of %d",
                    FSM_SEGMENT_BYTES_MIN, FSM_SEGMENT_BYTES_MAX, FSM_JOURNAL_BLOCK);
  return FSM_OK;
}

static fsm_code prepare_writer(fsm__journal *journal, fsm_error *err) {
  journal->filling = (fsm__batch){.data = calloc(1, FSM_BATCH_BYTES_MAX), .len = FSM__BATCH_HEAD};
  journal->sealed = (fsm__batch){.data = calloc(1, FSM_BATCH_BYTES_MAX), .len = FSM__BATCH_HEAD};
  if (!journal->filling.data || !journal->sealed.data)
    return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for a batch");
  journal->spare.threaded = !journal->manual;
  journal->indexer.wanted = true;
  fsm_code code = fsm__spare_start(&journal->spare, journal->dir_fd, journal->segment_bytes, err);
  return code || journal->manual ? code : fsm__indexer_start(journal, err);
}

static void release(fsm__journal *journal) {
  fsm__indexer_stop(&journal->indexer);
  fsm__spare_stop(&journal->spare);
  fsm__recent_free(&journal->recent);
  if (journal->fd >= 0) close(journal->fd);
  if (journal->dir_fd >= 0) close(journal->dir_fd);
  for (size_t i = 0; i < journal->segment_count; i++) fsm__index_free(journal->segments[i].index);
  free(journal->segments);
  free(journal->filling.data);
  free(journal->sealed.data);
  pthread_mutex_destroy(&journal->lock);
  free(journal);
}

fsm_code fsm__journal_open(const fsm__journal_options *options, fsm__journal **out, fsm__recovery *found,
                           fsm_error *err) {
  FSM_ASSERT(options && options->dir && out);
  uint64_t bytes;
  fsm_code code = check_options(options, &bytes, err);
  if (code) return code;
  fsm__journal *journal = calloc(1, sizeof *journal);
  if (!journal) return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for the journal");
  journal->origin = options->origin;
  journal->segment_bytes = bytes;
  journal->read_only = options->read_only;
  journal->manual = options->manual;
  journal->fd = journal->dir_fd = -1;
  pthread_mutex_init(&journal->lock, NULL);
  fsm__indexer_init(&journal->indexer);
  fsm__recent_init(&journal->recent);
  fsm__recovery recovered;
  code = fsm__journal_dir_open(options->dir, !options->read_only, &journal->dir_fd, err);
  if (!code) code = fsm__journal_recover(journal, options, &recovered, err);
  if (!code && !journal->read_only) code = prepare_writer(journal, err);
  if (code) {
    release(journal);
    return code;
  }
  if (found) *found = recovered;
  *out = journal;
  return FSM_OK;
}

size_t fsm__journal_turn(fsm__journal *journal) {
  FSM_ASSERT(journal->manual || journal->read_only);
  return journal->read_only ? 0 : fsm__indexer_run(journal);
}

void fsm__journal_close(fsm__journal *journal) {
  if (!journal) return;
  fsm_error ignored; /* what is not confirmed is written again at the next start */
  if (!journal->read_only && !journal->dead) (void)!fsm__journal_confirm(journal, &ignored);
  release(journal);
}

/* ---- the table of segments ---- */

fsm_code fsm__segments_reserve(fsm__journal *journal, fsm_error *err) {
  fsm_code code = FSM_OK;
  pthread_mutex_lock(&journal->lock);
  if (journal->segment_count == journal->segment_cap) {
    size_t cap = journal->segment_cap ? journal->segment_cap * 2 : 16;
    fsm__segment *wider = realloc(journal->segments, cap * sizeof *wider);
    if (wider) {
      journal->segments = wider;
      journal->segment_cap = cap;
    } else {
      code = fsm_fail(err, FSM_ENOMEM, "journal", "no memory for the table of segments");
    }
  }
  pthread_mutex_unlock(&journal->lock);
  return code;
}

void fsm__segments_add(fsm__journal *journal, const fsm__segment_head *head, fsm__index *index) {
  pthread_mutex_lock(&journal->lock);
  FSM_ASSERT(journal->segment_count < journal->segment_cap);
  journal->segments[journal->segment_count++] = (fsm__segment){.ordinal = head->ordinal,
                                                               .bytes = head->bytes,
                                                               .first_seq = head->first_seq,
                                                               .first_batch = head->first_batch,
                                                               .epoch = head->origin.epoch,
                                                               .prev = head->prev,
                                                               .salt = head->salt,
                                                               .index = index};
  pthread_mutex_unlock(&journal->lock);
}

fsm__segment *fsm__segment_of(fsm__journal *journal, uint64_t seq) {
  size_t low = 0, high = journal->segment_count; /* segments below low start at or before seq */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (journal->segments[middle].first_seq <= seq)
      low = middle + 1;
    else
      high = middle;
  }
  return low ? &journal->segments[low - 1] : NULL;
}

/* ---- asked of an open journal ---- */

uint64_t fsm__journal_next_seq(const fsm__journal *journal) { return journal->next_seq; }

fsm__hash fsm__journal_head(const fsm__journal *journal) { return journal->head; }

uint64_t fsm__journal_durable_seq(const fsm__journal *journal) {
  return atomic_load_explicit(&journal->durable_seq, memory_order_acquire);
}

uint64_t fsm__journal_first_seq(const fsm__journal *journal) {
  return atomic_load_explicit(&journal->first_seq, memory_order_acquire);
}

uint32_t fsm__journal_epoch(const fsm__journal *journal) {
  return atomic_load_explicit(&journal->epoch, memory_order_acquire);
}

uint32_t fsm__journal_epoch_of(fsm__journal *journal, uint64_t seq) {
  pthread_mutex_lock(&journal->lock);
  uint32_t epoch = journal->segment_count ? journal->floor.origin.epoch : journal->epoch;
  for (size_t i = journal->segment_count; i--;) {
    if (journal->segments[i].first_seq > seq) continue;
    epoch = journal->segments[i].epoch;
    break;
  }
  pthread_mutex_unlock(&journal->lock);
  return epoch;
}

uint64_t fsm__journal_epoch_end(fsm__journal *journal, uint32_t epoch) {
  pthread_mutex_lock(&journal->lock);
  size_t i = journal->segment_count;
  while (i && journal->segments[i - 1].epoch > epoch) i--;
  uint64_t end =
      i < journal->segment_count ? journal->segments[i].first_seq - 1 : fsm__journal_durable_seq(journal);
  pthread_mutex_unlock(&journal->lock);
  return end;
}

void fsm__journal_stats_get(const fsm__journal *journal, fsm__journal_stats *out) {
  *out = (fsm__journal_stats){
      .batches = atomic_load_explicit(&journal->batches, memory_order_relaxed),
      .frames = atomic_load_explicit(&journal->frames, memory_order_relaxed),
      .records = atomic_load_explicit(&journal->records, memory_order_relaxed),
      .bytes = atomic_load_explicit(&journal->bytes, memory_order_relaxed),
      .rotations = atomic_load_explicit(&journal->rotations, memory_order_relaxed),
  };
}
