/* survey_cohort.h: what became of the instances of a machine that were created in a range: which states each
 * of them ever reached, how long after its creation, and where it is at the end of the walk.
 *
 * An instance is known by the seq of its last record: the next one names that (`iprev`). So instances are
 * told apart exactly, in a few bytes each. Records of other instances find nobody and are passed over.
 *
 * Reached is what a record says was entered, states around leaves included, whoever entered it.
 *
 * Limits: FSM_COHORT_MAX instances, FSM_COHORT_STATES_MAX states, and what they take together
 * (FSM_COHORT_BYTES_MAX: 24 bytes of an instance, and 2 for each 8 states): FSM_ETOOLARGE says to take a
 * shorter time. Nothing is estimated. */
#ifndef FSM_RUNTIME_SURVEY_COHORT_H
#define FSM_RUNTIME_SURVEY_COHORT_H

#include "runtime/spread.h"
#include "runtime/survey_words.h"

enum { FSM_COHORT_MAX = 1024 * 1024, FSM_COHORT_STATES_MAX = 1024, FSM_COHORT_BYTES_MAX = 128 * 1024 * 1024 };

typedef enum fsm__fate_of {
  FSM__STANDS,
  FSM__IN_INCIDENT,
  FSM__COMPLETED,
  FSM__CANCELLED,
  FSM__FATES_OF
} fsm__fate_of;

typedef struct fsm__cohort_state {
  uint64_t reached;
  fsm__spread time;             /* from creation to the first time there */
  uint64_t here[FSM__FATES_OF]; /* leaves, at the end of the walk: fsm__cohort_settle */
} fsm__cohort_state;

typedef struct fsm__cohort {
  fsm_arena *arena;
  const char *machine;
  int64_t since_ns, until_ns; /* of creation */
  fsm__words states;
  fsm__cohort_state *state;
  unsigned words; /* of 64 states each, that an instance has */
  uint32_t count, room;
  uint64_t created, fates[FSM__FATES_OF];
  int64_t *created_ns;
  uint8_t *fate;
  uint64_t *sets; /* reached, then leaves: 2 * words of each */
  /* last seq → number + 1 */
  uint64_t *keys;
  uint32_t *values;
  uint32_t mask, used;
} fsm__cohort;

/* states: how many there may be; more than FSM_COHORT_STATES_MAX: FSM_ETOOLARGE. Freed by fsm__cohort_free:
 * not all of it is in the arena. */
FSM_MUST_USE fsm_code fsm__cohort_new(fsm_arena *arena, const char *machine, unsigned states,
                                      int64_t since_ns, int64_t until_ns, fsm__cohort **out, fsm_error *err);
void fsm__cohort_free(fsm__cohort *cohort); /* NULL is fine */
FSM_MUST_USE fsm_code fsm__cohort_add(fsm__cohort *cohort, const fsm__record_facts *facts, fsm_error *err);
/* Once, at the end: where they are. */
void fsm__cohort_settle(fsm__cohort *cohort);

#endif
