/* past.c: one instance's frames into a store of its own. See past.h. */
#include "runtime/past.h"

#include <string.h>

#include "runtime/apply.h"
#include "runtime/decide.h"
#include "schema/json.h"

/* The frames of an instance in order, as they are applied. */
typedef struct replay {
  const fsm__reading *at;
  fsm__past *past;
  const char *id;
  uint64_t number; /* that it gets, each time that it is made */
  fsm__finder *finder;
  fsm_record *records; /* of the frame that is read */
  size_t count, cap;
  unsigned looked;
  uint64_t first_seq;          /* of the first record that is kept; 0 = there is none */
  bool headless;               /* that is not its first */
  fsm_record_brief made, gone; /* the record that made it, behind the moment; that let it go; seq 0 = none */
  fsm_arena scratch;
} replay;

/* Its own number, whatever those of parents are. */
#define OWN_NUMBER ((uint64_t)1 << 62)

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer"); }

static fsm_code look(unsigned *looked, const char *id, fsm_error *err) {
  if (++*looked <= FSM_PAST_RECORDS_MAX) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "as_of",
                  "more than %d records lead to that moment of instance \"%s\"; its log has them",
                  FSM_PAST_RECORDS_MAX, id);
}

static fsm_code decode(fsm_arena *arena, const fsm__journal_entry *entry, fsm_record *out, fsm_error *err) {
  char *bytes = fsm_arena_strndup(arena, entry->record.data, entry->record.len);
  return bytes == NULL ? nomem(err) : fsm_record_decode(arena, bytes, entry->record.len, out, err);
}

static fsm_code keep(replay *r, const fsm__journal_entry *entry, fsm_error *err) {
  if (r->count == r->cap) {
    const size_t cap = r->cap ? r->cap * 2 : 8;
    fsm_record *grown = fsm_arena_alloc(&r->scratch, cap * sizeof *grown);
    if (grown == NULL) return nomem(err);
    if (r->count > 0) memcpy(grown, r->records, r->count * sizeof *grown);
    r->records = grown;
    r->cap = cap;
  }
  return decode(&r->scratch, entry, &r->records[r->count++], err);
}

/* Compiles the machine by the rows that have its source: the store in memory has none. */
static fsm_code need_machine(const replay *r, const fsm_record *record, fsm_error *err) {
  fsm__catalog *catalog = r->at->core->catalog;
  const fsm__deployed *deployed =
      record->mach ? fsm__catalog_find(catalog, record->mach, record->defv) : NULL;
  return deployed == NULL ? FSM_OK : fsm__catalog_need(catalog, deployed, err);
}

/* May this frame follow what the rows have? Not what is behind a beginning that is not kept, up to the end of
 * that life: its id may have another. */
static fsm_code follows(replay *r, const fsm_record *first, bool *yes, fsm_error *err) {
  uint64_t number = 0;
  *yes = true;
  if (first->kind == FSM_RECORD_CREATED) r->headless = false;
  if (first->kind == FSM_RECORD_CREATED || first->kind == FSM_RECORD_REJECTED) return FSM_OK;
  fsm_code code = fsm__instance_number(r->past->store, r->id, &number, err);
  if (code != FSM_ENOTFOUND) return code;
  *yes = false;
  r->headless = true;
  return FSM_OK;
}

static fsm_code apply_records(replay *r, fsm_error *err) {
  const fsm_record *first = &r->records[0];
  bool yes = true;
  fsm_code code = follows(r, first, &yes, err);
  if (code == FSM_OK && first->kind == FSM_RECORD_CREATED) {
    fsm__counter_put(r->past->store, "instance", r->number - 1);
    code = need_machine(r, first, err);
  }
  if (first->kind == FSM_RECORD_PURGED && fsm_map_get(&first->detail, "next") == NULL) {
    r->gone.seq = first->seq;
    r->gone.time_ns = first->time_ns;
    r->headless = false;
  }
  if (code != FSM_OK || !yes) return code;
  return fsm__apply_frame(r->past->store, r->past->core.catalog, r->records, r->count, NULL, &r->scratch,
                          err);
}

static fsm_code apply(replay *r, fsm_error *err) {
  const uint64_t last = r->records[r->count - 1].seq;
  fsm_code code = apply_records(r, err);
  if (last > r->past->seq) r->past->seq = last; /* the moment was inside of this frame */
  r->count = r->cap = 0;
  fsm_arena_reset(&r->scratch);
  return code;
}

/* Behind the moment only this counts: when it was made. What else happens to it tells that it was there
 * before, and that its beginning is not kept. */
