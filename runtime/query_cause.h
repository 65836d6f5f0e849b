/* query_cause.h: between the files of FSM_QUERY_CAUSE: a record and what caused it.
 *
 * A record was caused by the first of its frame, else by the record that its `caus` names, else by the one
 * that its `parent` names; an id of another store is from outside. A cause is always earlier. */
#ifndef FSM_RUNTIME_QUERY_CAUSE_H
#define FSM_RUNTIME_QUERY_CAUSE_H

#include "runtime/query.h"

enum {
  FSM_CAUSE_UP_MAX = 1000,           /* links of a chain of causes */
  FSM_CAUSE_DOWN_MAX = FSM_PAGE_MAX, /* records that one led to */
  FSM_CAUSE_KEYS_MAX = 256           /* correlations and instances that are followed */
};

typedef struct fsm__link {
  uint64_t seq, by; /* by 0: from outside */
  const char *how;  /* frame, caus, parent */
  bool reached;
} fsm__link;

/* The seq in an id of this store, 0 = it is none of ours. */
uint64_t fsm__cause_seq(const fsm__reading *at, const char *id);
fsm__link fsm__cause_link(const fsm__reading *at, const fsm_record *record);

/* What a record led to. Zeroed but for `at`; its links are freed by whoever has it. */
typedef struct fsm__fall {
  const fsm__reading *at;
  fsm__link *links; /* of what was looked at, by seq; `reached`: it led to it */
  unsigned count, cap, looked;
  struct {
    fsm__find_what what;
    const char *text;
  } keys[FSM_CAUSE_KEYS_MAX];
  unsigned keys_count, keys_done;
  uint64_t from;
  bool failed;         /* memory */
  const char *stopped; /* why there is not more; NULL = there is not */
} fsm__fall;
FSM_MUST_USE fsm_code fsm__cause_fall(fsm__fall *fall, fsm__journal_cursor *cursor, uint64_t seq,
                                      fsm_error *err);

#endif
