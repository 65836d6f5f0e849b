/* expr_impl.h: what the files of the expression module share; nobody else includes it.
 *
 * Text → tokens (expr_lex.c, expr_quote.c) → a tree of nodes (expr_parse*.c) → values (expr_eval.c with
 * expr_macro.c, expr_ops.c, expr_equal.c, expr_optional.c and expr_call.c). Nodes lie one behind the other in
 * the arena, chains such as a + b + c or a.b.c are one node with a list of children, literals are ready
 * values, names are measured, functions are resolved: evaluating scalars allocates nothing.
 *
 * Invariant: the tree is at most FSM_EXPR_DEPTH_MAX high, so that evaluating may recurse.
 */
#ifndef FSM_EXPR_IMPL_H
#define FSM_EXPR_IMPL_H

#include <string.h>

#include "fsm/bytes.h"
#include "fsm/expr.h"

/* ---- tokens ------------------------------------------------------------------------------------ */

/* clang-format off */
#define FSM__TOKENS(X)                                                                             \
  X(END, "the end") X(NAME, "a name") X(INT, "a number") X(UINT, "a number")                       \
  X(DOUBLE, "a number") X(STRING, "a string") X(BYTES, "bytes")                                    \
  X(TRUE, "true") X(FALSE, "false") X(NULL, "null") X(IN, "in")                                    \
  X(LPAREN, "'('") X(RPAREN, "')'") X(LBRACKET, "'['") X(RBRACKET, "']'") X(LBRACE, "'{'")         \
  X(RBRACE, "'}'") X(COMMA, "','") X(DOT, "'.'") X(COLON, "':'") X(QUESTION, "'?'")                \
  X(PLUS, "'+'") X(MINUS, "'-'") X(STAR, "'*'") X(SLASH, "'/'") X(PERCENT, "'%'") X(NOT, "'!'")    \
  X(LT, "'<'") X(LE, "'<='") X(GT, "'>'") X(GE, "'>='") X(EQ, "'=='") X(NE, "'!='")                \
  X(AND, "'&&'") X(OR, "'||'")
/* clang-format on */

typedef enum fsm__token_kind {
#define X(symbol, text) FSM__T_##symbol,
  FSM__TOKENS(X)
#undef X
} fsm__token_kind;

typedef struct fsm__token {
  fsm__token_kind kind;
  uint16_t begin, end; /* bytes of the text */
  fsm_value value;     /* literals; an INT is held as an unsigned magnitude, its sign is an operator */
} fsm__token;

typedef struct fsm__source {
  const char *text; /* NUL-terminated copy of valid UTF-8 */
  uint16_t len, at;
  char *strings; /* decoded literals, which together are never longer than the text */
  size_t strings_len;
  fsm_arena *arena;
  fsm_error *err;
  const fsm_expr_options *options; /* NULL = nothing is known */
  struct fsm__zone *zones;         /* that its literals have named so far */
} fsm__source;

/* Fails at an offset of the text, which it turns into line:column. */
fsm_code fsm__expr_fail(const fsm__source *source, fsm_code code, size_t at, const char *format, ...)
    FSM_PRINTF(4, 5);
/* Writes "line:column" of an offset, 1-based, columns in code points. */
void fsm__expr_place(const char *text, size_t at, char *out, size_t cap);
/* The length of the valid UTF-8 sequence that text starts with; 0 when it is not valid. */
size_t fsm__utf8_sequence(const char *text, size_t len);

fsm_code fsm__lex(fsm__source *source, fsm__token *token);
/* A string or bytes literal; source->at is its first byte (a prefix or a quote). */
fsm_code fsm__lex_quoted(fsm__source *source, fsm__token *token);

/* ---- nodes ------------------------------------------------------------------------------------- */

