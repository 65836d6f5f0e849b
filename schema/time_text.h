/* time_text.h: times and durations of any range as text; json.h has the forms for nanoseconds. */
#ifndef FSM_SCHEMA_TIME_TEXT_H
#define FSM_SCHEMA_TIME_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { FSM__TIME_TEXT_MAX = 64 };

/* RFC 3339 in UTC with the fewest of 0, 3, 6, 9 fraction digits. */
void fsm__timestamp_text(int64_t seconds, uint32_t nanos, char *out, size_t size);
/* "1.5s", "-0.25s", "3600s": the form of CEL and of protobuf. nanos has the sign of the whole. */
void fsm__duration_text(int64_t seconds, int32_t nanos, char *out, size_t size);

#endif
