/* search_segment.c: the records of a segment that may match, found in its raw bytes. */
#include <string.h>

#include "runtime/journal_impl.h"
#include "runtime/search.h"
#include "schema/record_fields.h"

#define BIT(member) (UINT64_C(1) << FSM__KEY_##member)
#define SEARCHED \
  (BIT(inst) | BIT(key) | BIT(labels) | BIT(data) | BIT(ctx) | BIT(out) | BIT(corr) | BIT(act) | BIT(detail))
enum { SEARCHED_MAX = 9 };

static bool is_machine(const fsm_record_brief *brief, const char *machine) {
  return machine == NULL ||
         (strlen(machine) == brief->mach_len && memcmp(machine, brief->mach, brief->mach_len) == 0);
}

fsm_code fsm__search_may(const fsm__search *search, const fsm__bytes *record, bool *may) {
  fsm_record_text spans[SEARCHED_MAX];
  fsm_record_brief brief;
  size_t count = 0;
  *may = false;
  fsm_code code = fsm_record_peek(record->data, record->len, &brief);
  if (code != FSM_OK || brief.inst_len == 0 || !is_machine(&brief, search->at->query->machine)) return code;
  code = fsm_record_spans(record->data, record->len, SEARCHED, spans, SEARCHED_MAX, &count);
  for (size_t i = 0; code == FSM_OK && i < count && !*may; i++)
    *may = fsm__needle_find(&search->needle, spans[i].at, spans[i].len) != NULL;
  return code;
}

/* The newest ones stay, in a ring. */
static void keep(fsm__search_hits *hits, size_t *total, uint64_t seq) {
  hits->seqs[(*total)++ % FSM_SEARCH_HITS_MAX] = seq;
}

static fsm_code look(fsm__search *search, const fsm__journal_block *block, uint64_t below,
                     fsm__search_hits *hits, size_t *total) {
  const fsm__batch_head head = {
      .frames = block->frames, .records = block->records, .length = (uint32_t)block->len};
  const uint8_t *end = block->batch + block->len;
  const uint8_t *hit = fsm__needle_find(&search->needle, block->batch, block->len);
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end;
  fsm__frames_start(&frames, block->batch, &head);
  for (uint64_t seq = block->first_seq; hit != NULL && fsm__frames_next(&frames, &record, &frame_end);
       seq++) {
    const uint8_t *behind = (const uint8_t *)record.data + record.len;
    bool may = false;
    if (hit >= behind) continue;
    if (seq >= search->low && seq < below) {
      fsm_code code = fsm__search_may(search, &record, &may);
      if (code != FSM_OK) return code;
      if (may) keep(hits, total, seq);
    }
    hit = fsm__needle_find(&search->needle, behind, (size_t)(end - behind));
  }
  return FSM_OK;
}

/* The ring, from its oldest. */
static void put_in_order(fsm__search_hits *hits, size_t total) {
  hits->cut = total > FSM_SEARCH_HITS_MAX;
  hits->count = hits->cut ? FSM_SEARCH_HITS_MAX : total;
  if (!hits->cut) return;
  uint64_t turned[FSM_SEARCH_HITS_MAX];
  for (size_t i = 0; i < FSM_SEARCH_HITS_MAX; i++) turned[i] = hits->seqs[(total + i) % FSM_SEARCH_HITS_MAX];
  memcpy(hits->seqs, turned, sizeof turned);
}

fsm_code fsm__search_segment(fsm__search *search, uint64_t below, fsm__search_hits *out, bool *there,
                             fsm_error *err) {
  fsm__journal *journal = search->at->core->journal;
  uint64_t bytes = 0;
  size_t total = 0;
  fsm__journal_block block;
  *there = fsm__journal_segment_at(journal, below - 1, &out->first, &bytes);
  out->count = 0;
  if (!*there) return FSM_OK;
  const bool again = search->segment == out->first;
  search->segment = out->first;
  fsm__journal_cursor_seek(search->cursor, out->first);
  for (uint64_t next = out->first; next < below; next = block.first_seq + block.records) {
    bool found = false;
    fsm_code code = fsm__query_wanted(search->at->query, err);
    if (code != FSM_OK) return code;
    code = fsm__journal_next_block(search->cursor, &block, &found, err);
    if (code == FSM_ENOTFOUND) *there = false; /* it was let go meanwhile */
    if (code == FSM_ENOTFOUND || (code == FSM_OK && !found)) break;
    if (code != FSM_OK) return code;
    if (!again) search->looked += block.len;
    code = look(search, &block, below, out, &total);
    if (code != FSM_OK)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "a record at or behind seq %llu cannot be read",
                      (unsigned long long)block.first_seq);
  }
  put_in_order(out, total);
  return FSM_OK;
}
