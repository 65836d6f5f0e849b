/* outbox_window.c: records in flight, and what becomes of them.
 *
 * Tickets grow by one with each record handed to the sink and are never used again, so an answer that comes
 * after we gave up on it is told from the answer to the same record sent again. An answer takes no lock: it
 * claims the flight by its mark, writes what it has to say, and gives it free. Invariant: the cursor moves
 * only in settle(), over the oldest tickets, in skip() with nothing in flight, in compare(), and when an
 * operator parks.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/outbox_impl.h"
#include "schema/utf8.h"

static uint64_t mark_of(uint64_t ticket, fsm__ack ack) { return ticket << 2 | (uint64_t)ack; }
static fsm__ack ack_of(uint64_t mark) { return (fsm__ack)(mark & 3); }

bool fsm__poison(fsm_code code) { return code == FSM_EDATA || code == FSM_ETOOLARGE; }

fsm_code fsm__flights_new(fsm__outbox *o, unsigned window, fsm_error *err) {
  FSM_ASSERT(window > 0 && window <= FSM_SINK_WINDOW_MAX);
  size_t size = 1;
  while (size < window) size *= 2;
  o->flights = calloc(size, sizeof *o->flights);
  if (o->flights == NULL) return fsm_fail(err, FSM_ENOMEM, "outbox", "no memory for %u records", window);
  o->window = window;
  o->mask = size - 1;
  o->oldest = o->next = 1;
  return FSM_OK;
}

void fsm__flights_free(fsm__outbox *o) {
  if (o->flights == NULL) return;
  fsm__flights_forget(o);
  free(o->flights);
}

static fsm__flight *at(const fsm__outbox *o, uint64_t ticket) { return &o->flights[ticket & o->mask]; }

bool fsm__flights_room(const fsm__outbox *o) {
  return o->next - o->oldest < o->window && o->bytes < FSM_OUTBOX_WINDOW_BYTES;
}

fsm__flight *fsm__flights_add(fsm__outbox *o, const fsm__sink_record *record) {
  FSM_ASSERT(record->ticket == o->next && o->next - o->oldest < o->window);
  fsm__flight *f = at(o, o->next++);
  FSM_ASSERT(f->text == NULL);
  f->seq = record->out.seq;
  f->through = f->through_sent = 0;
  f->epoch = record->out.origin.epoch;
  f->leaf = record->out.leaf;
  f->bytes = record->out.len;
  f->sent_ns = o->now_ns;
  f->repair = record->out.repair;
  f->retry = false;
  o->bytes += f->bytes;
  atomic_fetch_add(&o->open, 1);
  atomic_store(&f->mark, mark_of(record->ticket, FSM__OPEN));
  return f;
}

void fsm__flights_skip(fsm__outbox *o, uint64_t seq, uint32_t epoch, bool parked) {
  if (!fsm__flights_empty(o)) {
    fsm__flight *last = at(o, o->next - 1);
    last->through = seq;
    last->through_epoch = epoch;
    if (parked) last->through_sent = seq;
    return;
  }
  if (parked) o->cursor.sent_seq = seq;
  o->cursor.seq = seq;
  o->cursor.epoch = epoch;
  o->unsaved++;
}

/* ---- answers: any thread ---- */

/* Of those refused the first names the cause, the rest follow from it. */
static void note_refusal(fsm__outbox *o, const fsm__flight *f, uint64_t ticket) {
  pthread_mutex_lock(&o->lock);
  if (o->refusal_ticket == 0 || ticket < o->refusal_ticket) {
    o->refusal_ticket = ticket;
    snprintf(o->refusal, sizeof o->refusal, "record %llu: %.200s", (unsigned long long)f->seq,
             f->text != NULL ? f->text : fsm_code_text(f->code));
  }
  pthread_mutex_unlock(&o->lock);
  atomic_store(&o->refused, true);
}

