/* journal_prune.c: the segments that there are, and removing the oldest of them.
 *
 * One segment after the other, oldest first, and each in this order, every step durable before the next:
 *
 *   1  the archive hook has it                   a crash up to here: nothing happened
 *   2  the table in memory no longer has it      (a reader that comes now is told that it is archived)
 *   3  the floor names the next segment          from here on it is pruned; a crash leaves files below
 *   4  its index file is unlinked, then it       the floor, which the next opening unlinks
 *
 * The index goes first, so that whatever is left below the floor is found by its segment.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

fsm_code fsm__journal_archived(const fsm__journal *journal, uint64_t seq, fsm_error *err) {
  return fsm_fail(err, FSM_ENOTFOUND, "seq",
                  "archived: records before seq %" PRIu64 " are not kept here (see the archive); seq %" PRIu64
                  " was asked for",
                  fsm__journal_first_seq(journal), seq);
}

/* ---- what there is ---- */

/* Under the lock. */
static fsm__segment_info info_of(const fsm__journal *journal, size_t i) {
  const fsm__segment *segment = &journal->segments[i];
  bool newest = i + 1 == journal->segment_count;
  return (fsm__segment_info){
      .ordinal = segment->ordinal,
      .bytes = segment->bytes,
      .first_seq = segment->first_seq,
      .last_seq = newest ? fsm__journal_durable_seq(journal) : journal->segments[i + 1].first_seq - 1,
      .first_batch = segment->first_batch,
      .epoch = segment->epoch,
      .sealed = segment->used,
      .prev = segment->prev,
      .last_time_ns = segment->last_time_ns};
}

static void keep_time(fsm__journal *journal, const fsm__segment_info *info) {
  pthread_mutex_lock(&journal->lock);
  for (size_t i = 0; i < journal->segment_count; i++)
    if (journal->segments[i].ordinal == info->ordinal) journal->segments[i].last_time_ns = info->last_time_ns;
  pthread_mutex_unlock(&journal->lock);
}

/* A record whose time cannot be read makes its segment one that never grows old. */
static fsm_code read_time(fsm__journal_cursor *cursor, fsm__segment_info *info, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record_brief brief;
  fsm_code code = fsm__journal_read(cursor, info->last_seq, &entry, err);
  if (code) return code;
  info->last_time_ns = INT64_MAX;
  if (!fsm_record_peek(entry.record.data, entry.record.len, &brief)) info->last_time_ns = brief.time_ns;
  return FSM_OK;
}

