/* query_cause.c: what led to a record, back to what came from outside; or all that it led to
 * (query_cause_down.c).
 *
 * A cause that is not earlier ends the walk, so nothing goes round in circles.
 *
 *   {seq, items: [{by?: seq, how?: frame | caus | parent, record}], outside?: text, stopped?: text}
 *
 * items: by seq, up to the record (from the oldest cause on), or from it on. stopped: why there is not more.
 */
#include "runtime/query_cause.h"

#include <stdlib.h>
#include <string.h>

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

/* ---- one record and its cause ------------------------------------------------------------------- */

uint64_t fsm__cause_seq(const fsm__reading *at, const char *id) {
  char ours[80];
  uint64_t seq = 0;
  const char *dot = id != NULL ? strrchr(id, '.') : NULL;
  if (dot == NULL || !fsm__query_seq(dot + 1, &seq) || seq == 0 || seq > at->core->seq) return 0;
  fsm_origin origin = at->core->origin;
  origin.epoch = fsm__journal_epoch_of(at->core->journal, seq);
  fsm_record_id(&origin, seq, ours, sizeof ours);
  return strcmp(ours, id) == 0 ? seq : 0;
}

fsm__link fsm__cause_link(const fsm__reading *at, const fsm_record *record) {
  fsm__link out = {.seq = record->seq};
  if (record->i > 0 && record->i < record->seq) {
    out.by = record->seq - record->i;
    out.how = "frame";
  } else if ((out.by = fsm__cause_seq(at, record->caus)) != 0) {
    out.how = "caus";
  } else if ((out.by = fsm__cause_seq(at, record->parent)) != 0) {
    out.how = "parent";
  }
  return out;
}

static fsm_code item(const fsm__reading *at, fsm__journal_cursor *cursor, const fsm__link *l, fsm_value *out,
                     size_t *bytes, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_value record;
  fsm__document d = {.arena = at->arena};
  fsm_code code = fsm__query_wanted(at->query, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, l->seq, &entry, err);
  if (code == FSM_OK) code = fsm__query_record(at, &entry, &record, err);
  *bytes += code == FSM_OK ? entry.record.len : 0;
  if (code != FSM_OK) return code;
  if (l->by != 0) fsm__document_put(&d, "by", fsm_int((int64_t)l->by));
  fsm__document_text(&d, "how", l->how);
  fsm__document_put(&d, "record", record);
  return fsm__document_map(&d, out, err);
}

/* The record that is asked about: a seq, or the id that it was published under. */
static fsm_code asked(const fsm__reading *at, uint64_t *seq, fsm_error *err) {
  const char *ref = at->query->ref != NULL ? at->query->ref : "";
  const uint64_t first = fsm__journal_first_seq(at->core->journal);
  if (*ref == '@') ref++;
  if (!fsm__query_seq(ref, seq)) *seq = fsm__cause_seq(at, ref);
  if (*seq == 0)
    return fsm_fail(err, FSM_ENOTFOUND, "record",
                    "\"%.100s\" is no record of this store: a seq, or an id as records have it", ref);
  if (*seq > at->core->seq)
    return fsm_fail(err, FSM_ENOTFOUND, "record", "there is no record %llu yet: the last one is seq %llu",
                    (unsigned long long)*seq, (unsigned long long)at->core->seq);
  if (*seq < first)
    return fsm_fail(err, FSM_ENOTFOUND, "record", "archived: records before seq %llu are not kept here",
                    (unsigned long long)first);
  return FSM_OK;
}

/* ---- up ----------------------------------------------------------------------------------------- */

/* What stands behind the last link that was followed. */
typedef struct ending {
  const char *outside, *stopped;
} ending;

static fsm_code climb(const fsm__reading *at, fsm__journal_cursor *cursor, uint64_t seq, fsm__link *chain,
                      unsigned *count, ending *end, fsm_error *err) {
  const uint64_t first = fsm__journal_first_seq(at->core->journal);
  size_t bytes = 0;
  for (*count = 0; seq != 0; seq = chain[*count - 1].by) {
    fsm__journal_entry entry;
    fsm_record record;
    if (seq < first) {
      end->stopped = "archived: the cause before these is not kept here";
      return FSM_OK;
    }
    fsm_code code = fsm__query_wanted(at->query, err);
    if (code == FSM_OK) code = fsm__journal_read(cursor, seq, &entry, err);
    if (code != FSM_OK) return code;
    bytes += entry.record.len;
    if (*count == FSM_CAUSE_UP_MAX || (*count > 0 && bytes > FSM_RECORDS_BYTES_MAX)) {
      end->stopped = "there are more causes than one answer has";
      return FSM_OK;
    }
    code = fsm__query_decode(at, &entry, true, &record, err);
    if (code != FSM_OK) return code;
    fsm__link l = fsm__cause_link(at, &record);
    if (l.by >= l.seq) {
      end->stopped = "a record names a later one as its cause";
      l.by = 0;
    }
    if (l.by == 0 && record.caus != NULL) end->outside = record.caus;
    chain[(*count)++] = l;
  }
  return FSM_OK;
}

/* ---- the document ------------------------------------------------------------------------------- */

static fsm_code put_items(const fsm__reading *at, fsm__journal_cursor *cursor, const fsm__link *links,
                          unsigned count, bool down, fsm_value *out, const char **stopped, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  size_t bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    const fsm__link *l = down ? &links[i] : &links[count - 1 - i];
    fsm_value view;
    if (down && !l->reached) continue;
    if (items.count == FSM_CAUSE_DOWN_MAX) {
      *stopped = "it led to more than one answer has";
      break;
    }
    fsm_code code = item(at, cursor, l, &view, &bytes, err);
    if (code != FSM_OK) return code;
    if (down && items.count > 0 && bytes > FSM_RECORDS_BYTES_MAX) {
      *stopped = "it led to more than one answer has";
      break;
    }
    fsm__items_add(&items, view);
  }
  if (items.failed) return nomem(err);
  *out = fsm_list(items.items, items.count);
  return FSM_OK;
}

fsm_code fsm__query_cause(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const bool down = at->query->down;
  fsm__journal_cursor *cursor = NULL;
  ending end = {.outside = NULL};
  fsm__fall f = {.at = at};
  fsm__link *chain = fsm_arena_alloc(at->arena, FSM_CAUSE_UP_MAX * sizeof *chain);
  fsm_value items;
  unsigned count = 0;
  uint64_t seq = 0;
  if (chain == NULL) return nomem(err);
  fsm_code code = asked(at, &seq, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(at->core->journal, seq, &cursor, err);
  if (code == FSM_OK)
    code = down ? fsm__cause_fall(&f, cursor, seq, err) : climb(at, cursor, seq, chain, &count, &end, err);
  if (down) end.stopped = f.stopped;
  if (code == FSM_OK)
    code = put_items(at, cursor, down ? f.links : chain, down ? f.count : count, down, &items, &end.stopped,
                     err);
  fsm__journal_cursor_close(cursor);
  free(f.links);
  if (code != FSM_OK) return code;
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", items);
  fsm__document_text(&d, "outside", end.outside);
  fsm__document_text(&d, "stopped", end.stopped);
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}
