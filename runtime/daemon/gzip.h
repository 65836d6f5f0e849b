/* gzip.h: an answer made smaller. The one wrapper of zlib. */
#ifndef FSM_DAEMON_GZIP_H
#define FSM_DAEMON_GZIP_H

#include "fsm/fsm.h"

enum { FSM__GZIP_MIN = 1024, FSM__GZIP_MAX = 64 << 20 }; /* bytes; what is outside stays as it is */

/* Text becomes its gzip form. False: it stays as it was (outside of the limits, no smaller, no memory). Takes
 * some 300 KB while it works, and room for the result. Any thread. */
bool fsm__gzip(fsm_buf *text);

#endif
