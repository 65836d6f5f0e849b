/* outbox.h: the journal to one sink, by a thread of its own (DESIGN 4 and 12).
 *
 * Reads records from the cursor on, leaves out what the sink's level, `where` and routes leave out, hands the
 * others to the sink, moves the cursor over records that are acknowledged without a gap, and saves it lazily:
 * after a crash it sends again what it had sent, never less. Nothing here is in the path of a command: a sink
 * that is away costs only its own backlog, which is the journal itself.
 *
 * A record that the other side rejects for what it is, is parked (parked.h) and the rest goes on. What the
 * other side is seen to have lost, and what an operator wants to be given again, are repairs: they come
 * between the ordinary ones and do not move the cursor. What a stop leaves of a range must be ordered again.
 */
#ifndef FSM_RUNTIME_OUTBOX_H
#define FSM_RUNTIME_OUTBOX_H

#include "runtime/hold.h"
#include "runtime/journal.h"
#include "runtime/parked.h"
#include "runtime/routing.h"
#include "runtime/sink_config.h"

enum {
  FSM_OUTBOX_WINDOW = 256,                   /* records in flight, when the configuration does not say */
  FSM_OUTBOX_WINDOW_BYTES = 8 * 1024 * 1024, /* of stored bytes in flight, one record more */
  FSM_OUTBOX_SAVE_RECORDS = 1000, /* the cursor is saved after so many (and FSM_OUTBOX_SAVE_MIN_MS) */
  FSM_OUTBOX_SAVE_MIN_MS = 50,
  FSM_OUTBOX_SAVE_MS = 1000,        /* … or so long */
  FSM_OUTBOX_ACK_MS = 5000,         /* silence of the oldest record in flight, when it is not configured */
  FSM_OUTBOX_BACKOFF_MS = 2000,     /* at most, between two tries, when it is not configured */
  FSM_OUTBOX_HALT_MS = 5000,        /* between two looks at a fault that needs people */
  FSM_OUTBOX_RECONCILE_MS = 60000,  /* between two comparisons */
  FSM_OUTBOX_STOP_MS = 1000,        /* for the last acknowledgements */
  FSM_OUTBOX_FAILING_MS = 10000,    /* of failing, before it is on record */
  FSM_OUTBOX_NOTE_EVERY_MS = 60000, /* one pair of failed and recovered at most in so long */
  FSM_OUTBOX_ORDER_MS = 5000,       /* an order waits for the thread at most so long */
  FSM_OUTBOX_RANGES_MAX = 16        /* ranges that wait to be given again */
};

typedef struct fsm__outbox fsm__outbox;

/* Something that belongs on record: failed, recovered, parked, dropped, resent, cleared, budget, spilled,
 * unspilled, held, released, restarted (its cursor was damaged: again from record `from` on, the first that
 * the archive or the journal has).
 * more: a map. actor, reason: of an operator, or NULL. Never blocks. */
typedef void (*fsm__outbox_note_fn)(void *arg, const char *sink, const char *what, const fsm_value *more,
                                    const fsm_value *actor, const char *reason);

/* What commands may not do while this sink is so far behind, each time that it changes; the strictest of all
 * sinks is the runtime's (hold.h). text: for those who are refused. */
typedef void (*fsm__outbox_hold_fn)(void *arg, const char *sink, fsm__hold level, const char *text);

typedef struct fsm__outbox_options {
  const char *dir; /* data directory; cursors and parked ones in its `sinks` */
  fsm__journal *journal;
  const char *archive; /* directory of segments that retention let go; NULL = none */
  fsm_origin origin;
  fsm__sink *sink;
  const fsm__sink_config *config;   /* lives as long as the outbox; NULL = all records, the defaults above */
  fsm__routing *routing;            /* NULL = no routes: a routed sink gets nothing */
  fsm__masks *masks;                /* NULL = none */
  fsm__outbox_note_fn note;         /* NULL = nobody wants to know */
  fsm__outbox_hold_fn hold;         /* NULL = commands are not held up */
  void *note_arg;                   /* of both */
  int64_t failing_ns, reconcile_ns; /* 0 = FSM_OUTBOX_FAILING_MS, FSM_OUTBOX_RECONCILE_MS */
} fsm__outbox_options;

/* Loads the cursor and starts the thread; does not wait for the sink. One outbox per directory and sink. */
FSM_MUST_USE fsm_code fsm__outbox_start(const fsm__outbox_options *options, fsm__outbox **out,
                                        fsm_error *err);