static fsm_code add_times(fsm__journal *journal, fsm__segment_info *infos, size_t count, fsm_error *err) {
  fsm__journal_cursor *cursor;
  fsm_code code = fsm__journal_cursor_open(journal, 1, &cursor, err);
  if (code) return code;
  for (size_t i = 0; !code && i < count; i++) {
    if (infos[i].last_time_ns || infos[i].last_seq < infos[i].first_seq) continue;
    code = read_time(cursor, &infos[i], err);
    if (!code && infos[i].sealed) keep_time(journal, &infos[i]);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

fsm_code fsm__journal_segments(fsm__journal *journal, fsm__segment_info **out, size_t *count,
                               fsm_error *err) {
  FSM_ASSERT(journal && out && count);
  fsm__journal_pin(journal); /* what is listed can be read */
  pthread_mutex_lock(&journal->lock);
  size_t n = journal->segment_count;
  fsm__segment_info *infos = malloc((n + 1) * sizeof *infos);
  for (size_t i = 0; infos && i < n; i++) infos[i] = info_of(journal, i);
  pthread_mutex_unlock(&journal->lock);
  fsm_code code = infos ? add_times(journal, infos, n, err)
                        : fsm_fail(err, FSM_ENOMEM, "journal", "no memory for a list");
  fsm__journal_unpin(journal);
  if (code) {
    free(infos);
    return code;
  }
  *out = infos;
  *count = n;
  return FSM_OK;
}

void fsm__journal_pin(fsm__journal *journal) {
  pthread_mutex_lock(&journal->lock);
  journal->pins++;
  pthread_mutex_unlock(&journal->lock);
}

void fsm__journal_unpin(fsm__journal *journal) {
  pthread_mutex_lock(&journal->lock);
  FSM_ASSERT(journal->pins);
  journal->pins--;
  pthread_mutex_unlock(&journal->lock);
}

/* ---- what goes ---- */

typedef struct pruning {
  fsm__journal *journal;
  uint64_t keep_from_seq;
  fsm__archive_fn archive;
  void *arg;
  fsm__prune_report *report;
} pruning;

static fsm_code pinned(fsm_error *err) {
  return fsm_fail(err, FSM_EBUSY, "journal", "segments are being read; nothing is pruned before that ends");
}

static fsm_code begin(fsm__journal *journal, fsm_error *err) {
  fsm_code code = FSM_OK;
  pthread_mutex_lock(&journal->lock);
  if (journal->pruning)
    code = fsm_fail(err, FSM_EBUSY, "journal", "another thread is pruning");
  else
    journal->pruning = true;
  pthread_mutex_unlock(&journal->lock);
  return code;
}

static void end(fsm__journal *journal) {
  pthread_mutex_lock(&journal->lock);
  journal->pruning = false;
  pthread_mutex_unlock(&journal->lock);
}

/* The oldest, when it may go. */
static bool oldest(const pruning *p, fsm__segment_info *out) {
  fsm__journal *journal = p->journal;
  pthread_mutex_lock(&journal->lock);
  bool may = journal->segment_count > 1 && journal->segments[1].first_seq <= p->keep_from_seq;
  if (may) *out = info_of(journal, 0);
  pthread_mutex_unlock(&journal->lock);
  FSM_ASSERT(!may || (out->sealed && out->last_seq < p->keep_from_seq));
  return may;
}

/* Under the lock. */
static void set_floor(fsm__journal *journal, const fsm__journal_floor *floor) {
  journal->floor = *floor;
  atomic_store_explicit(&journal->first_seq, floor->first_seq, memory_order_release);
}

static fsm__journal_floor floor_above(const fsm__journal *journal, const fsm__segment *gone,
                                      const fsm__segment *next) {
  fsm__journal_floor floor = {.origin = journal->floor.origin,
                              .ordinal = next->ordinal,
                              .first_seq = next->first_seq,
                              .first_batch = next->first_batch,
                              .prev = next->prev};
  floor.origin.epoch = gone->epoch;
  return floor;
}

/* Step 2. before: what to go back to. */
static fsm_code take_out(fsm__journal *journal, fsm__segment *gone, fsm__journal_floor *before,
                         fsm__journal_floor *after, fsm_error *err) {
  pthread_mutex_lock(&journal->lock);
  fsm_code code = journal->pins ? pinned(err) : FSM_OK;
  if (!code) {
    *gone = journal->segments[0];
    *before = journal->floor;
    *after = floor_above(journal, gone, &journal->segments[1]);
    journal->segment_count--;
    memmove(journal->segments, journal->segments + 1, journal->segment_count * sizeof *journal->segments);
    set_floor(journal, after);
  }
  pthread_mutex_unlock(&journal->lock);
  return code;
}

static fsm_code put_back(fsm__journal *journal, const fsm__segment *gone, const fsm__journal_floor *before,
                         fsm_error *err) {
  fsm_code code = fsm__segments_reserve(journal, err); /* the writer may have taken the place */
  if (code) return code;
  pthread_mutex_lock(&journal->lock);
  memmove(journal->segments + 1, journal->segments, journal->segment_count * sizeof *journal->segments);
  journal->segments[0] = *gone;
  journal->segment_count++;
  set_floor(journal, before);
  pthread_mutex_unlock(&journal->lock);
  return FSM_OK;
}

static int unlink_index(int dir_fd, uint64_t ordinal) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__index_name(ordinal, name);
  return unlinkat(dir_fd, name, 0) && errno != ENOENT ? errno : 0;
}

static int unlink_segment(int dir_fd, uint64_t ordinal) {
  char name[FSM_SEGMENT_NAME_BYTES];
  int fault = unlink_index(dir_fd, ordinal);
  fsm__segment_name(ordinal, name);
  if (!fault && unlinkat(dir_fd, name, 0) && errno != ENOENT) fault = errno;
  return fault;
}

int fsm__remove_below(int dir_fd, const uint64_t *ordinals, size_t count, uint64_t floor_ordinal) {
  int fault = 0;
  for (size_t i = 0; !fault && i < count && ordinals[i] < floor_ordinal; i++)
    fault = unlink_segment(dir_fd, ordinals[i]);
  return fault;
}

static fsm_code remove_oldest(pruning *p, const fsm__segment_info *info, fsm_error *err) {
  fsm__journal *journal = p->journal;
  fsm__segment gone;
  fsm__journal_floor before, after;
  fsm_code code = take_out(journal, &gone, &before, &after, err);
  if (code) return code;
  code = fsm__floor_write(journal->dir_fd, &after, err);
  if (code) {
    fsm_error ignored; /* without memory for the table it stays out of it until the next opening */
    if (put_back(journal, &gone, &before, &ignored)) fsm__index_free(gone.index);
    return code;
  }
  fsm__index_free(gone.index);
  pthread_mutex_lock(&journal->indexer.build); /* so that none is written after it */
  int fault = unlink_segment(journal->dir_fd, info->ordinal);
  pthread_mutex_unlock(&journal->indexer.build);
  if (fault)
    return fsm_fail(err, FSM_EIO, fsm__place_of(info->ordinal, 0).text, "unlink of a pruned segment: %s",
                    strerror(fault));
  p->report->segments++;
  p->report->bytes += info->bytes;
  return FSM_OK;
}

static fsm_code prune_one(pruning *p, const fsm__segment_info *info, fsm_error *err) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__segment_name(info->ordinal, name);
  fsm_code code = p->archive ? p->archive(p->arg, p->journal->dir_fd, name, info, err) : FSM_OK;
  return code ? code : remove_oldest(p, info, err);
}

fsm_code fsm__journal_prune(fsm__journal *journal, uint64_t keep_from_seq, fsm__archive_fn archive, void *arg,
                            fsm__prune_report *report, fsm_error *err) {
  FSM_ASSERT(journal && !journal->read_only && report);
  pruning p = {journal, keep_from_seq, archive, arg, report};
  *report = (fsm__prune_report){.first_seq = fsm__journal_first_seq(journal)};
  fsm_code code = begin(journal, err);
  if (code) return code;
  fsm__segment_info info;
  while (!code && oldest(&p, &info)) code = prune_one(&p, &info, err);
  /* For the room it gives back, not for order: the floor is durable already. */
  if (!code && report->segments && fsync(journal->dir_fd))
    code = fsm_fail(err, FSM_EIO, "journal", "fsync of the directory: %s", strerror(errno));
  report->first_seq = fsm__journal_first_seq(journal);
  end(journal);
  return code;
}
