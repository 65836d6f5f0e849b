/* query_stats_standing.c: who stands where now, counted with the first request of a walk in the rows of the
 * seq that it ends at: one range of by_state, as counts and gauges do. Which states are leaves is as the
 * newest version of their machine has it, or the version of an instance that is there. */
#include <string.h>

#include "runtime/query_stats.h"

/* Its number in the newest version; -1: that has none, or is not to be had. */
int fsm__stats_newest(const fsm__reading *at, const char *machine, const char *path, const fsm_machine **of) {
  const fsm__deployed *newest = fsm__catalog_find(at->core->catalog, machine, 0);
  if (newest == NULL || fsm__catalog_need(at->core->catalog, newest, NULL) != FSM_OK) return -1;
  *of = newest->machine;
  return fsm_state_find(newest->machine, path, strlen(path));
}

/* instance: one that is in it. */
static bool is_leaf(const fsm__reading *at, const char *machine, const char *path, uint64_t instance) {
  const fsm_machine *of = NULL;
  fsm_arena scratch;
  fsm__instance in;
  bool leaf = false;
  int state = fsm__stats_newest(at, machine, path, &of);
  if (state >= 0) return fsm_state_is_leaf(of, (unsigned)state);
  fsm_arena_init(&scratch, 0);
  if (fsm__instance_load(at->core->store, at->core->catalog, instance, &scratch, &in, NULL) == FSM_OK) {
    state = fsm_state_find(in.deployed->machine, path, strlen(path));
    leaf = state >= 0 && fsm_state_is_leaf(in.deployed->machine, (unsigned)state);
  }
  fsm_arena_free(&scratch);
  return leaf;
}

/* The row of those rows; *out NULL: they are of no leaf, or there is no place. */
static fsm_code row_of(const fsm__reading *at, fsm__tally *tally, uint32_t machine, uint32_t name,
                       uint64_t instance, fsm__tally_state **out, fsm_error *err) {
  const fsm__deployed *newest = fsm__catalog_at(at->core->catalog, machine, 0);
  const char *path = NULL;
  *out = NULL;
  if (newest == NULL || name == 0) return FSM_OK;
  fsm_code code = fsm__name_text(at->core->store, name, at->arena, &path, err);
  if (code != FSM_OK || !is_leaf(at, newest->id, path, instance)) return code;
  *out = fsm__tally_state_of(tally, fsm__text_of(newest->id), fsm__text_of(path));
  if (*out == NULL) tally->cut = true;
  return FSM_OK;
}

fsm_code fsm__stats_standing(const fsm__reading *at, const fsm__survey *s, fsm_error *err) {
  fsm__tally *tally = s->tally;
  fsm__range range;
  fsm__row row;
  fsm__key prefix = {.len = 0};
  fsm__tally_state *state = NULL;
  bool found = false;
  uint32_t machine = 0, name = 0;
  fsm_code code = FSM_OK;
  if (tally->machine != NULL)
    fsm__key_u32(&prefix, fsm__catalog_find(at->core->catalog, tally->machine, 0)->number);
  fsm__range_open(&range, at->core->store, FSM_T_BY_STATE, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    const uint8_t *key = row.key;
    if (row.key_len != 24) continue;
    const uint32_t m = fsm__key_read_u32(key), n = fsm__key_read_u32(key + 4);
    if (m != machine || n != name) {
      code = row_of(at, tally, m, n, fsm__key_read_u64(key + 16), &state, err);
      machine = m, name = n;
    }
    if (code != FSM_OK) break;
    if (s->selection != NULL && !fsm__selection_has_number(s->selection, fsm__key_read_u64(key + 16)))
      continue;
    const int64_t since_ns = (int64_t)fsm__key_read_u64(key + 8);
    if (state != NULL && !fsm__spread_add(&state->standing, tally->arena, at->now_ns - since_ns)) {
      code = fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
      break;
    }
  }
  fsm__range_close(&range);
  return code;
}
