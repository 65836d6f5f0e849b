/* filter_candidates.c: the index that makes a list short: records of a user, correlation or trace; business
 * keys of open instances; the states. An index is read up to a bound; one that is longer is no help, and the
 * rows are scanned. */
#include <stdlib.h>
#include <string.h>

#include "runtime/filter_sieve.h"

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

void fsm__candidates_sort(fsm__candidates *candidates) {
  size_t kept = 0;
  if (candidates->count > 1) qsort(candidates->at, candidates->count, sizeof *candidates->at, ascending);
  for (size_t i = 0; i < candidates->count; i++)
    if (kept == 0 || candidates->at[kept - 1] != candidates->at[i])
      candidates->at[kept++] = candidates->at[i];
  candidates->count = kept;
}

static fsm_code room(fsm__sieve *sieve, fsm__candidates *out, fsm_error *err) {
  out->count = 0;
  if (out->at == NULL) out->at = fsm_arena_alloc(sieve->at->arena, FSM__CANDIDATES_MAX * sizeof *out->at);
  return out->at != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
}

/* ---- the journal -------------------------------------------------------------------------------- */

/* What an instance was made under stands in its row, also when that record is not kept any more. */
static bool tells_all(const fsm__sieve *sieve, const fsm__touched *touched) {
  return touched->text != NULL && touched->whole &&
         (touched->what != FSM__FIND_CORRELATION || fsm__journal_first_seq(sieve->at->core->journal) == 1);
}

static fsm_code from_journal(fsm__sieve *sieve, fsm__candidates *out, fsm_error *err) {
  const fsm__touched *best = NULL;
  for (unsigned i = 0; i < FSM__TOUCHED_BY; i++)
    if (tells_all(sieve, &sieve->touched[i]) && (best == NULL || sieve->touched[i].count < best->count))
      best = &sieve->touched[i];
  if (best == NULL) return FSM_OK;
  fsm_code code = room(sieve, out, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < best->count; i++) out->at[out->count++] = best->at[i].number;
  out->some = true;
  return FSM_OK;
}

/* ---- rows of an index --------------------------------------------------------------------------- */

/* Adds the numbers of all rows with the prefix; *fits false: they are too many. A row's number is its value,
 * or the end of its key. */
static fsm_code add_rows(fsm__sieve *sieve, fsm__table table, const fsm__key *prefix, fsm__candidates *out,
                         bool *fits, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, sieve->at->core->store, table, prefix->bytes, prefix->len);
  while (*fits && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    bool in_key = table == FSM_T_BY_STATE;
    if (in_key ? row.key_len != 24 : row.value_len != 8) continue;
    *fits = out->count < FSM__CANDIDATES_MAX && out->count < sieve->look_max;
    if (*fits) out->at[out->count++] = fsm__key_read_u64(in_key ? (const uint8_t *)row.key + 16 : row.value);
  }
  fsm__range_close(&range);
  return code;
}

/* Do all that match have a row in `keys`, which has the open ones? */
static bool only_open(const fsm_filter *filter) {
  const uint32_t open = 1u << FSM_RUNNING | 1u << FSM_PAUSED | 1u << FSM_INCIDENT;
  for (unsigned i = 0; i < filter->status_count; i++)
    if ((filter->statuses[i] & ~open) == 0) return true;
  return false;
}

static fsm_code from_keys(fsm__sieve *sieve, fsm__candidates *out, fsm_error *err) {
  const fsm_filter *filter = sieve->filter;
  const fsm__deployed *newest = NULL;
  bool fits = true;
  if (filter->key == NULL || *filter->key_begin == 0 || strlen(filter->key_begin) > FSM_KEY_MAX ||
      !only_open(filter))
    return FSM_OK;
  fsm_code code = room(sieve, out, err);
  for (unsigned i = 0; code == FSM_OK && fits; i++) {
    newest = fsm__catalog_newest(sieve->at->core->catalog, i);
    if (newest == NULL) break;
    if (sieve->machine != 0 && newest->number != sieve->machine) continue;
    const fsm__key prefix = fsm__key_business(newest->number, filter->key_begin);
    code = add_rows(sieve, FSM_T_KEYS, &prefix, out, &fits, err);
  }
  out->some = code == FSM_OK && fits;
  return code;
}

/* ---- states ------------------------------------------------------------------------------------- */

typedef struct place {
  uint32_t machine, name;
} place;

typedef struct places {
  place at[64];
  unsigned count;
  bool fits;
} places;

static void add_place(places *all, place one) {
  for (unsigned i = 0; i < all->count; i++)
    if (all->at[i].machine == one.machine && all->at[i].name == one.name) return;
  all->fits = all->count < sizeof all->at / sizeof all->at[0];
  if (all->fits) all->at[all->count++] = one;
}

/* Who is in a state is in those around it, so the outermost that are wanted have all rows. */
static fsm_code add_places(fsm__sieve *sieve, const fsm__deployed *deployed, places *all, fsm_error *err) {
  fsm_code code = fsm__catalog_need(sieve->at->core->catalog, deployed, err);
  if (code != FSM_OK) return code;
  const fsm_machine *machine = deployed->machine;
  for (unsigned s = 1; s < fsm_machine_states(machine) && all->fits; s++) {
    unsigned parent = fsm_state_parent(machine, s);
    if (fsm__state_matches(fsm_state_path(machine, s), sieve->filter->state) &&
        (parent == 0 || !fsm__state_matches(fsm_state_path(machine, parent), sieve->filter->state)))
      add_place(all, (place){deployed->number, deployed->names[s]});
  }
  return FSM_OK;
}

static fsm_code from_states(fsm__sieve *sieve, fsm__candidates *out, fsm_error *err) {
  places all = {.fits = true};
  bool fits = true;
  if (sieve->filter->state == NULL) return FSM_OK;
  fsm_code code = room(sieve, out, err);
  for (unsigned i = 0; code == FSM_OK && all.fits; i++) {
    const fsm__deployed *newest = fsm__catalog_newest(sieve->at->core->catalog, i);
    if (newest == NULL) break;
    if (sieve->machine != 0 && newest->number != sieve->machine) continue;
    for (uint32_t v = newest->version; v >= 1 && code == FSM_OK && all.fits; v--) {
      const fsm__deployed *d = fsm__catalog_at(sieve->at->core->catalog, newest->number, v);
      if (d != NULL) code = add_places(sieve, d, &all, err);
    }
  }
  for (unsigned i = 0; i < all.count && code == FSM_OK && all.fits && fits; i++) {
    fsm__key prefix = {.len = 0};
    fsm__key_u32(&prefix, all.at[i].machine);
    fsm__key_u32(&prefix, all.at[i].name);
    code = add_rows(sieve, FSM_T_BY_STATE, &prefix, out, &fits, err);
  }
  out->some = code == FSM_OK && all.fits && fits;
  return code;
}

fsm_code fsm__candidates_find(fsm__sieve *sieve, bool by_state, fsm__candidates *out, fsm_error *err) {
  *out = (fsm__candidates){.count = 0};
  fsm_code code = from_journal(sieve, out, err);
  if (code == FSM_OK && !out->some) code = from_keys(sieve, out, err);
  if (code == FSM_OK && !out->some && by_state) code = from_states(sieve, out, err);
  if (code == FSM_OK && out->some) fsm__candidates_sort(out);
  return code;
}
