/* text.c: document values as text. */
#include "tools/cli/show/text.h"

#include <string.h>
#include <time.h>

#include "schema/json.h"
#include "tools/cli/show/screen.h"
#include "tools/cli/show/width.h"

#define NS_PER_S INT64_C(1000000000)

/* Moves what the buffer holds into the arena, escaped. */
static const char *settle(fsm_arena *arena, fsm_buf *raw) {
  fsm_buf safe = {0};
  cli_escape(&safe, fsm_buf_text(raw), raw->len);
  const char *text = fsm_arena_strndup(arena, fsm_buf_text(&safe), safe.len);
  fsm_buf_free(&safe);
  fsm_buf_free(raw);
  return text == NULL ? "" : text;
}

static void add_scalar(fsm_buf *buf, const fsm_value *value) {
  if (fsm_is(value, FSM_STRING))
    fsm_buf_add(buf, value->s, value->len);
  else if (!fsm_is(value, FSM_NULL))
    fsm_json_write(buf, value);
}

const char *cli_text(fsm_arena *arena, const fsm_value *value) {
  if (value == NULL) return "";
  if (fsm_is(value, FSM_STRING) && cli_plain(value->s, value->len) == value->len) {
    const char *text = fsm_arena_strndup(arena, value->s, value->len);
    return text == NULL ? "" : text;
  }
  fsm_buf buf = {0};
  if (fsm_is(value, FSM_LIST)) {
    for (uint32_t i = 0; i < value->len; i++) {
      if (i > 0) fsm_buf_str(&buf, ", ");
      add_scalar(&buf, &value->items[i]);
    }
  } else {
    add_scalar(&buf, value);
  }
  return settle(arena, &buf);
}

const char *cli_field(fsm_arena *arena, const fsm_value *document, const char *name) {
  return cli_text(arena, fsm_map_get(document, name));
}

const char *cli_safe(fsm_arena *arena, const char *text) {
  fsm_buf buf = {0};
  fsm_buf_str(&buf, text);
  return settle(arena, &buf);
}

const char *cli_time(fsm_arena *arena, const fsm_value *value) {
  char *text = fsm_arena_strdup(arena, cli_text(arena, value));
  if (text == NULL) return "";
  char *point = strchr(text, '.');
  int64_t ns;
  if (point != NULL && cli_time_ns(value, &ns)) point[0] = 'Z', point[1] = 0;
  return text;
}

const char *cli_age(fsm_arena *arena, int64_t ns) {
  char text[64];
  if (ns > NS_PER_S) ns -= ns % NS_PER_S; /* nobody waits for milliseconds */
  fsm_duration_format(ns < 0 ? 0 : ns, text, sizeof text);
  const char *copy = fsm_arena_strdup(arena, text);
  return copy == NULL ? "" : copy;
}

const char *cli_bytes(fsm_arena *arena, int64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = bytes < 0 ? 0 : (double)bytes;
  unsigned unit = 0;
  for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++) value /= 1024;
  const char *text = fsm_arena_printf(arena, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text == NULL ? "" : text;
}

static bool digits(const char *text, size_t len, int64_t *out) {
  int64_t number = 0;
  if (len == 0) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text[i] - '0', &number))
      return false;
  }
  *out = number;
  return true;
}

bool cli_number(const fsm_value *value, int64_t *out) {
  if (value == NULL) return false;
  if (fsm_is(value, FSM_STRING)) return digits(value->s, value->len, out);
  if (fsm_is(value, FSM_UINT) && value->u <= INT64_MAX) {
    *out = (int64_t)value->u;
    return true;
  }
  if (!fsm_is(value, FSM_INT)) return false;
  *out = value->i;
  return true;
}

/* ".123456" as nanoseconds. */
static bool fraction(const char *text, size_t len, int64_t *ns) {
  int64_t number;
  if (len < 2 || len > 10 || text[0] != '.' || !digits(text + 1, len - 1, &number)) return false;
  for (size_t i = len - 1; i < 9; i++) number *= 10;
  *ns = number;
  return true;
}

bool cli_time_ns(const fsm_value *value, int64_t *out) {
  enum { WHOLE = 19 /* 2025-11-22T08:17:15 */ };
  if (value == NULL || !fsm_is(value, FSM_STRING) || value->len <= WHOLE || value->s[value->len - 1] != 'Z')
    return false;
  const char *s = value->s;
  static const char shape[] = "dddd-dd-ddTdd:dd:dd";
  for (size_t i = 0; i < WHOLE; i++)
    if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i]) return false;
  int64_t part[6], ns = 0;
  static const struct { uint8_t at, len; } parts[6] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
  for (size_t i = 0; i < 6; i++)
    if (!digits(s + parts[i].at, parts[i].len, &part[i])) return false;
  size_t rest = value->len - WHOLE - 1;
  if (rest > 0 && !fraction(s + WHOLE, rest, &ns)) return false;
  struct tm tm = {.tm_year = (int)part[0] - 1900,
                  .tm_mon = (int)part[1] - 1,
                  .tm_mday = (int)part[2],
                  .tm_hour = (int)part[3],
                  .tm_min = (int)part[4],
                  .tm_sec = (int)part[5]};
  int64_t seconds = timegm(&tm);
  return !__builtin_mul_overflow(seconds, NS_PER_S, &seconds) && !__builtin_add_overflow(seconds, ns, out);
}

bool cli_since(const fsm_value *from, const fsm_value *to, int64_t *out) {
  int64_t a, b, d;
  if (!cli_time_ns(from, &a) || !cli_time_ns(to, &b) || __builtin_sub_overflow(b, a, &d)) return false;
  *out = d < 0 ? 0 : d;
  return true;
}

/* ---- members with a unit ----------------------------------------------------------------------------- */

/* The bytes of a name before such an end; its length when it has none. */
static size_t stem(const char *name, const char *end) {
  size_t len = strlen(name), end_len = strlen(end);
  return len > end_len && strcmp(name + len - end_len, end) == 0 ? len - end_len : len;
}

const char *cli_member_name(fsm_arena *arena, const char *name) {
  static const char *const ends[] = {"_bytes", "_ns", "_ms"};
  size_t len = strlen(name);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (stem(name, ends[i]) < len) len = stem(name, ends[i]);
  fsm_buf text = {0};
  fsm_buf_add(&text, name, len);
  return settle(arena, &text);
}

const char *cli_member(fsm_arena *arena, const char *name, const fsm_value *value) {
  const size_t len = strlen(name);
  int64_t number;
  if (value == NULL || fsm_is(value, FSM_NULL)) return "";
  if (fsm_is(value, FSM_BOOL)) return value->b ? "yes" : "no";
  if (cli_number(value, &number)) {
    if (strcmp(name, "bytes") == 0 || stem(name, "_bytes") < len) return cli_bytes(arena, number);
    if (stem(name, "_ns") < len) return cli_age(arena, number);
    if (stem(name, "_ms") < len) return cli_age(arena, number * 1000000);
  }
  return cli_time_ns(value, &number) ? cli_time(arena, value) : cli_text(arena, value);
}
