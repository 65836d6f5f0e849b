/* readers.h: the threads that answer fsm_read: a few, from two queues, each query on a view of its own.
 * Nothing they do makes the writer wait.
 *
 * What is done at once (one row, how it is doing) has threads and a queue of its own: however many walk
 * through all there is, it is answered. Those who walk have less of the processor, and those who walk through
 * the journal (survey.h, search.h) or ask each instance an expression have one thread, a line of their own and
 * a thirtieth of what a writer has, when there is nothing left: so all of them together cost it less than a
 * twentieth. */
#ifndef FSM_RUNTIME_READERS_H
#define FSM_RUNTIME_READERS_H

#include "runtime/core.h"
#include "runtime/queue.h"

enum {
  FSM_READER_THREADS_MAX = 64,
  FSM_READER_THREADS_DEFAULT = 2,
  FSM_SURVEY_QUEUE_MAX = 64 /* reads of the journal that wait; over it FSM_EBUSY */
};

typedef struct fsm__readers_lane {
  fsm__queue queue;
  struct fsm__readers *of;
  pthread_t threads[FSM_READER_THREADS_MAX];
  unsigned count;
  int nice; /* 0: what is brief, a few at once */
} fsm__readers_lane;

typedef struct fsm__readers {
  fsm__readers_lane brief, slow, surveys;
  fsm__core *core;
  const fsm_runtime_options *options; /* the clock */
  bool open;
} fsm__readers;

/* options are borrowed; queue_max and reader_threads (0 = default) say how much, of each of the two; manual:
 * no threads. */
FSM_MUST_USE fsm_code fsm__readers_open(fsm__readers *readers, fsm__core *core,
                                        const fsm_runtime_options *options, fsm_error *err);
fsm__queue *fsm__readers_queue(fsm__readers *readers, const fsm_query *query);
size_t fsm__readers_waiting(fsm__readers *readers);
void fsm__readers_hold(fsm__readers *readers); /* see fsm_runtime_hold */
void fsm__readers_go(fsm__readers *readers);
/* Answers what waits, on this thread; how many. */
size_t fsm__readers_run(fsm__readers *readers);
/* Answers what was taken, then ends the threads. Fine on a zeroed one. */
void fsm__readers_close(fsm__readers *readers);

#endif
