/* filter_touch.c: whom records of a user, a correlation or a trace have changed, from the journal's index.
 *
 * When they are few they are read once for a page, and are the candidates. Else each instance that has passed
 * all other tests is asked for by itself: is there such a record between the one that made it and its last?
 * Refusals change nothing and do not count. */
#include <stdlib.h>
#include <string.h>

#include "runtime/filter_sieve.h"

static bool changes(const fsm__journal_entry *entry, fsm_record_brief *brief) {
  return fsm_record_peek(entry->record.data, entry->record.len, brief) == FSM_OK &&
         brief->kind != FSM_RECORD_REJECTED && brief->inst != NULL && brief->inst_len <= FSM_INSTANCE_ID_MAX;
}

static int by_number(const void *a, const void *b) {
  const struct fsm__touch *x = a, *y = b;
  return x->number != y->number ? (x->number > y->number) - (x->number < y->number)
                                : (x->seq < y->seq) - (x->seq > y->seq);
}

/* Of each number the newest. */
static void settle(fsm__touched *touched) {
  size_t kept = 0;
  if (touched->count > 1) qsort(touched->at, touched->count, sizeof *touched->at, by_number);
  for (size_t i = 0; i < touched->count; i++)
    if (kept == 0 || touched->at[kept - 1].number != touched->at[i].number)
      touched->at[kept++] = touched->at[i];
  touched->count = kept;
}

/* The instance of that id now; what is gone from the store is nobody. */
static fsm_code add(fsm__sieve *sieve, fsm__touched *touched, const fsm_record_brief *brief, fsm_error *err) {
  char id[FSM_INSTANCE_ID_MAX + 1];
  uint64_t number = 0;
  memcpy(id, brief->inst, brief->inst_len);
  id[brief->inst_len] = 0;
  fsm_code code = fsm__instance_number(sieve->at->core->store, id, &number, err);
  if (code == FSM_OK) touched->at[touched->count++] = (struct fsm__touch){number, brief->seq};
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

fsm_code fsm__touched_read(fsm__sieve *sieve, fsm__touched *touched, fsm_error *err) {
  fsm__find wanted = {.before = sieve->at->core->seq + 1};
  fsm__finder *finder = NULL;
  fsm__journal_entry entry;
  fsm_record_brief brief;
  bool found = true;
  const uint64_t most = sieve->look_max < FSM__TOUCHED_MAX ? sieve->look_max : FSM__TOUCHED_MAX;
  unsigned read = 0;
  touched->at = fsm_arena_alloc(sieve->at->arena, FSM__TOUCHED_MAX * sizeof *touched->at);
  if (touched->at == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  wanted.texts[touched->what] = touched->text;
  fsm_code code = fsm__journal_find(sieve->at->core->journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  while ((code = fsm__finder_next(finder, &entry, &found, err)) == FSM_OK && found) {
    if (read++ == most) break;
    if (changes(&entry, &brief)) code = add(sieve, touched, &brief, err);
    if (code != FSM_OK) break;
  }
  fsm__finder_close(finder);
  touched->whole = !found;
  settle(touched);
  return code;
}

/* Is there such a record of this very instance? */
static fsm_code ask(fsm__sieve *sieve, const fsm__touched *touched, const fsm__glance *glance,
                    fsm_arena *scratch, bool *has, fsm_error *err) {
  fsm__find wanted = {.after = glance->created_seq - 1, .before = glance->last_seq + 1};
  fsm__finder *finder = NULL;
  fsm__journal_entry entry;
  fsm_record_brief brief;
  bool found = true;
  const char *id = fsm_arena_strndup(scratch, glance->id.at, glance->id.len);
  if (id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  sieve->looked += FSM__LOOK_JOURNAL;
  wanted.texts[FSM__FIND_INSTANCE] = id;
  wanted.texts[touched->what] = touched->text;
  fsm_code code = fsm__journal_find(sieve->at->core->journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  while (!*has && (code = fsm__finder_next(finder, &entry, &found, err)) == FSM_OK && found)
    *has = changes(&entry, &brief);
  fsm__finder_close(finder);
  return code;
}

static bool listed(const fsm__touched *touched, const fsm__glance *glance) {
  size_t low = 0, high = touched->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (touched->at[middle].number < glance->number)
      low = middle + 1;
    else
      high = middle;
  }
  return low < touched->count && touched->at[low].number == glance->number &&
         touched->at[low].seq >= glance->created_seq; /* not of one that had its id before */
}

fsm_code fsm__touched_has(fsm__sieve *sieve, const fsm__touched *touched, const fsm__glance *glance,
                          fsm_arena *scratch, bool *has, fsm_error *err) {
  const fsm__span corr = glance->corr;
  *has = touched->what == FSM__FIND_CORRELATION && corr.at != NULL && strlen(touched->text) == corr.len &&
         memcmp(touched->text, corr.at, corr.len) == 0;
  if (!*has && touched->whole) *has = listed(touched, glance);
  return *has || touched->whole ? FSM_OK : ask(sieve, touched, glance, scratch, has, err);
}
