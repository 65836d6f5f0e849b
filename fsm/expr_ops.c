/* expr_ops.c: the binary operators on two values, and unary minus.
 *
 * Integer arithmetic is checked and never wraps; a double on one side makes the other one a double;
 * int and uint do not mix (as in CEL). Every failure names both operands.
 */
#include <math.h>
#include <string.h>

#include "fsm/expr_impl.h"
#include "fsm/expr_time.h"

static bool mismatch(fsm__run *run, const fsm_value *a, const fsm_value *b) {
  return fsm__refuse(run, "the operator does not take these operands", 2, a, b);
}

static bool overflow(fsm__run *run, const fsm_value *a, const fsm_value *b) {
  return fsm__refuse(run, "the result does not fit into 64 bits", 2, a, b);
}

static bool by_zero(fsm__run *run, const fsm_value *a, const fsm_value *b) {
  return fsm__refuse(run, "division by zero", 2, a, b);
}

/* ---- arithmetic -------------------------------------------------------------------------------- */

static bool int_arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b,
                           fsm_value *out) {
  int64_t result = 0;
  bool over = false;
  switch (op) {
    case FSM__ADD: over = __builtin_add_overflow(a->i, b->i, &result); break;
    case FSM__SUB: over = __builtin_sub_overflow(a->i, b->i, &result); break;
    case FSM__MUL: over = __builtin_mul_overflow(a->i, b->i, &result); break;
    default:
      if (b->i == 0) return by_zero(run, a, b);
      over = a->i == INT64_MIN && b->i == -1;
      if (!over) result = op == FSM__DIV ? a->i / b->i : a->i % b->i;
  }
  if (over) return overflow(run, a, b);
  *out = fsm_int(result);
  return true;
}

static bool uint_arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b,
                            fsm_value *out) {
  uint64_t result = 0;
  bool over = false;
  switch (op) {
    case FSM__ADD: over = __builtin_add_overflow(a->u, b->u, &result); break;
    case FSM__SUB: over = __builtin_sub_overflow(a->u, b->u, &result); break;
    case FSM__MUL: over = __builtin_mul_overflow(a->u, b->u, &result); break;
    default:
      if (b->u == 0) return by_zero(run, a, b);
      result = op == FSM__DIV ? a->u / b->u : a->u % b->u;
  }
  if (over) return overflow(run, a, b);
  *out = fsm_uint(result);
  return true;
}

static double as_double(const fsm_value *value) {
  if (value->type == FSM_INT) return (double)value->i;
  if (value->type == FSM_UINT) return (double)value->u;
  return value->d;
}

static bool double_arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b,
                              fsm_value *out) {
  double x = as_double(a), y = as_double(b);
  switch (op) {
    case FSM__ADD: *out = fsm_double(x + y); return true;
    case FSM__SUB: *out = fsm_double(x - y); return true;
    case FSM__MUL: *out = fsm_double(x * y); return true;
    case FSM__DIV:
      /* IEEE 754, spelled out because dividing by zero is undefined in C */
      if (y == 0)
        *out = fsm_double(x == 0 || isnan(x) ? (double)NAN
                                             : copysign((double)INFINITY, copysign(1, x) * copysign(1, y)));
      else
        *out = fsm_double(x / y);
      return true;
    default: return mismatch(run, a, b);
  }
}

static bool concat(fsm__run *run, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  size_t width = a->type == FSM_LIST ? sizeof *a : 1, len = (size_t)a->len + b->len;
  if (!fsm__work(run, (uint64_t)len * width)) return false;
  char *made = fsm_arena_alloc(run->arena, len * width);
  if (!made) return fsm__no_memory(run);
  if (a->len) memcpy(made, a->s, a->len * width);
  if (b->len) memcpy(made + a->len * width, b->s, b->len * width);
  fsm_value joined = {.type = a->type, .len = (uint32_t)len, .s = made};
  if (a->type == FSM_LIST) joined.items = (const fsm_value *)(const void *)made;
  *out = joined;
  return true;
}

static bool arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  if (fsm__is_number(a) && fsm__is_number(b)) {
    if (a->type == FSM_DOUBLE || b->type == FSM_DOUBLE) return double_arithmetic(run, op, a, b, out);
    if (a->type != b->type) return mismatch(run, a, b);
    return a->type == FSM_INT ? int_arithmetic(run, op, a, b, out) : uint_arithmetic(run, op, a, b, out);
  }
  bool joins = a->type == FSM_STRING || a->type == FSM_BYTES || a->type == FSM_LIST;
  if (op == FSM__ADD && joins && a->type == b->type) return concat(run, a, b, out);
  if (a->type >= FSM_TIMESTAMP || b->type >= FSM_TIMESTAMP) return fsm__time_arithmetic(run, op, a, b, out);
  return mismatch(run, a, b);
}

bool fsm__negate(fsm__run *run, const fsm_value *a, fsm_value *out) {
  if (a->type == FSM_INT) {
    if (a->i == INT64_MIN) return fsm__refuse(run, "the result does not fit into 64 bits", 1, a, NULL);
    *out = fsm_int(-a->i);
    return true;
  }
  if (a->type != FSM_DOUBLE) return fsm__refuse(run, "the operator takes an int or a double", 1, a, NULL);
  *out = fsm_double(-a->d);
  return true;
}

/* ---- order and membership ---------------------------------------------------------------------- */

static bool holds(fsm__op op, int order) {
  switch (op) {
    case FSM__LT: return order < 0;
    case FSM__LE: return order <= 0;
    case FSM__GT: return order > 0;
    default: return order >= 0;
  }
}

static bool ordered(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  int order;
  if (fsm__is_number(a) && fsm__is_number(b)) {
    order = fsm__compare_numbers(a, b);
    *out = fsm_bool(order != 2 && holds(op, order));
    return true;
  }
  bool has_order = a->type == FSM_BOOL || a->type == FSM_STRING || a->type == FSM_BYTES ||
                   a->type == FSM_TIMESTAMP || a->type == FSM_DURATION;
  if (a->type != b->type || !has_order) return mismatch(run, a, b);
  if ((a->type == FSM_STRING || a->type == FSM_BYTES) && !fsm__work(run, a->len < b->len ? a->len : b->len))
    return false;
  *out = fsm_bool(holds(op, fsm_value_compare(a, b)));
  return true;
}

static bool member(fsm__run *run, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  if (b->type == FSM_MAP) {
    *out = fsm_bool(fsm__at_key(b, a) != NULL);
    return true;
  }
  if (b->type != FSM_LIST) return mismatch(run, a, b);
  if (!fsm__work(run, b->len)) return false;
  for (uint32_t i = 0; i < b->len; i++) {
    int equal = fsm__equal(run, a, &b->items[i]);
    if (equal < 0) return false;
    if (!equal) continue;
    *out = fsm_bool(true);
    return true;
  }
  *out = fsm_bool(false);
  return true;
}

bool fsm__apply(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  switch (op) {
    case FSM__EQ:
    case FSM__NE: {
      int equal = fsm__equal(run, a, b);
      if (equal < 0) return false;
      *out = fsm_bool((equal == 1) == (op == FSM__EQ));
      return true;
    }
    case FSM__LT:
    case FSM__LE:
    case FSM__GT:
    case FSM__GE: return ordered(run, op, a, b, out);
    case FSM__IN: return member(run, a, b, out);
    default: return arithmetic(run, op, a, b, out);
  }
}
