/* time_text.c: instants and spans in nanoseconds as people write them. The calendar is that of
 * expressions.
 */
#include <stdio.h>
#include <string.h>

#include "fsm/expr_time_text.h"
#include "schema/json.h"

static const int64_t second_ns = 1000000000;

/* ---- RFC 3339 ---------------------------------------------------------------------------------- */

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
