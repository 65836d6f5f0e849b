/* clock.h: the wall clock, for tokens, log lines and the ids that the daemon makes; and a steady one. */
#ifndef FSM_DAEMON_CLOCK_H
#define FSM_DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds UTC since 1970. */
static inline int64_t fsm__now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Milliseconds of a clock that never goes back. */
static inline int64_t fsm__steady_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
