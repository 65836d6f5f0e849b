/* sink_watch.h: how a sink is doing, in one word, and a log line each time the word changes.
 *
 * The loop looks at the status of all sinks every FSM__SINK_LOOK_MS. A sink is behind when a record has
 * waited for FSM__SINK_BEHIND_MS: under load there is always one that waits, and that is well. A sink that
 * comes and goes is told of in bounded lines; what went untold is counted in the next. */
#ifndef FSM_DAEMON_SINK_WATCH_H
#define FSM_DAEMON_SINK_WATCH_H

#include "runtime/daemon/log.h"
#include "runtime/publish.h"

enum {
  FSM__SINK_LOOK_MS = 500,
  FSM__SINK_BEHIND_MS = 2000,
  FSM__SINK_LINES_MAX = 6,        /* at once … */
  FSM__SINK_LINE_EVERY_MS = 10000 /* … and one more in so long */
};

/* clang-format off */
#define FSM__SINK_STATES(X)                                   \
  X(FSM__SINK_UNSEEN, "unseen")                               \
  X(FSM__SINK_OK, "ok")                                       \
  X(FSM__SINK_BEHIND, "behind")                               \
  X(FSM__SINK_DISCONNECTED, "disconnected")                   \
  X(FSM__SINK_STOPPED, "stopped") /* a fault needs people */  \
  X(FSM__SINK_GONE, "not configured") /* only its cursor is left */
/* clang-format on */

typedef enum fsm__sink_state {
#define X(symbol, name) symbol,
  FSM__SINK_STATES(X)
#undef X
} fsm__sink_state;
const char *fsm__sink_state_name(fsm__sink_state state);

/* Of one sink; zeroed at first. */
typedef struct fsm__sink_watch {
  char name[32];
  fsm__sink_state seen, before; /* the last change */
  unsigned changes;             /* since the last line */
  uint64_t mark_seq;            /* durable at mark_ms */
  int64_t mark_ms;
  unsigned lines; /* of the last FSM__SINK_LINES_MAX × FSM__SINK_LINE_EVERY_MS */
  int64_t lines_ms;
} fsm__sink_watch;

/* now_ms: of a clock that never goes back. */
void fsm__sink_watch_look(fsm__sink_watch *watch, const fsm_sink_status *status, int64_t now_ms,
                          const fsm__log *log);
/* Never UNSEEN. */
fsm__sink_state fsm__sink_watch_state(const fsm__sink_watch *watch, const fsm_sink_status *status,
                                      int64_t now_ms);
/* One for each name that was looked at, on the loop's thread; zeroed at first. */
typedef struct fsm__sink_watches {
  fsm__sink_watch at[FSM_PUBLISH_SINKS_MAX];
  size_t count;
} fsm__sink_watches;
/* NULL: there are too many. */
fsm__sink_watch *fsm__sink_watch_of(fsm__sink_watches *watches, const char *name);
/* Looks at all; those that are not there any more are forgotten. */
void fsm__sink_watches_look(fsm__sink_watches *watches, const fsm_sink_status *sinks, size_t count,
                            int64_t now_ms, const fsm__log *log);

/* Records that wait. */
uint64_t fsm__sink_lag(const fsm_sink_status *status);

#endif
