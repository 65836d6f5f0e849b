/* machine_compile.h: a machine while it is being compiled. Private to fsm/machine*.c.
 *
 * The idea: one fsm__compiler goes through all walks; its scratch arena is dropped afterwards. The first
 * fault is written to err and ends the compilation.
 */
#ifndef FSM_MACHINE_COMPILE_H
#define FSM_MACHINE_COMPILE_H

#include "fsm/machine_impl.h"

/* The expressions of the machine so far, by what they were compiled from. */
typedef struct fsm__exprs {
  fsm_arena *scratch;
  uint32_t mask; /* buckets − 1 */
  const struct fsm__expr_entry **buckets;
} fsm__exprs;

typedef struct fsm__compiler {
  fsm_machine *m;
  const fsm_def *def;
  fsm_arena scratch;          /* dropped after compiling */
  const fsm_def_state **defs; /* by number */
  fsm__exprs exprs;
  fsm_error *err;
  size_t states, transitions, targets, actions, invokes, histories, data;
  unsigned nested;       /* machines around this one */
  size_t around, inside; /* bytes of the machines that it is in, and that are in it */
} fsm__compiler;

fsm_code fsm__compile_no_memory(fsm__compiler *c);
/* What its expressions are compiled with. */
fsm__content fsm__compile_content(fsm__compiler *c);
/* A machine defined inside of `above`; NULL = of none. */
FSM_MUST_USE fsm_code fsm__compile_nested(const fsm_def *def, fsm__compiler *above, fsm_machine **out,
                                          fsm_error *err);

/* ---- machine_expr.c ------------------------------------------------------------------------------ */

/* For about so many expressions; false = out of memory. */
bool fsm__exprs_init(fsm__exprs *exprs, fsm_arena *scratch, size_t expected);

/* ---- machine_target.c: initial states, histories, targets, what a transition leaves -------------- */

/* Needs all states numbered and the paths indexed. */
FSM_MUST_USE fsm_code fsm__compile_initial(fsm__compiler *c, unsigned state);
FSM_MUST_USE fsm_code fsm__compile_targets(fsm__compiler *c, const fsm_def_transition *def,
                                           fsm__transition *t);
/* Needs the initial states of all states. */
FSM_MUST_USE fsm_code fsm__compile_history_check(fsm__compiler *c);

/* ---- machine_states.c: what a state has ---------------------------------------------------------- */

FSM_MUST_USE fsm_code fsm__compile_state(fsm__compiler *c, unsigned state);

#endif
