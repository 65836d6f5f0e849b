/* expr_time_text.c: the calendar, and times and durations as text.
 *
 * The calendar is computed here (days from civil date by eras of 400 years, whose years begin in March so
 * that the leap day is the last of its year): no locale, zone or range of the C library has a say. Reading
 * and writing are inverse on everything that CEL calls a timestamp or a duration.
 */
#include "fsm/expr_time_text.h"

#include <stdio.h>
#include <string.h>

#include "fsm/expr_time.h"

enum { DAY_S = 86400, ERA_DAYS = 146097, TO_1970 = 719468 /* days from 0000-03-01 */ };

/* ---- the calendar ------------------------------------------------------------------------------ */

fsm__date fsm__date_of(int64_t days) {
  days += TO_1970;
  int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
  unsigned of_era = (unsigned)(days - era * ERA_DAYS);
  unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned march = (5 * of_year + 2) / 153;
  unsigned month = march < 10 ? march + 3 : march - 9;
  return (fsm__date){era * 400 + year + (month <= 2), month, of_year - (153 * march + 2) / 5 + 1};
}

int64_t fsm__days_of(fsm__date date) {
  int64_t year = date.year - (date.month <= 2);
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  unsigned of_era = (unsigned)(year - era * 400);
  unsigned march = date.month > 2 ? date.month - 3 : date.month + 9;
  int64_t of_year = (153 * march + 2) / 5;
  return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year + date.day - 1 - TO_1970;
}

unsigned fsm__days_in_month(int64_t year, unsigned month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int64_t fsm__split_days(int64_t seconds, unsigned *of_day) {
  int64_t days = seconds / DAY_S, rest = seconds % DAY_S;
  if (rest < 0) days--, rest += DAY_S;
  *of_day = (unsigned)rest;
  return days;
}

/* ---- timestamps -------------------------------------------------------------------------------- */

/* ".5" and so on in groups of three digits, "" for none. */
static void fraction_text(uint32_t nanos, char out[12]) {
  out[0] = 0;
  if (nanos == 0) return;
  snprintf(out, 12, ".%09u", nanos % 1000000000u);
  if (nanos % 1000000 == 0)
    out[4] = 0;
  else if (nanos % 1000 == 0)
    out[7] = 0;
}

void fsm__timestamp_text(int64_t seconds, uint32_t nanos, char *out, size_t size) {
  unsigned s;
  fsm__date d = fsm__date_of(fsm__split_days(seconds, &s));
  char fraction[12];
  fraction_text(nanos, fraction);
  snprintf(out, size, "%04lld-%02u-%02uT%02u:%02u:%02u%sZ", (long long)d.year, d.month, d.day, s / 3600,
           s / 60 % 60, s % 60, fraction);
}

/* Exactly `count` digits at *text; false when they are not there. */
static bool digits_at(const char **text, const char *end, unsigned count, unsigned *value) {
  *value = 0;
  if (end - *text < (ptrdiff_t)count) return false;
  for (unsigned i = 0; i < count; i++, (*text)++) {
    if (**text < '0' || **text > '9') return false;
    *value = *value * 10 + (unsigned)(**text - '0');
  }
  return true;
}

static bool char_at(const char **text, const char *end, const char *any) {
  if (*text == end || !**text || !strchr(any, **text)) return false;
  (*text)++;
  return true;
}

/* ".123" in nanoseconds; false without digits or with more than nine. */
static bool fraction_at(const char **text, const char *end, uint32_t *nanos) {
  unsigned count = 0, digit;
  *nanos = 0;
  for (uint32_t scale = 100000000; digits_at(text, end, 1, &digit); scale /= 10, count++)
    *nanos += digit * scale;
  return count >= 1 && count <= 9;
}

/* "Z" or "+hh:mm", in seconds. */
static bool offset_at(const char **text, const char *end, int64_t *offset) {
  unsigned hours, minutes;
  *offset = 0;
  if (char_at(text, end, "Zz")) return true;
  bool minus = *text != end && **text == '-';
  if (!char_at(text, end, "+-") || !digits_at(text, end, 2, &hours) || !char_at(text, end, ":") ||
      !digits_at(text, end, 2, &minutes) || hours > 23 || minutes > 59)
    return false;
  *offset = (int64_t)(hours * 3600 + minutes * 60) * (minus ? -1 : 1);
  return true;
}

const char *fsm__timestamp_parse(const char *text, size_t len, fsm_value *out) {
  FSM_ASSERT((text || !len) && out);
  static const char *const malformed = "the string is not an RFC 3339 time such as 2026-01-31T12:00:00Z";
  const char *at = len ? text : "", *end = at + len;
  unsigned year, month, day, hour, minute, second;
  uint32_t nanos = 0;
  int64_t offset;
  if (!digits_at(&at, end, 4, &year) || !char_at(&at, end, "-") || !digits_at(&at, end, 2, &month) ||
      !char_at(&at, end, "-") || !digits_at(&at, end, 2, &day) || !char_at(&at, end, "Tt") ||
      !digits_at(&at, end, 2, &hour) || !char_at(&at, end, ":") || !digits_at(&at, end, 2, &minute) ||
      !char_at(&at, end, ":") || !digits_at(&at, end, 2, &second))
    return malformed;
  if (char_at(&at, end, ".") && !fraction_at(&at, end, &nanos))
    return "a time has one to nine digits behind the second's point";
  if (!offset_at(&at, end, &offset) || at != end) return malformed;
  if (month < 1 || month > 12 || day < 1 || day > fsm__days_in_month(year, month))
    return "there is no such day in the calendar";
  if (hour > 23 || minute > 59 || second > 59) return "there is no such time of day";
  int64_t days = fsm__days_of((fsm__date){year, month, day});
  int64_t seconds = days * DAY_S + hour * 3600 + minute * 60 + second - offset;
  if (seconds < fsm__time_first || seconds > fsm__time_last)
    return "the time is out of range, which is the years 1 to 9999";
  *out = (fsm_value){.type = FSM_TIMESTAMP, .len = nanos, .i = seconds};
  return NULL;
}

/* ---- durations --------------------------------------------------------------------------------- */

void fsm__duration_text(int64_t seconds, int32_t nanos, char *out, size_t size) {
  bool negative = seconds < 0 || nanos < 0;
  uint64_t whole = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;
  uint32_t part = nanos < 0 ? 0 - (uint32_t)nanos : (uint32_t)nanos;
  char fraction[12] = "";
  if (part) snprintf(fraction, sizeof fraction, ".%09u", part % 1000000000u);
  for (size_t end = strlen(fraction); end && fraction[end - 1] == '0'; end--) fraction[end - 1] = 0;
  snprintf(out, size, "%s%llu%ss", negative ? "-" : "", (unsigned long long)whole, fraction);
}

/* Longest name first where one begins another. */
static const struct {
  const char *name;
  uint64_t ns;
} units[] = {{"ns", 1},       {"us", 1000},      {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
             {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000}};

static uint64_t unit_at(const char **text, const char *end) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t len = strlen(units[i].name);
    if ((size_t)(end - *text) < len || memcmp(*text, units[i].name, len) != 0) continue;
    *text += len;
    return units[i].ns;
  }
  return 0;
}