void fsm__outbox_ack(void *outbox, uint64_t ticket, fsm_code code, uint64_t position, const char *text) {
  fsm__outbox *o = outbox;
  fsm__flight *f = at(o, ticket);
  uint64_t open = mark_of(ticket, FSM__OPEN);
  if (ticket == 0 || !atomic_compare_exchange_strong(&f->mark, &open, mark_of(ticket, FSM__CLAIMED))) return;
  f->position = position;
  f->code = code;
  if (code != FSM_OK) f->text = text != NULL ? strndup(text, FSM_PARKED_TEXT_MAX - 1) : NULL;
  if (code != FSM_OK && f->text != NULL) fsm__utf8_mend(f->text); /* it is the other side's */
  if (code != FSM_OK && !fsm__poison(code)) note_refusal(o, f, ticket);
  atomic_store(&f->mark, mark_of(ticket, code == FSM_OK ? FSM__TAKEN : FSM__REFUSED));
  unsigned left = atomic_fetch_sub(&o->open, 1) - 1;
  if (code != FSM_OK || left <= atomic_load(&o->wake_open)) fsm__outbox_wake(o);
}

/* ---- settling ---- */

typedef struct tally {
  uint64_t published, repaired, records;
} tally;

static void finish_repair(fsm__outbox *o, const fsm__flight *f) {
  if (f->retry) { /* given in order, so it is the first */
    FSM_ASSERT(o->retry_next > 0 && o->retry[0] == f->seq);
    o->retry_count--;
    o->retry_next--;
    memmove(o->retry, o->retry + 1, o->retry_count * sizeof *o->retry);
    return;
  }
  FSM_ASSERT(o->range_count > 0 && o->range_flights > 0);
  o->range_flights--;
  o->ranges[0].done = f->seq + 1;
}

static void finish_flight(fsm__outbox *o, fsm__flight *f, tally *t) {
  fsm__cursor *c = &o->cursor;
  bool taken = ack_of(atomic_load(&f->mark)) == FSM__TAKEN;
  if (f->repair) {
    finish_repair(o, f);
    if (taken) t->repaired++;
  } else {
    FSM_ASSERT(f->seq > c->seq);
    c->seq = c->sent_seq = o->leaf_seq = f->seq;
    c->epoch = f->epoch;
    c->leaf = f->leaf;
    if (taken) c->stream_seq = f->position;
    if (taken) t->published++;
  }
  if (f->through > c->seq) {
    c->seq = f->through;
    c->epoch = f->through_epoch;
    if (f->through_sent > c->sent_seq) c->sent_seq = f->through_sent;
  }
  free(f->text);
  f->text = NULL;
  o->bytes -= f->bytes;
  t->records++;
}

fsm_code fsm__flights_settle(fsm__outbox *o, fsm_error *err) {
  uint64_t end = o->oldest, poison = 0, repairs = 0;
  for (; end < o->next; end++) {
    const fsm__flight *f = at(o, end);
    fsm__ack ack = ack_of(atomic_load(&f->mark));
    if (ack != FSM__TAKEN && (ack != FSM__REFUSED || !fsm__poison(f->code))) break;
    if (ack == FSM__REFUSED) poison++;
    if (f->repair) repairs++;
  }
  if (end == o->oldest) return FSM_OK;
  fsm_code code = poison + repairs > 0 ? fsm__outbox_park_run(o, &end, err) : FSM_OK;
  tally t = {0};
  for (; o->oldest < end; o->oldest++) finish_flight(o, at(o, o->oldest), &t);
  o->unsaved += t.records;
  if (t.records > 0) fsm__outbox_count(o, t.published, t.repaired);
  if (t.published + t.repaired > 0 && !atomic_load(&o->refused) && code == FSM_OK) fsm__outbox_good(o);
  return code;
}

void fsm__flights_forget(fsm__outbox *o) {
  for (; o->oldest < o->next; o->oldest++) {
    fsm__flight *f = at(o, o->oldest);
    uint64_t mark = atomic_load(&f->mark);
    while (ack_of(mark) == FSM__CLAIMED || !atomic_compare_exchange_weak(&f->mark, &mark, FSM__TAKEN)) {
      sched_yield(); /* it is being answered right now */
      mark = atomic_load(&f->mark);
    }
    if (ack_of(mark) == FSM__OPEN) atomic_fetch_sub(&o->open, 1);
    free(f->text);
    f->text = NULL;
  }
  o->bytes = 0;
  o->range_flights = 0;
  o->range_placed = false;
  o->retry_next = 0;
  if (o->range_count > 0) o->ranges[0].next = o->ranges[0].done;
  o->gathered = 0;
  o->gathered_bytes = 0;
  pthread_mutex_lock(&o->lock);
  o->refusal_ticket = 0;
  pthread_mutex_unlock(&o->lock);
  atomic_store(&o->refused, false);
}
