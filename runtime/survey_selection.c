/* survey_selection.c: see survey_selection.h. */
#include "runtime/survey_selection.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/query_changed.h"
#include "runtime/query_walk.h"

static fsm_code too_many(fsm_error *err) {
  return fsm_fail(
      err, FSM_ETOOLARGE, "",
      "the instances of this filter take too much memory: name a machine, a state or a shorter time");
}

/* ---- the set ---------------------------------------------------------------------------------------- */

static uint64_t *slot_of(const fsm__selection *s, uint64_t number) {
  const uint64_t block = number / FSM__SELECTION_BLOCK;
  if (block >= s->block_count || s->blocks[block] == NULL) return NULL;
  return &s->blocks[block][number % FSM__SELECTION_BLOCK];
}

bool fsm__selection_has_number(const fsm__selection *s, uint64_t number) {
  const uint64_t *slot = slot_of(s, number);
  return slot != NULL && *slot != 0;
}

static bool grow(fsm__selection *s, uint64_t block) {
  const size_t count = block + 1 > 2 * s->block_count ? (size_t)block + 1 : 2 * s->block_count;
  uint64_t **blocks = fsm_arena_zalloc(s->arena, count, sizeof *blocks);
  if (blocks == NULL) return false;
  if (s->block_count > 0) memcpy(blocks, s->blocks, s->block_count * sizeof *blocks);
  s->blocks = blocks;
  s->block_count = count;
  return true;
}

/* created: its seq, 0 = it does not pass. */
static fsm_code set(fsm__selection *s, uint64_t number, uint64_t created, fsm_error *err) {
  const uint64_t block = number / FSM__SELECTION_BLOCK;
  uint64_t *slot = slot_of(s, number);
  if (slot == NULL && created == 0) return FSM_OK;
  if (block >= s->block_count && !grow(s, block)) return too_many(err);
  if (s->blocks[block] == NULL)
    s->blocks[block] = fsm_arena_zalloc(s->arena, FSM__SELECTION_BLOCK, sizeof **s->blocks);
  if (s->blocks[block] == NULL) return too_many(err);
  slot = &s->blocks[block][number % FSM__SELECTION_BLOCK];
  s->count += (created != 0) - (*slot != 0);
  *slot = created;
  return FSM_OK;
}

fsm_code fsm__selection_has(fsm__selection *s, fsm__store *store, const char *id, size_t len, uint64_t seq,
                            bool *has, fsm_error *err) {
  char text[FSM_INSTANCE_ID_MAX + 1];
  uint64_t number = 0;
  *has = false;
  if (len == 0 || len > FSM_INSTANCE_ID_MAX) return FSM_OK;
  memcpy(text, id, len);
  text[len] = 0;
  fsm_code code = fsm__instance_number(store, text, &number, err);
  if (code == FSM_ENOTFOUND) {
    s->left++;
    return FSM_OK;
  }
  const uint64_t *slot = code == FSM_OK ? slot_of(s, number) : NULL;
  *has = slot != NULL && *slot != 0 && seq >= *slot;
  return code;
}

/* ---- deciding --------------------------------------------------------------------------------------- */

typedef struct deciding {
  const fsm__reading *at;
  fsm__sieve sieve;
  fsm__selection *out;
  fsm_arena scratch;
} deciding;

static fsm_code decide(deciding *d, const fsm__glance *glance, fsm_error *err) {
  bool passes = false;
  fsm_code code =
      fsm__sieve_test(&d->sieve, glance, fsm__sieve_since(&d->sieve, glance), &d->scratch, &passes, err);
  return code == FSM_OK ? set(d->out, glance->number, passes ? glance->created_seq : 0, err) : code;
}

static fsm_code walk(deciding *d, const fsm__candidates *candidates, fsm__stroll *stroll, fsm_error *err) {
  const unsigned look = d->at->query->look; /* in tests */
  const uint64_t most = look > 0 ? look : FSM__SELECTION_LOOKS;
  uint64_t looked = d->sieve.looked;
  fsm__glance glance;
  fsm__key place = {.len = 0};
  fsm_code code = fsm__stroll_open(&d->sieve, candidates, false, false, NULL, stroll, err);
  if (code != FSM_OK) return code;
  for (bool found = true; code == FSM_OK && found;) {
    fsm_arena_reset(&d->scratch);
    if (candidates == NULL && d->at->rows != NULL && d->sieve.looked - looked >= most) {
      fsm__stroll_close(stroll);
      code = fsm__query_renew(d->at, err);
      looked = d->sieve.looked;
      if (code == FSM_OK)
        code = fsm__stroll_open(&d->sieve, NULL, false, false, place.len > 0 ? &place : NULL, stroll, err);
      if (code != FSM_OK) return code;
    }
    code = fsm__stroll_next(stroll, &d->scratch, &glance, &place, &found, err);
    if (code == FSM_OK && found) code = decide(d, &glance, err);
  }
  fsm__stroll_close(stroll);
  return code;
}

/* Those that changed behind `began`, through the last view. */
static fsm_code settle(deciding *d, uint64_t began, fsm__numbers *changed, fsm_error *err) {
  bool few = true;
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < FSM__TOUCHED_BY && code == FSM_OK; i++)
    if (d->sieve.touched[i].text != NULL) code = fsm__touched_read(&d->sieve, &d->sieve.touched[i], err);
  if (code == FSM_OK) code = fsm__changed_since(d->at, began, changed, &few, err);
  if (code == FSM_OK && !few)
    return fsm_fail(err, FSM_EBUSY, "",
                    "instances change faster than they can be looked at: name a machine, "
                    "a state, a user or a key");
  fsm__numbers_sort(changed);
  for (size_t i = 0; i < changed->count && code == FSM_OK; i++) {
    fsm__glance glance;
    fsm_arena_reset(&d->scratch);
    code = fsm__sieve_load(&d->sieve, changed->at[i], &d->scratch, &glance, err);
    if (code == FSM_OK) code = decide(d, &glance, err);
  }
  return code;
}

fsm_code fsm__selection_make(const fsm__reading *at, const fsm_filter *filter, fsm_arena *arena,
                             fsm__selection **out, fsm_error *err) {
  deciding d = {.at = at, .out = fsm_arena_zalloc(arena, 1, sizeof **out)};
  fsm__stroll *stroll = fsm_arena_alloc(at->arena, sizeof *stroll);
  const uint64_t began = at->core->seq;
  fsm__candidates candidates;
  fsm__numbers changed = {.count = 0};
  if (d.out == NULL || stroll == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  d.out->arena = arena;
  fsm_code code = fsm__sieve_open(at, filter, at->now_ns, &d.sieve, err);
  if (code == FSM_OK) code = fsm__candidates_find(&d.sieve, true, &candidates, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&d.scratch, 0);
  code = walk(&d, candidates.some ? &candidates : NULL, stroll, err);
  if (code == FSM_OK && at->core->seq != began) code = settle(&d, began, &changed, err);
  fsm_arena_free(&d.scratch);
  free(changed.at);
  *out = d.out;
  return code;
}
