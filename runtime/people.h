/* people.h: who is known to act: the actors that records name, and those who are configured
 * (people_configured.h), for "who can act".
 *
 * Kept in memory by whoever asks, from the index files of sealed segments and the index of the active one
 * (journal_users.c): nothing is written, the writer does nothing for it, and no replay knows of it. A person
 * is known by (sub, type, iss) as the newest of their records in the last segment that names them has them,
 * roles included. Those of segments that retention let go are known until the program ends. */
#ifndef FSM_RUNTIME_PEOPLE_H
#define FSM_RUNTIME_PEOPLE_H

#include "runtime/core.h"

enum {
  FSM__PEOPLE_MAX = 2048,       /* those that were seen last are kept */
  FSM__PERSON_BYTES_MAX = 4096, /* an actor of more, packed, is not kept */
  FSM__PEOPLE_SUMS_MAX = 256    /* sums of refusals that are passed over to find who somebody is */
};

typedef struct fsm__person {
  fsm_value actor; /* map: type, sub, iss, roles…, as the record has it but for its session */
  fsm_value shown; /* the same masked, as that record is */
  int64_t last_ns; /* of that record */
  uint64_t seq;    /* 0 = none names them: */
  unsigned entry;  /* the entry of the configuration that does, from 1 */
  bool configured; /* it says something of them */
} fsm__person;

typedef struct fsm__people {
  unsigned count;
  const fsm__person *at; /* those who were seen by seq, the newest first; then the others */
  bool cut;              /* there were more */
} fsm__people;

typedef struct fsm__known fsm__known; /* of a runtime; any thread */
FSM_MUST_USE fsm_code fsm__known_new(fsm__known **out, fsm_error *err);
void fsm__known_free(fsm__known *known);
/* NULL ends what is configured; else the text of the entries, which replace those that there are. */
FSM_MUST_USE fsm_code fsm__known_configure(fsm__known *known, const char *text, size_t len, fsm_error *err);
/* All that are known now, into arena. core->known NULL: nobody. */
FSM_MUST_USE fsm_code fsm__people_known(const fsm__core *core, fsm_arena *arena, fsm__people *out,
                                        fsm_error *err);

#endif
