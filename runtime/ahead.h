/* ahead.h: which rows of a fuzzy snapshot are ahead of the records being replayed.
 *
 * A snapshot is copied in chunks while the writer works: each chunk is a range of keys of one table as it
 * was at an applied seq of its own. While the journal is replayed over it, a row has what every frame did to
 * it that ends at or before the seq of its chunk. Tables that are not in here were copied at one seq, the one
 * at which the replay begins.
 */
#ifndef FSM_RUNTIME_AHEAD_H
#define FSM_RUNTIME_AHEAD_H

#include "fsm/fsm.h"

typedef struct fsm__ahead fsm__ahead;

FSM_MUST_USE fsm_code fsm__ahead_new(fsm__ahead **out, fsm_error *err);
void fsm__ahead_free(fsm__ahead *ahead);
/* From this key on, to that of the next call or the end of the table, rows are as they were at seq. Keys of a
 * table must ascend and its first must be empty, seqs must not descend: FSM_ECORRUPT. */
FSM_MUST_USE fsm_code fsm__ahead_add(fsm__ahead *ahead, unsigned table, const void *key, size_t key_len,
                                     uint64_t seq, fsm_error *err);
/* The seq of the row's chunk; 0 = its table is not in here. */
uint64_t fsm__ahead_seq(const fsm__ahead *ahead, unsigned table, const void *key, size_t key_len);

#endif
