/* outbox.c: a cursor, a window of open tickets, one thread.
 *
 * Tickets grow by one with each record handed to the sink and are never used again, so an answer that
 * comes after we gave up on it is told from the answer to the same record sent again. Invariant: the
 * cursor moves only in settle(), over the oldest ticket, and in compare(), to where the sink proved
 * that the other side is.
 */
#include "runtime/outbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IDLE_MS = 250, FIRST_BACKOFF_MS = 20 };

typedef enum ack_state { ACK_OPEN, ACK_TAKEN, ACK_REFUSED } ack_state;

typedef struct flight {
  uint64_t seq, position;
  uint32_t epoch;
  fsm__hash leaf;
  size_t bytes;
  int64_t sent_ns;
  ack_state ack;
} flight;

struct fsm__outbox {
  char *dir;
  fsm__journal *journal;
  fsm__journal_cursor *reader;
  fsm_origin origin;
  fsm__sink *sink;
  fsm__cursor cursor;

  /* of the thread alone */
  bool prepared;
  uint64_t life;         /* of the sink when it prepared */
  uint64_t prepared_seq; /* the cursor then */
  int64_t prepared_ns;
  int64_t drain_ns; /* since when a refusal lets the rest of the window come in; 0 = not */
  unsigned fails;   /* tries without progress */
  uint64_t unsaved; /* records since the last save */
  int64_t saved_ns;

  pthread_mutex_t lock; /* all below */
  pthread_cond_t moved;
  bool woken, stopping, started;
  flight flights[FSM_OUTBOX_WINDOW]; /* of tickets oldest … next - 1, at ticket % window */
  uint64_t oldest, next;
  size_t bytes;           /* in flight */
  unsigned open, refused; /* of the flights */
  fsm__outbox_status status;
  pthread_t thread;
};

/* ---- time and waiting ---- */

static uint64_t life(fsm__outbox *o) { return o->sink->life != NULL ? o->sink->life(o->sink) : 0; }

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t ms(int64_t n) { return n * 1000000; }

/* Until woken, stopping or ns later. */
static void wait_ns(fsm__outbox *o, int64_t ns) {
  int64_t until = now_ns() + ns;
  struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
  pthread_mutex_lock(&o->lock);
  while (!o->woken && !o->stopping) {
    if (pthread_cond_timedwait(&o->moved, &o->lock, &t) != 0) break;
  }
  o->woken = false;
  pthread_mutex_unlock(&o->lock);
}

static bool stopping(fsm__outbox *o) {
  pthread_mutex_lock(&o->lock);
  bool is = o->stopping;
  pthread_mutex_unlock(&o->lock);
  return is;
}

/* The whole delay, whatever wakes us but a stop or a new life of the sink. */
static void back_off(fsm__outbox *o, int64_t delay_ns) {
  int64_t until = now_ns() + delay_ns;
  uint64_t was = o->life;
  for (int64_t left = delay_ns; left > 0 && !stopping(o); left = until - now_ns()) {
    if (life(o) != was) return;
    wait_ns(o, left);
  }
}

static int64_t backoff_of(unsigned fails) {
  int64_t delay = FIRST_BACKOFF_MS;
  for (unsigned i = 1; i < fails && delay < FSM_OUTBOX_BACKOFF_MS; i++) delay *= 2;
  if (delay > FSM_OUTBOX_BACKOFF_MS) delay = FSM_OUTBOX_BACKOFF_MS;
  uint64_t noise = (uint64_t)now_ns() * UINT64_C(0x9E3779B97F4A7C15);
  return ms(delay) - (int64_t)(noise >> 16) % (ms(delay) / 2);
}

/* ---- status ---- */

static void note(fsm__outbox *o, const fsm_error *err, bool halted) {
  pthread_mutex_lock(&o->lock);
  snprintf(o->status.last_error, sizeof o->status.last_error, "%.60s%s%.190s", err->where,
           err->where[0] != '\0' ? ": " : "", err->text);
  o->status.halted = halted;
  pthread_mutex_unlock(&o->lock);
}

static void note_good(fsm__outbox *o) { /* under the lock */
  o->fails = 0;
  o->status.last_error[0] = '\0';
  o->status.halted = false;
}

static fsm__cursor *own(fsm__outbox *o) { return &o->cursor; }