typedef enum fsm__node_kind {
  FSM__LITERAL,  /* value */
  FSM__VARIABLE, /* variable */
  FSM__PATH,     /* base, then steps: FIELD and INDEX */
  FSM__FIELD,    /* value = the name; only in a path */
  FSM__INDEX,    /* one child; only in a path */
  FSM__NOT,
  FSM__NEGATE,
  FSM__AND, /* two or more */
  FSM__OR,
  FSM__FOLD,   /* two or more, from left to right, each with the op that joins it to what is before */
  FSM__CHOOSE, /* condition, then, else */
  FSM__LIST,
  FSM__MAP,      /* key, value, key, value … */
  FSM__HAS,      /* a path that ends in a FIELD */
  FSM__CALL,     /* arguments, the receiver first; function NULL = unknown, which fails when it is called */
  FSM__MERGE,    /* one or more maps */
  FSM__LOCAL,    /* a variable of a macro */
  FSM__MACRO,    /* range, then one or two expressions over its variables */
  FSM__OR_OTHER, /* x.or(y), x.orValue(y): y is evaluated only when x is empty */
} fsm__node_kind;

typedef enum fsm__softness {
  FSM__FIRM,
  FSM__SOFT,   /* a step .?f or [?i]; an entry ?x of a list or ?k: v of a map (at the key) */
  FSM__OR_TYPE /* a bare name of SCXML that is also the name of a type */
} fsm__softness;

typedef enum fsm__macro_kind {
  FSM__ALL,
  FSM__EXISTS,
  FSM__EXISTS_ONE,
  FSM__MAP_TO,
  FSM__FILTER,
  FSM__TRANSFORM_MAP,
  FSM__OPT_MAP,
  FSM__OPT_FLAT_MAP
} fsm__macro_kind;

typedef enum fsm__op {
  FSM__EQ,
  FSM__NE,
  FSM__LT,
  FSM__LE,
  FSM__GT,
  FSM__GE,
  FSM__IN,
  FSM__ADD,
  FSM__SUB,
  FSM__MUL,
  FSM__DIV,
  FSM__MOD
} fsm__op;

typedef enum fsm__variable {
  FSM__CONTEXT,
  FSM__EVENT,
  FSM__ACTOR,
  FSM__NOW,
  FSM__INPUT,
  FSM__SYSTEM
} fsm__variable;

typedef struct fsm__macro {
  uint8_t kind;    /* fsm__macro_kind */
  uint8_t vars;    /* 1: the item or key; 2: index and item, key and value */
  uint16_t weight; /* nodes that are evaluated for each element */
} fsm__macro;

typedef struct fsm__local {
  uint8_t up;    /* how many macros further out */
  uint8_t which; /* its first or second variable */
} fsm__local;

typedef struct fsm__function fsm__function;
typedef struct fsm__node fsm__node;

struct fsm__node {
  uint8_t kind;        /* fsm__node_kind */
  uint8_t op;          /* fsm__op, of a child of a FOLD */
  uint8_t height;      /* of the tree below: 0 for a leaf */
  uint8_t soft;        /* fsm__softness */
  uint16_t begin, end; /* its source, brackets around it included */
  uint16_t count;      /* children */
  fsm__node *kids, *next;
  union {
    fsm_value value;
    fsm__variable variable;
    struct {
      const fsm__function *function;
      const void *prepared; /* what function->prepare made of the call's literals; NULL = nothing */
    };
    fsm__macro macro;
    fsm__local local;
    bool or_value; /* OR_OTHER: orValue() and not or() */
  };
};

/* A path that the expression reads, or the leading part of it that does not depend on values. */
typedef struct fsm__read fsm__read;
struct fsm__read {
  fsm_value name;
  const fsm__node *base; /* a VARIABLE, its steps follow it */
  const fsm__read *next;
  unsigned steps;
};

enum { FSM__READS_MAX = FSM_EXPR_READS_MAX };

struct fsm_expr {
  const char *text;
  fsm__node *root;
  bool scxml;
  bool beyond; /* types or optionals may come out */
  bool actor;  /* it names the actor */
  unsigned read_count;
  const fsm__read *reads; /* the last one first */
};

