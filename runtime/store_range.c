/* store_range.c: the merged view: the rows of the generations over LMDB's.
 *
 * A range is a position and nothing more: at each step the first row behind it is looked up in all of
 * them and the smallest key is shown; on equal keys the newest place hides the others, and a tombstone hides
 * all. LMDB's rows only change with a snapshot, so its cursor is kept between steps and placed anew when
 * a round came between. What a view sees never changes, so there the generations' next rows are kept too, and
 * the lock is taken only to find the next.
 *
 * Invariant: every row of LMDB between a range's position and its cursor has a row in a generation.
 */
#include <string.h>

#include "runtime/store_impl.h"

enum { AHEAD_UNKNOWN, AHEAD_ROW, AHEAD_END }; /* what a view's range knows of a generation */

typedef struct position {
  const void *key;
  size_t len;
  bool strictly;
} position;

/* ---- point reads ---- */

/* Only the filling generation is changed by anyone, and its owner needs no lock to read it. */
static bool must_lock(const fsm__store *store, unsigned generation) {
  return generation == 0 && fsm__store_is_view(store);
}

static bool generation_get(const fsm__store *store, unsigned generation, fsm__table table, const void *key,
                           size_t key_len, fsm__row *row) {
  const fsm__generation *g = store->generations[generation];
  if (!g) return false;
  bool lock = must_lock(store, generation);
  if (lock) pthread_mutex_lock(&store->base->lock);
  bool found = fsm__overlay_get(g->rows, table, key, key_len, store->pin, row);
  if (lock) pthread_mutex_unlock(&store->base->lock);
  return found;
}

fsm_code fsm__store_get(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                        const void **value, size_t *value_len, fsm_error *err) {
  FSM_ASSERT(store && table < FSM_TABLE_COUNT && value && value_len);
  fsm__row row;
  if (generation_get(store, 0, table, key, key_len, &row) ||
      generation_get(store, 1, table, key, key_len, &row)) {
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
  range->ahead[0] = range->ahead[1] = AHEAD_UNKNOWN;
  range->round = store->round;
}

void fsm__range_from(fsm__range *range, const void *key, size_t key_len) {
  FSM_ASSERT(range && key_len <= FSM_STORE_KEY_MAX);
  if (fsm__keys_compare(key, key_len, range->prefix, range->prefix_len) < 0) {
    key = range->prefix;
    key_len = range->prefix_len;
  }
  if (key_len) memmove(range->at, key, key_len);
  range->at_len = key_len;
  range->strictly = false;
  range->standing = FSM_STANDING_NOWHERE;
  range->ahead[0] = range->ahead[1] = AHEAD_UNKNOWN;
}

static bool in_prefix(const fsm__range *range, const fsm__row *row) {
  return row->key_len >= range->prefix_len && !memcmp(row->key, range->prefix, range->prefix_len);
}

/* Does the scan begin at or below the floor? If so it begins at the floor. */
static bool floor_start(fsm__range *range, const fsm__floor *floor, position *from) {
  int order = fsm__keys_compare(from->key, from->len, floor->key, floor->len);
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

/* The first row of a generation behind `from`. */
static bool generation_seek(fsm__range *range, unsigned generation, position from, fsm__row *row) {
  const fsm__store *store = range->store;
  const fsm__generation *g = store->generations[generation];
  unsigned char *ahead = &range->ahead[generation];
  if (!g || *ahead == AHEAD_END) return false;
  if (*ahead == AHEAD_ROW) {
    *row = range->next[generation];
    if (fsm__keys_compare(row->key, row->key_len, from.key, from.len) >= (int)from.strictly) return true;
  }
  bool lock = must_lock(store, generation);
  if (lock) pthread_mutex_lock(&store->base->lock);
  bool found = fsm__overlay_seek(g->rows, range->table, from.key, from.len, from.strictly, store->pin, row);
  if (lock) pthread_mutex_unlock(&store->base->lock);
  if (!fsm__store_is_view(store)) return found;
  *ahead = found ? AHEAD_ROW : AHEAD_END;
  if (found) range->next[generation] = *row;
  return found;
}

/* The first row behind a position in each place, newest place first; LMDB's is the last. */
typedef struct heads {
  fsm__row row[3];
  bool has[3];
} heads;

static fsm_code heads_find(fsm__range *range, position from, heads *h, fsm_error *err) {
  for (unsigned i = 0; i < 2; i++) h->has[i] = generation_seek(range, i, from, &h->row[i]);
  return fsm__store_cursor_peek(range, from.key, from.len, from.strictly, &h->row[2], &h->has[2], err);
}

/* Which is shown: the smallest key, of equal ones the newest; -1 = none. *on_lmdb: LMDB has that key too. */
static int heads_first(const heads *h, bool *on_lmdb) {
  int first = -1, order = 1;
  for (int i = 0; i < 3; i++) {
    if (!h->has[i]) continue;
    if (first >= 0)
      order = fsm__keys_compare(h->row[first].key, h->row[first].key_len, h->row[i].key, h->row[i].key_len);
    if (order > 0) first = i;
    if (i == 2) *on_lmdb = order >= 0;
  }
  return first;
}

/* The first row behind `from` that is not hidden, sealed when it is LMDB's; at the end, or outside the
 * prefix, *found is false. */
static fsm_code merge(fsm__range *range, position from, fsm__row *row, bool *found, bool *sealed,
                      fsm_error *err) {
  fsm__floor *floor = &range->store->floor[range->table];
  bool from_floor = !fsm__store_is_view(range->store) && floor_start(range, floor, &from);
  *found = false;
  for (;;) {
    heads h;
    bool on_lmdb = false;
    fsm_code code = heads_find(range, from, &h, err);
    if (code) return code;
    int first = heads_first(&h, &on_lmdb);
    if (first >= 0) *row = h.row[first];
    bool inside = first >= 0 && in_prefix(range, row);
    if (inside && on_lmdb) range->standing = FSM_STANDING_ON;
    if (inside && first < 2 && row->deleted) {
      from = (position){row->key, row->key_len, true};
      continue;
    }
    if (from_floor && first >= 0) floor_raise(floor, row->key, row->key_len);
    if (from_floor && first < 0) floor_raise(floor, from.key, from.len);
    *found = inside;
    *sealed = first == 2;
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
