/* expr_time_get.c: the parts of a timestamp, in UTC or in a zone, and the size of a duration.
 *
 * CEL counts months and the days of months, weeks and years from 0, with one exception: getDate is from 1.
 * A duration's getHours, getMinutes and getSeconds are the whole of it in that unit, cut off towards 0;
 * its getMilliseconds is what lies behind the seconds.
 */
#include "fsm/expr_time.h"
#include "fsm/expr_zone.h"

typedef struct local_time {
  int64_t days;    /* since 1970-01-01 */
  unsigned of_day; /* seconds */
  fsm__date date;
} local_time;

static bool zone_offset(fsm__run *run, const fsm_value *args, int32_t *offset) {
  *offset = 0;
  if (run->call->count < 2) return true;
  if (run->call->prepared) {
    *offset = fsm__zone_offset(run->call->prepared, args[0].i);
    return true;
  }
  if (args[1].type != FSM_STRING) return fsm__refuse(run, "a time zone is a string", 1, &args[1], NULL);
  if (fsm__zone_fixed(args[1].s, args[1].len, offset)) return true;
  return fsm__refuse(run, "a time zone that is not written as a literal is UTC or an offset such as +02:00",
                     1, &args[1], NULL);
}

static bool local(fsm__run *run, const fsm_value *args, local_time *out) {
  int32_t offset;
  if (args->type != FSM_TIMESTAMP) return fsm__refuse(run, "expected a timestamp", 1, args, NULL);
  if (args->i < fsm__time_first || args->i > fsm__time_last)
    return fsm__refuse(run, "the time is out of range, which is the years 1 to 9999", 1, args, NULL);
  if (!zone_offset(run, args, &offset)) return false;
  out->days = fsm__split_days(args->i + offset, &out->of_day);
  out->date = fsm__date_of(out->days);
  return true;
}

/* ---- of dates ---------------------------------------------------------------------------------- */

#define DATE_GETTER(name, value)                                                \
  bool fsm__call_##name(fsm__run *run, const fsm_value *args, fsm_value *out) { \
    local_time t;                                                               \
    if (!local(run, args, &t)) return false;                                    \
    *out = fsm_int(value);                                                      \
    return true;                                                                \
  }

DATE_GETTER(getFullYear, t.date.year)
DATE_GETTER(getMonth, t.date.month - 1)
DATE_GETTER(getDate, t.date.day)
DATE_GETTER(getDayOfMonth, t.date.day - 1)
DATE_GETTER(getDayOfYear, t.days - fsm__days_of((fsm__date){t.date.year, 1, 1}))
DATE_GETTER(getDayOfWeek, (t.days % 7 + 7 + 4) % 7) /* 1970-01-01 was a Thursday */

/* ---- of dates and durations -------------------------------------------------------------------- */

/* The receiver is a duration, and there is no zone. */
static bool is_span(fsm__run *run, const fsm_value *args) {
  return args->type == FSM_DURATION && run->call->count == 1;
}

static bool not_both(fsm__run *run, const fsm_value *args) {
  if (args->type == FSM_DURATION) return fsm__refuse(run, "a duration has no time zone", 1, args, NULL);
  return args->type == FSM_TIMESTAMP || fsm__refuse(run, "expected a timestamp or a duration", 1, args, NULL);
}

static bool part_of_day(fsm__run *run, const fsm_value *args, unsigned unit, unsigned wrap, fsm_value *out) {
  if (is_span(run, args)) {
    *out = fsm_int(args->i / unit);
    return true;
  }
  local_time t;
  if (!not_both(run, args) || !local(run, args, &t)) return false;
  *out = fsm_int(t.of_day / unit % wrap);
  return true;
}

bool fsm__call_getHours(fsm__run *run, const fsm_value *args, fsm_value *out) {
  return part_of_day(run, args, 3600, 24, out);
}

bool fsm__call_getMinutes(fsm__run *run, const fsm_value *args, fsm_value *out) {
  return part_of_day(run, args, 60, 60, out);
}

bool fsm__call_getSeconds(fsm__run *run, const fsm_value *args, fsm_value *out) {
  return part_of_day(run, args, 1, 60, out);
}

bool fsm__call_getMilliseconds(fsm__run *run, const fsm_value *args, fsm_value *out) {
  local_time t;
  if (!is_span(run, args) && (!not_both(run, args) || !local(run, args, &t))) return false;
  *out = fsm_int((int32_t)args->len / 1000000);
  return true;
}
