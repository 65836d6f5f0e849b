/* store_view.c: the handles that read the generations of store_generation.c.
 *
 * A view is one moment: under the lock it begins its LMDB snapshot, counts itself into both generations and
 * notes its seq among the pins, so that no version it may ask for is written over. While the map grows no new
 * ones are let in.
 *
 * Invariant: the pins are the seqs of the open views.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/store_impl.h"

enum { CLOSED_KEPT = 16 };

/* ---- the map grows ------------------------------------------------------------------------------ */

fsm_code fsm__store_gate_pass(fsm__store_base *base, fsm_error *err) {
  const int64_t until = fsm__monotonic_ns() + (int64_t)FSM_STORE_GATE_MS * 1000000;
  const struct timespec ts = fsm__timespec_of(until);
  while (base->gated)
    if (pthread_cond_timedwait(&base->gate_open, &base->lock, &ts) == ETIMEDOUT && base->gated)
      return fsm_fail(err, FSM_EBUSY, base->dir.path, "the store's map is growing; try again");
  return FSM_OK;
}

fsm_code fsm__store_grow(fsm__store *store, size_t map_bytes, fsm_error *err) {
  fsm__store_base *base = store->base;
  FSM_ASSERT(!fsm__store_is_view(store) && !base->in_frame);
  if (map_bytes <= fsm__store_map_bytes(base)) return FSM_OK;
  fsm_code code = FSM_OK;
  pthread_mutex_lock(&base->lock);
  base->gated = base->snapshots == 0; /* they may be long; views are not */
  if (base->snapshots || base->view_count) {
    code = fsm_fail(err, FSM_EBUSY, base->dir.path, "%u snapshots and %u views are open", base->snapshots,
                    base->view_count);
  } else {
    fsm__store_read_end(store);
    int rc = fsm__store_map_set(base, map_bytes), begun = fsm__store_read_begin(store);
    if (begun || rc) code = fsm__store_read_fail(store, begun ? begun : rc, err);
    base->gated = false;
    pthread_cond_broadcast(&base->gate_open);
  }
  pthread_mutex_unlock(&base->lock);
  return code;
}

fsm_code fsm__store_grow_next(fsm__store *store, size_t max, fsm_error *err) {
  const size_t now = fsm__store_map_bytes(store->base), most = max ? max : FSM_STORE_MAP_MAX;
  if (now >= most)
    return fsm_fail(err, FSM_EFULL, store->base->dir.path, "the store's map of %zu bytes is full", now);
  return fsm__store_grow(store, now > most / 2 ? most : now * 2, err);
}

/* ---- views -------------------------------------------------------------------------------------- */

/* A handle that is not in use; under the lock. */
static fsm__store *view_take(fsm__store_base *base) {
  if (base->closed_count > 0) return base->closed[--base->closed_count];
  fsm__store *view = calloc(1, sizeof *view);
  if (view) view->base = base;
  return view;
}

/* Keeps the handle for the next one, or frees it; under the lock. */
static void view_give(fsm__store_base *base, fsm__store *view) {
  if (base->closed_count < CLOSED_KEPT) {
    base->closed[base->closed_count++] = view;
  } else {
    fsm__store_read_free(view);
    free(view);
  }
}

static void view_enter(fsm__store_base *base, fsm__store *view) {
  view->pin = base->horizon.visible;
  view->opened_ns = fsm__monotonic_ns();
  view->generations[0] = base->filling;
  view->generations[1] = base->committed ? NULL : base->applying; /* its snapshot has what is committed */
  for (unsigned i = 0; i < 2; i++)
    if (view->generations[i]) view->generations[i]->uses++;
  view->slot = base->view_count++;
  base->open[view->slot] = view;
  base->pins[view->slot] = view->pin;
  base->horizon.pin_count = base->view_count;
}

static fsm_code view_open(fsm__store_base *base, fsm__store **out, fsm_error *err) {
  fsm_code code = fsm__store_gate_pass(base, err);
  if (code) return code;
  if (base->view_count == FSM_STORE_VIEWS_MAX)
    return fsm_fail(err, FSM_EBUSY, base->dir.path, "%d reads run already; try again", FSM_STORE_VIEWS_MAX);
  fsm__store *view = view_take(base);
  if (!view) return fsm__store_no_memory(err);
  int rc = fsm__store_read_begin(view);
  if (rc) {
    code = fsm__store_read_fail(view, rc, err);
    view_give(base, view);
    return code;
  }
  view_enter(base, view);
  *out = view;
  return FSM_OK;
}

fsm_code fsm__store_view(fsm__store *store, fsm__store **out, uint64_t *seq, fsm_error *err) {
  FSM_ASSERT(store && out && seq);
  pthread_mutex_lock(&store->base->lock);
  fsm_code code = view_open(store->base, out, err);
  pthread_mutex_unlock(&store->base->lock);
  if (!code) *seq = (*out)->pin;
  return code;
}

void fsm__store_view_close(fsm__store *view) {
  if (!view) return;
  FSM_ASSERT(fsm__store_is_view(view));
  fsm__store_base *base = view->base;
  fsm__generation *done[2];
  fsm__store_read_end(view);
  pthread_mutex_lock(&base->lock);
  for (unsigned i = 0; i < 2; i++) {
    done[i] = fsm__generation_drop(view->generations[i]);
    view->generations[i] = NULL;
  }
  fsm__store *last = base->open[--base->view_count];
  base->open[view->slot] = last;
  base->pins[view->slot] = last->pin;
  last->slot = view->slot;
  base->horizon.pin_count = base->view_count;
  view_give(base, view);
  pthread_mutex_unlock(&base->lock);
  for (unsigned i = 0; i < 2; i++) fsm__generation_recycle(base, done[i]);
}

uint64_t fsm__store_applied(fsm__store *store, fsm__hash *leaf) {
  fsm__store_base *base = store->base;
  pthread_mutex_lock(&base->lock);
  if (leaf) *leaf = base->leaf;
  uint64_t applied = base->applied;
  pthread_mutex_unlock(&base->lock);
  return applied;
}

void fsm__store_status_get(fsm__store *store, fsm__store_status *out) {
  fsm__store_base *base = store->base;
  int64_t oldest = INT64_MAX;
  pthread_mutex_lock(&base->lock);
  *out = (fsm__store_status){.applied = base->applied,
                             .visible = base->horizon.visible,
                             .filling_bytes = fsm__overlay_bytes(base->filling->rows),
                             .applying_bytes = base->applying ? fsm__overlay_bytes(base->applying->rows) : 0,
                             .views = base->view_count,
                             .map_bytes = fsm__store_map_bytes(base),
                             .used_bytes = fsm__store_used_bytes(base)};
  for (unsigned i = 0; i < base->view_count; i++)
    if (base->open[i]->opened_ns < oldest) oldest = base->open[i]->opened_ns;
  pthread_mutex_unlock(&base->lock);
  if (oldest != INT64_MAX) out->oldest_view_ns = fsm__monotonic_ns() - oldest;
  fsm__store_readers(base, &out->readers, &out->readers_behind);
}
