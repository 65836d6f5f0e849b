/* why_summed.c: refusals that were counted, not told one by one (refusals.h), and may be of this instance.
 *
 * Over the rate of an actor a refusal has no record of its own; a record of the sum names the machine and the
 * actor, and no instance. So it is only said that there are some, when, how many and whose, of those who were
 * refused here by a record of their own: the last FSM_WHY_SUMS_LOOKED records of each are looked at. What is
 * not written yet (10 s), and what nobody signed, is not known. */
#include <string.h>

#include "runtime/why.h"

typedef struct summing {
  fsm__why *why;
  fsm__items items;
  const char *names[FSM_WHY_SUMS_PEOPLE_MAX];
  unsigned name_count;
} summing;

static int64_t number_in(const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_is(map, FSM_MAP) ? fsm_map_get(map, name) : NULL;
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : 0;
}

/* Could one of them be of this instance? */
static bool may_be_ours(const fsm__why *why, const fsm_record *record) {
  return record->kind == FSM_RECORD_REJECTED && record->inst == NULL &&
         number_in(&record->detail, "count") > 0 &&
         number_in(&record->detail, "last") >= why->in.created_ns &&
         (record->mach == NULL || strcmp(record->mach, why->in.deployed->id) == 0);
}

static void add(summing *s, const fsm_record *record, const char *by) {
  fsm__document one = {.arena = s->why->arena};
  fsm_value view;
  fsm__document_put(&one, "seq", fsm_int((int64_t)record->seq));
  fsm__document_put(&one, "count", fsm_int(number_in(&record->detail, "count")));
  fsm__document_time(&one, "first", number_in(&record->detail, "first"));
  fsm__document_time(&one, "last", number_in(&record->detail, "last"));
  fsm__document_text(&one, "by", by);
  fsm__document_text(&one, "reason", record->reason);
  if (fsm__document_map(&one, &view, NULL) != FSM_OK)
    s->items.failed = true;
  else
    fsm__items_add(&s->items, view);
}

static fsm_code look_at(summing *s, const char *name, fsm_error *err) {
  const fsm__reading *at = s->why->at;
  const fsm__find wanted = {.texts = {[FSM__FIND_USER] = name},
                            .after = s->why->in.created_seq,
                            .before = at->core->seq + 1,
                            .descending = true};
  fsm__finder *finder = NULL;
  fsm__journal_entry entry;
  bool found = true;
  fsm_code code = fsm__journal_find(at->core->journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  for (unsigned i = 0; i < FSM_WHY_SUMS_LOOKED && s->items.count < FSM_WHY_SUMS_MAX && code == FSM_OK; i++) {
    fsm_record record;
    code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    code = fsm__query_decode(at, &entry, true, &record, err);
    if (code == FSM_OK && may_be_ours(s->why, &record)) add(s, &record, name);
  }
  fsm__finder_close(finder);
  return code;
}

/* Each who was refused here, once. */
static void add_name(summing *s, const fsm_value *by) {
  if (by == NULL || !fsm_is(by, FSM_STRING) || s->name_count == FSM_WHY_SUMS_PEOPLE_MAX) return;
  for (unsigned i = 0; i < s->name_count; i++)
    if (fsm_is_text(by, s->names[i])) return;
  const char *name = fsm_arena_strndup(s->why->arena, by->s, by->len);
  s->items.failed = s->items.failed || name == NULL;
  if (name != NULL) s->names[s->name_count++] = name;
}

fsm_code fsm__why_summed(fsm__why *why, fsm_error *err) {
  summing s = {.why = why, .items = {.arena = why->arena}};
  fsm_code code = FSM_OK;
  why->summed = fsm_list(NULL, 0);
  for (uint32_t i = 0; i < why->tried.len; i++) add_name(&s, fsm_map_get(&why->tried.items[i], "by"));
  for (unsigned i = 0; i < s.name_count && code == FSM_OK; i++) code = look_at(&s, s.names[i], err);
  if (code == FSM_OK && s.items.failed) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (code == FSM_OK) why->summed = fsm_list(s.items.items, s.items.count);
  return code;
}
