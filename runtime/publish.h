/* publish.h: records to NATS JetStream, tasks to NATS workers (DESIGN 12). A program starts this beside
 * its runtime; without it the runtime works and nothing is published. */
#ifndef FSM_PUBLISH_H
#define FSM_PUBLISH_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_publisher fsm_publisher;

typedef struct fsm_publisher_options {
  const char *url;    /* "nats://127.0.0.1:4222"; absent servers are retried for ever */
  const char *stream; /* NULL = "FSM_EVT_<partition>"; made when missing, subjects fsm.evt.> */
  const char *prefix; /* of all subjects; NULL = "fsm" */
} fsm_publisher_options;

/* Two-phase, because the runtime's callbacks point here: new → fsm_runtime_open with
 * task_ready = fsm_publisher_task, durable = fsm_publisher_durable, arg = the publisher → start. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_new(const fsm_publisher_options *options, fsm_publisher **out,
                                                fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_publisher_start(fsm_publisher *publisher, fsm_runtime *runtime, fsm_error *err);
/* Before fsm_runtime_close. Waits for acks at most one second, saves the cursor. */
FSM_API void fsm_publisher_stop(fsm_publisher *publisher);
FSM_API void fsm_publisher_free(fsm_publisher *publisher);

/* Callbacks for fsm_runtime_options; never block. */
FSM_API void fsm_publisher_task(void *publisher, const fsm_task *task);
FSM_API void fsm_publisher_durable(void *publisher, uint64_t seq);

typedef struct fsm_publisher_status {
  bool connected;
  uint64_t published_seq; /* acknowledged without a gap */
  uint64_t durable_seq;
  uint64_t published, retries; /* since start */
  char last_error[256];        /* "" = none */
} fsm_publisher_status;
FSM_API void fsm_publisher_status_get(fsm_publisher *publisher, fsm_publisher_status *out);

#ifdef __cplusplus
}
#endif
#endif
