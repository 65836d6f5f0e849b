/* query_walk.h: instances one after the other: those of a list of candidates, or all, by number or by id. */
#ifndef FSM_RUNTIME_QUERY_WALK_H
#define FSM_RUNTIME_QUERY_WALK_H

#include "runtime/filter_sieve.h"

enum { FSM__WALK_BLOCK = 256 };

typedef struct fsm__stroll {
  fsm__sieve *sieve;
  enum { FSM__WALK_LIST, FSM__WALK_UP, FSM__WALK_DOWN, FSM__WALK_IDS } how;
  bool downwards; /* of a list */
  bool ended;     /* that was all */
  const fsm__candidates *list;
  size_t left;       /* of the list */
  fsm__range range;  /* UP, IDS */
  uint64_t below;    /* DOWN: the numbers below are still to come */
  unsigned in_block; /* DOWN: rows that were read and are to be given, the last one first */
  struct {
    uint64_t number;
    const void *value;
    size_t len;
  } block[FSM__WALK_BLOCK];
} fsm__stroll;

/* from: the place behind which it begins (a number BE8; by id: number BE8 ‖ 0 ‖ id), NULL = the beginning.
 * list NULL: all there are. Close it. */
FSM_MUST_USE fsm_code fsm__stroll_open(fsm__sieve *sieve, const fsm__candidates *list, bool by_id,
                                       bool downwards, const fsm__key *from, fsm__stroll *out,
                                       fsm_error *err);
/* The next one, and its place; *found false: that was all, or (sieve->looked is over its bound) enough. */
FSM_MUST_USE fsm_code fsm__stroll_next(fsm__stroll *stroll, fsm_arena *scratch, fsm__glance *out,
                                       fsm__key *place, bool *found, fsm_error *err);
void fsm__stroll_close(fsm__stroll *stroll);

#endif