static bool makes(replay *r, const fsm__journal_entry *entry) {
  fsm_record_brief brief;
  if (fsm_record_peek(entry->record.data, entry->record.len, &brief) != FSM_OK) return false;
  if (brief.kind == FSM_RECORD_REJECTED) return false;
  if (brief.kind == FSM_RECORD_CREATED)
    r->made = brief;
  else
    r->headless = true;
  return true;
}

/* Is there nothing of it so far? */
static fsm_code is_nothing(const replay *r, bool *nothing, fsm_error *err) {
  uint64_t number = 0;
  fsm_code code = fsm__instance_number(r->past->store, r->id, &number, err);
  *nothing = code == FSM_ENOTFOUND && r->gone.seq == 0 && !r->headless;
  return *nothing ? FSM_OK : code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code run(replay *r, fsm_error *err) {
  for (bool over = false;;) {
    fsm__journal_entry entry;
    bool found = false, nothing = true;
    fsm_code code = fsm__finder_next(r->finder, &entry, &found, err);
    if (code != FSM_OK || !found) return code;
    if (r->first_seq == 0) r->first_seq = entry.seq;
    code = fsm__query_wanted(r->at->query, err);
    if (code == FSM_OK) code = look(&r->looked, r->id, err);
    if (code == FSM_OK && !over && r->count == 0 && entry.seq > r->past->seq) {
      code = is_nothing(r, &nothing, err);
      over = true;
    }
    if (code != FSM_OK || !nothing || (over && makes(r, &entry))) return code;
    if (over) continue;
    code = keep(r, &entry, err);
    if (code == FSM_OK && entry.frame_end) code = apply(r, err);
    if (code != FSM_OK) return code;
  }
}

static fsm_code replay_instance(replay *r, fsm_error *err) {
  const fsm__find wanted = {.texts = {[FSM__FIND_INSTANCE] = r->id}, .before = r->at->core->seq + 1};
  fsm_arena_init(&r->scratch, 0);
  fsm_code code = fsm__journal_find(r->at->core->journal, &wanted, &r->finder, err);
  if (code == FSM_OK) code = run(r, err);
  fsm__finder_close(r->finder);
  fsm_arena_free(&r->scratch);
  return code;
}

/* ---- what is of others -------------------------------------------------------------------------- */

/* Messages that others have consumed since: their frames say so. Theirs is the correlation of the message. */
static fsm_code consume(const fsm__past *past, const fsm__reading *at, const fsm__send *send,
                        unsigned *looked, fsm_error *err) {
  const fsm__find wanted = {
      .texts = {[FSM__FIND_CORRELATION] = send->corr}, .after = send->seq, .before = past->seq + 1};
  fsm__finder *finder = NULL;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  fsm_code code = fsm__journal_find(at->core->journal, &wanted, &finder, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    fsm_record record;
    code = fsm__query_wanted(at->query, err);
    if (code == FSM_OK) code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    code = look(looked, past->in.id, err);
    if (code == FSM_OK) code = decode(&scratch, &entry, &record, err);
    if (code == FSM_OK) code = fsm__apply_consumed(past->store, &record, &scratch, err);
    fsm_arena_reset(&scratch);
  }
  fsm__finder_close(finder);
  fsm_arena_free(&scratch);
  return code;
}

/* The correlations of messages that seem to wait, each looked through once from its first message on. */
static fsm_code consume_all(const fsm__past *past, const fsm__reading *at, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(past->in.number, 'm', NULL, 0);
  fsm__items done = {.arena = at->arena};
  fsm__range range;
  fsm__row row;
  unsigned looked = 0;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, past->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__send send;
    bool known = false;
    code = fsm__send_read(&row, at->arena, &send, err);
    if (code != FSM_OK) break;
    for (unsigned i = 0; i < done.count; i++) known = known || fsm_is_text(&done.items[i], send.corr);
    if (known || send.corr[0] == '\0') continue;
    code = consume(past, at, &send, &looked, err);
    if (code != FSM_OK) break;
    fsm__items_add(&done, fsm_string(send.corr));
  }
  fsm__range_close(&range);
  return code == FSM_OK && done.failed ? nomem(err) : code;
}

/* Who had that number: its row of now, or the record that the child names. NULL: neither is there any more.
 */
