/* query_search.c: the instances of a page of FSM_QUERY_SEARCH (search.h), each once.
 *
 * One that a page before has given is known by its records between where that began and the highest of all:
 * one of them matches. */
#include <string.h>

#include "runtime/query_search.h"

/* What an item says of its record. */
typedef struct hit {
  const char *id, *key, *machine;
  uint32_t version;
  uint64_t seq;
  int64_t time_ns;
} hit;

static bool was_seen(const fsm__search_page *p, uint64_t hash) {
  for (unsigned i = 0; i < p->seen_count; i++)
    if (p->seen[i] == hash) return true;
  return false;
}

static void note_seen(fsm__search_page *p, uint64_t hash) {
  if (p->seen_count < p->seen_room) p->seen[p->seen_count++] = hash;
}

/* ---- an item ------------------------------------------------------------------------------------ */

/* The row of a list with what matched; of an instance that left the store (in NULL) what its record says. */
static fsm_code add_item(fsm__search_page *p, const fsm__instance *in, const hit *of,
                         const fsm__items *matches, fsm_error *err) {
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

static fsm_code add_one_named(fsm__search_page *p, uint64_t number, fsm_error *err) {
  const fsm__reading *at = p->at;
  fsm__items matches = {.arena = at->arena};
  fsm__instance in;
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &in, err);
  if (code != FSM_OK) return code;
  if (at->query->machine != NULL && strcmp(at->query->machine, in.deployed->id) != 0) return FSM_OK;
  note_seen(p, fsm__search_hash(in.id, strlen(in.id)));
  if (!p->first) return FSM_OK;
  const fsm_value id = fsm_string(in.id), key = in.key != NULL ? fsm_string(in.key) : fsm_null();
  const hit of = {.seq = in.last_seq, .time_ns = in.updated_ns};
  fsm__search_match_text(&p->search, "id", &id, &matches);
  fsm__search_match_text(&p->search, "key", &key, &matches);
  return add_item(p, &in, &of, &matches, err);
}

/* What the store has under that name comes first, on the first page only. */
static fsm_code add_named(fsm__search_page *p, fsm_error *err) {
  fsm__search_named named;
  fsm_code code = fsm__search_names(&p->search, &named, err);
  if (p->first) p->named = (uint8_t)(p->at->query->limit < named.count ? p->at->query->limit : named.count);
  if (named.count > p->named) named.count = p->named;
  for (unsigned i = 0; code == FSM_OK && i < named.count; i++) code = add_one_named(p, named.numbers[i], err);
  return code;
}

/* ---- a record ----------------------------------------------------------------------------------- */

/* Where a record matches, as it may be shown: matches->count 0 = nowhere. What it says is in *of then. */
static fsm_code matches_of(fsm__search_page *p, const fsm__journal_entry *entry, hit *of, fsm__items *matches,
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
static fsm_code was_given(fsm__search_page *p, const char *id, bool *given, fsm_error *err) {
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

static fsm_code take(fsm__search_page *p, uint64_t seq, fsm_error *err) {
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
  const uint64_t hash = fsm__search_hash(brief.inst, brief.inst_len);
  if (was_seen(p, hash)) return FSM_OK;
  code = matches_of(p, &entry, &of, &matches, err);
  if (code != FSM_OK || matches.count == 0) return code;
  code = was_given(p, of.id, &given, err);
  note_seen(p, hash);
  if (code != FSM_OK || given) return code;
  code = instance_of(p->at, of.id, &in, &there, err);
  return code == FSM_OK ? add_item(p, there ? &in : NULL, &of, &matches, err) : code;
}

/* ---- a page ------------------------------------------------------------------------------------- */

static bool is_full(const fsm__search_page *p) {
  return p->items.count >= p->at->query->limit || p->search.looked >= FSM_SEARCH_BYTES_MAX;
}

/* The hits of a segment, the newest first; p->below is then where it goes on. A full page ends at what it
 * shows, be there another hit behind it or not: that may be of what is masked. */
static fsm_code take_all(fsm__search_page *p, const fsm__search_hits *hits, fsm_error *err) {
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
static fsm_code take_segment(fsm__search_page *p, fsm__search_hits *hits, bool *there, fsm_error *err) {
  do {
    fsm_code code = fsm__search_segment(&p->search, p->below, hits, there, err);
    if (code == FSM_OK && *there) code = take_all(p, hits, err);
    if (code != FSM_OK || !*there) return code;
  } while (p->below > hits->first && p->below > p->search.low && p->items.count < p->at->query->limit);
  return FSM_OK;
}

static fsm_code fill(fsm__search_page *p, fsm_error *err) {
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

fsm_code fsm__query_search(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__search_page p = {.search = {.at = at}, .at = at, .items = {.arena = at->arena}};
  fsm_arena_init(&p.search.scratch, 0);
  fsm_code code = fsm__search_open(&p, err);
  if (code == FSM_OK) code = add_named(&p, err);
  if (code == FSM_OK) code = fill(&p, err);
  if (code == FSM_OK) code = fsm__search_document(&p, out, err);
  fsm__journal_cursor_close(p.search.cursor);
  fsm__journal_cursor_close(p.search.single);
  fsm_arena_free(&p.search.scratch);
  return code;
}
