/* record_facts.h: what figures are made of, read from stored bytes without building the record: which machine
 * and states, by which event, with what outcome, when. Takes no memory; the texts point into the data. */
#ifndef FSM_SCHEMA_RECORD_FACTS_H
#define FSM_SCHEMA_RECORD_FACTS_H

#include <string.h>

#include "schema/record.h"

/* A list of texts as it lies in the data; at NULL: the field is absent. */
typedef struct fsm__fact_list {
  const void *at;
  const void *end; /* of the record */
  uint32_t count;
} fsm__fact_list;

typedef struct fsm__record_facts {
  uint64_t seq, iprev;
  int64_t time_ns;
  fsm_record_kind kind;
  fsm_outcome outcome;
  unsigned i, n;      /* record i of n in its frame */
  int cause;          /* fsm_cause, -1 = absent */
  int64_t elapsed_ns; /* -1 = absent */
  uint64_t sum;       /* of refusals counted together: how many; else 1 */
  fsm_record_text reason, mach, inst, trigger;
  fsm__fact_list from, to, since;
} fsm__record_facts;

/* FSM_ECORRUPT: no record. */
FSM_MUST_USE fsm_code fsm__record_facts_read(const void *data, size_t len, fsm__record_facts *out);
/* The texts of a list, one by one; false behind the last. Start with *rest = the list. */
bool fsm__fact_next(fsm__fact_list *rest, fsm_record_text *out);
bool fsm__fact_has(const fsm__fact_list *list, fsm_record_text text);
static inline bool fsm__fact_same(fsm_record_text a, fsm_record_text b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

#endif
