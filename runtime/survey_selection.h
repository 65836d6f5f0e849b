/* survey_selection.h: the instances that figures are asked of: those that pass a FILTER as they are at one
 * seq.
 *
 * Each is decided once, by its row, with the time of the first request as now: so a record counts when it is
 * of an instance that passes, whatever that was when the record was written. Rows are walked through views
 * none of which is long open; those that changed meanwhile are decided again through the last, whose seq it
 * is. An instance that has left the store has no row: nothing can be decided of it, its records count in
 * nothing but `left`. A record of an id that another instance had before is not of the one that has it now.
 *
 * Limits: 8 bytes for each number in a block of FSM__SELECTION_BLOCK of which any passes, in the memory of
 * the walk: some 8 M instances; FSM_ETOOLARGE says to ask for fewer. */
#ifndef FSM_RUNTIME_SURVEY_SELECTION_H
#define FSM_RUNTIME_SURVEY_SELECTION_H

#include "runtime/filter_sieve.h"

enum { FSM__SELECTION_BLOCK = 1024, FSM__SELECTION_LOOKS = 262144 };

typedef struct fsm__selection {
  fsm_arena *arena;
  uint64_t **blocks; /* the seq that made each, 0 = it does not pass; NULL = none of that block does */
  size_t block_count;
  uint64_t count; /* of those that pass */
  uint64_t left;  /* records of those that have left the store */
} fsm__selection;

/* Decides all; at->core may stand at a later seq then. FSM_EBUSY: too much changed meanwhile. Faults of
 * fsm__sieve_open. A fault of `where` in an instance: it does not pass, as in a list. */
FSM_MUST_USE fsm_code fsm__selection_make(const fsm__reading *at, const fsm_filter *filter, fsm_arena *arena,
                                          fsm__selection **out, fsm_error *err);
/* Is the record, of that seq and the instance of that id, one that counts? */
FSM_MUST_USE fsm_code fsm__selection_has(fsm__selection *selection, fsm__store *store, const char *id,
                                         size_t len, uint64_t seq, bool *has, fsm_error *err);
bool fsm__selection_has_number(const fsm__selection *selection, uint64_t number);

#endif
