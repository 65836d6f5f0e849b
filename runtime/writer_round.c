/* writer_round.c: when a round of the store begins, and what happens when the store falls behind.
 *
 * The writer freezes at a batch boundary and goes on; the applier commits; the writer, woken, settles. What
 * comes meanwhile waits in the filling generation: up to round_bytes freely, from there on at the
 * pace of the applier (the fuller, the slower, in sleeps far below what anyone would call a stall), and at
 * FSM_ROUND_HARD commands are refused until there is room again. So the lag is bounded, and with it the tail
 * that is read at the next start. A full map grows; a full disk keeps the generation and is tried again. */
#include <time.h>

#include "runtime/clock.h"
#include "runtime/writer.h"

enum {
  MS = 1000000,
  NAP_LEAST_NS = 200 * 1000, /* less is not worth a system call: it is owed */
  NAP_MOST_NS = 20 * MS,
  GROW_AGAIN_NS = 1 * MS,
  NO_ROOM_AGAIN_NS = 200 * MS,
  RATE_GUESS = 32 * 1024 * 1024, /* bytes per second, until one round was measured */
  RATE_LEAST = 1024 * 1024
};

static void wake(void *writer) { fsm__queue_wake(&((fsm__writer *)writer)->queue); }

fsm_code fsm__writer_rounds_open(fsm__writer *w, fsm_error *err) {
  w->rounds.rate = RATE_GUESS;
  w->rounds.frozen_seq = fsm__store_applied(w->core.store, NULL);
  return fsm__applier_new(w->core.store, w->options.manual ? NULL : wake, w, &w->rounds.applier, err);
}

static size_t hard_bytes(const fsm__writer *w) { return FSM_ROUND_HARD(w->options.round_bytes); }

/* ---- how a round ended --------------------------------------------------------------------------- */

static void settle(fsm__writer *w, int64_t took_ns) {
  fsm__rounds *r = &w->rounds;
  fsm_error err;
  if (fsm__store_settle(w->core.store, &err) != FSM_OK) fsm__writer_fatal(w, &err);
  double rate = (double)r->applying_bytes * 1e9 / (double)(took_ns > 0 ? took_ns : 1);
  r->rate = r->rate * 0.5 + rate * 0.5;
  if (r->rate < RATE_LEAST) r->rate = RATE_LEAST;
  r->no_room.code = FSM_OK;
}

/* Without memory the round is only late: the generation's bound says when that is too late. */
static void no_room(fsm__writer *w, const fsm_error *why) {
  w->rounds.again_ns = fsm__monotonic_ns() + NO_ROOM_AGAIN_NS;
  if (why->code == FSM_ENOMEM) return;
  (void)fsm_fail(&w->rounds.no_room, FSM_EFULL, why->where,
                 "no room for the store (%s): commands are refused until there is, reads go on", why->text);
}

static void collect(fsm__writer *w) {
  fsm__rounds *r = &w->rounds;
  fsm_error err;
  int64_t took_ns = 0;
  fsm__applier_state state = fsm__applier_poll(r->applier, &took_ns, &err);
  if (state == FSM_APPLIER_BUSY || state == FSM_APPLIER_IDLE) return;
  r->running = false;
  r->again_ns = 0;
  if (state == FSM_APPLIER_DONE) {
    fsm__span_meter_add(&w->meters.stages[FSM_STAGE_COMMIT], took_ns);
    settle(w, took_ns);
  }
  if (state == FSM_APPLIER_FULL) no_room(w, &err);
  if (state == FSM_APPLIER_MAP_FULL) r->map_full = true;
  if (state == FSM_APPLIER_FAILED) fsm__writer_fatal(w, &err);
}

/* ---- beginning one ------------------------------------------------------------------------------- */

static void start(fsm__writer *w) {
  w->rounds.running = true;
  fsm__applier_start(w->rounds.applier);
}

/* The round that found no room. */
static void try_again(fsm__writer *w) {
  fsm__rounds *r = &w->rounds;
  fsm_error err;
  if (fsm__monotonic_ns() < r->again_ns) return;
  if (r->map_full) {
    fsm_code code = fsm__store_grow_next(w->core.store, w->options.map_bytes_max, &err);
    r->map_full = code != FSM_OK;
    if (code == FSM_EBUSY) r->again_ns = fsm__monotonic_ns() + GROW_AGAIN_NS;
    if (code == FSM_EFULL) no_room(w, &err);
    if (code != FSM_OK && code != FSM_EBUSY && code != FSM_EFULL) fsm__writer_fatal(w, &err);
    if (code != FSM_OK) return;
  }
  start(w);
}

