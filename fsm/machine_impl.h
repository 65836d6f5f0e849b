/* machine_impl.h: the compiled machine as its own floor sees it. Private to fsm/.
 *
 * The idea: everything a step needs is a number. States are numbered in document order, so the
 * descendants of s are the interval (s, last[s]], a configuration is a bitset and what a transition
 * leaves is "the active states between exit_first and exit_last". All memory is the machine's arena;
 * nothing changes after fsm_machine_compile.
 */
#ifndef FSM_MACHINE_IMPL_H
#define FSM_MACHINE_IMPL_H

#include <string.h>

#include "fsm/machine.h"

#define FSM__NONE UINT16_MAX /* no state: a domain above the root */

/* A value with expressions in it. The keys of a map are sorted, so that evaluation sorts nothing. */
typedef struct fsm__template fsm__template;
struct fsm__template {
  uint8_t form; /* of fsm_def_value; a map or list without expressions is folded into a literal */
  uint32_t count;
  fsm_value literal;
  const fsm_expr *expr;
  const fsm_value *keys;
  const fsm__template *items;
};

/* A place in the context: a variable and a way into it. */
typedef struct fsm__place_step {
  const char *name;     /* NULL: an entry */
  const fsm_expr *expr; /* of an entry: its key or index */
} fsm__place_step;

typedef struct fsm__location {
  const char *text;
  const char *root; /* NULL: the text is no place, which is a fault when it is used */
  unsigned count;
  const fsm__place_step *steps;
} fsm__location;

typedef struct fsm__action fsm__action;

/* Executable content: a block fails alone (SCXML 4.9). */
typedef struct fsm__block {
  const fsm__action *actions;
  size_t count;
} fsm__block;

struct fsm__action {
  fsm_action_kind kind;
  const fsm__template *value; /* templates: NULL = none */
  const char *event, *id, *where;
  const fsm__template *delay, *event_expr, *target, *type, *id_expr;
  const fsm__location *location, *index;
  const char *label;
  const fsm_expr *guard;
  fsm__block inner;
};

typedef enum fsm__rule { FSM__EXACT, FSM__PREFIX, FSM__ANY } fsm__rule;

typedef struct fsm__descriptor {
  const char *text; /* as written */
  uint32_t name;    /* its number among the names of the machine (machine_sources.h) */
  uint16_t len;     /* that has to match: without ".*" */
  uint8_t rule;
} fsm__descriptor;

/* What a transition leaves: the active states in first..last, which are those below the domain. */
typedef struct fsm__span {
  uint16_t domain;      /* FSM__NONE: even the root is left */
  uint16_t first, last; /* first > last = nothing is left */
} fsm__span;

/* Who may: one of the expressions is enough. */
typedef struct fsm__allow {
  const fsm_expr *const *exprs;
  unsigned count;
  const char *text; /* of several "(a) || (b)" */
  const char *where;
} fsm__allow;

typedef struct fsm__transition {
  uint16_t source;
  fsm__span span; /* what it leaves; of one with to_history known only when it is taken */
  bool internal;
  bool to_history; /* a goal is a history state */
  uint16_t target_count, goal_count;
  uint32_t event_count;    /* 0 = eventless */
  const uint16_t *targets; /* as written */
  const uint16_t *goals;   /* in document order, none twice, none that contains another */
  const fsm__descriptor *events;
  const fsm_expr *guard;
  const char *guard_name;
  const fsm__allow *allow; /* NULL = whoever comes; so below */
  fsm__block actions;
  fsm_value meta;
  const char *where;
} fsm__transition;

typedef struct fsm__invoke {
  const char *id; /* NULL = made on entry */
  const char *src;
  const char *done_event, *error_event; /* "xstate.done.actor.<id>", "xstate.error.actor.<id>" */
  const fsm__template *input, *src_expr, *content, *type;
  const fsm__location *location;
  fsm_machine *machine; /* NULL = named by src */
  fsm__block finalize;
  bool autoforward;
  const fsm__allow *allow;
  fsm_value meta;
  const char *where;
  uint16_t state;
} fsm__invoke;

/* A variable of SCXML. */
typedef struct fsm__data {
  const char *id;
  const fsm__template *value;
  const char *where;
} fsm__data;

typedef struct fsm__after {
  const char *event;
  const fsm__template *delay;
  const char *where;
} fsm__after;

