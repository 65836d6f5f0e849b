/* query_changed.h: which instances were written to while a walk through several views went on. */
#ifndef FSM_RUNTIME_QUERY_CHANGED_H
#define FSM_RUNTIME_QUERY_CHANGED_H

#include "runtime/query.h"

enum { FSM__CHANGED_MAX = 262144 }; /* records that are looked at for it */

typedef struct fsm__numbers {
  uint64_t *at; /* free() */
  size_t count, cap;
} fsm__numbers;

bool fsm__numbers_add(fsm__numbers *numbers, uint64_t number); /* false: no memory */
/* Ascending, each once. */
void fsm__numbers_sort(fsm__numbers *numbers);

/* Adds the numbers of those that records behind `began`, up to the view of at->core, are of, some of them
 * more than once; those that have left the store are left out. *few false: there are more records than
 * FSM__CHANGED_MAX, and nothing was added. */
FSM_MUST_USE fsm_code fsm__changed_since(const fsm__reading *at, uint64_t began, fsm__numbers *out, bool *few,
                                         fsm_error *err);

#endif
