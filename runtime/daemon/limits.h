/* limits.h: how many files may be open, and so how many connections there can be. */
#ifndef FSM_DAEMON_LIMITS_H
#define FSM_DAEMON_LIMITS_H

#include "fsm/fsm.h"

enum {
  FSM__FILES_RESERVED = 192, /* journal, store, snapshots, sinks, workers */
  FSM__CONNECTIONS_MIN = 32  /* with less there is no use in starting */
};

typedef struct fsm__limits {
  uint64_t files; /* that may be open */
  unsigned connections;
} fsm__limits;

/* What is left for connections, at most `most`. */
unsigned fsm__limits_connections(uint64_t files, unsigned most);
/* No core file of this process: keys would be in it. */
void fsm__limits_no_cores(void);
/* Raises the soft limit of files to the hard one. FSM_EARGUMENT: it leaves less than FSM__CONNECTIONS_MIN. */
FSM_MUST_USE fsm_code fsm__limits_raise(unsigned most, fsm__limits *out, fsm_error *err);

#endif
