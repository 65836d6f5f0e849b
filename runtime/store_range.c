/* store_range.c: the merged view: the overlay's newer rows over LMDB's.
 *
 * A range is a position and nothing more: at each step the first row behind it is looked up in both
 * and the smaller key is shown; on equal keys the overlay's row hides the other, and a tombstone hides
 * both. LMDB's rows only change with a round, so its cursor is kept between steps and placed anew when
 * a round came between.
 *
 * Invariant: every row of LMDB between a range's position and its cursor has a row in the overlay.
 */
#include <string.h>

#include "runtime/store_impl.h"

typedef struct position {
  const void *key;
  size_t len;
  bool strictly;
} position;

static int compare(const void *a, size_t a_len, const void *b, size_t b_len) {
  size_t shared = a_len < b_len ? a_len : b_len;
  int order = shared ? memcmp(a, b, shared) : 0;
  if (order) return order;
  return (a_len > b_len) - (a_len < b_len);
}

/* ---- point reads and writes ---- */

fsm_code fsm__store_get(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                        const void **value, size_t *value_len, fsm_error *err) {
  FSM_ASSERT(store && table < FSM_TABLE_COUNT && value && value_len);
  fsm__row row;
  if (fsm__overlay_get(store->overlay, table, key, key_len, &row)) {
    if (row.deleted) return FSM_ENOTFOUND;
  } else {
    fsm_code code = fsm__store_lookup(store, table, key, key_len, &row, err);
    if (!code) code = fsm__store_unseal(table, &row, err);
    if (code) return code;
  }
  *value = row.value;
  *value_len = row.value_len;
  return FSM_OK;
}

void fsm__store_fail(fsm__store *store, const fsm_error *fault) {
  FSM_ASSERT(fault->code != FSM_OK);
  if (!store->fault.code) store->fault = *fault;
}

fsm_code fsm__store_fault(const fsm__store *store, fsm_error *err) {
  if (store->fault.code && err) *err = store->fault;
  return store->fault.code;
}

static bool key_usable(fsm__store *store, fsm__table table, size_t key_len) {
  FSM_ASSERT(store && table < FSM_TABLE_COUNT);
  if (key_len > 0 && key_len <= FSM_STORE_KEY_MAX) return true;
  fsm_error fault;
  fsm_fail(&fault, FSM_ETOOLARGE, fsm__table_name(table), "a key of %zu bytes, not 1 to %d", key_len,
           FSM_STORE_KEY_MAX);
  fsm__store_fail(store, &fault);
  return false;
}

/* A row below the floor lowers it. */
static void floor_lower(fsm__floor *floor, const void *key, size_t key_len) {
  if (compare(key, key_len, floor->key, floor->len) >= 0) return;
  memcpy(floor->key, key, key_len);
  floor->len = key_len;
}

void fsm__store_put(fsm__store *store, fsm__table table, const void *key, size_t key_len, const void *value,
                    size_t value_len) {
  if (!key_usable(store, table, key_len)) return;
  fsm_error fault;
  fsm_code code = FSM_OK;
  if (value_len > FSM_STORE_VALUE_MAX)
    code = fsm_fail(&fault, FSM_ETOOLARGE, fsm__table_name(table), "a value of %zu bytes, over %d", value_len,
                    FSM_STORE_VALUE_MAX);
  else
    code = fsm__overlay_put(store->overlay, table, key, key_len, value, value_len, &fault);
  if (code) fsm__store_fail(store, &fault);
  floor_lower(&store->floor[table], key, key_len);
}

void fsm__store_delete(fsm__store *store, fsm__table table, const void *key, size_t key_len) {
  if (!key_usable(store, table, key_len)) return;
  fsm_error fault;
  if (fsm__overlay_delete(store->overlay, table, key, key_len, &fault)) fsm__store_fail(store, &fault);
}

size_t fsm__store_pending_bytes(const fsm__store *store) { return fsm__overlay_bytes(store->overlay); }

/* ---- ranges ---- */

