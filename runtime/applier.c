/* applier.c: one thread, one round at a time. See applier.h.
 *
 * Only the state is shared, under the lock. While it is BUSY the frozen generation is this thread's, else the
 * writer's. */
#include "runtime/applier.h"

#include <pthread.h>
#include <stdlib.h>

#include "runtime/clock.h"

enum { CLEAR_DEAD_EVERY = 64 }; /* rounds */

struct fsm__applier {
  fsm__store *store;
  void (*wake)(void *arg);
  void *arg;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  fsm__applier_state state;
  fsm_error err;
  int64_t took_ns;
  unsigned rounds;
  bool stop;
};

static void end_round(fsm__applier *a, fsm__applier_state state, const fsm_error *err, int64_t took_ns) {
  pthread_mutex_lock(&a->lock);
  a->state = state;
  a->err = *err;
  a->took_ns = took_ns;
  pthread_cond_broadcast(&a->changed);
  pthread_mutex_unlock(&a->lock);
  if (a->wake != NULL) a->wake(a->arg);
}

static void run_round(fsm__applier *a) {
  fsm_error err = {.code = FSM_OK};
  bool map_full = false;
  int64_t begin = fsm__monotonic_ns();
  if (++a->rounds % CLEAR_DEAD_EVERY == 0) fsm__store_clear_dead(a->store);
  fsm_code code = fsm__store_apply(a->store, &map_full, &err);
  fsm__applier_state state = code == FSM_OK                            ? FSM_APPLIER_DONE
                             : code != FSM_EFULL && code != FSM_ENOMEM ? FSM_APPLIER_FAILED
                             : map_full                                ? FSM_APPLIER_MAP_FULL
                                                                       : FSM_APPLIER_FULL;
  end_round(a, state, &err, fsm__monotonic_ns() - begin);
}

static void *run(void *arg) {
  fsm__applier *a = arg;
  pthread_mutex_lock(&a->lock);
  while (!a->stop) {
    if (a->state != FSM_APPLIER_BUSY) {
      pthread_cond_wait(&a->changed, &a->lock);
      continue;
    }
    pthread_mutex_unlock(&a->lock);
    run_round(a);
    pthread_mutex_lock(&a->lock);
  }
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

fsm_code fsm__applier_new(fsm__store *store, void (*wake)(void *arg), void *arg, fsm__applier **out,
                          fsm_error *err) {
  fsm__applier *a = calloc(1, sizeof *a);
  if (a == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the applier");
  *a = (fsm__applier){.store = store, .wake = wake, .arg = arg};
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->changed, NULL);
  if (wake != NULL && pthread_create(&a->thread, NULL, run, a) != 0) {
    free(a);
    return fsm_fail(err, FSM_ENOMEM, "", "the applier thread cannot be started");
  }
  *out = a;
  return FSM_OK;
}

void fsm__applier_free(fsm__applier *a) {
  if (a == NULL) return;
  fsm__applier_wait(a);
  pthread_mutex_lock(&a->lock);
  a->stop = true;
  pthread_cond_broadcast(&a->changed);
  pthread_mutex_unlock(&a->lock);
  if (a->wake != NULL) pthread_join(a->thread, NULL);
  pthread_cond_destroy(&a->changed);
  pthread_mutex_destroy(&a->lock);
  free(a);
}

void fsm__applier_start(fsm__applier *a) {
  pthread_mutex_lock(&a->lock);
  FSM_ASSERT(a->state == FSM_APPLIER_IDLE);
  a->state = FSM_APPLIER_BUSY;
  pthread_cond_broadcast(&a->changed);
  pthread_mutex_unlock(&a->lock);
}

/* Without a thread: whoever asks how it went lets it go. */
static void run_by_hand(fsm__applier *a) {
  if (a->wake == NULL && a->state == FSM_APPLIER_BUSY) run_round(a);
}

fsm__applier_state fsm__applier_poll(fsm__applier *a, int64_t *took_ns, fsm_error *err) {
  run_by_hand(a);
  pthread_mutex_lock(&a->lock);
  fsm__applier_state state = a->state;
  *took_ns = a->took_ns;
  if (state != FSM_APPLIER_BUSY) {
    if (state != FSM_APPLIER_IDLE && state != FSM_APPLIER_DONE) *err = a->err;
    a->state = FSM_APPLIER_IDLE;
  }
  pthread_mutex_unlock(&a->lock);
  return state;
}

void fsm__applier_wait(fsm__applier *a) {
  run_by_hand(a);
  pthread_mutex_lock(&a->lock);
  while (a->state == FSM_APPLIER_BUSY) pthread_cond_wait(&a->changed, &a->lock);
  pthread_mutex_unlock(&a->lock);
}
