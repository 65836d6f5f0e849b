/* expr_check_op.c: the operators over shapes: what they take and what comes out. */
#include "fsm/expr_check.h"

static const char *sign_of(fsm__op op) {
  static const char *const signs[] = {[FSM__EQ] = "==", [FSM__NE] = "!=", [FSM__LT] = "<",  [FSM__LE] = "<=",
                                      [FSM__GT] = ">",  [FSM__GE] = ">=", [FSM__IN] = "in", [FSM__ADD] = "+",
                                      [FSM__SUB] = "-", [FSM__MUL] = "*", [FSM__DIV] = "/", [FSM__MOD] = "%"};
  return signs[op];
}

/* One row per pair that an operator takes, and the kind that comes out. */
typedef struct fits {
  int ops, left, right, result;
} fits;

#define OP(op) (1 << (op))
enum {
  ORDERS = OP(FSM__LT) | OP(FSM__LE) | OP(FSM__GT) | OP(FSM__GE),
  ARITHMETIC = OP(FSM__ADD) | OP(FSM__SUB) | OP(FSM__MUL) | OP(FSM__DIV) | OP(FSM__MOD),
  SUMS = OP(FSM__ADD) | OP(FSM__SUB)
};

static const fits table[] = {
    {ORDERS, FSM__IS_NUMBER, FSM__IS_NUMBER, FSM_SHAPE_BOOL},
    {ORDERS, FSM__IS_BOOL, FSM__IS_BOOL, FSM_SHAPE_BOOL},
    {ORDERS, FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_BOOL},
    {ORDERS, FSM__IS_BYTES, FSM__IS_BYTES, FSM_SHAPE_BOOL},
    {ORDERS, FSM__IS_TIMESTAMP, FSM__IS_TIMESTAMP, FSM_SHAPE_BOOL},
    {ORDERS, FSM__IS_DURATION, FSM__IS_DURATION, FSM_SHAPE_BOOL},
    {ARITHMETIC, 1 << FSM_SHAPE_INT, 1 << FSM_SHAPE_INT, FSM_SHAPE_INT},
    {ARITHMETIC, FSM__IS_NUMBER, FSM__IS_NUMBER, FSM_SHAPE_NUMBER},
    {OP(FSM__ADD), FSM__IS_STRING, FSM__IS_STRING, FSM_SHAPE_STRING},
    {OP(FSM__ADD), FSM__IS_BYTES, FSM__IS_BYTES, FSM_SHAPE_BYTES},
    {OP(FSM__ADD), FSM__IS_LIST, FSM__IS_LIST, FSM_SHAPE_LIST},
    {SUMS, FSM__IS_TIMESTAMP, FSM__IS_DURATION, FSM_SHAPE_TIMESTAMP},
    {OP(FSM__ADD), FSM__IS_DURATION, FSM__IS_TIMESTAMP, FSM_SHAPE_TIMESTAMP},
    {OP(FSM__SUB), FSM__IS_TIMESTAMP, FSM__IS_TIMESTAMP, FSM_SHAPE_DURATION},
    {SUMS, FSM__IS_DURATION, FSM__IS_DURATION, FSM_SHAPE_DURATION},
    {OP(FSM__IN), FSM__IS_ANYTHING, FSM__IS_LIST | FSM__IS_MAP, FSM_SHAPE_BOOL},
    {OP(FSM__EQ) | OP(FSM__NE), FSM__IS_ANYTHING, FSM__IS_ANYTHING, FSM_SHAPE_BOOL},
};

/* The result of the only row that fits, NULL with *fits when there are several, or none. */
static const fsm_shape *look_up(fsm__op op, const fsm_shape *a, const fsm_shape *b, unsigned *count) {
  const fits *found = NULL;
  *count = 0;
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
    if (!(table[i].ops & OP(op)) || !fsm__may_be(a, table[i].left) || !fsm__may_be(b, table[i].right))
      continue;
    if (*count && found->result == FSM_SHAPE_INT && a && b) break; /* the row of ints is the closer one */
    if (!*count || found->result != table[i].result) ++*count;
    found = &table[i];
  }
  return *count == 1 ? fsm__kind_shape(found->result) : NULL;
}

/* A member of a list that no item of it can be equal to, or a key that no map of texts has. */
static bool never_in(const fsm_shape *a, const fsm_shape *b) {
  if (!a || !b) return false;
  if (b->kind == FSM_SHAPE_LIST) return fsm__never_equal(a, b->item);
  return fsm__never_equal(a, fsm__kind_shape(FSM_SHAPE_STRING));
}

const fsm_shape *fsm__check_op(fsm__checker *c, fsm__op op, const fsm_shape *a, const fsm_shape *b,
                               size_t begin, size_t end) {
  unsigned count;
  const fsm_shape *result = look_up(op, a, b, &count);
  if (!count)
    return fsm__clash(c, begin, end, "%s does not take %s and %s", sign_of(op), fsm__shape_name(a),
                      fsm__shape_name(b));
  if ((op == FSM__EQ || op == FSM__NE) && fsm__never_equal(a, b))
    return fsm__clash(c, begin, end, "%s and %s are never equal", fsm__shape_name(a), fsm__shape_name(b));
  if (op == FSM__IN && never_in(a, b))
    return fsm__clash(c, begin, end, "%s is never in this %s", fsm__shape_name(a), fsm__shape_name(b));
  return result;
}
