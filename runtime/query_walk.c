/* query_walk.c: instances one after the other.
 *
 * Ranges only go upwards, so downwards they are read in blocks of numbers, each upwards. All reads are of a
 * view, whose rows stay where they are until it is closed. */
#include "runtime/query_walk.h"

#include <string.h>

static bool is_instance(const fsm__row *row) {
  return row->key_len == 9 && ((const char *)row->key)[8] == 's';
}

static void place_number(uint64_t number, fsm__key *place) {
  place->len = 0;
  fsm__key_u64(place, number);
}

/* ---- beginning ---------------------------------------------------------------------------------- */

/* How many of the list are still to come behind (before) a number. */
static size_t left_of(const fsm__candidates *list, bool downwards, uint64_t from) {
  size_t below = 0, upto = 0;
  for (; below < list->count && list->at[below] < from;) below++;
  upto = below + (below < list->count && list->at[below] == from);
  return downwards ? below : list->count - upto;
}

static void open_range(fsm__stroll *s, const fsm__key *from) {
  const bool by_id = s->how == FSM__WALK_IDS;
  fsm__range_open(&s->range, s->sieve->at->core->store, by_id ? FSM_T_IDS : FSM_T_INSTANCES, NULL, 0);
  if (from == NULL) return;
  fsm__key next = {.len = 0};
  fsm__key_add(&next, from->bytes + (by_id ? 9 : 0), from->len - (by_id ? 9 : 0));
  if (!by_id) fsm__key_add(&next, "s", 1); /* its own row, and then those of its timers */
  fsm__key_add(&next, "", 1);
  fsm__range_from(&s->range, next.bytes, next.len);
}

fsm_code fsm__stroll_open(fsm__sieve *sieve, const fsm__candidates *list, bool by_id, bool downwards,
                          const fsm__key *from, fsm__stroll *out, fsm_error *err) {
  uint64_t number = 0, newest = 0;
  out->sieve = sieve;
  out->list = list;
  out->downwards = downwards;
  out->in_block = 0;
  out->ended = false;
  if (from != NULL && (by_id ? from->len <= 9 || from->len > 9 + FSM_INSTANCE_ID_MAX : from->len != 8))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", sieve->at->query->after);
  if (from != NULL && !by_id) number = fsm__key_read_u64(from->bytes);
  if (list != NULL) {
    out->how = FSM__WALK_LIST;
    out->left = from == NULL ? list->count : left_of(list, downwards, number);
    return FSM_OK;
  }
  out->how = by_id ? FSM__WALK_IDS : downwards ? FSM__WALK_DOWN : FSM__WALK_UP;
  if (out->how != FSM__WALK_DOWN) {
    open_range(out, from);
    return FSM_OK;
  }
  fsm_code code = fsm__counter_read(sieve->at->core->store, "instance", &newest, err);
  out->below = from != NULL && number <= newest ? number : newest + 1;
  return code;
}

void fsm__stroll_close(fsm__stroll *s) {
  if (s->how == FSM__WALK_UP || s->how == FSM__WALK_IDS) fsm__range_close(&s->range);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static fsm_code next_up(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place, bool *found,
                        fsm_error *err) {
  fsm__row row;
  fsm_code code;
  for (;;) {
    code = fsm__range_next(&s->range, &row, found, err);
    if (code != FSM_OK || !*found) return code;
    s->sieve->looked++;
    if (is_instance(&row)) break;
  }
  uint64_t number = fsm__key_read_u64(row.key);
  place_number(number, place);
  return fsm__sieve_glance(s->sieve, number, row.value, row.value_len, scratch, out, err);
}

static fsm_code next_id(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place, bool *found,
                        fsm_error *err) {
  fsm__row row;
  fsm_code code = fsm__range_next(&s->range, &row, found, err);
  if (code != FSM_OK || !*found) return code;
  if (row.value_len != 8 || row.key_len > FSM_INSTANCE_ID_MAX)
    return fsm_fail(err, FSM_ECORRUPT, "store: ids", "a row is not the number of an instance");
  uint64_t number = fsm__key_read_u64(row.value);
  place_number(number, place); /* as a ranking has it: candidates are sorted by one */
  fsm__key_add(place, "", 1);
  fsm__key_add(place, row.key, row.key_len);
  return fsm__sieve_load(s->sieve, number, scratch, out, err);
}

/* The rows of the next numbers below, until there are some. */
static fsm_code read_block(fsm__stroll *s, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = true;
  fsm_code code = FSM_OK;
  while (s->in_block == 0 && s->below > 1 && code == FSM_OK && s->sieve->looked < s->sieve->look_max) {
    uint64_t first = s->below > FSM__WALK_BLOCK ? s->below - FSM__WALK_BLOCK : 1;
    fsm__key from;
    place_number(first, &from);
    fsm__range_open(&range, s->sieve->at->core->store, FSM_T_INSTANCES, NULL, 0);
    fsm__range_from(&range, from.bytes, from.len);
    while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
      uint64_t number = fsm__key_read_u64(row.key);
      if (number >= s->below) break;
      s->sieve->looked++;
      if (!is_instance(&row)) continue;
      s->block[s->in_block].number = number;
      s->block[s->in_block].value = row.value;
      s->block[s->in_block++].len = row.value_len;
    }
    fsm__range_close(&range);
    s->sieve->looked++;
    s->below = first;
  }
  return code;
}

static fsm_code next_down(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place, bool *found,
                          fsm_error *err) {
  fsm_code code = s->in_block == 0 ? read_block(s, err) : FSM_OK;
  *found = code == FSM_OK && s->in_block > 0;
  if (code == FSM_OK && !*found) place_number(s->below, place); /* what is above was looked at */
  if (!*found) return code;
  s->in_block--;
  uint64_t number = s->block[s->in_block].number;
  place_number(number, place);
  return fsm__sieve_glance(s->sieve, number, s->block[s->in_block].value, s->block[s->in_block].len, scratch,
                           out, err);
}

static fsm_code next_listed(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place,
                            bool *found, fsm_error *err) {
  *found = s->left > 0;
  if (!*found) return FSM_OK;
  uint64_t number = s->downwards ? s->list->at[s->left - 1] : s->list->at[s->list->count - s->left];
  s->left--;
  place_number(number, place);
  return fsm__sieve_load(s->sieve, number, scratch, out, err);
}

static fsm_code next(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place, bool *found,
                     fsm_error *err) {
  switch (s->how) {
    case FSM__WALK_LIST: return next_listed(s, scratch, out, place, found, err);
    case FSM__WALK_UP: return next_up(s, scratch, out, place, found, err);
    case FSM__WALK_IDS: return next_id(s, scratch, out, place, found, err);
    case FSM__WALK_DOWN: break;
  }
  return next_down(s, scratch, out, place, found, err);
}

fsm_code fsm__stroll_next(fsm__stroll *s, fsm_arena *scratch, fsm__glance *out, fsm__key *place, bool *found,
                          fsm_error *err) {
  *found = false;
  fsm_code code = fsm__query_wanted(s->sieve->at->query, err);
  if (code == FSM_OK) code = next(s, scratch, out, place, found, err);
  s->ended = code == FSM_OK && !*found && (s->how != FSM__WALK_DOWN || s->below <= 1);
  return code;
}
