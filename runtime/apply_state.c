/* apply_state.c: the states, the history and the context of an instance, from `to`, `since`, `hist` and
 * `ctx`. */
#include "runtime/apply_impl.h"

#include <string.h>

#include "schema/pack.h"

static bool state_of(const fsm_machine *machine, const fsm_value *path, uint16_t *out) {
  if (!fsm_is(path, FSM_STRING)) return false;
  int state = fsm_state_find(machine, path->s, path->len);
  if (state < 0) return false;
  *out = (uint16_t)state;
  return true;
}

/* When a state that stays active was entered; the record's time for one that was not active before. */
static int64_t kept_since(const fsm__since *active, unsigned count, uint16_t state, int64_t otherwise) {
  for (unsigned i = 0; i < count; i++)
    if (active[i].state == state) return active[i].ns;
  return otherwise;
}

static bool listed(const uint16_t *states, unsigned count, unsigned state) {
  for (unsigned i = 0; i < count; i++)
    if (states[i] == state) return true;
  return false;
}

static bool read_states(const fsm_machine *machine, const fsm_value *list, uint16_t *out) {
  for (unsigned i = 0; i < list->len; i++)
    if (!state_of(machine, &list->items[i], &out[i])) return false;
  return true;
}

fsm_code fsm__apply_states(fsm__instance *in, const fsm_record *record, fsm_arena *arena, fsm_error *err) {
  if (!fsm_is(&record->to, FSM_LIST)) return FSM_OK;
  const fsm_machine *machine = in->deployed->machine;
  unsigned entered_count = fsm_is(&record->since, FSM_LIST) ? record->since.len : 0;
  uint16_t *leaves = fsm_arena_alloc(arena, (record->to.len + 1) * sizeof *leaves);
  uint16_t *entered = fsm_arena_alloc(arena, (entered_count + 1) * sizeof *entered);
  uint64_t *config = fsm_arena_zalloc(arena, fsm_machine_words(machine), sizeof *config);
  if (leaves == NULL || entered == NULL || config == NULL) return fsm__apply_nomem(err);
  if (!read_states(machine, &record->to, leaves) ||
      (entered_count > 0 && !read_states(machine, &record->since, entered)) ||
      !fsm_config_from_leaves(machine, leaves, record->to.len, config))
    return fsm__apply_bad(record, "names states that its machine does not have together", in->deployed->id,
                          err);
  unsigned count = 0, states = fsm_machine_states(machine);
  for (unsigned s = 0; s < states; s++) count += fsm_config_has(config, s);
  fsm__since *active = fsm_arena_alloc(arena, count * sizeof *active);
  if (active == NULL) return fsm__apply_nomem(err);
  unsigned n = 0;
  for (unsigned s = 0; s < states; s++) {
    if (!fsm_config_has(config, s)) continue;
    bool now = listed(entered, entered_count, s);
    int64_t ns =
        now ? record->time_ns : kept_since(in->active, in->active_count, (uint16_t)s, record->time_ns);
    active[n++] = (fsm__since){.state = (uint16_t)s, .ns = ns};
  }
  in->active = active;
  in->active_count = count;
  return FSM_OK;
}

/* Paths of states of the machine, nothing else. */
static bool recorded(const fsm_machine *machine, const fsm_value *paths) {
  uint16_t state;
  if (!fsm_is(paths, FSM_LIST)) return false;
  for (unsigned i = 0; i < paths->len; i++)
    if (!state_of(machine, &paths->items[i], &state)) return false;
  return true;
}

/* The map stands for all that was recorded before; an empty one says that nothing is. */
fsm_code fsm__apply_history(fsm__instance *in, const fsm_record *record, fsm_error *err) {
  if (!fsm_is(&record->hist, FSM_MAP)) return FSM_OK;
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < record->hist.len; i++) {
    const fsm_pair *pair = &record->hist.pairs[i];
    uint16_t state;
    if (fsm_is(&pair->key, FSM_STRING) && pair->key.len > 0 && pair->key.s[0] == '#')
      continue; /* the engine's own notes */
    if (!state_of(machine, &pair->key, &state) || fsm_state_kind(machine, state) != FSM_HISTORY ||
        !recorded(machine, &pair->value))
      return fsm__apply_bad(record, "recorded a history that its machine does not have", in->deployed->id,
                            err);
  }
  in->history = record->hist.len > 0 ? record->hist : fsm_null();
  return FSM_OK;
}

