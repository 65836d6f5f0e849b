/* expr_check.h: what the files of the checker share: the sets of shapes and how they are named.
 *
 * expr_check.c walks the tree, expr_check_path.c follows members, expr_check_op.c knows the operators,
 * expr_check_call.c the functions and macros. NULL is the shape of anything; a shape that is not NULL
 * has a kind that is not FSM_SHAPE_ANY.
 */
#ifndef FSM_EXPR_CHECK_H
#define FSM_EXPR_CHECK_H

#include "fsm/expr_impl.h"

/* Sets of kinds. */
enum {
  FSM__IS_NULL = 1 << FSM_SHAPE_NULL,
  FSM__IS_BOOL = 1 << FSM_SHAPE_BOOL,
  FSM__IS_NUMBER = 1 << FSM_SHAPE_INT | 1 << FSM_SHAPE_NUMBER,
  FSM__IS_STRING = 1 << FSM_SHAPE_STRING,
  FSM__IS_BYTES = 1 << FSM_SHAPE_BYTES,
  FSM__IS_TIMESTAMP = 1 << FSM_SHAPE_TIMESTAMP,
  FSM__IS_DURATION = 1 << FSM_SHAPE_DURATION,
  FSM__IS_LIST = 1 << FSM_SHAPE_LIST,
  FSM__IS_MAP = 1 << FSM_SHAPE_MAP | 1 << FSM_SHAPE_OBJECT,
  FSM__IS_ANYTHING = ~0
};

/* The variables of one macro while its body is checked. */
typedef struct fsm__known fsm__known;
struct fsm__known {
  const fsm_shape *shapes[2];
  const fsm__known *up;
};

typedef struct fsm__checker {
  const fsm__source *source;
  const fsm__known *known;
  fsm_code code; /* the first clash; everything is NULL after it */
} fsm__checker;

/* The shape of a node; NULL also after a clash. */
const fsm_shape *fsm__check_node(fsm__checker *c, const fsm__node *node);
const fsm_shape *fsm__check_path(fsm__checker *c, const fsm__node *path);
const fsm_shape *fsm__check_call(fsm__checker *c, const fsm__node *node);
const fsm_shape *fsm__check_macro(fsm__checker *c, const fsm__node *node);
/* Of a op b; begin is where a begins, end where b ends. */
const fsm_shape *fsm__check_op(fsm__checker *c, fsm__op op, const fsm_shape *a, const fsm_shape *b,
                               size_t begin, size_t end);

/* "<source between begin and end>: <sentence>"; always NULL. */
const fsm_shape *fsm__clash(fsm__checker *c, size_t begin, size_t end, const char *format, ...)
    FSM_PRINTF(4, 5);
/* Checks the node and that it may be one of a set; `expected` says what for the sentence. */
const fsm_shape *fsm__check_is(fsm__checker *c, const fsm__node *node, int set, const char *expected);
/* May the shape be one of the set? */
bool fsm__may_be(const fsm_shape *shape, int set);
/* "string", "list"…; "value" for NULL. */
const char *fsm__shape_name(const fsm_shape *shape);
/* A constant shape of this kind with nothing else known. */
const fsm_shape *fsm__kind_shape(int kind);
/* What both are, as far as one shape can say it. */
const fsm_shape *fsm__shape_join(const fsm_shape *a, const fsm_shape *b);
/* A list or map of items; NULL items = anything. */
const fsm_shape *fsm__shape_with(fsm__checker *c, int kind, const fsm_shape *item);
/* Can no value of one equal a value of the other? null equals null only and is never held against anyone. */
bool fsm__never_equal(const fsm_shape *a, const fsm_shape *b);

#endif
