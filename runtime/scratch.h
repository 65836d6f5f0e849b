/* scratch.h: a store that nobody else sees, made from a snapshot or from nothing by replaying the journal,
 * for comparing with the real one. In TMPDIR, not synced, gone when it is closed. */
#ifndef FSM_RUNTIME_SCRATCH_H
#define FSM_RUNTIME_SCRATCH_H

#include "runtime/core.h"
#include "runtime/files.h"

typedef struct fsm__scratch {
  fsm__path path; /* "" = none was made */
  fsm__store *store;
  fsm__catalog *catalog;
  fsm__core position; /* seq and leaf */
} fsm__scratch;

/* Start from a zeroed one; close it after a fault too. snapshot: directory of one, NULL = from nothing. */
FSM_MUST_USE fsm_code fsm__scratch_open(fsm__scratch *scratch, const uint8_t store_id[16],
                                        const char *snapshot, fsm__journal *journal, fsm_error *err);
/* Forward to a seq at which a frame ends; FSM_EVERIFY when the journal does not go there. */
FSM_MUST_USE fsm_code fsm__scratch_replay(fsm__scratch *scratch, fsm__journal *journal, uint64_t to,
                                          fsm_error *err);
void fsm__scratch_close(fsm__scratch *scratch);

#endif
