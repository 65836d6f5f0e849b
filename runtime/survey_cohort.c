/* survey_cohort.c: see survey_cohort.h. The table is one of open addressing, and what is moved from one seq
 * to the next leaves no hole: what lies behind it moves up. */
#include "runtime/survey_cohort.h"

#include <stdlib.h>

enum { ROOM_FIRST = 1024 };

static fsm_code too_many(fsm_error *err) {
  return fsm_fail(err, FSM_ETOOLARGE, "since",
                  "more than %d instances were created in that time, or what is kept of them takes more than "
                  "%d MiB: take a shorter one",
                  FSM_COHORT_MAX, FSM_COHORT_BYTES_MAX / (1024 * 1024));
}

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a funnel"); }

fsm_code fsm__cohort_new(fsm_arena *arena, const char *machine, unsigned states, int64_t since_ns,
                         int64_t until_ns, fsm__cohort **out, fsm_error *err) {
  if (states >= FSM_COHORT_STATES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "machine", "a funnel has at most %d states, and %s has more",
                    FSM_COHORT_STATES_MAX, machine);
  fsm__cohort *c = fsm_arena_zalloc(arena, 1, sizeof *c);
  if (c == NULL) return nomem(err);
  *c = (fsm__cohort){.arena = arena, .machine = machine, .since_ns = since_ns, .until_ns = until_ns};
  c->words = states / 64 + 1;
  c->state = fsm_arena_zalloc(arena, c->words * 64, sizeof *c->state);
  if (c->state == NULL || !fsm__words_init(&c->states, arena, c->words * 64 - 1)) return nomem(err);
  *out = c;
  return FSM_OK;
}

void fsm__cohort_free(fsm__cohort *c) {
  if (c == NULL) return;
  free(c->created_ns);
  free(c->fate);
  free(c->sets);
  free(c->keys);
  free(c->values);
}

/* ---- who has this seq ----------------------------------------------------------------------------- */

static uint32_t home(const fsm__cohort *c, uint64_t seq) {
  return (uint32_t)((seq * 0x9e3779b97f4a7c15u) >> 32) & c->mask;
}

/* Its slot, or the free one where it belongs. */
static uint32_t slot_of(const fsm__cohort *c, uint64_t seq) {
  uint32_t slot = home(c, seq);
  while (c->values[slot] != 0 && c->keys[slot] != seq) slot = (slot + 1) & c->mask;
  return slot;
}

static void put(fsm__cohort *c, uint64_t seq, uint32_t value) {
  const uint32_t slot = slot_of(c, seq);
  c->keys[slot] = seq;
  c->values[slot] = value;
}

/* The value, taken out; 0 = nobody. */
static uint32_t take(fsm__cohort *c, uint64_t seq) {
  if (c->keys == NULL) return 0;
  uint32_t hole = slot_of(c, seq);
  const uint32_t value = c->values[hole];
  if (value == 0) return 0;
  for (uint32_t at = (hole + 1) & c->mask; c->values[at] != 0; at = (at + 1) & c->mask) {
    if (((at - home(c, c->keys[at])) & c->mask) < ((at - hole) & c->mask))
      continue; /* it is home behind it */
    c->keys[hole] = c->keys[at];
    c->values[hole] = c->values[at];
    hole = at;
  }
  c->values[hole] = 0;
  return value;
}

/* ---- room ----------------------------------------------------------------------------------------- */

static bool grow(void *at, size_t count, size_t size) {
  void *grown = realloc(*(void **)at, count * size);
  if (grown != NULL) *(void **)at = grown;
  return grown != NULL;
}

/* A table twice as large, and all that were in the one before. */
static bool grow_table(fsm__cohort *c, uint32_t slots) {
  const fsm__cohort before = *c;
  c->keys = malloc(slots * sizeof *c->keys);
  c->values = calloc(slots, sizeof *c->values);
  if (c->keys == NULL || c->values == NULL) {
    free(c->keys);
    free(c->values);
    c->keys = before.keys;
    c->values = before.values;
    return false;
  }
  c->mask = slots - 1;
  for (uint32_t i = 0; before.keys != NULL && i <= before.mask; i++)
    if (before.values[i] != 0) put(c, before.keys[i], before.values[i]);
  free(before.keys);
  free(before.values);
  return true;
}

