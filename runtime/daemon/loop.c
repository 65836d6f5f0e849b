/* loop.c: libuv behind the few things that the daemon asks of a loop. */
#include "runtime/daemon/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

enum { PULSE_MS = 250, LAG_WINDOW_MS = 10000 };

typedef struct hook {
  fsm__loop_fn fn;
  void *arg;
} hook;

struct fsm__loop {
  uv_loop_t uv;
  uv_async_t async;
  uv_signal_t term, interrupt, hangup;
  uv_timer_t deadline, pulse;
  uint64_t due_ms;              /* the next pulse */
  uint64_t window_ms;           /* when the window of worst began */
  uint64_t worst, worst_before; /* ms, of this window and of the one before */
  hook wake, stop, reload, late;
  pthread_mutex_t mutex; /* of the posts */
  fsm__post *first_post, *last_post;
};

struct fsm__watch {
  uv_poll_t poll;
  uv_timer_t timer;
  hook due;
  int open_handles;
};

typedef struct job {
  uv_work_t uv;
  fsm__loop_fn work, done;
  void *arg;
} job;

static void call(const hook *h) {
  if (h->fn) h->fn(h->arg);
}

/* A post may be made again, or freed, by its own fn: it is read before. */
static void run_posts(fsm__loop *loop) {
  pthread_mutex_lock(&loop->mutex);
  fsm__post *post = loop->first_post;
  loop->first_post = loop->last_post = NULL;
  pthread_mutex_unlock(&loop->mutex);
  while (post) {
    fsm__post *next = post->next;
    const hook turn = {post->fn, post->arg};
    call(&turn);
    post = next;
  }
}

static void on_async(uv_async_t *async) {
  fsm__loop *loop = async->data;
  run_posts(loop);
  call(&loop->wake);
}
static void on_deadline(uv_timer_t *timer) { call(&((fsm__loop *)timer->data)->late); }

/* Asks for a turn at a known time, to see how late it comes. */
static void on_pulse(uv_timer_t *pulse) {
  fsm__loop *loop = pulse->data;
  const uint64_t now_ms = uv_hrtime() / 1000000;
  if (now_ms > loop->due_ms && now_ms - loop->due_ms > loop->worst) loop->worst = now_ms - loop->due_ms;
  if (now_ms - loop->window_ms >= LAG_WINDOW_MS) {
    loop->worst_before = loop->worst;
    loop->worst = 0;
    loop->window_ms = now_ms;
  }
  loop->due_ms = now_ms + PULSE_MS;
  FSM_ASSERT(uv_timer_start(pulse, on_pulse, PULSE_MS, 0) == 0);
}

int64_t fsm__loop_lag_ns(const fsm__loop *loop) {
  const uint64_t ms = loop->worst > loop->worst_before ? loop->worst : loop->worst_before;
  return (int64_t)ms * 1000000;
}

static void on_hangup(uv_signal_t *handle, int number) {
  (void)number;
  call(&((fsm__loop *)handle->data)->reload);
}
static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  call(&((fsm__loop *)handle->data)->stop);
}

static fsm_code failed(fsm_error *err, const char *what, int code) {
  return fsm_fail(err, FSM_EIO, "loop", "%s: %s", what, uv_strerror(code));
}

