/* spread.h: how spans of time are spread: their count, least, greatest, mean and standard deviation, and
 * percentiles from a histogram whose buckets grow with the value.
 *
 * Buckets: below 64 ns one each, then 64 for each doubling. So a percentile is told at most 1/64 (1.6 %) too
 * high, never too low; it is the smallest bucket's end at or below which that part of all lies, and never
 * over the greatest. Count, least, greatest and mean are exact (the sum has 128 bits; the mean is rounded
 * down to a nanosecond). The standard deviation is of all of them (not a sample's), by Welford's method: the
 * same spans in the same order give the same number. */
#ifndef FSM_RUNTIME_SPREAD_H
#define FSM_RUNTIME_SPREAD_H

#include "fsm/arena.h"

enum {
  FSM_SPREAD_BITS = 6,
  FSM_SPREAD_ROW = 1 << FSM_SPREAD_BITS, /* buckets of a doubling: of which each is a row, made when needed */
  FSM_SPREAD_ROWS = 63 - FSM_SPREAD_BITS + 1
};

typedef struct fsm__spread {
  uint64_t count;
  int64_t min_ns, max_ns;
  unsigned __int128 sum;
  double mean, square; /* Welford's: of squares of what differs from the mean */
  uint64_t *rows[FSM_SPREAD_ROWS];
} fsm__spread; /* zeroed: empty */

/* Below 0 counts as 0. Rows live in the arena. False without memory: then nothing was added. */
bool fsm__spread_add(fsm__spread *spread, fsm_arena *arena, int64_t ns);
int64_t fsm__spread_mean(const fsm__spread *spread); /* 0 of none */
double fsm__spread_deviation(const fsm__spread *spread);
/* part: of a thousand, 1 … 1000; 0 of none. */
int64_t fsm__spread_at(const fsm__spread *spread, unsigned part);

#endif
