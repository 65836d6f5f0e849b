/* expr_type.c: types as values: type(x), the names that denote them, and how they leave.
 *
 * A type exists only while an expression is evaluated: what comes out of one is data, and there a type
 * is its name.
 */
#include "fsm/expr_impl.h"

static const char *const names[] = {
    [FSM_NULL] = "null_type",
    [FSM_BOOL] = "bool",
    [FSM_INT] = "int",
    [FSM_UINT] = "uint",
    [FSM_DOUBLE] = "double",
    [FSM_STRING] = "string",
    [FSM_BYTES] = "bytes",
    [FSM_LIST] = "list",
    [FSM_MAP] = "map",
    [FSM_TIMESTAMP] = "google.protobuf.Timestamp",
    [FSM_DURATION] = "google.protobuf.Duration",
    [FSM__TYPE] = "type",
    [FSM__OPTIONAL] = "optional_type",
};
enum { NAMES = sizeof names / sizeof *names };

const char *fsm__type_text(uint32_t type) {
  FSM_ASSERT(type < NAMES);
  return names[type];
}

bool fsm__type_named(const fsm_value *name, fsm_value *out) {
  for (uint32_t i = 0; i < NAMES; i++) {
    if (!fsm_is_text(name, names[i])) continue;
    *out = fsm__type_value(i);
    return true;
  }
  return false;
}

bool fsm__call_type(fsm__run *run, const fsm_value *args, fsm_value *out) {
  (void)run;
  *out = fsm__type_value(args->type);
  return true;
}

/* ---- leaving ----------------------------------------------------------------------------------- */

static bool expose_at(fsm__run *run, const fsm_value *value, fsm_value *out, unsigned left);

static bool expose_list(fsm__run *run, const fsm_value *list, fsm_value *out, unsigned left) {
  fsm_value *items = fsm_arena_zalloc(run->arena, list->len, sizeof *items);
  if (!items) return fsm__no_memory(run);
  for (uint32_t i = 0; i < list->len; i++)
    if (!expose_at(run, &list->items[i], &items[i], left)) return false;
  *out = fsm_list(items, list->len);
  return true;
}

static bool expose_map(fsm__run *run, const fsm_value *map, fsm_value *out, unsigned left) {
  fsm_pair *pairs = fsm_arena_zalloc(run->arena, map->len, sizeof *pairs);
  if (!pairs) return fsm__no_memory(run);
  for (uint32_t i = 0; i < map->len; i++) {
    pairs[i].key = map->pairs[i].key;
    if (!expose_at(run, &map->pairs[i].value, &pairs[i].value, left)) return false;
  }
  *out = (fsm_value){.type = FSM_MAP, .len = map->len, .pairs = pairs};
  return true;
}

static bool expose_at(fsm__run *run, const fsm_value *value, fsm_value *out, unsigned left) {
  if (!left) return fsm__refuse(run, "the value is nested too deep", 0, NULL, NULL);
  switch (value->type) {
    case FSM__TYPE: *out = fsm_string(fsm__type_text(value->len)); return true;
    case FSM__OPTIONAL:
      if (value->len) return expose_at(run, value->items, out, left - 1);
      *out = fsm_null();
      return true;
    case FSM_LIST: return fsm__work(run, value->len) && expose_list(run, value, out, left - 1);
    case FSM_MAP: return fsm__work(run, value->len) && expose_map(run, value, out, left - 1);
    default: *out = *value; return true;
  }
}

bool fsm__expose(fsm__run *run, const fsm_value *value, fsm_value *out) {
  return expose_at(run, value, out, FSM_VALUE_DEPTH_MAX);
}
