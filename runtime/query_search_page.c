/* query_search_page.c: where a page of a search begins, by its cursor and its bounds of time, and what it
 * says of how far it came.
 *
 * A cursor has the seq below which the next page goes on, the highest of all, and how many of those that are
 * named the first page had. */
#include <string.h>

#include "runtime/filter_impl.h"
#include "runtime/hash.h"
#include "runtime/query_page.h"
#include "runtime/query_search.h"
#include "runtime/record_filter.h"

enum {
  PASSED_MAX = 4096, /* instances of pages before that are remembered */
  CURSOR_PLACE = 17  /* bytes */
};

uint64_t fsm__search_hash(const char *id, size_t len) {
  const fsm__hash hash = fsm__sha256(id, len);
  return fsm__key_read_u64(hash.bytes);
}

static fsm_code mark_of(const fsm__reading *at, uint64_t *out, fsm_error *err) {
  const fsm_query *q = at->query;
  const char *text = fsm_arena_printf(at->arena, "%s|%s|%s|%s", q->text, q->since ? q->since : "",
                                      q->until ? q->until : "", q->machine ? q->machine : "");
  if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *out = fsm__search_hash(text, strlen(text));
  return FSM_OK;
}

static fsm_code read_cursor(fsm__search_page *p, fsm_error *err) {
  const char *after = p->at->query->after;
  uint64_t mark = 0;
  fsm__key place;
  p->first = after == NULL;
  p->now_ns = p->at->now_ns;
  p->search.top = p->at->core->seq;
  p->below = p->search.top + 1;
  if (p->first) return FSM_OK;
  if (!fsm__cursor_read(after, &mark, &p->now_ns, &place) || place.len != CURSOR_PLACE)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", after);
  if (mark != p->mark)
    return fsm_fail(err, FSM_EARGUMENT, "after",
                    "it is the next page of another search: begin without it, or ask as before");
  p->below = fsm__key_read_u64(place.bytes);
  p->search.given = p->below;
  p->named = place.bytes[CURSOR_PLACE - 1];
  if (fsm__key_read_u64(place.bytes + 8) < p->search.top) p->search.top = fsm__key_read_u64(place.bytes + 8);
  if (p->below > p->search.top + 1) p->below = p->search.top + 1;
  return FSM_OK;
}

/* A bound of time as a seq: of the first record at that time or later. */
static fsm_code bound(fsm__search_page *p, const char *name, const char *text, int64_t *ns, uint64_t *seq,
                      fsm_error *err) {
  fsm__instant instant = {.kind = FSM__AGO, .ns = FSM_SEARCH_SINCE_NS};
  fsm_code code = text != NULL ? fsm__instant_read(name, text, &instant, err) : FSM_OK;
  if (code != FSM_OK) return code;
  *ns = fsm__instant_ns(&instant, p->now_ns, 0);
  return fsm__record_since(p->at->core->journal, p->search.single, *ns, seq, err);
}

static fsm_code bounds(fsm__search_page *p, fsm_error *err) {
  const fsm_query *q = p->at->query;
  uint64_t below = p->below;
  int64_t until_ns;
  fsm_code code = bound(p, "since", q->since, &p->since_ns, &p->search.low, err);
  if (code == FSM_OK && q->until != NULL) code = bound(p, "until", q->until, &until_ns, &below, err);
  if (below < p->below) p->below = below;
  return code;
}

/* How far back it was looked. */
static fsm_code reached(fsm__search_page *p, int64_t *out, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record_brief brief;
  *out = p->ended ? p->since_ns : p->now_ns;
  if (p->ended) return FSM_OK;
  fsm_code code = fsm__journal_read(p->search.single, p->below, &entry, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code == FSM_OK) code = fsm_record_peek(entry.record.data, entry.record.len, &brief);
  if (code == FSM_OK) *out = brief.time_ns;
  return code;
}

fsm_code fsm__search_document(fsm__search_page *p, fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = p->at->arena};
  fsm__key place = {.len = 0};
  int64_t reached_ns = 0;
  fsm_code code = reached(p, &reached_ns, err);
  if (code != FSM_OK) return code;
  if (p->items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document_put(&d, "items", fsm_list(p->items.items, p->items.count));
  fsm__key_u64(&place, p->below);
  fsm__key_u64(&place, p->search.top);
  fsm__key_add(&place, &p->named, 1);
  const char *next = p->ended ? NULL : fsm__cursor_text(p->at->arena, p->mark, p->now_ns, &place);
  if (next == NULL && !p->ended) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document_put(&d, "next", next != NULL ? fsm_string(next) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)p->search.top));
  fsm__document_time(&d, "since", p->since_ns);
  fsm__document_time(&d, "reached", reached_ns);
  fsm__document_put(&d, "looked_bytes", fsm_int((int64_t)p->search.looked));
  fsm__document_time(&d, "now", p->at->now_ns);
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__search_open(fsm__search_page *p, fsm_error *err) {
  const fsm__reading *at = p->at;
  fsm__journal *journal = at->core->journal;
  p->seen_room = at->query->limit + FSM_SEARCH_NAMED_MAX + PASSED_MAX;
  p->seen = fsm_arena_zalloc(at->arena, p->seen_room, sizeof *p->seen);
  if (p->seen == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__needle_read(at->query->text, &p->search.needle, err);
  if (code == FSM_OK && at->query->machine != NULL &&
      fsm__catalog_find(at->core->catalog, at->query->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", at->query->machine);
  if (code == FSM_OK) code = mark_of(at, &p->mark, err);
  if (code == FSM_OK) code = read_cursor(p, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(journal, 1, &p->search.cursor, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(journal, 1, &p->search.single, err);
  return code == FSM_OK ? bounds(p, err) : code;
}