static fsm_code room_for_one(fsm__cohort *c, fsm_error *err) {
  if (c->count < c->room) return FSM_OK;
  const uint32_t room = c->room == 0 ? ROOM_FIRST : c->room * 2;
  const size_t each = sizeof *c->created_ns + sizeof *c->fate + 2 * c->words * sizeof *c->sets +
                      2 * (sizeof *c->keys + sizeof *c->values);
  if (room > FSM_COHORT_MAX || room * each > FSM_COHORT_BYTES_MAX) return too_many(err);
  if (!grow(&c->created_ns, room, sizeof *c->created_ns) || !grow(&c->fate, room, sizeof *c->fate) ||
      !grow(&c->sets, (size_t)room * 2 * c->words, sizeof *c->sets) || !grow_table(c, room * 2))
    return nomem(err);
  c->room = room;
  return FSM_OK;
}

/* ---- records -------------------------------------------------------------------------------------- */

static uint64_t *reached_of(const fsm__cohort *c, uint32_t who) {
  return c->sets + (size_t)who * 2 * c->words;
}
static uint64_t *leaves_of(const fsm__cohort *c, uint32_t who) { return reached_of(c, who) + c->words; }

static fsm_code reach(fsm__cohort *c, uint32_t who, const fsm__record_facts *facts, fsm_error *err) {
  fsm__fact_list rest = facts->since;
  fsm_record_text path;
  uint64_t *reached = reached_of(c, who);
  while (fsm__fact_next(&rest, &path)) {
    const unsigned state = fsm__words_of(&c->states, 0, path);
    const uint64_t bit = (uint64_t)1 << state % 64;
    if (state == 0)
      return fsm_fail(err, FSM_ETOOLARGE, "machine", "the versions of %s have too many states for a funnel",
                      c->machine);
    if (reached[state / 64] & bit) continue;
    reached[state / 64] |= bit;
    c->state[state].reached++;
    if (!fsm__spread_add(&c->state[state].time, c->arena, facts->time_ns - c->created_ns[who]))
      return nomem(err);
  }
  uint64_t *leaves = leaves_of(c, who);
  memset(leaves, 0, c->words * sizeof *leaves);
  for (rest = facts->to; fsm__fact_next(&rest, &path);) {
    const unsigned state = fsm__words_of(&c->states, 0, path);
    leaves[state / 64] |= (uint64_t)1 << state % 64;
  }
  return FSM_OK;
}

static fsm_code create(fsm__cohort *c, const fsm__record_facts *facts, uint32_t *value, fsm_error *err) {
  *value = 0;
  if (facts->time_ns < c->since_ns || facts->time_ns >= c->until_ns ||
      !fsm__fact_same(facts->mach, fsm__text_of(c->machine)))
    return FSM_OK;
  fsm_code code = room_for_one(c, err);
  if (code != FSM_OK) return code;
  const uint32_t who = c->count++;
  c->created_ns[who] = facts->time_ns;
  c->fate[who] = FSM__STANDS;
  memset(reached_of(c, who), 0, 2 * c->words * sizeof *c->sets);
  *value = who + 1;
  return FSM_OK;
}

fsm_code fsm__cohort_add(fsm__cohort *c, const fsm__record_facts *facts, fsm_error *err) {
  uint32_t value = 0;
  if (facts->kind == FSM_RECORD_REJECTED || facts->inst.len == 0) return FSM_OK;
  fsm_code code = FSM_OK;
  if (facts->kind == FSM_RECORD_CREATED)
    code = create(c, facts, &value, err);
  else
    value = take(c, facts->iprev);
  if (code != FSM_OK || value == 0) return code;
  const uint32_t who = value - 1;
  if (facts->since.count > 0) code = reach(c, who, facts, err);
  switch (facts->kind) {
    case FSM_RECORD_COMPLETED: c->fate[who] = FSM__COMPLETED; break;
    case FSM_RECORD_CANCELLED: c->fate[who] = FSM__CANCELLED; break;
    case FSM_RECORD_INCIDENT_OPENED: c->fate[who] = FSM__IN_INCIDENT; break;
    case FSM_RECORD_INCIDENT_CLOSED: c->fate[who] = FSM__STANDS; break;
    default: break;
  }
  put(c, facts->seq, value);
  return code;
}

void fsm__cohort_settle(fsm__cohort *c) {
  c->created = c->count;
  for (uint32_t who = 0; who < c->count; who++) {
    const uint64_t *leaves = leaves_of(c, who);
    c->fates[c->fate[who]]++;
    for (unsigned w = 0; w < c->words; w++)
      for (uint64_t left = leaves[w]; left != 0; left &= left - 1)
        c->state[w * 64 + (unsigned)__builtin_ctzll(left)].here[c->fate[who]]++;
  }
}
