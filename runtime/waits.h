/* waits.h: timers whose wall time is reached and whose delay has not run yet, because the clock was set
 * forward: they wait for the clock of the boot.
 *
 * In memory only, 32 bytes each: a scan from the front of the due table finds them again. One thread.
 */
#ifndef FSM_RUNTIME_WAITS_H
#define FSM_RUNTIME_WAITS_H

#include "fsm/fsm.h"

/* Where the timer's row of the due table is; the id stands there. */
typedef struct fsm__wait {
  int64_t at_ns; /* on the clock of the boot */
  int64_t due_ns;
  uint64_t order, number;
} fsm__wait;

/* A zeroed one is empty. */
typedef struct fsm__waits {
  fsm__wait *heap; /* the earliest first; those of one moment in (due, order) */
  size_t count, cap;
} fsm__waits;

/* false without memory. */
bool fsm__waits_add(fsm__waits *waits, const fsm__wait *wait);
/* Takes the first if it is reached at now_ns. */
bool fsm__waits_take(fsm__waits *waits, int64_t now_ns, fsm__wait *out);
/* When the first is reached; INT64_MAX when there is none. */
int64_t fsm__waits_next(const fsm__waits *waits);
void fsm__waits_clear(fsm__waits *waits); /* and frees */

#endif
