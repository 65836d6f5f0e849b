/* scene.h: what the runtime is doing when a call fails. */
#ifndef FSM_TEST_FAULT_SCENE_H
#define FSM_TEST_FAULT_SCENE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { COUNTERS = 4 };

/* What was answered, in memory that outlives the process that it was answered in. */
typedef struct tally {
  _Atomic unsigned answered[COUNTERS]; /* counter i: the highest n that was answered as taken */
  _Atomic unsigned asked[COUNTERS];    /* and the highest that was asked for */
  _Atomic int64_t last_answer_ns;      /* when the last positive answer came; monotonic */
  _Atomic bool open;                   /* a runtime is */
  _Atomic int64_t fired_ns;            /* when the fault came */
  _Atomic bool journal;                /* on a segment of the journal, while it was open */
} tally;

typedef struct scene {
  const char *name;
  void (*before)(const char *dir, tally *tally); /* without faults; NULL = nothing */
  void (*run)(const char *dir, tally *tally);    /* with */
} scene;

extern const scene scenes[];
extern const unsigned scene_count;

/* After it all, without faults: everything answered is there, nothing twice, nothing out of order, it
 * verifies, and work goes on. Says what is wrong and returns false. */
bool scene_check(const char *dir, tally *tally);

#endif
