/* query_search.c: pages of FSM_QUERY_SEARCH (search.h).
 *
 * A cursor has the seq below which the next page goes on, the seq where it began, and the highest of all. An
 * instance that a page before has given is known by its records between the two latter: one of them matches.
 */
#include <string.h>

#include "runtime/filter_impl.h"
#include "runtime/hash.h"
#include "runtime/query_page.h"
#include "runtime/record_filter.h"
#include "runtime/search.h"

enum {
  PASSED_MAX = 4096, /* instances of pages before that are remembered */
  CURSOR_PLACE = 17  /* bytes */
};

/* What an item says of its record. */
typedef struct hit {
  const char *id, *key, *machine;
  uint32_t version;
  uint64_t seq;
  int64_t time_ns;
} hit;

typedef struct page {
  fsm__search search;
  const fsm__reading *at;
  uint64_t mark, below;
  int64_t now_ns, since_ns; /* of the first page */
  fsm__items items;
  uint64_t *seen; /* hashes of ids */
  unsigned seen_count, seen_room;
  uint8_t named; /* so many of those that the store has under that name were on the first page */
  bool first, ended;
} page;

static uint64_t hash_of(const char *id, size_t len) {
  const fsm__hash hash = fsm__sha256(id, len);
  return fsm__key_read_u64(hash.bytes);
}

static bool was_seen(const page *p, uint64_t hash) {
  for (unsigned i = 0; i < p->seen_count; i++)
    if (p->seen[i] == hash) return true;
  return false;
}

static void note_seen(page *p, uint64_t hash) {
  if (p->seen_count < p->seen_room) p->seen[p->seen_count++] = hash;
}

/* ---- an item ------------------------------------------------------------------------------------ */

/* The row of a list with what matched; of an instance that left the store (in NULL) what its record says. */
static fsm_code add_item(page *p, const fsm__instance *in, const hit *of, const fsm__items *matches,
                         fsm_error *err) {
  fsm__document d = {.arena = p->at->arena};
  fsm_value row = fsm_null();
  fsm_code code = in != NULL ? fsm__query_row(p->at, in, &row, err) : FSM_OK;
  if (code != FSM_OK) return code;
  if (matches->failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (uint32_t i = 0; row.type == FSM_MAP && i < row.len; i++)
    fsm__document_put(&d, row.pairs[i].key.s, row.pairs[i].value);
  if (in == NULL) {
    fsm__document_text(&d, "id", of->id);
    fsm__document_text(&d, "key", of->key);
    fsm__document_text(&d, "machine", of->machine);
    fsm__document_put(&d, "version", fsm_int(of->version));
    fsm__document_put(&d, "gone", fsm_bool(true));
  }
  fsm__document_put(&d, "seq", fsm_int((int64_t)of->seq));
  fsm__document_time(&d, "time", of->time_ns);
  fsm__document_put(&d, "matches", fsm_list(matches->items, matches->count));
  code = fsm__document_map(&d, &row, err);
  if (code == FSM_OK) fsm__items_add(&p->items, row);
  return code;
}

static fsm_code instance_of(const fsm__reading *at, const char *id, fsm__instance *out, bool *there,
                            fsm_error *err) {
  uint64_t number = 0;
  fsm_code code = fsm__instance_number(at->core->store, id, &number, err);
  *there = code == FSM_OK;
  if (code == FSM_OK)
    code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, out, err);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code add_one_named(page *p, uint64_t number, fsm_error *err) {
  const fsm__reading *at = p->at;
  fsm__items matches = {.arena = at->arena};
  fsm__instance in;
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &in, err);
  if (code != FSM_OK) return code;
  if (at->query->machine != NULL && strcmp(at->query->machine, in.deployed->id) != 0) return FSM_OK;
  note_seen(p, hash_of(in.id, strlen(in.id)));
  if (!p->first) return FSM_OK;
  const fsm_value id = fsm_string(in.id), key = in.key != NULL ? fsm_string(in.key) : fsm_null();
  const hit of = {.seq = in.last_seq, .time_ns = in.updated_ns};
  fsm__search_match_text(&p->search, "id", &id, &matches);
  fsm__search_match_text(&p->search, "key", &key, &matches);
  return add_item(p, &in, &of, &matches, err);
}

