/* sink.h: where records are published. A sink is a table of functions and its own state behind it; the outbox
 * (runtime/outbox.h) drives it from one thread.
 *
 * The outbox asks a sink to prepare, then gives it records in order, each with a ticket, and keeps at
 * most a window of them open. The sink answers each ticket at most once through `ack`, from any
 * thread. A record counts as published when it and all before it are acknowledged. After anything
 * else (a refusal, silence, a new life of the connection) the outbox forgets the open tickets and asks the
 * sink to prepare again: there the sink compares what the other side has with the cursor.
 */
#ifndef FSM_RUNTIME_SINK_H
#define FSM_RUNTIME_SINK_H

#include "runtime/cursors.h"
#include "schema/record.h"

typedef struct fsm__sink_record {
  uint64_t ticket, seq;
  uint32_t epoch;   /* of the record: its id has it */
  const void *data; /* the stored bytes */
  size_t len;
  fsm__hash leaf;
} fsm__sink_record;

/* Our side, as a sink may ask about it while it prepares. */
typedef struct fsm__sink_view {
  fsm_origin origin;               /* the newest epoch */
  uint64_t first_seq, durable_seq; /* kept in the journal; durable 0 = none */
  uint32_t (*epoch_of)(void *arg, uint64_t seq);
  /* Where a later epoch forked off: what the other side has of this epoch behind it is of a dead branch. */
  uint64_t (*epoch_end)(void *arg, uint32_t epoch);
  fsm_code (*leaf_of)(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err); /* first ≤ seq ≤ durable */
  void *arg;
} fsm__sink_view;

typedef struct fsm__sink fsm__sink;

/* code FSM_OK: the other side has it, at its own `position` (0 = it has none). text: of a refusal, or NULL.
 */
typedef void (*fsm__sink_ack_fn)(void *arg, uint64_t ticket, fsm_code code, uint64_t position,
                                 const char *text);

struct fsm__sink {
  const char *name; /* of its cursor */

  /* Readies the other side and corrects the cursor: back to what the other side is seen to have,
   * forward only over records that are proved to be there. FSM_EUNREACHABLE: try again soon. Any
   * other fault: publishing stands still, the fault is shown, and it is tried again much later. */
  fsm_code (*prepare)(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err);
  /* Starts to send; may call ack before it returns. A fault is like a refusal. */
  fsm_code (*publish)(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err);
  /* Another number: answers to what is open may never come. */
  uint64_t (*life)(fsm__sink *sink);

  fsm__sink_ack_fn ack; /* set by the outbox */
  void *ack_arg;
};

#endif
