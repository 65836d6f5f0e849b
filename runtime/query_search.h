/* query_search.h: between the files of FSM_QUERY_SEARCH's pages: where one begins and how it is told
 * (query_search_page.c), what is on it (query_search.c). */
#ifndef FSM_RUNTIME_QUERY_SEARCH_H
#define FSM_RUNTIME_QUERY_SEARCH_H

#include "runtime/search.h"

typedef struct fsm__search_page {
  fsm__search search;
  const fsm__reading *at;
  uint64_t mark, below;
  int64_t now_ns, since_ns; /* of the first page */
  fsm__items items;
  uint64_t *seen; /* hashes of ids */
  unsigned seen_count, seen_room;
  uint8_t named; /* so many of those that the store has under that name were on the first page */
  bool first, ended;
} fsm__search_page;

/* p: with its reading and search.scratch. */
FSM_MUST_USE fsm_code fsm__search_open(fsm__search_page *p, fsm_error *err);
FSM_MUST_USE fsm_code fsm__search_document(fsm__search_page *p, fsm_value *out, fsm_error *err);
/* Of an id, as p->seen has it. */
uint64_t fsm__search_hash(const char *id, size_t len);

#endif
