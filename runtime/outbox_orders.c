/* outbox_orders.c: what operators tell an outbox to do. One order at a time, carried out by the outbox's
 * thread, so that it finds things as they are: whoever gives it waits. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"

/* ---- giving one: any thread ---- */

static fsm_code withdraw(fsm__outbox *o, const fsm__order *order, fsm_error *err) {
  if (o->order == order) o->order = NULL;
  pthread_cond_broadcast(&o->obeyed);
  if (o->ended) return fsm_fail(err, FSM_ECLOSED, o->sink->name, "the sink is being stopped");
  return fsm_fail(
      err, FSM_ETIMEOUT, o->sink->name,
      "the sink waits for its other side and has not taken the order; nothing was done: try again");
}

/* Under the lock. */
static fsm_code hand_over(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  const struct timespec until = fsm__timespec_of(fsm__monotonic_ns() + fsm__ms(FSM_OUTBOX_ORDER_MS));
  while (o->order != NULL && !o->ended)
    if (pthread_cond_timedwait(&o->obeyed, &o->lock, &until) != 0) return withdraw(o, order, err);
  if (o->ended) return withdraw(o, order, err);
  o->order = order;
  atomic_store(&o->ordered, true);
  atomic_store(&o->woken, true);
  pthread_cond_signal(&o->moved);
  while (!order->done) {
    int rc = order->taken ? pthread_cond_wait(&o->obeyed, &o->lock)
                          : pthread_cond_timedwait(&o->obeyed, &o->lock, &until);
    if (rc != 0 && !order->taken) return withdraw(o, order, err);
  }
  return order->code == FSM_OK ? FSM_OK : fsm_fail(err, order->code, order->err.where, "%s", order->err.text);
}

fsm_code fsm__outbox_order(fsm__outbox *o, fsm__order *order, uint64_t *count, fsm_error *err) {
  FSM_ASSERT(o != NULL);
  pthread_mutex_lock(&o->lock);
  fsm_code code = hand_over(o, order, err);
  pthread_mutex_unlock(&o->lock);
  if (code == FSM_OK && count != NULL) *count = order->count;
  return code;
}

/* ---- carrying it out: the thread ---- */

void fsm__outbox_obey(fsm__outbox *o) {
  if (!atomic_load(&o->ordered)) return;
  pthread_mutex_lock(&o->lock);
  fsm__order *order = o->order;
  if (order != NULL) order->taken = true;
  atomic_store(&o->ordered, false);
  pthread_mutex_unlock(&o->lock);
  if (order == NULL) return; /* withdrawn */
  fsm_code code = order->run(o, order, &order->err);
  pthread_mutex_lock(&o->lock);
  order->code = code;
  order->done = true;
  o->order = NULL;
  pthread_cond_broadcast(&o->obeyed);
  pthread_mutex_unlock(&o->lock);
}

void fsm__orders_end(fsm__outbox *o) {
  pthread_mutex_lock(&o->lock);
  o->ended = true;
  if (o->order != NULL) {
    o->order->code = fsm_fail(&o->order->err, FSM_ECLOSED, o->sink->name, "the sink is being stopped");
    o->order->taken = o->order->done = true;
    o->order = NULL;
  }
  pthread_cond_broadcast(&o->obeyed);
  pthread_mutex_unlock(&o->lock);
}

static fsm_code not_parked(const fsm__outbox *o, uint64_t seq, fsm_error *err) {
  return fsm_fail(err, FSM_ENOTFOUND, o->sink->name, "record %llu is not parked", (unsigned long long)seq);
}

static bool waits_for_retry(const fsm__outbox *o, uint64_t seq) {
  for (unsigned i = 0; i < o->retry_count; i++)
    if (o->retry[i] == seq) return true;
  return false;
}

static fsm_code run_retry(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm__note note = {.count = 0};
  if (order->from != 0 && fsm__parked_find(o, order->from) == NULL) return not_parked(o, order->from, err);
  for (size_t i = 0; i < o->parked_count; i++) {
    uint64_t seq = o->parked[i].seq;
    if (order->from != 0 && seq != order->from) continue;
    order->count++;
    if (!waits_for_retry(o, seq) && o->retry_count < FSM_PARKED_MAX) o->retry[o->retry_count++] = seq;
  }
  o->hurry = true;
  if (order->count == 0) return FSM_OK;
  if (order->from != 0) fsm__note_u64(&note, "seq", order->from);
  fsm__note_text(&note, "from_list", "parked");
  fsm__note_u64(&note, "count", order->count);
  fsm__outbox_tell(o, "resent", &note, order->actor, order->reason);
  return FSM_OK;
}

