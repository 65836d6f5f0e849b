/* writer_due.h: between the scan of the due table and the kinds of what is due. One file per kind.
 *
 * A kind is a letter of the due table's key (rows.h) and a function that is called once per due row, in
 * (due, order of setting), on the writer's thread, between the commands of a batch. */
#ifndef FSM_RUNTIME_WRITER_DUE_H
#define FSM_RUNTIME_WRITER_DUE_H

#include "runtime/writer.h"

typedef struct fsm__due {
  int64_t due_ns;
  uint64_t order;  /* of setting, of a timer (rows.h) */
  uint64_t number; /* of the instance */
  char kind;
  const char *id;
  fsm__moment since; /* what was due before this moment could not be seen to then: it is overdue */
} fsm__due;

typedef void (*fsm__due_fn)(fsm__writer *writer, const fsm__due *due);
void fsm__due_timer(fsm__writer *writer, const fsm__due *due);   /* 't' */
void fsm__due_task(fsm__writer *writer, const fsm__due *due);    /* 'k' */
void fsm__due_message(fsm__writer *writer, const fsm__due *due); /* 'm' */
void fsm__due_purge(fsm__writer *writer, const fsm__due *due);   /* 'p' */
/* The function of its kind. */
void fsm__due_run(fsm__writer *writer, const fsm__due *due);

/* A due row's key without its id has one byte less. */
enum { FSM_DUE_KEY_MIN = 26 };
/* A row from its key; false without memory. */
bool fsm__due_read(const fsm__writer *writer, const void *key, size_t len, fsm_arena *arena, fsm__due *out);
/* The timer's delay has run at boot_ns on the clock of the boot: it comes back then. */
void fsm__due_wait(fsm__writer *writer, const fsm__due *due, int64_t boot_ns);

/* The command that a decision of time's own stands on: nobody's. */
extern const fsm_command fsm__by_time;

/* No memory to look at a due row: the scan begins again from the front. */
void fsm__due_look_again(fsm__writer *writer);
/* What was decided about a due row. A damaged row is left: commands that touch it are refused by name. */
void fsm__due_take(fsm__writer *writer, const fsm__case *at, fsm__decision *decision, fsm_code code,
                   const fsm_error *err);
/* What is overdue at instances that run again (writer_wake.c). */
enum { FSM_DUE_KIND = 24 }; /* where the kind is in a due key */

/* A message waits for this instance. */
typedef struct fsm__held {
  uint64_t target, sender, order;
  int64_t due_ns;
  char *id;
} fsm__held;
/* Without memory the scan begins again. */
void fsm__due_hold(fsm__writer *writer, const fsm__key *due, uint64_t target);
/* The due key of the next one from place *at on that waits for the instance; false = no more. *at is behind
 * it. */
bool fsm__due_held(const fsm__writer *writer, uint64_t target, size_t *at, fsm__key *due);
/* Forgets the one at a place; all, when the scan begins again from the front or the writer ends. */
void fsm__due_let_go(fsm__writer *writer, size_t at);
void fsm__due_let_all_go(fsm__writer *writer);
void fsm__due_woken(fsm__writer *writer, int64_t now_ns);
/* Attempts that services of this program ran when the process before this one ended: failed, some in each
 * turn, until all are found (writer_lost.c). */
void fsm__due_lost(fsm__writer *writer);
/* Offers again what was offered and not begun (writer_task.c). */
void fsm__due_offers(fsm__writer *writer);
/* Hands on to services of this program what has become due or waited for room: behind all that may become due
 * in a turn, or it would wait for whatever brings the next one. */
void fsm__due_lines(fsm__writer *writer);

#endif
