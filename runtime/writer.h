/* writer.h: the one thread that decides, makes durable, applies and then answers (DESIGN 4).
 *
 *   turn:  due timers and timeouts ─┐
 *          commands of the queue ───┴► decide → seal → journal batch + rows ► commit ► publish ► answers
 *          then offers of tasks, and from time to time a generation for the applier
 *
 * While commands wait, what follows the seal of a batch (commit, publish, answers) is done on a second
 * thread, and the next batch is decided meanwhile: one batch at most is on its way.
 *
 * Rows of a batch are applied while it is being filled, so that its later commands see its earlier
 * ones; nobody else sees them before the commit: views are of what was published. A batch
 * is never undone once it is begun: fsm__journal_ready is asked before the first of it is decided, and
 * again when a full batch gives way to the next; a commit that fails all the same is fatal. */
#ifndef FSM_RUNTIME_WRITER_H
#define FSM_RUNTIME_WRITER_H

#include <stdatomic.h>

#include "runtime/applier.h"
#include "runtime/beats.h"
#include "runtime/clock.h"
#include "runtime/core.h"
#include "runtime/hold.h"
#include "runtime/known_sinks.h"
#include "runtime/meters.h"
#include "runtime/offers.h"
#include "runtime/queue.h"
#include "runtime/refusals.h"
#include "runtime/service.h"
#include "runtime/untaken.h"
#include "runtime/waits.h"

enum {
  FSM_TURN_COMMANDS_MAX = 512, /* of the queue, in one turn */
  FSM_TURN_WHOLE_MAX = 16,     /* so many are one batch; of more, half is decided while half is synced */
  FSM_TURN_DUE_MAX = 256,      /* timers and tasks, in one turn */
  FSM_IDLE_CONFIRM_MS = 50,
  FSM_ENDED_KEPT = 4096,          /* tasks whose second answer is known to be one */
  FSM_ROUND_RECORDS = 128 * 1024, /* start a round, whatever their size */
  FSM_REPAIR_BYTES = 128 * 1024   /* of the last segment, kept for repairs when there is no next one */
};
/* What may wait in memory beside the round that is being written, at most. */
#define FSM_ROUND_HARD(round_bytes) (2 * (size_t)(round_bytes) + 1024 * 1024)

/* Where the store stands; writer_round.c. Times are monotonic. */
typedef struct fsm__rounds {
  fsm__applier *applier;
  _Atomic bool wanted;   /* somebody (verify) wants the store up to date */
  bool running;          /* the applier is at work */
  bool map_full;         /* the frozen generation waits for a larger map */
  fsm_error no_room;     /* code other than FSM_OK: it waits for room on the disk */
  int64_t oldest_row_ns; /* in the filling generation; 0 = it is empty */
  int64_t again_ns;      /* no attempt before it */
  uint64_t frozen_seq;
  size_t applying_bytes, turn_bytes; /* turn_bytes: in the filling one, when the last turn ended */
  double rate;                       /* of the applier, bytes per second */
  int64_t owed_ns;                   /* naps too short to be taken */
} fsm__rounds;

/* The batch that becomes durable while the next one is decided; writer_sync.c. */
typedef struct fsm__syncing {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool running, stop, busy; /* busy: a batch is on its way, or its answers are being given */
  bool wrote;               /* the batch has records */
  fsm__job *jobs;           /* to be answered when it is durable */
} fsm__syncing;

/* An instance that runs again, and what came due before. */
typedef struct fsm__woken {
  uint64_t number;
  fsm__moment since; /* it runs again */
  fsm__key at;       /* the last due row handled */
} fsm__woken;

typedef struct fsm__writer {
  fsm__core core;
  fsm_runtime_options options;
  fsm__queue queue;
  _Atomic uint64_t turns; /* so that others see that it goes on */
  fsm__refusals *refusals;
  pthread_t thread;
  /* the batch being filled */
  fsm__job *decided, **decided_tail; /* jobs that wait for the commit */
  fsm_arena internal;                /* decisions without a job */
  fsm_buf encoded;
  fsm__bytes *records;
  fsm__hash *leaves;
  size_t records_cap;
  bool batch_open;
  /* time and scans */
  fsm__key due_at;    /* the last due row handled: the scan goes on behind it */
  fsm__waits waits;   /* timers that the scan has passed and the clock of the boot has not reached */
  uint64_t boot;      /* clock.h */
  int64_t given_ns;   /* on its clock, when a time was given last */
  fsm__moment opened; /* by both clocks */
  fsm__offers *offers;
  fsm__services *services;
  fsm__known_sinks sinks; /* that routes may name */
  fsm__untaken *untaken;
  fsm__key lost_at;       /* where the look for attempts that died with the process before goes on */
  bool losing;            /* it is not at the end yet */
  int64_t opened_ns;      /* the last recorded time before this process */
  struct fsm__held *held; /* messages whose target is paused or parked */
  size_t held_count, held_cap;
  fsm__woken *woken; /* instances that run again since the last turn */
  size_t woken_count, woken_cap;
  fsm__beats *beats;
  uint8_t (*ended)[16]; /* tokens of the last FSM_ENDED_KEPT tasks that were answered, a ring */
  unsigned ended_next;
  uint64_t seed;                  /* of the jitter */
  int64_t wall_ns;                /* the highest reading of the wall clock */
  _Atomic int64_t last_commit_ns; /* monotonic */
  fsm__syncing syncing;
  fsm__rounds rounds;
  bool full;        /* no room, or the store is behind: commands are refused, reads answered */
  bool repairs_fit; /* while full: there is room for repairs */
  fsm_error full_reason;
  fsm__holding holding;
  fsm__hold hold; /* in this turn */
  bool on_hold;   /* full because of it alone */
  char hold_text[FSM_TEXT_MAX];
  fsm__meters meters;
} fsm__writer;