static void save(fsm__outbox *o, bool durable) {
  fsm_error err = {0};
  o->saved_ns = now_ns();
  fsm__cursor *c = own(o);
  c->sent_seq = c->settled_seq = c->seq;
  c->settled_stream_seq = c->stream_seq;
  if (fsm__cursor_save(o->dir, c, durable, &err) == FSM_OK) {
    o->unsaved = 0;
  } else {
    note(o, &err, false); /* the old file stands: more is sent again after a crash */
  }
}

static void save_when_due(fsm__outbox *o) {
  if (o->unsaved == 0) return;
  if (o->unsaved >= FSM_OUTBOX_SAVE_RECORDS || now_ns() - o->saved_ns >= ms(FSM_OUTBOX_SAVE_MS))
    save(o, false);
}

/* ---- comparing with the other side ---- */

static fsm_code leaf_of(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  fsm__outbox *o = arg;
  fsm__journal_cursor *at = NULL;
  fsm__journal_entry entry;
  bool found = false;
  fsm_code code = fsm__journal_cursor_open(o->journal, seq, &at, err);
  if (code != FSM_OK) return code;
  code = fsm__journal_next(at, &entry, &found, err);
  if (code == FSM_OK && (!found || entry.seq != seq)) {
    code = fsm_fail(err, FSM_ENOTFOUND, "journal", "record %llu is not there", (unsigned long long)seq);
  }
  if (code == FSM_OK) *out = fsm__leaf(entry.record.data, entry.record.len);
  fsm__journal_cursor_close(at);
  return code;
}

static uint32_t epoch_of(void *arg, uint64_t seq) {
  return fsm__journal_epoch_of(((fsm__outbox *)arg)->journal, seq);
}

static uint64_t epoch_end(void *arg, uint32_t epoch) {
  return fsm__journal_epoch_end(((fsm__outbox *)arg)->journal, epoch);
}

/* A cursor of an earlier epoch stands on what this journal shares with that one: behind the fork it goes back
 * to it, and the new branch is published under its own ids. */
static fsm_code heed_fork(fsm__outbox *o, fsm_error *err) {
  fsm__cursor *c = own(o);
  uint64_t end = epoch_end(o, c->epoch);
  if (c->seq <= end) return FSM_OK;
  fsm__hash leaf = {{0}};
  fsm_code code = end >= fsm__journal_first_seq(o->journal) ? leaf_of(o, end, &leaf, err) : FSM_OK;
  if (code != FSM_OK) return code;
  c->seq = end;
  c->leaf = leaf;
  o->unsaved++;
  return FSM_OK;
}

/* The cursor must be a position in this journal: another record there means a journal that went
 * another way than the one that was published. */
static fsm_code check_cursor(fsm__outbox *o, const fsm__sink_view *view, fsm_error *err) {
  fsm__cursor *c = own(o);
  fsm__hash leaf;
  if (c->seq == 0) return FSM_OK;
  if (c->seq > view->durable_seq) {
    return fsm_fail(err, FSM_EVERIFY, c->sink, "published up to record %llu, but the journal ends at %llu",
                    (unsigned long long)c->seq, (unsigned long long)view->durable_seq);
  }
  if (c->seq < view->first_seq) return FSM_OK;
  fsm_code code = leaf_of(o, c->seq, &leaf, err);
  if (code != FSM_OK) return code;
  if (memcmp(&leaf, &c->leaf, sizeof leaf) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, c->sink, "record %llu is not the one that was published",
                  (unsigned long long)c->seq);
}

