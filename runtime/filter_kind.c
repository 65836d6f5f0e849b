/* filter_kind.c: which kinds (filter.h) an instance is. What its row tells by itself first; an instance is
 * built, and what is pending read, only when its state does not say that it can be moved. */
#include "runtime/filter_sieve.h"

fsm_code fsm__sieve_people(fsm__sieve *sieve, fsm_error *err) {
  if (sieve->people_read) return FSM_OK;
  fsm_code code = fsm__people_known(sieve->at->core, sieve->at->arena, &sieve->people, err);
  sieve->people_read = code == FSM_OK;
  return code;
}

static bool is_free(const fsm__glance *g, const uint8_t *marks) {
  for (unsigned i = 0; i < g->active_count; i++)
    if (marks[g->active[i].state] & FSM__MARK_FREE) return true;
  return false;
}

/* ---- silence ----------------------------------------------------------------------------------------- */

/* Is there a refusal of it at or behind seq? */
static fsm_code refused_since(const fsm__sieve *sieve, uint64_t number, uint64_t seq, bool *refused,
                              fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(number, 'r', NULL, 0);
  fsm__key from = prefix;
  fsm__range range;
  fsm__row row;
  fsm__key_u64(&from, seq);
  fsm__range_open(&range, sieve->at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  fsm__range_from(&range, from.bytes, from.len);
  fsm_code code = fsm__range_next(&range, &row, refused, err);
  fsm__range_close(&range);
  return code;
}

/* The seq of its newest refusal; 0 = it has none. */
static fsm_code newest_refusal(const fsm__sieve *sieve, uint64_t number, uint64_t *seq, fsm_error *err) {
  uint64_t low = 0, high = sieve->at->core->seq + 1; /* there is one at or behind low, none behind high */
  bool refused = false;
  *seq = 0;
  fsm_code code = refused_since(sieve, number, 1, &refused, err);
  if (code != FSM_OK || !refused) return code;
  while (low + 1 < high && code == FSM_OK) {
    const uint64_t middle = low + (high - low) / 2;
    code = refused_since(sieve, number, middle, &refused, err);
    if (refused)
      low = middle;
    else
      high = middle;
  }
  *seq = low;
  return code;
}

/* A record that is not kept any more is older than any that is asked for. */
static fsm_code time_of(const fsm__sieve *sieve, uint64_t seq, fsm_arena *scratch, int64_t *ns,
                        fsm_error *err) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record record;
  *ns = INT64_MIN;
  fsm_code code = fsm__journal_cursor_open(sieve->at->core->journal, seq, &cursor, err);
  if (code == FSM_OK) code = fsm__journal_read(cursor, seq, &entry, err);
  if (code == FSM_OK) code = fsm_record_decode(scratch, entry.record.data, entry.record.len, &record, err);
  if (code == FSM_OK) *ns = record.time_ns;
  fsm__journal_cursor_close(cursor);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code is_silent(fsm__sieve *sieve, const fsm__glance *g, const fsm__pending *pending,
                          fsm_arena *scratch, bool *silent, fsm_error *err) {
  const int64_t until = sieve->now_ns - sieve->filter->for_least_ns;
  uint64_t refusal = 0;
  int64_t refused_ns = INT64_MIN;
  *silent = false;
  if (fsm__pending_any(pending) || g->updated_ns > until) return FSM_OK;
  fsm_code code = newest_refusal(sieve, g->number, &refusal, err);
  if (code == FSM_OK && refusal > 0) {
    sieve->looked += FSM__LOOK_JOURNAL;
    code = time_of(sieve, refusal, scratch, &refused_ns, err);
  }
  *silent = refused_ns <= until;
  return code;
}

/* ---- kinds ------------------------------------------------------------------------------------------- */

static fsm_code by_mobility(fsm__sieve *sieve, const fsm__glance *g, uint32_t wanted, fsm_arena *scratch,
                            uint32_t *kinds, fsm_error *err) {
  const fsm__core *core = sieve->at->core;
  fsm__instance in;
  fsm__mobility mobility;
  bool orphan = false, silent = false;
  sieve->looked += FSM__LOOK_MOBILITY;
  fsm_code code = fsm__instance_load(core->store, core->catalog, g->number, scratch, &in, err);
  if (code == FSM_OK) code = fsm__mobility_of(core->store, &in, scratch, &mobility, err);
  if (code == FSM_OK && (wanted & FSM__KIND_ORPHAN) != 0) code = fsm__sieve_people(sieve, err);
  if (code == FSM_OK && (wanted & FSM__KIND_ORPHAN) != 0)
    code = fsm__is_orphan(&in, &mobility, &sieve->people, scratch, &orphan, err);
  if (code == FSM_OK && (wanted & FSM__KIND_SILENT) != 0)
    code = is_silent(sieve, g, &mobility.pending, scratch, &silent, err);
  if (code != FSM_OK) return code;
  if ((wanted & FSM__KIND_DEAD) != 0 && fsm__is_dead(&in, &mobility)) *kinds |= FSM__KIND_DEAD;
  if (orphan) *kinds |= FSM__KIND_ORPHAN;
  if (silent) *kinds |= FSM__KIND_SILENT;
  return FSM_OK;
}

fsm_code fsm__sieve_kinds(fsm__sieve *sieve, const fsm__glance *g, uint32_t wanted, fsm_arena *scratch,
                          uint32_t *kinds, fsm_error *err) {
  const uint8_t *marks = fsm__sieve_machine_of(sieve, g)->marks;
  *kinds = 0;
  if ((wanted & FSM__KIND_FAILED) != 0 && fsm__sieve_failed(g, marks)) *kinds |= FSM__KIND_FAILED;
  if (!fsm__status_open(g->status)) return FSM_OK;
  if ((wanted & FSM__KIND_SLA) != 0 &&
      fsm__sla_of(g->deployed, g->status, g->active, g->active_count, g->created_ns).due_ns <= sieve->now_ns)
    *kinds |= FSM__KIND_SLA;
  uint32_t rest = wanted & (FSM__KIND_ORPHAN | FSM__KIND_DEAD | FSM__KIND_SILENT);
  if (is_free(g, marks) || g->status == FSM_INCIDENT) rest &= FSM__KIND_SILENT;
  if (sieve->filter->for_least_ns == 0) rest &= ~(uint32_t)FSM__KIND_SILENT;
  if (rest == 0) return FSM_OK;
  if (rest == FSM__KIND_SILENT && g->updated_ns > sieve->now_ns - sieve->filter->for_least_ns) return FSM_OK;
  return by_mobility(sieve, g, rest, scratch, kinds, err);
}

/* ---- kinds of a state -------------------------------------------------------------------------------- */

/* Has the state or one around it an sla, or, where others run beside it, any? */
static bool has_sla(const fsm__deployed *d, unsigned state) {
  const int64_t *slas = fsm_definition_slas(d->definition);
  bool has = false, beside = false;
  for (unsigned s = state; slas != NULL; s = fsm_state_parent(d->machine, s)) {
    has |= slas[s] != 0;
    beside |= fsm_state_kind(d->machine, s) == FSM_PARALLEL;
    if (s == 0) break;
  }
  for (unsigned s = 0; beside && !has && s < fsm_machine_states(d->machine); s++) has = slas[s] != 0;
  return has;
}

/* Can whoever is in it be moved by anybody? */
static fsm_code anybody_moves(const fsm__sieve *sieve, const fsm__deployed *d, unsigned state, bool *is,
                              fsm_error *err) {
  uint8_t *free = fsm_arena_zalloc(sieve->at->arena, fsm_machine_states(d->machine), 1);
  if (free == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  fsm_foresee_free(d->machine, free);
  for (*is = free[state]; state != 0 && !*is; *is = free[state]) state = fsm_state_parent(d->machine, state);
  return FSM_OK;
}

/* The kinds that an instance in the leaf may be, as the machine has it: by its rows it may be fewer. */
static fsm_code kinds_of(const fsm__sieve *sieve, const fsm__deployed *d, unsigned state, uint64_t incidents,
                         uint32_t *out, fsm_error *err) {
  bool is = false;
  *out = FSM__KIND_SILENT;
  if (incidents > 0) *out |= FSM__KIND_FAILED;
  if (has_sla(d, state)) *out |= FSM__KIND_SLA;
  fsm_code code = anybody_moves(sieve, d, state, &is, err);
  if (!is) *out |= FSM__KIND_DEAD | FSM__KIND_ORPHAN;
  return code;
}

fsm_code fsm__sieve_may_be(const fsm__sieve *sieve, const fsm__deployed *d, unsigned state, bool *may,
                           fsm_error *err) {
  uint64_t incidents = 0;
  uint32_t kinds = 0;
  *may = true;
  if (sieve->kinds == 0) return FSM_OK;
  fsm_code code = fsm__counter_read(sieve->at->core->store, "incidents", &incidents, err);
  if (code == FSM_OK) code = kinds_of(sieve, d, state, incidents, &kinds, err);
  for (unsigned i = 0; i < sieve->filter->kind_count; i++)
    if ((sieve->filter->kinds[i] & kinds) == 0) *may = false;
  return code;
}
