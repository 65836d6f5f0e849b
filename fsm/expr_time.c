/* expr_time.c: making timestamps and durations, and calculating with them.
 *
 * Nothing wraps: a sum outside the years 1 to 9999, or a duration that 64 bits of nanoseconds do not hold,
 * is an error, as in CEL.
 */
#include "fsm/expr_time.h"

#include <string.h>

static const int64_t second_ns = 1000000000;

static const char time_range[] = "the result is out of range, which is the years 1 to 9999";
static const char duration_range[] = "the result is out of range, which is 64 bits of nanoseconds";

bool fsm__duration_ns(const fsm_value *duration, int64_t *ns) {
  return !__builtin_mul_overflow(duration->i, second_ns, ns) &&
         !__builtin_add_overflow(*ns, (int64_t)(int32_t)duration->len, ns);
}

fsm_value fsm__duration_of(int64_t ns) {
  return (fsm_value){.type = FSM_DURATION, .len = (uint32_t)(int32_t)(ns % second_ns), .i = ns / second_ns};
}

/* ---- making ------------------------------------------------------------------------------------ */

static bool made_from_text(fsm__run *run, const char *parse(const char *, size_t, fsm_value *),
                           const fsm_value *text, fsm_value *out) {
  if (!fsm__work(run, text->len)) return false;
  fsm_value made = fsm_null();
  const char *reason = parse(text->s, text->len, &made);
  if (reason) return fsm__refuse(run, reason, 1, text, NULL);
  *out = made;
  return true;
}

bool fsm__call_timestamp(fsm__run *run, const fsm_value *args, fsm_value *out) {
  switch (args->type) {
    case FSM_TIMESTAMP: *out = *args; return true;
    case FSM_STRING: return made_from_text(run, fsm__timestamp_parse, args, out);
    case FSM_INT:
      if (args->i < fsm__time_first || args->i > fsm__time_last)
        return fsm__refuse(run, time_range, 1, args, NULL);
      *out = (fsm_value){.type = FSM_TIMESTAMP, .i = args->i};
      return true;
    default: return fsm__refuse(run, "timestamp() takes a string or seconds since 1970", 1, args, NULL);
  }
}

bool fsm__call_duration(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args->type == FSM_STRING) return made_from_text(run, fsm__duration_parse, args, out);
  if (args->type != FSM_DURATION) return fsm__refuse(run, "duration() takes a string", 1, args, NULL);
  *out = *args;
  return true;
}

bool fsm__text_of_time(fsm__run *run, const fsm_value *value, fsm_value *out) {
  char text[FSM__TIME_TEXT_MAX];
  if (value->type == FSM_TIMESTAMP)
    fsm__timestamp_text(value->i, value->len, text, sizeof text);
  else
    fsm__duration_text(value->i, (int32_t)value->len, text, sizeof text);
  size_t len = strlen(text);
  if (!fsm__work(run, len)) return false;
  const char *copy = fsm_arena_strndup(run->arena, text, len);
  if (!copy) return fsm__no_memory(run);
  *out = fsm_stringn(copy, len);
  return true;
}

/* ---- calculating ------------------------------------------------------------------------------- */

/* time + sign × duration */
static bool moved(fsm__run *run, const fsm_value *time, const fsm_value *duration, int sign, fsm_value *out) {
  int64_t seconds, nanos = (int64_t)time->len + sign * (int64_t)(int32_t)duration->len;
  bool over = sign > 0 ? __builtin_add_overflow(time->i, duration->i, &seconds)
                       : __builtin_sub_overflow(time->i, duration->i, &seconds);
  int64_t carry = nanos / second_ns - (nanos % second_ns < 0);
  over = over || __builtin_add_overflow(seconds, carry, &seconds);
  if (over || seconds < fsm__time_first || seconds > fsm__time_last)
    return fsm__refuse(run, time_range, 2, time, duration);
  *out = (fsm_value){.type = FSM_TIMESTAMP, .len = (uint32_t)(nanos - carry * second_ns), .i = seconds};
  return true;
}

/* a − b of two timestamps */
static bool between(fsm__run *run, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  int64_t seconds, nanos = (int64_t)a->len - (int64_t)b->len, ns;
  bool over = __builtin_sub_overflow(a->i, b->i, &seconds);
  /* of one sign, so that the product below is never further from 0 than the sum */
  if (seconds < 0 && nanos > 0) seconds++, nanos -= second_ns;
  if (over || __builtin_mul_overflow(seconds, second_ns, &ns) || __builtin_add_overflow(ns, nanos, &ns))
    return fsm__refuse(run, duration_range, 2, a, b);
  *out = fsm__duration_of(ns);
  return true;
}

static bool summed(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  int64_t x, y, ns;
  if (!fsm__duration_ns(a, &x) || !fsm__duration_ns(b, &y) ||
      (op == FSM__ADD ? __builtin_add_overflow(x, y, &ns) : __builtin_sub_overflow(x, y, &ns)))
    return fsm__refuse(run, duration_range, 2, a, b);
  *out = fsm__duration_of(ns);
  return true;
}

bool fsm__time_arithmetic(fsm__run *run, fsm__op op, const fsm_value *a, const fsm_value *b, fsm_value *out) {
  bool add = op == FSM__ADD, sub = op == FSM__SUB;
  if (add || sub) {
    if (a->type == FSM_TIMESTAMP && b->type == FSM_DURATION) return moved(run, a, b, add ? 1 : -1, out);
    if (a->type == FSM_DURATION && b->type == FSM_TIMESTAMP && add) return moved(run, b, a, 1, out);
    if (a->type == FSM_TIMESTAMP && b->type == FSM_TIMESTAMP && sub) return between(run, a, b, out);
    if (a->type == FSM_DURATION && b->type == FSM_DURATION) return summed(run, op, a, b, out);
  }
  return fsm__refuse(run, "the operator does not take these operands", 2, a, b);
}