typedef struct fsm__state {
  uint16_t parent, last; /* last descendant; itself for a leaf */
  uint16_t depth;
  uint16_t history; /* of a history: its place in fsm_machine.histories */
  uint16_t initial_count;
  const uint16_t *initials; /* of a compound: as fsm__transition.goals; of a history: its default targets */
  uint8_t kind;
  bool deep;          /* of a history */
  bool has_histories; /* among its children */
  uint32_t transition_first, transition_count;
  uint32_t invoke_first, invoke_count;
  uint32_t after_count;
  const fsm__after *afters;
  uint32_t data_count;
  const fsm__data *data;
  fsm__block entry, exit;
  fsm__block initial_actions; /* of its initial, or a history's default, transition */
  const fsm__template *output;
  const char *path;
  const char *done_event; /* "xstate.done.state.<path>"; of the root: its id */
  const char *description;
  const char *const *tags;
  size_t tag_count;
  const fsm__allow *allow;
  fsm_value meta;
  const char *where;
} fsm__state;

struct fsm_machine {
  fsm_arena arena;
  const char *id;
  fsm_dialect dialect;
  bool has_parallel, has_initial_actions, has_data, late_binding;
  bool made_ids;  /* an invoke's id is made on entry */
  bool overhears; /* an invoke has a finalize or autoforward */
  bool has_allow; /* a state or a transition has one */
  unsigned state_count, transition_count, invoke_count, history_count, words;
  uint16_t *histories; /* the history states */
  fsm__state *states;
  fsm__transition *transitions;
  fsm__invoke *invokes;
  uint16_t *by_path; /* state numbers, sorted by path */
  uint64_t *leaves;  /* the atomic and final states */
  const fsm__template *context;
  const struct fsm__source_index *index; /* events to states: machine_sources.h */
  fsm_value variables;                   /* SCXML: a map of all names to null */
};

/* ---- event descriptors (machine_event.c) ------------------------------------------------------- */

FSM_MUST_USE fsm_code fsm__descriptor_parse(fsm_arena *arena, const char *text, const char *where,
                                            fsm__descriptor *out, fsm_error *err);
