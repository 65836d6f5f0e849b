/* expr_path.c: variables and the members behind them.
 *
 * This is most of what a guard does, so the common step, a name in a map, is short; what is optional,
 * absent or indexed is dealt with apart.
 */
#include <string.h>

#include "fsm/expr_impl.h"

/* ---- variables --------------------------------------------------------------------------------- */

static const fsm_value *now_value(const fsm_scope *scope, fsm_value *slot) {
  int64_t seconds = scope->now_ns / 1000000000, rest = scope->now_ns % 1000000000;
  if (rest < 0) seconds--, rest += 1000000000;
  *slot = (fsm_value){.type = FSM_TIMESTAMP, .len = (uint32_t)rest, .i = seconds};
  return slot;
}

static const fsm_value *event_of(const fsm_scope *scope) {
  return scope->event != NULL || scope->event_of == NULL ? scope->event : scope->event_of(scope->event_arg);
}

const fsm_value *fsm__variable_value(const fsm_scope *scope, fsm__variable variable, fsm_value *slot) {
  const fsm_value *value = NULL;
  switch (variable) {
    case FSM__CONTEXT: value = scope->context; break;
    case FSM__EVENT: value = event_of(scope); break;
    case FSM__ACTOR: value = scope->actor; break;
    case FSM__INPUT: value = fsm_map_get(event_of(scope), "data"); break;
    case FSM__NOW: return now_value(scope, slot);
    case FSM__SYSTEM: value = scope->system; break;
  }
  return value ? value : &fsm__null;
}

/* ---- steps ------------------------------------------------------------------------------------- */

static const fsm_value *absent(fsm__run *run, const fsm__node *path, const fsm__node *step,
                               const fsm_value *base, const fsm_value *key) {
  bool field = step->kind == FSM__FIELD, map = base->type == FSM_MAP;
  if (field) {
    fsm__refuse(run, "no such field", map ? 0 : 1, base, NULL);
    run->fault.absent = true;
  } else if (base->type == FSM_LIST) {
    fsm__refuse(run, fsm__is_number(key) ? "the index is not in the list" : "a list is indexed by an int", 2,
                key, base);
  } else {
    fsm__refuse(run, map ? "no such key" : "only a list or a map has entries", map ? 1 : 2, map ? key : base,
                key);
  }
  return fsm__fault_at(run, path->kids->begin, step->end); /* without brackets around the path */
}

/* The step is optional, or there is nothing that it leads to. */
static const fsm_value *uncommon_step(fsm__run *run, const fsm__node *path, const fsm__node *step,
                                      const fsm_value *base, const fsm_value *key, const fsm_value *next,
                                      fsm_value *slot) {
  if (next && step->soft == FSM__OR_TYPE) return next;
  if (step->soft == FSM__OR_TYPE && fsm__type_named(key, slot)) return slot;
  const fsm_value *soft = fsm__soft_step(step, base, key, next, slot);
  return soft ? soft : absent(run, path, step, base, key);
}

/* fsm_map_getn, with a look at each key where a map is small. */
static const fsm_value *field_of(const fsm_value *map, const fsm_value *name) {
  enum { FEW = 8 };
  if (map->type != FSM_MAP || map->len > FEW) return fsm_map_getn(map, name->s, name->len);
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_pair *pair = &map->pairs[i];
    if (pair->key.type == FSM_STRING && pair->key.len == name->len &&
        fsm__same_bytes(pair->key.s, name->s, name->len))
      return &pair->value;
  }
  return NULL;
}

static const fsm_value *index_step(fsm__run *run, const fsm__node *path, const fsm__node *step,
                                   const fsm_value *value, fsm_value *slot) {
  fsm_value inner;
  const fsm_value *key = fsm__eval(run, step->kids, &inner);
  if (!key) return NULL;
  const fsm_value *next = fsm__at_key(value, key);
  return next && !step->soft ? next : uncommon_step(run, path, step, value, key, next, slot);
}

/* Follows the path up to, but not including, the step `stop`. */
static const fsm_value *walk(fsm__run *run, const fsm__node *path, const fsm__node *stop, fsm_value *slot) {
  const fsm__node *base = path->kids;
  const fsm_value *value = base->kind == FSM__VARIABLE ? fsm__variable_value(run->scope, base->variable, slot)
                                                       : fsm__eval(run, base, slot);
  for (const fsm__node *step = base->next; value && step != stop; step = step->next) {
    if (step->kind == FSM__INDEX) {
      value = index_step(run, path, step, value, slot);
    } else {
      const fsm_value *next = field_of(value, &step->value);
      value = next && !step->soft ? next : uncommon_step(run, path, step, value, &step->value, next, slot);
    }
  }
  return value;
}

const fsm_value *fsm__eval_path(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  return walk(run, node, NULL, slot);
}

const fsm_value *fsm__eval_has(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm__node *path = node->kids, *last = path->kids->next;
  while (last->next) last = last->next;
  const fsm_value *base = walk(run, path, last, slot);
  if (!base) return NULL;
  if (base->type == FSM__OPTIONAL) base = base->len ? base->items : &fsm__null;
  if (base->type == FSM_NULL) return &fsm__false;
  if (base->type != FSM_MAP) {
    fsm__refuse(run, "only a map has fields", 1, base, NULL);
    return fsm__fault_of(run, node);
  }
  return fsm_map_getn(base, last->value.s, last->value.len) ? &fsm__true : &fsm__false;
}
