/* queue.h: jobs on their way to the writer (commands) or to the readers (queries), in the order they came,
 * bounded.
 *
 * Dry runs write nothing, so they wait in a line of their own: who takes jobs gets those that do something
 * first, and of dry runs FSM_QUEUE_DRY at a time behind them; they have half of the room at most. So whoever
 * only asks what would happen, however much and often, does not hold up what happens.
 *
 * A job owns an arena that holds its copy and all that is decided about it; jobs are reused. */
#ifndef FSM_RUNTIME_QUEUE_H
#define FSM_RUNTIME_QUEUE_H

#include <pthread.h>

#include "runtime/decide.h"

typedef struct fsm__job fsm__job;
struct fsm__job {
  fsm__job *next;
  fsm_arena arena;
  fsm_command command;
  bool made_id;    /* the command's instance id is ours */
  fsm_query query; /* of a read, with document_fn; else command and answer_fn */
  fsm_answer_fn answer_fn;
  fsm_document_fn document_fn;
  void *arg;
  int64_t received_ns; /* monotonic */
  fsm__decision decision;
};

enum { FSM_QUEUE_DRY = 32 };

typedef struct fsm__line {
  fsm__job *head, *tail;
  size_t count;
} fsm__line;

typedef struct fsm__queue {
  pthread_mutex_t lock;
  pthread_cond_t changed; /* CLOCK_MONOTONIC */
  fsm__line line, dry;
  size_t max;       /* of both */
  unsigned waiting; /* threads that wait for a job */
  bool closed, woken;
  bool held; /* what `holder` pushes wakes nobody until it goes */
  pthread_t holder;
  pthread_mutex_t spare_lock; /* apart, for who makes jobs and who takes them meet often enough */
  fsm__job *spare;
  size_t spares;
} fsm__queue;

FSM_MUST_USE fsm_code fsm__queue_init(fsm__queue *queue, size_t max, fsm_error *err);
void fsm__queue_free(fsm__queue *queue);

/* An empty job; NULL without memory. */
fsm__job *fsm__queue_job(fsm__queue *queue);
void fsm__queue_recycle(fsm__queue *queue, fsm__job *job);
void fsm__queue_recycle_all(fsm__queue *queue, fsm__job *jobs); /* a list; NULL is fine */
/* A list of `count` jobs, all or none, in the line of the first one: FSM_EBUSY when they do not fit under the
 * bound, FSM_ECLOSED after close; they stay the caller's then. */
FSM_MUST_USE fsm_code fsm__queue_push(fsm__queue *queue, fsm__job *first, fsm__job *last, size_t count,
                                      fsm_error *err);
/* One job, in front of all. */
FSM_MUST_USE fsm_code fsm__queue_push_first(fsm__queue *queue, fsm__job *job, fsm_error *err);
/* Up to max jobs as a list, each line in its order; waits at most wait_ns (0 = not at all) for the first one.
 */
fsm__job *fsm__queue_take(fsm__queue *queue, size_t max, int64_t wait_ns);
/* One wake-up for all that this thread pushes in between. One thread at a time holds. */
void fsm__queue_hold(fsm__queue *queue);
void fsm__queue_go(fsm__queue *queue);
void fsm__queue_close(fsm__queue *queue);
void fsm__queue_wake(fsm__queue *queue);
bool fsm__queue_closed(fsm__queue *queue); /* closed and empty */
size_t fsm__queue_count(fsm__queue *queue);

#endif
