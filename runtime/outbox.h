/* outbox.h: the journal to one sink, by a thread of its own (DESIGN 4 and 12).
 *
 * Reads records from the cursor on, hands them to the sink, moves the cursor over records that are
 * acknowledged without a gap, and saves it lazily: after a crash it sends again what it had sent,
 * never less. Nothing here is in the path of a command: a sink that is away costs only its own backlog, which
 * is the journal itself.
 */
#ifndef FSM_RUNTIME_OUTBOX_H
#define FSM_RUNTIME_OUTBOX_H

#include "runtime/journal.h"
#include "runtime/sink.h"

enum {
  FSM_OUTBOX_WINDOW = 256,                   /* records in flight */
  FSM_OUTBOX_WINDOW_BYTES = 8 * 1024 * 1024, /* of stored bytes in flight, one record more */
  FSM_OUTBOX_SAVE_RECORDS = 1000,            /* the cursor is saved after so many … */
  FSM_OUTBOX_SAVE_MS = 1000,                 /* … or so long */
  FSM_OUTBOX_ACK_MS = 5000,                  /* silence of the oldest record in flight */
  FSM_OUTBOX_BACKOFF_MS = 2000,              /* at most, between two tries */
  FSM_OUTBOX_HALT_MS = 5000,                 /* between two looks at a fault that needs people */
  FSM_OUTBOX_RECONCILE_MS = 60000,           /* between two comparisons when idle */
  FSM_OUTBOX_STOP_MS = 1000                  /* for the last acknowledgements */
};

typedef struct fsm__outbox fsm__outbox;

typedef struct fsm__outbox_options {
  const char *dir; /* of the cursors file */
  fsm__journal *journal;
  fsm_origin origin;
  fsm__sink *sink;
} fsm__outbox_options;

/* Loads the cursor and starts the thread; does not wait for the sink. One outbox per directory. */
FSM_MUST_USE fsm_code fsm__outbox_start(const fsm__outbox_options *options, fsm__outbox **out,
                                        fsm_error *err);
/* Waits for acknowledgements FSM_OUTBOX_STOP_MS at most, saves the cursor durably, ends the thread. */
void fsm__outbox_stop(fsm__outbox *outbox);
/* Stops first. Only when the sink can no longer call ack. NULL is fine. */
void fsm__outbox_free(fsm__outbox *outbox);

/* There may be more records, or the sink's life has changed. Any thread, never blocks for long. */
void fsm__outbox_wake(fsm__outbox *outbox);

typedef struct fsm__outbox_status {
  uint64_t seq;       /* acknowledged without a gap */
  uint64_t published; /* since start */
  uint64_t retries;   /* times that it had to prepare again */
  bool halted;        /* a fault that trying again does not mend */
  char last_error[256];
} fsm__outbox_status;
void fsm__outbox_status_get(fsm__outbox *outbox, fsm__outbox_status *out);

#endif
