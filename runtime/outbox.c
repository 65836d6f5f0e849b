/* outbox.c: the thread of one sink: get ready, take turns, rest, back off. Its beginning and its end:
 * outbox_open.c.
 *
 * A turn settles what is finished, and gives what there is. A refusal, silence or a new life of the
 * connection lets what is open be forgotten, and the sink is asked to prepare again: from the cursor on.
 * Waiting never holds a lock, and whoever wakes it takes one only when it rests.
 */
#include "runtime/outbox.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

enum { NICE = 5 };

/* ---- waiting ---- */

static bool stopping(const fsm__outbox *o) { return atomic_load(&o->stopping); }

void fsm__outbox_wake(fsm__outbox *o) {
  FSM_ASSERT(o != NULL);
  atomic_store(&o->woken, true);
  if (!atomic_load(&o->sleeping)) return; /* it looks at woken before it sleeps */
  pthread_mutex_lock(&o->lock);
  pthread_cond_signal(&o->moved);
  pthread_mutex_unlock(&o->lock);
}

/* Until woken, stopping or ns later. Answers wake it when half of those that were open have come. */
static void rest(fsm__outbox *o, int64_t ns) {
  int64_t until = fsm__monotonic_ns() + ns;
  const struct timespec t = fsm__timespec_of(until);
  unsigned open = atomic_load(&o->open);
  atomic_store(&o->wake_open, open / 2);
  if (open > 0 && atomic_load(&o->open) <= open / 2) return;
  atomic_store(&o->sleeping, true);
  pthread_mutex_lock(&o->lock);
  while (!atomic_exchange(&o->woken, false) && !stopping(o))
    if (pthread_cond_timedwait(&o->moved, &o->lock, &t) != 0) break;
  pthread_mutex_unlock(&o->lock);
  atomic_store(&o->sleeping, false);
}

/* Woken all the time it takes what comes together: so many wakes would cost more than the records. */
static void nap(fsm__outbox *o) {
  int64_t now = fsm__monotonic_ns();
  if (now - o->rested_ns < fsm__ms(2)) nanosleep(&(struct timespec){.tv_nsec = FSM__NAP_US * 1000}, NULL);
  o->rested_ns = fsm__monotonic_ns();
}

/* While there is nothing to send to, each commit would wake it: what matters can wait for a few ms. */
static void doze(int64_t until_ns) {
  int64_t left = until_ns - fsm__monotonic_ns();
  if (left > fsm__ms(FSM__DOZE_MS)) left = fsm__ms(FSM__DOZE_MS);
  if (left > 0) nanosleep(&(struct timespec){.tv_nsec = left}, NULL);
}

static uint64_t life(const fsm__outbox *o) { return o->sink->life != NULL ? o->sink->life(o->sink) : 0; }

/* The whole delay, whatever wakes us but a stop, an operator or a new life of the sink. */
static void back_off(fsm__outbox *o, int64_t delay_ns) {
  int64_t until = fsm__monotonic_ns() + delay_ns;
  o->hurry = false;
  for (int64_t left = delay_ns; left > 0 && !stopping(o); left = until - fsm__monotonic_ns()) {
    fsm__outbox_obey(o);
    fsm__outbox_watch(o);
    fsm__outbox_budget(o);
    if (o->hurry || life(o) != o->life) return;
    rest(o, left < fsm__ms(FSM__IDLE_MS) ? left : fsm__ms(FSM__IDLE_MS));
    if (!stopping(o)) doze(until);
  }
}

static int64_t backoff_of(const fsm__outbox *o) {
  int64_t delay = o->config->backoff_ns, max = o->config->backoff_max_ns;
  for (unsigned i = 1; i < o->fails && delay < max; i++) delay *= 2;
  if (delay > max) delay = max;
  if (delay < 2) return delay;
  uint64_t noise = (uint64_t)fsm__monotonic_ns() * UINT64_C(0x9E3779B97F4A7C15);
  return delay - (int64_t)((noise >> 16) % (uint64_t)(delay / 2));
}

static bool mends_itself(fsm_code code) {
  return code == FSM_EUNREACHABLE || code == FSM_ETIMEOUT || code == FSM_ENOMEM || code == FSM_EFULL ||
         code == FSM_ECLOSED || code == FSM_EBUSY;
}

