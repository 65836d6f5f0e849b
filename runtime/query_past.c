/* query_past.c: an instance as it was: which moment is meant, and its document then. */
#include <string.h>

#include "runtime/filter.h"
#include "runtime/past.h"
#include "runtime/record_filter.h"
#include "schema/json.h"

/* ---- the moment --------------------------------------------------------------------------------- */

static fsm_code time_at(const fsm__reading *at, uint64_t seq, int64_t *ns, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record_brief brief;
  fsm_code code = fsm__journal_cursor_open(at->core->journal, seq, &cursor, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, seq, &entry, err);
  if (code == FSM_OK && fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
    code = fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)seq);
  if (code == FSM_OK) *ns = brief.time_ns;
  fsm__journal_cursor_close(cursor);
  return code;
}

static fsm_code archived(uint64_t first, fsm_error *err) {
  return fsm_fail(err, FSM_ENOTFOUND, "as_of",
                  "archived: records before seq %llu are not kept here, so it can be told from there on only",
                  (unsigned long long)first);
}

static fsm_code at_seq(const fsm__reading *at, const char *text, uint64_t *seq, int64_t *ns, fsm_error *err) {
  const uint64_t first = fsm__journal_first_seq(at->core->journal);
  if (!fsm__query_seq(text + 1, seq) || *seq == 0)
    return fsm_fail(err, FSM_EARGUMENT, "as_of", "\"%.64s\" is not a seq: @N, with N from 1 on", text);
  if (*seq > at->core->seq)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of", "there is no record %llu yet: the last one is seq %llu",
                    (unsigned long long)*seq, (unsigned long long)at->core->seq);
  return *seq < first ? archived(first, err) : time_at(at, *seq, ns, err);
}

/* The last record of that time or before. */
static fsm_code at_time(const fsm__reading *at, int64_t ns, uint64_t *seq, fsm_error *err) {
  fsm__journal *journal = at->core->journal;
  fsm__journal_cursor *cursor = NULL;
  uint64_t next = 0;
  fsm_code code = fsm__journal_cursor_open(journal, 1, &cursor, err);
  if (code == FSM_OK) code = fsm__record_since(journal, cursor, ns + 1, &next, err);
  fsm__journal_cursor_close(cursor);
  if (code != FSM_OK) return code;
  const uint64_t first = fsm__journal_first_seq(journal);
  if (next <= first && first > 1) return archived(first, err);
  *seq = next - 1 < at->core->seq ? next - 1 : at->core->seq;
  return FSM_OK;
}

fsm_code fsm__past_moment(const fsm__reading *at, const char *text, uint64_t *seq, int64_t *ns,
                          fsm_error *err) {
  if (text[0] == '@') return at_seq(at, text, seq, ns, err);
  fsm_code code = fsm_time_parse("as_of", text, at->now_ns, ns, err);
  if (code != FSM_OK) return code;
  if (*ns > at->now_ns || *ns == INT64_MAX)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of", "%.64s is still to come: nobody knows what will be then",
                    text);
  return at_time(at, *ns, seq, err);
}

/* ---- the document ------------------------------------------------------------------------------- */

/* The whole id that ref stands for; one that left the store is known by its id alone. */
static fsm_code id_of(const fsm__reading *at, const char **id, fsm_error *err) {
  fsm__instance in;
  fsm_error fault = {.code = FSM_OK};
  fsm_code code = fsm__query_resolve(at, at->query->ref, &in, &fault);
  *id = code == FSM_OK ? in.id : at->query->ref;
  if (code == FSM_OK ||
      (code == FSM_EINSTANCE && strstr(*id, "/key:") == NULL && strlen(*id) <= FSM_INSTANCE_ID_MAX))
    return FSM_OK;
  return fsm_fail(err, code, fault.where, "%s", fault.text);
}

static fsm_code put_moment(const fsm__reading *at, uint64_t seq, int64_t ns, fsm__document *d,
                           fsm_error *err) {
  fsm__document as_of = {.arena = at->arena};
  fsm_value view;
  fsm__document_put(&as_of, "seq", fsm_int((int64_t)seq));
  fsm__document_time(&as_of, "time", ns);
  fsm_code code = fsm__document_map(&as_of, &view, err);
  if (code != FSM_OK) return code;
  fsm__document_put(d, "as_of", view);
  fsm__document_time(d, "now", ns);
  return FSM_OK;
}

fsm_code fsm__query_past(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__past past = {.store = NULL};
  fsm__document d = {.arena = at->arena};
  fsm_value document;
  const char *id = NULL;
  uint64_t seq = 0;
  int64_t ns = 0;
  fsm_code code = fsm__past_moment(at, at->query->as_of, &seq, &ns, err);
  if (code == FSM_OK) code = id_of(at, &id, err);
  if (code != FSM_OK) return code;
  code = fsm__past_open(at, id, seq, &past, err);
  if (code == FSM_OK) code = fsm__query_instance_as(&past.at, &past.in, &d, err);
  if (code == FSM_OK) code = put_moment(at, past.seq, ns, &d, err);
  if (code == FSM_OK) code = fsm__document_map(&d, &document, err);
  if (code == FSM_OK) code = fsm_value_copy(at->arena, &document, out, err); /* its rows go */
  fsm__past_close(&past);
  return code;
}
