/* record_labels.c: what is remembered, else the row, else the journal backwards to `created`. */
#include "runtime/record_labels.h"

#include <string.h>

#include "runtime/rows_glance.h"
#include "schema/pack_read.h"
#include "schema/record.h"

typedef struct asking {
  const fsm__label_source *source;
  const fsm__label *labels;
  size_t count;
  const char *id;
  uint64_t seq;
  fsm_arena *scratch;
  bool has;
  uint64_t from, to; /* of which records; 0: not known yet */
  unsigned looked;
} asking;

/* ---- labels ----------------------------------------------------------------------------------------- */

/* Of a masked one all that can be asked for is its mask. */
static bool matches(const asking *a, const fsm_value *labels, const fsm_mask *mask) {
  for (size_t i = 0; i < a->count; i++) {
    const fsm__label *wanted = &a->labels[i];
    const fsm_value *value = fsm_map_get(labels, wanted->name);
    if (value == NULL || !fsm_is(value, FSM_STRING)) return false;
    const fsm_value shown =
        fsm_mask_hides(mask, wanted->name, strlen(wanted->name)) ? fsm_string(FSM_MASKED) : *value;
    if (!fsm__patterns_match(&wanted->values, shown.s, shown.len)) return false;
  }
  return true;
}

/* ---- the row ---------------------------------------------------------------------------------------- */

static fsm_code look(asking *a, fsm__store *view, uint64_t seq, fsm_error *err) {
  uint64_t number = 0;
  const void *row = NULL;
  size_t len = 0;
  fsm__glance glance;
  fsm_value labels = fsm_null();
  if (seq < a->seq) return FSM_OK; /* meanwhile the id may have gone to another */
  fsm__catalog *catalog = fsm__catalog_view(a->source->catalog, view, seq, a->scratch);
  if (catalog == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  fsm_code code = fsm__instance_number(view, a->id, &number, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  const fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  if (code == FSM_OK) code = fsm__store_get(view, FSM_T_INSTANCES, key.bytes, key.len, &row, &len, err);
  if (code == FSM_ENOTFOUND) return FSM_OK; /* being purged */
  if (code == FSM_OK) code = fsm__glance_read(catalog, number, row, len, a->scratch, NULL, &glance, err);
  if (code != FSM_OK || glance.created_seq > a->seq) return code;
  code = fsm_unpack(a->scratch, glance.labels.at, glance.labels.len, &labels, err);
  if (code != FSM_OK) return code;
  a->has = matches(a, &labels, fsm__catalog_mask(catalog, glance.deployed->hash.bytes));
  a->from = glance.created_seq;
  a->to = seq;
  return FSM_OK;
}

static fsm_code from_row(asking *a, fsm_error *err) {
  fsm__store *view = NULL;
  uint64_t seq = 0;
  a->looked++;
  if (a->source->view) return look(a, a->source->store, a->source->seq, err);
  fsm_code code = fsm__store_view(a->source->store, &view, &seq, err);
  if (code != FSM_OK) return code;
  code = look(a, view, seq, err);
  fsm__store_view_close(view);
  return code;
}

/* ---- the journal ------------------------------------------------------------------------------------ */

static fsm_code read_created(asking *a, const fsm__journal_entry *entry, fsm_error *err) {
  fsm_record record;
  fsm_code code = fsm_record_decode(a->scratch, entry->record.data, entry->record.len, &record, err);
  if (code != FSM_OK) return code;
  a->has = matches(a, &record.labels, fsm__catalog_mask(a->source->catalog, record.def));
  a->from = entry->seq;
  return FSM_OK;
}

/* Back from the record to the newest `created`, or to a record of which it is known. */
static fsm_code from_journal(asking *a, const fsm__label_book *book, size_t at, fsm_error *err) {
  const fsm__find wanted = {
      .texts = {[FSM__FIND_INSTANCE] = a->id}, .before = a->seq + 1, .descending = true};
  const bool known = strcmp(book->at[at].id, a->id) == 0;
  fsm__finder *finder = NULL;
  bool found = true;
  a->to = a->seq;
  a->from = a->seq; /* nothing is known of older ones */
  fsm_code code = fsm__journal_find(a->source->journal, &wanted, &finder, err);
  while (code == FSM_OK) {
    fsm__journal_entry entry;
    fsm_record_brief brief;
    code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    a->looked++;
    if (fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
      code = fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                      (unsigned long long)entry.seq);
    if (code == FSM_OK && brief.kind == FSM_RECORD_CREATED) {
      code = read_created(a, &entry, err);
      break;
    }
    if (known && entry.seq <= book->at[at].to && entry.seq >= book->at[at].from) {
      a->has = book->at[at].has;
      a->from = book->at[at].from;
      break;
    }
  }
  fsm__finder_close(finder);
  return code;
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static size_t place_of(const char *id) {
  uint64_t hash = 14695981039346656037u;
  for (; *id != '\0'; id++) hash = (hash ^ (uint8_t)*id) * 1099511628211u;
  return (size_t)(hash >> 32) % FSM__LABEL_BOOK_ROOM;
}

fsm_code fsm__labels_ask(const fsm__label_source *source, fsm__label_book *book, const fsm__label *labels,
                         size_t count, const char *id, size_t len, uint64_t seq, fsm_arena *scratch,
                         bool *has, unsigned *looked, fsm_error *err) {
  *has = false;
  if (id == NULL || len > FSM_INSTANCE_ID_MAX) return FSM_OK;
  asking a = {.source = source, .labels = labels, .count = count, .seq = seq, .scratch = scratch};
  a.id = fsm_arena_strndup(scratch, id, len);
  if (a.id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  const size_t at = place_of(a.id);
  if (book->at[at].from <= seq && seq <= book->at[at].to && strcmp(book->at[at].id, a.id) == 0) {
    *has = book->at[at].has;
    return FSM_OK;
  }
  fsm_code code = from_row(&a, err);
  if (code == FSM_OK && a.to == 0) code = from_journal(&a, book, at, err);
  *looked += a.looked;
  if (code != FSM_OK) return code;
  memcpy(book->at[at].id, a.id, len + 1);
  book->at[at].has = *has = a.has;
  book->at[at].from = a.from;
  book->at[at].to = a.to;
  return FSM_OK;
}