void *fsm__writer_run(void *writer); /* the thread: begins, turns until the queue is closed, ends */
/* The same by hand. */
void fsm__writer_begin(fsm__writer *writer);
size_t fsm__writer_turn(fsm__writer *writer, int64_t wait_ns); /* for commands; how many it decided */
int64_t fsm__writer_idle_ns(fsm__writer *writer); /* how long nothing will be to do, at most a second */
void fsm__writer_end(fsm__writer *writer);

/* ---- between the files of the writer ---- */

/* Strictly later than every time given before; *held when the wall clock is behind. Then time goes on at half
 * the pace of the clock of the boot until the wall clock has caught up (a nanosecond a time without one). */
int64_t fsm__writer_now(fsm__writer *writer, bool *held);
/* Seals, journals and applies what was decided. Frees the way by a commit when the batch is full. What could
 * not be taken (memory, room) comes back as a refusal without records. */
void fsm__writer_take(fsm__writer *writer, const fsm__case *at, fsm__decision *decision);
/* Numbers, links and encodes the records into w->records and w->leaves, valid until the next one; what cannot
 * be encoded is settled first. Count 0 afterwards: there is nothing to journal. FSM_ENOMEM: as it was. */
FSM_MUST_USE fsm_code fsm__writer_seal(fsm__writer *writer, const fsm__case *at, fsm__decision *decision,
                                       fsm_error *err);
/* What a command would be answered, with the records that it would write; nothing is done (writer_dry.c). */
void fsm__writer_dry(fsm__writer *writer, fsm__job *job);
/* What the answer says, without what the machine marks; the records are as they were. */
void fsm__writer_mask(const fsm__writer *writer, fsm_arena *arena, fsm__decision *decision);
/* What a decision that failed becomes: what the step made cannot be stored → the instance is parked; no
 * memory → refused; a damaged store → fatal. */
void fsm__writer_settle(fsm__writer *writer, const fsm__case *at, fsm__decision *decision,
                        const fsm_error *fault);
/* Ends the batch: it becomes durable, and only then its jobs are answered; here and now, or, when more
 * commands wait, on a thread of its own while they are decided. Does not return after a fault of the disk. */
void fsm__writer_commit(fsm__writer *writer);
/* Until no batch is on its way. Then all that was decided before the last commit is durable and answered. */
void fsm__writer_sync_wait(fsm__writer *writer);
bool fsm__writer_sync_busy(fsm__writer *writer);
FSM_MUST_USE fsm_code fsm__writer_sync_open(fsm__writer *writer, fsm_error *err);
void fsm__writer_sync_close(fsm__writer *writer); /* waits first */
void fsm__writer_answer(fsm__writer *writer, fsm__job *job);
/* What a refusal gets: a record of its own or a place in a sum. */
void fsm__writer_refusal(fsm__writer *writer, const fsm__case *at, fsm__decision *decision);
void fsm__writer_flush_refusals(fsm__writer *writer, bool all);
/* Would it get a record of its own, were it not one of too many? And that record; a brief one leaves out what
 * may be too large or too deep for it. False without memory. */
bool fsm__writer_refusal_is_worth(const fsm_command *command, const fsm__decision *decision);
bool fsm__writer_refusal_draft(fsm__writer *writer, const fsm__case *at, fsm__decision *decision, bool brief);
/* The instance waits no more, it runs again or has ended: what is overdue there is looked at in the next
 * turn. */
void fsm__writer_wake(fsm__writer *writer, uint64_t number);
/* Timers, timeouts, offers. Returns whether more is due right now. */
bool fsm__writer_due(fsm__writer *writer);
/* The task was not taken: offer it again soon. */
void fsm__writer_undelivered(fsm__writer *writer, const uint8_t token[16]);
/* Has somebody outside been offered it, and not said yet whether he takes it? */
bool fsm__writer_offered(const fsm__writer *writer, const uint8_t token[16]);
/* What the decision about an answer of a worker leaves in memory. */
void fsm__writer_task_decided(fsm__writer *writer, const fsm_command *command, const fsm__decision *decision);
/* An answer that was refused because its task or attempt is over: counted. */
void fsm__writer_late(fsm__writer *writer, const uint8_t token[16]);
/* Monotonic time of the next due row or offer; INT64_MAX when there is none. */
int64_t fsm__writer_next_due(fsm__writer *writer);
/* ---- rounds (writer_round.c) ---- */

FSM_MUST_USE fsm_code fsm__writer_rounds_open(fsm__writer *writer, fsm_error *err);
/* At a batch boundary: settles what was applied, begins what is due. */
void fsm__writer_rounds(fsm__writer *writer);
void fsm__writer_rounds_close(fsm__writer *writer);       /* one last round */
int64_t fsm__writer_round_due(const fsm__writer *writer); /* monotonic; INT64_MAX = not by time */
/* May more be put? If not, why, and whether there is still room for repairs. */
bool fsm__writer_store_room(fsm__writer *writer, bool *repairs, fsm_error *why);
/* Sleeps as long as it takes for the applier to keep up. */
void fsm__writer_pace(fsm__writer *writer);

_Noreturn void fsm__writer_fatal(fsm__writer *writer, const fsm_error *err);
fsm__case fsm__writer_case(fsm__writer *writer, fsm_arena *arena, const fsm_command *command,
                           int64_t received_ns);

#endif
