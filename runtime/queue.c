/* queue.c: a bounded list under one lock. See queue.h. */
#include "runtime/queue.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/clock.h"

enum { SPARES_MAX = 1024 };

fsm_code fsm__queue_init(fsm__queue *queue, size_t max, fsm_error *err) {
  pthread_condattr_t attr;
  *queue = (fsm__queue){.max = max};
  bool good = pthread_mutex_init(&queue->lock, NULL) == 0 &&
              pthread_mutex_init(&queue->spare_lock, NULL) == 0 && pthread_condattr_init(&attr) == 0 &&
              pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(&queue->changed, &attr) == 0;
  return good ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the command queue");
}

static void free_jobs(fsm__job *job) {
  while (job != NULL) {
    fsm__job *next = job->next;
    fsm_arena_free(&job->arena);
    free(job);
    job = next;
  }
}

void fsm__queue_free(fsm__queue *queue) {
  free_jobs(queue->line.head);
  free_jobs(queue->dry.head);
  free_jobs(queue->spare);
  pthread_cond_destroy(&queue->changed);
  pthread_mutex_destroy(&queue->spare_lock);
  pthread_mutex_destroy(&queue->lock);
}

fsm__job *fsm__queue_job(fsm__queue *queue) {
  pthread_mutex_lock(&queue->spare_lock);
  fsm__job *job = queue->spare;
  if (job != NULL) {
    queue->spare = job->next;
    queue->spares--;
    job->next = NULL;
  }
  pthread_mutex_unlock(&queue->spare_lock);
  if (job == NULL) {
    job = calloc(1, sizeof *job);
    if (job != NULL) fsm_arena_init(&job->arena, 0);
  }
  return job;
}

void fsm__queue_recycle(fsm__queue *queue, fsm__job *job) {
  job->next = NULL;
  fsm__queue_recycle_all(queue, job);
}

void fsm__queue_recycle_all(fsm__queue *queue, fsm__job *jobs) {
  fsm__job *last = NULL;
  size_t count = 0;
  for (fsm__job *job = jobs, *next; job != NULL; job = next, count++) {
    next = job->next;
    fsm_arena arena = job->arena;
    fsm_arena_reset(&arena);
    *job = (fsm__job){.next = next, .arena = arena};
    last = job;
  }
  if (last == NULL) return;
  pthread_mutex_lock(&queue->spare_lock);
  bool keep = queue->spares + count <= SPARES_MAX;
  if (keep) {
    last->next = queue->spare;
    queue->spare = jobs;
    queue->spares += count;
  }
  pthread_mutex_unlock(&queue->spare_lock);
  if (!keep) free_jobs(jobs);
}

static size_t count_of(const fsm__queue *queue) { return queue->line.count + queue->dry.count; }

/* Of its own lock. */
static void link_in(fsm__queue *queue, fsm__line *line, fsm__job *first, fsm__job *last, size_t count,
                    bool in_front) {
  if (in_front) {
    last->next = line->head;
    line->head = first;
    if (line->tail == NULL) line->tail = last;
  } else {
    if (line->tail != NULL)
      line->tail->next = first;
    else
      line->head = first;
    line->tail = last;
  }
  line->count += count;
  bool quiet = queue->held && pthread_equal(queue->holder, pthread_self());
  if (queue->waiting > 0 && !quiet) pthread_cond_signal(&queue->changed);
}

/* One list of dry runs is let in whatever its length. */
static bool fits(const fsm__queue *queue, bool dry, size_t count) {
  if (count > queue->max - count_of(queue)) return false;
  return !dry || queue->dry.count == 0 || queue->dry.count + count <= queue->max / 2;
}

