/* machine.h: a machine definition, as loaders write it (fsm_def_*) and as the engine reads it.
 *
 * Both notations are lowered into the one fsm_def tree. What they mean differently is said per machine
 * (the dialect: names of generated events, how expressions name the context, which ancestor a
 * transition leaves) and per transition. fsm_machine_compile turns the tree into an immutable
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
  FSM_TARGETS_MAX = 262140, /* of all transitions, initial states and histories together */
  FSM_DEPTH_MAX = 64,
  FSM_MICROSTEPS_MAX = 1000,
  FSM_EVENT_BYTES_MAX = 64 * 1024,
  FSM_CONTEXT_BYTES_MAX = 256 * 1024,
  FSM_MACHINE_ID_MAX = 64,
  FSM_EVENT_NAME_MAX = 128, /* bytes; generated names ("xstate.…") may have FSM_STATE_PATH_MAX more */
  FSM_STATE_PATH_MAX = 400, /* bytes, dots included */
  FSM_TIMER_ID_MAX = 480,
  FSM_ACTIONS_MAX = 65535,    /* of a machine, all blocks together */
  FSM_CONTENT_DEPTH_MAX = 64, /* actions inside of actions */
  FSM_DATA_MAX = 10000,       /* variables of SCXML */
  FSM_INVOKES_MAX = 10000,
  FSM_ALLOW_MAX = 16,                      /* expressions of one `allow` */
  FSM_MACHINES_NESTED_MAX = 8,             /* machines inside of machines */
  FSM_MACHINE_BYTES_MAX = 40 * 1024 * 1024 /* of memory, compiled, with the machines inside of it */
};
#define FSM_DELAY_MS_MAX INT64_C(3155760000000) /* 100 years */

/* ---- the tree a loader builds ------------------------------------------------------------------ */

typedef enum fsm_kind { FSM_ATOMIC, FSM_COMPOUND, FSM_PARALLEL, FSM_FINAL, FSM_HISTORY } fsm_kind;

/* Which reading the machine was written for. XSTATE: generated events are "xstate.done.state.<path>",
 * "xstate.done.actor.<id>", "xstate.error.actor.<id>"; a transition's domain is the least common
 * ancestor, parallel ones included; what is above a parallel state is asked for an event only when no
 * region takes it; expressions read `context`, `event`. SCXML: "done.state.<id>", "done.invoke.<id>",
 * "error.communication"; the domain is the least common compound ancestor (Appendix D); bare names in
 * expressions are fields of the context and `_event`, `_name`, `_sessionid`, `_ioprocessors` are there. */
typedef enum fsm_dialect { FSM_XSTATE, FSM_SCXML } fsm_dialect;

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
  FSM_ACTION_ASSIGN,  /* value: a map laid over the context, one level */
  FSM_ACTION_RAISE,   /* event (+ value as its data); with a delay a timer with id */
  FSM_ACTION_CANCEL,  /* cancels what was sent with a delay under id or id_expr */
  FSM_ACTION_LOG,     /* value (+ label) */
  FSM_ACTION_EMIT,    /* event (+ value): published, not processed */
  FSM_ACTION_SEND,    /* event or event_expr, to target, through type, after delay, as id (SCXML 6.2) */
  FSM_ACTION_SET,     /* value to the place `location` of the context, which must be declared (SCXML 5.4) */
  FSM_ACTION_IF,      /* actions: BRANCHes, the first whose guard holds is run (SCXML 4.3) */
  FSM_ACTION_BRANCH,  /* only below an IF: guard (NULL = else) and actions */
  FSM_ACTION_FOREACH, /* value: a list; location: item; index: position; actions (SCXML 4.6) */
  FSM_ACTION_FAIL,    /* value: a text; raises error.execution: what a loader could not make sense of */
  FSM_ACTION_BLOCK    /* actions: one of several onentry or onexit of a state; a fault ends it and not
                         the blocks behind it (SCXML 3.8, 3.9). Only directly below entry and exit */
} fsm_action_kind;

