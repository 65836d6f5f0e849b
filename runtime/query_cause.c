/* query_cause.c: what led to a record, back to what came from outside; or all that it led to.
 *
 * A record was caused by the first of its frame, else by the record that its `caus` names, else by the one
 * that its `parent` names; an id of another store is from outside. A cause is always earlier: one that is not
 * ends the walk, so nothing goes round in circles. What a record led to has no index: it is looked for among
 * the records of the correlations and instances that were reached, until there are no more of these.
 *
 *   {seq, items: [{by?: seq, how?: frame | caus | parent, record}], outside?: text, stopped?: text}
 *
 * items: by seq, up to the record (from the oldest cause on), or from it on. stopped: why there is not more.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/query.h"

enum { UP_MAX = 1000, DOWN_MAX = FSM_PAGE_MAX, KEYS_MAX = 256 };

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

/* ---- one record and its cause ------------------------------------------------------------------- */

typedef struct link {
  uint64_t seq, by; /* by 0: from outside */
  const char *how;
  bool reached;
} link;

/* The seq in an id of this store, 0 = it is none of ours. */
static uint64_t seq_of(const fsm__reading *at, const char *id) {
  char ours[80];
  uint64_t seq = 0;
  const char *dot = id != NULL ? strrchr(id, '.') : NULL;
  if (dot == NULL || !fsm__query_seq(dot + 1, &seq) || seq == 0 || seq > at->core->seq) return 0;
  fsm_origin origin = at->core->origin;
  origin.epoch = fsm__journal_epoch_of(at->core->journal, seq);
  fsm_record_id(&origin, seq, ours, sizeof ours);
  return strcmp(ours, id) == 0 ? seq : 0;
}

static link link_of(const fsm__reading *at, const fsm_record *record) {
  link out = {.seq = record->seq};
  if (record->i > 0 && record->i < record->seq) {
    out.by = record->seq - record->i;
    out.how = "frame";
  } else if ((out.by = seq_of(at, record->caus)) != 0) {
    out.how = "caus";
  } else if ((out.by = seq_of(at, record->parent)) != 0) {
    out.how = "parent";
  }
  return out;
}

