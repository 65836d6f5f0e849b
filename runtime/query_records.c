/* query_records.c: records as documents: those with a correlation, a user or an instance, whatever else they
 * are about; and one record of the journal as a document.
 *
 * A page ends at its limit and `next` is the seq of its last record. Without `after` it begins with the
 * oldest record that is kept; an `after` below what is kept is refused, so that nobody takes a page with a
 * hole for a whole one.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/query.h"
#include "schema/json.h"

/* Digits, and no more of them than a seq has. */
bool fsm__query_seq(const char *text, uint64_t *out) {
  if (*text == '\0') return false;
  *out = 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return false;
    if (__builtin_mul_overflow(*out, 10u, out) || __builtin_add_overflow(*out, (uint64_t)(*text - '0'), out))
      return false;
  }
  return true;
}

fsm_code fsm__query_record(const fsm__reading *at, const fsm__journal_entry *entry, fsm_value *out,
                           fsm_error *err) {
  fsm_record record;
  fsm_origin origin = at->core->origin;
  origin.epoch = entry->epoch;
  char *bytes = fsm_arena_strndup(at->arena, entry->record.data, entry->record.len);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm_record_decode(at->arena, bytes, entry->record.len, &record, err);
  bool any = false;
  if (code == FSM_OK && record.def != NULL)
    code = fsm_mask_record(at->arena, fsm__catalog_mask(at->core->catalog, record.def), &record, &record,
                           &any, err);
  return code == FSM_OK ? fsm_record_view(at->arena, &record, &origin, out, err) : code;
}

/* An id that is not there may be of an instance that left the store: *unknown then says so. */
static fsm_code instance_of(const fsm__reading *at, const char **id, fsm_error *unknown, fsm_error *err) {
  fsm__instance in;
  fsm_error fault = {.text = ""};
  const char *ref = at->query->ref;
  if (ref == NULL) return FSM_OK;
  fsm_code code = fsm__query_resolve(at, ref, &in, &fault);
  *id = code == FSM_OK ? in.id : ref;
  if (code == FSM_EINSTANCE && strstr(ref, "/key:") == NULL) {
    *unknown = fault;
    return FSM_OK;
  }
  return code == FSM_OK ? FSM_OK : fsm_fail(err, code, fault.where, "%s", fault.text);
}

static fsm_code page(const fsm__reading *at, fsm__finder *finder, fsm_value *out, unsigned *shown,
                     fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  fsm__journal_entry entry;
  uint64_t last = 0;
  bool found = true;
  fsm_code code;
  while ((code = fsm__finder_next(finder, &entry, &found, err)) == FSM_OK && found) {
    fsm_value view;
    if (items.count == at->query->limit) break;
    code = fsm__query_record(at, &entry, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, view);
    last = entry.seq;
  }
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *shown = items.count;
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  if (found)
    fsm__document_text(&d, "next", fsm_arena_printf(at->arena, "%llu", (unsigned long long)last));
  else
    fsm__document_put(&d, "next", fsm_null());
  return fsm__document_map(&d, out, err);
}

static fsm_code bounds(const fsm__reading *at, fsm__find *wanted, fsm_error *err) {
  const char *after = at->query->after;
  uint64_t first = fsm__journal_first_seq(at->core->journal);
  wanted->before = at->core->seq + 1;
  if (after == NULL) return FSM_OK;
  if (!fsm__query_seq(after, &wanted->after))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a seq", after);
  if (wanted->after + 1 >= first) return FSM_OK;
  return fsm_fail(err, FSM_ENOTFOUND, "after",
                  "archived: records before seq %llu are not kept here (see the archive)",
                  (unsigned long long)first);
}

/* The last record of that instance, if the journal has one; what it cannot say now is not worth a fault. */
static bool last_of(const fsm__reading *at, const char *id, fsm_record *out) {
  const fsm__find wanted = {
      .texts = {[FSM__FIND_INSTANCE] = id}, .before = at->core->seq + 1, .descending = true};
  fsm__finder *finder = NULL;
  fsm__journal_entry entry;
  bool found = false;
  if (fsm__journal_find(at->core->journal, &wanted, &finder, NULL) != FSM_OK) return false;
  if (fsm__finder_next(finder, &entry, &found, NULL) != FSM_OK) found = false;
  char *bytes = found ? fsm_arena_strndup(at->arena, entry.record.data, entry.record.len) : NULL;
  fsm__finder_close(finder);
  return bytes != NULL && fsm_record_decode(at->arena, bytes, entry.record.len, out, NULL) == FSM_OK;
}

fsm_code fsm__query_unknown(const fsm__reading *at, const char *id, fsm_error *err) {
  fsm_record last;
  char when[40];
  if (!last_of(at, id, &last) || last.kind != FSM_RECORD_PURGED)
    return fsm_fail(err, FSM_EINSTANCE, "instance", "no instance \"%s\" exists", id);
  fsm_time_format(last.time_ns, when, sizeof when);
  return fsm_fail(err, FSM_EINSTANCE, "instance",
                  "instance \"%s\" left the store at %s (seq %llu); its records can be asked for by its id",
                  id, when, (unsigned long long)last.seq);
}

fsm_code fsm__query_records(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__find wanted = {
      .texts = {[FSM__FIND_CORRELATION] = at->query->correlation, [FSM__FIND_USER] = at->query->user}};
  fsm_error unknown = {.code = FSM_OK};
  fsm__finder *finder = NULL;
  unsigned shown = 0;
  fsm_code code = bounds(at, &wanted, err);
  if (code == FSM_OK) code = instance_of(at, &wanted.texts[FSM__FIND_INSTANCE], &unknown, err);
  if (code == FSM_OK) code = fsm__journal_find(at->core->journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  code = page(at, finder, out, &shown, err);
  fsm__finder_close(finder);
  if (code == FSM_OK && shown == 0 && unknown.code != FSM_OK && at->query->after == NULL)
    return fsm_fail(err, unknown.code, unknown.where, "%s", unknown.text);
  return code;
}
