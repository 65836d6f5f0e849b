/* journal_index.c: from a seq to a batch at or before it, one entry per FSM__INDEX_STEP of file.
 *
 * Invariant: entries ascend in seq and offset, and each names the start of a batch, so any entry is a
 * right place to start hopping from; a missing one only makes the hop longer.
 */
#include <stdlib.h>

#include "runtime/journal_impl.h"

fsm__index *fsm__index_new(void) { return calloc(1, sizeof(fsm__index)); }

void fsm__index_free(fsm__index *index) {
  if (!index) return;
  free(index->entries);
  free(index);
}

static bool grow(fsm__index *index) {
  if (index->count < index->cap) return true;
  size_t cap = index->cap ? index->cap * 2 : 64;
  fsm__index_entry *entries = realloc(index->entries, cap * sizeof *entries);
  if (!entries) return false;
  index->entries = entries;
  index->cap = cap;
  return true;
}

void fsm__index_note(fsm__index *index, uint64_t seq, uint64_t at) {
  if (!index) return;
  if (index->count) {
    const fsm__index_entry *last = &index->entries[index->count - 1];
    FSM_ASSERT(seq > last->seq && at > last->at);
    if (at - last->at < FSM__INDEX_STEP) return;
  }
  if (grow(index)) index->entries[index->count++] = (fsm__index_entry){seq, at};
}

bool fsm__index_find(const fsm__index *index, uint64_t seq, fsm__index_entry *out) {
  if (!index) return false;
  size_t low = 0, high = index->count; /* entries below low are at or before seq */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (index->entries[middle].seq <= seq)
      low = middle + 1;
    else
      high = middle;
  }
  if (!low) return false;
  *out = index->entries[low - 1];
  return true;
}
