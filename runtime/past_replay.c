/* past_replay.c: one instance's frames, one after the other, into a store of its own. See past.h. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/past_impl.h"

fsm_code fsm__past_nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

fsm_code fsm__past_look(unsigned *looked, const char *id, fsm_error *err) {
  if (++*looked <= FSM_PAST_RECORDS_MAX) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "as_of",
                  "more than %d records lead to that moment of instance \"%s\"; its log has them",
                  FSM_PAST_RECORDS_MAX, id);
}

fsm_code fsm__past_decode(fsm_arena *arena, const fsm__journal_entry *entry, fsm_record *out,
                          fsm_error *err) {
  char *bytes = fsm_arena_strndup(arena, entry->record.data, entry->record.len);
  return bytes == NULL ? fsm__past_nomem(err) : fsm_record_decode(arena, bytes, entry->record.len, out, err);
}

static fsm_code keep(fsm__past_replay *r, const fsm__journal_entry *entry, fsm_error *err) {
  if (r->count == r->cap) {
    const size_t cap = r->cap ? r->cap * 2 : 8;
    fsm_record *grown = fsm_arena_alloc(&r->scratch, cap * sizeof *grown);
    if (grown == NULL) return fsm__past_nomem(err);
    if (r->count > 0) memcpy(grown, r->records, r->count * sizeof *grown);
    r->records = grown;
    r->cap = cap;
  }
  return fsm__past_decode(&r->scratch, entry, &r->records[r->count++], err);
}

/* Compiles the machine by the rows that have its source: the store in memory has none. */
static fsm_code need_machine(const fsm__past_replay *r, const fsm_record *record, fsm_error *err) {
  fsm__catalog *catalog = r->kept->at->core->catalog;
  const fsm__deployed *deployed =
      record->mach ? fsm__catalog_find(catalog, record->mach, record->defv) : NULL;
  return deployed == NULL ? FSM_OK : fsm__catalog_need(catalog, deployed, err);
}

/* A life begins: whatever was before it is over. */
static fsm_code begin(fsm__past_replay *r, const fsm_record *first, fsm_error *err) {
  r->headless = false;
  r->last_seq = first->iprev;
  fsm__past_fields_clear(&r->fields);
  fsm__counter_put(r->past->store, "instance", r->number - 1);
  return need_machine(r, first, err);
}

/* May this frame follow what the rows have? Not what is behind a beginning that is not kept, up to the end of
 * that life: its id may have another. */
static fsm_code follows(fsm__past_replay *r, const fsm_record *first, bool *yes, fsm_error *err) {
  uint64_t number = 0;
  *yes = true;
  if (first->kind == FSM_RECORD_CREATED) return begin(r, first, err);
  fsm_code code = fsm__instance_number(r->past->store, r->id, &number, err);
  if (code == FSM_OK && first->iprev != r->last_seq)
    return fsm_fail(err, FSM_ECORRUPT, "journal",
                    "the record of seq %llu does not follow on that of seq %llu",
                    (unsigned long long)first->seq, (unsigned long long)r->last_seq);
  if (code != FSM_ENOTFOUND) return code;
  *yes = false;
  r->headless = true;
  return FSM_OK;
}

/* What the rows here do without. */
static fsm_code strip(fsm__past_replay *r, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < r->count && code == FSM_OK; i++) {
    fsm_record *record = &r->records[i];
    code = fsm__past_fields_note(&r->fields, record, err);
    if (record->ctxh != NULL) memcpy(r->context_hash, record->ctxh, sizeof r->context_hash);
    record->ctx = record->idem = fsm_null();
    r->last_seq = record->seq;
  }
  return code;
}

static fsm_code apply_records(fsm__past_replay *r, fsm_error *err) {
  const fsm_record *first = &r->records[0];
  bool yes = true;
  fsm_code code = follows(r, first, &yes, err);
  if (first->kind == FSM_RECORD_PURGED && fsm_map_get(&first->detail, "next") == NULL) {
    r->gone.seq = first->seq;
    r->gone.time_ns = first->time_ns;
    r->headless = false;
  }
  if (code == FSM_OK && yes) code = strip(r, err);
  if (code != FSM_OK || !yes) return code;
  return fsm__apply_frame(r->past->store, r->past->core.catalog, r->records, r->count, NULL, &r->scratch,
                          err);
}

static fsm_code apply(fsm__past_replay *r, fsm_error *err) {
  const uint64_t last = r->records[r->count - 1].seq;
  fsm_code code = apply_records(r, err);
  if (last > r->past->seq) r->past->seq = last; /* the moment was inside of this frame */
  r->count = r->cap = 0;
  fsm_arena_reset(&r->scratch);
  return code;
}

/* Behind the moment only this counts: when it was made. What else happens to it tells that it was there
 * before, and that its beginning is not kept. */
static void makes(fsm__past_replay *r, const fsm_record_brief *brief) {
  if (brief->kind == FSM_RECORD_CREATED)
    r->made = *brief;
  else
    r->headless = true;
}

/* Is there nothing of it so far? */
static fsm_code is_nothing(const fsm__past_replay *r, bool *nothing, fsm_error *err) {
  uint64_t number = 0;
  fsm_code code = fsm__instance_number(r->past->store, r->id, &number, err);
  *nothing = code == FSM_ENOTFOUND && r->gone.seq == 0 && !r->headless;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

/* The next that is no refusal: these change nothing, and may be of a time when it was not there. */
static fsm_code next(fsm__past_replay *r, fsm__kept_walk *walk, fsm__journal_entry *entry,
                     fsm_record_brief *brief, bool *found, fsm_error *err) {
  do {
    fsm_code code = fsm__kept_next(walk, entry, found, err);
    if (code != FSM_OK || !*found) return code;
    if (fsm_record_peek(entry->record.data, entry->record.len, brief) != FSM_OK)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                      (unsigned long long)entry->seq);
  } while (brief->kind == FSM_RECORD_REJECTED);
  if (r->first_seq == 0) r->first_seq = entry->seq;
  return FSM_OK;
}

static fsm_code run(fsm__past_replay *r, fsm__kept_walk *walk, fsm_error *err) {
  for (;;) {
    fsm__journal_entry entry;
    fsm_record_brief brief;
    bool found = false, nothing = true;
    fsm_code code = next(r, walk, &entry, &brief, &found, err);
    if (code != FSM_OK || !found) return code;
    if (r->count == 0 && entry.seq > r->past->seq) {
      code = is_nothing(r, &nothing, err);
      if (code == FSM_OK && nothing) makes(r, &brief);
      return code;
    }
    code = fsm__past_look(&r->looked, r->id, err);
    if (code == FSM_OK) code = keep(r, &entry, err);
    if (code == FSM_OK && entry.frame_end) code = apply(r, err);
    if (code != FSM_OK) return code;
  }
}

fsm_code fsm__past_replay_run(fsm__past_replay *r, fsm_error *err) {
  fsm__kept_walk walk;
  fsm_arena_init(&r->scratch, 0);
  fsm_arena_init(&r->fields.arena, 0);
  fsm_code code =
      fsm__kept_find(r->kept, FSM__FIND_INSTANCE, r->id, 0, r->kept->at->core->seq + 1, &walk, err);
  if (code == FSM_OK) code = run(r, &walk, err);
  fsm__kept_end(&walk);
  return code;
}

void fsm__past_replay_end(fsm__past_replay *r) {
  fsm_arena_free(&r->scratch);
  fsm_arena_free(&r->fields.arena);
}
