/* query_sorted.c: a page in an order that no index has: a walk through views, none of them old, and what was
 * written while it went on. */
#include "runtime/query_sorted.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/query_changed.h"
#include "runtime/query_walk.h"

enum { NAME_MAX_BYTES = 128 };

typedef struct sorting {
  fsm__page *page;
  fsm__sieve *sieve;
  const fsm__candidates *candidates;
  fsm__ranking ranking;
  fsm_arena scratch;
  uint64_t began;  /* the seq of its first view */
  uint64_t looked; /* when the view was opened */
} sorting;

/* ---- where one stands ----------------------------------------------------------------------------- */

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
  const size_t len = strnlen(name, NAME_MAX_BYTES);
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

/* One instance, as it stands in the view. */
static fsm_code consider(sorting *s, const fsm__glance *glance, fsm_error *err) {
  bool passes = false;
  const int64_t since = fsm__sieve_since(s->sieve, glance);
  fsm_code code = fsm__sieve_test(s->sieve, glance, since, &s->scratch, &passes, err);
  if (code != FSM_OK || !passes) return code;
  const fsm__ranked one = rank_of(s->sieve->filter->sort, glance, since);
  fsm__ranking_add(&s->ranking, &one);
  return FSM_OK;
}

/* ---- the walk ------------------------------------------------------------------------------------- */

static bool is_old(const sorting *s) {
  return s->candidates == NULL && s->page->at->rows != NULL &&
         s->sieve->looked - s->looked >= FSM__SORTED_LOOKS * s->sieve->look_max;
}

static fsm_code walk(sorting *s, fsm__stroll *stroll, fsm_error *err) {
  fsm__glance glance;
  fsm__key place = {.len = 0};
  fsm_code code = fsm__stroll_open(s->sieve, s->candidates, false, false, NULL, stroll, err);
  if (code != FSM_OK) return code;
  for (bool found = true; code == FSM_OK && found;) {
    fsm_arena_reset(&s->scratch);
    if (is_old(s)) {
      fsm__stroll_close(stroll);
      code = fsm__query_renew(s->page->at, err);
      s->looked = s->sieve->looked;
      if (code == FSM_OK)
        code = fsm__stroll_open(s->sieve, NULL, false, false, place.len > 0 ? &place : NULL, stroll, err);
      if (code != FSM_OK) return code;
    }
    code = fsm__stroll_next(stroll, &s->scratch, &glance, &place, &found, err);
    if (code == FSM_OK && found) code = consider(s, &glance, err);
  }
  fsm__stroll_close(stroll);
  return code;
}

/* ---- what was written meanwhile ------------------------------------------------------------------- */

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

static fsm_code look_again(sorting *s, uint64_t number, fsm_error *err) {
  const fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  const void *value = NULL;
  size_t len = 0;
  fsm__glance glance;
  fsm_arena_reset(&s->scratch);
  fsm_code code =
      fsm__store_get(s->page->at->core->store, FSM_T_INSTANCES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* purged */
  if (code == FSM_OK) code = fsm__sieve_glance(s->sieve, number, value, len, &s->scratch, &glance, err);
  return code == FSM_OK ? consider(s, &glance, err) : code;
}

/* All that are kept, and all that changed, through the last view. */
static fsm_code settle(sorting *s, fsm__numbers *all, bool *few, fsm_error *err) {
  fsm__sieve *sieve = s->sieve;
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < s->ranking.count; i++)
    if (!fsm__numbers_add(all, s->ranking.heap[i].number)) return no_memory(err);
  for (unsigned i = 0; i < FSM__TOUCHED_BY && code == FSM_OK; i++)
    if (sieve->touched[i].text != NULL) code = fsm__touched_read(sieve, &sieve->touched[i], err);
  if (code == FSM_OK) code = fsm__changed_since(s->page->at, s->began, all, few, err);
  if (code != FSM_OK || !*few) return code;
  s->ranking.count = 0;
  fsm__numbers_sort(all);
  for (size_t i = 0; i < all->count && code == FSM_OK; i++) code = look_again(s, all->at[i], err);
  return code;
}

/* *sure false: too much changed meanwhile. */
static fsm_code attempt(sorting *s, fsm__stroll *stroll, bool *sure, fsm_error *err) {
  const fsm__reading *at = s->page->at;
  fsm__numbers all = {.count = 0};
  bool few = true;
  s->began = at->core->seq;
  s->looked = s->sieve->looked;
  fsm_code code =
      fsm__ranking_open(s->page, s->sieve->filter->downwards, FSM__SORTED_SPARE, &s->ranking, err);
  if (code == FSM_OK) code = walk(s, stroll, err);
  if (code == FSM_OK && at->core->seq != s->began) code = settle(s, &all, &few, err);
  free(all.at);
  *sure = few && fsm__ranking_is_sure(&s->ranking);
  return code;
}

fsm_code fsm__sorted(fsm__page *page, fsm__sieve *sieve, const fsm__candidates *candidates, fsm_error *err) {
  sorting s = {.page = page, .sieve = sieve, .candidates = candidates};
  fsm__stroll *stroll = fsm_arena_alloc(page->at->arena, sizeof *stroll);
  if (stroll == NULL) return no_memory(err);
  bool sure = false;
  fsm_code code = FSM_OK;
  fsm_arena_init(&s.scratch, 0);
  for (unsigned tries = 0; code == FSM_OK && !sure && tries < FSM__SORTED_TRIES; tries++)
    code = attempt(&s, stroll, &sure, err);
  fsm_arena_free(&s.scratch);
  if (code == FSM_OK && !sure)
    return fsm_fail(err, FSM_EBUSY, "sort",
                    "instances change faster than they can be sorted by %s: name a machine, a state, a user "
                    "or a key, or sort by created or id",
                    fsm__sort_name(sieve->filter->sort));
  return code == FSM_OK ? fsm__ranking_show(&s.ranking, page, err) : code;
}