static fsm_code run_resend(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm__note note = {.count = 0};
  fsm__journal_entry entry;
  if (order->from == 0 || order->from > order->to)
    return fsm_fail(err, FSM_EARGUMENT, "from",
                    "a range is from a seq of at least 1 to one that is not below it");
  if (order->to > o->cursor.seq)
    return fsm_fail(err, FSM_EARGUMENT, "to", "what follows record %llu was not given yet",
                    (unsigned long long)o->cursor.seq);
  fsm_code code = fsm__outbox_read(o, order->from, &entry, err);
  if (code == FSM_OK) code = fsm__outbox_repair(o, order->from, order->to, err);
  if (code != FSM_OK) return code;
  order->count = order->to - order->from + 1;
  fsm__note_u64(&note, "from", order->from);
  fsm__note_u64(&note, "to", order->to);
  fsm__note_u64(&note, "count", order->count);
  fsm__outbox_tell(o, "resent", &note, order->actor, order->reason);
  return FSM_OK;
}

/* The first behind the cursor that it should get and that is not parked; 0 = nothing waits. */
static fsm_code stuck_at(fsm__outbox *o, fsm__journal_entry *out, uint64_t *seq, fsm_error *err) {
  uint64_t durable = fsm__journal_durable_seq(o->journal);
  for (*seq = o->cursor.seq + 1; *seq <= durable; ++*seq) {
    fsm__wanted wanted;
    fsm_code code = fsm__outbox_read(o, *seq, out, err);
    if (code == FSM_OK) code = fsm__outbox_wants(o, out, &wanted, err);
    if (code != FSM_OK) return code;
    if (wanted.is && !fsm__outbox_is_parked(o, out)) return FSM_OK;
  }
  *seq = 0;
  return FSM_OK;
}

static fsm_code set_aside(fsm__outbox *o, const fsm__order *order, const fsm__journal_entry *entry,
                          fsm_error *err) {
  fsm__draft draft;
  uint64_t seq = entry->seq;
  uint32_t epoch = entry->epoch;
  fsm__hash leaf = fsm__leaf(entry->record.data, entry->record.len);
  fsm_code code = fsm__draft_new(o, &draft, err);
  if (code != FSM_OK) return code;
  const char *text = order->reason != NULL ? order->reason : "parked by an operator";
  code = fsm__draft_add(&draft, o->sink->name, seq, epoch, FSM_EDATA, text, err);
  if (code == FSM_OK) code = fsm__draft_keep(o, &draft, err);
  fsm__draft_free(&draft);
  if (code != FSM_OK) return code;
  fsm__cursor *c = &o->cursor;
  c->seq = c->sent_seq = o->leaf_seq = seq;
  c->epoch = epoch;
  c->leaf = leaf;
  fsm__outbox_save(o, true);
  fsm__outbox_count(o, 0, 0);
  return FSM_OK;
}

static fsm_code run_park(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm__note note = {.count = 0};
  fsm__journal_entry entry;
  uint64_t stuck;
  fsm_code code = fsm__flights_settle(o, err);
  if (code != FSM_OK) return code;
  code = stuck_at(o, &entry, &stuck, err);
  if (code != FSM_OK) return code;
  if (stuck == 0)
    return fsm_fail(err, FSM_EARGUMENT, "seq", "no record waits: it has been given all up to %llu",
                    (unsigned long long)o->cursor.seq);
  if (stuck != order->from)
    return fsm_fail(err, FSM_EARGUMENT, "seq", "the sink is at record %llu, and only that can be parked",
                    (unsigned long long)stuck);
  fsm__flights_forget(o);
  o->prepared = false;
  o->hurry = true;
  code = set_aside(o, order, &entry, err);
  if (code != FSM_OK) return code;
  fsm__note_u64(&note, "seq", order->from);
  fsm__note_text(&note, "text", "by an operator");
  fsm__outbox_tell(o, "parked", &note, order->actor, order->reason);
  return FSM_OK;
}