/* What the store has under that name comes first, on the first page only. */
static fsm_code add_named(page *p, fsm_error *err) {
  fsm__search_named named;
  fsm_code code = fsm__search_names(&p->search, &named, err);
  if (p->first) p->named = (uint8_t)(p->at->query->limit < named.count ? p->at->query->limit : named.count);
  if (named.count > p->named) named.count = p->named;
  for (unsigned i = 0; code == FSM_OK && i < named.count; i++) code = add_one_named(p, named.numbers[i], err);
  return code;
}

/* ---- a record ----------------------------------------------------------------------------------- */

/* Where a record matches, as it may be shown: matches->count 0 = nowhere. What it says is in *of then. */
static fsm_code matches_of(page *p, const fsm__journal_entry *entry, hit *of, fsm__items *matches,
                           fsm_error *err) {
  fsm_arena *arena = p->at->arena;
  fsm__reading brief = *p->at;
  fsm_record record;
  brief.arena = &p->search.scratch;
  fsm_arena_reset(&p->search.scratch);
  *matches = (fsm__items){.arena = arena};
  fsm_code code = fsm__query_decode(&brief, entry, true, &record, err);
  if (code == FSM_OK) fsm__search_matches(&p->search, &record, matches);
  if (code != FSM_OK || matches->count == 0) return code;
  *of = (hit){.id = fsm_arena_strdup(arena, record.inst),
              .key = record.key != NULL ? fsm_arena_strdup(arena, record.key) : NULL,
              .machine = record.mach != NULL ? fsm_arena_strdup(arena, record.mach) : NULL,
              .version = record.defv,
              .seq = record.seq,
              .time_ns = record.time_ns};
  return of->id != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
}

/* Was it on a page before? Then one of its records that were looked at then matches. */
static fsm_code was_given(page *p, const char *id, bool *given, fsm_error *err) {
  const fsm__find wanted = {
      .texts = {[FSM__FIND_INSTANCE] = id}, .after = p->search.given - 1, .before = p->search.top + 1};
  fsm__finder *finder = NULL;
  bool found = true;
  *given = false;
  if (p->first) return FSM_OK;
  fsm_code code = fsm__journal_find(p->at->core->journal, &wanted, &finder, err);
  while (code == FSM_OK && !*given) {
    fsm__journal_entry entry;
    fsm__items matches = {.count = 0};
    hit ignored;
    bool may = false;
    code = fsm__query_wanted(p->at->query, err);
    if (code == FSM_OK) code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    p->search.looked += entry.record.len;
    code = fsm__search_may(&p->search, &entry.record, &may);
    if (code == FSM_OK && may) code = matches_of(p, &entry, &ignored, &matches, err);
    *given = matches.count > 0;
  }
  fsm__finder_close(finder);
  return code;
}

static fsm_code take(page *p, uint64_t seq, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record_brief brief;
  fsm__instance in;
  fsm__items matches;
  hit of;
  bool given = false, there = false;
  fsm_code code = fsm__journal_read(p->search.single, seq, &entry, err);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* it was let go meanwhile */
  if (code == FSM_OK) code = fsm_record_peek(entry.record.data, entry.record.len, &brief);
  if (code != FSM_OK) return code;
  const uint64_t hash = hash_of(brief.inst, brief.inst_len);
  if (was_seen(p, hash)) return FSM_OK;
  code = matches_of(p, &entry, &of, &matches, err);
  if (code != FSM_OK || matches.count == 0) return code;
  code = was_given(p, of.id, &given, err);
  note_seen(p, hash);
  if (code != FSM_OK || given) return code;
  code = instance_of(p->at, of.id, &in, &there, err);
  return code == FSM_OK ? add_item(p, there ? &in : NULL, &of, &matches, err) : code;
}

/* ---- pages -------------------------------------------------------------------------------------- */

