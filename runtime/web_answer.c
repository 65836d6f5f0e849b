/* web_answer.c: an answer as it arrives, bounded on the way; and whose server it is that would give it. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/web_impl.h"

/* ---- an answer without end ------------------------------------------------------------------------ */

static bool tell(fsm__exchange *ex, const char *data, size_t len) {
  ex->heard_ns = fsm__monotonic_ns();
  ex->enough = !ex->listener->part(ex->listener->arg, data, len);
  return !ex->enough;
}

bool fsm__web_goes_on(fsm__exchange *ex) {
  if (ex->listener == NULL || ex->enough) return !ex->enough;
  if (ex->heard_ns == 0) ex->heard_ns = fsm__monotonic_ns();
  ex->silent = fsm__monotonic_ns() - ex->heard_ns > ex->listener->silence_ns;
  ex->enough = !ex->listener->alive(ex->listener->arg);
  return !ex->enough && !ex->silent;
}

/* ---- one that has --------------------------------------------------------------------------------- */

bool fsm__web_take_body(fsm__exchange *ex, const char *data, size_t len) {
  const int status = ex->reply->status;
  if (ex->listener != NULL && status >= 200 && status <= 299) return tell(ex, data, len);
  if (len > ex->body_max - ex->body.len) {
    ex->too_large = true;
    return false;
  }
  fsm_buf_add(&ex->body, data, len);
  return fsm_buf_ok(&ex->body);
}

/* ---- headers -------------------------------------------------------------------------------------- */

/* The value of the header line when its name is `name`, trimmed, in the arena; else NULL. */
static const char *header_value(fsm_arena *arena, const char *line, size_t len, const char *name) {
  size_t name_len = strlen(name);
  if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0) return NULL;
  const char *at = line + name_len + 1, *end = line + len;
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  while (end > at && strchr(" \t\r\n", end[-1]) != NULL) end--;
  if (end - at > FSM_WEB_VALUE_MAX) return NULL;
  return fsm_arena_strndup(arena, at, (size_t)(end - at));
}

/* A header line of any name; informational answers come before the last one, whose headers count. */
static void keep_header(fsm__exchange *ex, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (len > 5 && memcmp(line, "HTTP/", 5) == 0) ex->reply->header_count = 0;
  if (colon == NULL || ex->headers == NULL || ex->reply->header_count == FSM_WEB_HEADERS_MAX) return;
  char *name = fsm_arena_strndup(ex->arena, line, (size_t)(colon - line));
  const char *value = name != NULL ? header_value(ex->arena, line, len, name) : NULL;
  if (value == NULL) return;
  ex->headers[ex->reply->header_count++] = (fsm_web_header){name, value};
}

void fsm__web_take_header(fsm__exchange *ex, const char *line, size_t len) {
  const struct {
    const char *name, **to;
  } wanted[] = {{"ETag", &ex->reply->etag},
                {"X-Correlation-ID", &ex->reply->correlation},
                {"Content-Type", &ex->reply->type},
                {"Retry-After", &ex->reply->retry_after}};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    const char *value = header_value(ex->arena, line, len, wanted[i].name);
    if (value != NULL) *wanted[i].to = value;
  }
  keep_header(ex, line, len);
}

/* ---- whose server it is --------------------------------------------------------------------------- */

bool fsm__web_is_ours(int fd) {
  struct ucred peer; /* of whoever called listen() */
  socklen_t len = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}
