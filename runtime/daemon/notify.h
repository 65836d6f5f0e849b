/* notify.h: what who supervises us is told (sd_notify(3)): ready, reloading, stopping, alive, and a line of
 * status. A datagram each, to the unix socket that NOTIFY_SOCKET names; without one nothing is sent. Never
 * blocks: what does not fit is lost, and the next line says what matters then. */
#ifndef FSM_DAEMON_NOTIFY_H
#define FSM_DAEMON_NOTIFY_H

#include "fsm/fsm.h"

typedef struct fsm__notify {
  int fd;               /* -1 = nobody asked */
  uint64_t watchdog_ms; /* a sign of life is due so often; 0 = never */
} fsm__notify;

/* From the values of NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, each NULL when not there.
 * FSM_EARGUMENT: the variable is where. *out is closed (fd -1) then. */
FSM_MUST_USE fsm_code fsm__notify_open(const char *socket, const char *watchdog_usec,
                                       const char *watchdog_pid, fsm__notify *out, fsm_error *err);
void fsm__notify_close(fsm__notify *notify);

/* Lines of NAME=VALUE. */
void fsm__notify_send(const fsm__notify *notify, const char *format, ...) FSM_PRINTF(2, 3);
void fsm__notify_reloading(const fsm__notify *notify); /* until READY=1 is sent again */

#endif
