/* journal_users.c: whom records name as actors, each once a segment, by the newest such record.
 *
 * The entries of an index are sorted by the hash of a text and then by record, so one goes from user to user
 * in a few reads, however many records there are; of the active segment a copy of its entries is sorted. Two
 * users of one hash in one segment (32 bits) are told as the newer one. */
#include <stdlib.h>

#include "runtime/journal_idx.h"

typedef struct seqs {
  uint64_t *at;
  size_t count, cap;
} seqs;

static bool add(seqs *all, uint64_t seq) {
  if (all->count == all->cap) {
    const size_t cap = all->cap ? all->cap * 2 : 256;
    uint64_t *wider = realloc(all->at, cap * sizeof *wider);
    if (!wider) return false;
    all->at = wider;
    all->cap = cap;
  }
  all->at[all->count++] = seq;
  return true;
}

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "journal", "no memory to list who acts");
}

static int ascending(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* False: damage. */
static bool read_sealed(fsm__idx *idx, uint64_t first_seq, uint64_t from, seqs *all, bool *no_room) {
  const unsigned section = FSM__IDX_ENTRIES + FSM__FIND_USER;
  const uint32_t items = idx->head.sections[section].items;
  for (uint32_t i = 0; i < items && !*no_room;) {
    uint64_t item, last;
    uint32_t end;
    if (!fsm__idx_item(idx, section, i, &item) ||
        !fsm__idx_lower_bound(idx, section, item | UINT32_MAX, &end) || end <= i ||
        !fsm__idx_item(idx, section, end - 1, &last) || (uint32_t)last >= idx->head.count)
      return false;
    const uint64_t seq = first_seq + (uint32_t)last;
    if (seq >= from) *no_room = !add(all, seq);
    i = end;
  }
  return true;
}

static fsm_code of_sealed(fsm__journal *journal, const fsm__sealed *segment, uint64_t from, seqs *all,
                          fsm_error *err) {
  fsm__idx idx;
  bool whole = false, no_room = false;
  fsm_code code = FSM_OK;
  for (int tries = 0; tries < 2 && !whole && !code; tries++) {
    all->count = 0;
    code = fsm__idx_get(journal, segment, tries > 0, &idx, err);
    if (code) break;
    whole = read_sealed(&idx, segment->first_seq, from, all, &no_room);
    fsm__idx_close(&idx);
  }
  FSM_ASSERT(whole || code); /* one that was just made is whole */
  return no_room ? no_memory(err) : code;
}

/* Entries of the active segment from `from` on, in the order of a sealed one's. */
static fsm_code of_active(fsm__journal *journal, uint64_t ordinal, uint64_t from, seqs *all, uint64_t *upto,
                          fsm_error *err) {
  seqs entries = {.count = 0};
  uint64_t first_seq = 0;
  fsm_code code =
      fsm__recent_users(journal, ordinal, from, &entries.at, &entries.count, &first_seq, upto, err);
  if (!code && entries.count > 1) qsort(entries.at, entries.count, sizeof *entries.at, ascending);
  for (size_t i = 0; i < entries.count && !code; i++) {
    const bool last = i + 1 == entries.count || entries.at[i + 1] >> 32 != entries.at[i] >> 32;
    if (last && !add(all, first_seq + (uint32_t)entries.at[i])) code = no_memory(err);
  }
  free(entries.at);
  return code;
}

static fsm_code of_segment(fsm__journal *journal, uint64_t from, seqs *all, uint64_t *next, fsm_error *err) {
  fsm__sealed sealed;
  if (fsm__sealed_of(journal, from, &sealed)) {
    fsm_code code = of_sealed(journal, &sealed, from, all, err);
    *next = sealed.last_seq + 1;
    return code == FSM_ENOTFOUND ? FSM_OK : code; /* pruned meanwhile */
  }
  pthread_mutex_lock(&journal->lock);
  const fsm__segment *segment = fsm__segment_of(journal, from);
  const uint64_t ordinal = segment ? segment->ordinal : 0;
  pthread_mutex_unlock(&journal->lock);
  return ordinal ? of_active(journal, ordinal, from, all, next, err) : FSM_OK;
}

fsm_code fsm__journal_users(fsm__journal *journal, uint64_t from, uint64_t *next, fsm__user_fn *fn, void *arg,
                            fsm_error *err) {
  FSM_ASSERT(journal && next && fn);
  fsm_code code = FSM_OK;
  seqs all = {.count = 0};
  for (*next = from; !code;) {
    const uint64_t durable = fsm__journal_durable_seq(journal), first = fsm__journal_first_seq(journal);
    const uint64_t at = *next < first ? first : *next;
    if (at > durable) break;
    uint64_t behind = at;
    all.count = 0;
    code = of_segment(journal, at, &all, &behind, err);
    for (size_t i = 0; i < all.count && !code; i++) code = fn(arg, all.at[i], err);
    if (!code) *next = behind;
    if (behind == at) break; /* it was sealed just now: the next time */
  }
  free(all.at);
  return code;
}