static bool is_due(fsm__writer *w, size_t filling, bool now) {
  fsm__rounds *r = &w->rounds;
  int64_t mono = fsm__monotonic_ns();
  if (filling > 0 && r->oldest_row_ns == 0) r->oldest_row_ns = mono;
  if (now) return filling > 0 || w->core.seq > r->frozen_seq;
  if (filling == 0) return false;
  return filling >= w->options.round_bytes || w->core.seq - r->frozen_seq >= FSM_ROUND_RECORDS ||
         mono - r->oldest_row_ns >= w->options.round_ns;
}

static void freeze(fsm__writer *w, size_t filling) {
  fsm__rounds *r = &w->rounds;
  fsm_error err;
  fsm__writer_sync_wait(w); /* all that was put is visible then */
  fsm_code code = fsm__store_freeze(w->core.store, w->core.seq, &w->core.leaf, &err);
  if (code != FSM_OK) return; /* no memory: asked again at the next turn */
  r->applying_bytes = filling;
  r->frozen_seq = w->core.seq;
  r->oldest_row_ns = 0;
  r->turn_bytes = 0;
  start(w);
}

void fsm__writer_rounds(fsm__writer *w) {
  fsm__rounds *r = &w->rounds;
  collect(w);
  size_t filling = fsm__store_filling_bytes(w->core.store);
  bool due = is_due(w, filling, atomic_load(&r->wanted));
  if (r->running) return;
  if (fsm__store_applying(w->core.store)) {
    try_again(w);
  } else {
    atomic_store(&r->wanted, false);
    if (due) freeze(w, filling);
  }
}

void fsm__writer_rounds_close(fsm__writer *w) {
  fsm__rounds *r = &w->rounds;
  if (r->applier == NULL) return;
  r->again_ns = 0;
  do { /* ends when there is nothing more to do, or no room to do it */
    fsm__applier_wait(r->applier);
    atomic_store(&r->wanted, true);
    fsm__writer_rounds(w);
  } while (r->running);
}

int64_t fsm__writer_round_due(const fsm__writer *w) {
  const fsm__rounds *r = &w->rounds;
  if (r->running) return w->options.manual ? 0 : INT64_MAX; /* the applier wakes us */
  if (fsm__store_applying(w->core.store)) return r->again_ns;
  return r->oldest_row_ns != 0 ? r->oldest_row_ns + w->options.round_ns : INT64_MAX;
}

/* ---- falling behind ------------------------------------------------------------------------------ */

bool fsm__writer_store_room(fsm__writer *w, bool *repairs, fsm_error *why) {
  size_t filling = fsm__store_filling_bytes(w->core.store), hard = hard_bytes(w);
  *repairs = filling < hard + w->options.round_bytes / 2;
  if (w->rounds.no_room.code != FSM_OK) {
    *why = w->rounds.no_room;
    return false;
  }
  if (filling < hard) return true;
  (void)fsm_fail(why, FSM_EBUSY, w->core.dir,
                 "the store is behind: %zu KiB of rows wait to be written; try again", filling / 1024);
  return false;
}

void fsm__writer_pace(fsm__writer *w) {
  fsm__rounds *r = &w->rounds;
  const size_t filling = fsm__store_filling_bytes(w->core.store), soft = w->options.round_bytes;
  const size_t added = filling > r->turn_bytes ? filling - r->turn_bytes : 0;
  r->turn_bytes = filling;
  if (!r->running || filling <= soft || added == 0) {
    if (filling <= soft) r->owed_ns = 0;
    return;
  }
  double fullness = (double)(filling - soft) / (double)(hard_bytes(w) - soft);
  double rate = fullness < 1 ? r->rate * (1 - fullness) / fullness : 0;
  double nap = rate > 0 ? (double)added * 1e9 / rate : NAP_MOST_NS;
  r->owed_ns += nap < NAP_MOST_NS ? (int64_t)nap : NAP_MOST_NS;
  if (r->owed_ns < NAP_LEAST_NS) return;
  if (r->owed_ns > NAP_MOST_NS) r->owed_ns = NAP_MOST_NS;
  nanosleep(&(struct timespec){.tv_nsec = r->owed_ns}, NULL);
  r->owed_ns = 0;
}
