/* time_text.c: times and durations as people write them.
 *
 * The calendar is computed here (proleptic Gregorian, days from civil date by eras of 400 years), so
 * that no locale, zone or range of the C library has a say.
 */
#include "schema/time_text.h"

#include <stdio.h>
#include <string.h>

#include "schema/json.h"

enum { DAY_S = 86400, ERA_DAYS = 146097 };
static const int64_t second_ns = 1000000000;

/* ---- RFC 3339 ---------------------------------------------------------------------------------- */

typedef struct date {
  int64_t year;
  unsigned month, day;
} date;

/* Years begin in March here, so that the leap day is the last of its year. */
static date date_of(int64_t days) {
  days += 719468; /* from 0000-03-01 to 1970-01-01 */
  int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
  unsigned of_era = (unsigned)(days - era * ERA_DAYS);
  unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned march = (5 * of_year + 2) / 153;
  unsigned month = march < 10 ? march + 3 : march - 9;
  return (date){era * 400 + year + (month <= 2), month, of_year - (153 * march + 2) / 5 + 1};
}

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
  int64_t days = seconds / DAY_S, of_day = seconds % DAY_S;
  if (of_day < 0) {
    of_day += DAY_S;
    days--;
  }
  date d = date_of(days);
  unsigned s = (unsigned)of_day;
  char fraction[12];
  fraction_text(nanos, fraction);
  snprintf(out, size, "%04lld-%02u-%02uT%02u:%02u:%02u%sZ", (long long)d.year, d.month, d.day, s / 3600,
           s / 60 % 60, s % 60, fraction);
}

void fsm_time_format(int64_t ns, char *out, size_t size) {
  FSM_ASSERT(out && size >= 36);
  int64_t seconds = ns / second_ns, nanos = ns % second_ns;
  if (nanos < 0) {
    nanos += second_ns;
    seconds--;
  }
  fsm__timestamp_text(seconds, (uint32_t)nanos, out, size);
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
  char name[3];
  int64_t ns;
} units[] = {{"ms", 1000000},
             {"d", 86400 * (int64_t)1000000000},
             {"h", 3600 * (int64_t)1000000000},
             {"m", 60 * (int64_t)1000000000},
             {"s", 1000000000}};
enum { UNITS = sizeof units / sizeof *units };

static const char *unit_at(const char *text, int64_t *ns) {
  for (unsigned i = 0; i < UNITS; i++) {
    size_t len = strlen(units[i].name);
    if (strncmp(text, units[i].name, len) != 0) continue;
    *ns = units[i].ns;
    return text + len;
  }
  return NULL;
}

static const char *number_at(const char *text, int64_t *number) {
  const char *p = text;
  int64_t n = 0;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n)) return NULL;
  *number = n;
  return p == text ? NULL : p;
}

fsm_code fsm_duration_parse(const char *text, int64_t *ns, fsm_error *err) {
  FSM_ASSERT(text && ns);
  int64_t sum = 0, before = INT64_MAX;
  const char *p = text;
  bool ok = *p != 0;
  while (ok && *p) {
    int64_t number = 0, unit = 0;
    p = number_at(p, &number);
    if (p) p = unit_at(p, &unit);
    ok = p && unit < before && !__builtin_mul_overflow(number, unit, &number) &&
         !__builtin_add_overflow(sum, number, &sum);
    before = unit;
  }
  if (!ok)
    return fsm_fail(err, FSM_EARGUMENT, "",
                    "\"%.64s\" is no duration; write 90s, 10m, 1h30m, 2d or 500ms, largest unit first", text);
  *ns = sum;
  return FSM_OK;
}

void fsm_duration_format(int64_t ns, char *out, size_t size) {
  FSM_ASSERT(out && size > 0);
  static const unsigned descending[UNITS] = {1, 2, 3, 4, 0};
  uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
  unsigned first = 0;
  while (first < UNITS && left < (uint64_t)units[descending[first]].ns) first++;
  if (first == UNITS) {
    snprintf(out, size, "0s");
    return;
  }
  uint64_t unit = (uint64_t)units[descending[first]].ns;
  int used = snprintf(out, size, "%s%llu%s", ns < 0 ? "-" : "", (unsigned long long)(left / unit),
                      units[descending[first]].name);
  if (first + 1 == UNITS || used < 0 || (size_t)used >= size) return;
  uint64_t next = (uint64_t)units[descending[first + 1]].ns;
  if (left % unit >= next)
    snprintf(out + used, size - (size_t)used, "%llu%s", (unsigned long long)(left % unit / next),
             units[descending[first + 1]].name);
}
