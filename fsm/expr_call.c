/* expr_call.c: the functions, one row each.
 *
 * To add one: a row in `functions` and the C function behind it; arguments come evaluated, the
 * receiver first.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fsm/expr_impl.h"
#include "fsm/expr_time.h"
#include "fsm/expr_zone.h"

static bool bad_argument(fsm__run *run, const char *reason, const fsm_value *arg) {
  return fsm__refuse(run, reason, 1, arg, NULL);
}

/* ---- strings ----------------------------------------------------------------------------------- */

static bool call_size(fsm__run *run, const fsm_value *args, fsm_value *out) {
  uint32_t size = args->len;
  switch (args->type) {
    case FSM_STRING:
      if (!fsm__work(run, args->len)) return false;
      for (uint32_t i = 0; i < args->len; i++) size -= ((unsigned char)args->s[i] & 0xc0) == 0x80;
      break;
    case FSM_BYTES:
    case FSM_LIST:
    case FSM_MAP: break;
    default: return bad_argument(run, "size() takes a string, bytes, a list or a map", args);
  }
  *out = fsm_int(size);
  return true;
}

static bool two_strings(fsm__run *run, const fsm_value *args) {
  if (args[0].type == FSM_STRING && args[1].type == FSM_STRING)
    return fsm__work(run, (uint64_t)args[0].len + args[1].len);
  return fsm__refuse(run, "expected two strings", 2, &args[0], &args[1]);
}

static bool call_starts(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (!two_strings(run, args)) return false;
  const fsm_value *all = &args[0], *part = &args[1];
  *out = fsm_bool(part->len == 0 || (part->len <= all->len && memcmp(all->s, part->s, part->len) == 0));
  return true;
}

static bool call_ends(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (!two_strings(run, args)) return false;
  const fsm_value *all = &args[0], *part = &args[1];
  *out = fsm_bool(part->len == 0 || (part->len <= all->len &&
                                     memcmp(all->s + (all->len - part->len), part->s, part->len) == 0));
  return true;
}

static bool call_contains(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (!two_strings(run, args)) return false;
  const fsm_value *all = &args[0], *part = &args[1];
  *out = fsm_bool(part->len == 0 || (all->len && memmem(all->s, all->len, part->s, part->len) != NULL));
  return true;
}

/* ---- conversions ------------------------------------------------------------------------------- */

static bool out_of_range(fsm__run *run, const fsm_value *arg) {
  return bad_argument(run, "the value is out of range", arg);
}

/* Digits only; false when text is empty, holds anything else or does not fit. */
static bool read_digits(const char *text, size_t len, uint64_t *value) {
  *value = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
        __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
      return false;
  }
  return len > 0;
}

static bool int_of_text(const fsm_value *text, int64_t *value) {
  bool minus = text->len && text->s[0] == '-';
  size_t sign = text->len && (text->s[0] == '-' || text->s[0] == '+');
  uint64_t size;
  if (!read_digits(text->s + sign, text->len - sign, &size) || size > (uint64_t)INT64_MAX + minus)
    return false;
  *value = minus ? (int64_t)(0 - size) : (int64_t)size;
  return true;
}

static bool call_int(fsm__run *run, const fsm_value *args, fsm_value *out) {
  int64_t value = 0;
  switch (args->type) {
    case FSM_INT: value = args->i; break;
    case FSM_UINT:
      if (args->u > INT64_MAX) return out_of_range(run, args);
      value = (int64_t)args->u;
      break;
    case FSM_DOUBLE: /* open at both ends, as in CEL: the doubles there stand for more than themselves */
      if (!(args->d > -0x1p63 && args->d < 0x1p63)) return out_of_range(run, args);
      value = (int64_t)args->d;
      break;
    case FSM_STRING:
      if (!fsm__work(run, args->len)) return false;
      if (!int_of_text(args, &value)) return bad_argument(run, "the string is not an int", args);
      break;
    case FSM_TIMESTAMP: value = args->i; break;
    case FSM_DURATION:
      if (!fsm__duration_ns(args, &value)) return out_of_range(run, args);
      break;
    default: return bad_argument(run, "int() takes a number, a string or a time", args);
  }
  *out = fsm_int(value);
  return true;
}

