/* query_stuck.c: open instances by the time in their state, the longest first.
 *
 * by_state is ordered by machine, state, since, so this is a merge of its intervals that stops at the first
 * row that is too young. Intervals in which nobody can be of the kinds that are asked for are left out:
 * states without an sla, those that anybody can move on from, incidents when there are none. Where another
 * index has few candidates these are ranked instead, in the same order. An instance is told once, in the leaf
 * that it has waited in longest. */
#include <string.h>

#include "runtime/query_page.h"

/* Where it waits: the order is since, machine, name, number. */
typedef struct wait {
  int64_t since_ns;
  uint32_t name;
} wait;

/* Is the state, or one around it, wanted? */
static bool in_wanted(const fsm_machine *machine, unsigned state, const char *wanted) {
  for (; wanted != NULL && state != 0; state = fsm_state_parent(machine, state))
    if (fsm__state_matches(fsm_state_path(machine, state), wanted)) return true;
  return wanted == NULL;
}

/* The leaf that is not final, of those that are wanted, in which it has waited longest; false: none. */
static bool longest_wait(const fsm__sieve *sieve, const fsm__glance *g, wait *out) {
  const uint8_t *marks = fsm__sieve_machine_of(sieve, g)->marks;
  const fsm__deployed *d = g->deployed;
  bool some = false;
  for (unsigned i = 0; i < g->active_count && fsm__status_open(g->status); i++) {
    const fsm__since *active = &g->active[i];
    unsigned s = active->state;
    if (s == 0 || !(marks[s] & FSM__MARK_WANTED) || !fsm_state_is_leaf(d->machine, s) ||
        fsm_state_kind(d->machine, s) == FSM_FINAL)
      continue;
    if (some && (active->ns > out->since_ns || (active->ns == out->since_ns && d->names[s] > out->name)))
      continue;
    *out = (wait){active->ns, d->names[s]};
    some = true;
  }
  return some;
}

/* A place as a ranking has it. */
static fsm__ranked rank_of(const fsm__glance *glance, wait waits) {
  fsm__ranked out = {.number = glance->number};
  fsm__key key = {.len = 0};
  fsm__key_u64(&key, (uint64_t)waits.since_ns);
  fsm__key_u32(&key, glance->machine);
  fsm__key_u32(&key, waits.name);
  memcpy(out.key, key.bytes, key.len);
  out.len = (uint32_t)key.len;
  return out;
}

/* ---- few candidates ----------------------------------------------------------------------------- */

static fsm_code rank(fsm__page *page, fsm__sieve *sieve, const fsm__candidates *candidates, fsm_error *err) {
  fsm__ranking ranking;
  fsm_arena scratch;
  fsm_code code = fsm__ranking_open(page, false, 0, &ranking, err);
  fsm_arena_init(&scratch, 0);
  for (size_t i = 0; i < candidates->count && code == FSM_OK; i++) {
    fsm__glance glance;
    wait waits;
    bool passes = false;
    fsm_arena_reset(&scratch);
    code = fsm__sieve_load(sieve, candidates->at[i], &scratch, &glance, err);
    if (code != FSM_OK || !longest_wait(sieve, &glance, &waits)) continue;
    code = fsm__sieve_test(sieve, &glance, waits.since_ns, &scratch, &passes, err);
    if (code != FSM_OK || !passes) continue;
    const fsm__ranked one = rank_of(&glance, waits);
    fsm__ranking_add(&ranking, &one);
  }
  fsm_arena_free(&scratch);
  return code == FSM_OK ? fsm__ranking_show(&ranking, page, err) : code;
}

/* ---- lanes -------------------------------------------------------------------------------------- */

/* A place in by_state: one (machine, state) interval, at its next row. */
typedef struct lane {
  fsm__range range;
  fsm__key head;
  int64_t since_ns;
  bool live;
} lane;

