/* paths.h: the simple paths of a machine: from its start to its end, no configuration twice. */
#ifndef FSM_PATHS_H
#define FSM_PATHS_H

#include "fsm/explore.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_PATHS_MAX = 10000,        /* of one machine; a caller may ask for fewer */
  FSM_PATHS_STEPS_MAX = 1000000 /* moves that are tried; past one of these the list is not whole */
};

typedef struct fsm_path {
  const uint32_t *moves; /* numbers in the exploration */
  unsigned count;        /* 0: the start is the end */
} fsm_path;

typedef struct fsm_paths {
  const fsm_path *paths; /* in the order in which moves are listed, deep before wide */
  size_t count;
  bool complete; /* these are all */
} fsm_paths;

/* most: 1 to FSM_PATHS_MAX. Configurations that differ only in what histories remember are the same one. */
FSM_API FSM_MUST_USE fsm_code fsm_paths_find(fsm_arena *arena, const fsm_machine *machine,
                                             const fsm_exploration *seen, size_t most, fsm_paths *out,
                                             fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
