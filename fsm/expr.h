/* expr.h: expressions, the Common Expression Language (CEL) over fsm values.
 *
 * Compiled once, evaluated often. Pure and bounded: no clock, no random, no loop without a bound;
 * `now` is the recorded time of the command. In(state) asks the configuration, merge(map, …) lays maps
 * over each other.
 *
 * Names. JSON: context, event, actor, now, and input, which is event.data. SCXML: a bare name is a field
 * of the context, `_event` the event, other names that begin with '_' are system variables; what is not
 * there fails when it is read.
 *
 * All of CEL's standard macros and functions, those over two variables (transformList, transformMap…)
 * and optional values: context.?a.b.orValue(0), list[?0], [?x], {?k: v}; a?.b is another way to write
 * a.?b. What leaves an evaluation is data: a type is its name, an optional its value or null.
 *
 * Deviations from CEL: int and uint promote to double in arithmetic with a double, as they do in
 * comparison; and null has no fields rather than being no map: has(x.f) is false and x.?f empty.
 * Overflow and division by zero of integers are errors; doubles follow IEEE 754.
 *
 * A timestamp is of the years 1 to 9999, a duration what 64 bits of nanoseconds hold; int() of a timestamp
 * is seconds since 1970, of a duration nanoseconds. Times are read and written as RFC 3339, written in UTC
 * with 0, 3, 6 or 9 digits of fraction; leap seconds are refused. A zone is UTC or an offset (+02:00), or
 * an IANA name written as a literal, whose rules are taken from the options' zones and stay with the
 * expression.
 *
 * matches() takes the syntax of RE2 (fsm/match.h says what is left out) in linear time. A literal pattern is
 * compiled with the expression, one that is computed when it is evaluated; both count as work.
 */
#ifndef FSM_EXPR_H
#define FSM_EXPR_H

#include "fsm/value.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_EXPR_TEXT_MAX = 4096,   /* bytes of source */
  FSM_EXPR_SEEN_MAX = 256,    /* bytes of one value in fsm_expr_seen */
  FSM_EXPR_DEPTH_MAX = 64,    /* nesting of brackets in the text, and of operations when compiled */
  FSM_EXPR_NODES_MAX = 2048,  /* size when compiled */
  FSM_EXPR_WORK_MAX = 1 << 20 /* bytes and items that one evaluation may make or compare, and parts of
                                 an expression that it may evaluate for the elements of macros */
};

/* ---- what is known before an expression runs ---------------------------------------------------- */

/* The shape of values, as far as a schema tells it. NULL stands for "anything" everywhere. */
typedef struct fsm_shape fsm_shape;
struct fsm_shape {
  enum {
    FSM_SHAPE_ANY,
    FSM_SHAPE_NULL,
    FSM_SHAPE_BOOL,
    FSM_SHAPE_INT,    /* int or uint */
    FSM_SHAPE_NUMBER, /* int, uint or double */
    FSM_SHAPE_STRING,
    FSM_SHAPE_BYTES,
    FSM_SHAPE_TIMESTAMP,
    FSM_SHAPE_DURATION,
    FSM_SHAPE_LIST,  /* of item */
    FSM_SHAPE_MAP,   /* any text key to item */
    FSM_SHAPE_OBJECT /* these members; others only when open */
  } kind;
  bool nullable;         /* or null */
  bool open;             /* OBJECT: other members may be there */
  const fsm_shape *item; /* LIST, MAP */
  size_t count;          /* OBJECT */
  const char *const *names;
  const fsm_shape *const *members;
  const bool *required; /* OBJECT, per member; NULL = all may be absent */
};

/* Gives the bytes of the TZif file (RFC 8536) of an IANA zone name, in memory that lives until the call
 * of fsm_expr_compile_with (or fsm_machine_compile) returns; false = there is no such zone. */
typedef bool fsm_zone_source(void *arg, const char *name, const void **data, size_t *len);

typedef struct fsm_expr_options {
  bool scxml;     /* bare names are fields of context; _event, and the members of system, exist */
  bool guard;     /* the result must be a bool, as far as shapes tell */
  bool unchecked; /* unknown functions and clashes fail when they are evaluated: CEL without its checker */
  const fsm_shape *context, *event, *actor;
  fsm_zone_source *zones; /* NULL = only UTC and fixed offsets */
  void *zones_arg;
} fsm_expr_options;

