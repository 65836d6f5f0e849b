/* task_view.h: a task as a document: for whoever looks at it, and for whoever claims it. */
#ifndef FSM_RUNTIME_TASK_VIEW_H
#define FSM_RUNTIME_TASK_VIEW_H

#include "runtime/query.h"

/* open: an attempt may begin now · running: one has begun · waiting: for its back-off, for its instance,
 * which does not run, or for a service of this program. */
typedef enum fsm__task_state {
  FSM_TASK_OPEN,
  FSM_TASK_RUNNING,
  FSM_TASK_WAITING,
  FSM_TASK_STATES
} fsm__task_state;

const char *fsm__task_state_name(fsm__task_state state);
/* services: those of this program; NULL = none are known. */
fsm__task_state fsm__task_state_of(const struct fsm__services *services, const fsm__instance *in,
                                   const fsm__task *task, int64_t now_ns);
/* {token, service, machine, version, instance, key?, invoke, state, attempt, attempts, timeout_ns,
 * heartbeat_ns?, due | begun deadline heartbeat_by?, input, error?, correlation, traceparent?}. attempt: the
 * one that runs, or that would begin; traceparent: below the record of this origin that opened the task. mask
 * NULL: whole, as for whoever carries it out. */
FSM_MUST_USE fsm_code fsm__task_view(fsm_arena *arena, const fsm_origin *origin, const fsm__instance *in,
                                     const fsm__task *task, fsm__task_state state, const fsm_mask *mask,
                                     fsm_value *out, fsm_error *err);

#endif
