/* query_actors.c: who acts: FSM_QUERY_ACTORS. */
#include <string.h>

#include "runtime/people.h"
#include "runtime/query.h"

static fsm_code view_of(const fsm__reading *at, const fsm__person *person, fsm_value *out, fsm_error *err) {
  static const char *const names[] = {"type", "sub", "iss", "roles"};
  fsm__document d = {.arena = at->arena};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const fsm_value *value = fsm_map_get(&person->shown, names[i]);
    if (value != NULL && !fsm_is(value, FSM_NULL)) fsm__document_put(&d, names[i], *value);
  }
  if (person->configured) fsm__document_put(&d, "configured", fsm_bool(true));
  if (person->seq != 0) {
    fsm__document_time(&d, "last", person->last_ns);
    fsm__document_put(&d, "seq", fsm_int((int64_t)person->seq));
  }
  return fsm__document_map(&d, out, err);
}

/* `after` is the seq of the last one of the page before, as they come in falling order of it, or 0.N: of
 * those who were not seen, which come last, the entry. */
static fsm_code read_after(const char *after, uint64_t *seq, uint64_t *entry, fsm_error *err) {
  *seq = UINT64_MAX;
  *entry = 0;
  if (after == NULL) return FSM_OK;
  const bool behind = strncmp(after, "0.", 2) == 0;
  if (behind) *seq = 0;
  if (fsm__query_seq(behind ? after + 2 : after, behind ? entry : seq)) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", after);
}

static const char *place_of(fsm_arena *arena, const fsm__person *person) {
  return person->seq != 0 ? fsm_arena_printf(arena, "%llu", (unsigned long long)person->seq)
                          : fsm_arena_printf(arena, "0.%u", person->entry);
}

static bool is_behind(const fsm__person *person, uint64_t seq, uint64_t entry) {
  return person->seq != 0 ? person->seq < seq : person->entry > entry;
}

static fsm_code put_page(const fsm__reading *at, const fsm__people *people, fsm__document *d,
                         fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  uint64_t after, entry;
  const char *next = NULL;
  fsm_value view;
  if (read_after(at->query->after, &after, &entry, err) != FSM_OK) return err->code;
  for (unsigned i = 0; i < people->count; i++) {
    const fsm__person *person = &people->at[i];
    if (!is_behind(person, after, entry)) continue;
    if (items.count == at->query->limit) {
      next = place_of(at->arena, &people->at[i - 1]);
      if (next == NULL) d->failed = true;
      break;
    }
    fsm_code code = view_of(at, person, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, view);
  }
  d->failed |= items.failed;
  if (!items.failed) fsm__document_put(d, "items", fsm_list(items.items, items.count));
  fsm__document_put(d, "next", next != NULL ? fsm_string(next) : fsm_null());
  return FSM_OK;
}

fsm_code fsm__query_actors(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__people people;
  fsm__document d = {.arena = at->arena};
  fsm_code code = fsm__people_known(at->core, at->arena, &people, err);
  if (code == FSM_OK) code = put_page(at, &people, &d, err);
  if (code != FSM_OK) return code;
  if (people.cut) fsm__document_put(&d, "cut", fsm_bool(true));
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}
