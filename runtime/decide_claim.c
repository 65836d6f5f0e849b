/* decide_claim.c: TASK_STARTED with claim: who asks for a task has it, or is told that it is not to be had.
 *
 * Commands are decided one by one, so of those who ask for the same attempt exactly one has it. */
#include "runtime/decide.h"
#include "runtime/task_view.h"

bool fsm__decision_claims(const fsm__case *at, const fsm__instance *in, const fsm__task *task) {
  return !at->offered && fsm__task_state_of(at->services, in, task, at->time_ns) == FSM_TASK_OPEN;
}

static int64_t sooner(int64_t from_ns, int64_t by_ns, int64_t than_ns) {
  int64_t sum;
  return __builtin_add_overflow(from_ns, by_ns, &sum) || sum > than_ns ? than_ns : sum;
}

/* As apply is going to have it. */
fsm_code fsm__decision_claimed(const fsm__case *at, fsm__decision *out, const fsm__task *task,
                               fsm_error *err) {
  fsm__task runs = *task;
  runs.started = true;
  runs.attempt = task->attempt + 1;
  runs.begun_ns = at->time_ns;
  runs.next_ns = sooner(at->time_ns, task->timeout_ns, INT64_MAX);
  if (task->heartbeat_ns > 0) runs.next_ns = sooner(at->time_ns, task->heartbeat_ns, runs.next_ns);
  return fsm__task_view(at->arena, &at->origin, out->instance, &runs, FSM_TASK_RUNNING, NULL, &out->task, err);
}
