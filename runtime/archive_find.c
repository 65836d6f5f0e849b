/* archive_find.c: archived records that name something. A batch that does not have the text in its bytes is
 * not looked into. */
#include <string.h>

#include "runtime/archive_read_impl.h"

static bool names(const fsm__bytes *record, fsm__find_what what, const char *text, size_t len) {
  fsm_record_terms terms;
  if (fsm_record_terms_read(record->data, record->len, &terms) != FSM_OK) return false;
  const fsm_record_text of = what == FSM__FIND_INSTANCE ? terms.inst : terms.corr;
  return of.at != NULL && of.len == len && memcmp(of.at, text, len) == 0;
}

/* The next such one in the batch in hand; false: there is none at a->seq or behind it. */
static bool is_in_batch(const fsm__archive *a, fsm__find_what what, const char *text, uint64_t *seq) {
  const size_t len = strlen(text);
  if (memmem(a->batch, a->batch_head.length, text, len) == NULL) return false;
  fsm__frames frames = a->frames;
  fsm__bytes record;
  bool frame_end;
  for (*seq = a->frames_seq; fsm__frames_next(&frames, &record, &frame_end); ++*seq)
    if (*seq >= a->seq && names(&record, what, text, len)) return true;
  return false;
}

fsm_code fsm__archive_find(fsm__archive *a, fsm__find_what what, const char *text, uint64_t before,
                           fsm__journal_entry *out, bool *found, fsm_error *err) {
  FSM_ASSERT(a != NULL && text != NULL && *text != '\0' && out != NULL && found != NULL);
  FSM_ASSERT(what == FSM__FIND_INSTANCE || what == FSM__FIND_CORRELATION);
  for (*found = false; a->seq < before;) {
    uint64_t seq = 0;
    bool there = true;
    fsm_code code = fsm__archive_in_hand(a, a->seq) ? FSM_OK : fsm__archive_load(a, a->seq, &there, err);
    if (code != FSM_OK) return code;
    if (!there) return fsm__archive_missing(a, a->seq, err);
    if (!is_in_batch(a, what, text, &seq)) {
      a->seq = a->batch_head.first_seq + a->batch_head.records;
      continue;
    }
    if (seq >= before) break;
    a->seq = seq;
    return fsm__archive_next(a, out, found, err);
  }
  return FSM_OK;
}
