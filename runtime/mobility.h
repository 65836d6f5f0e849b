/* mobility.h: what is wrong with how an instance stands: the kinds of FILTER, and what they are told by.
 *
 * The definitions are those of filter.h. All are functions of the rows at one seq, of the time that is asked
 * for and of the people that are known: nothing is kept. Guards see the context as it is, masked fields
 * included; nothing of it comes out of here. */
#ifndef FSM_RUNTIME_MOBILITY_H
#define FSM_RUNTIME_MOBILITY_H

#include "fsm/prospect.h"
#include "runtime/people.h"
#include "runtime/rows_glance.h"

/* X(symbol, name) */
#define FSM_KINDS(X) X(SLA, "sla") X(ORPHAN, "orphan") X(DEAD, "dead") X(FAILED, "failed") X(SILENT, "silent")

typedef enum fsm__kind {
#define X(symbol, name) FSM__KIND_##symbol##_AT,
  FSM_KINDS(X)
#undef X
      FSM__KIND_COUNT
} fsm__kind;
/* As a set. */
enum {
#define X(symbol, name) FSM__KIND_##symbol = 1 << FSM__KIND_##symbol##_AT,
  FSM_KINDS(X)
#undef X
};
enum { FSM__KIND_ANY = FSM__KIND_SLA | FSM__KIND_ORPHAN | FSM__KIND_DEAD | FSM__KIND_FAILED };
const char *fsm__trouble_name(fsm__kind kind);

/* When it should have left where it is; due_ns INT64_MAX: nothing says so. */
typedef struct fsm__sla {
  int64_t due_ns;
  unsigned state; /* whose it is; 0 = the root's */
} fsm__sla;
fsm__sla fsm__sla_of(const fsm__deployed *deployed, fsm__status status, const fsm__since *active,
                     unsigned active_count, int64_t created_ns);

/* What will come to it by itself. */
typedef struct fsm__pending {
  unsigned timers, tasks, children, messages; /* children are not among tasks; messages: it has sent them */
  unsigned inbound;                           /* events of others on their way to it (inbound.h) */
  bool has_parent;                            /* whose task is open: it may send */
} fsm__pending;
static inline bool fsm__pending_any(const fsm__pending *pending) {
  return pending->timers + pending->tasks + pending->children + pending->messages + pending->inbound > 0 || pending->has_parent;
}

/* What is evaluated of one instance to tell what could move it, and again to tell who may. What is over it
 * counts as if it might: such an instance is neither dead nor orphan. */
enum { FSM_MOBILITY_WORK_MAX = 4 * FSM_EXPR_WORK_MAX };

/* What could move it. Everything lives in arena. */
typedef struct fsm__mobility {
  fsm_snapshot snapshot;
  fsm__pending pending;
  fsm_prospects prospects; /* events from outside */
  bool by_itself;          /* one of what is pending may move it */
} fsm__mobility;
/* in: open. */
FSM_MUST_USE fsm_code fsm__mobility_of(fsm__store *store, const fsm__instance *in, fsm_arena *arena,
                                       fsm__mobility *out, fsm_error *err);
/* Neither an event nor what is pending can move it. A parked one (incident) never is: an operator has to
 * come. */
bool fsm__is_dead(const fsm__instance *in, const fsm__mobility *mobility);
/* Only events move it, and nobody of those that are known may send one that does. */
FSM_MUST_USE fsm_code fsm__is_orphan(const fsm__instance *in, const fsm__mobility *mobility,
                                     const fsm__people *people, fsm_arena *arena, bool *orphan,
                                     fsm_error *err);
/* Who of the known people may have the transition taken, as far as can be told before something is sent:
 * indexes into people->at, ascending, the first `room`; *total counts all. DEPENDS is counted as may. */
FSM_MUST_USE fsm_code fsm__who_may(const fsm__instance *in, const fsm_snapshot *snapshot, unsigned transition,
                                   const fsm__people *people, fsm_arena *arena, unsigned room, unsigned *out,
                                   unsigned *count, unsigned *total, fsm_error *err);

#endif
