/* expr_foresee.c: what an expression may come to while some of its variables are not known.
 *
 * The idea: the logical operators are asked part by part, with the set of what each part may come to; a part
 * that reads what is not known may come to anything, all others are evaluated. So `context.open &&
 * actor.role == "x"` is surely false while context.open is, whoever acts. Invariant: what the expression
 * comes to, once all is known, is in the set.
 */
#include "fsm/expr_impl.h"

enum { ANYTHING = FSM_MAYBE_NO | FSM_MAYBE_YES | FSM_MAYBE_FAULT };

typedef struct foresight {
  fsm__run *run;
  unsigned known;
} foresight;

static bool is_known(unsigned known, fsm__variable variable) {
  switch (variable) {
    case FSM__CONTEXT: return (known & FSM_KNOWN_CONTEXT) != 0;
    case FSM__ACTOR: return (known & FSM_KNOWN_ACTOR) != 0;
    case FSM__NOW: return (known & FSM_KNOWN_NOW) != 0;
    case FSM__SYSTEM: return true; /* of the session, for its life */
    case FSM__EVENT:
    case FSM__INPUT: return false;
  }
  return false;
}

static bool reads_known(unsigned known, const fsm__node *node) {
  if (node->kind == FSM__VARIABLE && !is_known(known, node->variable)) return false;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next)
    if (!reads_known(known, kid)) return false;
  return true;
}

static unsigned come_to(const foresight *f, const fsm__node *node);

/* decides: true of ||, false of &&. One operand that decides wins over faults of the others. */
static unsigned logic(const foresight *f, const fsm__node *node, bool decides) {
  const unsigned one = decides ? FSM_MAYBE_YES : FSM_MAYBE_NO, other = decides ? FSM_MAYBE_NO : FSM_MAYBE_YES;
  bool may_decide = false, may_not = true, may_fault = false, passes = true;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next) {
    const unsigned set = come_to(f, kid);
    may_decide = may_decide || (set & one) != 0;
    may_not = may_not && (set & other) != 0;
    may_fault = may_fault || (set & FSM_MAYBE_FAULT) != 0;
    passes = passes && (set & (other | FSM_MAYBE_FAULT)) != 0;
  }
  return (may_decide ? one : 0) | (may_not ? other : 0) | (may_fault && passes ? FSM_MAYBE_FAULT : 0);
}

static unsigned turn(unsigned set) {
  return ((set & FSM_MAYBE_NO) != 0 ? FSM_MAYBE_YES : 0) | ((set & FSM_MAYBE_YES) != 0 ? FSM_MAYBE_NO : 0) |
         (set & FSM_MAYBE_FAULT);
}

static unsigned choose(const foresight *f, const fsm__node *node) {
  const fsm__node *condition = node->kids;
  const unsigned set = come_to(f, condition);
  return ((set & FSM_MAYBE_YES) != 0 ? come_to(f, condition->next) : 0) |
         ((set & FSM_MAYBE_NO) != 0 ? come_to(f, condition->next->next) : 0) | (set & FSM_MAYBE_FAULT);
}

static unsigned value_of(const foresight *f, const fsm__node *node) {
  fsm_value slot;
  if (!reads_known(f->known, node)) return ANYTHING;
  const fsm_value *value = fsm__eval(f->run, node, &slot);
  if (value == NULL) return f->run->fault.code == FSM_EEXPRESSION ? FSM_MAYBE_FAULT : ANYTHING;
  if (!fsm_is(value, FSM_BOOL)) return FSM_MAYBE_FAULT;
  return value->b ? FSM_MAYBE_YES : FSM_MAYBE_NO;
}

static unsigned come_to(const foresight *f, const fsm__node *node) {
  switch ((fsm__node_kind)node->kind) {
    case FSM__AND: return logic(f, node, false);
    case FSM__OR: return logic(f, node, true);
    case FSM__NOT: return turn(come_to(f, node->kids));
    case FSM__CHOOSE: return choose(f, node);
    default: return value_of(f, node);
  }
}

unsigned fsm_expr_foresee(const fsm_expr *expr, const fsm_scope *scope, unsigned known, fsm_arena *arena) {
  FSM_ASSERT(expr && scope && arena);
  FSM_UNSET fsm__run run;
  run.scope = scope;
  run.arena = arena;
  run.work = 0;
  run.frame = NULL;
  const foresight f = {&run, known};
  const unsigned set = come_to(&f, expr->root);
  if (scope->work) *scope->work += run.work;
  return run.work > FSM_EXPR_WORK_MAX ? ANYTHING : set;
}
