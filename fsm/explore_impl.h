/* explore_impl.h: what the files of the exploration share. Private to fsm/. */
#ifndef FSM_EXPLORE_IMPL_H
#define FSM_EXPLORE_IMPL_H

#include "fsm/explore.h"
#include "fsm/step_impl.h"

typedef struct fsm__explorer {
  fsm_arena *arena;
  const fsm_machine *machine; /* stripped */
  const uint8_t *guesses;
  fsm_exploration *out;
  fsm_explore_event *events;
  fsm_explore_node *nodes;
  fsm_explore_move *moves;
  fsm_explore_conflict *conflicts;
  bool *active, *taken;
  bool *late;      /* per event: a done event that may come when its state has been left */
  bool *own;       /* per event: a done event that only its state and those around it take */
  uint32_t *table; /* node + 1 by hash; 0 = free */
  size_t node_cap, move_cap, event_cap;
  fsm_arena scratch; /* of one microstep */
  fsm_error *err;
  fsm_code fault;
} fsm__explorer;

/* explore_skeleton.c: the tree without all that needs data. */
fsm_code fsm__skeleton(fsm_arena *arena, const fsm_def *def, fsm_def *out, fsm_error *err);
/* explore_event.c: what may come. */
void fsm__explore_events(fsm__explorer *x, const fsm_def *def, const fsm_machine *full);
/* May it come now? */
bool fsm__explore_comes(const fsm__explorer *x, const fsm_explore_node *node, int event);
bool fsm__explore_is_done(const fsm_machine *m, const uint64_t *config, unsigned state);

/* explore_choose.c: every set of transitions that the event (-1 = none) may enable in the node. `take` is
 * called with each but the empty one; *nothing: the empty one is among them. false = there are too many. */
typedef void fsm__explore_take(fsm__explorer *x, void *arg, const uint16_t *picked, unsigned count,
                               bool certain);
bool fsm__explore_choose(fsm__explorer *x, const fsm_explore_node *node, int event, fsm__explore_take *take,
                         void *arg, bool *nothing);

void fsm__explore_no_memory(fsm__explorer *x);

#endif
