/* query_groups.c: instances counted by what they have in common: FSM_QUERY_GROUPS.
 *
 * Each field is an expression over the row, read as `where` is, masks and all. A page looks at GROUP_LOOKS
 * times the rows of a list's page and tells what it counted there; then `next` goes on and whoever asks adds
 * up: count and sum.n, sum.sum are added, of sum.max the greater, of oldest and sum.min the lesser counts.
 * So a request is short and holds no row longer than it takes to look at it. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query_groups.h"
#include "runtime/query_page.h"
#include "runtime/query_walk.h"
#include "schema/pack.h"

enum { GROUP_LOOKS = 4 };

/* ---- a page -----------------------------------------------------------------------------------------------
 */

static fsm_code walk(fsm__groups *all, fsm__page *page, fsm__stroll *stroll, fsm_error *err) {
  fsm__sieve *s = stroll->sieve;
  fsm__glance glance;
  fsm__key place = {.len = 0};
  fsm_arena scratch;
  fsm_code code = FSM_OK;
  fsm_arena_init(&scratch, 0);
  for (bool found = true, passes = false; code == FSM_OK;) {
    fsm_arena_reset(&scratch);
    if (s->looked >= s->look_max && place.len > 0) {
      fsm__page_stop(page, &place);
      break;
    }
    code = fsm__stroll_next(stroll, &scratch, &glance, &place, &found, err);
    if (code == FSM_OK && stroll->ended) break;
    if (code != FSM_OK || !found) continue;
    code = fsm__sieve_test(s, &glance, fsm__sieve_since(s, &glance), &scratch, &passes, err);
    if (code == FSM_OK && passes) code = fsm__groups_count(all, s, &glance, &scratch, err);
  }
  fsm_arena_free(&scratch);
  return code;
}

static int by_count(const void *a, const void *b) {
  const fsm__group *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  const int order = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
  return order != 0 ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static fsm_code put_sum(const fsm__group *g, fsm__document *d, fsm_error *err) {
  fsm__document sum = {.arena = d->arena};
  fsm_value view;
  fsm__document_put(&sum, "count", fsm_int((int64_t)g->sum_count));
  if (g->sum_count > 0) {
    fsm__document_put(&sum, "sum", fsm_double(g->sum));
    fsm__document_put(&sum, "min", fsm_double(g->min));
    fsm__document_put(&sum, "max", fsm_double(g->max));
    fsm__document_put(&sum, "mean", fsm_double(g->sum / (double)g->sum_count));
  }
  fsm_code code = fsm__document_map(&sum, &view, err);
  if (code == FSM_OK) fsm__document_put(d, "sum", view);
  return code;
}

static fsm_code view_of(const fsm__groups *all, const fsm__group *g, fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = all->arena}, by = {.arena = all->arena};
  fsm_value values, map;
  fsm_code code = fsm_unpack(all->arena, g->key, g->key_len, &values, err);
  for (unsigned i = 0; i < all->field_count && code == FSM_OK; i++)
    fsm__document_put(&by, all->names[i], values.items[i]);
  if (code == FSM_OK) code = fsm__document_map(&by, &map, err);
  if (code == FSM_OK) fsm__document_put(&d, "by", map);
  fsm__document_put(&d, "count", fsm_int((int64_t)g->count));
  fsm__document_time(&d, "oldest", g->oldest_ns);
  if (code == FSM_OK && all->sums) code = put_sum(g, &d, err);
  return code == FSM_OK ? fsm__document_map(&d, out, err) : code;
}

static fsm_code show(fsm__groups *all, fsm__page *page, fsm_error *err) {
  fsm_code code = FSM_OK;
  fsm_value view;
  qsort(all->at, all->count, sizeof *all->at, by_count);
  for (unsigned i = 0; i < all->count && code == FSM_OK; i++) {
    code = view_of(all, &all->at[i], &view, err);
    if (code == FSM_OK) fsm__items_add(&page->items, view);
  }
  return code;
}

static fsm_code count_all(fsm__groups *all, fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  fsm__candidates candidates;
  fsm__stroll *stroll = fsm_arena_alloc(all->arena, sizeof *stroll);
  all->at = fsm_arena_alloc(all->arena, FSM__GROUPS_MAX * sizeof *all->at);
  all->table = fsm_arena_zalloc(all->arena, FSM__GROUPS_TABLE, sizeof *all->table);
  if (stroll == NULL || all->at == NULL || all->table == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__candidates_find(sieve, true, &candidates, err);
  if (code == FSM_OK)
    code = fsm__stroll_open(sieve, candidates.some ? &candidates : NULL, false, false,
                            page->goes_on ? &page->after : NULL, stroll, err);
  if (code != FSM_OK) return code;
  code = walk(all, page, stroll, err);
  fsm__stroll_close(stroll);
  return code == FSM_OK ? show(all, page, err) : code;
}

fsm_code fsm__query_groups(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__groups all = {.arena = at->arena};
  fsm_filter *filter = NULL;
  fsm__sieve sieve;
  fsm__page page;
  fsm_code code = fsm__groups_read(at->query, &all, err);
  if (code == FSM_OK) code = fsm__query_filter(at->query, &filter, err);
  if (code == FSM_OK && filter->sort != FSM__BY_CREATED)
    code = fsm_fail(err, FSM_EARGUMENT, "sort", "groups come by their count, the most first");
  if (code == FSM_OK) code = fsm__page_open(at, filter, &page, err);
  if (code == FSM_OK) code = fsm__sieve_open(at, filter, page.now_ns, &sieve, err);
  if (code == FSM_OK && at->query->look == 0) sieve.look_max *= GROUP_LOOKS;
  if (code == FSM_OK) code = count_all(&all, &page, &sieve, err);
  if (code == FSM_OK) code = fsm__page_document(&page, &sieve, out, err);
  fsm_buf_free(&all.key);
  fsm_filter_free(filter);
  return code;
}
