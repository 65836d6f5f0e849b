/* known_sinks.h: the names of the sinks that there are, as the publisher says; what a route may name. */
#ifndef FSM_RUNTIME_KNOWN_SINKS_H
#define FSM_RUNTIME_KNOWN_SINKS_H

#include <pthread.h>

#include "runtime/sink_config.h"

/* Any thread, under the lock. */
typedef struct fsm__known_sinks {
  pthread_mutex_t lock;
  size_t count;
  char names[FSM_SINKS_MAX][FSM_SINK_NAME_MAX + 1];
} fsm__known_sinks;

FSM_MUST_USE fsm_code fsm__known_sinks_init(fsm__known_sinks *known, fsm_error *err);
void fsm__known_sinks_free(fsm__known_sinks *known); /* never initialised, all zeros: nothing */
/* In place of those before; at most FSM_SINKS_MAX. */
void fsm__known_sinks_set(fsm__known_sinks *known, const char *const *names, size_t count);
/* As they are now, in arena; never NULL on success. */
FSM_MUST_USE fsm_code fsm__known_sinks_get(fsm__known_sinks *known, fsm_arena *arena,
                                           const char *const **names, size_t *count, fsm_error *err);

#endif
