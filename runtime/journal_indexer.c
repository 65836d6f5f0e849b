/* journal_indexer.c: a thread that sees to it that each sealed segment has its index file, and whoever needs
 * one before that makes it himself.
 *
 * `build` is held while one is made, written or, by pruning, removed: so an index is made once, and none
 * is written for a segment that is gone. It is never held by the writer.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal_idx.h"

/* ---- the table ---- */

/* Under the lock. */
static fsm__sealed sealed_at(const fsm__journal *journal, size_t i) {
  const fsm__segment *segment = &journal->segments[i];
  bool newest = i + 1 == journal->segment_count;
  return (fsm__sealed){
      .ordinal = segment->ordinal,
      .bytes = segment->bytes,
      .salt = segment->salt,
      .first_seq = segment->first_seq,
      .last_seq = newest ? fsm__journal_durable_seq(journal) : journal->segments[i + 1].first_seq - 1,
      .used = segment->used,
      .epoch = segment->epoch,
      .leaf = segment->leaf};
}

bool fsm__sealed_of(fsm__journal *journal, uint64_t seq, fsm__sealed *out) {
  pthread_mutex_lock(&journal->lock);
  const fsm__segment *segment = fsm__segment_of(journal, seq);
  bool sealed = segment && segment->used;
  if (sealed) *out = sealed_at(journal, (size_t)(segment - journal->segments));
  pthread_mutex_unlock(&journal->lock);
  return sealed;
}

static bool is_kept(fsm__journal *journal, uint64_t ordinal) {
  pthread_mutex_lock(&journal->lock);
  bool kept = journal->segment_count && journal->segments[0].ordinal <= ordinal;
  pthread_mutex_unlock(&journal->lock);
  return kept;
}

/* ---- making one ---- */

/* With `build` held. What cannot be written is used from memory and made again another time. */
static fsm_code make(fsm__journal *journal, const fsm__sealed *segment, const _Atomic bool *stop,
                     fsm__idx *out, fsm_error *err) {
  uint8_t *image;
  size_t len;
  if (!is_kept(journal, segment->ordinal)) return fsm__journal_archived(journal, segment->first_seq, err);
  fsm_code code = fsm__idx_make(journal, segment, stop, &image, &len, err);
  if (code) return code;
  if (!journal->read_only && is_kept(journal, segment->ordinal)) {
    char name[FSM_SEGMENT_NAME_BYTES];
    fsm__index_name(segment->ordinal, name);
    (void)fsm__replace_file(journal->dir_fd, name, image, len);
  }
  fsm__idx_adopt(out, journal, segment, image, len);
  return FSM_OK;
}

static fsm_code get(fsm__journal *journal, const fsm__sealed *segment, bool remake, const _Atomic bool *stop,
                    fsm__idx *out, fsm_error *err) {
  bool usable = false;
  fsm_code code = FSM_OK;
  if (!remake) fsm__idx_open(journal, segment, out, &usable);
  if (usable) return FSM_OK;
  pthread_mutex_lock(&journal->indexer.build);
  if (!remake) fsm__idx_open(journal, segment, out, &usable); /* another may just have made it */
  if (!usable) code = make(journal, segment, stop, out, err);
  pthread_mutex_unlock(&journal->indexer.build);
  return code;
}

fsm_code fsm__idx_get(fsm__journal *journal, const fsm__sealed *segment, bool remake, fsm__idx *out,
                      fsm_error *err) {
  return get(journal, segment, remake, NULL, out, err);
}

/* ---- the thread ---- */

static bool next_unchecked(fsm__journal *journal, fsm__sealed *out) {
  bool found = false;
  pthread_mutex_lock(&journal->lock);
  for (size_t i = 0; !found && i < journal->segment_count; i++) {
    fsm__segment *segment = &journal->segments[i];
    if (!segment->used || segment->idx_checked) continue;
    segment->idx_checked = found = true; /* a fault waits for whoever needs it */
    *out = sealed_at(journal, i);
  }
  pthread_mutex_unlock(&journal->lock);
  return found;
}

static size_t see_to_all(fsm__journal *journal) {
  size_t count = 0;
  fsm__sealed segment;
  fsm__idx *idx = malloc(sizeof *idx);
  for (; idx && !atomic_load(&journal->indexer.stop) && next_unchecked(journal, &segment); count++) {
    fsm_error ignored;
    if (!get(journal, &segment, false, &journal->indexer.stop, idx, &ignored)) fsm__idx_close(idx);
  }
  free(idx);
  return count;
}

static void *run(void *argument) {
  fsm__journal *journal = argument;
  fsm__indexer *indexer = &journal->indexer;
  pthread_mutex_lock(&indexer->lock);
  while (!atomic_load(&indexer->stop)) {
    if (!indexer->wanted) {
      pthread_cond_wait(&indexer->changed, &indexer->lock);
      continue;
    }
    indexer->wanted = false;
    pthread_mutex_unlock(&indexer->lock);
    (void)see_to_all(journal);
    pthread_mutex_lock(&indexer->lock);
  }
  pthread_mutex_unlock(&indexer->lock);
  return NULL;
}

size_t fsm__indexer_run(fsm__journal *journal) {
  fsm__indexer *indexer = &journal->indexer;
  pthread_mutex_lock(&indexer->lock);
  bool wanted = indexer->wanted;
  indexer->wanted = false;
  pthread_mutex_unlock(&indexer->lock);
  return wanted ? see_to_all(journal) : 0;
}

void fsm__indexer_init(fsm__indexer *indexer) {
  pthread_mutex_init(&indexer->lock, NULL);
  pthread_mutex_init(&indexer->build, NULL);
  pthread_cond_init(&indexer->changed, NULL);
}

/* A thread that takes no signal: they are the program's. */
fsm_code fsm__indexer_start(fsm__journal *journal, fsm_error *err) {
  fsm__indexer *indexer = &journal->indexer;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  indexer->wanted = true;
  int fault = pthread_create(&indexer->thread, NULL, run, journal);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (fault)
    return fsm_fail(err, FSM_ENOMEM, "journal", "no thread for the index files: %s", strerror(fault));
  indexer->running = true;
  return FSM_OK;
}

void fsm__indexer_wake(fsm__indexer *indexer) {
  pthread_mutex_lock(&indexer->lock);
  indexer->wanted = true;
  pthread_cond_signal(&indexer->changed);
  pthread_mutex_unlock(&indexer->lock);
}

void fsm__indexer_stop(fsm__indexer *indexer) {
  if (indexer->running) {
    pthread_mutex_lock(&indexer->lock);
    atomic_store(&indexer->stop, true);
    pthread_cond_signal(&indexer->changed);
    pthread_mutex_unlock(&indexer->lock);
    pthread_join(indexer->thread, NULL);
  }
  pthread_cond_destroy(&indexer->changed);
  pthread_mutex_destroy(&indexer->build);
  pthread_mutex_destroy(&indexer->lock);
}
