/* budget.h: what the journal keeps for a sink that is behind, how much of it is used up, and what then.
 *
 * What it keeps for a sink: the sealed segments that hold a record which the sink has not settled (bytes of
 * their files; the active segment is there anyway), and the age of the oldest record that the sink has not
 * acknowledged. Used is the larger share of its two budgets, in whole percent, rounded down.
 *
 *   at 70     a warning, once until it was at 65 or less again
 *   policy spill, at 100   the cursor is marked spilled: retention keeps nothing for it, the outbox feeds it
 *             from the archive, until it is back in the journal and at 95 or less
 *   policy hold, at 85     new instances are refused, until it is at 80 or less
 *                at 95     all commands from outside but repairs, until it is at 90 or less; timers wait
 *
 * Pure: numbers in, what is to do out; the outbox does it.
 */
#ifndef FSM_RUNTIME_BUDGET_H
#define FSM_RUNTIME_BUDGET_H

#include "runtime/hold.h"
#include "runtime/journal.h"
#include "runtime/sink_config.h"

enum {
  FSM_BUDGET_WARN = 70,
  FSM_BUDGET_HOLD_STARTS = 85,
  FSM_BUDGET_HOLD_ALL = 95,
  FSM_BUDGET_SPILL = 100,
  FSM_BUDGET_SLACK = 5, /* points below, it is over */
  FSM_BUDGET_PERCENT_MAX = 999999
};

/* Has the sink what its budget needs? policy spill is FSM_EARGUMENT without an archive. */
FSM_MUST_USE fsm_code fsm__budget_check(const fsm__sink_config *config, const char *archive, fsm_error *err);

/* What the journal keeps because records behind this one are not settled. */
uint64_t fsm__budget_bytes(const fsm__segment_info *segments, size_t count, uint64_t settled_seq);
/* 0 without budgets; at most FSM_BUDGET_PERCENT_MAX. */
unsigned fsm__budget_percent(const fsm__sink_config *config, uint64_t bytes, int64_t age_ns);

/* Of one sink; zeroed to begin with. */
typedef struct fsm__budget {
  bool warned;
  fsm__hold hold;
} fsm__budget;

typedef struct fsm__budget_turn {
  bool warn;      /* 70 was crossed: a note "budget" */
  bool spill;     /* mark the cursor, note "spilled" */
  bool unspill;   /* if the next record is in the journal: take the mark away, note "unspilled" */
  bool held;      /* the hold begins or gets stricter: note "held" */
  bool released;  /* it ends, note "released" */
  fsm__hold hold; /* now */
} fsm__budget_turn;
/* spilled: is the cursor marked now? */
fsm__budget_turn fsm__budget_next(fsm__budget *budget, const fsm__sink_config *config, unsigned percent,
                                  bool spilled);

/* For those whose commands are refused. */
void fsm__hold_text(const char *sink, fsm__hold hold, unsigned percent, uint64_t lag, int64_t lag_ns,
                    char out[FSM_TEXT_MAX]);

#endif
