/* journal_spare.c: a thread that keeps one zero-written, synced file ready to become the next segment.
 *
 * Overwriting such a file costs half of what appending costs per fdatasync, and a full disk shows here,
 * where nothing has been promised yet, and not under a batch. What a crash left behind is removed
 * and made again: nobody knows how far its zeroes got.
 *
 * The writer waits for it only when a segment was filled in less time than the next one takes to be zeroed:
 * zeroes are a second copy of all that is written, so above about half of what the disk can write the wait is
 * what paces the load. Measured with 64 MiB: none at 27 MB/s of records (34,000 a second), up to 0.8 s at 94
 * MB/s.
 *
 * Invariant: fd >= 0 exactly when the state is READY.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

/* Synced in pieces, so that the flush of a whole segment never stands in the way of a commit's. */
enum { PIECE = 2 * 1024 * 1024 };

/* What may pass without anybody touching the disk. File descriptors may all be with the program's clients. */
static bool is_no_room(int fault) {
  return fault == ENOSPC || fault == EDQUOT || fault == EFBIG || fault == EMFILE || fault == ENFILE ||
         fault == ENOMEM;
}

static int fill_with_zeroes(fsm__spare *spare, int fd) {
  for (uint64_t at = 0; at < spare->bytes; at += PIECE) {
    if (atomic_load(&spare->stop)) return ECANCELED;
    uint64_t to = spare->bytes - at < PIECE ? spare->bytes : at + PIECE;
    int fault = fsm__zero_at(fd, at, to);
    if (fault) return fault;
    if (fdatasync(fd)) return errno;
  }
  return fsync(fd) ? errno : 0;
}

static int make(fsm__spare *spare, int *out) {
  if (unlinkat(spare->dir_fd, FSM__SPARE_NAME, 0) && errno != ENOENT) return errno;
  int fd = openat(spare->dir_fd, FSM__SPARE_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int fault = fill_with_zeroes(spare, fd);
  if (fault) {
    close(fd);
    unlinkat(spare->dir_fd, FSM__SPARE_NAME, 0); /* gives the room back */
    return fault;
  }
  *out = fd;
  return 0;
}

/* With the lock held, which it lets go meanwhile: what is asked for; false = nothing. */
static bool work(fsm__spare *spare) {
  if (spare->syncing) {
    pthread_mutex_unlock(&spare->lock);
    int failed = fdatasync(spare->sync_fd) ? errno : 0;
    pthread_mutex_lock(&spare->lock);
    spare->sync_fault = failed;
    spare->syncing = false;
  } else if (spare->state == FSM__SPARE_WANTED) {
    pthread_mutex_unlock(&spare->lock);
    int fd = -1, fault = make(spare, &fd);
    pthread_mutex_lock(&spare->lock);
    spare->fd = fd;
    spare->error = fault;
    spare->state = !fault ? FSM__SPARE_READY : is_no_room(fault) ? FSM__SPARE_NO_ROOM : FSM__SPARE_FAILED;
  } else {
    return false;
  }
  pthread_cond_broadcast(&spare->changed);
  return true;
}

static void *run(void *argument) {
  fsm__spare *spare = argument;
  pthread_mutex_lock(&spare->lock);
  while (!atomic_load(&spare->stop))
    if (!work(spare)) pthread_cond_wait(&spare->changed, &spare->lock);
  pthread_mutex_unlock(&spare->lock);
  return NULL;
}

/* A thread that takes no signal: they are the program's. */
static int start_thread(fsm__spare *spare) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int fault = pthread_create(&spare->thread, NULL, run, spare);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return fault;
}

