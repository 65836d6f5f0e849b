/* outbox_open.c: an outbox is made, begins where its cursor says, and is stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

enum { FIRST_BACKOFF_MS = 20 };

/* What a sink is driven by that has no configuration. */
static const fsm__sink_config plain = {.name = "",
                                       .kind = "",
                                       .batch = FSM_OUTBOX_WINDOW,
                                       .batch_bytes = FSM_OUTBOX_WINDOW_BYTES,
                                       .backoff_ns = FIRST_BACKOFF_MS * INT64_C(1000000),
                                       .backoff_max_ns = FSM_OUTBOX_BACKOFF_MS * INT64_C(1000000),
                                       .timeout_ns = FSM_OUTBOX_ACK_MS * INT64_C(1000000),
                                       .window = FSM_OUTBOX_WINDOW};

/* ---- life ---- */

/* How far it was, nobody knows: from the first record that there is, of which the archive may have more than
 * the journal. One that cannot be read may have all. */
static uint64_t begin_again(fsm__outbox *o) {
  fsm__cursor *c = &o->cursor;
  const uint64_t first = fsm__journal_first_seq(o->journal);
  uint64_t from = 0;
  if (o->archive != NULL && fsm__archive_has(o->archive, 1, &from, NULL) != FSM_OK) from = 1;
  if (from == 0 || from >= first) return first;
  c->seq = c->sent_seq = c->settled_seq = from - 1;
  c->spilled = true;
  return from;
}

static fsm_code load(fsm__outbox *o, fsm_error *err) {
  fsm_error fault;
  fsm__cursor *c = &o->cursor;
  bool there = false;
  fsm_code code = fsm__cursor_load(o->dir, o->sink->name, c, &there, &fault);
  if (code == FSM_ECORRUPT)
    fsm__outbox_fault(o, &fault, false); /* the other side drops what it has by its id */
  else if (code != FSM_OK)
    return fsm_fail(err, code, fault.where, "%s", fault.text);
  const bool damaged = code == FSM_ECORRUPT;
  o->origin.epoch = fsm__journal_epoch(o->journal);
  if (!there || c->epoch > o->origin.epoch) { /* none, or of another journal */
    memset(c, 0, sizeof *c);
    snprintf(c->sink, sizeof c->sink, "%s", o->sink->name);
    c->epoch = o->origin.epoch;
    fsm__note note = {.count = 0};
    if (damaged) fsm__note_u64(&note, "from", begin_again(o));
    /* Before anything is published: what has no cursor keeps no segment from being pruned. */
    code = fsm__cursor_save(o->dir, c, true, &fault);
    if (code == FSM_EQUOTA || code == FSM_EARGUMENT)
      return fsm_fail(err, code, fault.where, "%s", fault.text);
    if (code != FSM_OK) fsm__outbox_fault(o, &fault, false);
    if (damaged) fsm__outbox_tell(o, "restarted", &note, NULL, NULL);
  }
  o->leaf_seq = c->seq;
  code = fsm__parked_load(o->dir, o->sink->name, &o->parked, &o->parked_count, err);
  if (code != FSM_OK) return code;
  o->status.parked = o->parked_count;
  fsm__outbox_count(o, 0, 0);
  return FSM_OK;
}

static fsm__outbox *outbox_new(const fsm__outbox_options *options) {
  fsm__outbox *o = calloc(1, sizeof *o);
  if (o == NULL) return NULL;
  o->dir = strdup(options->dir);
  o->journal = options->journal;
  o->origin = options->origin;
  o->sink = options->sink;
  o->config = options->config != NULL ? options->config : &plain;
  o->routing = options->routing;
  o->masks = options->masks;
  o->note = options->note;
  o->hold = options->hold;
  o->note_arg = options->note_arg;
  o->failing_ns = options->failing_ns > 0 ? options->failing_ns : fsm__ms(FSM_OUTBOX_FAILING_MS);
  o->reconcile_ns = options->reconcile_ns > 0 ? options->reconcile_ns : fsm__ms(FSM_OUTBOX_RECONCILE_MS);
  o->rate_second = fsm__monotonic_ns() / 1000000000;
  fsm_arena_init(&o->arena, 0);
  fsm_arena_init(&o->kept, 0);
  pthread_mutex_init(&o->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&o->moved, &attr);
  pthread_cond_init(&o->obeyed, &attr);
  pthread_condattr_destroy(&attr);
  return o;
}

static unsigned window_of(const fsm__sink_config *config) {
  unsigned window = config->window > 0 ? config->window : FSM_OUTBOX_WINDOW;
  if (window < config->batch) window = config->batch; /* a batch that fills the window would never be full */
  return window < FSM_SINK_WINDOW_MAX ? window : FSM_SINK_WINDOW_MAX;
}

static fsm_code open_all(fsm__outbox *o, const char *archive, fsm_error *err) {
  fsm_code code = fsm__flights_new(o, window_of(o->config), err);
  if (code == FSM_OK) code = fsm__filter_new(o, err);
  if (code == FSM_OK && archive != NULL) code = fsm__archive_open(archive, &o->origin, &o->archive, err);
  if (code == FSM_OK) code = load(o, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(o->journal, o->cursor.seq + 1, &o->reader, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(o->journal, 1, &o->looker, err);
  return code;
}

fsm_code fsm__outbox_start(const fsm__outbox_options *options, fsm__outbox **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && options->dir != NULL && options->journal != NULL && out != NULL);
  FSM_ASSERT(options->sink != NULL);
  fsm__outbox *o = outbox_new(options);
  if (o == NULL || o->dir == NULL) {
    fsm__outbox_free(o);
    return fsm_fail(err, FSM_ENOMEM, "outbox", "no memory for the outbox");
  }
  fsm_code code = open_all(o, options->archive, err);
  if (code == FSM_OK) {
    o->sink->ack = fsm__outbox_ack;
    o->sink->ack_arg = o;
    if (pthread_create(&o->thread, NULL, fsm__outbox_run, o) != 0)
      code = fsm_fail(err, FSM_ENOMEM, "outbox", "no thread for the outbox");
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
  int64_t until = fsm__monotonic_ns() + fsm__ms(FSM_OUTBOX_STOP_MS);
  const struct timespec t = fsm__timespec_of(until);
  pthread_mutex_lock(&o->lock);
  atomic_store(&o->stopping, true);
  pthread_cond_signal(&o->moved);
  while (o->sink->interrupt != NULL && !o->finished)
    if (pthread_cond_timedwait(&o->obeyed, &o->lock, &t) != 0) break;
  bool finished = o->finished;
  pthread_mutex_unlock(&o->lock);
  if (!finished && o->sink->interrupt != NULL) o->sink->interrupt(o->sink);
  pthread_join(o->thread, NULL);
  o->started = false;
}

void fsm__outbox_free(fsm__outbox *o) {
  if (o == NULL) return;
  fsm__outbox_stop(o);
  fsm__journal_cursor_close(o->reader);
  fsm__journal_cursor_close(o->looker);
  fsm__archive_close(o->archive);
  fsm__flights_free(o);
  fsm__filter_free(o);
  pthread_mutex_destroy(&o->lock);
  pthread_cond_destroy(&o->moved);
  pthread_cond_destroy(&o->obeyed);
  free(o->parked);
  free(o->dir);
  free(o);
}