static fsm_code parent_id(const fsm__past *past, const fsm__reading *at, uint64_t number, const char **id,
                          fsm_error *err) {
  fsm__instance parent;
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record record;
  *id = NULL;
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &parent, err);
  if (code == FSM_OK) *id = parent.id;
  if (code != FSM_ENOTFOUND) return code;
  code = fsm__journal_cursor_open(at->core->journal, past->in.created_seq, &cursor, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, past->in.created_seq, &entry, err);
  if (code == FSM_OK) code = decode(at->arena, &entry, &record, err);
  const char *dot = code == FSM_OK && record.parent != NULL ? strrchr(record.parent, '.') : NULL;
  uint64_t seq = 0;
  if (dot != NULL && fsm__query_seq(dot + 1, &seq) && seq < past->in.created_seq) {
    code = fsm__journal_read(cursor, seq, &entry, err);
    if (code == FSM_OK) code = decode(at->arena, &entry, &record, err);
    if (code == FSM_OK) *id = record.inst;
  }
  fsm__journal_cursor_close(cursor);
  return code;
}

/* The parent's rows beside those of the instance, under the number that the child knows it by. */
static fsm_code add_parent(fsm__past *past, const fsm__reading *at, fsm_error *err) {
  const uint64_t number = fsm__key_read_u64(past->in.parent), seq = past->seq;
  replay r = {.at = at, .past = past, .number = number};
  fsm_code code = parent_id(past, at, number, &r.id, err);
  if (code != FSM_OK || r.id == NULL) return code;
  code = replay_instance(&r, err);
  past->seq = seq; /* a child is never of its parent's frame */
  if (code == FSM_OK && r.headless)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of",
                    "archived: the first records of its parent \"%s\" are not kept here", r.id);
  return code;
}

/* ---- the instance ------------------------------------------------------------------------------- */

static fsm_code absent(const replay *r, fsm_error *err) {
  char when[40];
  const bool gone = r->gone.seq != 0;
  const fsm_record_brief *what = gone ? &r->gone : &r->made;
  if (what->seq == 0) return fsm__query_unknown(r->at, r->id, err);
  fsm_time_format(what->time_ns, when, sizeof when);
  return fsm_fail(err, FSM_EINSTANCE, "instance",
                  "instance \"%s\" was not there at seq %llu: it %s at %s (seq %llu)", r->id,
                  (unsigned long long)r->past->seq, gone ? "had left the store" : "was made", when,
                  (unsigned long long)what->seq);
}

/* The first records are gone: what has not changed since is as it is now. */
static fsm_code as_now(const replay *r, fsm_error *err) {
  const fsm__reading *at = r->at;
  fsm__past *past = r->past;
  fsm__instance *in = &past->in;
  fsm_code code = fsm__query_resolve(at, r->id, in, err);
  if (code != FSM_OK) return code;
  if (in->last_seq > past->seq)
    return fsm_fail(
        err, FSM_ENOTFOUND, "as_of",
        "archived: the first records of instance \"%s\" are not kept here, so it can be told from seq "
        "%llu on only; what happened from seq %llu on is in its log",
        r->id, (unsigned long long)in->last_seq, (unsigned long long)r->first_seq);
  fsm__store_close(past->store);
  past->store = NULL;
  past->core = *at->core;
  return FSM_OK;
}

static fsm_code find(const replay *r, fsm_error *err) {
  fsm__past *past = r->past;
  uint64_t number = 0;
  const bool none = r->first_seq == 0 && fsm__journal_first_seq(r->at->core->journal) > 1;
  if (r->headless || none) return as_now(r, err);
  fsm_code code = fsm__instance_number(past->store, r->id, &number, err);
  if (code == FSM_ENOTFOUND) return absent(r, err);
  if (code != FSM_OK) return code;
  return fsm__instance_load(past->store, past->core.catalog, number, r->at->arena, &past->in, err);
}

fsm_code fsm__past_open(const fsm__reading *at, const char *id, uint64_t seq, fsm__past *out,
                        fsm_error *err) {
  *out = (fsm__past){.core = *at->core, .at = *at, .seq = seq};
  replay r = {.at = at, .past = out, .id = id, .number = OWN_NUMBER};
  fsm_code code = fsm__store_memory(&out->store, err);
  if (code != FSM_OK) return code;
  out->core.store = out->store;
  out->core.catalog = fsm__catalog_view(at->core->catalog, out->store, at->core->seq, at->arena);
  out->core.services = NULL; /* who took tasks then is not on record */
  out->core.untaken = NULL;
  out->at.core = &out->core;
  if (out->core.catalog == NULL) return nomem(err);
  code = replay_instance(&r, err);
  if (code == FSM_OK) code = find(&r, err);
  if (code != FSM_OK || out->store == NULL) return code;
  if (out->in.has_parent) code = add_parent(out, at, err);
  return code == FSM_OK ? consume_all(out, at, err) : code;
}

void fsm__past_close(fsm__past *past) { fsm__store_close(past->store); }
