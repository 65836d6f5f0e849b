/* query_past.c: an instance as it was: which moment is meant, and its document then. */
#include <string.h>

#include "runtime/filter.h"
#include "runtime/past.h"
#include "runtime/record_filter.h"
#include "schema/json.h"

/* ---- the moment --------------------------------------------------------------------------------- */

static fsm_code at_seq(fsm__kept *kept, const char *text, uint64_t *seq, int64_t *ns, fsm_error *err) {
  const uint64_t last = kept->at->core->seq;
  fsm__journal_entry entry;
  fsm_record_brief brief;
  if (!fsm__query_seq(text + 1, seq) || *seq == 0)
    return fsm_fail(err, FSM_EARGUMENT, "as_of", "\"%.64s\" is not a seq: @N, with N from 1 on", text);
  if (*seq > last)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of", "there is no record %llu yet: the last one is seq %llu",
                    (unsigned long long)*seq, (unsigned long long)last);
  fsm_code code = *seq < kept->first ? fsm__kept_reach(kept, err) : FSM_OK;
  if (code != FSM_OK) return code;
  if (*seq < kept->first) return fsm__kept_missing(kept, "as_of", err);
  code = fsm__kept_read(kept, *seq, &entry, err);
  if (code == FSM_OK && fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
    code = fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)*seq);
  if (code == FSM_OK) *ns = brief.time_ns;
  return code;
}

/* The last record of that time or before. */
static fsm_code at_time(fsm__kept *kept, int64_t ns, uint64_t *seq, fsm_error *err) {
  uint64_t next = 0;
  fsm_code code = fsm__kept_since(kept, ns + 1, &next, err);
  if (code == FSM_OK && next <= kept->first && fsm__kept_reaches(kept)) {
    code = fsm__kept_reach(kept, err);
    if (code == FSM_OK) code = fsm__kept_since(kept, ns + 1, &next, err);
  }
  if (code != FSM_OK) return code;
  if (next <= kept->first && kept->first > 1) return fsm__kept_missing(kept, "as_of", err);
  *seq = next - 1 < kept->at->core->seq ? next - 1 : kept->at->core->seq;
  return FSM_OK;
}

static fsm_code moment(fsm__kept *kept, const char *text, uint64_t *seq, int64_t *ns, fsm_error *err) {
  const int64_t now_ns = kept->at->now_ns;
  if (text[0] == '@') return at_seq(kept, text, seq, ns, err);
  fsm_code code = fsm_time_parse("as_of", text, now_ns, ns, err);
  if (code != FSM_OK) return code;
  if (*ns > now_ns || *ns == INT64_MAX)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of", "%.64s is still to come: nobody knows what will be then",
                    text);
  return at_time(kept, *ns, seq, err);
}

fsm_code fsm__past_moment(const fsm__reading *at, const char *text, uint64_t *seq, int64_t *ns,
                          fsm_error *err) {
  fsm__kept kept;
  fsm_code code = fsm__kept_open(at, &kept, err);
  if (code == FSM_OK) code = moment(&kept, text, seq, ns, err);
  fsm__kept_close(&kept);
  return code;
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