typedef struct fsm_def_action fsm_def_action;
struct fsm_def_action {
  fsm_action_kind kind;
  const char *event;               /* RAISE, EMIT, SEND */
  const char *id;                  /* RAISE and SEND (with or without delay), CANCEL; NULL = made */
  const fsm_def_value *value;      /* NULL = none */
  const fsm_def_value *delay;      /* milliseconds, a duration or a text "1.5s", "200ms"; NULL = none */
  const fsm_def_value *event_expr; /* SEND: the name, when event is NULL */
  const fsm_def_value *target;     /* SEND: a text; NULL = this session's external queue */
  const fsm_def_value *type;       /* SEND: the event I/O processor, a text; NULL = SCXML's */
  const fsm_def_value *id_expr;    /* CANCEL: when id is NULL */
  const char *location;            /* SET; SEND: idlocation; FOREACH: item. A name or a path "a.b[0]" */
  const char *index;               /* FOREACH; NULL = none */
  const char *label;               /* LOG; NULL = none */
  const char *guard;               /* BRANCH; NULL = else */
  const fsm_def_action *actions;   /* IF, BRANCH, FOREACH, BLOCK */
  size_t action_count;
  const char *where;
};

/* Who may (meta.fsm.allow): one of the expressions is enough. In both dialects they name things as JSON
 * definitions do: actor, context, event, now, In(path). */
typedef struct fsm_def_allow {
  const char *const *texts;
  const char *const *wheres; /* per text; NULL = where */
  size_t count;              /* 0 = whoever comes */
  const char *where;
} fsm_def_allow;

typedef struct fsm_def_transition {
  const char *const *events; /* descriptors; none = eventless (`always`) */
  size_t event_count;
  const char *guard;          /* expression, NULL = none */
  const char *guard_name;     /* its name in the definition, NULL when inline */
  const char *guard_where;    /* NULL = where */
  const fsm_shape *event;     /* what its guard and actions may read of the event; NULL = anything */
  const char *const *targets; /* each resolved by the loader to a state's path; none = targetless */
  size_t target_count;
  const fsm_def_action *actions;
  size_t action_count;
  /* The source is not left when it is, or is an ancestor of, every target. XState: !reenter. SCXML 3.13:
   * type="internal", which a loader sets only for a compound source with proper descendants, or
   * histories, as targets.
   * Otherwise the source is left and entered again. Without a target nothing is left or entered. */
  bool internal;
  fsm_def_allow allow; /* who may have it taken */
  fsm_value meta;      /* map or null, as written (meta.fsm) */
  const char *where;
} fsm_def_transition;

typedef struct fsm_def fsm_def;

typedef struct fsm_def_invoke {
  const char *id;       /* unique in the machine; NULL (SCXML only) = "<state>.<n>", made at each entry */
  const char *location; /* SCXML idlocation: where the id is put; NULL = nowhere */
  const char *src;      /* exactly one of src, src_expr, content, machine; src may go with machine */
  const fsm_def_value *src_expr;
  const fsm_def_value *content;   /* a definition as a value, known only when it is entered */
  const fsm_def *machine;         /* a definition inside this one */
  const fsm_def_value *type;      /* a text; NULL = the default */
  const fsm_def_value *input;     /* NULL = null */
  const fsm_def_action *finalize; /* SCXML 6.5, run before an event from the child is looked at */
  size_t finalize_count;
  bool autoforward;    /* every external event goes to the child too (SCXML 6.4) */
  fsm_def_allow allow; /* who may answer its task */
  fsm_value meta;
  const char *where;
} fsm_def_invoke;

/* One <data> element (SCXML 5.3). */
typedef struct fsm_def_data {
  const char *id;
  const fsm_def_value *value; /* NULL = null */
  const char *where;
} fsm_def_data;

/* A delayed transition (`after`): the engine sets a timer on entry and cancels it on exit; when it is
 * due the event `event` is sent, which an ordinary transition of the state takes. */
typedef struct fsm_def_after {
  const char *event;          /* "xstate.after.<delay>.<state path>" */
  const fsm_def_value *delay; /* milliseconds */
  const char *where;
} fsm_def_after;