static void save_when_due(fsm__outbox *o) {
  if (o->unsaved == 0) return;
  int64_t since = fsm__monotonic_ns() - o->saved_ns;
  bool many = o->unsaved >= FSM_OUTBOX_SAVE_RECORDS && since >= fsm__ms(FSM_OUTBOX_SAVE_MIN_MS);
  if (many || since >= fsm__ms(FSM_OUTBOX_SAVE_MS)) fsm__outbox_save(o, false);
}

/* ---- getting ready ---- */

static void begin(fsm__outbox *o) {
  fsm__outbox_feed_from_cursor(o);
  o->prepared = true;
  o->prepared_seq = o->cursor.seq;
  o->prepared_ns = fsm__monotonic_ns();
  o->reconcile_due = o->sink->reconcile != NULL;
  o->drain_ns = 0;
  pthread_mutex_lock(&o->lock);
  o->status.connected = true;
  pthread_mutex_unlock(&o->lock);
  fsm__outbox_count(o, 0, 0);
  if (o->fails == 0 && !o->reconcile_due) fsm__outbox_good(o);
}

static void count_retry(fsm__outbox *o) {
  pthread_mutex_lock(&o->lock);
  o->status.retries++;
  pthread_mutex_unlock(&o->lock);
}

/* One try to get going; waits its backoff when it failed. */
static void prepare(fsm__outbox *o) {
  fsm_error err = {0};
  o->life = life(o);
  fsm_code code = fsm__outbox_compare(o, &err);
  if (code == FSM_OK) {
    begin(o);
    return;
  }
  if (stopping(o)) return;
  bool halted = !mends_itself(code);
  fsm__outbox_fault(o, &err, halted);
  count_retry(o);
  o->fails++;
  back_off(o, halted ? fsm__ms(FSM_OUTBOX_HALT_MS) : backoff_of(o));
}

static void unprepare(fsm__outbox *o) {
  o->prepared = false;
  o->drain_ns = 0;
  pthread_mutex_lock(&o->lock);
  o->status.connected = false;
  pthread_mutex_unlock(&o->lock);
}

/* Forgets what is open and starts again from the cursor. */
static void rewind_to_cursor(fsm__outbox *o, bool wait) {
  fsm__flights_forget(o);
  count_retry(o);
  unprepare(o);
  if (o->cursor.seq > o->prepared_seq) o->fails = 0; /* it does get on */
  if (!wait) return;
  o->fails++;
  back_off(o, backoff_of(o));
}

static void fail(fsm__outbox *o, const fsm_error *err) {
  fsm_error ignored;
  bool halted = !mends_itself(err->code);
  if (err->code != FSM_ECLOSED) fsm__outbox_fault(o, err, halted);
  (void)!fsm__flights_settle(o, &ignored);
  if (err->code != FSM_ECLOSED && halted) fsm__outbox_fault(o, err, true); /* what was settled cleared it */
  rewind_to_cursor(o, !halted);
  if (!halted) return;
  o->fails++; /* that it can be prepared does not make it well */
  back_off(o, fsm__ms(FSM_OUTBOX_HALT_MS));
}

/* ---- turns ---- */

/* A refusal: the rest of the window comes in, or is not waited for any longer. */
static void drain(fsm__outbox *o) {
  fsm_error err = {0};
  if (o->drain_ns == 0) {
    o->drain_ns = o->now_ns;
    pthread_mutex_lock(&o->lock);
    (void)snprintf(err.text, sizeof err.text, "%s", o->refusal);
    pthread_mutex_unlock(&o->lock);
    fsm__outbox_fault(o, &err, false);
  }
  if (atomic_load(&o->open) == 0 || o->now_ns - o->drain_ns >= o->config->timeout_ns)
    rewind_to_cursor(o, true);
  else
    rest(o, fsm__ms(FSM__IDLE_MS));
}

/* Nothing was heard of the oldest for too long. */
static bool silent(fsm__outbox *o) {
  if (fsm__flights_empty(o) || atomic_load(&o->open) == 0 || o->gathered > 0) return false;
  return o->now_ns - o->flights[o->oldest & o->mask].sent_ns >= o->config->timeout_ns;
}