fsm_code fsm__parse(fsm__source *source, fsm_expr *expr);
/* The words of the variables and operators, for messages. */
const char *fsm__variable_name(fsm__variable variable, bool scxml);
/* Holds a parsed expression against the shapes in source->options. */
fsm_code fsm__check(const fsm__source *source, const fsm_expr *expr);
/* Parts that depend on nothing become literals. */
void fsm__fold_constants(fsm_arena *arena, fsm__node *root);
/* Notes what a finished path or variable reads; each once, the first FSM__READS_MAX of the source. */
fsm_code fsm__note_read(const fsm__source *source, fsm_expr *expr, const fsm__node *node);

/* ---- evaluation -------------------------------------------------------------------------------- */

enum { FSM__FAULT_LEVELS = 4 };

/* What went wrong; it becomes a sentence only when nothing absorbs it. */
typedef struct fsm__fault {
  fsm_code code;
  const char *reason;
  uint16_t begin, end; /* the failing part of the source */
  uint8_t operands;    /* how many of a, b are shown */
  bool absent;         /* the reason goes before the source */
  uint8_t levels;      /* macros around the failure; where in their ranges, the innermost first */
  fsm_value a, b;
  fsm_value elements[FSM__FAULT_LEVELS];
} fsm__fault;

/* The variables of one macro; the macros around it are further up. */
typedef struct fsm__frame fsm__frame;
struct fsm__frame {
  const fsm_value *values[2];
  const fsm__frame *up;
};

typedef struct fsm__run {
  const fsm_scope *scope;
  fsm_arena *arena;
  uint64_t work;           /* nodes of macros, bytes and items made or compared so far */
  const fsm__frame *frame; /* of the innermost macro */
  const fsm__node *call;   /* the call that is being made; set for the function, not kept by it */
  fsm__fault fault;
} fsm__run;

extern const fsm_value fsm__null, fsm__true, fsm__false;

/* NULL after filling run->fault; otherwise *slot or a value that outlives the evaluation. */
const fsm_value *fsm__eval(fsm__run *run, const fsm__node *node, fsm_value *slot);
const fsm_value *fsm__eval_path(fsm__run *run, const fsm__node *node, fsm_value *slot);
const fsm_value *fsm__eval_has(fsm__run *run, const fsm__node *node, fsm_value *slot);
const fsm_value *fsm__variable_value(const fsm_scope *scope, fsm__variable variable, fsm_value *slot);
/* The value one step further; NULL when it is not there, without a fault. */
const fsm_value *fsm__at_key(const fsm_value *base, const fsm_value *key);

/* All of these return false, so that a failing operation reads `return fsm__refuse(...)`. The caller
 * that knows the node sets begin and end. */
bool fsm__refuse(fsm__run *run, const char *reason, unsigned operands, const fsm_value *a,
                 const fsm_value *b);
bool fsm__no_memory(fsm__run *run);
/* Counts work; false past FSM_EXPR_WORK_MAX. */
bool fsm__work(fsm__run *run, uint64_t amount);
/* Memory differs from run to run, and past the bound on work nothing may go on; && || all exists may
 * outvote any other fault. */
bool fsm__absorbable(const fsm__run *run);
/* Both set the place of the fault; always NULL. */
const fsm_value *fsm__fault_at(fsm__run *run, size_t begin, size_t end);
const fsm_value *fsm__fault_of(fsm__run *run, const fsm__node *node);
/* value when it is a bool; else NULL and a fault. value may be NULL, a fault already. */
const fsm_value *fsm__as_bool(fsm__run *run, const fsm__node *node, const fsm_value *value);
/* The sentence of run->fault. */
fsm_code fsm__fault_report(const fsm__run *run, const fsm_expr *expr, fsm_error *err);

const fsm_value *fsm__eval_macro(fsm__run *run, const fsm__node *node, fsm_value *slot);
/* May this be a key of a map that an expression makes? */
bool fsm__map_key(fsm__run *run, const fsm_value *key);
/* A map of pairs that the run owns; false with a fault when a key is there twice. */
bool fsm__map_of(fsm__run *run, fsm_pair *pairs, size_t count, fsm_value *out);

