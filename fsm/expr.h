/* expr.h: expressions, the Common Expression Language (CEL) over fsm values.
 *
 * Compiled once, evaluated often. Pure and bounded: no clock, no random, no loop without a bound;
 * `now` is the recorded time of the command. Variables: context, event, actor, now, and input, which
 * is event.data; In(state) asks the configuration.
 *
 * Deviations from CEL: int and uint promote to double in arithmetic with a double, as they do in
 * comparison; and has(x.f) is false, not an error, when x is null.
 * Overflow and division by zero of integers are errors; doubles follow IEEE 754.
 *
 * Not supported yet, refused by name with FSM_EUNSUPPORTED: the macros all, exists, exists_one, map and
 * filter, matches, timestamps and durations (but now can be compared), ?. and the type checker.
 */
#ifndef FSM_EXPR_H
#define FSM_EXPR_H

#include "fsm/value.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_EXPR_TEXT_MAX = 4096,   /* bytes of source */
  FSM_EXPR_SEEN_MAX = 256,  /* bytes of one value in fsm_expr_seen */
  FSM_EXPR_DEPTH_MAX = 64,    /* nesting of brackets in the text, and of operations when compiled */
  FSM_EXPR_NODES_MAX = 2048,  /* size when compiled */
  FSM_EXPR_WORK_MAX = 1 << 20 /* bytes and items that one evaluation may make or compare */
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

/* err->where is "line:column" of text (1-based, columns in code points). text is copied. A bound that
 * is passed is FSM_ETOOLARGE, what is not supported yet FSM_EUNSUPPORTED, all else FSM_EEXPRESSION. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_compile(fsm_arena *arena, const char *text, size_t len,
                                               const fsm_expr **out, fsm_error *err);

/* FSM_EEXPRESSION: err->text names the failing sub-expression and its operands, err->where is its
 * line:column. *out may point into the scope's values, the expression's literals and arena. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_eval(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena,
                                            fsm_value *out, fsm_error *err);

/* The source as it was compiled, NUL-terminated. */
FSM_API const char *fsm_expr_text(const fsm_expr *expr);

/* What the expression read: a map from each member path in it ("context.amount") to its value in
 * scope; absent paths are left out, and what takes more than
 * FSM_EXPR_SEEN_MAX bytes is told by its beginning or its size. At most 16 paths. For refusals and `why`. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_seen(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena,
                                            fsm_value *out);

#ifdef __cplusplus
}
#endif
#endif
