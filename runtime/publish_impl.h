/* publish_impl.h: what the files of publish share: a publisher and its sinks.
 *
 * Locks, in this order. `changing`: one change of the set at a time (start, reload, stop, a new try of a sink
 * that could not be made); held for as long as a sink takes to stop. `lock`: the table itself, held for a few
 * instructions; whoever uses a sink outside of it counts as one of its users, for whom a sink waits before it
 * goes. Nothing of this is in the path of a command: `durable` sets a flag and posts a semaphore.
 */
#ifndef FSM_RUNTIME_PUBLISH_IMPL_H
#define FSM_RUNTIME_PUBLISH_IMPL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "runtime/hold.h"
#include "runtime/outbox.h"
#include "runtime/publish.h"
#include "runtime/publish_notes.h"
#include "runtime/workers.h"

enum {
  FSM_PUBLISH_REMAKE_MS = 5000, /* between two tries to make a sink */
  FSM_PUBLISH_LOOK_MS = 1000    /* notes that found no room, sinks that could not be made */
};

/* What was read of a file of sinks; lives as long as a sink that was made from it. */
typedef struct fsm__sink_list {
  fsm_arena arena;
  fsm__sink_config configs[FSM_SINKS_MAX];
  size_t count;
  unsigned users; /* under `changing` */
} fsm__sink_list;

typedef struct fsm__slot {
  fsm_publisher *publisher;
  fsm__hold hold; /* under `lock`: what it asks for, and what is said of it */
  char hold_text[FSM_TEXT_MAX];
  const fsm__sink_config *config;
  fsm__sink_list *list;     /* that config is of */
  fsm__sink *sink;          /* under `changing` */
  fsm__outbox *outbox;      /* under `lock`; NULL: it could not be made, or is stopped */
  unsigned users;           /* under `lock` */
  bool kept;                /* while a reload goes on, under `changing` */
  fsm_error why;            /* under `lock`: it could not be made */
  int64_t failing_since_ns; /* wall clock */
  int64_t tried_ns;         /* under `changing`; wall clock */
  fsm__outbox_status last;  /* when it was stopped */
} fsm__slot;

struct fsm_publisher {
  char *url, *stream, *prefix, *archive; /* NULL = not given */
  fsm__bus *bus;                         /* of the workers; NULL = no url */
  fsm__workers *workers;
  fsm_runtime *runtime;
  fsm__routing *routing;
  fsm__notes *notes;

  pthread_mutex_t changing;
  fsm__sink_list *first; /* read by new, started by start */
  bool running;          /* between start and stop */

  pthread_mutex_t lock;
  pthread_cond_t idle; /* a slot has no users any more */
  fsm__slot *slots[FSM_SINKS_MAX];
  size_t count;
  fsm__cursor strays[FSM_CURSORS_MAX]; /* cursors of sinks that are not configured any more */
  size_t stray_count;

  _Atomic bool wanted, stopping;
  sem_t wake; /* posted when wanted turns true */
  pthread_t waker, mender;
  sem_t mend; /* posted to stop the mender */
  bool has_waker, has_mender;
};

/* ---- the set (publish_sinks.c) ---- */

/* A file of sinks (NULL = none), the sink of the url among them. err->where is a JSON pointer. */
fsm_code fsm__sink_list_read(fsm_publisher *p, const char *json, size_t len, fsm__sink_list **out,
                             fsm_error *err);
void fsm__sink_list_free(fsm__sink_list *list); /* nobody uses it; NULL is fine */
/* In place of the set that there is; sinks that cannot be made are in it all the same. Takes the list. Under
 * `changing`. */
fsm_code fsm__slots_set(fsm_publisher *p, fsm__sink_list *list, fsm_error *err);
/* Tries those again that could not be made. Under `changing`. */
void fsm__slots_mend(fsm_publisher *p);
/* All are stopped, and stay in the table to be looked at. Under `changing`. */
void fsm__slots_stop(fsm_publisher *p);
void fsm__slots_free(fsm_publisher *p);
void fsm__slots_wake(fsm_publisher *p);
/* Cursors on disk that no slot has. Under `changing`. */
void fsm__slots_find_strays(fsm_publisher *p);
/* As it is now; under `lock`. */
void fsm__slot_status(const fsm_publisher *p, const fsm__slot *slot, fsm_sink_status *out);

/* Wakes everyone, soon; any thread, never blocks. */
void fsm__publisher_wake(void *publisher);

#endif
