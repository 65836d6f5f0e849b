/* definition_delay.c: delays: milliseconds, an expression, a name, or a duration as XState 6 writes it
 * ("200ms", "1.5s", ISO 8601 "PT1H30M", "P2D", "P1W").
 */
#include <string.h>

#include "schema/definition_load.h"

/* ---- durations --------------------------------------------------------------------------------- */

/* A decimal number with at most 15 digits before the point, as thousandths; false when there is none. */
static bool read_decimal(const char **at, int64_t *thousandths) {
  const char *p = *at;
  size_t digits = strspn(p, "0123456789");
  if (digits == 0 || digits > 15) return false;
  int64_t value = 0;
  for (size_t i = 0; i < digits; i++) value = 10 * value + (p[i] - '0');
  value *= 1000;
  p += digits;
  if (*p == '.' || *p == ',') {
    size_t fraction = strspn(++p, "0123456789");
    if (fraction == 0) return false;
    for (size_t i = 0, unit = 100; i < fraction && unit; i++, unit /= 10)
      value += (p[i] - '0') * (int64_t)unit;
    p += fraction;
  }
  *thousandths = value;
  *at = p;
  return true;
}

static const struct unit {
  char letter;
  bool time; /* behind the T */
  int64_t ms;
} units[] = {{'W', false, 604800000},
             {'D', false, 86400000},
             {'H', true, 3600000},
             {'M', true, 60000},
             {'S', true, 1000}};
enum { UNITS = sizeof units / sizeof *units };

/* Largest unit first, each at most once. */
static bool read_iso(const char *text, int64_t *ms) {
  bool time = false;
  size_t next = 0;
  *ms = 0;
  for (text++; *text;) {
    int64_t thousandths, part;
    if (*text == 'T' && !time) {
      time = true;
      if (!*++text) return false;
    }
    if (!read_decimal(&text, &thousandths)) return false;
    while (next < UNITS && (units[next].letter != *text || units[next].time != time)) next++;
    if (next == UNITS || __builtin_mul_overflow(thousandths, units[next].ms, &part) ||
        __builtin_add_overflow(*ms, part / 1000, ms))
      return false;
    next++;
    text++;
  }
  return next > 0;
}

static bool read_duration(const char *text, int64_t *ms) {
  if (*text == 'P') return read_iso(text, ms);
  int64_t thousandths;
  if (!read_decimal(&text, &thousandths)) return false;
  *ms = strcmp(text, "s") == 0 ? thousandths : thousandths / 1000;
  return strcmp(text, "s") == 0 || (strcmp(text, "ms") == 0 && thousandths % 1000 == 0);
}

/* ---- delays ------------------------------------------------------------------------------------ */

static fsm_code literal_delay(fsm__loader *l, fsm_value ms, const char *where, const fsm_def_value **out) {
  double value = ms.type == FSM_DOUBLE ? ms.d : (double)ms.i;
  if (value >= 0 && value <= (double)FSM_DELAY_MS_MAX) return fsm__literal_value(l, ms, where, out);
  return fsm__invalid(l, where, "a delay is 0 to %lld milliseconds", (long long)FSM_DELAY_MS_MAX);
}

static fsm_code delay_of(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  int64_t ms;
  if (fsm__is_expression(node.value)) return fsm__read_def_value(l, node, out);
  if (fsm__node_is(node, FSM_INT) || fsm__node_is(node, FSM_DOUBLE))
    return literal_delay(l, *node.value, node.where, out);
  if (fsm__node_is(node, FSM_STRING) && read_duration(node.value->s, &ms))
    return literal_delay(l, fsm_int(ms), node.where, out);
  return fsm__invalid(
      l, node.where,
      "a delay must be a number of milliseconds, {\"@expr\": …} or a duration like \"1.5s\" or \"PT1H\"");
}

/* A delay or, as XState 6 writes it, {"duration": …}. */
fsm_code fsm__read_named_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  static const char *const keys[] = {"duration", NULL};
  if (node.value->type != FSM_MAP || fsm__is_expression(node.value)) return delay_of(l, node, out);
  fsm_code code = fsm__node_keys(l, node, keys);
  if (code) return code;
  fsm__node duration = fsm__node_get(l, node, "duration");
  if (!duration.value) return fsm__invalid(l, node.where, "\"duration\" is missing");
  return delay_of(l, duration, out);
}

/* No name that anybody gives a delay: "5m", "PT5". */
static bool meant_as_duration(const char *name) {
  const char *digits = name + strspn(name, "PT");
  return *digits >= '0' && *digits <= '9';
}

/* A name is looked for first. */
static fsm_code delay_named(fsm__loader *l, const char *name, const char *where, const fsm_def_value **out) {
  fsm__node delay = fsm__named_get(l, &l->delays, name);
  int64_t ms;
  if (delay.value) return fsm__read_named_delay(l, delay, out);
  if (read_duration(name, &ms)) return literal_delay(l, fsm_int(ms), where, out);
  if (meant_as_duration(name))
    return fsm__invalid(l, where,
                        "there is no delay \"%.64s\" among the machine's delays; a duration is \"90s\", "
                        "\"200ms\", \"PT5M\" or \"P2D\"",
                        name);
  return fsm__named_missing(l, where, "delay", name, &l->delays);
}

fsm_code fsm__read_delay(fsm__loader *l, fsm__node node, const fsm_def_value **out) {
  *out = NULL;
  if (!node.value) return FSM_OK;
  if (node.value->type == FSM_STRING) return delay_named(l, node.value->s, node.where, out);
  return delay_of(l, node, out);
}

fsm_code fsm__read_delay_name(fsm__loader *l, const char *name, const char *where,
                              const fsm_def_value **out) {
  const char *at = name;
  int64_t thousandths;
  if (!read_decimal(&at, &thousandths) || *at || strchr(name, ',')) return delay_named(l, name, where, out);
  fsm_value ms = thousandths % 1000 ? fsm_double((double)thousandths / 1000) : fsm_int(thousandths / 1000);
  return literal_delay(l, ms, where, out);
}