/* True: it has to do with nothing in flight, and goes first. */
static bool reconcile(fsm__outbox *o) {
  fsm_error err = {0};
  if (o->sink->reconcile == NULL) {
    if (!fsm__flights_empty(o) || o->now_ns - o->prepared_ns < o->reconcile_ns) return false;
    unprepare(o); /* idle: it is looked at from the beginning */
    return true;
  }
  if (!o->reconcile_due && o->now_ns - o->reconciled_ns < o->reconcile_ns) return false;
  o->reconcile_due = true;
  fsm_code code = fsm__flights_empty(o) ? FSM_OK : fsm__outbox_flush(o, &err);
  if (code == FSM_OK && !fsm__flights_empty(o)) {
    rest(o, fsm__ms(FSM__IDLE_MS));
    return true;
  }
  if (code == FSM_OK) code = fsm__outbox_reconcile(o, &err);
  if (code == FSM_OK) {
    o->reconcile_due = false;
    o->reconciled_ns = fsm__monotonic_ns();
    if (o->fails == 0) fsm__outbox_good(o);
    return false;
  }
  fail(o, &err);
  return true;
}

/* There is nothing more to give now. A batch that is not full lingers. */
static fsm_code lull(fsm__outbox *o, fsm_error *err) {
  int64_t left = fsm__ms(FSM__IDLE_MS);
  if (o->gathered > 0) {
    int64_t linger = o->gathered_ns + o->config->linger_ns - fsm__monotonic_ns();
    if (linger <= 0) {
      fsm_code code = fsm__outbox_flush(o, err);
      return code == FSM_OK ? fsm__flights_settle(o, err) : code;
    }
    if (linger < left) left = linger;
  }
  rest(o, left);
  nap(o);
  return FSM_OK;
}

/* It failed, is ready again, and there is nothing for it that would show more. */
static void settle_down(fsm__outbox *o) {
  if (o->fails == 0 || !fsm__flights_empty(o)) return;
  o->fails = 0;
  fsm__outbox_good(o);
}

/* One turn with a prepared sink. */
static void turn(fsm__outbox *o) {
  fsm_error err = {0};
  o->now_ns = fsm__monotonic_ns();
  fsm_code code = fsm__flights_settle(o, &err);
  if (code != FSM_OK) {
    fail(o, &err);
  } else if (life(o) != o->life) {
    rewind_to_cursor(o, false);
  } else if (atomic_load(&o->refused)) {
    drain(o);
  } else if (silent(o)) {
    (void)fsm_fail(&err, FSM_ETIMEOUT, o->sink->name, "no acknowledgement for %lld s",
                   (long long)(o->config->timeout_ns / 1000000000));
    fail(o, &err);
  } else if (!reconcile(o)) {
    fsm__fed fed = fsm__outbox_feed(o, &err);
    if (fed != FSM__FED_FAULT) fsm__outbox_count(o, 0, 0);
    if (fed == FSM__FED_ALL) settle_down(o);
    if (fed == FSM__FED_ALL && lull(o, &err) != FSM_OK) fed = FSM__FED_FAULT;
    if (fed == FSM__FED_FULL) rest(o, fsm__ms(FSM__IDLE_MS));
    if (fed == FSM__FED_FAULT) fail(o, &err);
  }
}

static void finish(fsm__outbox *o) {
  fsm_error ignored;
  int64_t until = fsm__monotonic_ns() + fsm__ms(FSM_OUTBOX_STOP_MS);
  bool going = o->prepared && fsm__outbox_flush(o, &ignored) == FSM_OK;
  const struct timespec t = fsm__timespec_of(until);
  atomic_store(&o->wake_open, UINT32_MAX);
  atomic_store(&o->sleeping, true);
  while (going) {
    going = fsm__flights_settle(o, &ignored) == FSM_OK && !fsm__flights_empty(o) && !atomic_load(&o->refused);
    pthread_mutex_lock(&o->lock);
    while (going && !atomic_exchange(&o->woken, false))
      going = pthread_cond_timedwait(&o->moved, &o->lock, &t) == 0;
    pthread_mutex_unlock(&o->lock);
  }
  (void)!fsm__flights_settle(o, &ignored);
  if (o->cursor.seq > 0 || o->unsaved > 0) fsm__outbox_save(o, true);
}

/* Publishing yields to commands: with both processors busy it lags, and catches up. */
static void yield_to_commands(void) { (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); }

void *fsm__outbox_run(void *arg) {
  fsm__outbox *o = arg;
  yield_to_commands();
  while (!stopping(o)) {
    fsm__outbox_obey(o);
    fsm__outbox_watch(o);
    fsm__outbox_budget(o);
    if (o->prepared)
      turn(o);
    else
      prepare(o);
    save_when_due(o);
  }
  fsm__orders_end(o);
  finish(o);
  pthread_mutex_lock(&o->lock);
  o->finished = true;
  pthread_cond_broadcast(&o->obeyed);
  pthread_mutex_unlock(&o->lock);
  return NULL;
}