static bool call_uint(fsm__run *run, const fsm_value *args, fsm_value *out) {
  uint64_t value = 0;
  switch (args->type) {
    case FSM_UINT: value = args->u; break;
    case FSM_INT:
      if (args->i < 0) return out_of_range(run, args);
      value = (uint64_t)args->i;
      break;
    case FSM_DOUBLE:
      if (!(args->d >= 0 && args->d < 0x1p64)) return out_of_range(run, args);
      value = (uint64_t)args->d;
      break;
    case FSM_STRING:
      if (!fsm__work(run, args->len)) return false;
      if (!read_digits(args->s, args->len, &value))
        return bad_argument(run, "the string is not a uint", args);
      break;
    default: return bad_argument(run, "uint() takes a number or a string", args);
  }
  *out = fsm_uint(value);
  return true;
}

static bool double_of_text(const fsm_value *text, double *value) {
  static const struct {
    const char *text;
    double value;
  } words[] = {{"NaN", NAN},      {"Infinity", INFINITY}, {"+Infinity", INFINITY}, {"-Infinity", -INFINITY},
               {"inf", INFINITY}, {"+inf", INFINITY},     {"-inf", -INFINITY},     {"nan", NAN}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!fsm_is_text(text, words[i].text)) continue;
    *value = words[i].value;
    return true;
  }
  return fsm__double_of(text->s, text->len, value) && !isinf(*value);
}

static bool call_double(fsm__run *run, const fsm_value *args, fsm_value *out) {
  double value = 0;
  switch (args->type) {
    case FSM_INT: value = (double)args->i; break;
    case FSM_UINT: value = (double)args->u; break;
    case FSM_DOUBLE: value = args->d; break;
    case FSM_STRING:
      if (!fsm__work(run, args->len)) return false;
      if (!double_of_text(args, &value)) return bad_argument(run, "the string is not a double", args);
      break;
    default: return bad_argument(run, "double() takes a number or a string", args);
  }
  *out = fsm_double(value);
  return true;
}

static bool made_text(fsm__run *run, const char *text, size_t len, fsm_value *out) {
  if (!fsm__work(run, len)) return false;
  const char *copy = fsm_arena_strndup(run->arena, text, len);
  if (!copy) return fsm__no_memory(run);
  *out = fsm_stringn(copy, len);
  return true;
}

static bool text_of_bytes(fsm__run *run, const fsm_value *bytes, fsm_value *out) {
  if (!fsm__work(run, bytes->len)) return false;
  for (size_t at = 0, width; at < bytes->len; at += width) {
    width = fsm__utf8_sequence(bytes->s + at, bytes->len - at);
    if (!width) return bad_argument(run, "the bytes are not valid UTF-8", bytes);
  }
  *out = fsm_stringn(bytes->s, bytes->len);
  return true;
}

static bool call_string(fsm__run *run, const fsm_value *args, fsm_value *out) {
  char text[FSM__DOUBLE_TEXT];
  int len;
  switch (args->type) {
    case FSM_STRING: *out = *args; return true;
    case FSM_BYTES: return text_of_bytes(run, args, out);
    case FSM_BOOL: *out = fsm_string(args->b ? "true" : "false"); return true;
    case FSM_INT: len = snprintf(text, sizeof text, "%lld", (long long)args->i); break;
    case FSM_UINT: len = snprintf(text, sizeof text, "%llu", (unsigned long long)args->u); break;
    case FSM_DOUBLE: len = (int)fsm__double_text(args->d, text); break;
    case FSM_TIMESTAMP:
    case FSM_DURATION: return fsm__text_of_time(run, args, out);
    default: return bad_argument(run, "string() takes a number, a bool, a string, bytes or a time", args);
  }
  return made_text(run, text, (size_t)len, out);
}

