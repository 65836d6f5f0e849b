/* buf.c: a byte buffer that grows by doubling.
 *
 * Invariant: len <= cap, and after a failure nothing is ever appended, so that what the buffer holds
 * is a prefix of what was asked for and fsm_buf_ok tells.
 */
#include "fsm/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fsm_buf_free(fsm_buf *buf) {
  free(buf->data);
  *buf = (fsm_buf){0};
}

void fsm_buf_reset(fsm_buf *buf) {
  buf->len = 0;
  buf->failed = false;
}

bool fsm_buf_ok(const fsm_buf *buf) { return !buf->failed; }

bool fsm_buf_reserve(fsm_buf *buf, size_t more) {
  if (buf->failed) return false;
  if (more <= buf->cap - buf->len) return true;
  size_t cap = buf->cap ? buf->cap : 64, need;
  char *data = NULL;
  if (!__builtin_add_overflow(buf->len, more, &need) && need <= SIZE_MAX / 4) {
    while (cap < need) cap *= 2;
    data = realloc(buf->data, cap);
  }
  if (!data) {
    buf->failed = true;
    return false;
  }
  buf->data = data;
  buf->cap = cap;
  return true;
}

void fsm_buf_add(fsm_buf *buf, const void *data, size_t len) {
  if (!len || !fsm_buf_reserve(buf, len)) return;
  memcpy(buf->data + buf->len, data, len);
  buf->len += len;
}

void fsm_buf_str(fsm_buf *buf, const char *text) { fsm_buf_add(buf, text, strlen(text)); }

void fsm_buf_char(fsm_buf *buf, char c) {
  if (!fsm_buf_reserve(buf, 1)) return;
  buf->data[buf->len++] = c;
}

void fsm_buf_printf(fsm_buf *buf, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = buf->failed ? 0 : buf->cap - buf->len; /* most texts are short: they fit at once */
  int len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
  va_end(args);
  if (len < 0) {
    buf->failed = true;
  } else if ((size_t)len >= room && fsm_buf_reserve(buf, (size_t)len + 1)) {
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
  }
  if (!buf->failed) buf->len += (size_t)len;
  va_end(again);
}

const char *fsm_buf_text(fsm_buf *buf) {
  if (!fsm_buf_reserve(buf, 1)) return "";
  buf->data[buf->len] = 0;
  return buf->data;
}