static fsm_code run_may_drop(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  const fsm__parked *p = fsm__parked_find(o, order->from);
  if (p == NULL) return not_parked(o, order->from, err);
  if (waits_for_retry(o, order->from))
    return fsm_fail(err, FSM_EBUSY, o->sink->name, "record %llu is being given again: try later",
                    (unsigned long long)order->from);
  order->parked = *p;
  return FSM_OK;
}

static fsm_code run_drop(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  fsm__note note = {.count = 0};
  fsm__draft draft;
  fsm_code code = run_may_drop(o, order, err);
  if (code == FSM_OK) code = fsm__draft_new(o, &draft, err);
  if (code != FSM_OK) return code;
  fsm__note_u64(&note, "seq", order->from);
  fsm__note_text(&note, "code", fsm_code_name(order->parked.code));
  fsm__note_text(&note, "text", order->parked.text);
  if (!order->told) fsm__outbox_tell(o, "dropped", &note, order->actor, order->reason);
  (void)fsm__draft_remove(&draft, order->from);
  code = fsm__draft_keep(o, &draft, err);
  fsm__draft_free(&draft);
  o->hurry = true; /* there is room for another */
  return code;
}

static fsm_code run_clear(fsm__outbox *o, fsm__order *order, fsm_error *err) {
  (void)err;
  fsm__note note = {.count = 0};
  if (o->sink->clear != NULL) o->sink->clear(o->sink);
  fsm__flights_forget(o);
  o->prepared = false;
  o->hurry = true;
  fsm__note_u64(&note, "seq", o->cursor.seq);
  fsm__outbox_tell(o, "cleared", &note, order->actor, order->reason);
  return FSM_OK;
}

/* ---- the contract ---- */

fsm_code fsm__outbox_retry(fsm__outbox *o, uint64_t seq, const fsm_value *actor, const char *reason,
                           uint64_t *count, fsm_error *err) {
  return fsm__outbox_order(o, &(fsm__order){.run = run_retry, .from = seq, .actor = actor, .reason = reason},
                           count, err);
}

fsm_code fsm__outbox_resend(fsm__outbox *o, uint64_t from, uint64_t to, const fsm_value *actor,
                            const char *reason, uint64_t *count, fsm_error *err) {
  fsm__order it = {.run = run_resend, .from = from, .to = to, .actor = actor, .reason = reason};
  return fsm__outbox_order(o, &it, count, err);
}

fsm_code fsm__outbox_park(fsm__outbox *o, uint64_t seq, const fsm_value *actor, const char *reason,
                          fsm_error *err) {
  return fsm__outbox_order(o, &(fsm__order){.run = run_park, .from = seq, .actor = actor, .reason = reason},
                           NULL, err);
}

fsm_code fsm__outbox_drop(fsm__outbox *o, uint64_t seq, const fsm_value *actor, const char *reason,
                          fsm_error *err) {
  return fsm__outbox_order(o, &(fsm__order){.run = run_drop, .from = seq, .actor = actor, .reason = reason},
                           NULL, err);
}

fsm_code fsm__outbox_may_drop(fsm__outbox *o, uint64_t seq, fsm__parked *out, fsm_error *err) {
  fsm__order it = {.run = run_may_drop, .from = seq};
  fsm_code code = fsm__outbox_order(o, &it, NULL, err);
  if (code == FSM_OK) *out = it.parked;
  return code;
}

fsm_code fsm__outbox_drop_told(fsm__outbox *o, uint64_t seq, fsm_error *err) {
  return fsm__outbox_order(o, &(fsm__order){.run = run_drop, .from = seq, .told = true}, NULL, err);
}

fsm_code fsm__outbox_clear(fsm__outbox *o, const fsm_value *actor, const char *reason, fsm_error *err) {
  return fsm__outbox_order(o, &(fsm__order){.run = run_clear, .actor = actor, .reason = reason}, NULL, err);
}

fsm_code fsm__outbox_parked(fsm__outbox *o, fsm__parked **out, size_t *count, fsm_error *err) {
  FSM_ASSERT(o != NULL && out != NULL && count != NULL);
  fsm__parked *list = malloc(FSM_PARKED_MAX * sizeof *list);
  if (list == NULL) return fsm_fail(err, FSM_ENOMEM, o->sink->name, "no memory for the parked records");
  pthread_mutex_lock(&o->lock);
  *count = o->parked_count;
  memcpy(list, o->parked, o->parked_count * sizeof *list);
  pthread_mutex_unlock(&o->lock);
  *out = list;
  return FSM_OK;
}
