/* expr_remedy.h: which fields of the context would have to be what, so that a condition holds.
 *
 * The idea: && || ! and ?: are followed down to the parts that are false; of each the values are tried that
 * it, or another part about the same field, compares that field with, and those next to them. Nothing is
 * told that was not evaluated again as a whole with the values set. Of several ways of an || that with the
 * fewest fields is taken; a part that only the event or the actor decides is left as it is.
 *
 * What is tried: a field compared (== != < <= > >=) with whatever can be evaluated, its size() with a number,
 * alone as a bool, in a list, with a list that has something in it, has(), startsWith endsWith contains. What
 * hangs on a macro, a pattern, arithmetic over the field, or the time is not found. */
#ifndef FSM_EXPR_REMEDY_H
#define FSM_EXPR_REMEDY_H

#include "fsm/expr_parts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_REMEDY_TRIES_MAX = 512, /* evaluations of one condition or part of it; past them nothing is found */
  FSM_REMEDY_SAMPLES_MAX = 16
};
#define FSM_REMEDY_WORK_MAX FSM_EXPR_WORK_MAX /* of all of them together */
#define FSM_REMEDY_FILLER "TEXT" /* a text that stands for any, to be written by whoever sets it */

/* Each may be NULL: everything is shown, everything fits, nothing is known. */
typedef struct fsm_remedy_rules {
  /* A member of this name, at any depth, is neither set nor does it tell what to set. */
  bool (*hides)(void *arg, const fsm_value *name);
  /* May these fields of the context be set to this? */
  bool (*fits)(void *arg, const fsm_value *patch);
  /* What a field may be: up to `room` values, the likeliest first. */
  unsigned (*samples)(void *arg, const fsm_value *field, fsm_value *out, unsigned room);
  void *arg;
} fsm_remedy_rules;

/* *patch: fields of the context, whole, with which the condition is true, or is decided by what is not known
 * (*truth: TRUE or DEPENDS); null: none was found. FSM_ENOMEM. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_remedy(const fsm_expr *expr, const fsm_scope *scope,
                                              const fsm_unknown *unknown, const fsm_remedy_rules *rules,
                                              fsm_arena *arena, fsm_value *patch, fsm_truth *truth);

#ifdef __cplusplus
}
#endif
#endif
