/* outbox_feed.c: what is given next.
 *
 * In order: from the journal, and from the archive where retention was faster than the sink. What is parked
 * is left out, so a cursor that comes back before a parked record does not stumble over it again. Between
 * them, one by one, what is to be given again.
 */
#include <string.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

/* ---- reading ---- */

/* Up to the last before the next that there is. */
static uint64_t gone_to(fsm__outbox *o, uint64_t seq) {
  uint64_t next = 0, first = fsm__journal_first_seq(o->journal);
  if (o->archive != NULL && fsm__archive_has(o->archive, seq, &next, NULL) == FSM_OK && next > seq &&
      next < first)
    return next - 1;
  return first > seq ? first - 1 : seq;
}

static fsm_code gone(fsm__outbox *o, uint64_t seq, fsm_error *err) {
  const char *where = o->archive == NULL ? "and there is no archive" : "and the archive has it not";
  return fsm_fail(err, FSM_ENOTFOUND, o->sink->name,
                  "record %llu is no longer in the journal, %s: put its segment back there, or give it up by "
                  "fsm-cli outbox drop %s --from %llu --to %llu --reason WHY",
                  (unsigned long long)seq, where, o->sink->name, (unsigned long long)seq,
                  (unsigned long long)gone_to(o, seq));
}