typedef struct fsm_def_state fsm_def_state;
struct fsm_def_state {
  const char *name;       /* key under its parent; the machine's id for the root */
  const char *path;       /* by which targets and In() know it; NULL = the names from below the root, dotted.
                             A loader gives it where names are unique in the whole document (SCXML ids) */
  const char *done_event; /* when its final child is entered; NULL = by the dialect, from its path */
  fsm_kind kind;
  bool deep;                   /* of a history: all below, not only the children (SCXML 3.10) */
  const char *const *initials; /* paths of its initial states, which may lie deeper and be several
                                  (in different regions); none = first child in document order.
                                  Of a history: its default targets; none = its parent's initial */
  size_t initial_count;
  const fsm_def_action *initial_actions; /* content of the initial or default transition */
  size_t initial_action_count;
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
  const fsm_def_data *data; /* SCXML: its variables */
  size_t data_count;
  const fsm_def_value *output; /* of a final state, or of the root: the machine's output */
  const char *const *tags;
  size_t tag_count;
  const char *description; /* NULL = none */
  fsm_def_allow allow; /* who may have its transitions, and those below it, taken; of the root besides: who
                          may start and send at all */
  fsm_value meta;
  const char *where;
};

struct fsm_def {
  const fsm_def_state *root;
  fsm_dialect dialect;
  bool late_binding;            /* a state's data is set when it is first entered, not at the start (5.3) */
  const fsm_def_value *context; /* may read `input` as event.data of the start; NULL = {} */
  const fsm_shape *shape;       /* of the context, for the type checker; NULL = anything */
  fsm_zone_source *zones;       /* for expressions that name a time zone; NULL = none can be named */
  void *zones_arg;
};

/* ---- the compiled machine ---------------------------------------------------------------------- */

typedef struct fsm_machine fsm_machine;

/* err->where is the `where` of the construct at fault. */
FSM_API FSM_MUST_USE fsm_code fsm_machine_compile(const fsm_def *def, fsm_machine **out, fsm_error *err);
FSM_API void fsm_machine_free(fsm_machine *machine);

FSM_API const char *fsm_machine_id(const fsm_machine *machine);
FSM_API fsm_dialect fsm_machine_dialect(const fsm_machine *machine);
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
/* The index-th event descriptor of a transition ("APPROVE", "a.*", "*"); NULL behind the last. */
FSM_API const char *fsm_transition_event(const fsm_machine *machine, unsigned transition, unsigned index);
/* Its guard, NULL = none. */
FSM_API const char *fsm_transition_guard(const fsm_machine *machine, unsigned transition);
/* Does any transition of the machine name an event that `name` matches (SCXML 3.12.1)? */
FSM_API bool fsm_machine_knows_event(const fsm_machine *machine, const char *name);

/* An allow (meta.fsm.allow) that applies. */
typedef enum fsm_verdict { FSM_VERDICT_NO, FSM_VERDICT_YES, FSM_VERDICT_DEPENDS } fsm_verdict;
typedef struct fsm_allow {
  const char *text;  /* its expression; of several, of which one is enough, "(a) || (b)" */
  const char *where; /* its place in the definition */
  unsigned state;    /* whose it is; of a transition its source, of an invoke the state that opens it */
  int transition;    /* number; -1 = it is not a transition's */
  fsm_verdict holds; /* for an actor and an event; of a machine alone DEPENDS */
} fsm_allow;
enum { FSM_ALLOWS_MAX = FSM_DEPTH_MAX + 2 }; /* that apply to one transition */
/* Those that apply to the transition, all of which must hold: the root's first, its own last. */
FSM_API unsigned fsm_transition_allows(const fsm_machine *machine, unsigned transition,
                                       fsm_allow out[FSM_ALLOWS_MAX]);
/* Who may answer the invoke's task; false = whoever comes. */
FSM_API bool fsm_invoke_allow(const fsm_machine *machine, unsigned invoke, fsm_allow *out);

FSM_API unsigned fsm_machine_invokes(const fsm_machine *machine);
FSM_API const char *fsm_invoke_id(const fsm_machine *machine, unsigned invoke); /* NULL = made on entry */
FSM_API unsigned fsm_invoke_state(const fsm_machine *machine, unsigned invoke); /* that opens it */
FSM_API const char *fsm_invoke_src(const fsm_machine *machine, unsigned invoke);
FSM_API const fsm_value *fsm_invoke_meta(const fsm_machine *machine, unsigned invoke);
/* The machine defined inside this one, which owns it; NULL = it is named by src. */
FSM_API const fsm_machine *fsm_invoke_machine(const fsm_machine *machine, unsigned invoke);
FSM_API bool fsm_invoke_autoforward(const fsm_machine *machine, unsigned invoke);

#ifdef __cplusplus
}
#endif
#endif
