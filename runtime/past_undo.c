/* past_undo.c: an instance whose first records are kept nowhere, at a moment behind the first one that is.
 *
 * What it was before that record (its base) is made of its row of now: what no record changed since is as it
 * is now. The base gets the records up to the moment, as in past_replay.c. What a record took away that had
 * been there before the base (a timer, a task, a message, since when it was in a state) is not to be had:
 * before that record nothing is told. So the records are gone through twice: to the last one, to find out
 * from which seq on it can be told, and to the moment. The context goes backwards by the old values of its
 * fields, and must have the hash on record. In doubt it is not told.
 */
#include <string.h>

#include "runtime/apply_impl.h"
#include "runtime/past_impl.h"

#define UNKNOWN_NS 0 /* since when: not on record */
enum { SEEN_MAX = 256 };

typedef struct undo {
  fsm__past *past;
  fsm__kept *kept;
  const char *id;
  uint64_t number, moment;
  const fsm__instance *now;
  fsm__instance base; /* context left out */
  uint64_t first;     /* its first record that is kept; and its frame's end */
  uint64_t first_end;
  uint64_t told_from; /* it can be told from there on */
  bool status_known, history_known, opened;
  fsm__items seen; /* ids of timers and tasks that were set among these records */
  fsm_record *records;
  unsigned count, cap, looked, unknown;
  uint8_t hash[FSM_HASH_BYTES]; /* of the context behind the last record */
  fsm_arena scratch;
} undo;

static void lost(undo *u, const fsm_record *record) {
  if (record->seq > u->told_from) u->told_from = record->seq;
}

/* ---- the base ----------------------------------------------------------------------------------- */

