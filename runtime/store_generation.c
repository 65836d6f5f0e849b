/* store_generation.c: generations of rows in memory: what is put, published, frozen and settled.
 *
 * The owner puts into the filling generation under the lock, taken once per frame. A freeze makes it the
 * applying one, which nobody changes; settling drops that when LMDB has it and the owner's snapshot shows it.
 *
 * Invariants: every row above LMDB's snapshot of a handle is in one of its generations; visible < stamp, and
 * nothing stamped above visible is ever frozen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/store_impl.h"

fsm_code fsm__store_no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory for the store");
}

/* ---- generations -------------------------------------------------------------------------------- */

static void generation_free(fsm__generation *g) {
  if (!g) return;
  fsm__overlay_free(g->rows);
  free(g);
}

static fsm_code generation_new(fsm__store_base *base, fsm__generation **out, fsm_error *err) {
  fsm__generation *g = calloc(1, sizeof *g);
  if (!g) return fsm__store_no_memory(err);
  g->uses = 1;
  fsm_code code = fsm__overlay_new(FSM_TABLE_COUNT, &base->horizon, &g->rows, err);
  if (code)
    free(g);
  else
    *out = g;
  return code;
}

fsm__generation *fsm__generation_drop(fsm__generation *g) {
  if (!g) return NULL;
  FSM_ASSERT(g->uses > 0);
  return --g->uses == 0 ? g : NULL;
}

/* Not under the lock: to give back memory takes its time. */
void fsm__generation_recycle(fsm__store_base *base, fsm__generation *g) {
  if (!g) return;
  fsm__overlay_clear(g->rows);
  pthread_mutex_lock(&base->lock);
  if (!base->spare) {
    base->spare = g;
    g = NULL;
  }
  pthread_mutex_unlock(&base->lock);
  generation_free(g);
}

static fsm_code locks_init(fsm__store_base *base, fsm_error *err) {
  pthread_condattr_t attr;
  bool good = !pthread_condattr_init(&attr) && !pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) &&
              !pthread_cond_init(&base->gate_open, &attr) && !pthread_mutex_init(&base->lock, NULL);
  return good ? FSM_OK : fsm__store_no_memory(err);
}

fsm_code fsm__store_base_new(fsm__store **out, fsm_error *err) {
  fsm__store *store = calloc(1, sizeof *store);
  fsm__store_base *base = calloc(1, sizeof *base);
  fsm_code code = store && base ? locks_init(base, err) : fsm__store_no_memory(err);
  if (!code) code = generation_new(base, &base->filling, err);
  if (code) {
    free(store);
    free(base);
    return code;
  }
  base->dir = (fsm__store_dir){.fd = -1, .lock_fd = -1};
  base->horizon = (fsm__horizon){.stamp = 1, .pins = base->pins};
  store->base = base;
  store->pin = FSM_NEWEST;
  store->generations[0] = base->filling;
  *out = store;
  return FSM_OK;
}

void fsm__store_base_free(fsm__store *owner) {
  fsm__store_base *base = owner->base;
  generation_free(base->filling);
  generation_free(base->applying);
  generation_free(base->spare);
  pthread_mutex_destroy(&base->lock);
  pthread_cond_destroy(&base->gate_open);
  free(base);
  free(owner);
}

/* ---- puts --------------------------------------------------------------------------------------- */

void fsm__store_fail(fsm__store *store, const fsm_error *fault) {
  FSM_ASSERT(fault->code != FSM_OK && !fsm__store_is_view(store));
  if (!store->base->fault.code) store->base->fault = *fault;
}

fsm_code fsm__store_fault(const fsm__store *store, fsm_error *err) {
  const fsm_error *fault = &store->base->fault;
  if (fault->code && err) *err = *fault;
  return fault->code;
}

void fsm__store_frame_begin(fsm__store *store) {
  FSM_ASSERT(!fsm__store_is_view(store) && !store->base->in_frame);
  store->base->in_frame = true;
}

static void puts_unlock(fsm__store_base *base) {
  if (base->in_frame || !base->held) return;
  base->held = false;
  pthread_mutex_unlock(&base->lock);
}

void fsm__store_frame_end(fsm__store *store) {
  store->base->in_frame = false;
  puts_unlock(store->base);
}

