/* query_stuck_lanes.c: which intervals of by_state, one a leaf of a machine, have rows that are wanted, and
 * which of them has the oldest row.
 *
 * Intervals in which nobody can be of the kinds that are asked for are left out: states without an sla, those
 * that anybody can move on from, incidents when there are none. */
#include "runtime/query_stuck_lanes.h"

#include <string.h>

/* Is the state, or one around it, wanted? */
static bool in_wanted(const fsm_machine *machine, unsigned state, const char *wanted) {
  for (; wanted != NULL && state != 0; state = fsm_state_parent(machine, state))
    if (fsm__state_matches(fsm_state_path(machine, state), wanted)) return true;
  return wanted == NULL;
}

fsm_code fsm__lane_next(fsm__lane *l, fsm_error *err) {
  fsm__row row;
  bool found = false;
  fsm_code code = fsm__range_next(&l->range, &row, &found, err);
  l->live = code == FSM_OK && found && row.key_len == 24;
  if (!l->live) return code;
  l->head.len = 0;
  fsm__key_add(&l->head, row.key, row.key_len);
  l->since_ns = (int64_t)fsm__key_read_u64(l->head.bytes + 8);
  return FSM_OK;
}

/* Is the name a leaf that is not final in some version of the machine, and wanted, and can those in it be of
 * the kinds that are? */
static fsm_code lane_wanted(const fsm__sieve *sieve, const fsm__deployed *newest, uint32_t name, bool *wanted,
                            fsm_error *err) {
  fsm__catalog *catalog = sieve->at->core->catalog;
  *wanted = false;
  for (uint32_t v = newest->version; v >= 1 && !*wanted; v--) {
    const fsm__deployed *d = fsm__catalog_find(catalog, newest->id, v);
    fsm_code code = d != NULL ? fsm__catalog_need(catalog, d, err) : FSM_OK;
    if (code != FSM_OK || d == NULL) return code;
    for (unsigned s = 1; s < fsm_machine_states(d->machine) && !*wanted && code == FSM_OK; s++)
      if (d->names[s] == name && fsm_state_is_leaf(d->machine, s) &&
          fsm_state_kind(d->machine, s) != FSM_FINAL && in_wanted(d->machine, s, sieve->filter->state))
        code = fsm__sieve_may_be(sieve, d, s, wanted, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

static fsm_code lane_add(const fsm__reading *at, fsm__lanes *all, uint32_t machine, uint32_t name,
                         fsm_error *err) {
  if (all->count == all->cap) {
    unsigned cap = all->cap ? all->cap * 2 : 16;
    fsm__lane *grown = fsm_arena_alloc(at->arena, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (all->count > 0) memcpy(grown, all->at, all->count * sizeof *grown);
    all->at = grown;
    all->cap = cap;
  }
  fsm__key prefix = {.len = 0};
  fsm__key_u32(&prefix, machine);
  fsm__key_u32(&prefix, name);
  fsm__range_open(&all->at[all->count++].range, at->core->store, FSM_T_BY_STATE, prefix.bytes, prefix.len);
  return FSM_OK;
}

/* The intervals to merge: found by hopping from one (machine, name) to the next. */
fsm_code fsm__lanes_open(const fsm__sieve *sieve, fsm__lanes *all, fsm_error *err) {
  const fsm__reading *at = sieve->at;
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint32_t machine = fsm__key_read_u32(row.key), name = fsm__key_read_u32((const uint8_t *)row.key + 4);
    const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, machine, 0);
    bool wanted = false;
    if (newest != NULL && (sieve->machine == 0 || sieve->machine == machine))
      code = lane_wanted(sieve, newest, name, &wanted, err);
    if (code == FSM_OK && wanted) code = lane_add(at, all, machine, name, err);
    if (code != FSM_OK || (name == UINT32_MAX && machine == UINT32_MAX)) break;
    fsm__key beyond = {.len = 0};
    fsm__key_u32(&beyond, name == UINT32_MAX ? machine + 1 : machine);
    fsm__key_u32(&beyond, name + 1);
    fsm__range_from(&range, beyond.bytes, beyond.len);
  }
  fsm__range_close(&range);
  return code;
}

/* `after` orders across lanes as the page did: by since, then by the key. */
static bool lane_before(const fsm__lane *a, const fsm__lane *b) {
  if (a->since_ns != b->since_ns) return a->since_ns < b->since_ns;
  return memcmp(a->head.bytes, b->head.bytes, a->head.len) < 0;
}

/* The row that a page's place is of. */
static fsm_code mark_of(const fsm__page *page, fsm__lane *mark, fsm_error *err) {
  const uint8_t *place = page->after.bytes;
  if (page->after.len != 25)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", page->at->query->after);
  mark->head.len = 0;
  mark->since_ns = (int64_t)fsm__key_read_u64(place + 9);
  fsm__key_add(&mark->head, place + 17, 8);
  fsm__key_add(&mark->head, place + 9, 8);
  fsm__key_add(&mark->head, place, 8);
  return FSM_OK;
}

fsm_code fsm__lanes_begin(const fsm__page *page, fsm__lanes *all, fsm_error *err) {
  fsm__lane mark = {.live = true};
  fsm_code code = page->goes_on ? mark_of(page, &mark, err) : FSM_OK;
  for (unsigned i = 0; i < all->count && code == FSM_OK; i++) {
    fsm__lane *l = &all->at[i];
    if (page->goes_on) { /* whatever is older was shown */
      fsm__key from = {.len = 0};
      fsm__key_add(&from, l->range.prefix, l->range.prefix_len);
      fsm__key_u64(&from, (uint64_t)mark.since_ns);
      fsm__range_from(&l->range, from.bytes, from.len);
    }
    code = fsm__lane_next(l, err);
    while (code == FSM_OK && page->goes_on && l->live && !lane_before(&mark, l))
      code = fsm__lane_next(l, err);
  }
  return code;
}

fsm__lane *fsm__lanes_oldest(fsm__lanes *all) {
  fsm__lane *best = NULL;
  for (unsigned i = 0; i < all->count; i++)
    if (all->at[i].live && (best == NULL || lane_before(&all->at[i], best))) best = &all->at[i];
  return best;
}