static fsm_code compare(fsm__outbox *o, fsm_error *err) {
  o->origin.epoch = fsm__journal_epoch(o->journal);
  fsm__sink_view view = {.origin = o->origin,
                         .all = true,
                         .epoch_of = epoch_of,
                         .epoch_end = epoch_end,
                         .first_seq = fsm__journal_first_seq(o->journal),
                         .durable_seq = fsm__journal_durable_seq(o->journal),
                         .leaf_of = leaf_of,
                         .arg = o};
  fsm_code code = own(o)->epoch < o->origin.epoch ? heed_fork(o, err) : FSM_OK;
  if (code == FSM_OK) code = check_cursor(o, &view, err);
  if (code != FSM_OK) return code;
  fsm__cursor moved = *own(o);
  code = o->sink->prepare(o->sink, &view, &moved, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(moved.seq <= view.durable_seq);
  if (moved.seq + 1 < view.first_seq) moved.seq = view.first_seq - 1; /* older ones are archived */
  if (moved.seq < view.first_seq) {
    memset(&moved.leaf, 0, sizeof moved.leaf);
  } else if ((code = leaf_of(o, moved.seq, &moved.leaf, err)) != FSM_OK) {
    return code;
  }
  if (moved.seq >= view.first_seq) moved.epoch = epoch_of(o, moved.seq);
  const fsm__cursor *c = own(o);
  if (moved.seq != c->seq || moved.stream_seq != c->stream_seq ||
      moved.stream_created_ns != c->stream_created_ns) {
    o->unsaved++;
  }
  *own(o) = moved;
  return FSM_OK;
}

/* One try to get going; waits its backoff when it failed. */
static void prepare(fsm__outbox *o) {
  fsm_error err = {0};
  o->life = life(o);
  fsm_code code = compare(o, &err);
  if (code == FSM_OK) {
    fsm__journal_cursor_seek(o->reader, own(o)->seq + 1);
    o->prepared = true;
    o->prepared_seq = own(o)->seq;
    o->prepared_ns = now_ns();
    o->drain_ns = 0;
    pthread_mutex_lock(&o->lock);
    o->status.seq = own(o)->seq;
    if (o->fails == 0 || own(o)->seq == fsm__journal_durable_seq(o->journal)) note_good(o);
    pthread_mutex_unlock(&o->lock);
    return;
  }
  bool halted = code != FSM_EUNREACHABLE && code != FSM_ETIMEOUT && code != FSM_ENOMEM;
  note(o, &err, halted);
  o->fails++;
  back_off(o, halted ? ms(FSM_OUTBOX_HALT_MS) : backoff_of(o->fails));
}

/* Forgets what is open and starts again from the cursor. */
static void rewind_to_cursor(fsm__outbox *o, bool wait) {
  pthread_mutex_lock(&o->lock);
  o->oldest = o->next;
  o->bytes = 0;
  o->open = o->refused = 0;
  o->status.retries++;
  pthread_mutex_unlock(&o->lock);
  o->prepared = false;
  o->drain_ns = 0;
  if (own(o)->seq > o->prepared_seq) o->fails = 0; /* it does get on */
  if (wait) back_off(o, backoff_of(++o->fails));
}

/* ---- the window ---- */

void fsm__outbox_wake(fsm__outbox *o) {
  FSM_ASSERT(o != NULL);
  pthread_mutex_lock(&o->lock);
  o->woken = true;
  pthread_cond_signal(&o->moved);
  pthread_mutex_unlock(&o->lock);
}

static void on_ack(void *arg, uint64_t ticket, fsm_code code, uint64_t position, const char *text) {
  fsm__outbox *o = arg;
  pthread_mutex_lock(&o->lock);
  flight *f = &o->flights[ticket % FSM_OUTBOX_WINDOW];
  if (ticket >= o->oldest && ticket < o->next && f->ack == ACK_OPEN) {
    f->ack = code == FSM_OK ? ACK_TAKEN : ACK_REFUSED;
    f->position = position;
    o->open--;
    if (code != FSM_OK && o->refused++ == 0) { /* the first names the cause, the rest follow from it */
      snprintf(o->status.last_error, sizeof o->status.last_error, "record %llu: %.200s",
               (unsigned long long)f->seq, text != NULL ? text : fsm_code_text(code));
    }
    o->woken = true;
    pthread_cond_signal(&o->moved);
  }
  pthread_mutex_unlock(&o->lock);
}

/* Moves the cursor over what is acknowledged without a gap. */
static void settle(fsm__outbox *o) {
  fsm__cursor *c = own(o);
  uint64_t settled = 0;
  pthread_mutex_lock(&o->lock);
  for (; o->oldest < o->next; o->oldest++, settled++) {
    flight *f = &o->flights[o->oldest % FSM_OUTBOX_WINDOW];
    if (f->ack != ACK_TAKEN) break;
    FSM_ASSERT(f->seq == c->seq + 1);
    c->seq = f->seq;
    c->epoch = f->epoch;
    c->leaf = f->leaf;
    c->stream_seq = f->position;
    o->bytes -= f->bytes;
  }
  o->status.seq = c->seq;
  o->status.published += settled;
  if (settled > 0 && o->refused == 0) note_good(o);
  pthread_mutex_unlock(&o->lock);
  o->unsaved += settled;
}

typedef struct window_state {
  bool empty, refused, open; /* open: some acknowledgements are out */
  int64_t oldest_sent_ns;
} window_state;

static window_state look(fsm__outbox *o) {
  window_state w = {0};
  pthread_mutex_lock(&o->lock);
  w.empty = o->oldest == o->next;
  if (!w.empty) w.oldest_sent_ns = o->flights[o->oldest % FSM_OUTBOX_WINDOW].sent_ns;
  w.refused = o->refused > 0;
  w.open = o->open > 0;
  pthread_mutex_unlock(&o->lock);
  return w;
}

static bool room(fsm__outbox *o) {
  pthread_mutex_lock(&o->lock);
  bool is = !o->stopping && o->next - o->oldest < FSM_OUTBOX_WINDOW && o->bytes < FSM_OUTBOX_WINDOW_BYTES;
  pthread_mutex_unlock(&o->lock);
  return is;
}

static uint64_t register_flight(fsm__outbox *o, const fsm__sink_record *record) {
  pthread_mutex_lock(&o->lock);
  uint64_t ticket = o->next++;
  o->flights[ticket % FSM_OUTBOX_WINDOW] = (flight){.seq = record->out.seq,
                                                    .epoch = record->out.origin.epoch,
                                                    .leaf = record->out.leaf,
                                                    .bytes = record->out.len,
                                                    .sent_ns = now_ns(),
                                                    .ack = ACK_OPEN};
  o->bytes += record->out.len;
  o->open++;
  pthread_mutex_unlock(&o->lock);
  return ticket;
}

/* Sends what there is and what fits; false = it had to rewind. */
static bool fill(fsm__outbox *o) {
  fsm_error err = {0};
  while (room(o)) {
    fsm__journal_entry entry;
    bool found = false;
    fsm_code code = fsm__journal_next(o->reader, &entry, &found, &err);
    if (code == FSM_OK && !found) return true;
    if (code == FSM_OK) {
      fsm_origin origin = o->origin;
      origin.epoch = entry.epoch;
      fsm__sink_record record = {.out = {.origin = origin,
                                         .data = entry.record.data,
                                         .len = entry.record.len,
                                         .seq = entry.seq,
                                         .after = entry.seq - 1,
                                         .leaf = fsm__leaf(entry.record.data, entry.record.len)}};
      record.ticket = register_flight(o, &record);
      code = o->sink->publish(o->sink, &record, &err);
    }
    if (code != FSM_OK) {
      note(o, &err, code != FSM_EUNREACHABLE);
      settle(o);
      rewind_to_cursor(o, true);
      return false;
    }
  }
  return true;
}

/* One turn with a prepared sink. */
static void turn(fsm__outbox *o) {
  settle(o);
  window_state w = look(o);
  int64_t now = now_ns();
  if (life(o) != o->life) {
    rewind_to_cursor(o, false);
    return;
  }
  if (w.refused) {
    if (o->drain_ns == 0) o->drain_ns = now;
    if (!w.open || now - o->drain_ns >= ms(FSM_OUTBOX_ACK_MS)) {
      rewind_to_cursor(o, true);
    } else {
      wait_ns(o, ms(IDLE_MS));
    }
    return;
  }
  if (!w.empty && now - w.oldest_sent_ns >= ms(FSM_OUTBOX_ACK_MS)) {
    fsm_error err = {0};
    (void)fsm_fail(&err, FSM_ETIMEOUT, own(o)->sink, "no acknowledgement for %d s", FSM_OUTBOX_ACK_MS / 1000);
    note(o, &err, false);
    rewind_to_cursor(o, true);
    return;
  }
  if (w.empty && now - o->prepared_ns >= ms(FSM_OUTBOX_RECONCILE_MS)) {
    o->prepared = false;
    return;
  }
  if (fill(o)) wait_ns(o, ms(IDLE_MS));
}

static void finish(fsm__outbox *o) {
  int64_t until = now_ns() + ms(FSM_OUTBOX_STOP_MS);
  struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
  for (;;) {
    settle(o);
    window_state w = look(o);
    if (!o->prepared || w.empty || w.refused) break;
    pthread_mutex_lock(&o->lock);
    int rc = 0;
    if (!o->woken) rc = pthread_cond_timedwait(&o->moved, &o->lock, &t);
    o->woken = false;
    pthread_mutex_unlock(&o->lock);
    if (rc != 0) break;
  }
  settle(o);
  if (own(o)->seq > 0 || o->unsaved > 0) save(o, true);
}

static void *run(void *arg) {
  fsm__outbox *o = arg;
  while (!stopping(o)) {
    if (o->prepared) {
      turn(o);
    } else {
      prepare(o);
    }
    save_when_due(o);
  }
  finish(o);
  return NULL;
}

/* ---- life ---- */

static fsm_code load(fsm__outbox *o, fsm_error *err) {
  fsm_error fault = {0};
  bool there = false;
  fsm_code code = fsm__cursor_load(o->dir, o->sink->name, own(o), &there, &fault);
  if (code == FSM_ECORRUPT) {
    note(o, &fault, false); /* from the start: the other side drops what it has by its id */
  } else if (code != FSM_OK) {
    return fsm_fail(err, code, fault.where, "%s", fault.text);
  }
  o->origin.epoch = fsm__journal_epoch(o->journal);
  if (!there || own(o)->epoch > o->origin.epoch) { /* of another journal */
    memset(own(o), 0, sizeof *own(o));
    snprintf(own(o)->sink, sizeof own(o)->sink, "%s", o->sink->name);
    own(o)->epoch = o->origin.epoch;
    /* Before anything is published: what has no cursor keeps no segment from being pruned. */
    code = fsm__cursor_save(o->dir, own(o), true, &fault);
    if (code == FSM_EQUOTA) return fsm_fail(err, code, fault.where, "%s", fault.text);
    if (code != FSM_OK) note(o, &fault, false);
  }
  o->status.seq = own(o)->seq;
  return FSM_OK;
}

static fsm__outbox *outbox_new(const fsm__outbox_options *options) {
  fsm__outbox *o = calloc(1, sizeof *o);
  if (o == NULL) return NULL;
  o->dir = strdup(options->dir);
  o->journal = options->journal;
  o->origin = options->origin;
  o->sink = options->sink;
  o->oldest = o->next = 1;
  pthread_mutex_init(&o->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&o->moved, &attr);
  pthread_condattr_destroy(&attr);
  return o;
}

fsm_code fsm__outbox_start(const fsm__outbox_options *options, fsm__outbox **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && options->dir != NULL && options->journal != NULL && out != NULL);
  FSM_ASSERT(options->sink != NULL && strlen(options->sink->name) <= FSM_SINK_NAME_MAX);
  fsm__outbox *o = outbox_new(options);
  if (o == NULL || o->dir == NULL) {
    fsm__outbox_free(o);
    return fsm_fail(err, FSM_ENOMEM, "outbox", "no memory for the outbox");
  }
  fsm_code code = load(o, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(o->journal, own(o)->seq + 1, &o->reader, err);
  if (code == FSM_OK) {
    o->sink->ack = on_ack;
    o->sink->ack_arg = o;
    if (pthread_create(&o->thread, NULL, run, o) != 0) {
      code = fsm_fail(err, FSM_ENOMEM, "outbox", "no thread for the outbox");
    }
  }
  if (code != FSM_OK) {
    fsm__outbox_free(o);
    return code;
  }
  o->started = true;
  *out = o;
  return FSM_OK;
}

void fsm__outbox_stop(fsm__outbox *o) {
  FSM_ASSERT(o != NULL);
  if (!o->started) return;
  pthread_mutex_lock(&o->lock);
  o->stopping = true;
  pthread_cond_signal(&o->moved);
  pthread_mutex_unlock(&o->lock);
  int64_t until = now_ns() + ms(FSM_OUTBOX_STOP_MS);
  struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
  if (o->sink->interrupt == NULL || pthread_clockjoin_np(o->thread, NULL, CLOCK_MONOTONIC, &t) != 0) {
    if (o->sink->interrupt != NULL) o->sink->interrupt(o->sink);
    pthread_join(o->thread, NULL);
  }
  o->started = false;
  fsm__journal_cursor_close(o->reader);
  o->reader = NULL;
}

void fsm__outbox_free(fsm__outbox *o) {
  if (o == NULL) return;
  fsm__outbox_stop(o);
  if (o->reader != NULL) fsm__journal_cursor_close(o->reader);
  pthread_mutex_destroy(&o->lock);
  pthread_cond_destroy(&o->moved);
  free(o->dir);
  free(o);
}

void fsm__outbox_status_get(fsm__outbox *o, fsm__outbox_status *out) {
  FSM_ASSERT(o != NULL && out != NULL);
  pthread_mutex_lock(&o->lock);
  *out = o->status;
  pthread_mutex_unlock(&o->lock);
}
