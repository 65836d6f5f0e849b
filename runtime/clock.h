/* clock.h: the two clocks that timers go by.
 *
 * The wall clock says what is recorded and may be set by anybody. The clock of the boot (CLOCK_BOOTTIME,
 * which goes on while the machine sleeps) only goes forward, and begins anew with each boot: its readings
 * mean something beside the number of the boot they are of.
 */
#ifndef FSM_RUNTIME_CLOCK_H
#define FSM_RUNTIME_CLOCK_H

#include "runtime/fsm_runtime.h"

typedef struct fsm__moment {
  int64_t wall_ns;
  int64_t boot_ns; /* on the clock of the boot; 0 when there is none */
} fsm__moment;

/* Which boot this is; 0 when there is no such clock: the options give a wall clock alone, or the system does
 * not tell one boot from the next. */
uint64_t fsm__boot_of(const fsm_runtime_options *options);
/* That clock now. For a boot that is not 0. */
int64_t fsm__boot_now(const fsm_runtime_options *options);

#endif
