/* service.h: services of this program: attempts of tasks on threads of their own, never on the writer's.
 *
 *   writer: task due ─► line of its service (offers.h) ─► room? ─► here
 *   here:   TASK_STARTED, durable ─► the callback ─► TASK_COMPLETE | TASK_FAIL | TASK_HEARTBEAT (later)
 *
 * What is here has not begun or runs; how much waits here is bounded by the services' concurrency, the rest
 * waits in the lines. The row of the task is the truth: an attempt whose beginning is not recorded never
 * reaches a callback, so an attempt that did is counted even when the process dies in it.
 *
 * An answer that the instance cannot take now (it is paused, an incident, the disk is full) is kept and
 * given again until it is taken or its attempt is over. */
#ifndef FSM_RUNTIME_SERVICE_H
#define FSM_RUNTIME_SERVICE_H

#include "runtime/fsm_runtime.h"

enum {
  FSM_SERVICE_THREADS_MAX = 256,
  FSM_SERVICE_THREADS = 4, /* when the options name no other */
  FSM_SERVICE_ANSWERS_MAX =
      4096,                  /* answers kept to be given again; over it the attempt is left to its timeout */
  FSM_SERVICE_AGAIN_MS = 500 /* between two tries of one */
};

typedef struct fsm__services fsm__services;

/* FSM_EARGUMENT with the place: a service without name or function, twice the same name, too many. */
FSM_MUST_USE fsm_code fsm__services_new(const fsm_runtime_options *options, fsm__services **out,
                                        fsm_error *err);
/* Before the writer starts. */
FSM_MUST_USE fsm_code fsm__services_start(fsm__services *services, fsm_runtime *runtime, fsm_error *err);
/* No further attempt begins; returns when the callbacks that run have answered, or when wait_ns is over: then
 * their threads are on their own and what they answer is dropped. The runtime must take commands until then.
 */
void fsm__services_stop(fsm__services *services, int64_t wait_ns);
/* options.manual: gives answers and runs what may begin, on this thread; how many attempts it ran. *next_ns:
 * monotonic time of the next answer to give, INT64_MAX = none waits. */
size_t fsm__services_turn(fsm__services *services, int64_t *next_ns);
/* After stop, when the writer is gone. Memory that a callback still uses goes when it returns. */
void fsm__services_free(fsm__services *services);

size_t fsm__services_count(const fsm__services *services);
/* Number of the service with this name, below count; -1 when it is none of ours. Any thread. */
int fsm__services_find(const fsm__services *services, const char *name);
/* The writer's: may another task of this service come? When not, the writer is woken as soon as one may. */
bool fsm__services_room(fsm__services *services, unsigned service);
/* Takes a copy. false: no memory, offer it again later. */
bool fsm__services_take(fsm__services *services, unsigned service, const fsm_task *task);

#endif
