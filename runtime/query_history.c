/* query_history.c: what happened to one instance: its chain of changes backwards from its row, and its
 * refusals, which have rows of their own. A page from the front (`after`), or from the end (`before`). What
 * the journal let go of is read in the archive; `archived`: the records before the page's first are in
 * neither. */
#include <stdlib.h>

#include "runtime/kept.h"
#include "schema/record_facts.h"

static int seq_order(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; /* the first member */
  return (x > y) - (x < y);
}

typedef struct place {
  uint64_t seq;
  size_t len; /* of its bytes; 0 = not known yet */
} place;

typedef struct places {
  place *at;
  size_t count, cap;
} places;

static fsm_code add(places *list, uint64_t seq, size_t len, fsm_error *err) {
  if (list->count == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 64;
    place *grown = realloc(list->at, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    list->at = grown;
    list->cap = cap;
  }
  list->at[list->count++] = (place){.seq = seq, .len = len};
  return FSM_OK;
}

/* The change of the instance before that one. */
static fsm_code link_of(fsm__kept *kept, uint64_t seq, uint64_t *before, size_t *len, fsm_error *err) {
  fsm__journal_entry entry;
  fsm__record_facts facts;
  fsm_code code = fsm__kept_read(kept, seq, &entry, err);
  if (code != FSM_OK) return code;
  if (fsm__record_facts_read(entry.record.data, entry.record.len, &facts) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu is no record", (unsigned long long)seq);
  *before = facts.iprev;
  *len = entry.record.len;
  if (*before < seq) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu links forward", (unsigned long long)seq);
}

/* Which records of a history: behind `after` and before `before`, all, or the last `most` of them. */
typedef struct span {
  uint64_t after, before;
  size_t most; /* 0 = all */
} span;

static bool is_full(const span *wanted, const places *list) {
  return wanted->most > 0 && list->count >= wanted->most;
}

/* The chain of changes backwards by iprev, as far as the journal has it. */
static fsm_code chain(fsm__kept *kept, const fsm__instance *in, const span *wanted, places *list,
                      fsm_error *err) {
  for (uint64_t seq = in->last_seq; seq > wanted->after && seq >= in->created_seq && seq >= kept->here;) {
    uint64_t before = 0;
    size_t len = 0;
    if (is_full(wanted, list)) break;
    fsm_code code = fsm__query_wanted(kept->at->query, err);
    if (code == FSM_OK) code = link_of(kept, seq, &before, &len, err);
    if (code == FSM_OK && seq < wanted->before) code = add(list, seq, len, err);
    if (code != FSM_OK) return code;
    seq = before;
  }
  return FSM_OK;
}

static fsm_code refusals(const fsm__kept *kept, const fsm__instance *in, const span *wanted, places *list,
                         fsm_error *err) {
  fsm__key prefix = fsm__key_instance(in->number, 'r', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, kept->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    uint64_t seq = row.key_len == 17 ? fsm__key_read_u64((const uint8_t *)row.key + 9) : 0;
    if (seq >= kept->here && seq > wanted->after && seq < wanted->before) code = add(list, seq, 0, err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

/* What the archive has of it, refusals included. */
static fsm_code archived(fsm__kept *kept, const fsm__instance *in, const span *wanted, places *list,
                         fsm_error *err) {
  fsm__kept_walk walk = {.finder = NULL};
  const uint64_t before = wanted->before < kept->here ? wanted->before : kept->here,
                 after = wanted->after >= in->created_seq ? wanted->after : in->created_seq - 1;
  fsm_code code = fsm__kept_reach(kept, err);
  if (code != FSM_OK || kept->first >= before || after + 1 >= before) return code;
  code = fsm__kept_find(kept, FSM__FIND_INSTANCE, in->id, after, before, &walk, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    code = fsm__kept_next(&walk, &entry, &found, err);
    if (code == FSM_OK && found) code = add(list, entry.seq, entry.record.len, err);
  }
  fsm__kept_end(&walk);
  return code;
}

/* How many of those from `from` on fit a page: from its front, or from its end. */
static fsm_code fitting(fsm__kept *kept, places *list, bool back, size_t *shown, fsm_error *err) {
  const unsigned most = kept->at->query->limit;
  const size_t limit = list->count < most ? list->count : most;
  size_t bytes = 0;
  for (*shown = 0; *shown < limit; ++*shown) {
    fsm__journal_entry entry;
    place *one = &list->at[back ? list->count - 1 - *shown : *shown];
    fsm_code code = one->len > 0 ? FSM_OK : fsm__kept_read(kept, one->seq, &entry, err);
    if (code != FSM_OK) return code;
    if (one->len == 0) one->len = entry.record.len;
    bytes += one->len;
    if (*shown > 0 && bytes > FSM_RECORDS_BYTES_MAX) break;
  }
  return FSM_OK;
}

static fsm_code page(fsm__kept *kept, places *list, bool lacks, fsm_value *out, fsm_error *err) {
  const fsm__reading *at = kept->at;
  const bool back = at->query->before != NULL;
  fsm__items items = {.arena = at->arena};
  size_t shown = 0;
  fsm_code code = fitting(kept, list, back, &shown, err);
  const size_t from = back ? list->count - shown : 0;
  for (size_t i = from; i < from + shown && code == FSM_OK; i++) {
    fsm__journal_entry entry;
    fsm_value view;
    code = fsm__query_wanted(at->query, err);
    if (code == FSM_OK) code = fsm__kept_read(kept, list->at[i].seq, &entry, err);
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
        fsm_arena_printf(at->arena, "%llu", (unsigned long long)list->at[back ? from : shown - 1].seq));
  else
    fsm__document_put(&d, "next", fsm_null());
  if (lacks && from == 0) fsm__document_put(&d, "archived", fsm_bool(true));
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

static fsm_code history(fsm__kept *kept, const fsm__instance *in, const span *wanted, places *list,
                        fsm_value *out, fsm_error *err) {
  fsm_code code = chain(kept, in, wanted, list, err);
  const bool below = in->created_seq < kept->here && wanted->after + 1 < kept->here && !is_full(wanted, list);
  if (code == FSM_OK) code = refusals(kept, in, wanted, list, err);
  if (code == FSM_OK && below) code = archived(kept, in, wanted, list, err);
  if (code == FSM_OK && list->count > 1) qsort(list->at, list->count, sizeof *list->at, seq_order);
  const bool lacks = below && in->created_seq < kept->first && wanted->after + 1 < kept->first;
  return code == FSM_OK ? page(kept, list, lacks, out, err) : code;
}

fsm_code fsm__query_history(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__instance in;
  fsm__kept kept;
  places list = {.count = 0};
  span wanted;
  fsm_code code = span_of(at, &wanted, err);
  if (code == FSM_OK) code = fsm__query_resolve(at, at->query->ref, &in, err);
  if (code != FSM_OK) return code;
  code = fsm__kept_open(at, &kept, err);
  if (code == FSM_OK) code = history(&kept, &in, &wanted, &list, out, err);
  fsm__kept_close(&kept);
  free(list.at);
  return code;
}
