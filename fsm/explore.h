/* explore.h: where a machine can get to, without its data: every configuration, and every move between two.
 *
 * The machine is stripped of guards, actions, timers and invokes, and the engine itself makes the microsteps
 * of what is left. What data decides is left open: a guard may hold or not, each time it is asked; whatever
 * the machine names may be sent at any time, what it raises too; a timer of an active state may fire, an open
 * task may be answered or fail. So what a real instance can do is always among what is found here, and what
 * is not found here no instance ever does (but by the hand of an operator). The reverse does not hold: that
 * two guards contradict each other is not seen.
 *
 * Certain knowledge is used: a guard that can never hold (FSM_GUESS_NEVER), one that always does; an
 * eventless transition without a guard is taken before anything else comes; a done event comes only from a
 * state that is done, and when it leaves that state nothing from outside comes first.
 *
 * In SCXML anybody may send "done.state.x" by that name; here only the machine does.
 */
#ifndef FSM_EXPLORE_H
#define FSM_EXPLORE_H

#include "fsm/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_EXPLORE_CONFIGS_MAX = 5000, /* configurations, with what histories remember; past one of these … */
  FSM_EXPLORE_MOVES_MAX = 50000,
  FSM_EXPLORE_CHOICES_MAX = 256, /* sets of transitions of one event in one configuration */
  FSM_EXPLORE_LEAVES_MAX = 64, /* … the exploration is not complete, and nothing is said to be impossible */
  FSM_EXPLORE_CONFLICTS_MAX = 64
};
#define FSM_EXPLORE_BYTES_MAX ((size_t)256 * 1024 * 1024) /* of the arena, FSM_ETOOLARGE */

typedef enum fsm_guess { FSM_GUESS_MAYBE, FSM_GUESS_ALWAYS, FSM_GUESS_NEVER } fsm_guess;

typedef enum fsm_explore_origin {
  FSM_ORIGIN_OUTSIDE, /* people, systems, other machines */
  FSM_ORIGIN_INSIDE,  /* raised, or an error of the engine */
  FSM_ORIGIN_TIMER,   /* of a state that is active */
  FSM_ORIGIN_TASK,    /* the answer of an invoke of a state that is active */
  FSM_ORIGIN_DONE,    /* of a state that is done */
  FSM_ORIGIN_ALWAYS   /* of a move: no event */
} fsm_explore_origin;

typedef struct fsm_explore_event {
  const char *name;  /* one that the machine takes; of "a.*" and "*" an example */
  const char *shown; /* as the definition names it */
  fsm_explore_origin origin;
  uint16_t state; /* TIMER, TASK, DONE: whose */
} fsm_explore_event;

typedef struct fsm_explore_node {
  const uint64_t *config;
  fsm_value history; /* as in a snapshot */
  bool done;         /* the machine has ended */
  bool waits;        /* it may stand here: no eventless transition is sure to be taken */
  uint32_t first_move, move_count;
} fsm_explore_node;

typedef struct fsm_explore_move {
  uint32_t from, to; /* nodes */
  int event;         /* -1 = eventless */
  bool certain;      /* no guard decides it */
  uint16_t count;
  const uint16_t *transitions;
} fsm_explore_move;

/* Regions that react to the same event, where only the first in document order can. */
typedef struct fsm_explore_conflict {
  uint16_t taken, dropped; /* transitions */
  int event;
} fsm_explore_conflict;

typedef struct fsm_exploration {
  bool complete;
  size_t node_count, move_count, event_count, conflict_count;
  const fsm_explore_node *nodes; /* the first is the initial configuration */
  const fsm_explore_move *moves; /* in the order of their nodes */
  const fsm_explore_event *events;
  const fsm_explore_conflict *conflicts;
  const bool *active; /* per state: active in some node */
  const bool *taken;  /* per transition */
} fsm_exploration;

/* guesses: per transition of the machine; NULL = MAYBE for what has a guard or an allow, else ALWAYS. machine
 * is what def was compiled into: its numbers are those of the exploration. */
FSM_API FSM_MUST_USE fsm_code fsm_explore(fsm_arena *arena, const fsm_def *def, const fsm_machine *machine,
                                          const uint8_t *guesses, fsm_exploration *out, fsm_error *err);

/* Does the transition name an event of this name? */
FSM_API bool fsm_transition_names(const fsm_machine *machine, unsigned transition, const char *name);
/* The states and transitions of a tree in the order of their numbers, in arena; NULL without memory. */
FSM_API const fsm_def_state *const *fsm_def_states(fsm_arena *arena, const fsm_def *def, size_t *count);
FSM_API const fsm_def_transition *const *fsm_def_transitions(fsm_arena *arena, const fsm_def *def,
                                                             size_t *count);

#ifdef __cplusplus
}
#endif
#endif
