/* action_data.c: writing the context: assign, and SCXML's places.
 *
 * A context is immutable to everyone who has seen it; within one microstep an SCXML context, which no
 * expression can hold as a whole, is written where it stands once it has been copied. Its size is
 * known all the time, so that a loop over a small variable does not measure a large context each time.
 */
#include <stddef.h>
#include <string.h>

#include "fsm/step_impl.h"

/* ---- assign -------------------------------------------------------------------------------------- */

/* How a patch lies over the context: what is new, and how far it can make the context grow. */
typedef struct overlay {
  uint32_t fresh;   /* fields that the context does not have */
  uint32_t changed; /* fields that it has with another value */
  int64_t growth;   /* of the changed ones, in the bytes of fsm__value_size; INT64_MAX = past any bound */
} overlay;

static overlay compare_patch(const fsm_value *context, const fsm_value *patch) {
  overlay out = {0, 0, 0};
  for (uint32_t i = 0; i < patch->len; i++) {
    const fsm_value *value = &patch->pairs[i].value, *old = fsm_map_find(context, &patch->pairs[i].key);
    if (old == NULL) {
      out.fresh++;
      continue;
    }
    if (fsm_value_same(old, value)) continue;
    out.changed++;
    if (out.growth == INT64_MAX) continue;
    const int64_t own = fsm__value_size(value, FSM_CONTEXT_BYTES_MAX);
    if (own < 0 || fsm_value_depth(value) >= FSM_VALUE_DEPTH_MAX)
      out.growth = INT64_MAX;
    else
      out.growth += own - fsm__value_size(old, FSM_CONTEXT_BYTES_MAX);
  }
  return out;
}

/* The patch over a context that has all its fields already. */
static bool replace_fields(fsm_arena *arena, const fsm_value *context, const fsm_value *patch,
                           fsm_value *out) {
  fsm_pair *pairs = fsm_arena_alloc(arena, context->len * sizeof *pairs);
  if (pairs == NULL) return false;
  memcpy(pairs, context->pairs, context->len * sizeof *pairs);
  for (uint32_t i = 0; i < patch->len; i++) {
    const fsm_value *old = fsm_map_find(context, &patch->pairs[i].key);
    const fsm_pair *pair = (const fsm_pair *)((const char *)old - offsetof(fsm_pair, value));
    pairs[pair - context->pairs].value = patch->pairs[i].value;
  }
  *out = (fsm_value){.type = FSM_MAP, .len = context->len, .pairs = pairs};
  return true;
}

void fsm__context_replace(fsm__run *run, const fsm_value *context) {
  run->context_bytes = fsm__value_size(context, FSM_CONTEXT_BYTES_MAX);
  run->own_pairs = NULL;
  if (run->context_bytes < 0) {
    fsm__fault(run, FSM_ETOOLARGE);
    return;
  }
  run->context = *context;
  run->context_changed = true;
}

fsm_code fsm__action_assign(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value patch;
  fsm_code code = fsm__template_eval(run, action->value, &patch, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&patch, FSM_MAP))
    return fsm_fail(err, FSM_EEXPRESSION, "", "assign needs a map of context fields, not %s",
                    fsm_type_name((fsm_type)patch.type));
  run->assigned = true;
  const overlay over = compare_patch(&run->context, &patch);
  if (over.fresh + over.changed == 0) return FSM_OK;
  fsm_value merged;
  if (over.fresh > 0)
    code = fsm_map_merge(run->arena, &run->context, &patch, &merged);
  else if (!replace_fields(run->arena, &run->context, &patch, &merged))
    code = FSM_ENOMEM;
  if (code != FSM_OK) return fsm_fail(err, code, "", "the context cannot be merged");
  if (over.fresh > 0 || over.growth > 0) {
    fsm__context_replace(run, &merged);
    return FSM_OK;
  }
  if (run->context_bytes >= 0) run->context_bytes += over.growth; /* not larger than one that fitted */
  run->own_pairs = NULL;
  run->context = merged;
  run->context_changed = true;
  return FSM_OK;
}

/* base with one entry more or another. A merge with an empty map is the other one itself, so the entry must
 * last. */
static bool with_entry(fsm__run *run, const fsm_value *base, const fsm_value *key, const fsm_value *value,
                       fsm_value *out) {
  fsm_pair *pair = fsm_arena_alloc(run->arena, sizeof *pair);
  if (pair == NULL) return false;
  *pair = (fsm_pair){*key, *value};
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = pair};
  return fsm_map_merge(run->arena, base, &patch, out) == FSM_OK;
}

/* ---- one variable -------------------------------------------------------------------------------- */

/* The size of the context once old (NULL = none) has become value; false = past the bound. */
static bool measure(fsm__run *run, const char *name, const fsm_value *old, const fsm_value *value) {
  const int64_t most = FSM_CONTEXT_BYTES_MAX;
  fsm_value key = fsm_string(name);
  if (run->context_bytes < 0) run->context_bytes = fsm__value_size(&run->context, most);
  int64_t own = fsm__value_size(value, most), bytes = run->context_bytes;
  if (bytes < 0 || own < 0 || fsm_value_depth(value) >= FSM_VALUE_DEPTH_MAX) return false;
  bytes += own + (old == NULL ? fsm__value_size(&key, most) : -fsm__value_size(old, most));
  if (bytes > most) return false;
  run->context_bytes = bytes;
  return true;
}

