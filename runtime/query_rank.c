/* query_rank.c: the first of many in an order that no index has: all are looked at, a page of them is kept in
 * a heap whose top is the last of those kept. */
#include <string.h>

#include "runtime/query_page.h"

/* Before 0, behind 1; numbers decide between equals, so no two are the same. */
static bool comes_before(const fsm__ranking *r, const fsm__ranked *a, const fsm__ranked *b) {
  int order = (int)a->none - (int)b->none;
  if (order == 0 && !a->none) {
    order = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);
    if (order == 0) order = (a->len > b->len) - (a->len < b->len);
    if (r->downwards) order = -order;
  }
  return order != 0 ? order < 0 : a->number < b->number;
}

fsm_code fsm__ranking_open(const fsm__page *page, bool downwards, size_t spare, fsm__ranking *out,
                           fsm_error *err) {
  const size_t wanted = (size_t)page->at->query->limit + 1;
  *out = (fsm__ranking){.downwards = downwards, .wanted = wanted, .room = wanted + spare};
  out->heap = fsm_arena_alloc(page->at->arena, out->room * sizeof *out->heap);
  if (out->heap == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  out->goes_on = page->goes_on;
  if (!page->goes_on) return FSM_OK;
  if (page->after.len < 9 || page->after.len - 9 > FSM__RANK_KEY_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", page->at->query->after);
  out->behind.number = fsm__key_read_u64(page->after.bytes);
  out->behind.none = page->after.bytes[8] != 0;
  out->behind.len = (uint32_t)(page->after.len - 9);
  memcpy(out->behind.key, page->after.bytes + 9, out->behind.len);
  return FSM_OK;
}

static void swap(fsm__ranked *a, fsm__ranked *b) {
  fsm__ranked kept = *a;
  *a = *b;
  *b = kept;
}

static void sink(fsm__ranking *r, size_t count) {
  for (size_t at = 0;;) {
    size_t last = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
      if (comes_before(r, &r->heap[last], &r->heap[child])) last = child;
    if (last == at) return;
    swap(&r->heap[at], &r->heap[last]);
    at = last;
  }
}

static void drop(fsm__ranking *r, const fsm__ranked *one) {
  if (r->dropped && !comes_before(r, one, &r->best)) return;
  r->best = *one;
  r->dropped = true;
}

void fsm__ranking_add(fsm__ranking *r, const fsm__ranked *one) {
  if (r->goes_on && !comes_before(r, &r->behind, one)) return;
  if (r->count == r->room) {
    const bool takes = comes_before(r, one, &r->heap[0]);
    drop(r, takes ? &r->heap[0] : one);
    if (!takes) return;
    r->heap[0] = *one;
    sink(r, r->count);
    return;
  }
  size_t at = r->count++;
  r->heap[at] = *one;
  for (; at > 0 && comes_before(r, &r->heap[(at - 1) / 2], &r->heap[at]); at = (at - 1) / 2)
    swap(&r->heap[at], &r->heap[(at - 1) / 2]);
}

bool fsm__ranking_is_sure(const fsm__ranking *r) {
  size_t before = 0;
  for (size_t i = 0; r->dropped && i < r->count; i++) before += comes_before(r, &r->heap[i], &r->best);
  return !r->dropped || before >= r->wanted;
}

fsm_code fsm__ranking_show(fsm__ranking *r, fsm__page *page, fsm_error *err) {
  fsm_code code = FSM_OK;
  bool full = false;
  for (size_t left = r->count; left > 1; left--) {
    swap(&r->heap[0], &r->heap[left - 1]);
    sink(r, left - 1);
  }
  for (size_t i = 0; i < r->count && !full && code == FSM_OK; i++) {
    fsm__key place = {.len = 0};
    fsm__key_u64(&place, r->heap[i].number);
    fsm__key_add(&place, r->heap[i].none ? "\1" : "\0", 1);
    fsm__key_add(&place, r->heap[i].key, r->heap[i].len);
    code = fsm__page_add(page, r->heap[i].number, &place, &full, err);
  }
  return code;
}