static fsm_code item(const fsm__reading *at, fsm__journal_cursor *cursor, const link *l, fsm_value *out,
                     fsm_error *err) {
  fsm__journal_entry entry;
  fsm_value record;
  fsm__document d = {.arena = at->arena};
  fsm_code code = fsm__journal_read(cursor, l->seq, &entry, err);
  if (code == FSM_OK) code = fsm__query_record(at, &entry, &record, err);
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
  if (!fsm__query_seq(ref, seq)) *seq = seq_of(at, ref);
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

static fsm_code climb(const fsm__reading *at, fsm__journal_cursor *cursor, uint64_t seq, link *chain,
                      unsigned *count, ending *end, fsm_error *err) {
  const uint64_t first = fsm__journal_first_seq(at->core->journal);
  for (*count = 0; seq != 0; seq = chain[*count - 1].by) {
    fsm__journal_entry entry;
    fsm_record record;
    if (*count == UP_MAX) {
      end->stopped = "there are more causes than one answer has";
      return FSM_OK;
    }
    if (seq < first) {
      end->stopped = "archived: the cause before these is not kept here";
      return FSM_OK;
    }
    fsm_code code = fsm__journal_read(cursor, seq, &entry, err);
    if (code == FSM_OK) code = fsm__query_decode(at, &entry, true, &record, err);
    if (code != FSM_OK) return code;
    link l = link_of(at, &record);
    if (l.by >= l.seq) {
      end->stopped = "a record names a later one as its cause";
      l.by = 0;
    }
    if (l.by == 0 && record.caus != NULL) end->outside = record.caus;
    chain[(*count)++] = l;
  }
  return FSM_OK;
}

/* ---- down --------------------------------------------------------------------------------------- */

typedef struct fall {
  const fsm__reading *at;
  link *links; /* of what was looked at, by seq */
  unsigned count, cap, looked;
  struct {
    fsm__find_what what;
    const char *text;
  } keys[KEYS_MAX];
  unsigned keys_count, keys_done;
  uint64_t from;
  const char *stopped;
} fall;

static int by_seq(const void *a, const void *b) {
  const uint64_t x = ((const link *)a)->seq, y = ((const link *)b)->seq;
  return (x > y) - (x < y);
}

static link *find(const fall *f, uint64_t seq) {
  const link wanted = {.seq = seq};
  return bsearch(&wanted, f->links, f->count, sizeof wanted, by_seq);
}

static void add_key(fall *f, fsm__find_what what, const char *text) {
  if (text == NULL || *text == '\0') return;
  for (unsigned i = 0; i < f->keys_count; i++)
    if (f->keys[i].what == what && strcmp(f->keys[i].text, text) == 0) return;
  if (f->keys_count == KEYS_MAX) {
    f->stopped = "it led to more correlations and instances than are followed";
    return;
  }
  f->keys[f->keys_count].what = what;
  f->keys[f->keys_count++].text = text;
}

/* What a record that was reached may have led to has its correlation, is of its instance, or of one that it
 * sent something to. */
static void add_keys(fall *f, const fsm_record *record) {
  add_key(f, FSM__FIND_CORRELATION, record->corr);
  add_key(f, FSM__FIND_INSTANCE, record->inst);
  for (unsigned i = 0; fsm_is(&record->sends, FSM_LIST) && i < record->sends.len; i++) {
    const fsm_value *to = fsm_map_get(&record->sends.items[i], "to");
    if (to == NULL || !fsm_is(to, FSM_STRING) || to->len == 0 || to->s[0] == '#') continue;
    add_key(f, FSM__FIND_INSTANCE, fsm_arena_strndup(f->at->arena, to->s, to->len));
  }
}

static fsm_code add_link(fall *f, link l, fsm_error *err) {
  if (f->count == f->cap) {
    const unsigned cap = f->cap ? f->cap * 2 : 256;
    link *grown = realloc(f->links, cap * sizeof *grown);
    if (grown == NULL) return nomem(err);
    f->links = grown;
    f->cap = cap;
  }
  f->links[f->count++] = l;
  return FSM_OK;
}

/* All records of one key behind the one that is asked about. */
static fsm_code look(fall *f, unsigned key, fsm_error *err) {
  fsm__find wanted = {.after = f->from, .before = f->at->core->seq + 1};
  fsm__finder *finder = NULL;
  fsm_arena scratch;
  fsm__reading at = *f->at;
  fsm_arena_init(&scratch, 0);
  at.arena = &scratch;
  wanted.texts[f->keys[key].what] = f->keys[key].text;
  fsm_code code = fsm__journal_find(at.core->journal, &wanted, &finder, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    fsm_record record;
    if (f->looked == FSM_RECORDS_LOOK_MAX) {
      f->stopped = "more records have its correlation or instance than one answer looks at";
      break;
    }
    code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    f->looked++;
    code = fsm__query_decode(&at, &entry, false, &record, err);
    if (code == FSM_OK) code = add_link(f, link_of(&at, &record), err);
    fsm_arena_reset(&scratch);
  }
  fsm__finder_close(finder);
  fsm_arena_free(&scratch);
  return code;
}

static void sort(fall *f) {
  unsigned kept = 0;
  qsort(f->links, f->count, sizeof *f->links, by_seq);
  for (unsigned i = 0; i < f->count; i++) {
    const bool again = kept > 0 && f->links[kept - 1].seq == f->links[i].seq;
    if (again) f->links[kept - 1].reached = f->links[kept - 1].reached || f->links[i].reached;
    if (!again) f->links[kept++] = f->links[i];
  }
  f->count = kept;
}

/* Marks what is caused by what is marked; causes are earlier, so one pass will do. New ones bring their keys.
 */
static fsm_code spread(fall *f, fsm__journal_cursor *cursor, fsm_error *err) {
  for (unsigned i = 0; i < f->count; i++) {
    link *l = &f->links[i];
    fsm__journal_entry entry;
    fsm_record record;
    const link *by = l->by != 0 && !l->reached && l->by < l->seq ? find(f, l->by) : NULL;
    if (by == NULL || !by->reached) continue;
    l->reached = true;
    fsm_code code = fsm__journal_read(cursor, l->seq, &entry, err);
    if (code == FSM_OK) code = fsm__query_decode(f->at, &entry, false, &record, err);
    if (code != FSM_OK) return code;
    add_keys(f, &record);
  }
  return FSM_OK;
}

static fsm_code fall_from(fall *f, fsm__journal_cursor *cursor, uint64_t seq, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record record;
  fsm_code code = fsm__journal_read(cursor, seq, &entry, err);
  if (code == FSM_OK) code = fsm__query_decode(f->at, &entry, false, &record, err);
  if (code != FSM_OK) return code;
  link first = link_of(f->at, &record);
  first.reached = true;
  f->from = seq;
  code = add_link(f, first, err);
  add_keys(f, &record);
  while (code == FSM_OK && f->keys_done < f->keys_count) {
    while (code == FSM_OK && f->keys_done < f->keys_count) code = look(f, f->keys_done++, err);
    if (code != FSM_OK) break;
    sort(f);
    code = spread(f, cursor, err);
  }
  return code;
}

/* ---- the document ------------------------------------------------------------------------------- */

static fsm_code put_items(const fsm__reading *at, fsm__journal_cursor *cursor, const link *links,
                          unsigned count, bool down, fsm_value *out, const char **stopped, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  for (unsigned i = 0; i < count; i++) {
    const link *l = down ? &links[i] : &links[count - 1 - i];
    fsm_value view;
    if (down && !l->reached) continue;
    if (items.count == DOWN_MAX) {
      *stopped = "it led to more than one answer has";
      break;
    }
    fsm_code code = item(at, cursor, l, &view, err);
    if (code != FSM_OK) return code;
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
  fall f = {.at = at};
  link *chain = fsm_arena_alloc(at->arena, UP_MAX * sizeof *chain);
  fsm_value items;
  unsigned count = 0;
  uint64_t seq = 0;
  if (chain == NULL) return nomem(err);
  fsm_code code = asked(at, &seq, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(at->core->journal, seq, &cursor, err);
  if (code == FSM_OK)
    code = down ? fall_from(&f, cursor, seq, err) : climb(at, cursor, seq, chain, &count, &end, err);
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
