/* query_records.c: records as documents: those that a filter wants; and one record of the journal as a
 * document.
 *
 * A page ends at its limit, or when FSM_RECORDS_LOOK_MAX records were looked at, or FSM_RECORDS_BYTES_MAX of
 * them taken; `next` is the last that was looked at, null when that was the last of all. Without `after` it
 * begins with the oldest record that is kept; an `after` below what is kept is refused, so that nobody takes
 * a page with a hole for a whole one. With `before` it is the last ones before that, oldest first all the
 * same: the walk goes backwards, and `next` is the `before` of the page that ends where this one begins.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/query.h"
#include "runtime/record_filter.h"
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

fsm_code fsm__query_decode(const fsm__reading *at, const fsm__journal_entry *entry, bool masked,
                           fsm_record *out, fsm_error *err) {
  char *bytes = fsm_arena_strndup(at->arena, entry->record.data, entry->record.len);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm_record_decode(at->arena, bytes, entry->record.len, out, err);
  bool any = false;
  if (code == FSM_OK && masked && out->def != NULL)
    code = fsm_mask_record(at->arena, fsm__catalog_mask(at->core->catalog, out->def), out, out, &any, err);
  return code;
}

fsm_code fsm__query_record(const fsm__reading *at, const fsm__journal_entry *entry, fsm_value *out,
                           fsm_error *err) {
  fsm_record record;
  fsm_origin origin = at->core->origin;
  origin.epoch = entry->epoch;
  fsm_code code = fsm__query_decode(at, entry, true, &record, err);
  if (code == FSM_OK && at->query->brief) return fsm_record_view_brief(at->arena, &record, out, err);
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

/* ---- a page ------------------------------------------------------------------------------------- */

/* So much work of a where (fsm/expr.h) is as much as a record looked at. */
enum { LOOK_WORK = 256 };

/* Records in order: through the indexes when the filter names what they are of, else all of them. */
typedef struct walk {
  const fsm__reading *at;
  fsm__record_filter filter;
  fsm__label_source instances;
  fsm__find wanted;
  fsm__finder *finder;
  fsm__journal_cursor *cursor;
  fsm_arena scratch;
  uint64_t last; /* looked at */
  bool ended;    /* there is no more */
  bool back;     /* from the newest on */
  unsigned looked;
  size_t bytes; /* of what was taken */
} walk;

static fsm_code next_entry(walk *w, fsm__journal_entry *out, bool *found, fsm_error *err) {
  if (w->finder != NULL) return fsm__finder_next(w->finder, out, found, err);
  if (w->back) {
    *found = w->last > w->wanted.after + 1;
    return *found ? fsm__journal_read(w->cursor, w->last - 1, out, err) : FSM_OK;
  }
  fsm_code code = fsm__journal_next(w->cursor, out, found, err);
  if (*found && out->seq >= w->wanted.before) *found = false;
  return code;
}

/* *taken: the next one matches. Not taken: it does not, or w->ended. */
static fsm_code step(walk *w, fsm__journal_entry *entry, bool *taken, fsm_error *err) {
  const fsm__core *core = w->at->core;
  fsm__record_seen seen;
  int64_t time_ns = 0;
  bool found = false, may = false;
  *taken = false;
  fsm_code code = next_entry(w, entry, &found, err);
  w->ended = !found;
  if (code != FSM_OK || !found) return code;
  w->looked++;
  fsm_arena_reset(&w->scratch);
  code = fsm__record_filter_glance(&w->filter, entry, &time_ns, &may, err);
  if (code != FSM_OK) return code;
  w->ended = w->back ? time_ns < w->filter.since_ns : time_ns >= w->filter.until_ns; /* times grow */
  if (w->ended || !may) return FSM_OK;
  code = fsm__record_see(&seen, &core->origin, fsm__catalog_masks(core->catalog), entry, &w->scratch, err);
  if (code != FSM_OK) return code;
  code = fsm__record_filter_asks(&w->filter, &w->instances, &seen, taken, err);
  w->looked += (unsigned)(seen.viewed.work / LOOK_WORK) + seen.looked;
  return code;
}