static void puts_lock(fsm__store_base *base) {
  if (!base->held) pthread_mutex_lock(&base->lock);
  base->held = true;
  base->put_stamp = base->horizon.stamp;
}

static bool key_usable(fsm__store *store, fsm__table table, size_t key_len) {
  FSM_ASSERT(store && table < FSM_TABLE_COUNT && !fsm__store_is_view(store));
  if (key_len > 0 && key_len <= FSM_STORE_KEY_MAX) return true;
  fsm_error fault;
  fsm_fail(&fault, FSM_ETOOLARGE, fsm__table_name(table), "a key of %zu bytes, not 1 to %d", key_len,
           FSM_STORE_KEY_MAX);
  fsm__store_fail(store, &fault);
  return false;
}

/* ---- rows that are ahead ------------------------------------------------------------------------ */

void fsm__store_ahead(fsm__store *store, const fsm__ahead *ahead) { store->base->ahead = ahead; }

bool fsm__store_is_fuzzy(const fsm__store *store) { return store->base->ahead != NULL; }

void fsm__store_replaying(fsm__store *store, uint64_t seq) { store->base->replaying = seq; }

bool fsm__store_is_ahead(const fsm__store *store, fsm__table table, const void *key, size_t key_len,
                         uint64_t seq) {
  const fsm__ahead *ahead = store->base->ahead;
  return ahead != NULL && seq <= fsm__ahead_seq(ahead, (unsigned)table, key, key_len);
}

static bool dropped(const fsm__store *store, fsm__table table, const void *key, size_t key_len) {
  return store->base->ahead != NULL &&
         fsm__store_is_ahead(store, table, key, key_len, store->base->replaying);
}

/* A row below the floor lowers it. */
static void floor_lower(fsm__floor *floor, const void *key, size_t key_len) {
  if (fsm__keys_compare(key, key_len, floor->key, floor->len) >= 0) return;
  memcpy(floor->key, key, key_len);
  floor->len = key_len;
}

static void put(fsm__store *store, fsm__table table, const void *key, size_t key_len, const void *value,
                size_t value_len, bool own) {
  if (!key_usable(store, table, key_len) || dropped(store, table, key, key_len)) return;
  fsm_error fault;
  fsm_code code = FSM_OK;
  if (value_len > FSM_STORE_VALUE_MAX)
    code = fsm_fail(&fault, FSM_ETOOLARGE, fsm__table_name(table), "a value of %zu bytes, over %d", value_len,
                    FSM_STORE_VALUE_MAX);
  if (!code) {
    puts_lock(store->base);
    code = fsm__overlay_put(store->generations[0]->rows, table, key, key_len, value, value_len, own, &fault);
    puts_unlock(store->base);
  }
  if (code) fsm__store_fail(store, &fault);
  floor_lower(&store->floor[table], key, key_len);
}

void fsm__store_put(fsm__store *store, fsm__table table, const void *key, size_t key_len, const void *value,
                    size_t value_len) {
  put(store, table, key, key_len, value, value_len, false);
}

void fsm__store_put_new(fsm__store *store, fsm__table table, const void *key, size_t key_len,
                        const void *value, size_t value_len) {
  put(store, table, key, key_len, value, value_len, true);
}

void fsm__store_put_buf(fsm__store *store, fsm__table table, const void *key, size_t key_len, fsm_buf *buf) {
  fsm_error fault;
  if (fsm_buf_ok(buf)) {
    fsm__store_put(store, table, key, key_len, buf->data, buf->len);
  } else {
    (void)fsm_fail(&fault, FSM_ENOMEM, fsm__table_name(table), "no memory for a row");
    fsm__store_fail(store, &fault);
  }
  fsm_buf_free(buf);
}

void fsm__store_delete(fsm__store *store, fsm__table table, const void *key, size_t key_len) {
  if (!key_usable(store, table, key_len) || dropped(store, table, key, key_len)) return;
  fsm_error fault;
  puts_lock(store->base);
  fsm_code code = fsm__overlay_delete(store->generations[0]->rows, table, key, key_len, &fault);
  puts_unlock(store->base);
  if (code) fsm__store_fail(store, &fault);
}

/* ---- the owner's steps of a round --------------------------------------------------------------- */

void fsm__store_boundary(fsm__store *store, uint64_t seq) {
  fsm__horizon *h = &store->base->horizon; /* only puts read the stamp */
  if (h->stamp <= seq) h->stamp = seq + 1;
}

