/* people.c: see people.h. A list by seq, packed: few people act in many records. */
#include "runtime/people.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/people_configured.h"
#include "schema/mask.h"
#include "schema/pack.h"

typedef struct person {
  char *name;     /* sub ‖ 0 ‖ type ‖ 0 ‖ iss */
  uint8_t *bytes; /* actor, shown */
  size_t name_len, actor_len, len;
  int64_t last_ns;
  uint64_t seq;
} person;

struct fsm__known {
  pthread_mutex_t lock;
  uint64_t next_seq; /* to be looked at */
  person *at;        /* the newest first */
  unsigned count;
  bool cut;
  fsm__configured *configured; /* NULL = nobody */
};

fsm_code fsm__known_new(fsm__known **out, fsm_error *err) {
  fsm__known *known = calloc(1, sizeof *known);
  *out = known;
  if (known == NULL || (known->at = calloc(FSM__PEOPLE_MAX + 1, sizeof *known->at)) == NULL) {
    free(known);
    *out = NULL;
    return fsm_fail(err, FSM_ENOMEM, "", "no memory to open");
  }
  pthread_mutex_init(&known->lock, NULL);
  known->next_seq = 1;
  return FSM_OK;
}

static void forget(person *p) {
  free(p->name);
  free(p->bytes);
  *p = (person){.name = NULL};
}

void fsm__known_free(fsm__known *known) {
  if (known == NULL) return;
  for (unsigned i = 0; i < known->count; i++) forget(&known->at[i]);
  fsm__configured_free(known->configured);
  pthread_mutex_destroy(&known->lock);
  free(known->at);
  free(known);
}

/* ---- a record's actor ------------------------------------------------------------------------------- */

typedef struct learner {
  const fsm__core *core;
  fsm__journal_cursor *cursor;
  fsm_arena scratch;
} learner;

static void add_text(fsm_buf *name, const fsm_value *actor, const char *member) {
  const fsm_value *text = fsm_map_get(actor, member);
  if (text != NULL && fsm_is(text, FSM_STRING)) fsm_buf_add(name, text->s, text->len);
  fsm_buf_char(name, '\0');
}

/* Without the session, which is of one visit. */
static fsm_code actor_of(fsm_arena *arena, const fsm_value *act, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, (act->len + 1) * sizeof *pairs);
  uint32_t count = 0;
  if (pairs == NULL) return FSM_ENOMEM;
  for (uint32_t i = 0; i < act->len; i++)
    if (!fsm_is_text(&act->pairs[i].key, "sid")) pairs[count++] = act->pairs[i];
  *out = (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs};
  return FSM_OK;
}

/* Of many refusals in one: it names them by their sub alone, who they are is in no record of theirs. */
static bool is_sum(const fsm_record *record) {
  return record->kind == FSM_RECORD_REJECTED && fsm_is(&record->detail, FSM_MAP) &&
         fsm_map_get(&record->detail, "count") != NULL;
}

/* One that names who did it. */
static fsm_code read_record(learner *l, uint64_t seq, fsm_record *out, bool *found, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_code code = fsm__journal_read(l->cursor, seq, &entry, err);
  *found = false;
  if (code == FSM_ENOTFOUND) return FSM_OK; /* pruned meanwhile */
  if (code == FSM_OK) code = fsm_record_decode(&l->scratch, entry.record.data, entry.record.len, out, err);
  *found = code == FSM_OK && fsm_is(&out->act, FSM_MAP);
  return code;
}

static fsm_code before_sums_with(learner *l, fsm__finder *finder, fsm_record *record, uint64_t *seq,
                                 bool *found, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < FSM__PEOPLE_SUMS_MAX; i++) {
    code = fsm__finder_next(finder, &entry, found, err);
    if (code != FSM_OK || !*found) return code;
    code = fsm_record_decode(&l->scratch, entry.record.data, entry.record.len, record, err);
    if (code != FSM_OK || !is_sum(record)) {
      *seq = entry.seq; /* read again: what is found is gone with the finder */
      return code;
    }
  }
  *found = false;
  return FSM_OK;
}

