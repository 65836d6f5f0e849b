/* sink_nats_answer.c: the server's answers to messages. They are small, flat, many, and the server's own: so
 * they are searched, not parsed. What is not understood is no acknowledgement. */
#include <stdio.h>
#include <string.h>

#include "runtime/sink_nats_impl.h"

/* Behind `"name":` and blanks; NULL = there is no such member. */
static const char *member(const char *at, const char *end, const char *name) {
  size_t len = strlen(name);
  for (; (size_t)(end - at) > len + 2; at++) {
    if (*at != '"' || memcmp(at + 1, name, len) != 0 || at[len + 1] != '"') continue;
    at += len + 2;
    while (at < end && (*at == ' ' || *at == ':')) at++;
    return at < end ? at : NULL;
  }
  return NULL;
}

static uint64_t number(const char *at, const char *end) {
  uint64_t n = 0;
  for (; at != NULL && at < end && *at >= '0' && *at <= '9'; at++) {
    if (n > (UINT64_MAX - 9) / 10) return 0;
    n = n * 10 + (uint64_t)(*at - '0');
  }
  return n;
}

static void text(const char *at, const char *end, char *out, size_t size) {
  size_t n = 0;
  if (at != NULL && *at == '"') {
    for (at++; at < end && *at != '"' && n + 1 < size; at++) out[n++] = (unsigned char)*at < ' ' ? ' ' : *at;
  }
  out[n] = '\0';
}

void fsm__nats_answer_read(const char *data, size_t len, const char *stream, fsm__nats_answer *out) {
  FSM_ASSERT((data != NULL || len == 0) && stream != NULL && out != NULL);
  memset(out, 0, sizeof *out);
  const char *end = data + len, *error = member(data, end, "error");
  if (len == 0 || data[0] != '{' || end[-1] != '}') return;
  if (error != NULL) {
    out->error = true;
    out->js_code = (unsigned)number(member(error, end, "err_code"), end);
    text(member(error, end, "description"), end, out->text, sizeof out->text);
    return;
  }
  char name[FSM_STREAM_NAME_MAX + 2];
  const char *duplicate = member(data, end, "duplicate");
  text(member(data, end, "stream"), end, name, sizeof name);
  out->ours = strcmp(name, stream) == 0;
  out->seq = number(member(data, end, "seq"), end);
  out->duplicate = duplicate != NULL && *duplicate == 't';
}
