/* expr_optional.c: values that may be absent: a.?b, a[?i], optional.of(x) and what asks them.
 *
 * A step behind an optional gives an optional again, so that context.?a.b.c needs one question mark.
 * null counts as absent for a step, as it does for has(). An optional never leaves an evaluation.
 */
#include "fsm/expr_impl.h"

static bool steps_into(const fsm_value *base) {
  return base->type == FSM_MAP || base->type == FSM_LIST || base->type == FSM_NULL;
}

const fsm_value *fsm__soft_step(const fsm__node *step, const fsm_value *base, const fsm_value *key,
                                const fsm_value *next, fsm_value *slot) {
  bool viral = base->type == FSM__OPTIONAL;
  if (viral && base->len == 0) {
    *slot = fsm__optional_none();
    return slot;
  }
  if (viral) {
    base = base->items;
    next = fsm__at_key(base, key);
  }
  if (!next && !steps_into(base)) return NULL;
  if (!viral && step->soft != FSM__SOFT) return NULL;
  *slot = next ? fsm__optional_of(next) : fsm__optional_none();
  return slot;
}

static bool not_optional(fsm__run *run, const fsm_value *value) {
  return fsm__refuse(run, "expected an optional value, such as context.?amount", 1, value, NULL);
}

const fsm_value *fsm__eval_or_other(fsm__run *run, const fsm__node *node, fsm_value *slot) {
  const fsm_value *value = fsm__eval(run, node->kids, slot);
  if (!value) return NULL;
  if (value->type != FSM__OPTIONAL) {
    not_optional(run, value);
    return fsm__fault_of(run, node);
  }
  if (value->len) return node->or_value ? value->items : value;
  value = fsm__eval(run, node->kids->next, slot);
  if (!value || node->or_value || value->type == FSM__OPTIONAL) return value;
  not_optional(run, value);
  return fsm__fault_of(run, node);
}

bool fsm__call_optional_of(fsm__run *run, const fsm_value *args, fsm_value *out) {
  fsm_value *kept = fsm__work(run, sizeof *kept) ? fsm_arena_alloc(run->arena, sizeof *kept) : NULL;
  if (!kept) return run->work > FSM_EXPR_WORK_MAX ? false : fsm__no_memory(run);
  *kept = args[0];
  *out = fsm__optional_of(kept);
  return true;
}

bool fsm__call_optional_none(fsm__run *run, const fsm_value *args, fsm_value *out) {
  (void)run, (void)args;
  *out = fsm__optional_none();
  return true;
}

/* false, 0, "", [] and the like */
static bool is_zero(const fsm_value *value) {
  switch (value->type) {
    case FSM_NULL: return true;
    case FSM_BOOL: return !value->b;
    case FSM_INT:
    case FSM_UINT: return value->u == 0;
    case FSM_DOUBLE: return value->d == 0;
    case FSM_STRING:
    case FSM_BYTES:
    case FSM_LIST:
    case FSM_MAP: return value->len == 0;
    case FSM_TIMESTAMP:
    case FSM_DURATION: return value->i == 0 && value->len == 0;
    default: return false;
  }
}

bool fsm__call_optional_of_non_zero(fsm__run *run, const fsm_value *args, fsm_value *out) {
  return is_zero(args) ? fsm__call_optional_none(run, args, out) : fsm__call_optional_of(run, args, out);
}

bool fsm__call_has_value(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args->type != FSM__OPTIONAL) return not_optional(run, args);
  *out = fsm_bool(args->len > 0);
  return true;
}

bool fsm__call_value(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args->type != FSM__OPTIONAL) return not_optional(run, args);
  if (!args->len) return fsm__refuse(run, "the optional value is empty", 0, NULL, NULL);
  *out = *args->items;
  return true;
}
