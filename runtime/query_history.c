/* query_history.c: what happened to one instance: its chain of changes backwards from its row, and its
 * refusals, which have rows of their own. A page from the front (`after`), or from the end (`before`). */
#include <stdlib.h>

#include "runtime/query.h"
#include "schema/record_facts.h"

static int seq_order(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

typedef struct seqs {
  uint64_t *at;
  size_t count, cap;
} seqs;

static bool seqs_add(seqs *list, uint64_t seq) {
  if (list->count == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 64;
    uint64_t *grown = realloc(list->at, cap * sizeof *grown);
    if (grown == NULL) return false;
    list->at = grown;
    list->cap = cap;
  }
  list->at[list->count++] = seq;
  return true;
}

/* The change of the instance before that one. */
static fsm_code link_of(fsm__journal_cursor *cursor, uint64_t seq, uint64_t *before, fsm_error *err) {
  fsm__journal_entry entry;
  fsm__record_facts facts;
  fsm_code code = fsm__journal_read(cursor, seq, &entry, err);
  if (code != FSM_OK) return code;
  if (fsm__record_facts_read(entry.record.data, entry.record.len, &facts) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu is no record", (unsigned long long)seq);
  *before = facts.iprev;
  if (*before < seq) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu links forward", (unsigned long long)seq);
}

/* Which records of a history: behind `after` and before `before`, all, or the last `most` of them. */
typedef struct span {
  uint64_t after, before;
  size_t most; /* 0 = all */
} span;

/* The chain of changes backwards by iprev. */
static fsm_code chain(const fsm__reading *at, fsm__journal_cursor *cursor, const fsm__instance *in,
                      const span *wanted, seqs *list, fsm_error *err) {
  for (uint64_t seq = in->last_seq; seq > wanted->after && seq >= in->created_seq;) {
    uint64_t before = 0;
    if (wanted->most > 0 && list->count == wanted->most) break;
    if (seq < wanted->before && !seqs_add(list, seq))
      return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    fsm_code code = fsm__query_wanted(at->query, err);
    if (code == FSM_OK) code = link_of(cursor, seq, &before, err);
    if (code != FSM_OK) return code;
    seq = before;
  }
  return FSM_OK;
}

static fsm_code refusals(const fsm__reading *at, const fsm__instance *in, const span *wanted, seqs *list,
                         fsm_error *err) {
  fsm__key prefix = fsm__key_instance(in->number, 'r', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint64_t seq = row.key_len == 17 ? fsm__key_read_u64((const uint8_t *)row.key + 9) : 0;
    if (seq > wanted->after && seq < wanted->before && !seqs_add(list, seq))
      code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

/* How many of those from `from` on fit a page: from its front, or from its end. */
static fsm_code fitting(const fsm__reading *at, fsm__journal_cursor *cursor, const seqs *list, bool back,
                        size_t *shown, fsm_error *err) {
  const size_t limit = list->count < at->query->limit ? list->count : at->query->limit;
  size_t bytes = 0;
  for (*shown = 0; *shown < limit; ++*shown) {
    fsm__journal_entry entry;
    fsm_code code =
        fsm__journal_read(cursor, list->at[back ? list->count - 1 - *shown : *shown], &entry, err);
    if (code != FSM_OK) return code;
    bytes += entry.record.len;
    if (*shown > 0 && bytes > FSM_RECORDS_BYTES_MAX) break;
  }
  return FSM_OK;
}

static fsm_code history_page(const fsm__reading *at, fsm__journal_cursor *cursor, const seqs *list,
                             fsm_value *out, fsm_error *err) {
  const bool back = at->query->before != NULL;
  fsm__items items = {.arena = at->arena};
  size_t shown = 0;
  fsm_code code = fitting(at, cursor, list, back, &shown, err);
  const size_t from = back ? list->count - shown : 0;
  for (size_t i = from; i < from + shown && code == FSM_OK; i++) {
    fsm__journal_entry entry;
    fsm_value view;
    code = fsm__query_wanted(at->query, err);
    if (code == FSM_OK) code = fsm__journal_read(cursor, list->at[i], &entry, err);
    if (code == FSM_OK) code = fsm__query_record(at, &entry, &view, err);
    if (code == FSM_OK) fsm__items_add(&items, view);
  }
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  if (shown < list->count)
    fsm__document_text(
        &d, "next",
        fsm_arena_printf(at->arena, "%llu", (unsigned long long)list->at[back ? from : shown - 1]));
  else
    fsm__document_put(&d, "next", fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}

static fsm_code span_of(const fsm__reading *at, span *out, fsm_error *err) {
  const fsm_query *q = at->query;
  *out = (span){.most = q->before != NULL ? (size_t)q->limit + 1 : 0};
  if (q->after != NULL && q->before != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "before", "a page is asked for with after or with before, not both");
  if (q->after != NULL && !fsm__query_seq(q->after, &out->after))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a seq", q->after);
  if (!fsm__query_before(at, &out->before))
    return fsm_fail(err, FSM_EARGUMENT, "before", "\"%.64s\" is not a seq", q->before);
  return FSM_OK;
}

fsm_code fsm__query_history(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__instance in;
  fsm__journal_cursor *cursor = NULL;
  seqs list = {.count = 0};
  span wanted;
  fsm_code code = span_of(at, &wanted, err);
  if (code == FSM_OK) code = fsm__query_resolve(at, at->query->ref, &in, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(at->core->journal, in.last_seq, &cursor, err);
  if (code != FSM_OK) return code;
  code = chain(at, cursor, &in, &wanted, &list, err);
  if (code == FSM_OK) code = refusals(at, &in, &wanted, &list, err);
  if (code == FSM_OK && list.count > 1) qsort(list.at, list.count, sizeof *list.at, seq_order);
  if (code == FSM_OK) code = history_page(at, cursor, &list, out, err);
  fsm__journal_cursor_close(cursor);
  free(list.at);
  return code;
}
