/* query_list.c: lists of instances.
 *
 * In order of creation, either way, and by id upwards, a page is a walk that ends at its limit, or when
 * enough was looked at: then it is short, or empty, and `next` goes on. Any other order: query_sorted.c. */
#include "runtime/query_page.h"
#include "runtime/query_sorted.h"
#include "runtime/query_walk.h"

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

/* ---- the list ------------------------------------------------------------------------------------ */

static fsm_code list(fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  const fsm_filter *filter = sieve->filter;
  fsm__candidates candidates;
  fsm_code code = fsm__candidates_find(sieve, true, &candidates, err);
  if (code != FSM_OK) return code;
  const bool by_number = filter->sort == FSM__BY_CREATED;
  const bool by_id = filter->sort == FSM__BY_ID && !filter->downwards && !candidates.some;
  if (!by_number && !by_id) return fsm__sorted(page, sieve, candidates.some ? &candidates : NULL, err);
  fsm__stroll *stroll = fsm_arena_alloc(page->at->arena, sizeof *stroll);
  if (stroll == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  code = fsm__stroll_open(sieve, candidates.some ? &candidates : NULL, by_id, by_number && filter->downwards,
                          page->goes_on ? &page->after : NULL, stroll, err);
  if (code != FSM_OK) return code;
  code = walk(page, stroll, err);
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
