/* query_stuck_lanes.h: the intervals of by_state that a merge by `since` goes through (query_stuck.c). */
#ifndef FSM_RUNTIME_QUERY_STUCK_LANES_H
#define FSM_RUNTIME_QUERY_STUCK_LANES_H

#include "runtime/query_page.h"

/* A place in by_state: one (machine, state) interval, at its next row. */
typedef struct fsm__lane {
  fsm__range range;
  fsm__key head;
  int64_t since_ns;
  bool live;
} fsm__lane;

typedef struct fsm__lanes {
  fsm__lane *at;
  unsigned count, cap;
} fsm__lanes;

/* Those that are wanted; the caller closes the range of each, also after a fault. */
FSM_MUST_USE fsm_code fsm__lanes_open(const fsm__sieve *sieve, fsm__lanes *all, fsm_error *err);
/* Each at its first row, behind what pages before had. */
FSM_MUST_USE fsm_code fsm__lanes_begin(const fsm__page *page, fsm__lanes *all, fsm_error *err);
FSM_MUST_USE fsm_code fsm__lane_next(fsm__lane *l, fsm_error *err);
/* The one whose row is the oldest; NULL: none has any. */
fsm__lane *fsm__lanes_oldest(fsm__lanes *all);

#endif
