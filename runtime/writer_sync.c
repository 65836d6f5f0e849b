/* writer_sync.c: a batch becomes durable, then visible, and then its commands are answered.
 *
 * With nothing else to do the writer does it itself: a lone client pays for no handing over. While commands
 * wait, a second thread does, and the writer decides the next batch; it hands that over only when this one is
 * done, answers given, so at most one batch is on its way and answers come in the order of the batches. */
#include "runtime/clock.h"
#include "runtime/writer.h"

/* From the disk to the answers. */
static void finish(fsm__writer *w, bool wrote, fsm__job *jobs) {
  fsm_error err;
  if (wrote) {
    const int64_t began_ns = fsm__monotonic_ns();
    if (fsm__journal_sync(w->core.journal, &err) != FSM_OK) fsm__writer_fatal(w, &err);
    const uint64_t seq = fsm__journal_durable_seq(w->core.journal);
    const int64_t now_ns = fsm__monotonic_ns();
    fsm__span_meter_add(&w->meters.stages[FSM_STAGE_SYNC], now_ns - began_ns);
    atomic_store_explicit(&w->last_commit_ns, now_ns, memory_order_relaxed);
    fsm__store_reveal(w->core.store, seq);
    if (w->options.durable != NULL) w->options.durable(w->options.durable_arg, seq);
  }
  const int64_t answered_ns = fsm__monotonic_ns();
  for (fsm__job *job = jobs; job != NULL; job = job->next) {
    fsm__span_meter_add(&w->meters.stages[FSM_STAGE_ANSWER], answered_ns - job->received_ns);
    fsm__writer_answer(w, job);
  }
  fsm__queue_recycle_all(&w->queue, jobs);
}

static void *run(void *arg) {
  fsm__writer *w = arg;
  fsm__syncing *s = &w->syncing;
  pthread_mutex_lock(&s->lock);
  while (!s->stop) {
    if (!s->busy) {
      pthread_cond_wait(&s->changed, &s->lock);
      continue;
    }
    pthread_mutex_unlock(&s->lock);
    finish(w, s->wrote, s->jobs);
    pthread_mutex_lock(&s->lock);
    s->busy = false;
    pthread_cond_broadcast(&s->changed);
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

static void hand_over(fsm__syncing *s, bool wrote, fsm__job *jobs) {
  pthread_mutex_lock(&s->lock);
  s->wrote = wrote;
  s->jobs = jobs;
  s->busy = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

void fsm__writer_sync_wait(fsm__writer *w) {
  fsm__syncing *s = &w->syncing;
  if (!s->running) return;
  pthread_mutex_lock(&s->lock);
  while (s->busy) pthread_cond_wait(&s->changed, &s->lock);
  pthread_mutex_unlock(&s->lock);
}

bool fsm__writer_sync_busy(fsm__writer *w) {
  fsm__syncing *s = &w->syncing;
  if (!s->running) return false;
  pthread_mutex_lock(&s->lock);
  bool busy = s->busy;
  pthread_mutex_unlock(&s->lock);
  return busy;
}

void fsm__writer_commit(fsm__writer *w) {
  const bool wrote = w->batch_open;
  fsm__job *jobs = w->decided;
  if (!wrote && jobs == NULL) return;
  fsm__writer_sync_wait(w);
  if (wrote) {
    fsm__journal_seal(w->core.journal);
    fsm__store_boundary(w->core.store, w->core.seq);
  }
  w->batch_open = false;
  w->decided = NULL;
  w->decided_tail = &w->decided;
  if (w->syncing.running && fsm__queue_count(&w->queue) > 0)
    hand_over(&w->syncing, wrote, jobs);
  else
    finish(w, wrote, jobs);
}

fsm_code fsm__writer_sync_open(fsm__writer *w, fsm_error *err) {
  fsm__syncing *s = &w->syncing;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
  s->running = pthread_create(&s->thread, NULL, run, w) == 0;
  if (s->running) return FSM_OK;
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  return fsm_fail(err, FSM_ENOMEM, "", "the thread of the journal cannot be started");
}

void fsm__writer_sync_close(fsm__writer *w) {
  fsm__syncing *s = &w->syncing;
  if (!s->running) return;
  fsm__writer_sync_wait(w);
  pthread_mutex_lock(&s->lock);
  s->stop = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  s->running = false;
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
}
