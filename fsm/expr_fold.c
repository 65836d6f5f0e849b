/* expr_fold.c: what depends on nothing is computed when the expression is compiled.
 *
 * now - event.at > duration('72h'), x in ['a', 'b']: the parts without a variable become literals, with
 * their place in the source. A part that fails stays as it is and fails when, and if, it is evaluated.
 */
#include "fsm/expr_impl.h"

enum { MADE_MAX = 1 << 16 }; /* bytes and items that the literals of one expression may take */

static bool foldable(const fsm__node *node) {
  switch ((fsm__node_kind)node->kind) {
    case FSM__NOT:
    case FSM__NEGATE:
    case FSM__AND:
    case FSM__OR:
    case FSM__FOLD:
    case FSM__CHOOSE:
    case FSM__LIST:
    case FSM__MAP: break;
    case FSM__CALL:
      if (!node->function || node->function->call == fsm__call_in) return false;
      break;
    default: return false;
  }
  for (const fsm__node *kid = node->kids; kid; kid = kid->next)
    if (kid->kind != FSM__LITERAL || kid->soft) return false;
  return true;
}

static void fold(fsm__run *run, fsm__node *node) {
  for (fsm__node *kid = node->kids; kid; kid = kid->next) fold(run, kid);
  if (!foldable(node)) return;
  fsm_value slot;
  const fsm_value *value = fsm__eval(run, node, &slot);
  if (!value || value->type >= FSM_TYPE_COUNT) return;
  fsm_value kept = *value; /* it may lie in a kid of the node */
  node->kind = FSM__LITERAL;
  node->value = kept;
  node->kids = NULL;
  node->count = 0;
}

void fsm__fold_constants(fsm_arena *arena, fsm__node *root) {
  static const fsm_scope nothing;
  fsm__run run = {.scope = &nothing, .arena = arena, .work = FSM_EXPR_WORK_MAX - MADE_MAX};
  fold(&run, root);
}
