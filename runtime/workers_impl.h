/* workers_impl.h: what the three files of the workers share: everyone hands the thread work under `lock`. */
#ifndef FSM_RUNTIME_WORKERS_IMPL_H
#define FSM_RUNTIME_WORKERS_IMPL_H

#include <pthread.h>

#include "runtime/message.h"
#include "runtime/workers.h"

enum { LANES = 64 };

/* A task as it waits; task NULL: too many, only its token is kept. */
typedef struct offer {
  struct offer *next;
  uint8_t token[16];
  unsigned attempt, lane;
  fsm_task *task;
  fsm_arena arena;
} offer;

typedef struct lane {
  offer *first, **last;
  size_t count;  /* of those that wait */
  unsigned open; /* flights */
} lane;

typedef struct flight {
  uint8_t token[16];
  unsigned attempt, lane;
  int64_t until_ns;
  bool open;
} flight;

/* An outcome of an offer on its way to the runtime. */
typedef struct outcome {
  struct outcome *next;
  fsm_command_kind kind;
  uint8_t token[16];
  unsigned attempt;
} outcome;

/* A reply to a worker on its way to the bus. */
typedef struct reply {
  struct reply *next;
  char *subject;
  fsm_buf text;
  fsm__workers *workers;
} reply;

struct fsm__workers {
  fsm__bus *bus;
  unsigned inbox;
  char prefix[FSM_PREFIX_MAX + 1];
  fsm_runtime *runtime;
  pthread_t thread;
  bool started;

  pthread_mutex_t lock; /* all below */
  pthread_cond_t moved;
  bool woken, stopping;
  lane lanes[LANES];
  unsigned turn; /* the lane that is asked next */
  size_t offer_count;
  outcome *unsent, **unsent_end;
  reply *replies, **replies_end;
  flight flights[FSM_WORKERS_WINDOW]; /* of ids oldest … next - 1, at id % window */
  uint64_t oldest, next;
};

/* Under the lock: the thread looks again. */
void fsm__workers_moved(fsm__workers *w);

/* ---- workers_offer.c ---- */
void fsm__workers_offer_free(offer *o);
/* Hands outcomes to the runtime in their order; false = it is busy, the rest waits. */
bool fsm__workers_submit(fsm__workers *w);
void fsm__workers_send(fsm__workers *w);
void fsm__workers_expire(fsm__workers *w); /* of requests that nobody accepted in time */
void fsm__workers_on_accept(void *arg, uint64_t id, const fsm__bus_message *message);

/* ---- workers_answer.c ---- */
void fsm__workers_reply(fsm__workers *w);
void fsm__workers_reply_free(reply *r);
void fsm__workers_on_complete(void *arg, const fsm__bus_message *message);
void fsm__workers_on_fail(void *arg, const fsm__bus_message *message);
void fsm__workers_on_heartbeat(void *arg, const fsm__bus_message *message);

#endif
