/* apply.h: records → rows. The only way rows change, for the writer and for replay alike.
 *
 * Applies recorded effects; it evaluates no guard and no expression and never decides again, so that a
 * later fix of the engine cannot change what an old journal means.
 */
#ifndef FSM_RUNTIME_APPLY_H
#define FSM_RUNTIME_APPLY_H

#include "runtime/fsm_runtime.h"
#include "runtime/rows.h"
#include "schema/record.h"

/* Applies the records of one frame, in order. instance: the frame's instance as it was loaded before
 * (changed in place), or NULL to load it here. What cannot fit the rows is FSM_ECORRUPT with
 * where = "seq N": the journal and the store do not belong together. */
FSM_MUST_USE fsm_code fsm__apply_frame(fsm__store *store, fsm__catalog *catalog, const fsm_record *records,
                                       size_t count, fsm__instance *instance, fsm_arena *arena,
                                       fsm_error *err);

/* The message that the frame of this record consumed is gone from its sender's rows. */
FSM_MUST_USE fsm_code fsm__apply_consumed(fsm__store *store, const fsm_record *record, fsm_arena *arena,
                                          fsm_error *err);

/* The hash that a record carries for a context. */
FSM_MUST_USE fsm_code fsm__context_hash(const fsm_value *context, fsm__hash *out, fsm_error *err);

#endif
