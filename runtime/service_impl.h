/* service_impl.h: between the files of service. */
#ifndef FSM_RUNTIME_SERVICE_IMPL_H
#define FSM_RUNTIME_SERVICE_IMPL_H

#include <pthread.h>

#include "runtime/service.h"
#include "runtime/service_http.h"

/* A task on its way through a thread, and then the answer of its attempt: one arena holds all of it. */
typedef struct fsm__attempt {
  struct fsm__attempt *next;
  fsm__services *services;
  unsigned service;
  fsm_arena arena;
  fsm_task *task;
  fsm_command answer;
  int64_t again_ns; /* monotonic: when to give the answer again */
} fsm__attempt;

typedef struct fsm__service_entry {
  char name[FSM_SERVICE_NAME_MAX + 1];
  fsm_service_fn run;
  void *arg;
  unsigned concurrency, group;
  unsigned queued, running; /* under the lock */
} fsm__service_entry;

/* Threads that serve the same services. */
enum { FSM_GROUP_PROGRAM, FSM_GROUP_HTTP, FSM_GROUP_COUNT };

typedef struct fsm__service_thread {
  pthread_t id;
  fsm__services *services;
  unsigned group;
} fsm__service_thread;

struct fsm__services {
  fsm_runtime *runtime; /* under the lock; NULL once those who still run are on their own */
  fsm__service_entry *entries;
  fsm__http_service *http; /* NULL = off */
  size_t count;
  unsigned threads_of[FSM_GROUP_COUNT];
  fsm__service_thread *threads;
  size_t thread_count;
  int64_t (*now)(void *arg);
  void *now_arg;

  pthread_mutex_t lock;                 /* all below */
  pthread_cond_t moved;                 /* CLOCK_MONOTONIC */
  fsm__attempt *first, **last;          /* taken and not begun */
  fsm__attempt *answers, **answers_end; /* to be given, in no order */
  size_t answer_count;                  /* those on their way to the writer included */
  unsigned references;                  /* the runtime and each thread that lives */
  bool manual;                          /* no threads: fsm__services_turn */
  bool stopping, wanted;                /* wanted: the writer waits for room */
};

/* service_answer.c; the lock is held, but not while they call into the runtime's queue. */

/* Makes the answer of what the callback said. */
void fsm__attempt_answer(fsm__attempt *attempt, const fsm_service_result *result);
/* Records that the attempt begins, and waits until that is durable. false: it does not begin here. */
bool fsm__attempt_begin(fsm__attempt *attempt);
/* Queues the answer; it is given now or later. */
void fsm__answers_add(fsm__services *services, fsm__attempt *attempt);
/* Gives all that are due; until when nothing is due: monotonic, INT64_MAX = nothing waits. */
int64_t fsm__answers_give(fsm__services *services);
/* All that wait, whether due or not: before the end. */
void fsm__answers_hurry(fsm__services *services);
void fsm__attempt_free(fsm__attempt *attempt);

#endif