static fsm_code lane_next(lane *l, fsm_error *err) {
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

typedef struct lanes {
  lane *at;
  unsigned count, cap;
} lanes;

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

static fsm_code lane_add(const fsm__reading *at, lanes *all, uint32_t machine, uint32_t name,
                         fsm_error *err) {
  if (all->count == all->cap) {
    unsigned cap = all->cap ? all->cap * 2 : 16;
    lane *grown = fsm_arena_alloc(at->arena, cap * sizeof *grown);
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
static fsm_code open_lanes(const fsm__sieve *sieve, lanes *all, fsm_error *err) {
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
static bool lane_before(const lane *a, const lane *b) {
  if (a->since_ns != b->since_ns) return a->since_ns < b->since_ns;
  return memcmp(a->head.bytes, b->head.bytes, a->head.len) < 0;
}

/* The row that a page's place is of. */
static fsm_code mark_of(const fsm__page *page, lane *mark, fsm_error *err) {
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

static fsm_code skip_to_after(const fsm__page *page, lanes *all, fsm_error *err) {
  lane mark = {.live = true};
  fsm_code code = page->goes_on ? mark_of(page, &mark, err) : FSM_OK;
  for (unsigned i = 0; i < all->count && code == FSM_OK; i++) {
    lane *l = &all->at[i];
    if (page->goes_on) { /* whatever is older was shown */
      fsm__key from = {.len = 0};
      fsm__key_add(&from, l->range.prefix, l->range.prefix_len);
      fsm__key_u64(&from, (uint64_t)mark.since_ns);
      fsm__range_from(&l->range, from.bytes, from.len);
    }
    code = lane_next(l, err);
    while (code == FSM_OK && page->goes_on && l->live && !lane_before(&mark, l)) code = lane_next(l, err);
  }
  return code;
}

static lane *oldest(lanes *all) {
  lane *best = NULL;
  for (unsigned i = 0; i < all->count; i++)
    if (all->at[i].live && (best == NULL || lane_before(&all->at[i], best))) best = &all->at[i];
  return best;
}

/* The instance of a row, if that is the leaf in which it waits longest and it passes. */
static fsm_code consider(fsm__page *page, fsm__sieve *sieve, const lane *l, fsm_arena *scratch, bool *full,
                         fsm_error *err) {
  fsm__glance glance;
  wait waits;
  bool passes = false;
  fsm__key place = {.len = 0};
  fsm__key_add(&place, l->head.bytes + 16, 8); /* as a ranking has it */
  fsm__key_add(&place, "", 1);
  fsm__key_add(&place, l->head.bytes + 8, 8);
  fsm__key_add(&place, l->head.bytes, 8);
  uint64_t number = fsm__key_read_u64(l->head.bytes + 16);
  fsm_code code = fsm__query_wanted(sieve->at->query, err);
  if (code == FSM_OK) code = fsm__sieve_load(sieve, number, scratch, &glance, err);
  if (code != FSM_OK) return code;
  if (longest_wait(sieve, &glance, &waits) && waits.name == fsm__key_read_u32(l->head.bytes + 4))
    code = fsm__sieve_test(sieve, &glance, waits.since_ns, scratch, &passes, err);
  if (code == FSM_OK && passes) code = fsm__page_add(page, number, &place, full, err);
  if (code == FSM_OK && !*full && sieve->looked >= sieve->look_max) {
    fsm__page_stop(page, &place);
    *full = true;
  }
  return code;
}

static fsm_code merge(fsm__page *page, fsm__sieve *sieve, lanes *all, fsm_error *err) {
  fsm_arena scratch;
  fsm_code code = open_lanes(sieve, all, err);
  if (code == FSM_OK) code = skip_to_after(page, all, err);
  fsm_arena_init(&scratch, 0);
  for (bool full = false; code == FSM_OK && !full;) {
    lane *l = oldest(all);
    if (l == NULL || sieve->now_ns - l->since_ns < sieve->filter->for_least_ns)
      break; /* the rest is younger */
    code = consider(page, sieve, l, &scratch, &full, err);
    fsm_arena_reset(&scratch);
    if (code == FSM_OK && !full) code = lane_next(l, err);
  }
  fsm_arena_free(&scratch);
  for (unsigned i = 0; i < all->count; i++) fsm__range_close(&all->at[i].range);
  return code;
}

/* ---- the list ----------------------------------------------------------------------------------- */

static fsm_code stuck(fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  fsm__candidates candidates;
  lanes all = {.count = 0};
  fsm_code code = fsm__candidates_find(sieve, false, &candidates, err);
  if (code != FSM_OK) return code;
  return candidates.some ? rank(page, sieve, &candidates, err) : merge(page, sieve, &all, err);
}

fsm_code fsm__query_stuck(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm_filter *filter = NULL;
  fsm__sieve sieve;
  fsm__page page;
  fsm_code code = fsm__query_filter(at->query, &filter, err);
  if (code == FSM_OK && filter->sort != FSM__BY_CREATED &&
      !(filter->sort == FSM__BY_AGE && filter->downwards))
    code = fsm_fail(err, FSM_EARGUMENT, "sort",
                    "stuck ones come in the order of -age, the longest first; otherwise list them: ls --kind "
                    "any --sort FIELD");
  if (code == FSM_OK) code = fsm__page_open(at, filter, &page, err);
  if (code == FSM_OK) code = fsm__sieve_open(at, filter, page.now_ns, &sieve, err);
  page.sieve = &sieve;
  if (code == FSM_OK) code = stuck(&page, &sieve, err);
  if (code == FSM_OK) code = fsm__page_document(&page, &sieve, out, err);
  fsm_filter_free(filter);
  return code;
}
