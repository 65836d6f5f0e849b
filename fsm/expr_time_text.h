/* expr_time_text.h: the calendar, and times and durations of any range as text.
 *
 * Hidden, but shared with the writers of texts in schema/, so that an expression and a record show a time
 * alike.
 */
#ifndef FSM_EXPR_TIME_TEXT_H
#define FSM_EXPR_TIME_TEXT_H

#include "fsm/value.h"

enum { FSM__TIME_TEXT_MAX = 64 };

static const int64_t fsm__time_first = -62135596800; /* 0001-01-01T00:00:00Z, in seconds since 1970 */
static const int64_t fsm__time_last = 253402300799;  /* 9999-12-31T23:59:59Z */

/* ---- the calendar: proleptic Gregorian, days since 1970-01-01 -------------------------------------- */

typedef struct fsm__date {
  int64_t year;
  unsigned month, day; /* both from 1 */
} fsm__date;

/* Days of any date of the years ±10^15; the day may lie outside of its month. */
int64_t fsm__days_of(fsm__date date);
fsm__date fsm__date_of(int64_t days);
unsigned fsm__days_in_month(int64_t year, unsigned month);
/* Whole days before `seconds`; *of_day is what is left, 0 … 86399. */
int64_t fsm__split_days(int64_t seconds, unsigned *of_day);

/* ---- texts ------------------------------------------------------------------------------------------ */

/* RFC 3339 in UTC with the fewest of 0, 3, 6, 9 fraction digits. */
void fsm__timestamp_text(int64_t seconds, uint32_t nanos, char *out, size_t size);
/* "1.5s", "-0.25s", "3600s": the form of CEL and of protobuf. nanos has the sign of the whole. */
void fsm__duration_text(int64_t seconds, int32_t nanos, char *out, size_t size);

/* RFC 3339, at most nine digits of fraction, no leap second. NULL, or why it is none. */
const char *fsm__timestamp_parse(const char *text, size_t len, fsm_value *out);
/* CEL's sequence of decimal numbers with the units h, m, s, ms, us, µs, ns behind one sign, or "0"; what is
 * less than a nanosecond is cut off. NULL, or why it is none. */
const char *fsm__duration_parse(const char *text, size_t len, fsm_value *out);

#endif
