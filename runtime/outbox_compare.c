/* outbox_compare.c: where the other side is, and where we are: what a sink sees of us while it prepares and
 * reconciles, and what of its answer becomes the cursor. */
#include <string.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

/* ---- our side ---- */

fsm_code fsm__outbox_leaf_of(fsm__outbox *o, uint64_t seq, fsm__hash *out, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_code code = fsm__outbox_read(o, seq, &entry, err);
  if (code == FSM_OK) *out = fsm__leaf(entry.record.data, entry.record.len);
  return code;
}

static fsm_code leaf_of(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  return fsm__outbox_leaf_of(arg, seq, out, err);
}

static uint32_t epoch_of(void *arg, uint64_t seq) {
  return fsm__journal_epoch_of(((fsm__outbox *)arg)->journal, seq);
}

static uint64_t epoch_end(void *arg, uint32_t epoch) {
  return fsm__journal_epoch_end(((fsm__outbox *)arg)->journal, epoch);
}

static fsm_code read_one(void *arg, uint64_t seq, fsm_arena *arena, fsm__exported *out, fsm_error *err) {
  fsm__outbox *o = arg;
  fsm__journal_entry entry;
  fsm_code code = fsm__outbox_read(o, seq, &entry, err);
  if (code != FSM_OK) return code;
  fsm__wanted wanted;
  void *data = fsm_arena_alloc(arena, entry.record.len);
  if (data == NULL) return fsm_fail(err, FSM_ENOMEM, o->sink->name, "no memory for a record");
  memcpy(data, entry.record.data, entry.record.len);
  entry.record.data = data;
  code = fsm__outbox_wants(o, &entry, &wanted, err);
  if (code != FSM_OK) return code;
  if (wanted.code != FSM_OK) return fsm_fail(err, FSM_EPERMISSION, o->sink->name, "%s", wanted.text);
  *out = (fsm__exported){.origin = o->origin,
                         .data = data,
                         .len = entry.record.len,
                         .seq = seq,
                         .after = seq - 1,
                         .leaf = fsm__leaf(data, entry.record.len),
                         .mask = wanted.mask};
  out->origin.epoch = entry.epoch;
  return FSM_OK;
}

static fsm__sink_view view_of(fsm__outbox *o) {
  o->origin.epoch = fsm__journal_epoch(o->journal);
  return (fsm__sink_view){.origin = o->origin,
                          .first_seq = fsm__journal_first_seq(o->journal),
                          .durable_seq = fsm__journal_durable_seq(o->journal),
                          .all = !o->filtered && o->parked_count == 0,
                          .epoch_of = epoch_of,
                          .epoch_end = epoch_end,
                          .leaf_of = leaf_of,
                          .read = read_one,
                          .arg = o};
}

/* ---- the cursor ---- */

/* Of a record that can no longer be read it is not known: zeroes, which are compared with nothing. */
static fsm_code know_leaf(fsm__outbox *o, fsm_error *err) {
  fsm__cursor *c = &o->cursor;
  fsm_error fault;
  if (o->leaf_seq == c->seq) return FSM_OK;
  fsm_code code = c->seq == 0 ? FSM_ENOTFOUND : fsm__outbox_leaf_of(o, c->seq, &c->leaf, &fault);
  if (code == FSM_ENOTFOUND) memset(&c->leaf, 0, sizeof c->leaf);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return fsm_fail(err, code, fault.where, "%s", fault.text);
  o->leaf_seq = c->seq;
  return FSM_OK;
}

void fsm__outbox_save(fsm__outbox *o, bool durable) {
  fsm_error err;
  fsm__cursor *c = &o->cursor;
  o->saved_ns = fsm__monotonic_ns();
  if (o->sink->reconcile == NULL || o->sink->final) { /* what is acknowledged is there for good */
    c->settled_seq = c->seq;
    c->settled_stream_seq = c->stream_seq;
  }
  fsm_code code = know_leaf(o, &err);
  if (code == FSM_OK) code = fsm__cursor_save(o->dir, c, durable, &err);
  if (code == FSM_OK)
    o->unsaved = 0;
  else
    fsm__outbox_fault(o, &err, false); /* the old file stands: more is sent again after a crash */
}

/* Back to seq: what was sent and settled behind it, was not. */
static void hold_back(fsm__outbox *o, fsm__cursor *c) {
  if (c->settled_seq > c->seq) c->settled_seq = c->seq;
  if (!o->filtered) c->sent_seq = c->seq;
  if (c->sent_seq > c->seq) c->sent_seq = fsm__outbox_given_before(o, c->seq);
}

/* A cursor of an earlier epoch stands on what this journal shares with that one: behind the fork it goes back
 * to it, and the new branch is published under its own ids. */
static fsm_code heed_fork(fsm__outbox *o, fsm_error *err) {
  fsm__cursor *c = &o->cursor;
  uint64_t end = epoch_end(o, c->epoch);
  if (c->dropped_to > end) c->dropped_to = end; /* what follows is another branch's */
  if (c->dropped_from > c->dropped_to) c->dropped_from = c->dropped_to = 0;
  if (c->seq <= end) return FSM_OK;
  uint64_t before = o->leaf_seq;
  c->seq = end;
  hold_back(o, c);
  o->leaf_seq = before == end ? end : UINT64_MAX;
  o->unsaved++;
  return know_leaf(o, err);
}