/* Waits for acknowledgements FSM_OUTBOX_STOP_MS at most, saves the cursor durably, ends the thread. */
void fsm__outbox_stop(fsm__outbox *outbox);
/* Stops first. Only when the sink can no longer call ack. NULL is fine. */
void fsm__outbox_free(fsm__outbox *outbox);

/* There may be more records, or the sink's life has changed. Any thread, never blocks for long. */
void fsm__outbox_wake(fsm__outbox *outbox);

/* ---- operators: any thread; carried out by the outbox's, which is waited for. FSM_ETIMEOUT: it was busy for
 * FSM_OUTBOX_ORDER_MS, nothing is done; FSM_ECLOSED. actor and reason may be NULL. ---- */

/* The parked record seq, or all of them (0), are given again as repairs; *count of them. FSM_ENOTFOUND. */
FSM_MUST_USE fsm_code fsm__outbox_retry(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor,
                                        const char *reason, uint64_t *count, fsm_error *err);
/* Records from … to, both at or below the cursor, are given again as repairs. FSM_EARGUMENT, FSM_ENOTFOUND:
 * neither here nor archived; FSM_EQUOTA: FSM_OUTBOX_RANGES_MAX wait already. *count: length of the range. */
FSM_MUST_USE fsm_code fsm__outbox_resend(fsm__outbox *outbox, uint64_t from, uint64_t to,
                                         const fsm_value *actor, const char *reason, uint64_t *count,
                                         fsm_error *err);
/* The record that it is stuck at is parked, the rest goes on. FSM_EARGUMENT names the one it is at. */
FSM_MUST_USE fsm_code fsm__outbox_park(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor,
                                       const char *reason, fsm_error *err);
/* A parked one is given up, and noted. */
FSM_MUST_USE fsm_code fsm__outbox_drop(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor,
                                       const char *reason, fsm_error *err);
/* Could it be dropped now? FSM_ENOTFOUND; FSM_EBUSY: it is being given again. */
FSM_MUST_USE fsm_code fsm__outbox_may_drop(fsm__outbox *outbox, uint64_t seq, fsm__parked *out,
                                           fsm_error *err);
/* Drops it without a note: the caller has put it on record. */
FSM_MUST_USE fsm_code fsm__outbox_drop_told(fsm__outbox *outbox, uint64_t seq, fsm_error *err);
/* The same of records from … to, readable or not, of which from is the one that it is at. FSM_EARGUMENT says
 * which that is. */
FSM_MUST_USE fsm_code fsm__outbox_may_drop_range(fsm__outbox *outbox, uint64_t from, uint64_t to,
                                                 fsm_error *err);
FSM_MUST_USE fsm_code fsm__outbox_drop_range_told(fsm__outbox *outbox, uint64_t from, uint64_t to,
                                                  fsm_error *err);
/* Clears a stop that needed people; the other side is looked at again at once. */
FSM_MUST_USE fsm_code fsm__outbox_clear(fsm__outbox *outbox, const fsm_value *actor, const char *reason,
                                        fsm_error *err);
/* The parked ones, oldest first, malloced. */
FSM_MUST_USE fsm_code fsm__outbox_parked(fsm__outbox *outbox, fsm__parked **out, size_t *count,
                                         fsm_error *err);

typedef struct fsm__outbox_status {
  uint64_t seq;                         /* acknowledged without a gap */
  uint64_t sent_seq, settled_seq;       /* as of the cursor */
  uint64_t durable_seq;                 /* of the journal */
  uint64_t lag;                         /* records behind durable, wanted or not */
  int64_t lag_ns;                       /* now - recorded time of the oldest not acknowledged; 0 = none */
  uint64_t published;                   /* since start: acknowledged */
  uint64_t skipped;                     /* since start: left out by filter and routes */
  uint64_t repaired;                    /* since start: acknowledged as repairs */
  uint64_t retries;                     /* times that preparing failed, or was needed again */
  uint64_t parked;                      /* now */
  uint64_t where_faults;                /* where expressions that failed on a record */
  double rate;                          /* records a second, over the last 10 s */
  bool connected;                       /* prepared */
  bool halted;                          /* a fault that trying again does not mend */
  bool spilled;                         /* re-fed from the archive, or waiting for it */
  unsigned budget_percent;              /* used of the larger of its budgets; 0 = it has none */
  int64_t failing_since_ns, last_ok_ns; /* wall clock; 0 */
  char last_error[256];
} fsm__outbox_status;
void fsm__outbox_status_get(fsm__outbox *outbox, fsm__outbox_status *out);

#endif
