/* query_page.h: pages of instances and the cursors between them.
 *
 * A cursor (`next`, `after`) is the place to go on behind, with the time of the first page, so that what is
 * counted from now is the same on all of them, and a mark of the query and its filter: with another one it is
 * refused. In hex; nobody is to read it. */
#ifndef FSM_RUNTIME_QUERY_PAGE_H
#define FSM_RUNTIME_QUERY_PAGE_H

#include "runtime/filter_sieve.h"

enum { FSM__CURSOR_PLACE_MAX = FSM_STORE_KEY_MAX - 1 };

typedef struct fsm__page {
  const fsm__reading *at;
  uint64_t mark;
  fsm__sieve *sieve;
  uint32_t with;  /* members of rows that are asked for (query_row.h) */
  int64_t now_ns; /* of the first page */
  bool goes_on;   /* `after` was given: */
  fsm__key after;
  fsm__items items;
  fsm__key last; /* where the next page goes on behind */
  bool more;
} fsm__page;

/* Its sieve is set by the caller. FSM_EARGUMENT, "after": no cursor, or of another query. */
FSM_MUST_USE fsm_code fsm__page_open(const fsm__reading *at, const fsm_filter *filter, fsm__page *out,
                                     fsm_error *err);
/* Adds an instance at its place; *full: the page has its items, the place is where it goes on behind. */
FSM_MUST_USE fsm_code fsm__page_add(fsm__page *page, uint64_t number, const fsm__key *place, bool *full,
                                    fsm_error *err);
/* The page ends here although it is not full: enough was looked at. */
void fsm__page_stop(fsm__page *page, const fsm__key *place);
bool fsm__page_is_full(const fsm__page *page);
FSM_MUST_USE fsm_code fsm__page_document(fsm__page *page, const fsm__sieve *sieve, fsm_value *out,
                                         fsm_error *err);

/* The text of a cursor as its parts; false: it is none. */
bool fsm__cursor_read(const char *text, uint64_t *mark, int64_t *now_ns, fsm__key *place);
/* In arena; NULL without memory. */
const char *fsm__cursor_text(fsm_arena *arena, uint64_t mark, int64_t now_ns, const fsm__key *place);

/* ---- those that come first in an order that no index has ---- */

enum { FSM__RANK_KEY_MAX = 160 };

typedef struct fsm__ranked {
  uint64_t number;
  bool none; /* has nothing to be sorted by: behind all others */
  uint32_t len;
  uint8_t key[FSM__RANK_KEY_MAX];
} fsm__ranked;

/* Keeps the first `room` behind a place: those of a page, and some more. */
typedef struct fsm__ranking {
  bool downwards;
  size_t wanted, room, count;
  fsm__ranked *heap; /* the last one first */
  bool goes_on;
  fsm__ranked behind;
  bool dropped;     /* some had no room: */
  fsm__ranked best; /* the first of them */
} fsm__ranking;

/* spare: room for so many more than a page takes. */
FSM_MUST_USE fsm_code fsm__ranking_open(const fsm__page *page, bool downwards, size_t spare,
                                        fsm__ranking *out, fsm_error *err);
void fsm__ranking_add(fsm__ranking *ranking, const fsm__ranked *one);
/* Are enough of those kept before all that had no room? Not, when some were taken out. */
bool fsm__ranking_is_sure(const fsm__ranking *ranking);
/* What was kept into the page, in order. */
FSM_MUST_USE fsm_code fsm__ranking_show(fsm__ranking *ranking, fsm__page *page, fsm_error *err);

#endif
