/* query_stuck.c: open instances by the time in their state, the longest first.
 *
 * by_state is ordered by machine, state, since, so this is a merge of its intervals that stops at the first
 * row that is too young, or when incidents are asked for and all that there are were met; of a row whose
 * status cannot pass nothing else is read. Where another index has few candidates these are ranked instead,
 * in the same order. An instance is told once, in the leaf that it has waited in longest. */
#include <string.h>

#include "runtime/query_stuck_lanes.h"

/* Where it waits: the order is since, machine, name, number. */
typedef struct wait {
  int64_t since_ns;
  uint32_t name;
} wait;

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

/* ---- merged -------------------------------------------------------------------------------------- */

typedef struct merging {
  fsm__page *page;
  fsm__sieve *sieve;
  uint32_t statuses;       /* that may pass */
  uint64_t incidents, met; /* those there are, and of them so many; 0 = it does not matter */
} merging;

/* An instance is an incident once, so behind the last one of them nobody is. */
static fsm_code count_incidents(merging *m, fsm_error *err) {
  if (m->statuses != 1u << FSM_INCIDENT || m->page->goes_on) return FSM_OK;
  return fsm__counter_read(m->sieve->at->core->store, "incidents", &m->incidents, err);
}

static fsm__key place_of(const fsm__lane *l) {
  fsm__key place = {.len = 0};
  fsm__key_add(&place, l->head.bytes + 16, 8); /* as a ranking has it */
  fsm__key_add(&place, "", 1);
  fsm__key_add(&place, l->head.bytes + 8, 8);
  fsm__key_add(&place, l->head.bytes, 8);
  return place;
}

/* *passes: that is the leaf in which it waits longest, and it passes. */
static fsm_code test(merging *m, const fsm__lane *l, uint64_t number, fsm_arena *scratch, bool *passes,
                     fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  fsm__status status;
  fsm__glance glance;
  wait waits;
  *passes = false;
  fsm_code code = fsm__sieve_row(m->sieve, number, &value, &len, err);
  if (code != FSM_OK) return code;
  if (fsm__glance_status(value, len, &status) && (m->statuses >> status & 1) == 0) return FSM_OK;
  code = fsm__sieve_glance(m->sieve, number, value, len, scratch, &glance, err);
  if (code != FSM_OK || !longest_wait(m->sieve, &glance, &waits) ||
      waits.name != fsm__key_read_u32(l->head.bytes + 4))
    return code;
  if (glance.status == FSM_INCIDENT) m->met++;
  return fsm__sieve_test(m->sieve, &glance, waits.since_ns, scratch, passes, err);
}

static fsm_code consider(merging *m, const fsm__lane *l, fsm_arena *scratch, bool *full, fsm_error *err) {
  const uint64_t number = fsm__key_read_u64(l->head.bytes + 16);
  const fsm__key place = place_of(l);
  bool passes = false;
  fsm_code code = fsm__query_wanted(m->sieve->at->query, err);
  if (code == FSM_OK) code = test(m, l, number, scratch, &passes, err);
  if (code == FSM_OK && passes) code = fsm__page_add(m->page, number, &place, full, err);
  if (code == FSM_OK && !*full && m->sieve->looked >= m->sieve->look_max) {
    fsm__page_stop(m->page, &place);
    *full = true;
  }
  return code;
}

static fsm_code merge(fsm__page *page, fsm__sieve *sieve, fsm__lanes *all, fsm_error *err) {
  merging m = {.page = page, .sieve = sieve, .statuses = fsm__sieve_open_statuses(sieve->filter)};
  fsm_arena scratch;
  fsm_code code = fsm__lanes_open(sieve, all, err);
  if (code == FSM_OK) code = fsm__lanes_begin(page, all, err);
  if (code == FSM_OK) code = count_incidents(&m, err);
  fsm_arena_init(&scratch, 0);
  for (bool full = false; code == FSM_OK && !full;) {
    fsm__lane *l = fsm__lanes_oldest(all);
    if (l == NULL || sieve->now_ns - l->since_ns < sieve->filter->for_least_ns)
      break; /* the rest is younger */
    if (m.incidents > 0 && m.met == m.incidents) break;
    code = consider(&m, l, &scratch, &full, err);
    fsm_arena_reset(&scratch);
    if (code == FSM_OK && !full) code = fsm__lane_next(l, err);
  }
  fsm_arena_free(&scratch);
  for (unsigned i = 0; i < all->count; i++) fsm__range_close(&all->at[i].range);
  return code;
}

/* ---- the list ----------------------------------------------------------------------------------- */

static fsm_code stuck(fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  fsm__candidates candidates;
  fsm__lanes all = {.count = 0};
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
