/* applier.h: the second hand (DESIGN 4): a thread that commits frozen generations of the store, one after
 * the other, so that nobody who waits for an answer waits for an LMDB commit. It touches nothing of the
 * writer's: the writer freezes, hands over, is woken, and settles. */
#ifndef FSM_RUNTIME_APPLIER_H
#define FSM_RUNTIME_APPLIER_H

#include "runtime/store.h"

typedef enum fsm__applier_state {
  FSM_APPLIER_IDLE,
  FSM_APPLIER_BUSY,
  FSM_APPLIER_DONE,     /* to be settled */
  FSM_APPLIER_FULL,     /* no room on the disk (FSM_EFULL), or no memory; may be started again */
  FSM_APPLIER_MAP_FULL, /* no room in the map; may be started again */
  FSM_APPLIER_FAILED    /* fatal */
} fsm__applier_state;

typedef struct fsm__applier fsm__applier;

/* wake is called on the applier's thread when a round has ended, however it did. NULL: there is no thread,
 * the round runs when its end is asked for. */
FSM_MUST_USE fsm_code fsm__applier_new(fsm__store *store, void (*wake)(void *arg), void *arg,
                                       fsm__applier **out, fsm_error *err);
void fsm__applier_free(fsm__applier *applier); /* after what runs; NULL is fine */
/* Commits what the store has frozen. */
void fsm__applier_start(fsm__applier *applier);
/* How the last round ended, told once: then it is idle. *err is set unless it is done; *took_ns: how long. */
fsm__applier_state fsm__applier_poll(fsm__applier *applier, int64_t *took_ns, fsm_error *err);
void fsm__applier_wait(fsm__applier *applier); /* until it is not busy */

#endif