/* Ends before it takes one more than it may. */
static fsm_code fill(walk *w, fsm__items *items, fsm_error *err) {
  fsm__journal_entry entry;
  while (!w->ended) {
    fsm_value view;
    bool taken = false;
    if (w->looked >= FSM_RECORDS_LOOK_MAX) return FSM_OK;
    fsm_code code = fsm__query_wanted(w->at->query, err);
    if (code == FSM_OK) code = step(w, &entry, &taken, err);
    if (code != FSM_OK || w->ended) return code;
    if (taken && items->count > 0 && w->bytes + entry.record.len > FSM_RECORDS_BYTES_MAX) return FSM_OK;
    if (taken && items->count == w->at->query->limit) return FSM_OK;
    w->last = entry.seq;
    if (!taken) continue;
    w->bytes += entry.record.len;
    code = fsm__query_record(w->at, &entry, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(items, view);
  }
  return FSM_OK;
}

static void turn(fsm__items *items) {
  for (unsigned i = 0, j = items->count; i + 1 < j--; i++) {
    const fsm_value first = items->items[i];
    items->items[i] = items->items[j];
    items->items[j] = first;
  }
}

static fsm_code page(walk *w, fsm_value *out, unsigned *shown, fsm_error *err) {
  const fsm__reading *at = w->at;
  fsm__items items = {.arena = at->arena};
  fsm_code code = fill(w, &items, err);
  if (code != FSM_OK) return code;
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *shown = items.count;
  if (w->back) turn(&items);
  const bool whole = w->back ? w->last <= w->wanted.after + 1 : w->last + 1 == w->wanted.before;
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  if (w->ended || whole)
    fsm__document_put(&d, "next", fsm_null());
  else
    fsm__document_text(&d, "next", fsm_arena_printf(at->arena, "%llu", (unsigned long long)w->last));
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}

bool fsm__query_before(const fsm__reading *at, uint64_t *before) {
  const char *text = at->query->before;
  const uint64_t end = at->core->seq + 1;
  *before = end;
  if (text == NULL || strcmp(text, "now") == 0) return true;
  if (!fsm__query_seq(text, before)) return false;
  if (*before > end) *before = end;
  return true;
}

static fsm_code bounds(const fsm__reading *at, fsm__find *wanted, fsm_error *err) {
  const char *after = at->query->after;
  uint64_t first = fsm__journal_first_seq(at->core->journal);
  wanted->after = first - 1;
  wanted->descending = at->query->before != NULL;
  if (wanted->descending && after != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "before", "a page is asked for with after or with before, not both");
  if (!fsm__query_before(at, &wanted->before))
    return fsm_fail(err, FSM_EARGUMENT, "before", "\"%.64s\" is not a seq", at->query->before);
  if (after == NULL) return FSM_OK;
  if (strcmp(after, "now") == 0) {
    wanted->after = at->core->seq;
    return FSM_OK;
  }
  if (!fsm__query_seq(after, &wanted->after))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a seq", after);
  if (wanted->after + 1 >= first) return FSM_OK;
  return fsm_fail(err, FSM_ENOTFOUND, "after",
                  "archived: records before seq %llu are not kept here (see the archive)",
                  (unsigned long long)first);
}

static fsm_code open_walk(walk *w, fsm_error *err) {
  fsm__journal *journal = w->at->core->journal;
  fsm__find *wanted = &w->wanted;
  fsm_code code = fsm__journal_cursor_open(journal, 1, &w->cursor, err);
  if (code == FSM_OK && w->filter.since_ns != INT64_MIN) {
    uint64_t from = 0;
    code = fsm__record_since(journal, w->cursor, w->filter.since_ns, &from, err);
    if (code == FSM_OK && from > wanted->after + 1) wanted->after = from - 1;
  }
  if (code == FSM_OK && w->back && w->filter.until_ns != INT64_MAX) {
    uint64_t to = 0;
    code = fsm__record_since(journal, w->cursor, w->filter.until_ns, &to, err);
    if (code == FSM_OK && to < wanted->before) wanted->before = to;
  }
  if (code != FSM_OK) return code;
  fsm__journal_cursor_seek(w->cursor, wanted->after + 1);
  w->last = w->back ? wanted->before : wanted->after;
  const char *const *texts = wanted->texts;
  if (wanted->before <= wanted->after + 1) {
    w->ended = true;
    return FSM_OK;
  }
  if (texts[FSM__FIND_INSTANCE] || texts[FSM__FIND_CORRELATION] || texts[FSM__FIND_USER] ||
      texts[FSM__FIND_TRACE])
    return fsm__journal_find(journal, wanted, &w->finder, err);
  return FSM_OK;
}

static void close_walk(walk *w) {
  fsm__finder_close(w->finder);
  fsm__journal_cursor_close(w->cursor);
  fsm_arena_free(&w->scratch);
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

/* The indexes are asked for what the filter names, or else the query; the filter sees to its own anyway. */
static void take_names(walk *w) {
  const fsm_query *q = w->at->query;
  const char **texts = w->wanted.texts;
  texts[FSM__FIND_CORRELATION] = q->correlation;
  texts[FSM__FIND_USER] = q->user;
  if (texts[FSM__FIND_INSTANCE] == NULL) texts[FSM__FIND_INSTANCE] = w->filter.instance;
  if (q->correlation == NULL) texts[FSM__FIND_CORRELATION] = w->filter.correlation;
  if (q->user == NULL) texts[FSM__FIND_USER] = w->filter.user;
  if (w->filter.has_trace) texts[FSM__FIND_TRACE] = (const char *)w->filter.trace;
}

fsm_code fsm__query_records(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const fsm_query *q = at->query;
  const fsm__core *core = at->core;
  walk w = {.at = at,
            .instances = {.store = core->store,
                          .view = true,
                          .seq = core->seq,
                          .catalog = core->catalog,
                          .journal = core->journal}};
  fsm_error unknown = {.code = FSM_OK};
  unsigned shown = 0;
  fsm_code code = bounds(at, &w.wanted, err);
  if (code == FSM_OK) code = fsm__record_filter_read(at->arena, &q->records, &w.filter, err);
  if (code == FSM_OK) code = instance_of(at, &w.wanted.texts[FSM__FIND_INSTANCE], &unknown, err);
  if (code != FSM_OK) return code;
  take_names(&w);
  w.back = w.wanted.descending;
  fsm_arena_init(&w.scratch, 0);
  code = open_walk(&w, err);
  if (code == FSM_OK) code = page(&w, out, &shown, err);
  close_walk(&w);
  if (code == FSM_OK && shown == 0 && unknown.code != FSM_OK && q->after == NULL)
    return fsm_fail(err, unknown.code, unknown.where, "%s", unknown.text);
  return code;
}
