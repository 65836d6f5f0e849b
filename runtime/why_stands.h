/* why_stands.h: between the files of why: the stands that the search for a way to an end has met, each once.
 *
 * A stand is a configuration with its context, of which what an event would have set is not known. All of it
 * lives in the arena of the search. */
#ifndef FSM_RUNTIME_WHY_STANDS_H
#define FSM_RUNTIME_WHY_STANDS_H

#include "runtime/why.h"

enum { FSM__WHY_STAND_BUCKETS = 2048 };

typedef struct fsm__why_stand {
  fsm_snapshot at;
  const uint64_t *kept; /* active from the start, never left */
  const fsm_value *fields;
  unsigned field_count, from, next; /* the stand before; the next one of its bucket (from 1, 0 = none) */
  const char *event, *by;
  fsm_value supposes;
  int transition;
} fsm__why_stand;

typedef struct fsm__why_stands {
  fsm__why_stand *at;
  unsigned count, words; /* of a configuration */
  unsigned buckets[FSM__WHY_STAND_BUCKETS];
} fsm__why_stands;

/* *stands is zeroed. false: no memory. */
bool fsm__why_stands_begin(fsm__why_stands *stands, const fsm_machine *machine, fsm_arena *arena);
bool fsm__why_stands_has(const fsm__why_stands *stands, const fsm__why_stand *one);
/* false: there are FSM_WHY_STATES_MAX. */
bool fsm__why_stands_add(fsm__why_stands *stands, const fsm__why_stand *one);

#endif
