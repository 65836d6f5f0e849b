/* log.h: the daemon's log: one structured line per fact on a file descriptor, logfmt or JSON.
 *
 * A line is `time level msg` and named fields. Whatever a value holds, a line stays one line and its
 * fields stay its fields: values are quoted and escaped. One write(2) a line, so any thread may log. */
#ifndef FSM_DAEMON_LOG_H
#define FSM_DAEMON_LOG_H

#include "fsm/fsm.h"

typedef enum fsm__log_level { FSM__LOG_DEBUG, FSM__LOG_INFO, FSM__LOG_WARN, FSM__LOG_ERROR } fsm__log_level;

typedef struct fsm__log {
  int fd;
  bool json;
  _Atomic unsigned least; /* a level; what is below it is not written */
} fsm__log;

void fsm__log_set_level(fsm__log *log, fsm__log_level least); /* any thread, any time */
bool fsm__log_has(const fsm__log *log, fsm__log_level level);

typedef struct fsm__field {
  const char *name;
  const char *text; /* NULL: the number counts */
  uint64_t number;
} fsm__field;

static inline fsm__field fsm__text(const char *name, const char *text) {
  return (fsm__field){name, text ? text : "", 0};
}
static inline fsm__field fsm__number(const char *name, uint64_t number) {
  return (fsm__field){name, NULL, number};
}

/* level: debug, info, warn or error. */
void fsm__log_fields(const fsm__log *log, const char *level, const char *message, const fsm__field *fields,
                     size_t count);
#define FSM__LOG(log, level, message, ...)                                \
  fsm__log_fields(log, level, message, (const fsm__field[]){__VA_ARGS__}, \
                  sizeof((const fsm__field[]){__VA_ARGS__}) / sizeof(fsm__field))

/* A line without fields. */
void fsm__log_line(const fsm__log *log, const char *level, const char *message);
/* A fault as a line of level "error": code, where, detail. */
void fsm__log_error(const fsm__log *log, const char *message, const fsm_error *err);

/* The line itself at a given time, for tests. */
void fsm__log_format(fsm_buf *out, bool json, int64_t now_ns, const char *level, const char *message,
                     const fsm__field *fields, size_t count);

#endif
