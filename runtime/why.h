/* why.h: between the files of FSM_QUERY_WHY: why an instance does not move, and what would move it.
 *
 * One document (schemas/Why of schema/openapi.json), from rows read by key, from the machine, and from what
 * the engine says of events that nobody has sent. Members that are always there: instance machine version
 * status state rev verdict text states tried next path path_text never commands now.
 *
 *   verdict  moves     something is due now or on its way, and nobody has to do anything
 *            waits     for somebody, for something, or for a time
 *            refused   every event that it takes is refused: guards that are false, whoever sends it
 *            orphan    it takes events, but nobody who was seen on it satisfies `allow`
 *            dead      no event, timer or task can move it any more
 *            paused, incident, ended   as its status says
 *
 * Nothing here changes anything. What is marked (x-pii) is masked, as in every answer; what a guard's part
 * comes to is told all the same, as FSM_QUERY_EVENTS tells whether its event is enabled. */
#ifndef FSM_RUNTIME_WHY_H
#define FSM_RUNTIME_WHY_H

#include "runtime/query.h"

typedef struct fsm__why {
  const fsm__reading *at;
  fsm_arena *arena;
  fsm__instance in;
  fsm_snapshot snapshot;
} fsm__why;

#endif