/* What the archive says, but for "not here", which is ours to say. */
static fsm_code from_archive(fsm__outbox *o, uint64_t seq, fsm__journal_entry *out, fsm_error *err) {
  fsm_error fault;
  if (o->archive == NULL) return gone(o, seq, err);
  fsm_code code = fsm__archive_read(o->archive, seq, out, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (code == FSM_ENOTFOUND) return gone(o, seq, err);
  return fsm_fail(err, code, fault.where, "%s", fault.text);
}

fsm_code fsm__outbox_read(fsm__outbox *o, uint64_t seq, fsm__journal_entry *out, fsm_error *err) {
  fsm_error fault;
  fsm_code code = FSM_ENOTFOUND;
  if (seq >= fsm__journal_first_seq(o->journal)) code = fsm__journal_read(o->looker, seq, out, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (seq < fsm__journal_first_seq(o->journal)) return from_archive(o, seq, out, err);
  return fsm_fail(err, code, fault.where, "%s", fault.text);
}

/* The next in order. */
static fsm_code pull(fsm__outbox *o, fsm__journal_entry *out, bool *found, fsm_error *err) {
  fsm_error fault;
  *found = false;
  if (o->feed_seq >= fsm__journal_first_seq(o->journal)) {
    if (!o->journal_placed) fsm__journal_cursor_seek(o->reader, o->feed_seq);
    o->journal_placed = true;
    fsm_code code = fsm__journal_next(o->reader, out, found, &fault);
    if (code == FSM_OK) return FSM_OK;
    if (code != FSM_ENOTFOUND) return fsm_fail(err, code, fault.where, "%s", fault.text);
  }
  o->journal_placed = false;
  fsm_code code = from_archive(o, o->feed_seq, out, err);
  *found = code == FSM_OK;
  return code;
}

void fsm__outbox_feed_from_cursor(fsm__outbox *o) {
  FSM_ASSERT(fsm__flights_empty(o));
  o->feed_seq = o->cursor.seq + 1;
  o->sent_seq = o->cursor.sent_seq;
  o->journal_placed = false;
}

uint64_t fsm__outbox_given_before(fsm__outbox *o, uint64_t seq) {
  enum { NEAR = 4096 };
  if (!o->filtered) return seq;
  for (unsigned i = 0; i < NEAR && seq > 0; i++, seq--) {
    fsm__journal_entry entry;
    fsm__wanted wanted;
    if (fsm__outbox_read(o, seq, &entry, NULL) != FSM_OK) return 0;
    if (fsm__outbox_wants(o, &entry, &wanted, NULL) != FSM_OK) return 0;
    if (wanted.is) return seq;
  }
  return 0;
}

/* ---- giving ---- */

fsm_code fsm__outbox_flush(fsm__outbox *o, fsm_error *err) {
  if (o->gathered == 0) return FSM_OK;
  o->gathered = 0;
  o->gathered_bytes = 0;
  return o->sink->flush != NULL ? o->sink->flush(o->sink, err) : FSM_OK;
}

static fsm_code gather(fsm__outbox *o, size_t bytes, fsm_error *err) {
  if (o->sink->flush == NULL) return FSM_OK;
  if (o->gathered++ == 0) o->gathered_ns = o->now_ns;
  o->gathered_bytes += bytes;
  if (o->gathered < o->config->batch && o->gathered_bytes < o->config->batch_bytes) return FSM_OK;
  return fsm__outbox_flush(o, err);
}

typedef enum cause { IN_ORDER, OF_RANGE, OF_PARKED } cause;

static fsm_code give(fsm__outbox *o, const fsm__journal_entry *entry, const fsm__wanted *wanted, cause why,
                     fsm_error *err) {
  fsm_error fault;
  fsm__sink_record record = {.ticket = o->next,
                             .out = {.origin = o->origin,
                                     .data = entry->record.data,
                                     .len = entry->record.len,
                                     .seq = entry->seq,
                                     .after = why == IN_ORDER ? o->sent_seq : o->repair_after,
                                     .repair = why != IN_ORDER,
                                     .leaf = fsm__leaf(entry->record.data, entry->record.len),
                                     .record = wanted->record,
                                     .mask = wanted->mask}};
  record.out.origin.epoch = entry->epoch;
  fsm__flight *f = fsm__flights_add(o, &record);
  f->retry = why == OF_PARKED;
  if (why == OF_RANGE) o->range_flights++;
  if (why == IN_ORDER) o->sent_seq = entry->seq;
  size_t bytes = entry->record.len;
  if (wanted->code != FSM_OK) {
    fsm__outbox_ack(o, record.ticket, FSM_EDATA, 0, wanted->text);
    return FSM_OK;
  }
  fsm_code code = o->sink->publish(o->sink, &record, &fault);
  if (code == FSM_OK) return gather(o, bytes, err);
  if (!fsm__poison(code)) return fsm_fail(err, code, fault.where, "%s", fault.text);
  fsm__outbox_ack(o, record.ticket, code, 0, fault.text);
  return FSM_OK;
}

/* ---- repairs ---- */

/* Of a parked one that is no longer there. */
static fsm_code give_up_retry(fsm__outbox *o, uint64_t seq, const fsm_error *fault, fsm_error *err) {
  fsm__draft draft;
  const fsm__parked *p = fsm__parked_find(o, seq);
  o->retry_count--;
  memmove(&o->retry[o->retry_next], &o->retry[o->retry_next + 1],
          (o->retry_count - o->retry_next) * sizeof *o->retry);
  if (p == NULL) return FSM_OK;
  fsm_code code = fsm__draft_new(o, &draft, err);
  if (code == FSM_OK)
    code = fsm__draft_add(&draft, o->sink->name, seq, p->epoch, FSM_ENOTFOUND, fault->text, err);
  return code == FSM_OK ? fsm__draft_keep(o, &draft, err) : code;
}

static fsm_code give_retry(fsm__outbox *o, fsm_error *err) {
  fsm__journal_entry entry;
  fsm__wanted wanted;
  fsm_error fault;
  uint64_t seq = o->retry[o->retry_next];
  fsm_code code = fsm__outbox_read(o, seq, &entry, &fault);
  if (code == FSM_OK && fsm__parked_find(o, seq) != NULL && !fsm__outbox_is_parked(o, &entry))
    code = fsm_fail(&fault, FSM_ENOTFOUND, o->sink->name,
                    "its branch of the journal ended before it, and another record has its seq: drop it");
  if (code == FSM_ENOTFOUND) return give_up_retry(o, seq, &fault, err);
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  o->repair_after = fsm__outbox_given_before(o, seq - 1);
  o->range_placed = false;
  if (o->filtered && (code = fsm__outbox_read(o, seq, &entry, err)) != FSM_OK) return code;
  code = fsm__outbox_wants(o, &entry, &wanted, err);
  if (code != FSM_OK) return code;
  o->retry_next++;
  return give(o, &entry, &wanted, OF_PARKED, err); /* whatever routes and filter say now: it was wanted */
}

static void end_range(fsm__outbox *o) {
  o->range_count--;
  o->range_placed = false;
  memmove(&o->ranges[0], &o->ranges[1], o->range_count * sizeof *o->ranges);
}

static fsm_code give_range(fsm__outbox *o, fsm_error *err) {
  fsm__journal_entry entry;
  fsm__wanted wanted;
  fsm__range *r = &o->ranges[0];
  if (r->next > r->to) {
    if (o->range_flights == 0) end_range(o);
    return FSM_OK;
  }
  if (!o->range_placed) o->repair_after = fsm__outbox_given_before(o, r->next - 1);
  o->range_placed = true; /* once, not for each record that is left out */
  fsm_error fault;
  fsm_code code = fsm__outbox_read(o, r->next, &entry, &fault);
  if (code == FSM_ENOTFOUND) { /* it was there when this was ordered: shown, and the rest goes on */
    fsm__outbox_fault(o, &fault, false);
    r->next++;
    if (o->range_flights == 0) r->done = r->next;
    return FSM_OK;
  }
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  code = fsm__outbox_wants(o, &entry, &wanted, err);
  if (code != FSM_OK) return code;
  r->next++;
  if (!wanted.is) {
    if (o->range_flights == 0) r->done = r->next;
    return FSM_OK;
  }
  code = give(o, &entry, &wanted, OF_RANGE, err);
  o->repair_after = entry.seq;
  return code;
}

/* *any: there was one to give, or to leave out. */
static fsm_code give_repair(fsm__outbox *o, bool *any, fsm_error *err) {
  *any = true;
  if (o->retry_next < o->retry_count) return give_retry(o, err);
  if (o->range_count > 0 && (o->ranges[0].next <= o->ranges[0].to || o->range_flights == 0))
    return give_range(o, err);
  *any = false;
  return FSM_OK;
}

/* ---- in order ---- */

static void pass_dropped(fsm__outbox *o, uint64_t to) {
  o->feed_seq = to + 1;
  o->sent_seq = to;
  o->journal_placed = false;
  fsm__flights_skip(o, to, fsm__journal_epoch_of(o->journal, to), true);
}

static fsm_code give_next(fsm__outbox *o, bool *any, fsm_error *err) {
  uint64_t dropped;
  if (fsm__outbox_is_dropped(o, o->feed_seq, &dropped)) pass_dropped(o, dropped);
  fsm__journal_entry entry;
  fsm__wanted wanted;
  fsm_code code = pull(o, &entry, any, err);
  if (code != FSM_OK || !*any) return code;
  code = fsm__outbox_wants(o, &entry, &wanted, err);
  if (code != FSM_OK) return code;
  bool parked = wanted.is && o->parked_count > 0 && fsm__outbox_is_parked(o, &entry);
  o->feed_seq = entry.seq + 1;
  if (wanted.is && !parked) return give(o, &entry, &wanted, IN_ORDER, err);
  if (parked) o->sent_seq = entry.seq; /* it was given, in vain */
  if (!parked) o->skips++;
  fsm__flights_skip(o, entry.seq, entry.epoch, parked);
  return FSM_OK;
}

static fsm_code give_one(fsm__outbox *o, bool *any, fsm_error *err) {
  *any = false;
  o->repair_turn = !o->repair_turn;
  if (o->repair_turn && (o->retry_count > 0 || o->range_count > 0)) {
    fsm_code code = give_repair(o, any, err);
    if (code != FSM_OK || *any) return code;
  }
  fsm_code code = give_next(o, any, err);
  if (code != FSM_OK || *any || o->repair_turn) return code;
  return o->retry_count > 0 || o->range_count > 0 ? give_repair(o, any, err) : FSM_OK;
}

fsm__fed fsm__outbox_feed(fsm__outbox *o, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (unsigned n = 1; n <= FSM__TURN_MAX; n++) {
    bool any = false;
    if (n % FSM__LOOK_EVERY == 0) {
      o->now_ns = fsm__monotonic_ns();
      code = fsm__flights_settle(o, err);
      if (code != FSM_OK) return FSM__FED_FAULT;
    }
    if (atomic_load(&o->stopping) || atomic_load(&o->ordered) || atomic_load(&o->refused))
      return FSM__FED_MORE;
    if (!fsm__flights_room(o)) {
      code = fsm__outbox_flush(o, err);
      if (code == FSM_OK) code = fsm__flights_settle(o, err);
      if (code != FSM_OK) return FSM__FED_FAULT;
      if (!fsm__flights_room(o)) return FSM__FED_FULL;
    }
    code = give_one(o, &any, err);
    if (code == FSM_ENOTFOUND && !fsm__flights_empty(o)) { /* first what was given comes to its end */
      code = fsm__outbox_flush(o, err);
      if (code == FSM_OK) return FSM__FED_FULL;
    }
    if (code != FSM_OK) return FSM__FED_FAULT;
    if (!any) return FSM__FED_ALL;
  }
  return FSM__FED_MORE;
}
