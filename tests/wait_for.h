/* wait_for.h: what another thread or process does is waited for, with the patience that only a hang outlasts
 * (60 s); never slept for. Who knows more of why it did not come defines WAIT_WHY, a text, before. */
#ifndef FSM_TESTS_WAIT_FOR_H
#define FSM_TESTS_WAIT_FOR_H

#include <stdbool.h>
#include <time.h>

#ifndef WAIT_WHY
#define WAIT_WHY "no more is known"
#endif

#define WAIT_FOR(condition)                                               \
  do {                                                                    \
    bool came = false;                                                    \
    for (int i_ = 0; i_ < 12000 && !came; i_++) {                         \
      came = (condition);                                                 \
      if (!came) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); \
    }                                                                     \
    if (!came) fail_msg("never came: %s (%s)", #condition, WAIT_WHY);     \
  } while (0)

#endif