static bool is_unknown(const fsm__hash *leaf) {
  static const fsm__hash zero;
  return memcmp(leaf, &zero, sizeof zero) == 0;
}

/* The cursor must be a position in this journal: another record there means a journal that went
 * another way than the one that was published. */
static fsm_code check_cursor(fsm__outbox *o, const fsm__sink_view *view, fsm_error *err) {
  fsm__cursor *c = &o->cursor;
  fsm__hash leaf;
  if (c->seq == 0) return FSM_OK;
  if (c->seq > view->durable_seq) {
    return fsm_fail(err, FSM_EVERIFY, c->sink, "published up to record %llu, but the journal ends at %llu",
                    (unsigned long long)c->seq, (unsigned long long)view->durable_seq);
  }
  if (is_unknown(&c->leaf)) return FSM_OK;
  fsm_code code = fsm__outbox_leaf_of(o, c->seq, &leaf, err);
  if (code != FSM_OK && c->seq < view->first_seq) return FSM_OK; /* it was archived, or is gone */
  if (code != FSM_OK) return code;
  if (memcmp(&leaf, &c->leaf, sizeof leaf) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, c->sink, "record %llu is not the one that was published",
                  (unsigned long long)c->seq);
}

/* One that never got anything begins with what the journal has; one that stopped goes on where it stopped,
 * in the archive if need be. */
static fsm_code move_cursor(fsm__outbox *o, const fsm__sink_view *view, fsm__cursor moved, fsm_error *err) {
  fsm__cursor *c = &o->cursor;
  FSM_ASSERT(moved.seq <= view->durable_seq);
  bool fresh = c->seq == 0 && moved.seq == 0;
  if (fresh && !c->spilled && view->first_seq > 0) moved.seq = view->first_seq - 1;
  uint64_t dropped;
  if (fsm__outbox_is_dropped(o, moved.seq + 1, &dropped)) moved.seq = moved.sent_seq = dropped;
  bool same = moved.seq == c->seq && moved.stream_seq == c->stream_seq &&
              moved.stream_created_ns == c->stream_created_ns && moved.settled_seq == c->settled_seq;
  if (!same) o->unsaved++;
  if (moved.seq != c->seq) {
    o->leaf_seq = UINT64_MAX;
    if (moved.seq >= view->first_seq) moved.epoch = epoch_of(o, moved.seq);
    if (moved.sent_seq == c->sent_seq && moved.seq > c->seq) moved.sent_seq = moved.seq; /* it has that one */
  }
  *c = moved;
  hold_back(o, c);
  return know_leaf(o, err);
}

fsm_code fsm__outbox_compare(fsm__outbox *o, fsm_error *err) {
  fsm__sink_view view = view_of(o);
  fsm_code code = know_leaf(o, err);
  if (code == FSM_OK && o->cursor.epoch < o->origin.epoch) code = heed_fork(o, err);
  if (code == FSM_OK) code = check_cursor(o, &view, err);
  if (code != FSM_OK) return code;
  fsm__cursor moved = o->cursor;
  code = o->sink->prepare(o->sink, &view, &moved, err);
  return code == FSM_OK ? move_cursor(o, &view, moved, err) : code;
}

/* ---- what it lost ---- */

fsm_code fsm__outbox_repair(fsm__outbox *o, uint64_t from, uint64_t to, fsm_error *err) {
  FSM_ASSERT(from > 0 && from <= to);
  for (unsigned i = 0; i < o->range_count; i++)
    if (from >= o->ranges[i].done && to <= o->ranges[i].to && from >= o->ranges[i].next) return FSM_OK;
  if (o->range_count == FSM_OUTBOX_RANGES_MAX)
    return fsm_fail(err, FSM_EQUOTA, o->sink->name, "%d ranges wait to be given again already",
                    FSM_OUTBOX_RANGES_MAX);
  o->ranges[o->range_count++] = (fsm__range){.to = to, .next = from, .done = from};
  return FSM_OK;
}

fsm_code fsm__outbox_reconcile(fsm__outbox *o, fsm_error *err) {
  FSM_ASSERT(fsm__flights_empty(o) && o->sink->reconcile != NULL);
  fsm__cursor *c = &o->cursor, seen = *c;
  fsm__sink_lost lost = {.from = 0};
  fsm__sink_view view = view_of(o);
  fsm_code code = o->sink->reconcile(o->sink, &view, &seen, &lost, err);
  if (code != FSM_OK) return code;
  if (seen.settled_seq > c->settled_seq && seen.settled_seq <= c->seq) {
    c->settled_seq = seen.settled_seq;
    c->settled_stream_seq = seen.settled_stream_seq;
    o->unsaved++;
  }
  if (seen.stream_gone != c->stream_gone && lost.from == 0 && o->range_count == 0) {
    c->stream_gone = seen.stream_gone; /* and not before all of it was given again */
    o->unsaved++;
  }
  if (lost.from == 0) return FSM_OK;
  if (lost.to > c->seq) lost.to = c->seq;
  if (lost.from > lost.to) return FSM_OK;
  if (o->range_count == FSM_OUTBOX_RANGES_MAX) { /* it is told once only: rather more again than not at all */
    fsm__range *last = &o->ranges[FSM_OUTBOX_RANGES_MAX - 1];
    if (lost.from < last->done) last->next = last->done = lost.from;
    if (lost.to > last->to) last->to = lost.to;
    return FSM_OK;
  }
  return fsm__outbox_repair(o, lost.from, lost.to, err);
}
