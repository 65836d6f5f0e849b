/* outbox_drop.c: the records that a sink is at are given up, because they are nowhere any more, or nobody
 * wants them there. Whoever orders it has put it on record, durably. The range is part of the cursor: an
 * other side that has less does not lead back into it. */
#include "runtime/outbox_impl.h"

bool fsm__outbox_is_dropped(const fsm__outbox *o, uint64_t seq, uint64_t *to) {
  const fsm__cursor *c = &o->cursor;
  *to = c->dropped_to;
  return c->dropped_to > 0 && seq >= c->dropped_from && seq <= c->dropped_to;
}

static fsm_code check_range(const fsm__outbox *o, const fsm__order *order, fsm_error *err) {
  const uint64_t next = o->cursor.seq + 1, durable = fsm__journal_durable_seq(o->journal);
  if (order->from > order->to) return fsm_fail(err, FSM_EARGUMENT, "to", "the range ends before it begins");
  if (order->to > durable)
    return fsm_fail(err, FSM_EARGUMENT, "to", "the last record that there is, is %llu",
                    (unsigned long long)durable);
  if (order->from != next)
    return fsm_fail(err, FSM_EARGUMENT, "from",
                    "the sink is at record %llu, and what is given up begins with that",
                    (unsigned long long)next);
  return FSM_OK;
}

/* As if it had been given in vain: who reads behind it sees that something is missing. */
static void pass(fsm__outbox *o, uint64_t from, uint64_t to) {
  fsm__cursor *c = &o->cursor;
  const bool next = c->dropped_to > 0 && c->dropped_from <= to + 1 && from <= c->dropped_to + 1;
  if (!next || from < c->dropped_from) c->dropped_from = from;
  if (!next || to > c->dropped_to) c->dropped_to = to;
  c->seq = c->sent_seq = to; /* what of the range lies behind that is left out when it comes up */
  c->epoch = fsm__journal_epoch_of(o->journal, to);
  o->leaf_seq = UINT64_MAX;
  o->unsaved++;
  fsm__outbox_save(o, true);
  fsm__outbox_count(o, 0, 0);
}

static fsm_code run_may_drop_range(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm_code code = fsm__flights_settle(o, err);
  return code == FSM_OK ? check_range(o, order, err) : code;
}

static fsm_code run_drop_range(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm_code code = run_may_drop_range(o, order, err);
  if (code != FSM_OK) return code;
  fsm__flights_forget(o);
  o->prepared = false;
  o->hurry = true;
  pass(o, order->from, order->to);
  return FSM_OK;
}

fsm_code fsm__outbox_may_drop_range(fsm__outbox *o, uint64_t from, uint64_t to, fsm_error *err) {
  fsm__order it = {.run = run_may_drop_range, .from = from, .to = to};
  return fsm__outbox_order(o, &it, NULL, err);
}

fsm_code fsm__outbox_drop_range_told(fsm__outbox *o, uint64_t from, uint64_t to, fsm_error *err) {
  fsm__order it = {.run = run_drop_range, .from = from, .to = to};
  return fsm__outbox_order(o, &it, NULL, err);
}
