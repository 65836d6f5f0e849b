/* ring.h: a load of durable transitions for the figures.
 *
 * The process of PEERS.md as a ring, so that instances stay live: draft –SUBMIT [amount < 10000] / retries+1→
 * pendingReview –REVIEW.DONE / reviewId→ awaitingApproval –APPROVE→ draft; a context of six fields. TOUCH,
 * taken everywhere, changes one of them. A ring holds one data directory; it may be closed and opened again.
 */
#ifndef FSM_BENCH_RING_H
#define FSM_BENCH_RING_H

#include "bench.h"
#include "runtime/runtime_impl.h"

typedef enum spread {
  SPREAD_EVEN,   /* one after the other */
  SPREAD_RANDOM, /* all alike */
  SPREAD_HOT,    /* 5 % of the instances get 95 % of the events */
  SPREAD_TOUCH   /* random, and an event that every state takes */
} spread;

typedef struct ring ring;

/* Fills dir/data with so many instances. */
ring *ring_new(const char *dir, unsigned instances);
/* A million instances, made once, closed. */
ring *million(void);
void ring_free(ring *ring);
const char *ring_definition(void);
const char *ring_data(const ring *ring);
fsm_runtime *ring_open(ring *ring);
fsm_runtime *ring_open_as(ring *ring, const fsm_runtime_options *options); /* but for the directory */
double ring_open_s(const ring *ring);                                      /* how long that took */
fsm_runtime *ring_runtime(ring *ring);
void ring_close(ring *ring);
/* Clients that each have one command in flight, for so long: transitions per second. */
double ring_run(ring *ring, unsigned clients, spread spread, double seconds);
/* The same at a given rate, not waiting for answers; latencies in ms from when each was due. */
typedef struct latency {
  double p50, p99, max;
} latency;
latency ring_paced(ring *ring, spread spread, double per_second, double seconds);

#endif
