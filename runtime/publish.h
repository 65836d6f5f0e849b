/* publish.h: records to NATS JetStream and wherever else they are wanted, tasks to NATS workers (DESIGN 12).
 * A program starts this beside its runtime; without it the runtime works and nothing is published.
 *
 * Each sink has a thread, a cursor and a backlog of its own, which is the journal itself: a sink that is
 * away, slow or wrong costs itself and nobody else, and is tried for ever. One that cannot even be made (a
 * certificate that cannot be read) is shown as halted with the reason, and made as soon as it can be. Every
 * record arrives at least once; by its id, or its seq, exactly once. Sinks change while running.
 * What a file of sinks says: `fsmd --print-sinks`; what befalls sinks is on record (kind `admin`,
 * detail.command "sink"). What workers see and say: runtime/workers.h. What a message looks like:
 * runtime/message.h.
 *
 * Threads. Everything but new, start, stop and free may be called from any thread; nothing of it waits for a
 * sink but fsm_publisher_reload (for those that stop, a second or so) and fsm_publisher_order. */
#ifndef FSM_PUBLISH_H
#define FSM_PUBLISH_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_publisher fsm_publisher;

typedef struct fsm_publisher_options {
  const char *url;    /* "nats://127.0.0.1:4222" of workers and of the sink `nats`; absent servers are retried
                         for ever. NULL = no workers, and no sinks but those of `sinks` */
  const char *stream; /* NULL = "FSM_EVT_<partition>"; made when missing, subjects <prefix>.evt.> */
  const char *prefix; /* of all subjects; NULL = "fsm"; [A-Za-z0-9_-] with dots between, at most 64 */
  const char *sinks;  /* further sinks: a JSON document (runtime/sink_config.h); one named `nats` takes the
                         place of that of url; NULL = none */
  size_t sinks_len;
  const char *creds_file; /* for url: what nsc writes, read at each connection; NULL = none */
  const char *ca_file;    /* for url: who signs its servers, and so TLS; NULL = whom the system trusts */
  const char *archive; /* directory that holds the segments which retention let go; NULL = there is none, and
                          a sink with a budget and policy spill is refused */
} fsm_publisher_options;

/* Two-phase, because the runtime's callbacks point here: new → fsm_runtime_open with
 * task_ready = fsm_publisher_task (with a url; else tasks wait), durable = fsm_publisher_durable, arg = the
 * publisher → start. FSM_EARGUMENT: where is the option, or a JSON pointer into the sinks. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_new(const fsm_publisher_options *options, fsm_publisher **out,
                                                fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_publisher_start(fsm_publisher *publisher, fsm_runtime *runtime,
                                                  fsm_error *err);
/* Before fsm_runtime_close. Waits for acks at most one second, saves the cursors. */
FSM_API void fsm_publisher_stop(fsm_publisher *publisher);
/* After fsm_runtime_close, whose callbacks and answers point here. Stops first; NULL is fine. */
FSM_API void fsm_publisher_free(fsm_publisher *publisher);

/* Callbacks for fsm_runtime_options; never block. */
FSM_API void fsm_publisher_task(void *publisher, const fsm_task *task);
FSM_API void fsm_publisher_durable(void *publisher, uint64_t seq);

/* A fault that trying again does not mend (the stream belongs to another store, or has what the journal has
 * not) is in last_error for as long as it lasts, with halted set. Of the sink `nats`, or else of the first.
 */
typedef struct fsm_publisher_status {
  bool connected, halted;
  uint64_t published_seq; /* acknowledged without a gap */
  uint64_t durable_seq;
  uint64_t published, retries; /* since start */
  char last_error[256];        /* "" = none */
} fsm_publisher_status;
FSM_API void fsm_publisher_status_get(fsm_publisher *publisher, fsm_publisher_status *out);

/* ---- the sinks, one by one ----------------------------------------------------------------------- */

enum { FSM_PUBLISH_SINKS_MAX = 32 }; /* configured ones and those that were */

typedef struct fsm_sink_status {
  char name[32], kind[8], format[16]; /* kind, format: "" when it is not configured */
  bool configured; /* false: a sink that was; only its cursor is left, and holds the journal until it is
                      forgotten (FSM_SINK_FORGET) */
  bool routed;     /* gets what routes give it; else all */
  bool connected;  /* it takes records */
  bool halted;     /* a fault that trying again does not mend: somebody is needed */
  bool spilled;    /* over its budget: fed from the archive, or waiting for it */
  uint64_t seq;    /* acknowledged without a gap */
  uint64_t sent_seq, settled_seq, durable_seq;
  uint64_t lag;                         /* records behind durable_seq */
  int64_t lag_ns;                       /* age of the oldest record that is not acknowledged; 0 = none */
  uint64_t published;                   /* since start: acknowledged */
  uint64_t skipped;                     /* since start: not for it */
  uint64_t repaired;                    /* since start: given again */
  uint64_t retries;                     /* since start */
  uint64_t parked;                      /* now: because they are rejected for what they are */
  uint64_t where_faults;                /* its where, and those of routes, that failed on a record */
  double rate;                          /* records a second, over the last 10 s */
  unsigned budget_percent;              /* 0 also when it has none */
  int64_t failing_since_ns, last_ok_ns; /* wall clock; 0 = not, never */
  char last_error[256];                 /* "" = none */
} fsm_sink_status;
/* *out is malloced: *count sinks, the configured ones first, in the order of their file. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_sinks(fsm_publisher *publisher, fsm_sink_status **out,
                                                  size_t *count, fsm_error *err);
/* Another set of sinks: those that are the same go on untouched, others are stopped, made, or made anew from
 * their cursors. Wrong: nothing changes, and err->where is a JSON pointer. sinks NULL: none but that of the
 * url. FSM_ECLOSED: not started, or stopped. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_reload(fsm_publisher *publisher, const char *sinks, size_t len,
                                                   fsm_error *err);

typedef enum fsm_sink_what {
  FSM_SINK_RETRY,  /* the parked record `from`, or all of them (0), again */
  FSM_SINK_RESEND, /* the records from … to again */
  FSM_SINK_PARK,   /* the record `from`, which it is stuck at, is parked */
  FSM_SINK_DROP,   /* the parked record `from` is given up; with `to`: from … to, which it is at */
  FSM_SINK_CLEAR,  /* a stop that needed somebody is looked at again */
  FSM_SINK_FORGET  /* a sink that is not configured any more: its cursor and parked records */
} fsm_sink_what;

/* What an operator does to a sink: on record with who and why. */
typedef struct fsm_sink_order {
  const char *sink;
  fsm_sink_what what;
  uint64_t from, to;
  const fsm_value *actor; /* as in a command; needed */
  const char *reason;     /* needed; at most FSM_REASON_MAX bytes */
} fsm_sink_order;
/* What is given up (drop, forget) is durably on record first: like fsm_call, never from a callback. What
 * cannot be put on record is not done. *count (may be NULL): of how many records. FSM_ENOTFOUND: no such sink
 * or record; FSM_EARGUMENT; FSM_ETIMEOUT: it is busy, nothing is done; FSM_EUNREACHABLE: it could not be made
 * yet; FSM_ECLOSED. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_order(fsm_publisher *publisher, const fsm_sink_order *order,
                                                  uint64_t *count, fsm_error *err);
/* {sink, items: [{seq, epoch, time, tries, code, text}]}: what it parked, oldest first. FSM_ENOTFOUND. */
FSM_API FSM_MUST_USE fsm_code fsm_publisher_parked(fsm_publisher *publisher, const char *sink,
                                                   fsm_arena *arena, fsm_value *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
