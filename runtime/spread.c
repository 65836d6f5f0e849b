/* spread.c: see spread.h. */
#include "runtime/spread.h"

#include <math.h>

typedef struct place {
  unsigned row, slot;
} place;

static place place_of(uint64_t ns) {
  if (ns < FSM_SPREAD_ROW) return (place){0, (unsigned)ns};
  const unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - FSM_SPREAD_BITS;
  return (place){shift + 1, (unsigned)(ns >> shift) - FSM_SPREAD_ROW};
}

/* The greatest that belongs there. */
static uint64_t end_of(place at) {
  if (at.row == 0) return at.slot;
  return (((uint64_t)FSM_SPREAD_ROW + at.slot + 1) << (at.row - 1)) - 1;
}

bool fsm__spread_add(fsm__spread *spread, fsm_arena *arena, int64_t ns) {
  if (ns < 0) ns = 0;
  const place at = place_of((uint64_t)ns);
  FSM_ASSERT(at.row < FSM_SPREAD_ROWS && at.slot < FSM_SPREAD_ROW);
  uint64_t **row = &spread->rows[at.row];
  if (*row == NULL) *row = fsm_arena_zalloc(arena, FSM_SPREAD_ROW, sizeof **row);
  if (*row == NULL) return false;
  (*row)[at.slot]++;
  if (spread->count == 0 || ns < spread->min_ns) spread->min_ns = ns;
  if (ns > spread->max_ns) spread->max_ns = ns;
  spread->count++;
  spread->sum += (uint64_t)ns;
  const double off = (double)ns - spread->mean;
  spread->mean += off / (double)spread->count;
  spread->square += off * ((double)ns - spread->mean);
  return true;
}

int64_t fsm__spread_mean(const fsm__spread *spread) {
  return spread->count == 0 ? 0 : (int64_t)(spread->sum / spread->count);
}

double fsm__spread_deviation(const fsm__spread *spread) {
  return spread->count == 0 ? 0 : sqrt(spread->square / (double)spread->count);
}

int64_t fsm__spread_at(const fsm__spread *spread, unsigned part) {
  FSM_ASSERT(part >= 1 && part <= 1000);
  if (spread->count == 0) return 0;
  const unsigned __int128 scaled = (unsigned __int128)spread->count * part;
  const uint64_t wanted = (uint64_t)((scaled + 999) / 1000);
  uint64_t passed = 0;
  for (unsigned row = 0; row < FSM_SPREAD_ROWS; row++) {
    if (spread->rows[row] == NULL) continue;
    for (unsigned slot = 0; slot < FSM_SPREAD_ROW; slot++) {
      passed += spread->rows[row][slot];
      if (passed < wanted) continue;
      const uint64_t end = end_of((place){row, slot});
      return end < (uint64_t)spread->max_ns ? (int64_t)end : spread->max_ns;
    }
  }
  return spread->max_ns;
}