static bool is_full(const page *p) {
  return p->items.count >= p->at->query->limit || p->search.looked >= FSM_SEARCH_BYTES_MAX;
}

/* The hits of a segment, the newest first; p->below is then where it goes on. A full page ends at what it
 * shows, be there another hit behind it or not: that may be of what is masked. */
static fsm_code take_all(page *p, const fsm__search_hits *hits, fsm_error *err) {
  for (size_t i = hits->count; i-- > 0;) {
    fsm_code code = take(p, hits->seqs[i], err);
    if (code != FSM_OK) return code;
    p->below = hits->seqs[i];
    if (p->items.count >= p->at->query->limit) return FSM_OK;
  }
  if (!hits->cut) p->below = hits->first;
  return FSM_OK;
}

/* All of a segment below p->below, in as many looks as its hits need. */
static fsm_code take_segment(page *p, fsm__search_hits *hits, bool *there, fsm_error *err) {
  do {
    fsm_code code = fsm__search_segment(&p->search, p->below, hits, there, err);
    if (code == FSM_OK && *there) code = take_all(p, hits, err);
    if (code != FSM_OK || !*there) return code;
  } while (p->below > hits->first && p->below > p->search.low && p->items.count < p->at->query->limit);
  return FSM_OK;
}

static fsm_code fill(page *p, fsm_error *err) {
  fsm__search_hits *hits = fsm_arena_zalloc(p->at->arena, 1, sizeof *hits);
  if (hits == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (bool there = true; p->below > p->search.low && there;) {
    if (is_full(p)) return FSM_OK;
    fsm_code code = take_segment(p, hits, &there, err);
    if (code != FSM_OK) return code;
  }
  p->ended = true;
  return FSM_OK;
}

static fsm_code mark_of(const fsm__reading *at, uint64_t *out, fsm_error *err) {
  const fsm_query *q = at->query;
  const char *text = fsm_arena_printf(at->arena, "%s|%s|%s|%s", q->text, q->since ? q->since : "",
                                      q->until ? q->until : "", q->machine ? q->machine : "");
  if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *out = hash_of(text, strlen(text));
  return FSM_OK;
}

static fsm_code read_cursor(page *p, fsm_error *err) {
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
static fsm_code bound(page *p, const char *name, const char *text, int64_t *ns, uint64_t *seq,
                      fsm_error *err) {
  fsm__instant instant = {.kind = FSM__AGO, .ns = FSM_SEARCH_SINCE_NS};
  fsm_code code = text != NULL ? fsm__instant_read(name, text, &instant, err) : FSM_OK;
  if (code != FSM_OK) return code;
  *ns = fsm__instant_ns(&instant, p->now_ns, 0);
  return fsm__record_since(p->at->core->journal, p->search.single, *ns, seq, err);
}

static fsm_code bounds(page *p, fsm_error *err) {
  const fsm_query *q = p->at->query;
  uint64_t below = p->below;
  int64_t until_ns;
  fsm_code code = bound(p, "since", q->since, &p->since_ns, &p->search.low, err);
  if (code == FSM_OK && q->until != NULL) code = bound(p, "until", q->until, &until_ns, &below, err);
  if (below < p->below) p->below = below;
  return code;
}

/* How far back it was looked. */
static fsm_code reached(page *p, int64_t *out, fsm_error *err) {
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

static fsm_code document_of(page *p, fsm_value *out, fsm_error *err) {
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

static fsm_code open_page(page *p, fsm_error *err) {
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

fsm_code fsm__query_search(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  page p = {.search = {.at = at}, .at = at, .items = {.arena = at->arena}};
  fsm_arena_init(&p.search.scratch, 0);
  fsm_code code = open_page(&p, err);
  if (code == FSM_OK) code = add_named(&p, err);
  if (code == FSM_OK) code = fill(&p, err);
  if (code == FSM_OK) code = document_of(&p, out, err);
  fsm__journal_cursor_close(p.search.cursor);
  fsm__journal_cursor_close(p.search.single);
  fsm_arena_free(&p.search.scratch);
  return code;
}
