/* hold.h: what commands may not do while a sink with policy hold is too far behind (budget.h). Said by
 * whoever watches the sinks, from any thread; heeded by the writer from its next turn on. */
#ifndef FSM_RUNTIME_HOLD_H
#define FSM_RUNTIME_HOLD_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/fsm_runtime.h"

/* A stricter one is greater. */
typedef enum fsm__hold {
  FSM__HOLD_NONE,
  FSM__HOLD_STARTS, /* commands from outside make no new instance: FSM_EQUOTA */
  FSM__HOLD_ALL     /* repairs, notes and routes are taken, nothing else: FSM_EQUOTA; what is due waits */
} fsm__hold;

/* text: for those who are refused; copied. */
void fsm__runtime_hold(fsm_runtime *runtime, fsm__hold level, const char *text);

/* ---- between the runtime and its writer ---- */

typedef struct fsm__holding {
  _Atomic int level;
  pthread_mutex_t lock;
  char text[FSM_TEXT_MAX]; /* under the lock */
} fsm__holding;
void fsm__holding_init(fsm__holding *holding);
void fsm__holding_free(fsm__holding *holding);
void fsm__holding_set(fsm__holding *holding, fsm__hold level, const char *text);
/* text: untouched when there is none. */
fsm__hold fsm__holding_get(fsm__holding *holding, char text[FSM_TEXT_MAX]);
/* Is this taken while all is held? */
bool fsm__hold_lets(fsm_command_kind kind);

#endif
