/* expr_zone.h: time zones: how far local time is from UTC, and since when.
 *
 * A fixed offset is read whenever it is asked for. The rules of an IANA zone come as the bytes of a TZif
 * file (RFC 8536) when an expression is compiled, are checked, and live with the expression, so that an
 * evaluation never asks the machine it runs on. Private to fsm/.
 */
#ifndef FSM_EXPR_ZONE_H
#define FSM_EXPR_ZONE_H

#include "fsm/expr_impl.h"

enum {
  FSM__ZONE_BYTES_MAX = 64 * 1024, /* of a TZif file */
  FSM__ZONE_TIMES_MAX = 2000,      /* transitions in it; what the tz compiler allows itself */
  FSM__ZONE_NAME_MAX = 64,         /* bytes of a name */
  FSM__ZONE_OFFSET_MAX = 26 * 3600 /* seconds from UTC, exclusive; RFC 8536, 3.2 */
};

/* One day of the year on which a rule changes, and the local time of that day: POSIX, "TZ". */
typedef struct fsm__zone_day {
  enum {
    FSM__ZONE_JULIAN /* 1 … 365, never 29 February */,
    FSM__ZONE_ZERO /* 0 … 365 */,
    FSM__ZONE_WEEKDAY
  } kind;
  uint16_t day;              /* JULIAN, ZERO */
  uint8_t month, week, wday; /* WEEKDAY: 1 … 12, 1 … 5 (5 = the last), 0 = Sunday … 6 */
  int32_t time;              /* seconds, −167 h … 167 h */
} fsm__zone_day;

/* What holds behind the last transition. */
typedef struct fsm__zone_rule {
  int32_t standard, summer; /* seconds east of UTC */
  bool two;                 /* false: standard all year long */
  fsm__zone_day begin, end; /* of summer time; begin in standard, end in summer time */
} fsm__zone_rule;

typedef struct fsm__zone fsm__zone;
struct fsm__zone {
  const char *name;
  fsm__zone *next; /* of the same expression */
  int32_t before;  /* until the first transition */
  bool ruled;
  uint32_t count;
  const int64_t *at;      /* ascending, seconds since 1970 */
  const int32_t *offsets; /* from at[i] on */
  fsm__zone_rule rule;
};

/* "+hh:mm", "-hh:mm", "hh:mm" (east) or "UTC". */
bool fsm__zone_fixed(const char *text, size_t len, int32_t *offset);
/* Seconds east of UTC at a time. */
int32_t fsm__zone_offset(const fsm__zone *zone, int64_t seconds);
/* Reads a TZif file, version 1 to 4, whose leap seconds are none. FSM_EMALFORMED or FSM_ETOOLARGE with
 * *reason, or FSM_ENOMEM. */
fsm_code fsm__zone_read(fsm_arena *arena, const void *data, size_t len, fsm__zone *zone, const char **reason);
/* Reads a POSIX TZ text with RFC 8536's extension of times to ±167 h. NULL, or why it is none. */
const char *fsm__zone_rule_read(const char *text, size_t len, fsm__zone_rule *rule);
/* Seconds east of UTC by a rule alone. */
int32_t fsm__zone_rule_offset(const fsm__zone_rule *rule, int64_t seconds);

/* The prepare of the getters: a literal zone name becomes its fsm__zone. */
fsm_code fsm__prepare_zone(fsm__source *source, fsm__node *call);

#endif
