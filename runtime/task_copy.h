/* task_copy.h: a task that outlives the call it was given in. */
#ifndef FSM_RUNTIME_TASK_COPY_H
#define FSM_RUNTIME_TASK_COPY_H

#include "runtime/fsm_runtime.h"

/* All of it in arena; NULL without memory. */
fsm_task *fsm__task_copy(fsm_arena *arena, const fsm_task *task);

#endif
