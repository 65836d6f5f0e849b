/* pulse.h: a sign that the writer goes on, for whoever watches over the process. */
#ifndef FSM_RUNTIME_PULSE_H
#define FSM_RUNTIME_PULSE_H

#include "runtime/fsm_runtime.h"

/* Turns of the writer since the start: one a second at least, for as long as it can. Any thread. */
uint64_t fsm__runtime_turns(fsm_runtime *runtime);

#endif
