/* query_list.c: lists of instances.
 *
 * In order of creation, either way, and by id upwards, a page is a walk that ends at its limit, or when
 * enough was looked at: then it is short, or empty, and `next` goes on. In any other order all that match are
 * looked at for each page, so only SORT_LOOKS times so many. */
#include "runtime/query_page.h"
#include "runtime/query_walk.h"

#include <string.h>

enum { SORT_LOOKS = 4, RANK_NAME_MAX = 128 };

/* ---- in an order that can be walked -------------------------------------------------------------- */

static fsm_code walk(fsm__page *page, fsm__stroll *stroll, fsm_error *err) {
  fsm__sieve *sieve = stroll->sieve;
  fsm__glance glance;
  fsm__key place = {.len = 0};
  fsm_arena scratch;
  fsm_code code = FSM_OK;
  fsm_arena_init(&scratch, 0);
  for (bool full = false, found = true, passes = false; code == FSM_OK && !full;) {
    fsm_arena_reset(&scratch);
    if (sieve->looked >= sieve->look_max) {
      fsm__page_stop(page, &place);
      break;
    }
    code = fsm__stroll_next(stroll, &scratch, &glance, &place, &found, err);
    if (code == FSM_OK && stroll->ended) break;
    if (code != FSM_OK || !found) continue;
    code = fsm__sieve_test(sieve, &glance, fsm__sieve_since(sieve, &glance), &scratch, &passes, err);
    if (code == FSM_OK && passes) code = fsm__page_add(page, glance.number, &place, &full, err);
  }
  fsm_arena_free(&scratch);
  return code;
}

/* ---- in any other -------------------------------------------------------------------------------- */

static void put_u64(fsm__ranked *out, uint64_t u) {
  fsm__key key = {.len = 0};
  fsm__key_u64(&key, u);
  memcpy(out->key, key.bytes, key.len);
  out->len = (uint32_t)key.len;
}

static void put_text(fsm__ranked *out, fsm__span text) {
  out->none = text.at == NULL;
  out->len = (uint32_t)text.len;
  FSM_ASSERT(text.len <= sizeof out->key);
  if (!out->none) memcpy(out->key, text.at, text.len);
}

/* What does not fit counts by its beginning. */
static void put_name(fsm__ranked *out, const char *name) {
  const size_t len = strnlen(name, RANK_NAME_MAX);
  put_text(out, (fsm__span){name, len});
}

static const char *first_leaf(const fsm__glance *g) {
  unsigned i = 0;
  while (i + 1 < g->active_count && !fsm_state_is_leaf(g->deployed->machine, g->active[i].state)) i++;
  return fsm_state_path(g->deployed->machine, g->active[i].state);
}

static void put_due(fsm__ranked *out, const fsm__glance *g) {
  const fsm__sla sla = fsm__sla_of(g->deployed, g->status, g->active, g->active_count, g->created_ns);
  out->none = sla.due_ns == INT64_MAX;
  if (!out->none) put_u64(out, (uint64_t)sla.due_ns);
}

static fsm__ranked rank_of(fsm__sort sort, const fsm__glance *glance, int64_t since_ns) {
  fsm__ranked out = {.number = glance->number};
  switch (sort) {
    case FSM__BY_CREATED: put_u64(&out, glance->number); break;
    case FSM__BY_UPDATED: put_u64(&out, (uint64_t)glance->updated_ns); break;
    case FSM__BY_AGE: put_u64(&out, ~(uint64_t)since_ns); break; /* the later, the younger */
    case FSM__BY_ID: put_text(&out, glance->id); break;
    case FSM__BY_KEY: put_text(&out, glance->key); break;
    case FSM__BY_MACHINE: put_name(&out, glance->deployed->id); break;
    case FSM__BY_STATE: put_name(&out, first_leaf(glance)); break;
    case FSM__BY_SLA: put_due(&out, glance); break;
    case FSM__SORT_COUNT: break;
  }
  return out;
}

static fsm_code too_many(const fsm__sieve *sieve, fsm_error *err) {
  return fsm_fail(err, FSM_ETOOLARGE, "sort",
                  "to sort by %s more than %llu rows would have to be read; name a machine, a state, a user "
                  "or a key, or sort by created or id",
                  fsm__sort_name(sieve->filter->sort), (unsigned long long)(SORT_LOOKS * sieve->look_max));
}

static fsm_code rank(fsm__page *page, fsm__stroll *stroll, fsm_error *err) {
  fsm__sieve *sieve = stroll->sieve;
  fsm__glance glance;
  fsm__key place;
  fsm__ranking ranking;
  fsm_arena scratch;
  fsm_code code = fsm__ranking_open(page, sieve->filter->downwards, &ranking, err);
  fsm_arena_init(&scratch, 0);
  for (bool found = true, passes = false; code == FSM_OK && found;) {
    fsm_arena_reset(&scratch);
    if (sieve->looked >= SORT_LOOKS * sieve->look_max) code = too_many(sieve, err);
    if (code == FSM_OK) code = fsm__stroll_next(stroll, &scratch, &glance, &place, &found, err);
    if (code != FSM_OK || !found) continue;
    int64_t since = fsm__sieve_since(sieve, &glance);
    code = fsm__sieve_test(sieve, &glance, since, &scratch, &passes, err);
    if (code != FSM_OK || !passes) continue;
    const fsm__ranked one = rank_of(sieve->filter->sort, &glance, since);
    fsm__ranking_add(&ranking, &one);
  }
  fsm_arena_free(&scratch);
  return code == FSM_OK ? fsm__ranking_show(&ranking, page, err) : code;
}

/* ---- the list ------------------------------------------------------------------------------------ */

static fsm_code list(fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  const fsm_filter *filter = sieve->filter;
  fsm__candidates candidates;
  fsm_code code = fsm__candidates_find(sieve, true, &candidates, err);
  if (code != FSM_OK) return code;
  const bool by_number = filter->sort == FSM__BY_CREATED;
  const bool by_id = filter->sort == FSM__BY_ID && !filter->downwards && !candidates.some;
  const bool walks = by_number || by_id;
  fsm__stroll *stroll = fsm_arena_alloc(page->at->arena, sizeof *stroll);
  if (stroll == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  code = fsm__stroll_open(sieve, candidates.some ? &candidates : NULL, by_id, by_number && filter->downwards,
                          walks && page->goes_on ? &page->after : NULL, stroll, err);
  if (code != FSM_OK) return code;
  code = walks ? walk(page, stroll, err) : rank(page, stroll, err);
  fsm__stroll_close(stroll);
  return code;
}

fsm_code fsm__query_list(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm_filter *filter = NULL;
  fsm__sieve sieve;
  fsm__page page;
  fsm_code code = fsm__query_filter(at->query, &filter, err);
  if (code == FSM_OK) code = fsm__page_open(at, filter, &page, err);
  if (code == FSM_OK) code = fsm__sieve_open(at, filter, page.now_ns, &sieve, err);
  page.sieve = &sieve;
  if (code == FSM_OK) code = list(&page, &sieve, err);
  if (code == FSM_OK) code = fsm__page_document(&page, &sieve, out, err);
  fsm_filter_free(filter);
  return code;
}
