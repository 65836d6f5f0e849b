/* survey_tally.h: what happened, counted record by record: states, events, refusals, intervals of time.
 *
 * A *stay* is the time from when a leaf (a state without states of its own) was entered until it was left. It
 * counts when it ended in the range, whenever it began. A leaf is left when a record says so: also when it is
 * entered again at once (a transition from a state to itself that leaves it), when an operator set other
 * states, and, by every leaf where it stood, when the instance was cancelled. Each region of a parallel state
 * has its leaf, and each leaf its stays. What is left in the step that entered it stayed for 0 ns. Time in an
 * incident or paused is time in the leaf. Those that completed stay where they are: their last stays never
 * end. A stay whose beginning is not kept any more counts as `cut`, and in nothing else.
 *
 * An *event* is counted by the microstep that took it (taken), the refusal of it (refused; sums of refusals
 * name none) or the incident that it led to (failed). Those that the engine makes (timers, tasks, raised)
 * have their names, too; eventless transitions are none.
 *
 * Texts are those of records: a state of another version under the same path is the same state.
 *
 * Limits: FSM_TALLY_*; what finds no place is counted in the nameless row (stays: not at all), and `cut` of
 * the tally says that there was such. */
#ifndef FSM_RUNTIME_SURVEY_TALLY_H
#define FSM_RUNTIME_SURVEY_TALLY_H

#include "runtime/journal.h"
#include "runtime/spread.h"
#include "runtime/survey_words.h"

enum {
  FSM_TALLY_MACHINES_MAX = 1024,
  FSM_TALLY_STATES_MAX = 2048,
  FSM_TALLY_EVENTS_MAX = 4096,
  FSM_TALLY_REFUSALS_MAX = 4096,
  FSM_TALLY_INTERVALS_MAX = 7 * 24 * 60 /* a week of minutes */
};

typedef struct fsm__tally_state {
  uint64_t entered, cut;
  uint64_t frame;       /* the first seq of the last frame that entered it */
  fsm__spread stays;    /* that ended */
  fsm__spread standing; /* ages of those there now */
  bool final;           /* as far as was asked */
} fsm__tally_state;

typedef struct fsm__tally_event {
  uint64_t outcomes[FSM_OUTCOME_COUNT];
} fsm__tally_event;

typedef struct fsm__tally_interval {
  uint64_t records, created, events, refused, incidents, completed, cancelled;
} fsm__tally_interval;

typedef struct fsm__tally {
  fsm_arena *arena;
  const char *machine;                           /* of this one only; NULL = of all */
  fsm__words machines, states, events, refusals; /* of a refusal the group is the event's number */
  fsm__tally_state *state;
  fsm__tally_event *event;
  uint64_t *refusal;
  uint64_t (*kinds)[FSM_RECORD_KIND_COUNT]; /* records by machine and kind */
  fsm__tally_interval *intervals;           /* NULL = none asked for */
  unsigned interval_count;
  int64_t interval_ns, first_ns; /* first_ns: where the first one begins, a multiple of interval_ns */
  uint64_t records;
  bool cut;
} fsm__tally;

FSM_MUST_USE fsm_code fsm__tally_new(fsm_arena *arena, const char *machine, fsm__tally **out, fsm_error *err);
/* Intervals of every_ns that cover begin … end. FSM_ETOOLARGE: too many. */
FSM_MUST_USE fsm_code fsm__tally_every(fsm__tally *tally, int64_t every_ns, int64_t begin_ns, int64_t end_ns,
                                       fsm_error *err);
/* The row of a state; NULL = it has none. */
fsm__tally_state *fsm__tally_state_of(fsm__tally *tally, fsm_record_text machine, fsm_record_text state);
/* The next record. Looks through the journal, by `looker`, for when a leaf was entered that the record does
 * not tell of: of the leaves that are left at once it tells of the first. */
FSM_MUST_USE fsm_code fsm__tally_add(fsm__tally *tally, fsm__journal_cursor *looker, uint64_t first_seq,
                                     const fsm__record_facts *facts, fsm_error *err);

#endif
