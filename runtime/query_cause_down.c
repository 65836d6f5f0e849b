/* query_cause_down.c: all that a record led to. See query_cause.h.
 *
 * There is no index for that: it is looked for among the records of the correlations and instances that were
 * reached, until there are no more of these.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/query_cause.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

static int by_seq(const void *a, const void *b) {
  const uint64_t x = ((const fsm__link *)a)->seq, y = ((const fsm__link *)b)->seq;
  return (x > y) - (x < y);
}

static fsm__link *find(const fsm__fall *f, uint64_t seq) {
  const fsm__link wanted = {.seq = seq};
  return bsearch(&wanted, f->links, f->count, sizeof wanted, by_seq);
}

static void add_key(fsm__fall *f, fsm__find_what what, const char *text) {
  if (text == NULL || *text == '\0') return;
  for (unsigned i = 0; i < f->keys_count; i++)
    if (f->keys[i].what == what && strcmp(f->keys[i].text, text) == 0) return;
  if (f->keys_count == FSM_CAUSE_KEYS_MAX) {
    f->stopped = "it led to more correlations and instances than are followed";
    return;
  }
  text = fsm_arena_strdup(f->at->arena, text);
  f->failed = f->failed || text == NULL;
  if (text == NULL) return;
  f->keys[f->keys_count].what = what;
  f->keys[f->keys_count++].text = text;
}

/* What a record that was reached may have led to has its correlation, is of its instance, or of one that it
 * sent something to. */
static void add_keys(fsm__fall *f, const fsm_record *record, fsm_arena *scratch) {
  add_key(f, FSM__FIND_CORRELATION, record->corr);
  add_key(f, FSM__FIND_INSTANCE, record->inst);
  for (unsigned i = 0; fsm_is(&record->sends, FSM_LIST) && i < record->sends.len; i++) {
    const fsm_value *to = fsm_map_get(&record->sends.items[i], "to");
    if (to == NULL || !fsm_is(to, FSM_STRING) || to->len == 0 || to->s[0] == '#') continue;
    const char *id = fsm_arena_strndup(scratch, to->s, to->len);
    f->failed = f->failed || id == NULL;
    add_key(f, FSM__FIND_INSTANCE, id);
  }
}

static fsm_code add_link(fsm__fall *f, fsm__link l, fsm_error *err) {
  if (f->count == f->cap) {
    const unsigned cap = f->cap ? f->cap * 2 : 256;
    fsm__link *grown = realloc(f->links, cap * sizeof *grown);
    if (grown == NULL) return nomem(err);
    f->links = grown;
    f->cap = cap;
  }
  f->links[f->count++] = l;
  return FSM_OK;
}

/* All records of one key behind the one that is asked about. */
static fsm_code look(fsm__fall *f, unsigned key, fsm_error *err) {
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
    code = fsm__query_wanted(at.query, err);
    if (code == FSM_OK) code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    f->looked++;
    code = fsm__query_decode(&at, &entry, false, &record, err);
    if (code == FSM_OK) code = add_link(f, fsm__cause_link(&at, &record), err);
    fsm_arena_reset(&scratch);
  }
  fsm__finder_close(finder);
  fsm_arena_free(&scratch);
  return code;
}

static void sort(fsm__fall *f) {
  unsigned kept = 0;
  qsort(f->links, f->count, sizeof *f->links, by_seq);
  for (unsigned i = 0; i < f->count; i++) {
    const bool again = kept > 0 && f->links[kept - 1].seq == f->links[i].seq;
    if (again) f->links[kept - 1].reached = f->links[kept - 1].reached || f->links[i].reached;
    if (!again) f->links[kept++] = f->links[i];
  }
  f->count = kept;
}

/* A record that was reached brings its keys. */
static fsm_code reach(fsm__fall *f, fsm__journal_cursor *cursor, fsm__link *l, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record record;
  fsm_arena scratch;
  fsm__reading at = *f->at;
  fsm_arena_init(&scratch, 0);
  at.arena = &scratch;
  fsm_code code = fsm__query_wanted(at.query, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, l->seq, &entry, err);
  if (code == FSM_OK) code = fsm__query_decode(&at, &entry, false, &record, err);
  if (code == FSM_OK) {
    *l = fsm__cause_link(&at, &record);
    l->reached = true;
    add_keys(f, &record, &scratch);
  }
  fsm_arena_free(&scratch);
  return code == FSM_OK && f->failed ? nomem(err) : code;
}

/* Reaches what is caused by what was reached; causes are earlier, so one pass will do. */
static fsm_code spread(fsm__fall *f, fsm__journal_cursor *cursor, fsm_error *err) {
  for (unsigned i = 0; i < f->count; i++) {
    fsm__link *l = &f->links[i];
    const fsm__link *by = l->by != 0 && !l->reached && l->by < l->seq ? find(f, l->by) : NULL;
    if (by == NULL || !by->reached) continue;
    fsm_code code = reach(f, cursor, l, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm_code fsm__cause_fall(fsm__fall *f, fsm__journal_cursor *cursor, uint64_t seq, fsm_error *err) {
  fsm__link first = {.seq = seq};
  fsm_code code = reach(f, cursor, &first, err);
  f->from = seq;
  if (code == FSM_OK) code = add_link(f, first, err);
  while (code == FSM_OK && f->keys_done < f->keys_count) {
    while (code == FSM_OK && f->keys_done < f->keys_count) code = look(f, f->keys_done++, err);
    if (code != FSM_OK) break;
    sort(f);
    code = spread(f, cursor, err);
  }
  return code;
}
