/* query_route_test.c: what a route would give of records that there are, before it is set; and of those that
 * it would not, which part stands in the way. Its sinks are not looked at.
 *
 * What may not be read may not be guessed by asking either: a `where` sees masked records, and a fault of it
 * tells no more, unless the query says that they are whole for whoever asks. */
#include <string.h>

#include "runtime/query.h"
#include "runtime/record_filter.h"
#include "runtime/routing_impl.h"

/* So much work of a where is as much as a record looked at; a page ends when enough was. */
enum { LOOK_WORK = 256, LOOKS_MAX = 20000 };

typedef struct testing {
  const fsm__route *route;
  fsm__items items;
  uint64_t matched, last;
  size_t looks; /* records, and the work of their where */
} testing;

/* The record goes before the answer does. */
static void put_copy(fsm__document *d, const char *name, const char *text) {
  const char *copy = text != NULL ? fsm_arena_strdup(d->arena, text) : NULL;
  d->failed |= text != NULL && copy == NULL;
  fsm__document_text(d, name, copy);
}

static fsm_code item(const fsm__reading *at, testing *t, const fsm_record *record,
                     const fsm__matched *matched, fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  fsm_value view;
  fsm__document_put(&d, "seq", fsm_int((int64_t)record->seq));
  fsm__document_text(&d, "kind", fsm_record_kind_name(record->kind));
  put_copy(&d, "machine", record->mach);
  put_copy(&d, "instance", record->inst);
  put_copy(&d, "event", record->trigger);
  fsm__document_put(&d, "matches", fsm_bool(matched->matches));
  fsm__document_text(&d, "part", matched->part);
  if (matched->fault.code != FSM_OK) {
    const char *text = fsm_arena_printf(at->arena, "%s: %s", matched->fault.where, matched->fault.text);
    if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    fsm__document_text(&d, "fault", text);
  }
  fsm_code code = fsm__document_map(&d, &view, err);
  if (code == FSM_OK) fsm__items_add(&t->items, view);
  t->matched += matched->matches;
  return code;
}

static fsm_code look_at(const fsm__reading *at, testing *t, const fsm__journal_entry *entry, fsm_error *err) {
  fsm_record record;
  fsm__matched matched;
  fsm_origin origin = at->core->origin;
  fsm_arena scratch;
  origin.epoch = entry->epoch;
  fsm_arena_init(&scratch, 0);
  fsm__reading inner = *at;
  inner.arena = &scratch;
  fsm_code code = fsm__query_decode(&inner, entry, !at->query->whole, &record, err);
  fsm__viewed viewed = {
      .record = &record, .origin = &origin, .scratch = &scratch, .work_max = FSM__RECORD_WORK_MAX};
  if (code == FSM_OK) code = fsm__route_asks(t->route, &viewed, &matched, err);
  t->looks += 1 + viewed.work / LOOK_WORK;
  if (code == FSM_OK) code = item(at, t, &record, &matched, err);
  fsm_arena_free(&scratch);
  t->last = entry->seq;
  return code;
}

/* Behind `after`, or the last ones. */
static fsm_code begin_at(const fsm__reading *at, uint64_t *from, fsm_error *err) {
  const fsm_query *q = at->query;
  const uint64_t first = fsm__journal_first_seq(at->core->journal);
  *from = at->core->seq >= q->limit ? at->core->seq - q->limit + 1 : 1;
  if (*from < first) *from = first;
  if (q->after == NULL) return FSM_OK;
  if (!fsm__query_seq(q->after, from) || *from == UINT64_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a seq", q->after);
  ++*from;
  return FSM_OK;
}

static fsm_code look(const fsm__reading *at, testing *t, uint64_t from, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = false;
  fsm_code code = fsm__journal_cursor_open(at->core->journal, from, &cursor, err);
  if (code != FSM_OK) return code;
  while (t->items.count < at->query->limit && t->looks < LOOKS_MAX && t->last < at->core->seq &&
         code == FSM_OK) {
    code = fsm__journal_next(cursor, &entry, &found, err);
    if (code != FSM_OK || !found || entry.seq > at->core->seq) break;
    code = look_at(at, t, &entry, err);
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

fsm_code fsm__query_route_test(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  testing t = {.items = {.arena = at->arena}};
  uint64_t from = 0;
  fsm_code code = fsm__route_read(at->arena, &at->query->route, NULL, 0, &t.route, err);
  if (code == FSM_OK) code = begin_at(at, &from, err);
  if (code == FSM_OK) code = look(at, &t, from, err);
  if (code != FSM_OK) return code;
  if (t.items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(t.items.items, t.items.count));
  fsm__document_put(&d, "looked", fsm_int((int64_t)t.items.count));
  fsm__document_put(&d, "matched", fsm_int((int64_t)t.matched));
  if ((t.items.count == at->query->limit || t.looks >= LOOKS_MAX) && t.last < at->core->seq)
    fsm__document_text(&d, "next", fsm_arena_printf(at->arena, "%llu", (unsigned long long)t.last));
  else
    fsm__document_put(&d, "next", fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}