fsm_code fsm__loop_new(fsm__loop **out, fsm_error *err) {
  fsm__loop *loop = calloc(1, sizeof *loop);
  if (!loop) return fsm_fail(err, FSM_ENOMEM, "loop", "no memory for the loop");
  int code = uv_loop_init(&loop->uv);
  if (code != 0) {
    free(loop);
    return failed(err, "cannot make the loop", code);
  }
  code = uv_async_init(&loop->uv, &loop->async, on_async);
  FSM_ASSERT(pthread_mutex_init(&loop->mutex, NULL) == 0);
  FSM_ASSERT(uv_timer_init(&loop->uv, &loop->deadline) == 0 && uv_timer_init(&loop->uv, &loop->pulse) == 0);
  FSM_ASSERT(uv_signal_init(&loop->uv, &loop->term) == 0 && uv_signal_init(&loop->uv, &loop->interrupt) == 0);
  FSM_ASSERT(uv_signal_init(&loop->uv, &loop->hangup) == 0);
  loop->hangup.data = loop;
  loop->async.data = loop->pulse.data = loop->deadline.data = loop->term.data = loop->interrupt.data = loop;
  if (code != 0) {
    failed(err, "cannot make the wake-up", code);
    uv_close((uv_handle_t *)&loop->deadline, NULL);
    uv_close((uv_handle_t *)&loop->pulse, NULL);
    uv_close((uv_handle_t *)&loop->term, NULL);
    uv_close((uv_handle_t *)&loop->interrupt, NULL);
    uv_close((uv_handle_t *)&loop->hangup, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
    return FSM_EIO;
  }
  loop->due_ms = loop->window_ms = uv_hrtime() / 1000000;
  on_pulse(&loop->pulse);
  *out = loop;
  return FSM_OK;
}

void fsm__loop_free(fsm__loop *loop) {
  if (!loop) return;
  uv_close((uv_handle_t *)&loop->async, NULL);
  uv_close((uv_handle_t *)&loop->deadline, NULL);
  uv_close((uv_handle_t *)&loop->pulse, NULL);
  uv_close((uv_handle_t *)&loop->term, NULL);
  uv_close((uv_handle_t *)&loop->interrupt, NULL);
  uv_close((uv_handle_t *)&loop->hangup, NULL);
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  FSM_ASSERT(uv_loop_close(&loop->uv) == 0);
  pthread_mutex_destroy(&loop->mutex);
  free(loop);
}

void fsm__loop_run(fsm__loop *loop) { uv_run(&loop->uv, UV_RUN_DEFAULT); }
void fsm__loop_turn(fsm__loop *loop) { uv_run(&loop->uv, UV_RUN_ONCE); }
void fsm__loop_stop(fsm__loop *loop) { uv_stop(&loop->uv); }

void fsm__loop_on_wake(fsm__loop *loop, fsm__loop_fn fn, void *arg) { loop->wake = (hook){fn, arg}; }

void fsm__loop_wake(fsm__loop *loop) { FSM_ASSERT(uv_async_send(&loop->async) == 0); }

fsm_code fsm__loop_on_stop_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err) {
  loop->stop = (hook){fn, arg};
  int code = uv_signal_start(&loop->term, on_signal, SIGTERM);
  if (code == 0) code = uv_signal_start(&loop->interrupt, on_signal, SIGINT);
  return code == 0 ? FSM_OK : failed(err, "cannot take signals", code);
}

fsm_code fsm__loop_on_reload_signal(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm_error *err) {
  loop->reload = (hook){fn, arg};
  int code = uv_signal_start(&loop->hangup, on_hangup, SIGHUP);
  return code == 0 ? FSM_OK : failed(err, "cannot take signals", code);
}

void fsm__loop_deadline(fsm__loop *loop, uint64_t ms, fsm__loop_fn fn, void *arg) {
  loop->late = (hook){fn, arg};
  FSM_ASSERT(uv_timer_start(&loop->deadline, on_deadline, ms, 0) == 0);
}

void fsm__loop_post(fsm__loop *loop, fsm__post *post) {
  post->next = NULL;
  pthread_mutex_lock(&loop->mutex);
  const bool first = loop->first_post == NULL;
  *(first ? &loop->first_post : &loop->last_post->next) = post;
  loop->last_post = post;
  pthread_mutex_unlock(&loop->mutex);
  if (first) fsm__loop_wake(loop);
}

/* ---- timers --------------------------------------------------------------------------------------- */

struct fsm__timer {
  uv_timer_t uv;
  hook tick;
};

