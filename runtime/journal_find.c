/* journal_find.c: records by instance, correlation, user and trace, over all segments that are kept.
 *
 * Segment after segment: a sealed one is left out when the filter of any wanted text says so; else the
 * text with the fewest entries leads. Every candidate is read and compared with all that is wanted, so that
 * two texts with one hash never make a wrong answer.
 *
 * Invariant: what matches and lies before `at` (behind it, descending) was handed out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal_idx.h"

struct fsm__finder {
  fsm__journal *journal;
  fsm__journal_cursor *cursor;
  char *texts[FSM__FIND_COUNT]; /* NULL = any */
  bool descending, ended;
  uint64_t at; /* the next seq to consider */
  uint64_t after, before;

  /* the sealed segment that was entered */
  bool entered;
  fsm__sealed segment;
  fsm__idx idx;
  unsigned section; /* of the leading text */
  uint32_t hash;
  int64_t entry; /* the next to look at */
};

/* ---- life ---- */

size_t fsm__find_len(fsm__find_what what, const char *text) {
  return what == FSM__FIND_TRACE ? FSM__FIND_TRACE_BYTES : strlen(text);
}

static bool keep_texts(fsm__finder *f, const fsm__find *wanted) {
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    if (!wanted->texts[what]) continue;
    size_t len = fsm__find_len((fsm__find_what)what, wanted->texts[what]);
    f->texts[what] = calloc(1, len + 1);
    if (!f->texts[what]) return false;
    memcpy(f->texts[what], wanted->texts[what], len);
  }
  return true;
}

fsm_code fsm__journal_find(fsm__journal *journal, const fsm__find *wanted, fsm__finder **out,
                           fsm_error *err) {
  FSM_ASSERT(journal && wanted && out);
  fsm__finder *f = calloc(1, sizeof *f);
  if (!f) return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for a search");
  f->journal = journal;
  f->descending = wanted->descending;
  f->after = wanted->after;
  f->before = wanted->before ? wanted->before : UINT64_MAX;
  f->idx.fd = -1;
  fsm_code code = keep_texts(f, wanted) ? fsm__journal_cursor_open(journal, 1, &f->cursor, err)
                                        : fsm_fail(err, FSM_ENOMEM, "journal", "no memory for a search");
  if (code) {
    fsm__finder_close(f);
    return code;
  }
  f->at = f->descending ? f->before - 1 : f->after + 1;
  f->ended = !f->descending && f->after == UINT64_MAX;
  *out = f;
  return FSM_OK;
}

void fsm__finder_close(fsm__finder *f) {
  if (!f) return;
  fsm__idx_close(&f->idx);
  fsm__journal_cursor_close(f->cursor);
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) free(f->texts[what]);
  free(f);
}

/* ---- moving ---- */

/* Puts `at` inside what is wanted and kept; false = there is nothing (more). */
static bool in_bounds(fsm__finder *f) {
  uint64_t first = fsm__journal_first_seq(f->journal), last = fsm__journal_durable_seq(f->journal);
  if (f->after >= first) first = f->after + 1;
  if (f->before <= last) last = f->before - 1;
  if (f->ended) return false;
  if (!f->descending && f->at < first) f->at = first;
  if (f->descending && f->at > last) f->at = last;
  return f->at >= first && f->at <= last;
}

static void go_behind(fsm__finder *f, uint64_t seq) {
  f->at = f->descending ? seq - 1 : seq + 1;
  f->ended = f->descending && !f->at;
}

static void leave(fsm__finder *f) {
  go_behind(f, f->descending ? f->segment.first_seq : f->segment.last_seq);
  f->entered = false;
}

/* ---- a sealed segment ---- */

/* Of the entries with this hash; false: damage. */
static bool count_entries(fsm__finder *f, unsigned section, uint32_t hash, uint32_t *count) {
  uint32_t low, high;
  uint64_t key = (uint64_t)hash << 32;
  if (!fsm__idx_lower_bound(&f->idx, section, key, &low) ||
      !fsm__idx_lower_bound(&f->idx, section, key | UINT32_MAX, &high))
    return false;
  *count = high - low; /* a record numbered UINT32_MAX does not exist */
  return true;
}

static uint32_t hash_of(const fsm__finder *f, unsigned what) {
  return fsm__idx_hash(f->segment.salt, f->texts[what], fsm__find_len((fsm__find_what)what, f->texts[what]));
}

/* Chooses the leading text; *some false: nothing here. False: damage. */
static bool lead(fsm__finder *f, bool *some) {
  uint32_t least = UINT32_MAX;
  *some = false;
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    if (!f->texts[what]) continue;
    uint32_t hash = hash_of(f, what);
    bool may;
    if (!fsm__idx_may_have(&f->idx, (fsm__find_what)what, hash, &may)) return false;
    if (!may) return true;
  }
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    if (!f->texts[what]) continue;
    uint32_t hash = hash_of(f, what), count;
    if (!count_entries(f, FSM__IDX_ENTRIES + what, hash, &count)) return false;
    if (count >= least) continue;
    least = count;
    f->section = FSM__IDX_ENTRIES + what;
    f->hash = hash;
  }
  *some = least > 0;
  return true;
}

