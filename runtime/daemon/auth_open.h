/* auth_open.h: identity as the settings have it: keys, claims, admins, users of the socket; and keys read
 * again. */
#ifndef FSM_DAEMON_AUTH_OPEN_H
#define FSM_DAEMON_AUTH_OPEN_H

#include "runtime/daemon/config.h"
#include "runtime/daemon/log.h"

/* FSM_EARGUMENT: a wrong key, expression, claim or user; where is the file or the setting. */
FSM_MUST_USE fsm_code fsm__auth_open(const fsm__config *config, fsm__auth **out, fsm_error *err);

/* SIGHUP: read by any thread, then taken by the loop's: all or nothing, and a line says which. */
typedef struct fsm__auth_reading {
  fsm_token_keys *keys; /* NULL = none, see fault; none are set when its code is FSM_OK */
  fsm_error fault;
} fsm__auth_reading;
bool fsm__auth_has_files(const fsm__config *config);
void fsm__auth_read(const fsm__config *config, fsm__auth_reading *out);
void fsm__auth_take(fsm__auth *auth, fsm__auth_reading *reading, int64_t now_ns, const fsm__log *log);

#endif
