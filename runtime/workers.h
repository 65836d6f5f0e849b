/* workers.h: open tasks to workers over NATS, and their answers back as commands (DESIGN 12).
 *
 *   <prefix>.task.<service>   request to a queue group. Headers Fsm-Task-Token, Fsm-Attempt, Fsm-Attempts,
 *       Fsm-Deadline, Fsm-Instance, Fsm-Machine, Fsm-Correlation-Id, traceparent; payload JSON {token,
 *       service, instance, machine, invoke, attempt, attempts, input}. The worker answers `accepted` at once;
 *       anything else, silence or nobody there: the task is offered again later, no attempt is used.
 *   <prefix>.cmd.task.complete   request {token, attempt?, output?}
 *   <prefix>.cmd.task.fail       request {token, attempt?, error?, final?}
 *   <prefix>.cmd.task.heartbeat  request {token, attempt?}
 *       The reply comes when the command is durable: the answer as a document, or
 *       {"error": {code, where, text}}; unknown_task: the task or the attempt is over, nothing has changed.
 *       Without attempt it is the one under way.
 *
 * The task row of the store is the truth; a message only offers it. A worker may therefore see a task twice,
 * with the same token, and may answer before its `accepted` was recorded.
 */
#ifndef FSM_RUNTIME_WORKERS_H
#define FSM_RUNTIME_WORKERS_H

#include "runtime/bus.h"
#include "runtime/fsm_runtime.h"

enum {
  FSM_WORKERS_WINDOW = 4096,        /* offers that wait for `accepted` */
  FSM_WORKERS_SERVICE_WINDOW = 512, /* of these, of one service: who is slow to accept stops nobody else */
  FSM_WORKERS_QUEUE_MAX = 16384,    /* tasks kept whole; those above are called undelivered */
  FSM_WORKERS_SERVICE_MAX = 4096,   /* of these, of one service */
  FSM_WORKERS_ACCEPT_MS = 2000,
  FSM_WORKERS_REQUEST_MAX = 256 * 1024 /* bytes of a worker's request */
};

typedef struct fsm__workers fsm__workers;

/* Declares its subjects on the bus: before that starts. */
FSM_MUST_USE fsm_code fsm__workers_new(fsm__bus *bus, const char *prefix, fsm__workers **out, fsm_error *err);
/* Before the bus starts. */
FSM_MUST_USE fsm_code fsm__workers_start(fsm__workers *workers, fsm_runtime *runtime, fsm_error *err);
/* Takes a copy; any thread, never blocks; also before start and after stop (then it does nothing). */
void fsm__workers_offer(fsm__workers *workers, const fsm_task *task);
/* The connection has changed. */
void fsm__workers_wake(fsm__workers *workers);
void fsm__workers_stop(fsm__workers *workers);
/* When bus and runtime are closed: answers may be on their way until then. NULL is fine. */
void fsm__workers_free(fsm__workers *workers);

#endif