/* The newest record of theirs that is no sum. */
static fsm_code before_sums(learner *l, fsm_record *record, uint64_t *seq, bool *found, fsm_error *err) {
  const fsm_value *sub = fsm_map_get(&record->act, "sub");
  fsm__finder *finder = NULL;
  *found = false;
  if (sub == NULL || !fsm_is(sub, FSM_STRING)) return FSM_OK;
  fsm__find wanted = {.before = *seq, .descending = true};
  wanted.texts[FSM__FIND_USER] = fsm_arena_strndup(&l->scratch, sub->s, sub->len);
  if (wanted.texts[FSM__FIND_USER] == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory to list who acts");
  fsm_code code = fsm__journal_find(l->core->journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  code = before_sums_with(l, finder, record, seq, found, err);
  fsm__finder_close(finder);
  return code == FSM_OK && *found ? read_record(l, *seq, record, found, err) : code;
}

static fsm_code pack_person(learner *l, const fsm_record *record, uint64_t seq, fsm_buf *name, fsm_buf *bytes,
                            person *out, fsm_error *err) {
  fsm_value actor, shown;
  fsm_code code = actor_of(&l->scratch, &record->act, &actor);
  if (code != FSM_OK) return fsm_fail(err, code, "", "no memory to list who acts");
  shown = actor;
  if (record->def != NULL)
    code = fsm_mask_value(&l->scratch, fsm__catalog_mask(l->core->catalog, record->def), &actor, &shown, err);
  if (code == FSM_OK) code = fsm_pack(bytes, &actor, err);
  const size_t actor_len = bytes->len;
  if (code == FSM_OK) code = fsm_pack(bytes, &shown, err);
  add_text(name, &actor, "sub");
  add_text(name, &actor, "type");
  add_text(name, &actor, "iss");
  if (code == FSM_OK && (!fsm_buf_ok(name) || !fsm_buf_ok(bytes)))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory to list who acts");
  *out = (person){.name_len = name->len,
                  .actor_len = actor_len,
                  .len = bytes->len,
                  .last_ns = record->time_ns,
                  .seq = seq};
  return code;
}

/* Takes over what is in the two buffers. */
static bool own(person *p, const fsm_buf *name, const fsm_buf *bytes) {
  p->name = malloc(p->name_len + 1);
  p->bytes = malloc(p->len + 1);
  if (p->name == NULL || p->bytes == NULL) return forget(p), false;
  memcpy(p->name, name->data, p->name_len);
  memcpy(p->bytes, bytes->data, p->len);
  return true;
}

/* In its place by seq; an older record of the same person goes, and who was seen longest ago when there are
 * too many. */
static void settle(fsm__known *known, const person *p) {
  unsigned to = 0, same = known->count;
  for (unsigned i = 0; i < known->count; i++) {
    const person *other = &known->at[i];
    if (other->seq > p->seq) to = i + 1;
    if (other->name_len == p->name_len && memcmp(other->name, p->name, p->name_len) == 0) same = i;
  }
  if (same < known->count) {
    FSM_ASSERT(same >= to); /* records come in their order */
    forget(&known->at[same]);
    memmove(&known->at[same], &known->at[same + 1], (--known->count - same) * sizeof *p);
  }
  memmove(&known->at[to + 1], &known->at[to], (known->count++ - to) * sizeof *p);
  known->at[to] = *p;
  if (known->count <= FSM__PEOPLE_MAX) return;
  forget(&known->at[--known->count]);
  known->cut = true;
}

static fsm_code learn(void *arg, uint64_t seq, fsm_error *err) {
  learner *l = arg;
  fsm__known *known = l->core->known;
  fsm_record record;
  fsm_buf name = {0}, bytes = {0};
  person p;
  fsm_arena_reset(&l->scratch);
  bool found = false;
  fsm_code code = read_record(l, seq, &record, &found, err);
  if (found && is_sum(&record)) code = before_sums(l, &record, &seq, &found, err);
  if (code != FSM_OK || !found) return code;
  code = pack_person(l, &record, seq, &name, &bytes, &p, err);
  const bool fits = code == FSM_OK && p.actor_len <= FSM__PERSON_BYTES_MAX;
  if (fits && !own(&p, &name, &bytes)) code = fsm_fail(err, FSM_ENOMEM, "", "no memory to list who acts");
  if (fits && code == FSM_OK) settle(known, &p);
  fsm_buf_free(&name);
  fsm_buf_free(&bytes);
  return code;
}

static fsm_code catch_up(const fsm__core *core, fsm_error *err) {
  fsm__known *known = core->known;
  if (known->next_seq > fsm__journal_durable_seq(core->journal)) return FSM_OK;
  learner l = {.core = core};
  fsm_code code = fsm__journal_cursor_open(core->journal, 1, &l.cursor, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&l.scratch, 0);
  code = fsm__journal_users(core->journal, known->next_seq, &known->next_seq, learn, &l, err);
  fsm_arena_free(&l.scratch);
  fsm__journal_cursor_close(l.cursor);
  return code;
}

/* ---- asking ------------------------------------------------------------------------------------------ */

static fsm_code copy_out(const fsm__known *known, fsm_arena *arena, fsm__people *out, fsm_error *err) {
  fsm__person *at = fsm_arena_alloc(arena, (known->count + 1) * sizeof *at);
  if (at == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  *out = (fsm__people){.count = known->count, .at = at, .cut = known->cut};
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < known->count && code == FSM_OK; i++) {
    const person *p = &known->at[i];
    const char *bytes = fsm_arena_strndup(arena, (const char *)p->bytes, p->len);
    if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    at[i] = (fsm__person){.last_ns = p->last_ns, .seq = p->seq};
    code = fsm_unpack(arena, bytes, p->actor_len, &at[i].actor, err);
    if (code == FSM_OK)
      code = fsm_unpack(arena, bytes + p->actor_len, p->len - p->actor_len, &at[i].shown, err);
  }
  return code;
}

fsm_code fsm__known_configure(fsm__known *known, const char *text, size_t len, fsm_error *err) {
  fsm__configured *now = NULL;
  fsm_code code = text != NULL ? fsm__configured_read(text, len, &now, err) : FSM_OK;
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&known->lock);
  fsm__configured *old = known->configured;
  known->configured = now;
  pthread_mutex_unlock(&known->lock);
  fsm__configured_free(old);
  return FSM_OK;
}

fsm_code fsm__people_known(const fsm__core *core, fsm_arena *arena, fsm__people *out, fsm_error *err) {
  *out = (fsm__people){.count = 0};
  if (core->known == NULL) return FSM_OK;
  pthread_mutex_lock(&core->known->lock);
  fsm_code code = catch_up(core, err);
  if (code == FSM_OK) code = copy_out(core->known, arena, out, err);
  if (code == FSM_OK) code = fsm__configured_join(core->known->configured, arena, out, err);
  pthread_mutex_unlock(&core->known->lock);
  return code;
}
