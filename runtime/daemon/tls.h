/* tls.h: certificate and key of the TCP listener, from their files. */
#ifndef FSM_DAEMON_TLS_H
#define FSM_DAEMON_TLS_H

#include "fsm/fsm.h"

enum { FSM__TLS_FILE_MAX = 256 * 1024 }; /* bytes of each */

typedef struct fsm__tls {
  fsm_buf cert, key; /* PEM */
} fsm__tls;

/* FSM_EARGUMENT: where is the file. The key is refused when anyone but its owner may read or write it, or
 * when that is neither this user nor root. */
FSM_MUST_USE fsm_code fsm__tls_load(const char *cert, const char *key, fsm__tls *out, fsm_error *err);
void fsm__tls_free(fsm__tls *tls); /* nothing of the key stays in memory */

#endif