fsm_code fsm__spare_start(fsm__spare *spare, int dir_fd, uint64_t bytes, fsm_error *err) {
  FSM_ASSERT(!spare->running);
  spare->dir_fd = dir_fd;
  spare->bytes = bytes;
  spare->fd = -1;
  spare->state = FSM__SPARE_WANTED;
  atomic_store(&spare->stop, false);
  pthread_mutex_init(&spare->lock, NULL);
  pthread_cond_init(&spare->changed, NULL);
  int fault = spare->threaded ? start_thread(spare) : 0;
  if (fault) {
    pthread_cond_destroy(&spare->changed);
    pthread_mutex_destroy(&spare->lock);
    return fsm_fail(err, FSM_ENOMEM, FSM__SPARE_NAME, "no thread: %s", strerror(fault));
  }
  spare->running = true;
  return FSM_OK;
}

/* With the lock held. */
static void wait_for(fsm__spare *spare) {
  if (spare->threaded)
    pthread_cond_wait(&spare->changed, &spare->lock);
  else
    (void)work(spare);
}

static void want(fsm__spare *spare) {
  spare->state = FSM__SPARE_WANTED;
  pthread_cond_broadcast(&spare->changed);
}

/* With the lock held: waits until there is one. Finding no room counts only when the attempt began after this
 * call: room may have been made since an earlier one began. */
static fsm_code await(fsm__spare *spare, fsm_error *err) {
  bool ours = false;
  for (;;) {
    while (spare->state == FSM__SPARE_WANTED) wait_for(spare);
    if (ours || (spare->state != FSM__SPARE_NO_ROOM && spare->state != FSM__SPARE_TAKEN)) break;
    want(spare);
    ours = true;
  }
  if (spare->state == FSM__SPARE_READY) return FSM_OK;
  fsm_code code = spare->state == FSM__SPARE_NO_ROOM ? FSM_EFULL : FSM_EIO;
  return fsm_fail(err, code, FSM__SPARE_NAME, "a new segment cannot be made: %s", strerror(spare->error));
}

fsm_code fsm__spare_await(fsm__spare *spare, fsm_error *err) {
  FSM_ASSERT(spare->running);
  pthread_mutex_lock(&spare->lock);
  fsm_code code = await(spare, err);
  pthread_mutex_unlock(&spare->lock);
  return code;
}

fsm_code fsm__spare_take(fsm__spare *spare, int *fd, fsm_error *err) {
  FSM_ASSERT(spare->running);
  pthread_mutex_lock(&spare->lock);
  fsm_code code = await(spare, err);
  if (code == FSM_OK) {
    *fd = spare->fd;
    spare->fd = -1;
    spare->state = FSM__SPARE_TAKEN;
  }
  pthread_mutex_unlock(&spare->lock);
  return code;
}

void fsm__spare_want(fsm__spare *spare) {
  pthread_mutex_lock(&spare->lock);
  if (spare->state == FSM__SPARE_TAKEN) want(spare);
  pthread_mutex_unlock(&spare->lock);
}

void fsm__spare_sync(fsm__spare *spare, int fd) {
  pthread_mutex_lock(&spare->lock);
  FSM_ASSERT(spare->running && spare->state == FSM__SPARE_TAKEN && !spare->syncing);
  spare->sync_fd = fd;
  spare->syncing = true;
  pthread_cond_broadcast(&spare->changed);
  pthread_mutex_unlock(&spare->lock);
}

int fsm__spare_synced(fsm__spare *spare) {
  pthread_mutex_lock(&spare->lock);
  while (spare->syncing) wait_for(spare);
  int fault = spare->sync_fault;
  pthread_mutex_unlock(&spare->lock);
  return fault;
}

void fsm__spare_stop(fsm__spare *spare) {
  if (!spare->running) return;
  pthread_mutex_lock(&spare->lock);
  atomic_store(&spare->stop, true);
  pthread_cond_broadcast(&spare->changed);
  pthread_mutex_unlock(&spare->lock);
  if (spare->threaded) pthread_join(spare->thread, NULL);
  if (spare->fd >= 0) {
    close(spare->fd);
    unlinkat(spare->dir_fd, FSM__SPARE_NAME, 0);
  }
  pthread_cond_destroy(&spare->changed);
  pthread_mutex_destroy(&spare->lock);
  spare->running = false;
}
