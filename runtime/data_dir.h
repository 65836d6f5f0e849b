/* data_dir.h: the data directory before anything in it is opened: ours, private, and whole.
 *
 *   store/      the LMDB environment and the lock
 *   journal/0/  the segments of partition 0
 *   cursors     how far the sinks have come
 */
#ifndef FSM_RUNTIME_DATA_DIR_H
#define FSM_RUNTIME_DATA_DIR_H

#include "runtime/fsm_runtime.h"

/* Makes the directory (0700) when it is missing and may be made. FSM_EPERMISSION: another owner, or open to
 * group or others. FSM_ECORRUPT: there is a journal and its store is missing; nothing is made then. */
FSM_MUST_USE fsm_code fsm__data_dir_open(const fsm_runtime_options *options, fsm_error *err);
/* Makes journal/ durably. store_applied: where the store is; FSM_ECORRUPT when it is past a journal that
 * is missing. */
FSM_MUST_USE fsm_code fsm__data_dir_journal(const fsm_runtime_options *options, uint64_t store_applied,
                                            fsm_error *err);

#endif