/* Everything is dynamic here; CEL writes dyn() to say so. */
static bool call_dyn(fsm__run *run, const fsm_value *args, fsm_value *out) {
  (void)run;
  *out = *args;
  return true;
}

static bool call_bool(fsm__run *run, const fsm_value *args, fsm_value *out) {
  static const char *const words[] = {"0", "f", "F", "false", "False", "FALSE",
                                      "1", "t", "T", "true",  "True",  "TRUE"};
  enum { WORDS = sizeof words / sizeof *words };
  if (args->type == FSM_BOOL) {
    *out = *args;
    return true;
  }
  if (args->type != FSM_STRING) return bad_argument(run, "bool() takes a bool or a string", args);
  for (size_t i = 0; i < WORDS; i++) {
    if (!fsm_is_text(args, words[i])) continue;
    *out = fsm_bool(i >= WORDS / 2);
    return true;
  }
  return bad_argument(run, "the string is not a bool", args);
}

static bool call_bytes(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args->type != FSM_STRING && args->type != FSM_BYTES)
    return bad_argument(run, "bytes() takes a string or bytes", args);
  *out = fsm_bytes(args->s, args->len);
  return true;
}

/* ---- the configuration ------------------------------------------------------------------------- */

enum { ASKING = 64 }; /* what looking for a state by its name is worth, as work */

bool fsm__call_in(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args->type != FSM_STRING) return bad_argument(run, "In() takes the path of a state as a string", args);
  const fsm_scope *scope = run->scope;
  if (!fsm__work(run, ASKING + args->len)) return false;
  *out = fsm_bool(scope->in && scope->in(scope->in_arg, args->s, args->len));
  return true;
}

/* ---- the tables -------------------------------------------------------------------------------- */

static const fsm__function functions[] = {
    /* name, arguments, of these optional, f(x), x.f(), call, prepare */
    {"size", 1, 0, true, true, call_size, NULL},
    {"startsWith", 2, 0, false, true, call_starts, NULL},
    {"endsWith", 2, 0, false, true, call_ends, NULL},
    {"contains", 2, 0, false, true, call_contains, NULL},
    {"int", 1, 0, true, false, call_int, NULL},
    {"uint", 1, 0, true, false, call_uint, NULL},
    {"double", 1, 0, true, false, call_double, NULL},
    {"string", 1, 0, true, false, call_string, NULL},
    {"dyn", 1, 0, true, false, call_dyn, NULL},
    {"In", 1, 0, true, false, fsm__call_in, NULL},
    {"bool", 1, 0, true, false, call_bool, NULL},
    {"bytes", 1, 0, true, false, call_bytes, NULL},
    {"type", 1, 0, true, false, fsm__call_type, NULL},
    {"optional.of", 1, 0, true, false, fsm__call_optional_of, NULL},
    {"optional.none", 0, 0, true, false, fsm__call_optional_none, NULL},
    {"optional.ofNonZeroValue", 1, 0, true, false, fsm__call_optional_of_non_zero, NULL},
    {"hasValue", 1, 0, false, true, fsm__call_has_value, NULL},
    {"value", 1, 0, false, true, fsm__call_value, NULL},
    {"matches", 2, 0, true, true, fsm__call_matches, fsm__prepare_matches},
    {"timestamp", 1, 0, true, false, fsm__call_timestamp, NULL},
    {"duration", 1, 0, true, false, fsm__call_duration, NULL},
#define X(name) {#name, 2, 1, false, true, fsm__call_##name, fsm__prepare_zone},
    FSM__TIME_GETTERS(X)
#undef X
};

const fsm__function *fsm__function_find(const char *name, size_t len) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0) return &functions[i];
  return NULL;
}
