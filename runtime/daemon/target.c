/* target.c: a request target in its decoded parts. Split first, decoded after, so that an escaped
 * slash or ampersand never becomes a separator. */
#include "runtime/daemon/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/filter.h"
#include "schema/utf8.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL when an escape is bad, the text is no UTF-8 or holds NUL, or memory ran out. */
static const char *decode(fsm_arena *arena, const char *text, size_t len, bool query) {
  char *out = fsm_arena_alloc(arena, len + 1);
  if (!out) return NULL;
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < len ? hex_digit(text[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0 || (high == 0 && low == 0)) return NULL;
      c = (char)(high << 4 | low);
      i += 2;
    } else if (c == '+' && query) {
      c = ' ';
    }
    out[n++] = c;
  }
  out[n] = 0;
  return fsm__utf8_valid(out, n) ? out : NULL;
}

static fsm_code read_path(fsm_arena *arena, const char *path, size_t len, fsm__target *out, fsm_error *err) {
  size_t at = len > 0 && path[0] == '/' ? 1 : 0;
  for (;;) {
    const char *slash = memchr(path + at, '/', len - at);
    size_t end = slash ? (size_t)(slash - path) : len;
    if (out->segment_count == FSM__SEGMENTS_MAX) {
      out->segment_count++;
      return FSM_OK;
    }
    const char *segment = decode(arena, path + at, end - at, false);
    if (!segment) return fsm_fail(err, FSM_EMALFORMED, "path", "the path has a bad escape or is not UTF-8");
    out->segments[out->segment_count++] = segment;
    if (!slash) return FSM_OK;
    at = end + 1;
  }
}

static fsm_code read_param(fsm_arena *arena, const char *text, size_t len, fsm__target *out, fsm_error *err) {
  const char *equals = memchr(text, '=', len);
  size_t name_len = equals ? (size_t)(equals - text) : len;
  const char *name = decode(arena, text, name_len, true);
  const char *value = equals ? decode(arena, equals + 1, len - name_len - 1, true) : "";
  if (!name || !value)
    return fsm_fail(err, FSM_EMALFORMED, "query", "the query has a bad escape or is not UTF-8");
  if (!fsm_filter_repeats(name) && fsm__target_param(out, name))
    return fsm_fail(err, FSM_EMALFORMED, fsm_arena_printf(arena, "?%s", name),
                    "the parameter is there twice");
  if (out->param_count == FSM__PARAMS_MAX)
    return fsm_fail(err, FSM_EMALFORMED, "query", "there are more than %d parameters", FSM__PARAMS_MAX);
  out->params[out->param_count++] = (fsm__param){name, value};
  return FSM_OK;
}

fsm_code fsm__target_parse(fsm_arena *arena, const char *text, fsm__target *out, fsm_error *err) {
  FSM_ASSERT(arena && text && out);
  *out = (fsm__target){0};
  size_t path_len = strcspn(text, "?");
  fsm_code code = read_path(arena, text, path_len, out, err);
  const char *query = text[path_len] ? text + path_len + 1 : "";
  while (code == FSM_OK && *query) {
    size_t len = strcspn(query, "&");
    if (len > 0) code = read_param(arena, query, len, out, err);
    query += len + (query[len] == '&');
  }
  return code;
}

const char *fsm__target_param(const fsm__target *target, const char *name) {
  for (size_t i = 0; i < target->param_count; i++)
    if (strcmp(target->params[i].name, name) == 0) return target->params[i].value;
  return NULL;
}

fsm_code fsm__target_bool(const fsm__target *target, const char *name, bool *out, fsm_error *err) {
  const char *text = fsm__target_param(target, name);
  char where[64];
  if (!text) return FSM_OK;
  snprintf(where, sizeof where, "?%s", name);
  const bool yes = strcmp(text, "true") == 0;
  if (!yes && strcmp(text, "false") != 0)
    return fsm_fail(err, FSM_EARGUMENT, where, "expected true or false");
  *out = yes;
  return FSM_OK;
}

fsm_code fsm__target_number(const fsm__target *target, const char *name, unsigned min, unsigned max,
                            unsigned *out, fsm_error *err) {
  const char *text = fsm__target_param(target, name);
  if (!text) return FSM_OK;
  char where[32] = "?", *end = NULL;
  strncat(where, name, sizeof where - 2);
  errno = 0;
  unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
  if (!end || *end || errno || n < min || n > max)
    return fsm_fail(err, FSM_EARGUMENT, where, "%s is a number from %u to %u", name, min, max);
  *out = (unsigned)n;
  return FSM_OK;
}
