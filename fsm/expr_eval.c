/* expr_eval.c: walking the tree.
 *
 * fsm__eval hands back a pointer, so that literals and members of the scope are never copied; what is
 * computed goes into the caller's slot. A slot may be the operand of the operation that overwrites it:
 * operations read both operands before they write. The depth of the recursion is the height of the
 * tree, which the parser has bounded.
 */
#include "fsm/expr_impl.h"

const fsm_value fsm__null = {.type = FSM_NULL};
const fsm_value fsm__true = {.type = FSM_BOOL, .b = true};
const fsm_value fsm__false = {.type = FSM_BOOL, .b = false};

const fsm_value *fsm__fault_at(fsm__run *run, size_t begin, size_t end) {
  run->fault.begin = (uint16_t)begin;
  run->fault.end = (uint16_t)end;
  return NULL;
}

const fsm_value *fsm__fault_of(fsm__run *run, const fsm__node *node) {
  return fsm__fault_at(run, node->begin, node->end);
}

/* ---- logic ------------------------------------------------------------------------------------- */

const fsm_value *fsm__as_bool(fsm__run *run, const fsm__node *node, const fsm_value *value) {
  if (!value || value->type == FSM_BOOL) return value;
  fsm__refuse(run, "expected true or false", 1, value, NULL);
  return fsm__fault_of(run, node);
}

bool fsm__absorbable(const fsm__run *run) {
  return run->fault.code == FSM_EEXPRESSION && run->work <= FSM_EXPR_WORK_MAX;
}

static const fsm_value *verdict(bool value) { return value ? &fsm__true : &fsm__false; }

/* The operands from kid on, after an error: one that decides wins over it, else it is the result. */
static const fsm_value *logic_after_fault(fsm__run *run, const fsm__node *kid, bool decides,
                                          fsm_value *slot) {
  if (!fsm__absorbable(run)) return NULL;
  const fsm__fault first = run->fault;
  for (; kid; kid = kid->next) {
    const fsm_value *value = fsm__as_bool(run, kid, fsm__eval(run, kid, slot));
    if (value && value->b == decides) return verdict(decides);
    if (!value && !fsm__absorbable(run)) return NULL;
  }
  run->fault = first;
  return NULL;
}

static const fsm_value *eval_logic(fsm__run *run, const fsm__node *node, bool decides, fsm_value *slot) {
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) {
    const fsm_value *value = fsm__as_bool(run, kid, fsm__eval(run, kid, slot));
    if (!value) return logic_after_fault(run, kid->next, decides, slot);
    if (value->b == decides) return value;
  }
  return verdict(!decides);
}

static const fsm_value *eval_not(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm_value *value = fsm__as_bool(run, node->kids, fsm__eval(run, node->kids, slot));
  if (!value) return NULL;
  return verdict(!value->b);
}

static const fsm_value *eval_choose(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm__node *condition = node->kids;
  const fsm_value *value = fsm__as_bool(run, condition, fsm__eval(run, condition, slot));
  if (!value) return NULL;
  return fsm__eval(run, value->b ? condition->next : condition->next->next, slot);
}

/* ---- operators --------------------------------------------------------------------------------- */

/* The short ways of fsm__apply: on two ints, and == != on short strings. NULL = the long way. */
static const fsm_value *quick_ints(fsm__op op, int64_t a, int64_t b, fsm_value *slot) {
  int64_t sum;
  switch (op) {
    case FSM__EQ: return verdict(a == b);
    case FSM__NE: return verdict(a != b);
    case FSM__LT: return verdict(a < b);
    case FSM__LE: return verdict(a <= b);
    case FSM__GT: return verdict(a > b);
    case FSM__GE: return verdict(a >= b);
    case FSM__ADD:
      if (__builtin_add_overflow(a, b, &sum)) return NULL;
      break;
    case FSM__SUB:
      if (__builtin_sub_overflow(a, b, &sum)) return NULL;
      break;
    default: return NULL;
  }
  *slot = fsm_int(sum);
  return slot;
}