static fsm_code push(fsm__queue *queue, fsm__job *first, fsm__job *last, size_t count, bool in_front,
                     fsm_error *err) {
  const int64_t now_ns = fsm__monotonic_ns();
  const bool dry = first->command.dry_run;
  FSM_ASSERT(count > 0);
  last->next = NULL;
  for (fsm__job *job = first; job != NULL; job = job->next) job->received_ns = now_ns;
  pthread_mutex_lock(&queue->lock);
  const size_t waiting = dry && queue->dry.count > 0 ? queue->dry.count : count_of(queue);
  fsm_code code = queue->closed ? FSM_ECLOSED : fits(queue, dry, count) ? FSM_OK : FSM_EBUSY;
  if (code == FSM_OK) link_in(queue, dry ? &queue->dry : &queue->line, first, last, count, in_front);
  pthread_mutex_unlock(&queue->lock);
  if (code == FSM_EBUSY)
    return fsm_fail(err, code, "", "%zu of at most %zu %s wait already; try again in %lld ms", waiting,
                    dry ? queue->max / 2 : queue->max, dry ? "dry runs" : "commands",
                    (long long)(FSM_BUSY_RETRY_NS / 1000000));
  if (code == FSM_ECLOSED) return fsm_fail(err, code, "", "the runtime is shutting down");
  return FSM_OK;
}

fsm_code fsm__queue_push(fsm__queue *queue, fsm__job *first, fsm__job *last, size_t count, fsm_error *err) {
  return push(queue, first, last, count, false, err);
}

fsm_code fsm__queue_push_first(fsm__queue *queue, fsm__job *job, fsm_error *err) {
  return push(queue, job, job, 1, true, err);
}

/* Waits until there is a job, a wake-up, the end, or the time is over. */
static void wait_for(fsm__queue *queue, int64_t wait_ns) {
  int64_t until = fsm__monotonic_ns() + wait_ns;
  const struct timespec ts = fsm__timespec_of(until);
  queue->waiting++;
  while (count_of(queue) == 0 && !queue->closed && !queue->woken)
    if (pthread_cond_timedwait(&queue->changed, &queue->lock, &ts) != 0) break;
  queue->waiting--;
}

/* Up to max jobs of a line behind *end, which moves on; how many. */
static size_t unlink_some(fsm__line *line, size_t max, fsm__job ***end) {
  fsm__job *first = line->head, *last = NULL;
  size_t taken = 0;
  for (fsm__job *job = first; job != NULL && taken < max; job = job->next, taken++) last = job;
  if (last == NULL) return 0;
  line->head = last->next;
  if (line->head == NULL) line->tail = NULL;
  last->next = NULL;
  line->count -= taken;
  **end = first;
  *end = &last->next;
  return taken;
}

fsm__job *fsm__queue_take(fsm__queue *queue, size_t max, int64_t wait_ns) {
  fsm__job *first = NULL, **end = &first;
  pthread_mutex_lock(&queue->lock);
  if (wait_ns > 0) wait_for(queue, wait_ns);
  queue->woken = false;
  /* those of the other line leave some places when there are many */
  const size_t kept = max / 16 < queue->dry.count ? max / 16 : queue->dry.count;
  const size_t room =
      max - unlink_some(&queue->line, max - (kept < FSM_QUEUE_DRY ? kept : FSM_QUEUE_DRY), &end);
  (void)unlink_some(&queue->dry, room < FSM_QUEUE_DRY ? room : FSM_QUEUE_DRY, &end);
  pthread_mutex_unlock(&queue->lock);
  return first;
}

void fsm__queue_hold(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  FSM_ASSERT(!queue->held);
  queue->held = true;
  queue->holder = pthread_self();
  pthread_mutex_unlock(&queue->lock);
}

void fsm__queue_go(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  FSM_ASSERT(queue->held && pthread_equal(queue->holder, pthread_self()));
  queue->held = false;
  const size_t wake = count_of(queue) < queue->waiting ? count_of(queue) : queue->waiting;
  for (size_t i = 0; i < wake; i++) pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
}

void fsm__queue_close(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = true;
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
}

void fsm__queue_wake(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->woken = true;
  pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
}

bool fsm__queue_closed(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  bool done = queue->closed && count_of(queue) == 0;
  pthread_mutex_unlock(&queue->lock);
  return done;
}

size_t fsm__queue_count(fsm__queue *queue) {
  pthread_mutex_lock(&queue->lock);
  size_t count = count_of(queue);
  pthread_mutex_unlock(&queue->lock);
  return count;
}