bool fsm__apply(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out);
bool fsm__negate(fsm__run *run, const fsm_value *a, fsm_value *out);
/* CEL equality: numbers by value, NaN equals nothing, maps and lists deep, other types differ.
 * 1, 0, or -1 after filling run->fault. */
int fsm__equal(fsm__run *run, const fsm_value *a, const fsm_value *b);
bool fsm__is_number(const fsm_value *value);
/* Sign of a − b, 2 when one is NaN. Both are numbers. */
int fsm__compare_numbers(const fsm_value *a, const fsm_value *b);

/* ---- values that exist only while an expression is evaluated -------------------------------------- */

enum {
  FSM__TYPE = FSM_TYPE_COUNT, /* a type, its fsm_type, FSM__TYPE or FSM__OPTIONAL in len */
  FSM__OPTIONAL               /* items with len 1, or empty with len 0 */
};

static inline fsm_value fsm__type_value(uint32_t type) { return (fsm_value){.type = FSM__TYPE, .len = type}; }
static inline fsm_value fsm__optional_none(void) { return (fsm_value){.type = FSM__OPTIONAL}; }
/* A view: value must outlive it. */
static inline fsm_value fsm__optional_of(const fsm_value *value) {
  return (fsm_value){.type = FSM__OPTIONAL, .len = 1, .items = value};
}
/* The type that a name denotes; false when it is none. */
bool fsm__type_named(const fsm_value *name, fsm_value *out);
/* "int", "google.protobuf.Timestamp"… */
const char *fsm__type_text(uint32_t type);
/* The step from base that found `next` (NULL = nothing), where base or the step is optional. NULL with
 * fault.code FSM_OK left alone means: it is simply absent. */
const fsm_value *fsm__soft_step(const fsm__node *step, const fsm_value *base, const fsm_value *key,
                                const fsm_value *next, fsm_value *slot);
const fsm_value *fsm__eval_or_other(fsm__run *run, const fsm__node *node, fsm_value *slot);
/* What leaves an evaluation is data: a type is its name, an optional its value or null. */
bool fsm__expose(fsm__run *run, const fsm_value *value, fsm_value *out);

/* The functions of optionals, rows of the table. */
bool fsm__call_optional_of(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_optional_none(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_optional_of_non_zero(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_has_value(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_value(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_type(fsm__run *run, const fsm_value *args, fsm_value *out);

/* ---- functions --------------------------------------------------------------------------------- */

enum { FSM__ARGS_MAX = 3 };

struct fsm__function {
  const char *name;
  uint8_t args;         /* the receiver included */
  uint8_t optional;     /* so many of them, from the last, may be left out; run->call->count says what came */
  bool plain, received; /* may be called as f(x), as x.f() */
  bool (*call)(fsm__run *run, const fsm_value *args, fsm_value *out);
  /* Looks at a call's literals when it is compiled and may set its `prepared`; NULL = nothing to do. */
  fsm_code (*prepare)(fsm__source *source, fsm__node *call);
};

/* In(): its result depends on the configuration, that of all others on their arguments alone. */
bool fsm__call_in(fsm__run *run, const fsm_value *args, fsm_value *out);
/* The row of a call; NULL when there is none. */
const fsm__function *fsm__function_find(const char *name, size_t len);
/* matches() and its prepare, which compiles a literal pattern (match.c). */
bool fsm__call_matches(fsm__run *run, const fsm_value *args, fsm_value *out);
fsm_code fsm__prepare_matches(fsm__source *source, fsm__node *call);

/* ---- numbers and text, independent of the process's locale -------------------------------------- */

enum { FSM__DOUBLE_TEXT = 32 };
/* The shortest of 15 to 17 digits that reads back as the same number. Returns the length. */
size_t fsm__double_text(double value, char out[FSM__DOUBLE_TEXT]);
/* The whole of text as a decimal number; false when it is none. Overflow gives an infinity. */
bool fsm__double_of(const char *text, size_t len, double *out);

#endif