/* Is it a name that may be raised, emitted or sent? Generated names ("xstate.…") may be longer. */
FSM_MUST_USE fsm_code fsm__event_name_check(const char *name, const char *where, fsm_error *err);
/* The one rule by which a descriptor takes an event (SCXML 3.12.1, as XState spells it). */
bool fsm__descriptor_matches(const fsm__descriptor *descriptor, const char *name, size_t len);
bool fsm__transition_names(const fsm__transition *transition, const char *name, size_t len);
static inline bool fsm__has_prefix(const char *text, const char *prefix) {
  return text[0] == prefix[0] && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- values (machine_value.c) ------------------------------------------------------------------ */

/* What expressions of a machine are compiled with and into. */
typedef struct fsm__content {
  fsm_arena *arena;
  struct fsm__exprs *exprs; /* those that are compiled already (machine_compile.h) */
  fsm_expr_options options;
  fsm_error *err;
} fsm__content;

FSM_MUST_USE fsm_code fsm__template_compile(const fsm__content *c, const fsm_def_value *def,
                                            const fsm__template **out);
/* A delay; a literal one is checked. */
FSM_MUST_USE fsm_code fsm__delay_compile(const fsm__content *c, const fsm_def_value *def, const char *where,
                                         const fsm__template **out);
/* Milliseconds, a duration or a text ("1.5s", "200ms"), as nanoseconds; err->text says why not. */
FSM_MUST_USE fsm_code fsm__delay_ns(const fsm_value *value, int64_t *out, fsm_error *err);
/* The bytes of the value (an upper estimate of its msgpack form); -1 when they are more than `most` or it is
 * nested deeper than FSM_VALUE_DEPTH_MAX. */
int64_t fsm__value_size(const fsm_value *value, int64_t most);
bool fsm__value_fits(const fsm_value *value, size_t bytes);

/* A copy of the text in the arena; NULL stays NULL. false = out of memory. */
bool fsm__keep(fsm_arena *arena, const char *text, const char **out);

/* ---- expressions (machine_expr.c) --------------------------------------------------------------- */

/* Its source is said beside the fault; err->where becomes `where`. */
FSM_MUST_USE fsm_code fsm__expr_compile(const fsm__content *c, const char *text, const char *where,
                                        const fsm_expr **out);
/* The same for one that decides. */
FSM_MUST_USE fsm_code fsm__guard_compile(const fsm__content *c, const char *text, const char *where,
                                         const fsm_expr **out);

/* ---- who may (machine_allow.c) ------------------------------------------------------------------- */

/* NULL when it has no expression; event: the shape of the event that it sees, NULL = anything. */
FSM_MUST_USE fsm_code fsm__allow_compile(const fsm__content *c, const fsm_def_allow *def,
                                         const fsm_shape *event, const fsm__allow **out);

/* ---- content (machine_content.c, machine_place.c) ------------------------------------------------ */

FSM_MUST_USE fsm_code fsm__block_compile(const fsm__content *c, const fsm_def_action *defs, size_t count,
                                         fsm__block *out);
/* NULL stays NULL; a text that is no place is a fault only when it is used. */
FSM_MUST_USE fsm_code fsm__location_compile(const fsm__content *c, const char *text, const char *where,
                                            const fsm__location **out);

/* ---- document order ---------------------------------------------------------------------------- */

static inline bool fsm__is_descendant(const fsm_machine *m, unsigned state, unsigned ancestor) {
  return state > ancestor && state <= m->states[ancestor].last;
}
/* The next child of a parent behind the state `covered`; more than last[parent] when there is none. Histories
 * are no children here: they are never active. */
static inline unsigned fsm__next_child(const fsm_machine *m, unsigned parent, unsigned covered) {
  unsigned child = covered + 1u;
  while (child <= m->states[parent].last && m->states[child].kind == FSM_HISTORY) child++;
  return child;
}
/* What a transition leaves whose effective targets, histories resolved, lie between low and high, both
 * included (Appendix D, getTransitionDomain). In machine_target.c. */
fsm__span fsm__span_of(const fsm_machine *m, const fsm__transition *t, unsigned low, unsigned high);
static inline const char *fsm__place(const char *where) { return where != NULL ? where : ""; }

/* ---- bitsets of states ------------------------------------------------------------------------- */

/* Most machines have fewer than 64 states: for one word a call costs more than the work. */
static inline void fsm__bits_clear(uint64_t *set, unsigned words) {
  if (words == 1)
    set[0] = 0;
  else
    memset(set, 0, words * sizeof *set);
}
static inline void fsm__bits_copy(uint64_t *to, const uint64_t *from, unsigned words) {
  if (words == 1)
    to[0] = from[0];
  else
    memcpy(to, from, words * sizeof *to);
}
static inline void fsm__bit_set(uint64_t *set, unsigned state) {
  set[state / 64] |= UINT64_C(1) << (state % 64);
}
static inline bool fsm__bit_has(const uint64_t *set, unsigned state) {
  return (set[state / 64] >> (state % 64)) & 1;
}
static inline void fsm__bit_clear(uint64_t *set, unsigned state) {
  set[state / 64] &= ~(UINT64_C(1) << (state % 64));
}
/* The first member in from..end; end + 1 when there is none. */
static inline unsigned fsm__bit_next(const uint64_t *set, unsigned from, unsigned end) {
  if (from > end) return end + 1;
  unsigned word = from / 64;
  uint64_t bits = set[word] & (~UINT64_C(0) << (from % 64));
  while (bits == 0) {
    if (++word > end / 64) return end + 1;
    bits = set[word];
  }
  unsigned found = word * 64 + (unsigned)__builtin_ctzll(bits);
  return found <= end ? found : end + 1;
}
static inline bool fsm__bits_any(const uint64_t *set, unsigned first, unsigned last) {
  return fsm__bit_next(set, first, last) <= last;
}
/* Inline, for without an instruction set that has it the built-in one is a call. */
static inline unsigned fsm__bits_in(uint64_t bits) {
  bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
  bits = (bits & UINT64_C(0x3333333333333333)) + ((bits >> 2) & UINT64_C(0x3333333333333333));
  bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (unsigned)((bits * UINT64_C(0x0101010101010101)) >> 56);
}
static inline unsigned fsm__bits_count(const uint64_t *set, unsigned words) {
  unsigned count = 0;
  for (unsigned i = 0; i < words; i++) count += fsm__bits_in(set[i]);
  return count;
}
/* The members of `set` that are in first..last are added to out. */
static inline void fsm__bits_add_range(uint64_t *out, const uint64_t *set, unsigned first, unsigned last) {
  if (first > last) return;
  for (unsigned word = first / 64; word <= last / 64; word++) {
    uint64_t mask = ~UINT64_C(0);
    if (word == first / 64) mask &= ~UINT64_C(0) << (first % 64);
    if (word == last / 64) mask &= ~UINT64_C(0) >> (63 - last % 64);
    out[word] |= set[word] & mask;
  }
}

#endif
