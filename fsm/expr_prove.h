/* expr_prove.h: what can be told of conditions before anything is evaluated: can they hold at the same time?
 *
 * A condition is taken apart along && || ! and ?:. What is left is compared with a literal (x > 5, x == 'a',
 * x in [1, 2], x == null, x alone as a bool), and so says something of one path; everything else may be true
 * or false, but the same text is the same everywhere. Conditions contradict each other when in every way of
 * satisfying them some path has no value left, or the same text would have to be both true and false.
 *
 * Only a true condition holds: one that cannot be evaluated does not, and !(one that cannot be) does not
 * either. NaN is no value: contexts and events cannot hold it.
 */
#ifndef FSM_EXPR_PROVE_H
#define FSM_EXPR_PROVE_H

#include "fsm/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_PROVE_PARTS_MAX = 64,   /* comparisons in one way of satisfying; past one of these it is … */
  FSM_PROVE_STEPS_MAX = 20000 /* … FSM_PROOF_OPEN */
};

typedef enum fsm_proof {
  FSM_PROOF_OPEN,  /* cannot be told */
  FSM_PROOF_NEVER, /* never all at once */
  FSM_PROOF_SOME   /* for some values, all of which may occur as far as is known */
} fsm_proof;

typedef struct fsm_claim {
  const fsm_expr *expr;
  bool holds; /* is true; else: is false */
} fsm_claim;

/* What a schema says of the value of a path. */
typedef struct fsm_known {
  int kind; /* of fsm_shape; FSM_SHAPE_ANY = nothing */
  bool nullable, has_low, has_high;
  double low, high;         /* both included */
  const fsm_value *choices; /* NULL = any */
  size_t choice_count;
} fsm_known;
typedef bool fsm_known_of(void *arg, const char *path, size_t len, fsm_known *out);

/* known: NULL = nothing is. The path is as the expression has it, without white space. */
FSM_API fsm_proof fsm_expr_prove(const fsm_claim *claims, size_t count, fsm_known_of *known, void *arg);

#ifdef __cplusplus
}
#endif
#endif