fsm_code fsm__context_hash(const fsm_value *context, fsm__hash *out, fsm_error *err) {
  fsm_buf buf = {0};
  fsm_code code = fsm_pack(&buf, context, err);
  if (code == FSM_OK && !fsm_buf_ok(&buf)) code = fsm__apply_nomem(err);
  if (code == FSM_OK) *out = fsm__sha256(buf.data, buf.len);
  fsm_buf_free(&buf);
  return code;
}

fsm_code fsm__apply_context(fsm__instance *in, const fsm_record *record, fsm_arena *arena, fsm_error *err) {
  if (!fsm_is(&record->ctx, FSM_MAP)) return FSM_OK;
  fsm_pair *pairs = fsm_arena_alloc(arena, (record->ctx.len + 1) * sizeof *pairs);
  if (pairs == NULL) return fsm__apply_nomem(err);
  for (unsigned i = 0; i < record->ctx.len; i++) {
    const fsm_pair *change = &record->ctx.pairs[i];
    if (!fsm_is(&change->value, FSM_LIST) || change->value.len < 1 || change->value.len > 2)
      return fsm__apply_bad(record, "has a context change that cannot be read", NULL, err);
    pairs[i] = (fsm_pair){.key = change->key, .value = change->value.items[change->value.len - 1]};
  }
  fsm_value patch = {.type = FSM_MAP, .len = record->ctx.len, .pairs = pairs}, merged;
  fsm_code code = fsm_map_merge(arena, &in->context, &patch, &merged);
  if (code != FSM_OK) return fsm__apply_nomem(err);
  in->context = merged;
  code = fsm__context_hash(&merged, &in->context_hash, err);
  if (code != FSM_OK) return code;
  if (record->ctxh != NULL && memcmp(record->ctxh, in->context_hash.bytes, FSM_HASH_BYTES) != 0)
    return fsm__apply_bad(record, "does not lead to the context whose hash it carries", NULL, err);
  return FSM_OK;
}

static bool has_since(const fsm__since *active, unsigned count, fsm__since wanted) {
  for (unsigned i = 0; i < count; i++)
    if (active[i].state == wanted.state) return active[i].ns == wanted.ns;
  return false;
}

void fsm__apply_index(fsm__store *store, const fsm__instance *in, const fsm__since *before,
                      unsigned before_count) {
  if (fsm__store_is_memory(store)) return;
  const fsm__deployed *deployed = in->deployed;
  const unsigned active_count = in->status == FSM_CANCELLED ? 0 : in->active_count; /* it stands nowhere */
  for (unsigned i = 0; i < before_count; i++) {
    if (before[i].state == 0 || has_since(in->active, active_count, before[i])) continue;
    fsm__key key =
        fsm__key_by_state(deployed->number, deployed->names[before[i].state], before[i].ns, in->number);
    fsm__dwell_meter_add(&deployed->dwell[before[i].state], in->updated_ns - before[i].ns);
    fsm__store_delete(store, FSM_T_BY_STATE, key.bytes, key.len);
  }
  for (unsigned i = 0; i < active_count; i++) {
    if (in->active[i].state == 0 || has_since(before, before_count, in->active[i])) continue;
    fsm__key key = fsm__key_by_state(deployed->number, deployed->names[in->active[i].state], in->active[i].ns,
                                     in->number);
    if (in->active[i].ns == in->updated_ns) /* of this very record: no row can have its time yet */
      fsm__store_put_new(store, FSM_T_BY_STATE, key.bytes, key.len, "", 0);
    else
      fsm__store_put(store, FSM_T_BY_STATE, key.bytes, key.len, "", 0);
  }
}

void fsm__apply_unindex(fsm__store *store, const fsm__instance *in) {
  for (unsigned i = 0; i < in->active_count; i++) {
    if (in->active[i].state == 0) continue;
    fsm__key key = fsm__key_by_state(in->deployed->number, in->deployed->names[in->active[i].state],
                                     in->active[i].ns, in->number);
    fsm__store_delete(store, FSM_T_BY_STATE, key.bytes, key.len);
  }
}
