/* journal_recent.c: the index of the active segment, in memory and made by whoever searches.
 *
 * The writer does nothing for it. A search first reads what was written since the one before: each record
 * once, and none when nobody searches. Entries are as in an index file but stand in the order of
 * their seqs, so a search looks through them all: 8 bytes a record.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/journal_idx.h"

static void forget(fsm__recent *recent) {
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    free(recent->lists[what].items);
    recent->lists[what] = (fsm__recent_list){.items = NULL};
  }
  recent->ordinal = 0;
}

void fsm__recent_init(fsm__recent *recent) { pthread_mutex_init(&recent->lock, NULL); }

void fsm__recent_free(fsm__recent *recent) {
  forget(recent);
  pthread_mutex_destroy(&recent->lock);
}

/* Is this still the active segment? Then recent is about it. */
static bool settle_on(fsm__journal *journal, uint64_t ordinal) {
  fsm__recent *recent = &journal->recent;
  fsm__segment newest = {.ordinal = 0};
  pthread_mutex_lock(&journal->lock);
  if (journal->segment_count) newest = journal->segments[journal->segment_count - 1];
  pthread_mutex_unlock(&journal->lock);
  if (newest.ordinal != ordinal || newest.used) return false;
  if (recent->ordinal == ordinal) return true;
  forget(recent);
  recent->ordinal = ordinal;
  recent->salt = newest.salt;
  recent->first_seq = recent->next_seq = newest.first_seq;
  return true;
}

static bool add(fsm__recent *recent, fsm__find_what what, fsm_record_text text, uint64_t seq) {
  fsm__recent_list *list = &recent->lists[what];
  if (!text.at) return true;
  if (list->count == list->cap) {
    size_t cap = list->cap ? list->cap * 2 : 1024;
    uint64_t *wider = realloc(list->items, cap * sizeof *wider);
    if (!wider) return false;
    list->items = wider;
    list->cap = cap;
  }
  uint64_t hash = fsm__idx_hash(recent->salt, text.at, text.len);
  list->items[list->count++] = hash << 32 | (uint32_t)(seq - recent->first_seq);
  return true;
}

static bool add_record(fsm__recent *recent, const fsm__journal_entry *entry) {
  fsm_record_terms terms;
  if (fsm_record_terms_read(entry->record.data, entry->record.len, &terms)) return true;
  return add(recent, FSM__FIND_INSTANCE, terms.inst, entry->seq) &&
         add(recent, FSM__FIND_CORRELATION, terms.corr, entry->seq) &&
         add(recent, FSM__FIND_USER, terms.user, entry->seq) &&
         add(recent, FSM__FIND_TRACE, terms.trace, entry->seq);
}

static fsm_code catch_up(fsm__journal *journal, fsm_error *err) {
  fsm__recent *recent = &journal->recent;
  uint64_t durable = fsm__journal_durable_seq(journal);
  fsm__journal_cursor *cursor;
  if (recent->next_seq > durable) return FSM_OK;
  fsm_code code = fsm__journal_cursor_open(journal, recent->next_seq, &cursor, err);
  if (code) return code;
  while (!code && recent->next_seq <= durable) {
    fsm__journal_entry entry;
    bool found;
    code = fsm__journal_next(cursor, &entry, &found, err);
    if (code) break;
    FSM_ASSERT(found);
    if (!add_record(recent, &entry)) {
      forget(recent); /* half a record's texts would be found twice */
      code = fsm_fail(err, FSM_ENOMEM, "journal", "no memory for an index");
      break;
    }
    recent->next_seq = entry.seq + 1;
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

/* The first entry at or behind a number. */
static size_t lower_bound(const fsm__recent_list *list, uint64_t number) {
  size_t low = 0, high = list->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((uint32_t)list->items[middle] < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool look(const fsm__recent *recent, fsm__find_what what, uint32_t hash, uint64_t from,
                 bool descending, uint64_t *seq) {
  const fsm__recent_list *list = &recent->lists[what];
  uint64_t number = from < recent->first_seq ? 0 : from - recent->first_seq;
  if (descending && from < recent->first_seq) return false;
  for (size_t i = lower_bound(list, number + descending); descending ? i-- : i < list->count;
       i += !descending) {
    if (list->items[i] >> 32 != hash) continue;
    *seq = recent->first_seq + (uint32_t)list->items[i];
    return true;
  }
  return false;
}

fsm_code fsm__recent_find(fsm__journal *journal, uint64_t ordinal, fsm__find_what what, const char *text,
                          uint64_t from, bool descending, uint64_t *seq, fsm__recent_answer *out,
                          fsm_error *err) {
  fsm__recent *recent = &journal->recent;
  fsm_code code = FSM_OK;
  *out = FSM__RECENT_SEALED;
  pthread_mutex_lock(&recent->lock);
  if (settle_on(journal, ordinal)) {
    code = catch_up(journal, err);
    if (!code) {
      uint32_t hash = fsm__idx_hash(recent->salt, text, fsm__find_len(what, text));
      *out = look(recent, what, hash, from, descending, seq) ? FSM__RECENT_FOUND : FSM__RECENT_NONE;
    }
  }
  pthread_mutex_unlock(&recent->lock);
  return code;
}

fsm_code fsm__recent_users(fsm__journal *journal, uint64_t ordinal, uint64_t from, uint64_t **items,
                           size_t *count, uint64_t *first_seq, uint64_t *next, fsm_error *err) {
  fsm__recent *recent = &journal->recent;
  const fsm__recent_list *users = &recent->lists[FSM__FIND_USER];
  fsm_code code = FSM_OK;
  pthread_mutex_lock(&recent->lock);
  if (settle_on(journal, ordinal) && !(code = catch_up(journal, err))) {
    const size_t begin = lower_bound(users, from < recent->first_seq ? 0 : from - recent->first_seq);
    *count = users->count - begin;
    *first_seq = recent->first_seq;
    *next = recent->next_seq;
    *items = malloc((*count + 1) * sizeof **items);
    if (*items && *count > 0) memcpy(*items, users->items + begin, *count * sizeof **items);
    if (!*items) code = fsm_fail(err, FSM_ENOMEM, "journal", "no memory to list who acts");
  }
  pthread_mutex_unlock(&recent->lock);
  return code;
}