static void on_tick(uv_timer_t *timer) { call(&((fsm__timer *)timer->data)->tick); }
static void on_timer_closed(uv_handle_t *handle) { free(handle->data); }

fsm_code fsm__timer_new(fsm__loop *loop, fsm__loop_fn fn, void *arg, fsm__timer **out, fsm_error *err) {
  fsm__timer *timer = calloc(1, sizeof *timer);
  if (!timer) return fsm_fail(err, FSM_ENOMEM, "loop", "no memory for a timer");
  FSM_ASSERT(uv_timer_init(&loop->uv, &timer->uv) == 0);
  timer->uv.data = timer;
  timer->tick = (hook){fn, arg};
  *out = timer;
  return FSM_OK;
}

void fsm__timer_start(fsm__timer *timer, uint64_t ms, uint64_t every) {
  FSM_ASSERT(uv_timer_start(&timer->uv, on_tick, ms, every) == 0);
}
void fsm__timer_stop(fsm__timer *timer) { uv_timer_stop(&timer->uv); }
void fsm__timer_free(fsm__timer *timer) {
  if (timer) uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

/* ---- watches -------------------------------------------------------------------------------------- */

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  call(&((fsm__watch *)poll->data)->due);
}
static void on_due(uv_timer_t *timer) { call(&((fsm__watch *)timer->data)->due); }

static void on_handle_closed(uv_handle_t *handle) {
  fsm__watch *watch = handle->data;
  if (--watch->open_handles == 0) free(watch);
}

fsm_code fsm__watch_new(fsm__loop *loop, int fd, fsm__loop_fn fn, void *arg, fsm__watch **out,
                        fsm_error *err) {
  fsm__watch *watch = calloc(1, sizeof *watch);
  if (!watch) return fsm_fail(err, FSM_ENOMEM, "loop", "no memory for a watch");
  watch->due = (hook){fn, arg};
  int code = uv_poll_init(&loop->uv, &watch->poll, fd);
  if (code != 0) {
    free(watch);
    return failed(err, "cannot watch a descriptor", code);
  }
  FSM_ASSERT(uv_timer_init(&loop->uv, &watch->timer) == 0);
  watch->poll.data = watch->timer.data = watch;
  watch->open_handles = 2;
  code = uv_poll_start(&watch->poll, UV_READABLE, on_readable);
  if (code != 0) {
    fsm__watch_close(watch);
    return failed(err, "cannot watch a descriptor", code);
  }
  *out = watch;
  return FSM_OK;
}

void fsm__watch_due(fsm__watch *watch, int64_t ms) {
  if (ms < 0)
    uv_timer_stop(&watch->timer);
  else
    FSM_ASSERT(uv_timer_start(&watch->timer, on_due, (uint64_t)ms, 0) == 0);
}

void fsm__watch_close(fsm__watch *watch) {
  uv_poll_stop(&watch->poll);
  uv_close((uv_handle_t *)&watch->poll, on_handle_closed);
  uv_close((uv_handle_t *)&watch->timer, on_handle_closed);
}

/* ---- work ----------------------------------------------------------------------------------------- */

static void on_work(uv_work_t *work) {
  job *j = work->data;
  j->work(j->arg);
}

static void on_work_done(uv_work_t *work, int status) {
  (void)status;
  job *j = work->data;
  j->done(j->arg);
  free(j);
}

fsm_code fsm__loop_work(fsm__loop *loop, fsm__loop_fn work, fsm__loop_fn done, void *arg, fsm_error *err) {
  job *j = malloc(sizeof *j);
  if (!j) return fsm_fail(err, FSM_ENOMEM, "loop", "no memory for work");
  *j = (job){.work = work, .done = done, .arg = arg};
  j->uv.data = j;
  int code = uv_queue_work(&loop->uv, &j->uv, on_work, on_work_done);
  if (code == 0) return FSM_OK;
  free(j);
  return failed(err, "cannot start work", code);
}

const char *fsm__loop_version(void) { return uv_version_string(); }
