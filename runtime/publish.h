/* publish.h: records to NATS JetStream, tasks to NATS workers (DESIGN 12). A program starts this beside
 * its runtime; without it the runtime works and nothing is published.
 *
 * Nothing here is in the path of a command: the connection, the publishing of records and the offering of
 * tasks have threads of their own, a server that is absent or lost is tried for ever, and the backlog
 * is the journal. Every record arrives at least once; by its Nats-Msg-Id, or its Fsm-Seq, exactly once.
 * What workers see and say: runtime/workers.h. What a message looks like: runtime/message.h. */
#ifndef FSM_PUBLISH_H
#define FSM_PUBLISH_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_publisher fsm_publisher;

typedef struct fsm_publisher_options {
  const char *url;    /* "nats://127.0.0.1:4222" of workers and of the sink `nats`; absent servers are retried
                         for    ever; NULL = neither, unless `sinks` has them */
  const char *stream; /* NULL = "FSM_EVT_<partition>"; made when missing, subjects <prefix>.evt.> */
  const char *prefix; /* of all subjects; NULL = "fsm"; [A-Za-z0-9_-] with dots between, at most 64 */
  const char *sinks;  /* further sinks: a JSON document (runtime/sink_config.h); one named `nats` takes the
                         place of  that of url; NULL = none */
  size_t sinks_len;
  const char *archive; /* directory that holds the segments which retention let go; NULL = there is none, and
                          a sink behind its budget holds the journal */
} fsm_publisher_options;

/* Two-phase, because the runtime's callbacks point here: new → fsm_runtime_open with
 * task_ready = fsm_publisher_task, durable = fsm_publisher_durable, arg = the publisher → start. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_new(const fsm_publisher_options *options, fsm_publisher **out,
                                                fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_publisher_start(fsm_publisher *publisher, fsm_runtime *runtime,
                                                  fsm_error *err);
/* Before fsm_runtime_close. Waits for acks at most one second, saves the cursor. */
FSM_API void fsm_publisher_stop(fsm_publisher *publisher);
/* After fsm_runtime_close, whose callbacks and answers point here. Stops first; NULL is fine. */
FSM_API void fsm_publisher_free(fsm_publisher *publisher);

/* Callbacks for fsm_runtime_options; never block. */
FSM_API void fsm_publisher_task(void *publisher, const fsm_task *task);
FSM_API void fsm_publisher_durable(void *publisher, uint64_t seq);

/* Any thread. A fault that trying again does not mend (the stream belongs to another store, or has
 * what the journal has not) is in last_error for as long as it lasts, with halted set. Of the sink `nats`. */
typedef struct fsm_publisher_status {
  bool connected, halted;
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
