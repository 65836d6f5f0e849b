/* expr.h: expressions, the Common Expression Language (CEL) over fsm values.
 *
 * Compiled once, evaluated often. Pure and bounded: no clock, no random, no loop without a bound;
 * `now` is the recorded time of the command. Variables: context, event, actor, now; In(state) asks
 * the configuration. int promotes to double in mixed arithmetic and comparison (our one deviation);
 * overflow and division by zero are errors.
 */
#ifndef FSM_EXPR_H
#define FSM_EXPR_H

#include "fsm/value.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_EXPR_TEXT_MAX = 4096, /* bytes of source */
  FSM_EXPR_DEPTH_MAX = 64,  /* nesting */
  FSM_EXPR_NODES_MAX = 2048 /* size when compiled */
};

typedef struct fsm_expr fsm_expr; /* lives in the arena it was compiled into; immutable */

/* What an evaluation sees. A missing variable is FSM_NULL; reading a field of null is an error. */
typedef struct fsm_scope {
  const fsm_value *context; /* map */
  const fsm_value *event;   /* map: name, data, and what the dialect adds; NULL = none */
  const fsm_value *actor;   /* map: type, sub, sid, roles…; NULL = none */
  int64_t now_ns;           /* UTC, nanoseconds since 1970 */
  bool (*in)(const void *in_arg, const char *state, size_t len); /* In(); NULL = always false */
  const void *in_arg;
} fsm_scope;

/* err->where is "line:column" of text (1-based, columns in code points). text is copied. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_compile(fsm_arena *arena, const char *text, size_t len,
                                               const fsm_expr **out, fsm_error *err);

/* FSM_EEXPRESSION: err->text names the failing sub-expression and its operands. *out may point into
 * the scope's values, the expression's literals and arena. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_eval(const fsm_expr *expr, const fsm_scope *scope,
                                            fsm_arena *arena, fsm_value *out, fsm_error *err);

/* The source as it was compiled, NUL-terminated. */
FSM_API const char *fsm_expr_text(const fsm_expr *expr);

/* What the expression read: a map from each member path in it ("context.amount") to its value in
 * scope; absent paths are left out. At most 16 paths. For refusals and `why`. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_seen(const fsm_expr *expr, const fsm_scope *scope,
                                            fsm_arena *arena, fsm_value *out);

#ifdef __cplusplus
}
#endif
#endif
