/* expr_foresee.c: what an expression may come to while some of what it reads is not known.
 *
 * The idea: the logical operators are asked part by part, with the set of what each part may come to; a part
 * that reads what is not known is open, all others are evaluated. So `context.open && actor.role == "x"` is
 * surely false while context.open is, whoever acts. Invariant: what the expression comes to, once all is
 * known, is in the set.
 */
#include "fsm/expr_foresee.h"

enum { ANYTHING = FSM_MAYBE_NO | FSM_MAYBE_YES | FSM_MAYBE_FAULT };

/* ---- what is not known --------------------------------------------------------------------------- */

static bool unknown_field(const fsm_unknown *unknown, const fsm_value *name) {
  for (unsigned i = 0; i < unknown->field_count; i++)
    if (fsm_value_same(&unknown->fields[i], name)) return true;
  return false;
}

static bool is_name(const fsm__node *step) {
  return step != NULL && step->kind == FSM__FIELD && fsm_is_text(&step->value, "name");
}

/* step: the first one of a path, NULL = the variable as a whole. */
static bool unknown_variable(const fsm_unknown *unknown, const fsm__node *node, const fsm__node *step) {
  switch (node->variable) {
    case FSM__EVENT: return unknown->event && !(unknown->named && is_name(step));
    case FSM__INPUT: return unknown->event;
    case FSM__ACTOR: return unknown->actor;
    case FSM__NOW: return unknown->now;
    case FSM__CONTEXT: break;
    default: return false;
  }
  if (unknown->field_count == 0) return false;
  if (step != NULL && step->kind == FSM__FIELD) return unknown_field(unknown, &step->value);
  if (step != NULL && step->kids->kind == FSM__LITERAL) return unknown_field(unknown, &step->kids->value);
  return true;
}

bool fsm__reads_unknown(const fsm__node *node, const fsm_unknown *unknown) {
  if (node->kind == FSM__VARIABLE) return unknown_variable(unknown, node, NULL);
  const fsm__node *kid = node->kids;
  if (node->kind == FSM__PATH && kid->kind == FSM__VARIABLE) {
    if (unknown_variable(unknown, kid, kid->next)) return true;
    kid = kid->next;
  }
  for (; kid != NULL; kid = kid->next)
    if (fsm__reads_unknown(kid, unknown)) return true;
  return false;
}

bool fsm_expr_reads_unknown(const fsm_expr *expr, const fsm_unknown *unknown) {
  FSM_ASSERT(expr && unknown);
  return fsm__reads_unknown(expr->root, unknown);
}

/* ---- what it may come to ------------------------------------------------------------------------- */

/* decides: true of ||, false of &&. One operand that decides wins over faults of the others. */
static unsigned logic(fsm__foresight *f, const fsm__node *node, bool decides) {
  const unsigned one = decides ? FSM_MAYBE_YES : FSM_MAYBE_NO, other = decides ? FSM_MAYBE_NO : FSM_MAYBE_YES;
  bool may_decide = false, may_not = true, may_fault = false, passes = true;
  for (const fsm__node *kid = node->kids; kid != NULL; kid = kid->next) {
    const unsigned set = fsm__foresee(f, kid);
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

static unsigned choose(fsm__foresight *f, const fsm__node *node) {
  const fsm__node *condition = node->kids;
  const unsigned set = fsm__foresee(f, condition);
  return ((set & FSM_MAYBE_YES) != 0 ? fsm__foresee(f, condition->next) : 0) |
         ((set & FSM_MAYBE_NO) != 0 ? fsm__foresee(f, condition->next->next) : 0) | (set & FSM_MAYBE_FAULT);
}

unsigned fsm__foresee_atom(fsm__foresight *f, const fsm__node *node) {
  fsm_value slot;
  if (fsm__reads_unknown(node, f->unknown)) return f->open;
  const fsm_value *value = fsm__as_bool(&f->run, node, fsm__eval(&f->run, node, &slot));
  if (value != NULL) return value->b ? FSM_MAYBE_YES : FSM_MAYBE_NO;
  if (f->run.fault.code == FSM_ENOMEM) f->no_memory = true;
  return f->run.fault.code == FSM_EEXPRESSION ? FSM_MAYBE_FAULT : ANYTHING;
}

unsigned fsm__foresee(fsm__foresight *f, const fsm__node *node) {
  switch ((fsm__node_kind)node->kind) {
    case FSM__AND: return logic(f, node, false);
    case FSM__OR: return logic(f, node, true);
    case FSM__NOT: return turn(fsm__foresee(f, node->kids));
    case FSM__CHOOSE: return choose(f, node);
    default: return fsm__foresee_atom(f, node);
  }
}

void fsm__foresight_begin(fsm__foresight *f, const fsm_scope *scope, const fsm_unknown *unknown,
                          unsigned open, fsm_arena *arena) {
  f->run.scope = scope;
  f->run.arena = arena;
  f->run.work = 0;
  f->run.frame = NULL;
  f->unknown = unknown;
  f->open = open;
  f->no_memory = false;
}

void fsm__foresight_end(const fsm__foresight *f) {
  if (f->run.scope->work != NULL) *f->run.scope->work += f->run.work;
}

unsigned fsm_expr_foresee(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                          fsm_arena *arena) {
  FSM_ASSERT(expr && scope && unknown && arena);
  FSM_UNSET fsm__foresight f;
  fsm__foresight_begin(&f, scope, unknown, ANYTHING, arena);
  const unsigned set = fsm__foresee(&f, expr->root);
  fsm__foresight_end(&f);
  return f.run.work > FSM_EXPR_WORK_MAX ? ANYTHING : set;
}
