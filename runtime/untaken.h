/* untaken.h: services outside of this program that took no task when one was last offered, so that whoever
 * looks at a task that waits is told that nobody is there. In memory; any thread. */
#ifndef FSM_RUNTIME_UNTAKEN_H
#define FSM_RUNTIME_UNTAKEN_H

#include "fsm/fsm.h"

enum { FSM_UNTAKEN_MAX = 256 }; /* services known as such; of those above nothing is said */

typedef struct fsm__untaken fsm__untaken;

FSM_MUST_USE fsm_code fsm__untaken_new(fsm__untaken **out, fsm_error *err);
void fsm__untaken_free(fsm__untaken *untaken);

/* A task of this service came back, or was taken. */
void fsm__untaken_say(fsm__untaken *untaken, const char *service, bool taken);
bool fsm__untaken_is(fsm__untaken *untaken, const char *service);

#endif
