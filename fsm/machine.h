/* machine.h: a machine definition, as loaders write it (fsm_def_*) and as the engine reads it.
 *
 * Both notations are lowered into the fsm_def tree; fsm_machine_compile turns it into an immutable
 * fsm_machine: states numbered in document order (state 0 is the root, descendants are an interval),
 * configurations as bitsets, targets resolved, expressions compiled. Everything the machine needs is
 * copied into its own arena, so the tree may be dropped after compiling.
 */
#ifndef FSM_MACHINE_H
#define FSM_MACHINE_H

#include "fsm/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_STATES_MAX = 10000,
  FSM_TRANSITIONS_MAX = 65535,
  FSM_DEPTH_MAX = 64,
  FSM_MICROSTEPS_MAX = 1000,
  FSM_EVENT_BYTES_MAX = 64 * 1024,
  FSM_CONTEXT_BYTES_MAX = 256 * 1024,
  FSM_MACHINE_ID_MAX = 64,
  FSM_EVENT_NAME_MAX = 128, /* bytes; generated names ("xstate.…") may have FSM_STATE_PATH_MAX more */
  FSM_STATE_PATH_MAX = 400, /* bytes, dots included */
  FSM_TIMER_ID_MAX = 480,
  FSM_ACTIONS_MAX = 65535, /* of a machine, all blocks together */
  FSM_INVOKES_MAX = 10000
};
#define FSM_DELAY_MS_MAX INT64_C(3155760000000) /* 100 years */

/* ---- the tree a loader builds ------------------------------------------------------------------ */

typedef enum fsm_kind { FSM_ATOMIC, FSM_COMPOUND, FSM_PARALLEL, FSM_FINAL, FSM_HISTORY } fsm_kind;

/* A value, or a tree of values with expressions in it: exactly one of the three is set. */
typedef struct fsm_def_value fsm_def_value;
struct fsm_def_value {
  enum { FSM_DEF_LITERAL, FSM_DEF_EXPR, FSM_DEF_MAP, FSM_DEF_LIST } form;
  fsm_value literal;          /* FSM_DEF_LITERAL */
  const char *expr;           /* FSM_DEF_EXPR: source text */
  size_t count;               /* FSM_DEF_MAP, FSM_DEF_LIST */
  const char *const *keys;    /* FSM_DEF_MAP */
  const fsm_def_value *items; /* FSM_DEF_MAP, FSM_DEF_LIST */
  const char *where;          /* JSON pointer or line:column, for faults */
};

typedef enum fsm_action_kind {
  FSM_ACTION_ASSIGN, /* value: a map laid over the context, one level */
  FSM_ACTION_RAISE,  /* event (+ value as its data); with a delay a timer with id */
  FSM_ACTION_CANCEL, /* cancels the timer id */
  FSM_ACTION_LOG,    /* value */
  FSM_ACTION_EMIT    /* event (+ value): published, not processed */
} fsm_action_kind;

typedef struct fsm_def_action {
  fsm_action_kind kind;
  const char *event;          /* RAISE, EMIT */
  const char *id;             /* RAISE with delay, CANCEL; NULL = made by the engine */
  const fsm_def_value *value; /* NULL = none */
  const fsm_def_value *delay; /* milliseconds (number) or an expression that gives them; NULL = none */
  const char *where;
} fsm_def_action;

typedef struct fsm_def_transition {
  const char *const *events; /* descriptors; none = eventless (`always`) */
  size_t event_count;
  const char *guard;          /* expression, NULL = none */
  const char *guard_name;     /* its name in the definition, NULL when inline */
  const char *const *targets; /* each resolved by the loader to a state's path; none = targetless */
  size_t target_count;
  const fsm_def_action *actions;
  size_t action_count;
  /* The source is not left when it is, or is an ancestor of, every target. XState: !reenter. SCXML 3.13:
   * type="internal", which a loader sets only for a compound source with proper descendants as targets.
   * Otherwise the source is left and entered again. Without a target nothing is left or entered. */
  bool internal;
  fsm_value meta; /* map or null, as written (meta.fsm) */
  const char *where;
} fsm_def_transition;

typedef struct fsm_def_invoke {
  const char *id; /* unique in the machine */
  const char *src;
  const fsm_def_value *input; /* NULL = null */
  fsm_value meta;
  const char *where;
} fsm_def_invoke;

