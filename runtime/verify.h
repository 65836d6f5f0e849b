/* verify.h: is a store what its journal says, row for row?
 *
 * The store is read in chunks, each in a short transaction at an applied seq of its own; a scratch store is
 * replayed forward to that seq and compared with the chunk there. So no transaction is open while anything is
 * replayed or compared, and the writer goes on. What was compared early is exact at the seq of its chunk; the
 * leaf that the store keeps is compared at each of them.
 */
#ifndef FSM_RUNTIME_VERIFY_H
#define FSM_RUNTIME_VERIFY_H

#include <stdatomic.h>

#include "runtime/files.h"
#include "runtime/journal.h"
#include "runtime/store.h"

typedef struct fsm__compared {
  uint64_t rows;
  uint64_t base_seq, seq; /* where the replay began, where the last chunk was compared */
} fsm__compared;

/* base: directory of a snapshot to start from, NULL = the empty store and all of the journal. FSM_EVERIFY
 * names the first row that differs. stop: as of fsm__snapshot_options. */
FSM_MUST_USE fsm_code fsm__verify_store(fsm__store *store, fsm__journal *journal, const char *base,
                                        const _Atomic bool *stop, fsm__compared *out, fsm_error *err);
/* The oldest snapshot in dir (…/snapshots) that the kept journal goes on from and that is not newer than
 * applied; "" when the journal is whole. FSM_EVERIFY: the journal is not, and there is none. */
FSM_MUST_USE fsm_code fsm__verify_base(const char *dir, fsm__journal *journal, uint64_t applied,
                                       fsm__path *out, fsm_error *err);

#endif
