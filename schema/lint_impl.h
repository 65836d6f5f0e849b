/* lint_impl.h: what the files of lint share. */
#ifndef FSM_SCHEMA_LINT_IMPL_H
#define FSM_SCHEMA_LINT_IMPL_H

#include "fsm/explore.h"
#include "fsm/expr_prove.h"
#include "schema/lint.h"

typedef enum fsm__lint_id {
  FSM__L001 = 0, /* the place of a rule in the table */
  FSM__L002,
  FSM__L003,
  FSM__L004,
  FSM__L005,
  FSM__L006,
  FSM__L007,
  FSM__L008,
  FSM__L009,
  FSM__L010,
  FSM__L011,
  FSM__L012,
  FSM__L013,
  FSM__L014,
  FSM__L015,
  FSM__L016,
  FSM__L017,
  FSM__L018,
  FSM__L019,
  FSM__L020,
  FSM__L021,
  FSM__L022,
  FSM__LINT_COUNT
} fsm__lint_id;

/* What a finding is about, for what the definition leaves out. -1 = none. */
typedef struct fsm__subject {
  int state, transition, invoke;
} fsm__subject;

typedef struct fsm__found {
  fsm_lint_finding finding;
  fsm__subject subject;
} fsm__found;

typedef struct fsm__linter {
  fsm_arena *arena;
  const fsm_lint_source *source;
  const fsm_machine *machine;
  const fsm_def_state *const *states;
  const fsm_def_transition *const *transitions;
  size_t state_count, transition_count;
  fsm_value document; /* null of SCXML */
  bool scxml;
  uint8_t *guesses; /* per transition */
  const fsm_expr **guards;
  fsm_exploration seen;
  fsm__found *found;
  size_t count, cap, left_out;
  bool no_memory;
  fsm_error *err;
} fsm__linter;

/* Adds a finding; where NULL is the subject's own place. */
void fsm__lint_add(fsm__linter *l, fsm__lint_id id, fsm__subject subject, const char *where,
                   const char *format, ...) FSM_PRINTF(5, 6);
#define FSM__OF_STATE(n) ((fsm__subject){(int)(n), -1, -1})
#define FSM__OF_TRANSITION(n) ((fsm__subject){-1, (int)(n), -1})
#define FSM__OF_INVOKE(n) ((fsm__subject){-1, -1, (int)(n)})
/* "state a.b", "the machine"; lives in the arena. */
const char *fsm__lint_state(fsm__linter *l, unsigned state);
/* "APPROVE → approved" */
const char *fsm__lint_transition(fsm__linter *l, unsigned transition);
/* A printed text in the arena, "" without memory. */
const char *fsm__lint_text(fsm__linter *l, const char *format, ...) FSM_PRINTF(2, 3);
const fsm_value *fsm__lint_schema(const fsm__linter *l, const char *name); /* of `schemas`; NULL = none */
bool fsm__is_generated(const char *event);                                 /* the engine makes it */

/* lint_guard.c: what guards can be, before the exploration, and what is to be said of them. */
void fsm__lint_guards(fsm__linter *l);
void fsm__lint_allows(fsm__linter *l);
/* lint_known.c: what the schemas tell of a path; arg of fsm_known_of. */
typedef struct fsm__lint_scope {
  const fsm__linter *linter;
  const char *event; /* NULL = none is known */
} fsm__lint_scope;
bool fsm__lint_known(void *arg, const char *path, size_t len, fsm_known *out);
/* lint_reach.c, lint_trap.c, lint_wait.c: after it. */
void fsm__lint_reach(fsm__linter *l);
void fsm__lint_traps(fsm__linter *l);
void fsm__lint_waits(fsm__linter *l);
void fsm__lint_timers(fsm__linter *l);
/* lint_event.c, lint_name.c, lint_role.c */
void fsm__lint_events(fsm__linter *l);
void fsm__lint_names(fsm__linter *l);
void fsm__lint_labels(fsm__linter *l);
void fsm__lint_copies(fsm__linter *l);
void fsm__lint_roles(fsm__linter *l);
/* lint_ignore.c: notes what the definition leaves out. */
void fsm__lint_ignore(fsm__linter *l);

/* Calls with every action of the machine, and whose it is. */
typedef void fsm__action_visit(fsm__linter *l, void *arg, fsm__subject subject, const fsm_def_action *action);
void fsm__lint_actions(fsm__linter *l, fsm__action_visit *visit, void *arg);

#endif