/* A delayed transition (`after`): the engine sets a timer on entry and cancels it on exit; when it is
 * due the event `event` is sent, which an ordinary transition of the state takes. */
typedef struct fsm_def_after {
  const char *event;          /* "xstate.after.<delay>.<state path>" */
  const fsm_def_value *delay; /* milliseconds */
  const char *where;
} fsm_def_after;

typedef struct fsm_def_state fsm_def_state;
struct fsm_def_state {
  const char *name; /* key under its parent; the machine's id for the root */
  fsm_kind kind;
  const char *initial; /* path of the initial state; NULL = first child in document order */
  const fsm_def_state *const *children;
  size_t child_count;
  const fsm_def_transition *transitions; /* in document order, eventless ones included */
  size_t transition_count;
  const fsm_def_action *entry, *exit;
  size_t entry_count, exit_count;
  const fsm_def_invoke *invokes;
  size_t invoke_count;
  const fsm_def_after *afters;
  size_t after_count;
  const fsm_def_value *output; /* of a final state, or of the root: the machine's output */
  const char *const *tags;
  size_t tag_count;
  const char *description; /* NULL = none */
  fsm_value meta;
  const char *where;
};

typedef struct fsm_def {
  const fsm_def_state *root;
  const fsm_def_value *context; /* may read `input` as event.data of the start; NULL = {} */
} fsm_def;

/* ---- the compiled machine ---------------------------------------------------------------------- */

typedef struct fsm_machine fsm_machine;

/* err->where is the `where` of the construct at fault. Refuses parallel and history states by name
 * (FSM_EUNSUPPORTED) until the engine has them. */
FSM_API FSM_MUST_USE fsm_code fsm_machine_compile(const fsm_def *def, fsm_machine **out, fsm_error *err);
FSM_API void fsm_machine_free(fsm_machine *machine);

FSM_API const char *fsm_machine_id(const fsm_machine *machine);
FSM_API unsigned fsm_machine_states(const fsm_machine *machine); /* count, root included */
FSM_API unsigned fsm_machine_words(const fsm_machine *machine);  /* uint64_t words of a configuration */
FSM_API unsigned fsm_machine_transitions(const fsm_machine *machine);

/* A state's dotted path below the root ("review.legal"); the root's is "". */
FSM_API const char *fsm_state_path(const fsm_machine *machine, unsigned state);
FSM_API fsm_kind fsm_state_kind(const fsm_machine *machine, unsigned state);
FSM_API unsigned fsm_state_parent(const fsm_machine *machine, unsigned state); /* the root's is itself */
FSM_API bool fsm_state_is_leaf(const fsm_machine *machine, unsigned state);    /* atomic or final */
FSM_API bool fsm_state_has_tag(const fsm_machine *machine, unsigned state, const char *tag);
FSM_API const char *fsm_state_description(const fsm_machine *machine, unsigned state); /* or NULL */
FSM_API const fsm_value *fsm_state_meta(const fsm_machine *machine, unsigned state);
/* The number of a path; -1 when there is none. */
FSM_API int fsm_state_find(const fsm_machine *machine, const char *path, size_t len);

FSM_API const fsm_value *fsm_transition_meta(const fsm_machine *machine, unsigned transition);
FSM_API unsigned fsm_transition_source(const fsm_machine *machine, unsigned transition);
/* How many targets it has, and their numbers; 0 = targetless. */
FSM_API unsigned fsm_transition_targets(const fsm_machine *machine, unsigned transition,
                                        const uint16_t **targets);
/* Does any transition of the machine name an event that `name` matches (SCXML 3.12.1)? */
FSM_API bool fsm_machine_knows_event(const fsm_machine *machine, const char *name);

FSM_API unsigned fsm_machine_invokes(const fsm_machine *machine);
FSM_API const char *fsm_invoke_id(const fsm_machine *machine, unsigned invoke);
FSM_API const char *fsm_invoke_src(const fsm_machine *machine, unsigned invoke);
FSM_API const fsm_value *fsm_invoke_meta(const fsm_machine *machine, unsigned invoke);

#ifdef __cplusplus
}
#endif
#endif