static const fsm_value *quick(fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *slot) {
  enum { SHORT = 32 };
  if (a->type == FSM_INT && b->type == FSM_INT) return quick_ints(op, a->i, b->i, slot);
  if (a->type != FSM_STRING || b->type != FSM_STRING || b->len - 1U >= SHORT || op > FSM__NE) return NULL;
  return verdict((a->len == b->len && fsm__same_bytes(a->s, b->s, b->len)) == (op == FSM__EQ));
}

/* Two operands, the second one a literal: what most guards are made of. */
static const fsm_value *eval_with_literal(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm__node *second = node->kids->next;
  const fsm_value *left = fsm__eval(run, node->kids, slot);
  if (!left) return NULL;
  const fsm_value *result = quick((fsm__op)second->op, left, &second->value, slot);
  if (result) return result;
  if (fsm__apply(run, (fsm__op)second->op, left, &second->value, slot)) return slot;
  return fsm__fault_at(run, node->kids->begin, second->end);
}

static const fsm_value *eval_fold(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  if (node->count == 2 && node->kids->next->kind == FSM__LITERAL) return eval_with_literal(run, node, slot);
  const fsm_value *left = fsm__eval(run, node->kids, slot);
  for (const fsm__node *kid = node->kids->next; left && kid; kid = kid->next) {
    fsm_value inner;
    const fsm_value *right = fsm__eval(run, kid, &inner);
    if (!right) return NULL;
    if (!fsm__apply(run, (fsm__op)kid->op, left, right, slot))
      return fsm__fault_at(run, node->kids->begin, kid->end);
    left = slot;
  }
  return left;
}

static const fsm_value *eval_negate(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm_value *value = fsm__eval(run, node->kids, slot);
  if (!value) return NULL;
  return fsm__negate(run, value, slot) ? slot : fsm__fault_of(run, node);
}

/* ---- lists, maps, calls ------------------------------------------------------------------------ */

static const fsm_value left_out;

/* [?x] and {?k: x}: what x holds, or left_out. */
static const fsm_value *soft_entry(fsm__run *run, const fsm__node *node, const fsm_value *value) {
  if (value->type == FSM__OPTIONAL) return value->len ? value->items : &left_out;
  fsm__refuse(run, "expected an optional value after '?'", 1, value, NULL);
  return fsm__fault_of(run, node);
}

static const fsm_value *eval_list(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  if (!fsm__work(run, node->count * sizeof(fsm_value))) return fsm__fault_of(run, node);
  fsm_value *items = fsm_arena_zalloc(run->arena, node->count, sizeof *items);
  if (!items) return fsm__no_memory(run), fsm__fault_of(run, node);
  size_t count = 0;
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) {
    const fsm_value *item = fsm__eval(run, kid, slot);
    if (item && kid->soft) item = soft_entry(run, kid, item);
    if (!item) return NULL;
    if (item != &left_out) items[count++] = *item;
  }
  *slot = fsm_list(items, count);
  return slot;
}

bool fsm__map_key(fsm__run *run, const fsm_value *key) {
  if (key->type == FSM_STRING || key->type == FSM_INT || key->type == FSM_UINT || key->type == FSM_BOOL)
    return true;
  return fsm__refuse(run, "the key of a map is a string, an int, a uint or a bool", 1, key, NULL);
}

/* 1 and 1u are one key to CEL, and two to fsm_map. */
static bool numbers_twice(const fsm_value *map) {
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_value *key = &map->pairs[i].key;
    fsm_value other = fsm_int((int64_t)key->u);
    if (key->type == FSM_UINT && key->u <= INT64_MAX && fsm_map_find(map, &other)) return true;
  }
  return false;
}

bool fsm__map_of(fsm__run *run, fsm_pair *pairs, size_t count, fsm_value *out) {
  if (fsm_map(pairs, count, out, NULL) == FSM_OK && !numbers_twice(out)) return true;
  return fsm__refuse(run, "the map has a key twice", 0, NULL, NULL);
}