static fsm_code each_row(undo *u, char type, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(u->now->number, type, NULL, 0);
  fsm_arena *arena = u->kept->at->arena;
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, u->kept->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__timer timer;
    fsm__task task;
    fsm__send send;
    if (type == 't' && (code = fsm__timer_read(&row, arena, &timer, err)) == FSM_OK && timer.seq < u->first)
      fsm__timer_put(u->past->store, u->number, &timer);
    if (type == 'k' && (code = fsm__task_read(&row, arena, &task, err)) == FSM_OK && task.seq < u->first)
      fsm__task_put(u->past->store, u->number, &task);
    if (type == 'm' && (code = fsm__send_read(&row, arena, &send, err)) == FSM_OK && send.seq < u->first)
      fsm__send_put(u->past->store, u->number, &send);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

static fsm_code put_base(undo *u, fsm_error *err) {
  fsm__key number = {.len = 0};
  fsm__store *store = u->past->store;
  fsm__key_u64(&number, u->number);
  fsm__store_put(store, FSM_T_IDS, u->id, strlen(u->id), number.bytes, number.len);
  fsm_code code = each_row(u, 't', err);
  if (code == FSM_OK) code = each_row(u, 'k', err);
  if (code == FSM_OK) code = each_row(u, 'm', err);
  fsm__instance_put(store, &u->base);
  return code == FSM_OK ? fsm__store_fault(store, err) : code;
}

/* Its states as the first record that names them found them. */
static fsm_code base_states(undo *u, const fsm_record *record, fsm_error *err) {
  fsm_arena *arena = u->kept->at->arena;
  fsm_record as_it_was = {.to = record->from, .time_ns = UNKNOWN_NS, .seq = record->seq};
  fsm_code code = fsm_value_copy(arena, &as_it_was.to, &as_it_was.to, err);
  u->base.active_count = 0;
  u->unknown = UINT32_MAX;
  return code == FSM_OK ? fsm__apply_states(&u->base, &as_it_was, arena, err) : code;
}

static void base_status(undo *u, const fsm_record *record) {
  fsm__status before = FSM_RUNNING;
  switch (record->kind) {
    case FSM_RECORD_RESUMED: before = FSM_PAUSED; break;
    case FSM_RECORD_INCIDENT_CLOSED: before = FSM_INCIDENT; break;
    case FSM_RECORD_PAUSED:
    case FSM_RECORD_INCIDENT_OPENED: break;
    case FSM_RECORD_COMPLETED:
    case FSM_RECORD_CANCELLED: break;
    default: return;
  }
  if (!u->status_known) {
    u->base.status = before;
    u->base.incident = fsm_null();
  }
  u->status_known = true;
}

/* A record of all of them, in order: what it says of what was before them. */
static fsm_code look_back(undo *u, const fsm_record *record, fsm_error *err) {
  if (record->seq == u->first) {
    u->base = *u->now;
    u->base.number = u->number;
    u->base.context = fsm_map_empty();
    u->base.output = u->base.cancelled = fsm_null();
    u->base.forced = record->forced;
    u->base.last_seq = record->iprev;
    u->first_end = record->seq + (record->n - record->i) - 1;
    u->told_from = u->first_end;
    u->unknown = 0;
  }
  base_status(u, record);
  if (fsm_is(&record->hist, FSM_MAP) && !u->history_known) {
    u->base.history = fsm_null();
    u->history_known = true;
    lost(u, record);
  }
  if (u->unknown == 0 && fsm_is(&record->from, FSM_LIST)) return base_states(u, record, err);
  return FSM_OK;
}

/* ---- what a record takes away -------------------------------------------------------------------- */

static bool is_seen(const undo *u, const char *id) {
  for (unsigned i = 0; i < u->seen.count; i++)
    if (fsm_is_text(&u->seen.items[i], id)) return true;
  return false;
}

/* Of more than these it is not known: then what goes may have been there before. */
static void see(undo *u, const char *kind, const char *id) {
  const char *name = fsm_arena_printf(&u->scratch, "%s%s", kind, id);
  if (name == NULL || u->seen.count == SEEN_MAX || is_seen(u, name)) return;
  if ((name = fsm_arena_strdup(u->seen.arena, name)) != NULL) fsm__items_add(&u->seen, fsm_string(name));
}

/* Timers of states (after, timeout) are cancelled when these are left: one that was set among these records
 * had none before it. Others may have. */
static bool is_alone(const char *id) { return strncmp(id, "xstate.", 7) == 0; }

static const char *id_in(undo *u, const fsm_value *map, const char *name) {
  const fsm_value *id = fsm_map_get(map, name);
  return id != NULL && fsm_is(id, FSM_STRING) ? fsm_arena_strndup(&u->scratch, id->s, id->len) : NULL;
}

static void lists(undo *u, const fsm_record *record) {
  for (unsigned i = 0; fsm_is(&record->timers, FSM_LIST) && i < record->timers.len; i++) {
    const char *gone = id_in(u, &record->timers.items[i], "cancel"),
               *set = id_in(u, &record->timers.items[i], "id");
    const char *name = gone ? fsm_arena_printf(&u->scratch, "t%s", gone) : NULL;
    if (gone != NULL && (name == NULL || !is_alone(gone) || !is_seen(u, name))) lost(u, record);
    if (set != NULL && is_alone(set)) see(u, "t", set);
  }
  for (unsigned i = 0; fsm_is(&record->tasks, FSM_LIST) && i < record->tasks.len; i++) {
    const char *gone = id_in(u, &record->tasks.items[i], "cancel"),
               *set = id_in(u, &record->tasks.items[i], "id");
    const char *id = gone ? gone : set, *name = id ? fsm_arena_printf(&u->scratch, "k%s", id) : NULL;
    if ((gone != NULL || record->kind == FSM_RECORD_ADMIN) && (name == NULL || !is_seen(u, name)))
      lost(u, record);
    if (set != NULL) see(u, "k", set);
  }
  for (unsigned i = 0; fsm_is(&record->sends, FSM_LIST) && i < record->sends.len; i++) {
    const char *gone = id_in(u, &record->sends.items[i], "cancel");
    if (gone != NULL && fsm__send_seq(gone) < u->first) lost(u, record);
  }
}

/* What it is about was there before: in its place stands something, until the record has taken it away. */
static void old_timer(undo *u, const fsm_record *record) {
  const fsm_value *set = fsm_map_get(&record->detail, "set"), *place = fsm_map_get(&record->detail, "place");
  const char *id = id_in(u, &record->detail, "timer");
  if (id == NULL || set == NULL || !fsm_is(set, FSM_INT) || (uint64_t)set->i >= u->first) return;
  lost(u, record);
  const fsm__timer timer = {.id = id,
                            .event = "",
                            .data = fsm_null(),
                            .seq = (uint64_t)set->i,
                            .place = place != NULL && fsm_is(place, FSM_INT) ? (uint16_t)place->i : 0};
  fsm__timer_put(u->past->store, u->number, &timer);
}

static fsm_code old_task(undo *u, const fsm_record *record, fsm_error *err) {
  fsm__task task;
  const char *id = id_in(u, &record->detail, "task");
  if (id == NULL) return FSM_OK;
  fsm_code code = fsm__task_load(u->past->store, u->number, id, &u->scratch, &task, err);
  if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  if (code == FSM_OK && task.seq >= u->first) return FSM_OK;
  lost(u, record);
  if (code == FSM_OK) return FSM_OK;
  const fsm__task stand_in = {.id = id,
                              .service = "",
                              .corr = "",
                              .trace = fsm_null(),
                              .input = fsm_null(),
                              .attempts = 1,
                              .error = ""};
  fsm__task_put(u->past->store, u->number, &stand_in);
  return FSM_OK;
}

static fsm_code takes_away(undo *u, const fsm_record *record, fsm_error *err) {
  lists(u, record);
  switch (record->kind) {
    case FSM_RECORD_TIMER_FIRED: old_timer(u, record); return FSM_OK;
    case FSM_RECORD_TASK_STARTED:
    case FSM_RECORD_TASK_DONE:
    case FSM_RECORD_TASK_FAILED: return old_task(u, record, err);
    case FSM_RECORD_INCIDENT_OPENED: u->opened = true; return FSM_OK;
    case FSM_RECORD_INCIDENT_CLOSED:
      if (!u->opened) lost(u, record);
      return FSM_OK;
    case FSM_RECORD_COMPLETED: /* all that was open went with it, and is not listed */
    case FSM_RECORD_CANCELLED:
    case FSM_RECORD_MIGRATED: lost(u, record); return FSM_OK;
    default: return FSM_OK;
  }
}

/* ---- the records -------------------------------------------------------------------------------- */

/* A state that was entered before, since when is not known, and that is left here. */
static fsm_code count_unknown(undo *u, const fsm_record *last, fsm_error *err) {
  fsm__instance in;
  unsigned unknown = 0;
  fsm_code code = fsm__instance_load(u->past->store, u->past->core.catalog, u->number, &u->scratch, &in, err);
  for (unsigned i = 0; code == FSM_OK && i < in.active_count; i++)
    unknown += in.active[i].state != 0 && in.active[i].ns == UNKNOWN_NS;
  if (unknown < u->unknown) lost(u, last);
  u->unknown = unknown;
  return code;
}

static fsm_code frame(undo *u, bool apply, fsm_error *err) {
  fsm_code code = FSM_OK;
  const uint64_t end = u->count > 0 ? u->records[u->count - 1].seq : 0;
  apply = apply && u->count > 0; /* not of a refusal */
  for (unsigned i = 0; i < u->count && code == FSM_OK; i++) {
    fsm_record *record = &u->records[i];
    code = apply ? takes_away(u, record, err) : look_back(u, record, err);
    record->ctx = record->idem = fsm_null();
    if (record->ctxh != NULL) memcpy(u->hash, record->ctxh, sizeof u->hash);
  }
  if (code == FSM_OK && apply)
    code =
        fsm__apply_frame(u->past->store, u->past->core.catalog, u->records, u->count, NULL, &u->scratch, err);
  if (code == FSM_OK && apply) code = count_unknown(u, &(fsm_record){.seq = end}, err);
  u->count = u->cap = 0;
  fsm_arena_reset(&u->scratch);
  return code;
}

static fsm_code keep(undo *u, const fsm__journal_entry *entry, fsm_error *err) {
  if (u->count == u->cap) {
    const unsigned cap = u->cap ? u->cap * 2 : 8;
    fsm_record *grown = fsm_arena_alloc(&u->scratch, cap * sizeof *grown);
    if (grown == NULL) return fsm__past_nomem(err);
    if (u->count > 0) memcpy(grown, u->records, u->count * sizeof *grown);
    u->records = grown;
    u->cap = cap;
  }
  fsm_code code = fsm__past_decode(&u->scratch, entry, &u->records[u->count], err);
  if (code == FSM_OK && u->records[u->count].kind != FSM_RECORD_REJECTED) u->count++;
  return code;
}

/* All that are kept, up to the end of the frame of `to`. */
static fsm_code walk(undo *u, uint64_t to, bool apply, fsm_error *err) {
  fsm__kept_walk records;
  fsm_code code = fsm__kept_find(u->kept, FSM__FIND_INSTANCE, u->id, u->first - 1, u->kept->at->core->seq + 1,
                                 &records, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    code = fsm__kept_next(&records, &entry, &found, err);
    if (code != FSM_OK || !found || (u->count == 0 && entry.seq > to)) break;
    code = fsm__past_look(&u->looked, u->id, err);
    if (code == FSM_OK) code = keep(u, &entry, err);
    if (code == FSM_OK && entry.frame_end) code = frame(u, apply, err);
    if (code == FSM_OK && entry.frame_end && to == u->moment && entry.seq > u->past->seq)
      u->past->seq = entry.seq; /* the moment was inside of this frame */
  }
  fsm__kept_end(&records);
  return code;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

/* Since when it is in a state that it was never out of is as it is now. */
static void known_since(undo *u, const fsm__instance *last) {
  for (unsigned i = 0; i < last->active_count; i++)
    for (unsigned k = 0; last->active[i].ns == UNKNOWN_NS && k < u->base.active_count; k++)
      for (unsigned n = 0; u->base.active[k].state == last->active[i].state && n < u->now->active_count; n++)
        if (u->now->active[n].state == last->active[i].state) u->base.active[k].ns = u->now->active[n].ns;
}

static fsm_code to_the_last(undo *u, fsm_error *err) {
  fsm__instance last;
  fsm_code code = walk(u, UINT64_MAX, false, err);
  if (code == FSM_OK && u->unknown == 0) u->told_from = u->now->last_seq; /* none names its states */
  u->unknown = u->looked = 0;
  if (code == FSM_OK) code = put_base(u, err);
  if (code == FSM_OK) code = walk(u, UINT64_MAX, true, err);
  if (code == FSM_OK)
    code =
        fsm__instance_load(u->past->store, u->past->core.catalog, u->number, u->kept->at->arena, &last, err);
  if (code == FSM_OK) known_since(u, &last);
  uint64_t taken = 0;
  if (code == FSM_OK) code = fsm__past_consumed(u->kept, u->id, u->first, u->moment, &taken, err);
  if (taken > u->told_from) u->told_from = taken;
  return code;
}

static fsm_code to_the_moment(undo *u, fsm_error *err) {
  u->looked = 0;
  fsm_code code = fsm__past_renew(u->kept->at, u->past, err);
  if (code == FSM_OK) code = put_base(u, err);
  if (code == FSM_OK) code = walk(u, u->moment, true, err);
  if (code == FSM_OK)
    code = fsm__instance_load(u->past->store, u->past->core.catalog, u->number, u->kept->at->arena,
                              &u->past->in, err);
  return code == FSM_OK ? fsm__past_context_before(u->kept, u->id, u->first, u->past->seq, u->hash,
                                                   &u->now->context, &u->past->in.context, err)
                        : code;
}

fsm_code fsm__past_undo(fsm__kept *kept, const char *id, uint64_t number, uint64_t first,
                        const fsm__instance *now, fsm__past *past, uint64_t *told_from, fsm_error *err) {
  undo u = {.past = past,
            .kept = kept,
            .id = id,
            .number = number,
            .moment = past->seq,
            .now = now,
            .first = first,
            .seen = {.arena = kept->at->arena}};
  fsm_error fault = {.text = ""};
  fsm_arena_init(&u.scratch, 0);
  fsm_code code = fsm__past_renew(kept->at, past, &fault);
  if (code == FSM_OK) code = to_the_last(&u, &fault);
  const bool told = code == FSM_OK && u.moment >= u.told_from;
  if (told) code = to_the_moment(&u, &fault);
  fsm_arena_free(&u.scratch);
  /* A record that does not fit what it stands on: that is not what there was. */
  *told_from = code == FSM_OK && u.told_from > 0 ? u.told_from : now->last_seq;
  if (code == FSM_OK && told) return FSM_OK;
  if (code == FSM_OK || code == FSM_ECORRUPT) return FSM_ENOTFOUND;
  return fsm_fail(err, code, fault.where, "%s", fault.text);
}
