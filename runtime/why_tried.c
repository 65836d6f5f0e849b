/* why_tried.c: what was tried and refused, and who is known from an instance's history.
 *
 * Refusals have rows of their own, by seq; the last ones are looked for from the end, in steps that grow, so
 * that an instance that was refused a million times costs no more. What was refused together (over the rate
 * of an actor) names no instance: why_summed.c. Records that are not kept any more are left out. */
#include <string.h>

#include "runtime/why.h"

typedef struct last {
  uint64_t seqs[FSM_WHY_TRIED_MAX]; /* a ring */
  unsigned count;                   /* all that were met */
} last;

/* Rows of refusals from seq on, up to (not including) `to`. */
static fsm_code meet(const fsm__why *why, uint64_t from, last *out, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(why->in.number, 'r', NULL, 0);
  fsm__key key = prefix;
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__key_u64(&key, from);
  out->count = 0;
  fsm__range_open(&range, why->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  fsm__range_from(&range, key.bytes, key.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found)
    if (row.key_len == 17)
      out->seqs[out->count++ % FSM_WHY_TRIED_MAX] = fsm__key_read_u64((const uint8_t *)row.key + 9);
  fsm__range_close(&range);
  return code;
}

static fsm_code find_last(const fsm__why *why, last *out, fsm_error *err) {
  const uint64_t end = why->at->core->seq, begin = why->in.created_seq;
  for (uint64_t back = 4096;; back *= 16) {
    const uint64_t from = back < end && end - back > begin ? end - back : begin;
    fsm_code code = meet(why, from, out, err);
    if (code != FSM_OK || out->count >= FSM_WHY_TRIED_MAX || from == begin) return code;
  }
}

/* ---- people -------------------------------------------------------------------------------------- */

static const char *text_in(const fsm__why *why, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_is(map, FSM_MAP) ? fsm_map_get(map, name) : NULL;
  if (value == NULL || !fsm_is(value, FSM_STRING) || value->len == 0) return NULL;
  return fsm_arena_strndup(why->arena, value->s, value->len);
}

void fsm__why_know(fsm__why *why, const fsm_value *actor, const fsm_value *shown) {
  const char *name = text_in(why, shown, "sub");
  if (name == NULL || why->people_count == FSM_WHY_PEOPLE_MAX) return;
  for (unsigned i = 0; i < why->people_count; i++)
    if (strcmp(why->people[i].name, name) == 0) return;
  why->people[why->people_count++] = (fsm__why_person){.name = name, .actor = *actor};
}

void fsm__why_know_configured(fsm__why *why, const fsm__person *person) {
  const char *name = text_in(why, &person->shown, "sub");
  const unsigned count = why->people_count, first = fsm_is(&why->at->query->actor, FSM_MAP);
  if (name == NULL) return;
  fsm__why_know(why, &person->actor, &person->shown);
  if (why->people_count > count) why->people[count].unseen = person->seq == 0;
  for (unsigned i = first; i < count; i++)
    if (strcmp(why->people[i].name, name) == 0) why->people[i].actor = person->actor;
}

static fsm_code read_record(fsm__why *why, fsm__journal_cursor *cursor, uint64_t seq, fsm_record *out,
                            bool *there, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_code code = fsm__journal_read(cursor, seq, &entry, err);
  *there = code == FSM_OK;
  if (code == FSM_ENOTFOUND) return FSM_OK; /* not kept any more */
  return code == FSM_OK ? fsm__query_decode(why->at, &entry, true, out, err) : code;
}

/* Its changes, the last ones, for who made them; and what an operator said of the last one. */
static fsm_code read_chain(fsm__why *why, fsm__journal_cursor *cursor, fsm_error *err) {
  uint64_t seq = why->in.last_seq;
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < FSM_WHY_CHAIN_MAX && seq > 0 && code == FSM_OK; i++) {
    fsm_record record;
    bool there = false;
    code = read_record(why, cursor, seq, &record, &there, err);
    if (code != FSM_OK || !there) break;
    fsm__why_know(why, &record.act, &record.act);
    const bool tells = record.kind == FSM_RECORD_PAUSED || record.kind == FSM_RECORD_CANCELLED;
    if (why->by == NULL && tells) {
      why->by = text_in(why, &record.act, "sub");
      why->reason = text_in(why, &record.detail, "reason");
    }
    if (record.iprev >= seq)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "seq %llu links forward", (unsigned long long)seq);
    seq = record.iprev;
  }
  return code;
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static fsm_code add_refusal(fsm__why *why, const fsm_record *record, fsm__items *items, fsm_error *err) {
  fsm__document one = {.arena = why->arena};
  fsm_value view;
  fsm__document_put(&one, "seq", fsm_int((int64_t)record->seq));
  fsm__document_time(&one, "time", record->time_ns);
  fsm__document_text(&one, "event", record->trigger != NULL && *record->trigger ? record->trigger : NULL);
  fsm__document_text(&one, "by", text_in(why, &record->act, "sub"));
  fsm__document_text(&one, "reason", record->reason);
  fsm__document_text(&one, "text", text_in(why, &record->detail, "text"));
  fsm_code code = fsm__document_map(&one, &view, err);
  if (code == FSM_OK) fsm__items_add(items, view);
  return code;
}

static fsm_code read_refusals(fsm__why *why, fsm__journal_cursor *cursor, fsm_error *err) {
  last met = {.count = 0};
  fsm__items items = {.arena = why->arena};
  fsm_code code = find_last(why, &met, err);
  const unsigned shown = met.count < FSM_WHY_TRIED_MAX ? met.count : FSM_WHY_TRIED_MAX;
  for (unsigned i = 0; i < shown && code == FSM_OK; i++) {
    fsm_record record;
    bool there = false;
    code = read_record(why, cursor, met.seqs[(met.count - 1 - i) % FSM_WHY_TRIED_MAX], &record, &there, err);
    if (code != FSM_OK || !there) continue;
    fsm__why_know(why, &record.act, &record.act);
    code = add_refusal(why, &record, &items, err);
  }
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  why->tried = fsm_list(items.items, items.count);
  return code;
}

fsm_code fsm__why_history(fsm__why *why, fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  why->people = fsm_arena_zalloc(why->arena, FSM_WHY_PEOPLE_MAX, sizeof *why->people);
  if (why->people == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__journal_cursor_open(why->at->core->journal, why->in.last_seq, &cursor, err);
  if (code != FSM_OK) return code;
  const fsm_value *asks = &why->at->query->actor;
  if (fsm_is(asks, FSM_MAP)) fsm__why_know(why, asks, asks);
  code = read_refusals(why, cursor, err);
  if (code == FSM_OK) code = read_chain(why, cursor, err);
  fsm__journal_cursor_close(cursor);
  return code;
}
