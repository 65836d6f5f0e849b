/* expr_time.h: timestamps and durations in expressions: the functions and operators of CEL on them.
 *
 * Private to fsm/. A timestamp is of the years 1 to 9999, a duration
 * is what 64 bits of nanoseconds hold (about ±292 years); a value from outside may be beyond that, and every
 * function here that makes one out of it says so instead of wrapping.
 */
#ifndef FSM_EXPR_TIME_H
#define FSM_EXPR_TIME_H

#include "fsm/expr_impl.h"
#include "fsm/expr_time_text.h"

/* ---- functions and operators ------------------------------------------------------------------------- */

bool fsm__call_timestamp(fsm__run *run, const fsm_value *args, fsm_value *out);
bool fsm__call_duration(fsm__run *run, const fsm_value *args, fsm_value *out);
/* string() of a timestamp or a duration. */
bool fsm__text_of_time(fsm__run *run, const fsm_value *value, fsm_value *out);
/* The nanoseconds of a duration; false when 64 bits do not hold them. */
bool fsm__duration_ns(const fsm_value *duration, int64_t *ns);
fsm_value fsm__duration_of(int64_t ns);
/* + and - when a or b is a timestamp or a duration. */
bool fsm__time_arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out);
/* The getters: one row each in expr_call.c. All look at run->call for the zone. */
#define FSM__TIME_GETTERS(X)                                                               \
  X(getFullYear)                                                                           \
  X(getMonth)                                                                              \
  X(getDate)                                                                               \
  X(getDayOfMonth) X(getDayOfWeek) X(getDayOfYear) X(getHours) X(getMinutes) X(getSeconds) \
      X(getMilliseconds)
#define X(name) bool fsm__call_##name(fsm__run *run, const fsm_value *args, fsm_value *out);
FSM__TIME_GETTERS(X)
#undef X

#endif