/* The digits from `digits` to `end` behind a point, in a unit, rounded down: floors nest, so that dividing
 * once per digit from the last on loses nothing. */
static uint64_t part_of(const char *digits, const char *end, uint64_t unit) {
  uint64_t part = 0;
  while (end > digits) part = ((uint64_t)(*--end - '0') * unit + part) / 10;
  return part;
}

static const char *skip_digits(const char *text, const char *end) {
  while (text < end && *text >= '0' && *text <= '9') text++;
  return text;
}

typedef enum reading { READ, NO_TERM, TOO_LONG } reading;

/* One number with its unit, added to *sum. */
static reading term_at(const char **text, const char *end, uint64_t *sum) {
  const char *whole = *text, *whole_end = skip_digits(whole, end), *part = whole_end, *part_end = part;
  if (part < end && *part == '.') part++, part_end = skip_digits(part, end);
  *text = part_end;
  uint64_t unit = unit_at(text, end), value = 0;
  if (!unit || (whole == whole_end && part == part_end)) return NO_TERM;
  bool over = false;
  for (; whole < whole_end; whole++)
    over |= __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*whole - '0'), &value);
  over |= __builtin_mul_overflow(value, unit, &value) ||
          __builtin_add_overflow(value, part_of(part, part_end, unit), &value) ||
          __builtin_add_overflow(*sum, value, sum);
  return over ? TOO_LONG : READ;
}

const char *fsm__duration_parse(const char *text, size_t len, fsm_value *out) {
  FSM_ASSERT((text || !len) && out);
  const char *at = len ? text : "", *end = at + len;
  bool minus = at < end && *at == '-', over = false;
  uint64_t sum = 0;
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (end - at != 1 || *at != '0') {
    do {
      reading term = term_at(&at, end, &sum);
      if (term == NO_TERM) return "the string is not a duration such as 1h30m, 90s or -0.5ms";
      over |= term == TOO_LONG;
    } while (at < end);
  }
  if (over || sum > (uint64_t)INT64_MAX + minus)
    return "the duration is out of range, which is 64 bits of nanoseconds";
  *out = fsm__duration_of(minus ? (int64_t)(0 - sum) : (int64_t)sum);
  return NULL;
}
