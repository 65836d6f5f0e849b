/* expr_zone_rule.c: the rule behind a zone's last transition: the TZ text of POSIX (8.3), with times of day
 * to ±167 hours as RFC 8536 (3.3.1) extends it.
 *
 *   std offset [dst [offset] , start [/time] , end [/time]]
 *
 * Offsets there count west; here they count east of UTC. Summer time without its two days is refused: which
 * days were meant is left to each system.
 */
#include <string.h>

#include "fsm/expr_time_text.h"
#include "fsm/expr_zone.h"

typedef struct reader {
  const char *at, *end;
} reader;

static bool take(reader *r, char c) {
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static bool number(reader *r, unsigned least, unsigned most, unsigned *value) {
  const char *begin = r->at;
  *value = 0;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - begin < 4; r->at++)
    *value = *value * 10 + (unsigned)(*r->at - '0');
  return r->at > begin && *value >= least && *value <= most;
}

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/* At least three letters, or <…> of letters, digits and signs. */
static bool name(reader *r) {
  const char *begin = r->at;
  if (!take(r, '<')) {
    while (r->at < r->end && is_letter(*r->at)) r->at++;
    return r->at - begin >= 3;
  }
  while (r->at < r->end &&
         (is_letter(*r->at) || (*r->at >= '0' && *r->at <= '9') || *r->at == '+' || *r->at == '-'))
    r->at++;
  return r->at - begin >= 4 && take(r, '>');
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(reader *r, unsigned hours_max, int32_t *seconds) {
  unsigned hours, minutes = 0, rest = 0;
  bool minus = take(r, '-');
  if (!minus) take(r, '+');
  if (!number(r, 0, hours_max, &hours)) return false;
  if (take(r, ':') && (!number(r, 0, 59, &minutes) || (take(r, ':') && !number(r, 0, 59, &rest))))
    return false;
  *seconds = (int32_t)(hours * 3600 + minutes * 60 + rest) * (minus ? -1 : 1);
  return true;
}

static bool day(reader *r, fsm__zone_day *out) {
  unsigned value = 0, month = 0, week = 0;
  *out = (fsm__zone_day){.time = 2 * 3600};
  if (take(r, 'M')) {
    out->kind = FSM__ZONE_WEEKDAY;
    if (!number(r, 1, 12, &month) || !take(r, '.') || !number(r, 1, 5, &week) || !take(r, '.') ||
        !number(r, 0, 6, &value))
      return false;
    out->month = (uint8_t)month, out->week = (uint8_t)week, out->wday = (uint8_t)value;
  } else {
    bool julian = take(r, 'J');
    out->kind = julian ? FSM__ZONE_JULIAN : FSM__ZONE_ZERO;
    if (!number(r, julian ? 1 : 0, 365, &value)) return false;
    out->day = (uint16_t)value;
  }
  return !take(r, '/') || clock_time(r, 167, &out->time);
}

const char *fsm__zone_rule_read(const char *text, size_t len, fsm__zone_rule *rule) {
  FSM_ASSERT((text || !len) && rule);
  reader r = {text, text + len};
  *rule = (fsm__zone_rule){0};
  if (!name(&r) || !clock_time(&r, 24, &rule->standard))
    return "its rule for later times has no standard time";
  rule->standard = -rule->standard;
  if (r.at == r.end) return NULL;
  rule->two = true;
  rule->summer = rule->standard + 3600;
  if (!name(&r)) return "its rule for later times has no summer time";
  if (r.at < r.end && *r.at != ',') {
    if (!clock_time(&r, 24, &rule->summer)) return "its rule for later times has no summer time";
    rule->summer = -rule->summer;
  }
  if (!take(&r, ',') || !day(&r, &rule->begin) || !take(&r, ',') || !day(&r, &rule->end) || r.at != r.end)
    return "its rule for later times does not say when summer time begins and ends";
  return NULL;
}

/* ---- which offset ------------------------------------------------------------------------------ */

/* The days since 1970-01-01 of a rule's day in a year. */
static int64_t day_of(const fsm__zone_day *day, int64_t year) {
  if (day->kind != FSM__ZONE_WEEKDAY) {
    int64_t first = fsm__days_of((fsm__date){year, 1, 1});
    if (day->kind == FSM__ZONE_ZERO) return first + day->day;
    bool leap = fsm__days_in_month(year, 2) == 29;
    return first + day->day - 1 + (leap && day->day >= 60);
  }
  int64_t first = fsm__days_of((fsm__date){year, day->month, 1});
  int64_t wday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
  int64_t of_month = (day->wday - wday + 7) % 7 + (day->week - 1) * 7;
  if (of_month >= (int64_t)fsm__days_in_month(year, day->month)) of_month -= 7;
  return first + of_month;
}

/* The changes of three years, of which the last one not after `seconds` holds: so it does not matter whether
 * a year begins in summer time, or a time of day reaches into another year. When summer time ends and begins
 * at one instant it goes on. */
int32_t fsm__zone_rule_offset(const fsm__zone_rule *rule, int64_t seconds) {
  FSM_ASSERT(rule);
  if (!rule->two) return rule->standard;
  unsigned of_day;
  int64_t year = fsm__date_of(fsm__split_days(seconds + rule->standard, &of_day)).year;
  int64_t latest = INT64_MIN;
  int32_t offset = rule->standard;
  for (int64_t y = year - 1; y <= year + 1; y++) {
    int64_t begin = day_of(&rule->begin, y) * 86400 + rule->begin.time - rule->standard;
    int64_t end = day_of(&rule->end, y) * 86400 + rule->end.time - rule->summer;
    if (end <= seconds && end > latest) latest = end, offset = rule->standard;
    if (begin <= seconds && begin >= latest) latest = begin, offset = rule->summer;
  }
  return offset;
}