static bool place(fsm__finder *f, bool *some) {
  uint32_t entry;
  if (!lead(f, some)) return false;
  if (!*some) return true;
  uint64_t number = f->at - f->segment.first_seq;
  uint64_t key = (uint64_t)f->hash << 32 | number;
  if (!fsm__idx_lower_bound(&f->idx, f->section, key + f->descending, &entry)) return false;
  f->entry = (int64_t)entry - f->descending;
  return true;
}

/* Opens the index of the segment and goes to the first candidate; an index that was just made is whole. */
static fsm_code enter(fsm__finder *f, bool remake, fsm_error *err) {
  bool some = false;
  f->entered = false;
  fsm__idx_close(&f->idx);
  fsm_code code = fsm__idx_get(f->journal, &f->segment, remake, &f->idx, err);
  if (code) return code;
  bool whole = place(f, &some);
  FSM_ASSERT(whole || !remake);
  if (!whole) return enter(f, true, err);
  f->entered = some;
  if (!some) leave(f);
  return FSM_OK;
}

/* The candidate at hand; false: damage. */
static bool take_entry(fsm__finder *f, uint64_t *seq, bool *found) {
  uint64_t item;
  *found = false;
  if (f->entry < 0 || f->entry >= (int64_t)f->idx.head.sections[f->section].items) return true;
  if (!fsm__idx_item(&f->idx, f->section, (uint32_t)f->entry, &item)) return false;
  if (item >> 32 != f->hash) return true;
  if ((uint32_t)item >= f->idx.head.count) return false;
  *seq = f->segment.first_seq + (uint32_t)item;
  if (f->descending ? *seq > f->at : *seq < f->at) return false; /* they are not in order */
  f->entry += f->descending ? -1 : 1;
  *found = true;
  return true;
}

static fsm_code next_sealed(fsm__finder *f, uint64_t *seq, bool *found, fsm_error *err) {
  if (!take_entry(f, seq, found)) return enter(f, true, err);
  if (!*found) leave(f);
  return FSM_OK;
}

/* ---- candidates ---- */

static fsm__find_what first_text(const fsm__finder *f) {
  unsigned what = 0;
  while (what < FSM__FIND_COUNT && !f->texts[what]) what++;
  return (fsm__find_what)what;
}

/* In the segment that is being written. */
static fsm_code next_recent(fsm__finder *f, uint64_t ordinal, uint64_t first_seq, uint64_t *seq, bool *found,
                            fsm_error *err) {
  fsm__find_what what = first_text(f);
  fsm__recent_answer answer;
  fsm_code code =
      fsm__recent_find(f->journal, ordinal, what, f->texts[what], f->at, f->descending, seq, &answer, err);
  if (code || answer == FSM__RECENT_SEALED) return code;
  *found = answer == FSM__RECENT_FOUND;
  if (*found) return FSM_OK;
  if (f->descending)
    go_behind(f, first_seq);
  else
    f->ended = true;
  return FSM_OK;
}

/* One step towards the next candidate; *found false: ask again. */
static fsm_code candidate(fsm__finder *f, uint64_t *seq, bool *found, fsm_error *err) {
  *found = true;
  *seq = f->at;
  if (first_text(f) == FSM__FIND_COUNT) return FSM_OK; /* any record */
  *found = false;
  if (f->entered) return next_sealed(f, seq, found, err);
  if (fsm__sealed_of(f->journal, f->at, &f->segment)) return enter(f, false, err);
  pthread_mutex_lock(&f->journal->lock);
  const fsm__segment *segment = fsm__segment_of(f->journal, f->at);
  uint64_t ordinal = segment ? segment->ordinal : 0, first_seq = segment ? segment->first_seq : 0;
  pthread_mutex_unlock(&f->journal->lock);
  return ordinal ? next_recent(f, ordinal, first_seq, seq, found, err) : FSM_OK;
}

static bool is_wanted(const fsm__finder *f, fsm__find_what what, fsm_record_text text) {
  const char *wanted = f->texts[what];
  return !wanted ||
         (text.at && fsm__find_len(what, wanted) == text.len && !memcmp(wanted, text.at, text.len));
}

static bool matches(const fsm__finder *f, const fsm__journal_entry *entry) {
  fsm_record_terms terms;
  if (first_text(f) == FSM__FIND_COUNT) return true;
  return !fsm_record_terms_read(entry->record.data, entry->record.len, &terms) &&
         is_wanted(f, FSM__FIND_INSTANCE, terms.inst) && is_wanted(f, FSM__FIND_CORRELATION, terms.corr) &&
         is_wanted(f, FSM__FIND_USER, terms.user) && is_wanted(f, FSM__FIND_TRACE, terms.trace);
}

fsm_code fsm__finder_next(fsm__finder *f, fsm__journal_entry *out, bool *found, fsm_error *err) {
  FSM_ASSERT(f && out && found);
  *found = false;
  while (in_bounds(f)) {
    uint64_t seq;
    bool have;
    fsm_code code = candidate(f, &seq, &have, err);
    if (!code && !have) continue;
    if (!code && (seq <= f->after || seq >= f->before)) {
      f->ended = true;
      break;
    }
    if (!code) code = fsm__journal_read(f->cursor, seq, out, err);
    if (code == FSM_ENOTFOUND && seq < fsm__journal_first_seq(f->journal)) {
      f->entered = false; /* pruned meanwhile: on with what is kept */
      continue;
    }
    if (code) return code;
    go_behind(f, seq);
    *found = matches(f, out);
    if (*found) return FSM_OK;
  }
  return FSM_OK;
}
