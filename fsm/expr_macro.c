/* expr_macro.c: all, exists, exists_one, map, filter and their kin: one loop over a list or a map.
 *
 * Each macro is a function that looks at one element and says whether the loop goes on. all and exists
 * absorb errors as && and || do; the others fail with the first. Every element is paid for with the
 * weight of what is evaluated for it, so that nested macros stay within the bound on work.
 */
#include "fsm/expr_impl.h"

typedef struct loop {
  fsm__run *run;
  const fsm__node *node;
  fsm_value range;
  fsm__frame frame;
  fsm_value index; /* of a list, as the first of two variables */
  fsm_value *items;
  fsm_pair *pairs;
  uint32_t at, made;
  unsigned hits;
  bool failed;
  fsm__fault first; /* the first fault that may still be outvoted */
} loop;

typedef enum turn { GO_ON, DECIDED, FAULT } turn;

/* ---- one element ------------------------------------------------------------------------------- */

static void bind(loop *l) {
  bool two = l->node->macro.vars == 2;
  const fsm_pair *pair = &l->range.pairs[l->at];
  if (l->range.type == FSM_MAP) {
    l->frame.values[0] = &pair->key;
    l->frame.values[1] = &pair->value;
    return;
  }
  l->index = fsm_int(l->at);
  l->frame.values[0] = two ? &l->index : &l->range.items[l->at];
  l->frame.values[1] = &l->range.items[l->at];
}

static const fsm_value *condition(loop *l, fsm_value *slot) {
  const fsm__node *node = l->node->kids->next;
  return fsm__as_bool(l->run, node, fsm__eval(l->run, node, slot));
}

/* Notes the element in the fault, for the sentence. */
static void note_element(loop *l) {
  fsm__fault *fault = &l->run->fault;
  if (fault->levels == FSM__FAULT_LEVELS) return;
  fault->elements[fault->levels++] = l->range.type == FSM_MAP ? l->range.pairs[l->at].key : fsm_int(l->at);
}

/* For a map macro of two expressions: is this element wanted? */
static turn wanted(loop *l, bool *want) {
  *want = true;
  if (l->node->count < 3) return GO_ON;
  fsm_value slot;
  const fsm_value *value = condition(l, &slot);
  if (!value) return FAULT;
  *want = value->b;
  return GO_ON;
}

static const fsm_value *transformed(loop *l, fsm_value *slot) {
  const fsm__node *last = l->node->kids->next;
  return fsm__eval(l->run, last->next ? last->next : last, slot);
}

/* all and exists: the element that decides wins over any error before it. */
static turn vote(loop *l, bool decides) {
  fsm_value slot;
  const fsm_value *value = condition(l, &slot);
  if (value) return value->b == decides ? DECIDED : GO_ON;
  if (!fsm__absorbable(l->run)) return FAULT;
  if (!l->failed) {
    note_element(l);
    l->first = l->run->fault;
  }
  l->failed = true;
  return GO_ON;
}

static turn count_hits(loop *l) {
  fsm_value slot;
  const fsm_value *value = condition(l, &slot);
  if (!value) return FAULT;
  l->hits += value->b;
  return GO_ON;
}

static turn map_one(loop *l) {
  bool want;
  fsm_value slot;
  if (wanted(l, &want) == FAULT) return FAULT;
  if (!want) return GO_ON;
  const fsm_value *value = transformed(l, &slot);
  if (!value) return FAULT;
  l->items[l->made++] = *value;
  return GO_ON;
}

static turn filter_one(loop *l) {
  fsm_value slot;
  const fsm_value *value = condition(l, &slot);
  if (!value) return FAULT;
  if (value->b) l->items[l->made++] = *l->frame.values[0];
  return GO_ON;
}

static turn map_entry(loop *l) {
  bool want;
  fsm_value slot;
  if (wanted(l, &want) == FAULT) return FAULT;
  if (!want) return GO_ON;
  const fsm_value *value = transformed(l, &slot);
  if (!value) return FAULT;
  l->pairs[l->made++] = (fsm_pair){.key = *l->frame.values[0], .value = *value};
  return GO_ON;
}