void fsm__store_publish(fsm__store *store, uint64_t seq) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(!fsm__store_is_view(store) && !base->in_frame && seq >= base->horizon.visible &&
             seq != FSM_NEWEST);
  pthread_mutex_lock(&base->lock);
  base->horizon.visible = seq;
  fsm__store_boundary(store, seq);
  pthread_mutex_unlock(&base->lock);
}

void fsm__store_reveal(fsm__store *store, uint64_t seq) {
  fsm__store_base *base = store->base;
  pthread_mutex_lock(&base->lock);
  FSM_ASSERT(seq >= base->horizon.visible && seq != FSM_NEWEST);
  base->horizon.visible = seq;
  pthread_mutex_unlock(&base->lock);
}

size_t fsm__store_filling_bytes(const fsm__store *store) {
  return fsm__overlay_bytes(store->generations[0]->rows);
}

size_t fsm__store_pending_bytes(const fsm__store *store) {
  const fsm__generation *applying = store->generations[1];
  return fsm__store_filling_bytes(store) + (applying ? fsm__overlay_bytes(applying->rows) : 0);
}

bool fsm__store_applying(const fsm__store *store) { return store->generations[1] != NULL; }

fsm_code fsm__store_freeze(fsm__store *store, uint64_t seq, const fsm__hash *leaf, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(!fsm__store_is_view(store) && !base->dir.read_only && !base->in_frame && !base->applying);
  FSM_ASSERT(seq == base->horizon.visible && base->put_stamp <= seq && seq >= base->applied);
  pthread_mutex_lock(&base->lock);
  fsm__generation *next = base->spare;
  base->spare = NULL;
  pthread_mutex_unlock(&base->lock);
  fsm_code code = next ? FSM_OK : generation_new(base, &next, err);
  if (code) return code;
  FSM_ASSERT(next != NULL);
  pthread_mutex_lock(&base->lock);
  next->uses = 1;
  base->applying = base->filling;
  base->filling = next;
  base->freeze_seq = seq;
  base->freeze_leaf = *leaf;
  base->committed = false;
  pthread_mutex_unlock(&base->lock);
  store->generations[0] = next;
  store->generations[1] = base->applying;
  return FSM_OK;
}

/* When nothing waits any more, the memory of busier times goes back to the system. */
static void rest(fsm__store_base *base) {
  pthread_mutex_lock(&base->lock);
  if (fsm__overlay_rows(base->filling->rows) == 0 && base->filling->uses == 1) {
    fsm__overlay_trim(base->filling->rows);
    if (base->spare) fsm__overlay_trim(base->spare->rows);
  }
  pthread_mutex_unlock(&base->lock);
}

fsm_code fsm__store_settle(fsm__store *store, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(!fsm__store_is_view(store) && !base->in_frame && base->applying && base->committed);
  fsm__store_read_end(store);
  int rc = fsm__store_read_begin(store);
  if (rc) return fsm__store_read_fail(store, rc, err);
  pthread_mutex_lock(&base->lock);
  fsm__generation *done = fsm__generation_drop(base->applying);
  base->applying = NULL;
  pthread_mutex_unlock(&base->lock);
  store->generations[1] = NULL;
  fsm__generation_recycle(base, done);
  rest(base);
  return FSM_OK;
}

fsm_code fsm__store_round(fsm__store *store, uint64_t seq, const fsm__hash *leaf, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(store && leaf && !base->dir.read_only && seq >= base->applied);
  bool map_full = false;
  fsm_error fault;
  fsm__store_publish(store, seq);
  base->put_stamp = 0; /* whatever was put is of seq: the caller says so */
  for (fsm_code code = FSM_OK;;) {
    if (base->fault.code) return fsm__store_fault(store, err);
    if (!base->applying && seq == base->applied && fsm__overlay_rows(base->filling->rows) == 0) return FSM_OK;
    if (!base->applying) code = fsm__store_freeze(store, seq, leaf, &fault);
    if (!code) code = fsm__store_apply(store, &map_full, &fault);
    if (code && code != FSM_EFULL) fsm__store_fail(store, &fault);
    if (code && err) *err = fault;
    if (!code) code = fsm__store_settle(store, err);
    if (code) return code;
  }
}
