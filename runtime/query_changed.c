/* query_changed.c: the journal behind a seq, instance by instance. */
#include "runtime/query_changed.h"

#include <stdlib.h>
#include <string.h>

bool fsm__numbers_add(fsm__numbers *all, uint64_t number) {
  if (all->count == all->cap) {
    const size_t cap = all->cap > 0 ? 2 * all->cap : 256;
    uint64_t *grown = realloc(all->at, cap * sizeof *grown);
    if (grown == NULL) return false;
    all->at = grown;
    all->cap = cap;
  }
  all->at[all->count++] = number;
  return true;
}

static int ascending(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

void fsm__numbers_sort(fsm__numbers *all) {
  size_t kept = 0;
  if (all->count > 1) qsort(all->at, all->count, sizeof *all->at, ascending);
  for (size_t i = 0; i < all->count; i++)
    if (kept == 0 || all->at[kept - 1] != all->at[i]) all->at[kept++] = all->at[i];
  all->count = kept;
}

static fsm_code add(const fsm__core *core, const fsm__journal_entry *entry, fsm__numbers *out,
                    fsm_error *err) {
  char id[FSM_INSTANCE_ID_MAX + 1];
  fsm_record_brief brief;
  uint64_t number = 0;
  if (fsm_record_peek(entry->record.data, entry->record.len, &brief) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)entry->seq);
  if (brief.inst == NULL || brief.inst_len > FSM_INSTANCE_ID_MAX) return FSM_OK;
  memcpy(id, brief.inst, brief.inst_len);
  id[brief.inst_len] = 0;
  fsm_code code = fsm__instance_number(core->store, id, &number, err);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* purged */
  if (code == FSM_OK && !fsm__numbers_add(out, number))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  return code;
}

fsm_code fsm__changed_since(const fsm__reading *at, uint64_t began, fsm__numbers *out, bool *few,
                            fsm_error *err) {
  const fsm__core *core = at->core;
  fsm__journal_cursor *cursor = NULL;
  *few = core->seq - began <= FSM__CHANGED_MAX;
  fsm_code code = *few ? fsm__journal_cursor_open(core->journal, began + 1, &cursor, err) : FSM_OK;
  for (uint64_t seq = began + 1; code == FSM_OK && *few && seq <= core->seq; seq++) {
    fsm__journal_entry entry;
    code = fsm__journal_read(cursor, seq, &entry, err);
    if (code == FSM_OK) code = add(core, &entry, out, err);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}