static bool put(fsm__run *run, const char *name, const fsm_value *old, const fsm_value *value) {
  if (old == NULL) {
    const fsm_value key = fsm_string(name);
    fsm_value context;
    if (!with_entry(run, &run->context, &key, value, &context)) return false;
    run->context = context;
    run->own_pairs = NULL;
    return true;
  }
  const fsm_pair *pair = (const fsm_pair *)((const char *)old - offsetof(fsm_pair, value));
  const size_t place = (size_t)(pair - run->context.pairs);
  if (run->own_pairs == NULL || run->machine->dialect != FSM_SCXML) {
    run->own_pairs = fsm_arena_alloc(run->arena, run->context.len * sizeof *run->own_pairs);
    if (run->own_pairs == NULL) return false;
    memcpy(run->own_pairs, run->context.pairs, run->context.len * sizeof *run->own_pairs);
    run->context.pairs = run->own_pairs;
  }
  run->own_pairs[place].value = *value;
  return true;
}

void fsm__context_put(fsm__run *run, const char *name, const fsm_value *value) {
  const fsm_value *old = fsm_map_get(&run->context, name);
  run->assigned = true;
  if (old != NULL && fsm_value_same(old, value)) return;
  if (!measure(run, name, old, value)) {
    fsm__fault(run, FSM_ETOOLARGE);
  } else if (!put(run, name, old, value)) {
    fsm__fault(run, FSM_ENOMEM);
  }
  run->context_changed = true;
}

/* ---- places (SCXML 5.4) -------------------------------------------------------------------------- */

static fsm_code no_place(const fsm__location *place, const char *why, fsm_error *err) {
  return fsm_fail(err, FSM_EEXPRESSION, "", "cannot write \"%.120s\": %s", place->text, why);
}

static fsm_code set_in(fsm__run *run, const fsm__location *place, unsigned step, const fsm_value *base,
                       const fsm_value *value, fsm_value *out, fsm_error *err);

static fsm_code set_in_map(fsm__run *run, const fsm__location *place, unsigned step, const fsm_value *base,
                           const fsm_value *key, const fsm_value *value, fsm_value *out, fsm_error *err) {
  fsm_value inner = *value;
  if (step + 1 < place->count) {
    const fsm_value *old = fsm_map_find(base, key);
    if (old == NULL) return no_place(place, "a part of it is not there", err);
    fsm_code code = set_in(run, place, step + 1, old, value, &inner, err);
    if (code != FSM_OK) return code;
  }
  return with_entry(run, base, key, &inner, out) ? FSM_OK : fsm__step_no_memory(err);
}

static fsm_code set_in_list(fsm__run *run, const fsm__location *place, unsigned step, const fsm_value *base,
                            const fsm_value *key, const fsm_value *value, fsm_value *out, fsm_error *err) {
  bool number = fsm_is(key, FSM_INT) || fsm_is(key, FSM_UINT);
  if (!number || (fsm_is(key, FSM_INT) && key->i < 0) || key->u >= base->len)
    return no_place(place, "the index is not in the list", err);
  fsm_value *items = fsm_arena_alloc(run->arena, base->len * sizeof *items);
  if (items == NULL) return fsm__step_no_memory(err);
  memcpy(items, base->items, base->len * sizeof *items);
  *out = fsm_list(items, base->len);
  if (step + 1 < place->count)
    return set_in(run, place, step + 1, &base->items[key->u], value, &items[key->u], err);
  items[key->u] = *value;
  return FSM_OK;
}

static fsm_code set_in(fsm__run *run, const fsm__location *place, unsigned step, const fsm_value *base,
                       const fsm_value *value, fsm_value *out, fsm_error *err) {
  const fsm__place_step *s = &place->steps[step];
  fsm_value key;
  if (s->name != NULL) {
    key = fsm_string(s->name);
  } else {
    fsm_code code = fsm_expr_eval(s->expr, &run->scope, run->arena, &key, err);
    if (code != FSM_OK) return code;
  }
  if (fsm_is(base, FSM_MAP) && fsm_is(&key, FSM_STRING))
    return set_in_map(run, place, step, base, &key, value, out, err);
  if (fsm_is(base, FSM_LIST)) return set_in_list(run, place, step, base, &key, value, out, err);
  return no_place(place, "a part of it is no map or list with such an entry", err);
}

fsm_code fsm__location_set(fsm__run *run, const fsm__location *place, const fsm_value *value,
                           fsm_error *err) {
  if (place->root == NULL) return no_place(place, "it is no place", err);
  if (run->machine->dialect == FSM_SCXML && place->root[0] == '_')
    return no_place(place, "it is a system variable", err);
  const fsm_value *old = fsm_map_get(&run->context, place->root);
  if (old == NULL) return no_place(place, "it is not declared", err);
  fsm_value whole = *value;
  fsm_code code = place->count > 0 ? set_in(run, place, 0, old, value, &whole, err) : FSM_OK;
  if (code == FSM_OK) fsm__context_put(run, place->root, &whole);
  return code;
}

fsm_code fsm__action_set(fsm__run *run, const fsm__action *action, fsm_error *err) {
  fsm_value value;
  fsm_code code = fsm__template_eval(run, action->value, &value, err);
  return code == FSM_OK ? fsm__location_set(run, action->location, &value, err) : code;
}
