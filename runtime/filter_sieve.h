/* filter_sieve.h: a filter at work over the rows of one view.
 *
 * What an index gives (filter_candidates.c) is at least what matches; every row that it gives, or every row
 * there is, goes through fsm__sieve_test, which alone decides. */
#ifndef FSM_RUNTIME_FILTER_SIEVE_H
#define FSM_RUNTIME_FILTER_SIEVE_H

#include "runtime/filter_where.h"
#include "runtime/mobility.h"
#include "runtime/query.h"

enum {
  FSM__TOUCHED_MAX = 4096,     /* records of one user, correlation or trace that are read for a page */
  FSM__CANDIDATES_MAX = 8192,  /* rows of an index that are read for a page */
  FSM__SIEVE_LOOK_MAX = 65536, /* what one page may look at: rows that are scanned count 1 */
  FSM__LOOK_POINT = 4,         /* … a row that is looked up */
  FSM__LOOK_JOURNAL = 64,      /* … the journal, for one instance */
  FSM__LOOK_WORK = 64,         /* … so much work of its where (fsm/expr.h) */
  FSM__LOOK_MOBILITY = 16,     /* … what could move an instance */
  FSM__SIEVE_MACHINES = 16     /* versions whose states are known at once */
};

/* Whom records of a user, a correlation, a trace have changed. */
typedef struct fsm__touched {
  fsm__find_what what;
  const char *text; /* NULL = not asked */
  bool whole;       /* `at` has all of them; else each row is asked for by itself */
  size_t count;
  struct fsm__touch {
    uint64_t number, seq; /* seq: of the newest such record */
  } * at;                 /* by number */
} fsm__touched;
enum { FSM__TOUCHED_BY = 3 };

/* What is known of a version of a machine; a byte a state. */
/* FREE: who is in it can be moved by anybody, so is neither dead nor an orphan. */
enum { FSM__MARK_WANTED = 1, FSM__MARK_FAILED = 2, FSM__MARK_FREE = 4 };
typedef struct fsm__sieve_machine {
  const fsm__deployed *deployed;
  const fsm_mask *mask;
  uint8_t *marks; /* room for as many states: those of further versions take the same */
  unsigned room;
} fsm__sieve_machine;

typedef struct fsm__sieve {
  const fsm__reading *at;
  const fsm_filter *filter;
  int64_t now_ns;
  uint32_t machine; /* its number; 0 = any */
  int64_t since_ns, until_ns, updated_since_ns, updated_until_ns;
  fsm__touched touched[FSM__TOUCHED_BY];
  fsm__sieve_machine machines[FSM__SIEVE_MACHINES];
  unsigned machine_count, last;
  uint32_t kinds; /* all that the filter asks for */
  bool people_read;
  fsm__people people;        /* read when an instance needs them */
  uint64_t looked, look_max; /* see FSM__SIEVE_LOOK_MAX */
  uint64_t matched;          /* rows that passed */
  uint64_t faults;           /* rows for which where failed */
  fsm_error fault;           /* the first of them */
} fsm__sieve;

/* query_filter.c: a filter from the loose fields of a query, or the one that it has; given back by
 * fsm_filter_free. */
FSM_MUST_USE fsm_code fsm__query_filter(const fsm_query *query, fsm_filter **out, fsm_error *err);

/* Everything lives in at->arena. FSM_EMACHINE, FSM_ENOTFOUND: no such machine, no such state. */
FSM_MUST_USE fsm_code fsm__sieve_open(const fsm__reading *at, const fsm_filter *filter, int64_t now_ns,
                                      fsm__sieve *out, fsm_error *err);
/* The row of an instance; out->deployed is known to the sieve. */
FSM_MUST_USE fsm_code fsm__sieve_glance(fsm__sieve *sieve, uint64_t number, const void *value, size_t len,
                                        fsm_arena *scratch, fsm__glance *out, fsm_error *err);
/* The row of a number, as it lies there. */
FSM_MUST_USE fsm_code fsm__sieve_row(fsm__sieve *sieve, uint64_t number, const void **value, size_t *len,
                                     fsm_error *err);
/* Row and glance of a number. */
FSM_MUST_USE fsm_code fsm__sieve_load(fsm__sieve *sieve, uint64_t number, fsm_arena *scratch,
                                      fsm__glance *out, fsm_error *err);
const fsm__sieve_machine *fsm__sieve_machine_of(const fsm__sieve *sieve, const fsm__glance *glance);
/* When it entered the leaf that it has been in longest, of those that are wanted; INT64_MAX: it is in none.
 */
int64_t fsm__sieve_since(const fsm__sieve *sieve, const fsm__glance *glance);
/* since_ns: what `for` counts from. */
FSM_MUST_USE fsm_code fsm__sieve_test(fsm__sieve *sieve, const fsm__glance *glance, int64_t since_ns,
                                      fsm_arena *scratch, bool *passes, fsm_error *err);

/* An incident, or completed in a state that is marked so. */
bool fsm__sieve_failed(const fsm__glance *glance, const uint8_t *marks);
/* Which statuses (bits) an open instance may have that passes. */
uint32_t fsm__sieve_open_statuses(const fsm_filter *filter);
/* filter_kind.c: those of `wanted` (FSM__KIND_…) that it is. Whether it is silent is asked for the least time
 * of the filter's `for`; without one it is not. */
FSM_MUST_USE fsm_code fsm__sieve_kinds(fsm__sieve *sieve, const fsm__glance *glance, uint32_t wanted,
                                       fsm_arena *scratch, uint32_t *kinds, fsm_error *err);
/* May an instance whose longest wait is in this leaf be of the kinds of the filter? False is sure. */
FSM_MUST_USE fsm_code fsm__sieve_may_be(const fsm__sieve *sieve, const fsm__deployed *deployed,
                                        unsigned state, bool *may, fsm_error *err);
FSM_MUST_USE fsm_code fsm__sieve_people(fsm__sieve *sieve, fsm_error *err);

/* filter_touch.c */
FSM_MUST_USE fsm_code fsm__touched_read(fsm__sieve *sieve, fsm__touched *touched, fsm_error *err);
FSM_MUST_USE fsm_code fsm__touched_has(fsm__sieve *sieve, const fsm__touched *touched,
                                       const fsm__glance *glance, fsm_arena *scratch, bool *has,
                                       fsm_error *err);

/* filter_candidates.c: the numbers among which all that match are, ascending, each once; *some false: an
 * index that is short enough is not to be had. by_state: may it be the index of states? */
typedef struct fsm__candidates {
  bool some;
  size_t count;
  uint64_t *at;
} fsm__candidates;
FSM_MUST_USE fsm_code fsm__candidates_find(fsm__sieve *sieve, bool by_state, fsm__candidates *out,
                                           fsm_error *err);
void fsm__candidates_sort(fsm__candidates *candidates);

#endif
