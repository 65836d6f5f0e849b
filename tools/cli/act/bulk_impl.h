/* bulk_impl.h: between the files of bulk.h: a run, its lanes, and what is under its lock. */
#ifndef FSM_CLI_BULK_IMPL_H
#define FSM_CLI_BULK_IMPL_H

#include <pthread.h>

#include "tools/cli/act/bulk.h"

#define CLI_LOOK_NS INT64_C(100000000) /* so often a waiting thread looks whether it is to stop */

typedef struct cli_result {
  bool done, ok;
  fsm_buf json; /* {instance, ok, answer | problem} */
} cli_result;

typedef struct cli_bulk_state {
  const cli_bulk *bulk;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t next, begun, told, live; /* live: lanes that run */
  size_t room;                    /* items of one request; 1: the daemon is given one deed at a time */
  bool stop;
  int64_t began_ns, patience_ns;
  cli_result *results; /* item i: results[i % CLI_AHEAD], from when it is done until it is told */
  size_t first_at;     /* whose fault end->first is */
  cli_bulk_end *end;
} cli_bulk_state;

typedef struct cli_lane {
  pthread_t thread;
  bool started;
  cli_bulk_state *of;
  cli_source source;
  bool own; /* the connection is its own */
} cli_lane;

/* A lane's thread: takes items until there are none, or no more are begun. */
void *cli_lane_run(void *lane);

#endif
