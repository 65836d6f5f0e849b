/* sink.h: where records are published. A sink is a table of functions and its own state behind it; its outbox
 * (runtime/outbox.h) drives it from one thread. One file and one row of FSM_SINK_KINDS per kind.
 *
 * The outbox asks a sink to prepare, then gives it records in order, each with a ticket, and keeps at
 * most a window of them open. A sink may send each at once, or gather them until flush, which the outbox
 * calls when a batch is full, has lingered, or nothing follows. The sink answers each ticket at most once
 * through `ack`, from any thread. A record counts as published when it and all before it are acknowledged.
 * After a refusal, silence or a new life of the connection the outbox forgets the open tickets and asks the
 * sink to prepare again: there the sink compares what the other side has with the cursor.
 *
 * Poison. A record that the other side rejects for what it is (not for how the other side is doing) is
 * answered with FSM_EDATA or FSM_ETOOLARGE and a text: the outbox parks it with that text, and goes on behind
 * it.
 */
#ifndef FSM_RUNTIME_SINK_H
#define FSM_RUNTIME_SINK_H

#include "runtime/cursors.h"
#include "runtime/format.h"

typedef struct fsm__sink_record {
  uint64_t ticket;
  fsm__exported out; /* valid until publish returns */
} fsm__sink_record;

/* Our side, as a sink may ask about it while it prepares and publishes, on the outbox's thread. */
typedef struct fsm__sink_view {
  fsm_origin origin;               /* the newest epoch */
  uint64_t first_seq, durable_seq; /* kept in the journal; durable 0 = none */
  bool all;                        /* every record comes: no filter, no routes */
  uint32_t (*epoch_of)(void *arg, uint64_t seq);
  /* Where a later epoch forked off: what the other side has of this epoch behind it is of a dead branch. */
  uint64_t (*epoch_end)(void *arg, uint32_t epoch);
  fsm_code (*leaf_of)(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err); /* first ≤ seq ≤ durable */
  /* The stored bytes of a record, in arena; FSM_ENOTFOUND: neither here nor in the archive. */
  fsm_code (*read)(void *arg, uint64_t seq, fsm_arena *arena, fsm__exported *out, fsm_error *err);
  void *arg;
} fsm__sink_view;

typedef struct fsm__sink fsm__sink;

/* code FSM_OK: the other side has it, at its own `position` (0 = it has none). text: of a refusal, or NULL.
 */
typedef void (*fsm__sink_ack_fn)(void *arg, uint64_t ticket, fsm_code code, uint64_t position,
                                 const char *text);

/* What a look at the other side found, beside where the cursor belongs. */
typedef struct fsm__sink_lost {
  uint64_t from, to; /* records that it had and has no more, to be given again as repairs; from 0 = none */
} fsm__sink_lost;

struct fsm__sink {
  const char *name; /* of its cursor */

  /* Readies the other side and corrects the cursor: back to what the other side is seen to have,
   * forward only over records that are proved to be there. FSM_EUNREACHABLE: try again soon. Any
   * other fault: publishing stands still, the fault is shown, and it is tried again much later. */
  fsm_code (*prepare)(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err);
  /* Takes the record, or starts to send it; may call ack before it returns. A fault is like a refusal. */
  fsm_code (*publish)(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err);
  /* What was taken goes now; may wait for the other side, but never for ever. NULL: nothing is gathered. */
  fsm_code (*flush)(fsm__sink *sink, fsm_error *err);
  /* With nothing in flight, every FSM_OUTBOX_RECONCILE_MS: does the other side still have what it
   * acknowledged? Moves cursor->settled_* forward; *lost: a range to give again. A fault as of prepare. NULL:
   * an acknowledgement is final. */
  fsm_code (*reconcile)(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                        fsm__sink_lost *lost, fsm_error *err);
  /* Another number: answers to what is open may never come. NULL: never another. */
  uint64_t (*life)(fsm__sink *sink);
  /* An operator cleared a stop that needed people (a fork, a stream ahead): begin anew as the text of the
   * fault said. NULL: there is nothing of the kind. */
  void (*clear)(fsm__sink *sink);
  /* The outbox stops and has waited long enough. Any thread: what waits for the other side gives up, now and
   * from now on, with FSM_ECLOSED. NULL: nothing waits for long. */
  void (*interrupt)(fsm__sink *sink);
  void (*free)(fsm__sink *sink);
  bool final; /* an acknowledgement is final although there is a reconcile (which keeps house then) */

  fsm__sink_ack_fn ack; /* set by the outbox */
  void *ack_arg;
};

#endif