typedef struct fsm_expr fsm_expr; /* lives in the arena it was compiled into; immutable */

/* What an evaluation sees. A missing variable is FSM_NULL; reading a field of null is an error. */
typedef struct fsm_scope {
  const fsm_value *context; /* map */
  const fsm_value *event;   /* map: name, data, and what the dialect adds; NULL = none, or see event_of */
  const fsm_value *actor;   /* map: type, sub, sid, roles…; NULL = none */
  const fsm_value *system;  /* SCXML 5.10: map with _name, _sessionid, _ioprocessors; NULL = none */
  int64_t now_ns;           /* UTC, nanoseconds since 1970 */
  uint64_t *work;    /* each evaluation adds what it counted against FSM_EXPR_WORK_MAX; NULL = not asked */
  uint64_t work_max; /* less than FSM_EXPR_WORK_MAX; 0 = that */
  bool (*in)(const void *in_arg, const char *state, size_t len); /* In(); NULL = always false */
  const void *in_arg;
  /* Makes the event when an expression reads it first; NULL = it is in `event`, or there is none. */
  const fsm_value *(*event_of)(void *event_arg);
  void *event_arg;
} fsm_scope;

/* err->where is "line:column" of text (1-based, columns in code points). text is copied. A bound that
 * is passed is FSM_ETOOLARGE, what match.h leaves out of patterns FSM_EUNSUPPORTED, all else FSM_EEXPRESSION.
 */
FSM_API FSM_MUST_USE fsm_code fsm_expr_compile(fsm_arena *arena, const char *text, size_t len,
                                               const fsm_expr **out, fsm_error *err);

/* The same with what is known; NULL = nothing, and nothing is checked. What the shapes and the literals
 * show to fail in any case is FSM_EEXPRESSION at load: a member that is not there, an operator or function
 * on the wrong types, a comparison that is always false, a guard that is no bool. In SCXML, where that
 * raises an event at run time, only when a shape of context or event is given. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_compile_with(fsm_arena *arena, const char *text, size_t len,
                                                    const fsm_expr_options *options, const fsm_expr **out,
                                                    fsm_error *err);

/* FSM_EEXPRESSION: err->text names the failing sub-expression and its operands, err->where is its
 * line:column. *out may point into the scope's values, the expression's literals and arena. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_eval(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena,
                                            fsm_value *out, fsm_error *err);

/* How the two notations name things: JSON context.x, event.data, In('path'); SCXML x, _event.data, In('id').
 * state gives the name of a state in the other notation, NULL = there is no such state. */
typedef struct fsm_respelling {
  bool to_scxml; /* from JSON; otherwise the other way round */
  const char *(*state)(const void *arg, const char *state, size_t len);
  const void *arg;
  fsm_zone_source *zones; /* as in fsm_expr_options */
  void *zones_arg;
} fsm_respelling;
/* The expression with the names of the other notation, in arena. A name that is not there in the other is
 * FSM_EUNSUPPORTED, err->where is its line:column; an expression that cannot be compiled is as above. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_respell(fsm_arena *arena, const char *text, size_t len,
                                               const fsm_respelling *how, const char **out, fsm_error *err);

/* The source as it was compiled, NUL-terminated. */
FSM_API const char *fsm_expr_text(const fsm_expr *expr);
/* Does it name the actor anywhere? */
FSM_API bool fsm_expr_names_actor(const fsm_expr *expr);

/* What the expression read: a map from each member path in it ("context.amount") to its value in
 * scope; absent paths are left out, and what takes more than
 * FSM_EXPR_SEEN_MAX bytes is told by its beginning or its size. At most 16 paths. For refusals and `why`. */
FSM_API FSM_MUST_USE fsm_code fsm_expr_seen(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena,
                                            fsm_value *out);

/* What it reads of its variables, one after the other: up to two leading names or literals of a path. A path
 * of a variable other than `context` (SCXML: than a bare name) has count 0. False behind the last. At
 * most FSM_EXPR_READS_MAX are kept: one with so many may read anything. */
enum { FSM_EXPR_READS_MAX = 16 };
typedef struct fsm_expr_path {
  unsigned count;
  fsm_value steps[2];
} fsm_expr_path;
FSM_API bool fsm_expr_reads(const fsm_expr *expr, unsigned index, fsm_expr_path *out);

#ifdef __cplusplus
}
#endif
#endif
