/* query_row_who.c: who may send an instance one of the events that it takes: anybody, or those people that
 * are known and pass one of its `allow`. */
#include <string.h>

#include "runtime/query_row_impl.h"

typedef struct askers {
  fsm__items allows;
  bool anybody;
  bool *may; /* of each known person */
} askers;

static void add_allows(const fsm_machine *machine, unsigned transition, askers *all) {
  fsm_allow allows[FSM_ALLOWS_MAX];
  const unsigned count = fsm_transition_allows(machine, transition, allows);
  if (count == 0) all->anybody = true;
  for (unsigned i = 0; i < count && all->allows.count < FSM__ROW_ALLOWS_MAX; i++) {
    bool there = false;
    for (unsigned j = 0; j < all->allows.count; j++)
      there = there || fsm_is_text(&all->allows.items[j], allows[i].text);
    if (!there) fsm__items_add(&all->allows, fsm_string(allows[i].text));
  }
}

static fsm_code ask_people(fsm__sieve *sieve, const fsm__instance *in, const fsm__mobility *m,
                           unsigned transition, askers *all, fsm_error *err) {
  const unsigned room = sieve->people.count;
  unsigned *who = fsm_arena_alloc(sieve->at->arena, (room + 1) * sizeof *who), count = 0, total = 0;
  if (who == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__who_may(in, &m->snapshot, transition, &sieve->people, sieve->at->arena, room, who,
                               &count, &total, err);
  for (unsigned i = 0; i < count; i++) all->may[who[i]] = true;
  return code;
}

/* As its own machine and that of the record that they were seen in show them. */
static fsm_value name_of(const fsm__sieve *sieve, const fsm__instance *in, const fsm__person *person) {
  const fsm_value *sub = fsm_map_get(&person->shown, "sub");
  if (sub == NULL || !fsm_is(sub, FSM_STRING) || fsm_mask_hides(fsm__query_mask(sieve->at, in), "sub", 3))
    return fsm_string(FSM_MASKED);
  return *sub;
}

static void put_people(const fsm__sieve *sieve, const fsm__instance *in, const askers *all,
                       fsm__document *map) {
  fsm__items names = {.arena = map->arena};
  unsigned total = 0;
  for (unsigned i = 0; i < sieve->people.count; i++) {
    if (!all->may[i] || ++total > FSM__ROW_PEOPLE_MAX) continue;
    fsm__items_add(&names, name_of(sieve, in, &sieve->people.at[i]));
  }
  fsm__row_list(map, "people", &names);
  if (total > FSM__ROW_PEOPLE_MAX)
    fsm__document_put(map, "more", fsm_int((int64_t)total - FSM__ROW_PEOPLE_MAX));
}

fsm_code fsm__row_who(fsm__sieve *sieve, const fsm__instance *in, const fsm__mobility *m, fsm__document *d,
                      fsm_error *err) {
  askers all = {.allows = {.arena = d->arena}};
  fsm__document map = {.arena = d->arena};
  fsm_code code = fsm__sieve_people(sieve, err);
  if (code == FSM_OK) all.may = fsm_arena_zalloc(d->arena, sieve->people.count + 1, sizeof *all.may);
  if (code == FSM_OK && all.may == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  for (unsigned i = 0; i < m->prospects.count && code == FSM_OK; i++)
    add_allows(in->deployed->machine, m->prospects.transitions[i], &all);
  for (unsigned i = 0; i < m->prospects.count && code == FSM_OK && !all.anybody; i++)
    code = ask_people(sieve, in, m, m->prospects.transitions[i], &all, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&map, "anybody", fsm_bool(all.anybody || m->prospects.whatever));
  if (all.allows.count > 0) fsm__row_list(&map, "allow", &all.allows);
  if (all.allows.count > 0 && !all.anybody) put_people(sieve, in, &all, &map);
  fsm__row_map(d, "who", &map);
  return FSM_OK;
}
