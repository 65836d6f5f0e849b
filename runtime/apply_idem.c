/* apply_idem.c: the idempotency entry of a record, and those before it whose time is over.
 *
 * Entries lie in spans of time, so what is over lies in front. Only a record with a key drops any, a bounded
 * number, and by its own time: no command stalls, and a replay drops the same ones. Whoever adds one and may
 * drop several keeps up with any load. */
#include <string.h>

#include "runtime/apply_impl.h"

enum { DROP_AT_ONCE = 16 };

/* Drops entries in front of the table whose key has a span below `oldest` at span_at; returns the number, and
 * the last of them in *last. */
static fsm_code drop_front(fsm__range *range, size_t span_at, uint32_t oldest, unsigned *dropped,
                           fsm__key *last, fsm_error *err) {
  fsm__row row;
  bool found = false;
  fsm_code code = FSM_OK;
  for (*dropped = 0; *dropped < DROP_AT_ONCE; (*dropped)++) {
    code = fsm__range_next(range, &row, &found, err);
    if (code != FSM_OK || !found || fsm__key_read_u32((const uint8_t *)row.key + span_at) >= oldest) break;
    last->len = 0;
    fsm__key_add(last, row.key, row.key_len);
    fsm__store_delete(range->store, range->table, last->bytes, last->len);
  }
  return code;
}

/* The search goes on behind the last one dropped: new ones never come to lie before it, and what was dropped
 * since the last round of the store need not be passed over again. */
static fsm_code add_start(fsm__store *store, const fsm__instance *in, const fsm_record *record,
                          const uint8_t hash[16], const fsm__idem *idem, fsm_error *err) {
  fsm__starts starts;
  fsm__range range;
  fsm__key last = {.len = 0}, key = fsm__key_start(record->time_ns, in->deployed->number, hash);
  unsigned dropped = 0;
  fsm_code code = fsm__starts_load(store, &starts, err);
  if (code != FSM_OK) return code;
  fsm__range_open(&range, store, FSM_T_STARTS, NULL, 0);
  fsm__range_from(&range, starts.dropped, sizeof starts.dropped);
  code = drop_front(&range, 0, fsm__idem_span_oldest(record->time_ns), &dropped, &last, err);
  fsm__range_close(&range);
  if (code != FSM_OK) return code;
  if (last.len == sizeof starts.dropped) memcpy(starts.dropped, last.bytes, last.len);
  starts.rows += 1;
  starts.rows -= dropped < starts.rows ? dropped : starts.rows;
  fsm__starts_put(store, &starts);
  fsm__idem_put(store, FSM_T_STARTS, &key, idem);
  return FSM_OK;
}

static fsm_code add_send(fsm__store *store, fsm__instance *in, const fsm_record *record,
                         const uint8_t hash[16], const fsm__idem *idem, fsm_error *err) {
  enum { SPAN_AT = 9 }; /* behind number and 'i' */
  fsm__key prefix = fsm__key_instance(in->number, 'i', NULL, 0), last = {.len = 0};
  fsm__key key = fsm__key_idem(in->number, record->time_ns, hash);
  fsm__range range;
  unsigned dropped = 0;
  fsm_code code = FSM_OK;
  if (in->idem_rows > 0) {
    fsm__range_open(&range, store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
    code = drop_front(&range, SPAN_AT, fsm__idem_span_oldest(record->time_ns), &dropped, &last, err);
    fsm__range_close(&range);
  }
  if (code != FSM_OK) return code;
  in->idem_rows -= dropped < in->idem_rows ? dropped : in->idem_rows;
  in->idem_rows++;
  fsm__idem_put(store, FSM_T_INSTANCES, &key, idem);
  return FSM_OK;
}

/* [key hash, fingerprint, expiry] */
static bool idem_legal(const fsm_value *list) {
  return list->len == 3 && fsm_is(&list->items[0], FSM_BYTES) && list->items[0].len == 16 &&
         fsm_is(&list->items[1], FSM_BYTES) && list->items[1].len == 16 && fsm_is(&list->items[2], FSM_INT);
}

fsm_code fsm__apply_idem(fsm__store *store, fsm__instance *in, const fsm_record *record, fsm_error *err) {
  if (!fsm_is(&record->idem, FSM_LIST)) return FSM_OK;
  if (!idem_legal(&record->idem))
    return fsm__apply_bad(record, "has an idempotency key that cannot be read", NULL, err);
  const fsm_value *at = record->idem.items;
  fsm__idem idem = {.expiry_ns = at[2].i, .seq = record->seq};
  memcpy(idem.fingerprint, at[1].s, 16);
  const uint8_t *hash = (const uint8_t *)at[0].s;
  return record->kind == FSM_RECORD_CREATED ? add_start(store, in, record, hash, &idem, err)
                                            : add_send(store, in, record, hash, &idem, err);
}