void fsm__range_open(fsm__range *range, fsm__store *store, fsm__table table, const void *prefix,
                     size_t prefix_len) {
  FSM_ASSERT(range && store && table < FSM_TABLE_COUNT && prefix_len <= FSM_STORE_KEY_MAX);
  range->store = store;
  range->table = table;
  range->prefix_len = range->at_len = prefix_len;
  if (prefix_len) {
    memcpy(range->prefix, prefix, prefix_len);
    memcpy(range->at, prefix, prefix_len);
  }
  range->strictly = false;
  range->cursor = NULL;
  range->standing = FSM_STANDING_NOWHERE;
  range->round = store->round;
}

void fsm__range_from(fsm__range *range, const void *key, size_t key_len) {
  FSM_ASSERT(range && key_len <= FSM_STORE_KEY_MAX);
  if (compare(key, key_len, range->prefix, range->prefix_len) < 0) {
    key = range->prefix;
    key_len = range->prefix_len;
  }
  if (key_len) memmove(range->at, key, key_len);
  range->at_len = key_len;
  range->strictly = false;
  range->standing = FSM_STANDING_NOWHERE;
}

static bool in_prefix(const fsm__range *range, const fsm__row *row) {
  return row->key_len >= range->prefix_len && !memcmp(row->key, range->prefix, range->prefix_len);
}

/* Does the scan begin at or below the floor? If so it begins at the floor. */
static bool floor_start(fsm__range *range, const fsm__floor *floor, position *from) {
  int order = compare(from->key, from->len, floor->key, floor->len);
  if (order < 0) {
    *from = (position){floor->key, floor->len, false};
    range->standing = FSM_STANDING_NOWHERE; /* it may stand on a row whose tombstone is below the floor */
  }
  return order < 0 || (order == 0 && !from->strictly);
}

static void floor_raise(fsm__floor *floor, const void *key, size_t len) {
  if (len) memmove(floor->key, key, len);
  floor->len = len;
}

/* The first row behind `from` that is not hidden, sealed when it is LMDB's; at the end, or outside the
 * prefix, *found is false. */
static fsm_code merge(fsm__range *range, position from, fsm__row *row, bool *found, bool *sealed,
                      fsm_error *err) {
  fsm__floor *floor = &range->store->floor[range->table];
  bool from_floor = floor_start(range, floor, &from);
  *found = false;
  for (;;) {
    fsm__row ours, theirs;
    bool has_theirs, has_ours = fsm__overlay_seek(range->store->overlay, range->table, from.key, from.len,
                                                  from.strictly, &ours);
    fsm_code code =
        fsm__store_cursor_peek(range, from.key, from.len, from.strictly, &theirs, &has_theirs, err);
    if (code) return code;
    int order = has_ours && has_theirs ? compare(ours.key, ours.key_len, theirs.key, theirs.key_len)
                : has_ours             ? -1
                                       : 1;
    *row = order <= 0 ? ours : theirs;
    bool inside = (has_ours || has_theirs) && in_prefix(range, row);
    if (inside && order >= 0) range->standing = FSM_STANDING_ON;
    if (inside && order <= 0 && row->deleted) {
      from = (position){row->key, row->key_len, true};
      continue;
    }
    if (from_floor && (has_ours || has_theirs)) floor_raise(floor, row->key, row->key_len);
    if (from_floor && !has_ours && !has_theirs) floor_raise(floor, from.key, from.len);
    *found = inside;
    *sealed = order > 0;
    return FSM_OK;
  }
}

fsm_code fsm__range_next(fsm__range *range, fsm__row *row, bool *found, fsm_error *err) {
  FSM_ASSERT(range && range->store && row && found);
  if (range->round != range->store->round) {
    range->standing = FSM_STANDING_NOWHERE;
    range->round = range->store->round;
  }
  bool sealed = false;
  fsm_code code =
      merge(range, (position){range->at, range->at_len, range->strictly}, row, found, &sealed, err);
  if (code || !*found) return code;
  memcpy(range->at, row->key, row->key_len);
  range->at_len = row->key_len;
  range->strictly = true;
  if (sealed) code = fsm__store_unseal(range->table, row, err);
  if (code) *found = false;
  return code;
}

void fsm__range_close(fsm__range *range) {
  if (range && range->cursor) fsm__store_cursor_release(range);
}
