/* clock.h: the clocks, each read here and nowhere else (tests/test_source_rules.py).
 *
 *   wall        nanoseconds UTC since 1970: it says what is recorded, and may be set by anybody
 *   monotonic   only goes forward: waits, and how long something took, within this process
 *   boot        (CLOCK_BOOTTIME) only goes forward, while the machine sleeps too, and begins anew with each
 *               boot: its readings mean something beside the number of the boot they are of
 *
 * `_ns` is the system's; `_now` is that of the options where they bring their own, which timers and records
 * go by. What changes rows reads none of them: time comes with the record.
 */
#ifndef FSM_RUNTIME_CLOCK_H
#define FSM_RUNTIME_CLOCK_H

#include <time.h>

#include "runtime/fsm_runtime.h"

typedef struct fsm__moment {
  int64_t wall_ns;
  int64_t boot_ns; /* on the clock of the boot; 0 when there is none */
} fsm__moment;

int64_t fsm__wall_ns(void);
int64_t fsm__monotonic_ns(void);
int64_t fsm__monotonic_ms(void);
int64_t fsm__boot_ns(void);
/* A moment, or a time >= 0, as the system's calls take it. */
struct timespec fsm__timespec_of(int64_t ns);

int64_t fsm__wall_now(const fsm_runtime_options *options);
/* Which boot this is; 0 when there is no such clock: the options give a wall clock alone, or the system does
 * not tell one boot from the next. */
uint64_t fsm__boot_of(const fsm_runtime_options *options);
/* That clock now. For a boot that is not 0. */
int64_t fsm__boot_now(const fsm_runtime_options *options);

#endif
