/* workers.c: one thread between the writer, which offers tasks and must not wait, and the bus, whose
 * threads must not wait either. Everyone hands it work under `lock`; it alone sends and submits what
 * is about offers. Offers wait in lanes, each service in one (some share one), which take turns. Invariant:
 * each task that was offered ends as STARTED or UNDELIVERED, or waits in a lane, `flights` or `unsent`, until
 * stop; what is dropped then, the runtime offers again at its next start.
 */
#include "runtime/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/workers_impl.h"

enum { IDLE_MS = 1000, BUSY_MS = 10 };

void fsm__workers_moved(fsm__workers *w) {
  w->woken = true;
  pthread_cond_signal(&w->moved);
}

void fsm__workers_wake(fsm__workers *w) {
  FSM_ASSERT(w != NULL);
  pthread_mutex_lock(&w->lock);
  fsm__workers_moved(w);
  pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

static void wait_moved(fsm__workers *w, bool busy) {
  int64_t now = fsm__monotonic_ns(), until = now + (int64_t)(busy ? BUSY_MS : IDLE_MS) * 1000000;
  pthread_mutex_lock(&w->lock);
  if (w->oldest < w->next) {
    int64_t first = w->flights[w->oldest % FSM_WORKERS_WINDOW].until_ns;
    if (first < until) until = first;
  }
  const struct timespec t = fsm__timespec_of(until);
  while (!w->stopping && (busy || !w->woken)) {
    if (pthread_cond_timedwait(&w->moved, &w->lock, &t) != 0) break;
  }
  w->woken = false;
  pthread_mutex_unlock(&w->lock);
}

static bool stopping(fsm__workers *w) {
  pthread_mutex_lock(&w->lock);
  bool is = w->stopping;
  pthread_mutex_unlock(&w->lock);
  return is;
}

static void *run(void *arg) {
  fsm__workers *w = arg;
  while (!stopping(w)) {
    fsm__workers_reply(w);
    fsm__workers_send(w);
    fsm__workers_expire(w);
    bool idle = fsm__workers_submit(w);
    wait_moved(w, !idle);
  }
  fsm__workers_reply(w);
  return NULL;
}

/* ---- life ---- */

static fsm_code declare(fsm__workers *w, fsm_error *err) {
  static const struct {
    const char *verb;
    fsm__bus_message_fn fn;
  } verbs[] = {{"complete", fsm__workers_on_complete},
               {"fail", fsm__workers_on_fail},
               {"heartbeat", fsm__workers_on_heartbeat}};
  fsm_code code = fsm__bus_inbox(w->bus, fsm__workers_on_accept, w, &w->inbox, err);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0] && code == FSM_OK; i++) {
    char subject[FSM_PREFIX_MAX + 32];
    snprintf(subject, sizeof subject, "%s.cmd.task.%s", w->prefix, verbs[i].verb);
    code = fsm__bus_subscribe(w->bus, subject, "fsmd", verbs[i].fn, w, err);
  }
  return code;
}

fsm_code fsm__workers_new(fsm__bus *bus, const char *prefix, fsm__workers **out, fsm_error *err) {
  FSM_ASSERT(bus != NULL && prefix != NULL && strlen(prefix) <= FSM_PREFIX_MAX && out != NULL);
  fsm__workers *w = calloc(1, sizeof *w);
  if (w == NULL) return fsm_fail(err, FSM_ENOMEM, "workers", "no memory for the tasks' window");
  w->bus = bus;
  snprintf(w->prefix, sizeof w->prefix, "%s", prefix);
  for (unsigned i = 0; i < LANES; i++) w->lanes[i].last = &w->lanes[i].first;
  w->unsent_end = &w->unsent;
  w->replies_end = &w->replies;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&w->moved, &attr);
  pthread_condattr_destroy(&attr);
  fsm_code code = declare(w, err);
  if (code != FSM_OK) {
    fsm__workers_free(w);
    return code;
  }
  *out = w;
  return FSM_OK;
}

fsm_code fsm__workers_start(fsm__workers *w, fsm_runtime *runtime, fsm_error *err) {
  FSM_ASSERT(w != NULL && runtime != NULL && !w->started);
  w->runtime = runtime;
  if (pthread_create(&w->thread, NULL, run, w) != 0) {
    return fsm_fail(err, FSM_ENOMEM, "workers", "no thread for the tasks");
  }
  w->started = true;
  return FSM_OK;
}

void fsm__workers_stop(fsm__workers *w) {
  FSM_ASSERT(w != NULL);
  pthread_mutex_lock(&w->lock);
  w->stopping = true;
  fsm__workers_moved(w);
  pthread_mutex_unlock(&w->lock);
  if (w->started) pthread_join(w->thread, NULL);
  w->started = false;
}

void fsm__workers_free(fsm__workers *w) {
  if (w == NULL) return;
  fsm__workers_stop(w);
  for (unsigned i = 0; i < LANES; i++)
    for (offer *o = w->lanes[i].first, *next; o != NULL; o = next) next = o->next, fsm__workers_offer_free(o);
  for (outcome *o = w->unsent, *next; o != NULL; o = next) next = o->next, free(o);
  for (reply *r = w->replies, *next; r != NULL; r = next) next = r->next, fsm__workers_reply_free(r);
  pthread_mutex_destroy(&w->lock);
  pthread_cond_destroy(&w->moved);
  free(w);
}
