/* people.h: who is known to act: the actors that records name. */
#ifndef FSM_RUNTIME_PEOPLE_H
#define FSM_RUNTIME_PEOPLE_H

#include "runtime/core.h"

enum { FSM__PEOPLE_MAX = 4096 }; /* those that were seen last are kept */

typedef struct fsm__person {
  fsm_value actor; /* map: type, sub, iss, roles, as far as they are known */
  int64_t last_ns; /* of the newest record that names them */
  uint64_t seq;    /* of that record */
} fsm__person;

typedef struct fsm__people {
  unsigned count;
  const fsm__person *at; /* by sub, then type */
  bool cut;              /* there are more */
} fsm__people;

#endif
