/* expr_parts.h: a condition taken apart, while some of what it reads is not known yet.
 *
 * The idea: && || ! and ?: are followed with the set of what each operand may come to (expr_foresee.c), all
 * else is an atom that is evaluated by itself. An atom that reads what is not known is neither true nor
 * false; what it is joined to may decide all the same: `event.ok && context.paid` is false for as long as
 * paid is. So it can be said which parts make a guard false now, what they read, and what only the event, the
 * actor or the time will tell.
 */
#ifndef FSM_EXPR_PARTS_H
#define FSM_EXPR_PARTS_H

#include "fsm/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FSM_EXPR_PARTS_MAX = 64 }; /* atoms of one condition; further ones are not told, but count */

typedef enum fsm_truth { FSM_TRUTH_FALSE, FSM_TRUTH_TRUE, FSM_TRUTH_DEPENDS, FSM_TRUTH_FAULT } fsm_truth;

/* What is not known yet. fields: names of the context whose values are not (texts). named: of the event only
 * its name is known, and in the scope. */
typedef struct fsm_unknown {
  bool event, actor, now, named;
  const fsm_value *fields;
  unsigned field_count;
} fsm_unknown;

typedef struct fsm_expr_part {
  const char *text; /* without brackets around it */
  fsm_truth truth;
  unsigned depth;    /* in && || ! ?: */
  bool decides;      /* the whole is what it is because of this part */
  bool wanted;       /* what it would have to be: false below a ! */
  bool reads_time;   /* it reads `now`: another time it may be another */
  fsm_value seen;    /* what it reads (fsm_expr_seen) */
  const char *fault; /* NULL = it evaluated, or was not evaluated */
} fsm_expr_part;

/* What a condition may come to, a bit each: the engine's own evaluation, where a part that reads what is not
 * known may come to anything. `false && x` is false whatever x is. No bool is a fault, too much work
 * anything. */
enum { FSM_MAYBE_NO = 1, FSM_MAYBE_YES = 2, FSM_MAYBE_FAULT = 4 };
FSM_API FSM_MUST_USE unsigned fsm_expr_foresee(const fsm_expr *expr, const fsm_scope *scope,
                                               const fsm_unknown *unknown, fsm_arena *arena);

/* Does it read any of that? */
FSM_API bool fsm_expr_reads_unknown(const fsm_expr *expr, const fsm_unknown *unknown);
/* The same in a word, of events that have what the condition reads: FALSE, TRUE, or it DEPENDS on what is not
 * known; FAULT: it fails, or is false, but never true; also when it gives no bool, or memory ran out. */
FSM_API fsm_truth fsm_expr_truth(const fsm_expr *expr, const fsm_scope *scope, const fsm_unknown *unknown,
                                 fsm_arena *arena);
/* The same with its atoms: those that decide first, of them the deepest first, else as they are written.
 * FSM_ENOMEM is the only fault. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_parts(const fsm_expr *expr, const fsm_scope *scope,
                                             const fsm_unknown *unknown, fsm_arena *arena, fsm_truth *truth,
                                             const fsm_expr_part **parts, unsigned *count);

/* The one to tell when only one is told: of those that decide the outermost, which asks for least. NULL
 * without parts. */
FSM_API const fsm_expr_part *fsm_expr_part_first(const fsm_expr_part *parts, unsigned count);

#ifdef __cplusplus
}
#endif
#endif
