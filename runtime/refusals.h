/* refusals.h: which refusals get a record of their own, and the aggregated record of the rest (DESIGN 7).
 *
 * A token bucket per (actor, machine) says yes to a record of its own; over it, and for targets or
 * callers that are not known, refusals are counted per (reason, machine, actor) and written as one record
 * with count, first and last time. So a flood costs memory and journal a fixed amount. One thread. */
#ifndef FSM_RUNTIME_REFUSALS_H
#define FSM_RUNTIME_REFUSALS_H

#include "runtime/fsm_runtime.h"

enum {
  FSM_REFUSAL_BURST = 100,        /* own records at once */
  FSM_REFUSAL_PER_SECOND = 10,    /* and then */
  FSM_REFUSAL_BUCKETS = 1024,     /* (actor, machine) pairs told apart; further ones share */
  FSM_REFUSAL_SUMS = 64,          /* aggregated kinds at once; further ones go into one "other" */
  FSM_REFUSAL_EXCERPT_MAX = 1100, /* 256 bytes escaped, and a hash */
  FSM_REFUSAL_TEXT_MAX = 129
};
#define FSM_REFUSAL_INTERVAL_NS ((int64_t)10 * 1000000000)

typedef struct fsm__refusals fsm__refusals;

/* One aggregated entry, ready to be written. */
typedef struct fsm__refusal_sum {
  fsm_code reason; /* of the first one when mixed */
  bool mixed;      /* the one "other": kinds that found no place of their own */
  char machine[FSM_REFUSAL_TEXT_MAX], actor[FSM_REFUSAL_TEXT_MAX]; /* "" = none */
  uint64_t count;
  int64_t first_ns, last_ns;
  char excerpt[FSM_REFUSAL_EXCERPT_MAX]; /* of the first one, "" = none */
} fsm__refusal_sum;

FSM_MUST_USE fsm_code fsm__refusals_new(fsm__refusals **out, fsm_error *err);
void fsm__refusals_free(fsm__refusals *refusals);
/* May this refusal have a record of its own? Takes a token when it says yes. */
bool fsm__refusals_own(fsm__refusals *refusals, const char *actor, const char *machine, int64_t now_ns);
void fsm__refusals_count(fsm__refusals *refusals, fsm_code reason, const char *machine, const char *actor,
                         const char *excerpt, int64_t now_ns);
/* Takes out the next entry whose interval is over (any when all); false when there is none. */
bool fsm__refusals_take(fsm__refusals *refusals, int64_t now_ns, bool all, fsm__refusal_sum *out);
/* Puts back what was just taken and could not be written. */
void fsm__refusals_return(fsm__refusals *refusals, const fsm__refusal_sum *sum);
/* When the next entry is to be written; INT64_MAX when none waits. */
int64_t fsm__refusals_next(const fsm__refusals *refusals);

#endif
