/* expr_foresee.h: between the files of expr_parts.h: the one evaluation of conditions of which not all is
 * known. */
#ifndef FSM_EXPR_FORESEE_H
#define FSM_EXPR_FORESEE_H

#include "fsm/expr_impl.h"
#include "fsm/expr_parts.h"

typedef struct fsm__foresight {
  fsm__run run;
  const fsm_unknown *unknown;
  unsigned open; /* what a part may come to that reads what is not known */
  bool no_memory;
} fsm__foresight;

void fsm__foresight_begin(fsm__foresight *f, const fsm_scope *scope, const fsm_unknown *unknown,
                          unsigned open, fsm_arena *arena);
/* To the scope's count of work. */
void fsm__foresight_end(const fsm__foresight *f);
/* What the node may come to: FSM_MAYBE_…. */
unsigned fsm__foresee(fsm__foresight *f, const fsm__node *node);
/* Of one that is no && || ! ?:; FSM_MAYBE_FAULT alone: f->run.fault says why. */
unsigned fsm__foresee_atom(fsm__foresight *f, const fsm__node *node);
bool fsm__reads_unknown(const fsm__node *node, const fsm_unknown *unknown);

#endif
