/* target.h: a request target (RFC 9112 3.2.1) in its decoded parts. */
#ifndef FSM_DAEMON_TARGET_H
#define FSM_DAEMON_TARGET_H

#include "fsm/fsm.h"

enum { FSM__SEGMENTS_MAX = 8, FSM__PARAMS_MAX = 48 };

typedef struct fsm__param {
  const char *name, *value;
} fsm__param;

typedef struct fsm__target {
  const char *segments[FSM__SEGMENTS_MAX]; /* of the path, each decoded by itself */
  size_t segment_count;                    /* one more than the array when there are too many */
  fsm__param params[FSM__PARAMS_MAX];
  size_t param_count;
} fsm__target;

/* FSM_EMALFORMED: a bad escape, NUL, not UTF-8, a parameter twice (but those that a filter may have
 * more than once: runtime/filter.h); where is "path" or "?name". In the query + is a space. */
FSM_MUST_USE fsm_code fsm__target_parse(fsm_arena *arena, const char *text, fsm__target *out, fsm_error *err);
/* NULL = not given. */
const char *fsm__target_param(const fsm__target *target, const char *name);
/* true or false; *out is untouched when it is not given. FSM_EARGUMENT: where is "?name". */
FSM_MUST_USE fsm_code fsm__target_bool(const fsm__target *target, const char *name, bool *out,
                                       fsm_error *err);
/* Digits from min to max; *out is untouched when it is not given. FSM_EARGUMENT: where is "?name". */
FSM_MUST_USE fsm_code fsm__target_number(const fsm__target *target, const char *name, unsigned min,
                                         unsigned max, unsigned *out, fsm_error *err);

#endif