static turn one_element(loop *l) {
  switch ((fsm__macro_kind)l->node->macro.kind) {
    case FSM__ALL: return vote(l, false);
    case FSM__EXISTS: return vote(l, true);
    case FSM__EXISTS_ONE: return count_hits(l);
    case FSM__MAP_TO: return map_one(l);
    case FSM__FILTER: return filter_one(l);
    case FSM__TRANSFORM_MAP: return map_entry(l);
    case FSM__OPT_MAP:
    case FSM__OPT_FLAT_MAP: break;
  }
  FSM_ASSERT(!"a macro of this kind is no loop");
  return FAULT;
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static bool makes_list(const loop *l) {
  return l->node->macro.kind == FSM__MAP_TO || l->node->macro.kind == FSM__FILTER;
}

/* The place of the result, as large as it can get. */
static bool take_room(loop *l) {
  bool map = l->node->macro.kind == FSM__TRANSFORM_MAP;
  size_t size = map ? sizeof(fsm_pair) : sizeof(fsm_value);
  if (!map && !makes_list(l)) return true;
  if (!fsm__work(l->run, l->range.len * size)) return false;
  void *room = fsm_arena_alloc(l->run->arena, l->range.len * size);
  if (!room) return fsm__no_memory(l->run);
  if (map)
    l->pairs = room;
  else
    l->items = room;
  return true;
}

static turn go_over(loop *l) {
  turn next = GO_ON;
  for (; next == GO_ON && l->at < l->range.len; l->at++) {
    bind(l);
    if (!fsm__work(l->run, l->node->macro.weight)) {
      fsm__fault_of(l->run, l->node);
      return FAULT;
    }
    next = one_element(l);
    if (next == FAULT) {
      note_element(l);
      return FAULT;
    }
  }
  return next;
}

static const fsm_value *result(loop *l, turn last, fsm_value *slot) {
  fsm__macro_kind kind = (fsm__macro_kind)l->node->macro.kind;
  if (l->failed && last != DECIDED) {
    l->run->fault = l->first;
    return NULL;
  }
  if (makes_list(l))
    *slot = fsm_list(l->items, l->made);
  else if (kind == FSM__TRANSFORM_MAP)
    *slot = (fsm_value){.type = FSM_MAP, .len = l->made, .pairs = l->pairs}; /* in the order of the range */
  else if (kind == FSM__EXISTS_ONE)
    *slot = fsm_bool(l->hits == 1);
  else
    *slot = fsm_bool((kind == FSM__EXISTS) == (last == DECIDED));
  return slot;
}

static const fsm_value *eval_optional_map(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  fsm_value inner;
  const fsm_value *value = fsm__eval(run, node->kids, &inner);
  if (!value) return NULL;
  if (value->type != FSM__OPTIONAL) {
    fsm__refuse(run, "the macro takes an optional value", 1, value, NULL);
    return fsm__fault_of(run, node);
  }
  *slot = fsm__optional_none();
  if (!value->len) return slot;
  fsm__frame frame = {.values = {value->items}, .up = run->frame};
  run->frame = &frame;
  value = fsm__eval(run, node->kids->next, slot);
  run->frame = frame.up;
  if (!value) return NULL;
  bool flat = node->macro.kind == FSM__OPT_FLAT_MAP;
  if (flat && value->type != FSM__OPTIONAL) {
    fsm__refuse(run, "optFlatMap() expects an optional value", 1, value, NULL);
    return fsm__fault_of(run, node);
  }
  if (flat) return value;
  inner = *value;
  return fsm__call_optional_of(run, &inner, slot) ? slot : fsm__fault_of(run, node);
}

const fsm_value *fsm__eval_macro(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  if (node->macro.kind == FSM__OPT_MAP || node->macro.kind == FSM__OPT_FLAT_MAP)
    return eval_optional_map(run, node, slot);
  FSM_UNSET loop l;
  fsm_value inner;
  const fsm_value *range = fsm__eval(run, node->kids, &inner);
  if (!range) return NULL;
  if (range->type != FSM_LIST && range->type != FSM_MAP) {
    fsm__refuse(run, "the macro goes over a list or a map", 1, range, NULL);
    return fsm__fault_of(run, node->kids);
  }
  l.run = run, l.node = node, l.range = *range;
  l.frame.up = run->frame;
  l.at = l.made = l.hits = 0;
  l.failed = false;
  if (!take_room(&l)) return fsm__fault_of(run, node);
  run->frame = &l.frame;
  turn last = go_over(&l);
  run->frame = l.frame.up;
  return last == FAULT ? NULL : result(&l, last, slot);
}
