/* query_sorted.h: a page of a list in an order that no index has. */
#ifndef FSM_RUNTIME_QUERY_SORTED_H
#define FSM_RUNTIME_QUERY_SORTED_H

#include "runtime/query_page.h"

enum {
  FSM__SORTED_SPARE = 1024, /* kept besides those of the page, for those that leave it meanwhile */
  FSM__SORTED_LOOKS = 4,    /* so many times what a page may look at is looked at through one view */
  FSM__SORTED_TRIES = 3
};

/* All that match are looked at, whatever there is of them; what is kept is bounded by the page. Over the
 * bound of one view the walk goes on with another, and in the end those that changed meanwhile are looked at
 * again: so the page is exact at the seq of the last view. (A kind that depends on another instance, a parent
 * that waits or an addressee, is as it was when the walk came by.) candidates NULL: all rows.
 * FSM_EBUSY: so many changed, over and over, that the order cannot be told. */
FSM_MUST_USE fsm_code fsm__sorted(fsm__page *page, fsm__sieve *sieve, const fsm__candidates *candidates,
                                  fsm_error *err);

#endif
