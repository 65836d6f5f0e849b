/* readers.h: the threads that answer fsm_read: a few, from one queue, each query on a view of its own.
 * Nothing they do makes the writer wait. */
#ifndef FSM_RUNTIME_READERS_H
#define FSM_RUNTIME_READERS_H

#include "runtime/core.h"
#include "runtime/queue.h"

enum { FSM_READER_THREADS_MAX = 64, FSM_READER_THREADS_DEFAULT = 2 };

typedef struct fsm__readers {
  fsm__queue queue;
  fsm__core *core;
  const fsm_runtime_options *options; /* the clock */
  pthread_t threads[FSM_READER_THREADS_MAX];
  unsigned count;
  bool open;
} fsm__readers;

/* options are borrowed; queue_max and reader_threads (0 = default) say how much; manual: no threads. */
FSM_MUST_USE fsm_code fsm__readers_open(fsm__readers *readers, fsm__core *core,
                                        const fsm_runtime_options *options, fsm_error *err);
/* Answers what waits, on this thread; how many. */
size_t fsm__readers_run(fsm__readers *readers);
/* Answers what was taken, then ends the threads. Fine on a zeroed one. */
void fsm__readers_close(fsm__readers *readers);

#endif
