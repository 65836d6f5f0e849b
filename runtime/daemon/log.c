/* log.c: one structured line per fact; escaped so that no value can forge a field or a line. */
#include "runtime/daemon/log.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "schema/json.h"
#include "schema/utf8.h"

/* May the value stand in logfmt without quotes? */
static bool is_plain(const char *text) {
  if (!*text) return false;
  for (const char *c = text; *c; c++)
    if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '=' || *c == '\\') return false;
  return true;
}

/* What JSON lets through and a terminal or a viewer obeys: DEL, the controls of 8 bits, ends of line and
 * paragraph, and what turns the direction of text. */
static bool is_obeyed(uint32_t c) {
  return (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad || (c >= 0xfff9 && c <= 0xfffb);
}

static uint32_t point_at(const unsigned char *at, size_t len) {
  static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint32_t c = at[0] & first[len];
  for (size_t i = 1; i < len; i++) c = c << 6 | (at[i] & 0x3f);
  return c;
}

static void put_quoted(fsm_buf *out, const char *text) {
  fsm_buf quoted = {0};
  fsm_json_quote(&quoted, text, strlen(text));
  const char *at = fsm_buf_text(&quoted);
  for (size_t left = strlen(at), len; left > 0; at += len, left -= len) {
    len = fsm__utf8_next(at, left);
    FSM_ASSERT(len > 0);
    const uint32_t c = point_at((const unsigned char *)at, len);
    if (is_obeyed(c))
      fsm_buf_printf(out, "\\u%04x", (unsigned)c);
    else
      fsm_buf_add(out, at, len);
  }
  fsm_buf_free(&quoted);
}

static void put_value(fsm_buf *out, bool json, const char *text) {
  if (!json && is_plain(text))
    fsm_buf_str(out, text);
  else
    put_quoted(out, text);
}

static void put_name(fsm_buf *out, bool json, bool first, const char *name) {
  if (!first) fsm_buf_char(out, json ? ',' : ' ');
  if (json) fsm_buf_char(out, '"');
  fsm_buf_str(out, name);
  fsm_buf_str(out, json ? "\":" : "=");
}

static void put_text(fsm_buf *out, bool json, bool first, const char *name, const char *text) {
  put_name(out, json, first, name);
  put_value(out, json, text);
}

void fsm__log_format(fsm_buf *out, bool json, int64_t now_ns, const char *level, const char *message,
                     const fsm__field *fields, size_t count) {
  char time[40];
  fsm_time_format(now_ns, time, sizeof time);
  if (json) fsm_buf_char(out, '{');
  put_text(out, json, true, "time", time);
  put_text(out, json, false, "level", level);
  put_text(out, json, false, "msg", message);
  for (size_t i = 0; i < count; i++) {
    if (fields[i].text) {
      put_text(out, json, false, fields[i].name, fields[i].text);
      continue;
    }
    put_name(out, json, false, fields[i].name);
    fsm_buf_printf(out, "%llu", (unsigned long long)fields[i].number);
  }
  fsm_buf_str(out, json ? "}\n" : "\n");
}

void fsm__log_set_level(fsm__log *log, fsm__log_level least) { log->least = least; }
bool fsm__log_has(const fsm__log *log, fsm__log_level level) { return level >= log->least; }

static fsm__log_level level_named(const char *name) {
  return *name == 'd'   ? FSM__LOG_DEBUG
         : *name == 'i' ? FSM__LOG_INFO
         : *name == 'w' ? FSM__LOG_WARN
                        : FSM__LOG_ERROR;
}

void fsm__log_fields(const fsm__log *log, const char *level, const char *message, const fsm__field *fields,
                     size_t count) {
  if (!fsm__log_has(log, level_named(level))) return;
  fsm_buf line = {0};
  fsm__log_format(&line, log->json, fsm__wall_ns(), level, message, fields, count);
  if (fsm_buf_ok(&line)) {
    ssize_t wrote;
    do wrote = write(log->fd, line.data, line.len);
    while (wrote < 0 && errno == EINTR);
  }
  fsm_buf_free(&line);
}

void fsm__log_line(const fsm__log *log, const char *level, const char *message) {
  fsm__log_fields(log, level, message, NULL, 0);
}

void fsm__log_error(const fsm__log *log, const char *message, const fsm_error *err) {
  FSM__LOG(log, "error", message, fsm__text("code", fsm_code_name(err->code)), fsm__text("where", err->where),
           fsm__text("detail", err->text));
}