static const fsm_value *eval_map(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  size_t count = 0;
  if (!fsm__work(run, node->count * sizeof(fsm_value))) return fsm__fault_of(run, node);
  fsm_pair *pairs = fsm_arena_zalloc(run->arena, node->count / 2, sizeof *pairs);
  if (!pairs) return fsm__no_memory(run), fsm__fault_of(run, node);
  for (const fsm__node *kid = node->kids; kid; kid = kid->next->next) {
    const fsm_value *key = fsm__eval(run, kid, slot);
    if (!key) return NULL;
    if (!fsm__map_key(run, key)) return fsm__fault_of(run, kid);
    pairs[count].key = *key;
    const fsm_value *value = fsm__eval(run, kid->next, slot);
    if (value && kid->soft) value = soft_entry(run, kid->next, value);
    if (!value) return NULL;
    if (value != &left_out) pairs[count++].value = *value;
  }
  return fsm__map_of(run, pairs, count, slot) ? slot : fsm__fault_of(run, node);
}

static bool merge_one(fsm__run *run, const fsm_value *base, const fsm_value *patch, fsm_value *out) {
  if ((patch->type != FSM_MAP && patch->type != FSM_NULL))
    return fsm__refuse(run, "merge() takes maps", 1, patch, NULL);
  if (!fsm__work(run, ((uint64_t)base->len + patch->len) * sizeof(fsm_pair))) return false;
  if (fsm_map_merge(run->arena, base, patch, out) != FSM_OK) return fsm__no_memory(run);
  return !numbers_twice(out) || fsm__refuse(run, "the map has a key twice", 0, NULL, NULL);
}

/* From left to right, one level; null counts as empty. */
static const fsm_value *eval_merge(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  fsm_value merged = fsm_map_empty(), next;
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) {
    const fsm_value *value = fsm__eval(run, kid, slot);
    if (!value) return NULL;
    if (!merge_one(run, &merged, value, &next)) return fsm__fault_of(run, node);
    merged = next;
  }
  *slot = merged;
  return slot;
}

static const fsm_value *eval_call(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  fsm_value args[FSM__ARGS_MAX];
  size_t count = 0;
  if (!node->function)
    return fsm__refuse(run, "there is no such function", 0, NULL, NULL), fsm__fault_of(run, node);
  for (const fsm__node *kid = node->kids; kid; kid = kid->next) {
    const fsm_value *value = fsm__eval(run, kid, slot);
    if (!value) return NULL;
    args[count++] = *value;
  }
  run->call = node;
  return node->function->call(run, args, slot) ? slot : fsm__fault_of(run, node);
}

static const fsm_value *local_value(const fsm__run *run, const fsm__node *node) {
  const fsm__frame *frame = run->frame;
  for (unsigned up = node->local.up; up > 0; up--) frame = frame->up;
  return frame->values[node->local.which];
}

const fsm_value *fsm__eval(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  switch ((fsm__node_kind)node->kind) {
    case FSM__LITERAL: return &node->value;
    case FSM__VARIABLE: return fsm__variable_value(run->scope, node->variable, slot);
    case FSM__PATH: return fsm__eval_path(run, node, slot);
    case FSM__NOT: return eval_not(run, node, slot);
    case FSM__NEGATE: return eval_negate(run, node, slot);
    case FSM__AND: return eval_logic(run, node, false, slot);
    case FSM__OR: return eval_logic(run, node, true, slot);
    case FSM__FOLD: return eval_fold(run, node, slot);
    case FSM__CHOOSE: return eval_choose(run, node, slot);
    case FSM__LIST: return eval_list(run, node, slot);
    case FSM__MAP: return eval_map(run, node, slot);
    case FSM__HAS: return fsm__eval_has(run, node, slot);
    case FSM__CALL: return eval_call(run, node, slot);
    case FSM__MERGE: return eval_merge(run, node, slot);
    case FSM__LOCAL: return local_value(run, node);
    case FSM__MACRO: return fsm__eval_macro(run, node, slot);
    case FSM__OR_OTHER: return fsm__eval_or_other(run, node, slot);
    case FSM__FIELD:
    case FSM__INDEX: break; /* only inside a path */
  }
  FSM_ASSERT(!"a node of this kind is not evaluated by itself");
  return NULL;
}
