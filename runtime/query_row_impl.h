/* query_row_impl.h: between the files of query_row.h: members of a row that are files of their own. */
#ifndef FSM_RUNTIME_QUERY_ROW_IMPL_H
#define FSM_RUNTIME_QUERY_ROW_IMPL_H

#include "runtime/query_row.h"

/* A list, a map as a member; what failed of it has failed of the document. */
void fsm__row_list(fsm__document *d, const char *name, const fsm__items *items);
void fsm__row_map(fsm__document *d, const char *name, fsm__document *map);

/* query_row_waits.c, query_row_who.c: `waits` and `who` of an open instance. */
FSM_MUST_USE fsm_code fsm__row_waits(const fsm__reading *at, const fsm__instance *in, const fsm__mobility *m,
                                     fsm__document *d, fsm_error *err);
FSM_MUST_USE fsm_code fsm__row_who(fsm__sieve *sieve, const fsm__instance *in, const fsm__mobility *m,
                                   fsm__document *d, fsm_error *err);

#endif
