/* past_context.c: a context as it was, from the records that wrote its fields last. See past_impl.h. */
#include <stdlib.h>
#include <string.h>

#include "runtime/apply.h"
#include "runtime/past_impl.h"

void fsm__past_fields_clear(fsm__past_fields *f) {
  fsm_arena_reset(&f->arena);
  f->at = NULL;
  f->count = f->cap = 0;
}

static int order(const fsm__past_field *field, const fsm_value *name) {
  const uint32_t less = field->len < name->len ? field->len : name->len;
  const int by_bytes = memcmp(field->name, name->s, less);
  return by_bytes != 0 ? by_bytes : (field->len > name->len) - (field->len < name->len);
}

/* The place of a name among them, or where it belongs. */
static unsigned place(const fsm__past_fields *f, const fsm_value *name) {
  unsigned low = 0, high = f->count;
  while (low < high) {
    const unsigned middle = low + (high - low) / 2;
    if (order(&f->at[middle], name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static fsm_code add(fsm__past_fields *f, unsigned at, const fsm_value *name, fsm_error *err) {
  if (f->count == f->cap) {
    const unsigned cap = f->cap ? f->cap * 2 : 32;
    fsm__past_field *grown = fsm_arena_alloc(&f->arena, cap * sizeof *grown);
    if (grown == NULL) return fsm__past_nomem(err);
    if (f->count > 0) memcpy(grown, f->at, f->count * sizeof *grown);
    f->at = grown;
    f->cap = cap;
  }
  const char *kept = fsm_arena_strndup(&f->arena, name->s, name->len);
  if (kept == NULL) return fsm__past_nomem(err);
  memmove(&f->at[at + 1], &f->at[at], (f->count - at) * sizeof *f->at);
  f->at[at] = (fsm__past_field){.name = kept, .len = name->len};
  f->count++;
  return FSM_OK;
}

/* once: the first record that writes a field counts. */
static fsm_code note(fsm__past_fields *f, const fsm_record *record, bool once, fsm_error *err) {
  for (uint32_t i = 0; fsm_is(&record->ctx, FSM_MAP) && i < record->ctx.len; i++) {
    const fsm_value *name = &record->ctx.pairs[i].key;
    if (!fsm_is(name, FSM_STRING))
      return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu changes a field of the context without a name",
                      (unsigned long long)record->seq);
    const unsigned at = place(f, name);
    const bool there = at < f->count && order(&f->at[at], name) == 0;
    fsm_code code = there ? FSM_OK : add(f, at, name, err);
    if (code != FSM_OK) return code;
    if (!there || !once) f->at[at].seq = record->seq;
  }
  return FSM_OK;
}

fsm_code fsm__past_fields_note(fsm__past_fields *f, const fsm_record *record, fsm_error *err) {
  return note(f, record, false, err);
}

/* ---- their values ------------------------------------------------------------------------------- */

static int by_seq(const void *a, const void *b) {
  const fsm__past_field *x = *(fsm__past_field *const *)a, *y = *(fsm__past_field *const *)b;
  return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Those that one record wrote, from it. */
static fsm_code take(const fsm__past_replay *r, fsm__past_field *const *fields, unsigned count,
                     fsm_pair *pairs, fsm_arena *scratch, fsm_error *err) {
  fsm_arena *arena = r->kept->at->arena;
  fsm__journal_entry entry;
  fsm_record record;
  fsm_code code = fsm__query_wanted(r->kept->at->query, err);
  if (code == FSM_OK) code = fsm__kept_read(r->kept, fields[0]->seq, &entry, err);
  if (code == FSM_OK) code = fsm__past_decode(scratch, &entry, &record, err);
  for (unsigned i = 0; i < count && code == FSM_OK; i++) {
    const fsm__past_field *field = fields[i];
    const fsm_value *change = fsm_map_getn(&record.ctx, field->name, field->len);
    const char *name = fsm_arena_strndup(arena, field->name, field->len);
    if (change == NULL || !fsm_is(change, FSM_LIST) || change->len < 1 || change->len > 2)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu has a context change that cannot be read",
                      (unsigned long long)field->seq);
    if (name == NULL) return fsm__past_nomem(err);
    pairs[i].key = fsm_stringn(name, field->len);
    code = fsm_value_copy(arena, &change->items[change->len - 1], &pairs[i].value, err);
  }
  return code;
}

static fsm_code take_all(const fsm__past_replay *r, fsm__past_field **fields, fsm_pair *pairs,
                         fsm_error *err) {
  const unsigned count = r->fields.count;
  fsm_arena scratch;
  fsm_code code = FSM_OK;
  fsm_arena_init(&scratch, 0);
  for (unsigned i = 0, n = 0; i < count && code == FSM_OK; i += n) {
    for (n = 1; i + n < count && fields[i + n]->seq == fields[i]->seq;) n++;
    code = take(r, fields + i, n, pairs + i, &scratch, err);
    fsm_arena_reset(&scratch);
  }
  fsm_arena_free(&scratch);
  return code;
}

fsm_code fsm__past_context(const fsm__past_replay *r, fsm_value *out, fsm_error *err) {
  fsm_arena *arena = r->kept->at->arena;
  const unsigned count = r->fields.count;
  fsm__hash hash;
  fsm__past_field **fields = fsm_arena_alloc(arena, (count + 1) * sizeof *fields);
  fsm_pair *pairs = fsm_arena_alloc(arena, (count + 1) * sizeof *pairs);
  if (fields == NULL || pairs == NULL) return fsm__past_nomem(err);
  for (unsigned i = 0; i < count; i++) fields[i] = &r->fields.at[i];
  if (count > 1) qsort(fields, count, sizeof *fields, by_seq);
  fsm_code code = take_all(r, fields, pairs, err);
  if (code == FSM_OK) code = fsm_map(pairs, count, out, err);
  if (code == FSM_OK) code = fsm__context_hash(out, &hash, err);
  if (code != FSM_OK || memcmp(hash.bytes, r->context_hash, sizeof hash.bytes) == 0) return code;
  return fsm_fail(err, FSM_ECORRUPT, "journal",
                  "the context of instance \"%s\" behind seq %llu is not the one whose hash its record has",
                  r->id, (unsigned long long)r->last_seq);
}

/* ---- backwards ---------------------------------------------------------------------------------- */

/* Which record wrote each field last up to a seq, and first behind it. */
static fsm_code look(fsm__kept *kept, const char *id, uint64_t first, uint64_t seq, fsm__past_fields *before,
                     fsm__past_fields *behind, fsm_error *err) {
  fsm__kept_walk walk;
  fsm_arena scratch;
  unsigned looked = 0;
  fsm_arena_init(&scratch, 0);
  fsm_code code =
      fsm__kept_find(kept, FSM__FIND_INSTANCE, id, first - 1, kept->at->core->seq + 1, &walk, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    fsm_record record;
    code = fsm__kept_next(&walk, &entry, &found, err);
    if (code == FSM_OK && found) code = fsm__past_look(&looked, id, err);
    if (code != FSM_OK || !found) break;
    code = fsm__past_decode(&scratch, &entry, &record, err);
    if (code == FSM_OK && record.kind != FSM_RECORD_REJECTED)
      code = note(entry.seq <= seq ? before : behind, &record, entry.seq > seq, err);
    fsm_arena_reset(&scratch);
  }
  fsm__kept_end(&walk);
  fsm_arena_free(&scratch);
  return code;
}

/* What a record changed a field to, or from; null pointer: there was none. */
static fsm_code side(fsm__kept *kept, const fsm_value *name, uint64_t seq, bool from, fsm_value *out,
                     bool *there, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record record;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  fsm_code code = fsm__kept_read(kept, seq, &entry, err);
  if (code == FSM_OK) code = fsm__past_decode(&scratch, &entry, &record, err);
  const fsm_value *change = code == FSM_OK ? fsm_map_getn(&record.ctx, name->s, name->len) : NULL;
  *there = change != NULL && fsm_is(change, FSM_LIST) && change->len > (from ? 1 : 0);
  if (*there) code = fsm_value_copy(kept->at->arena, &change->items[from ? 0 : change->len - 1], out, err);
  fsm_arena_free(&scratch);
  return code;
}

static uint64_t wrote(const fsm__past_fields *f, const fsm_value *name) {
  const unsigned at = place(f, name);
  return at < f->count && order(&f->at[at], name) == 0 ? f->at[at].seq : 0;
}

static fsm_code gather(fsm__kept *kept, const fsm__past_fields *before, const fsm__past_fields *behind,
                       const fsm_value *now, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(kept->at->arena, (now->len + 1) * sizeof *pairs);
  unsigned count = 0;
  fsm_code code = pairs == NULL ? fsm__past_nomem(err) : FSM_OK;
  for (uint32_t i = 0; i < now->len && code == FSM_OK; i++) {
    const fsm_value *name = &now->pairs[i].key;
    const uint64_t last = wrote(before, name), next = wrote(behind, name);
    bool there = true;
    pairs[count] = now->pairs[i];
    if (last != 0 || next != 0)
      code = side(kept, name, last != 0 ? last : next, last == 0, &pairs[count].value, &there, err);
    count += there;
  }
  return code == FSM_OK ? fsm_map(pairs, count, out, err) : code;
}

fsm_code fsm__past_context_before(fsm__kept *kept, const char *id, uint64_t first, uint64_t seq,
                                  const uint8_t hash[FSM_HASH_BYTES], const fsm_value *now, fsm_value *out,
                                  fsm_error *err) {
  fsm__past_fields before = {.count = 0}, behind = {.count = 0};
  fsm__hash got;
  fsm_arena_init(&before.arena, 0);
  fsm_arena_init(&behind.arena, 0);
  fsm_code code = look(kept, id, first, seq, &before, &behind, err);
  if (code == FSM_OK) code = gather(kept, &before, &behind, now, out, err);
  fsm_arena_free(&before.arena);
  fsm_arena_free(&behind.arena);
  if (code == FSM_OK) code = fsm__context_hash(out, &got, err);
  if (code != FSM_OK || memcmp(got.bytes, hash, sizeof got.bytes) == 0) return code;
  return fsm_fail(err, FSM_ECORRUPT, "journal", "the context is not the one whose hash is on record");
}
