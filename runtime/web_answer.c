/* web_answer.c: an answer as it arrives, bounded on the way; and whose server it is that would give it. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/web_impl.h"

size_t fsm__web_on_body(char *data, size_t size, size_t count, void *arg) {
  fsm__exchange *ex = arg;
  size_t len = size * count; /* size is always 1 */
  if (len > ex->body_max - ex->body.len) {
    ex->too_large = true;
    return 0;
  }
  fsm_buf_add(&ex->body, data, len);
  return fsm_buf_ok(&ex->body) ? len : 0;
}

/* ---- an answer without end ------------------------------------------------------------------------ */

size_t fsm__web_on_part(char *data, size_t size, size_t count, void *arg) {
  fsm__exchange *ex = arg;
  long status = 0;
  curl_easy_getinfo(ex->web->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299) return fsm__web_on_body(data, size, count, arg);
  ex->heard_ns = fsm__monotonic_ns();
  ex->enough = !ex->listener->part(ex->listener->arg, data, size * count);
  return ex->enough ? 0 : size * count;
}

bool fsm__web_goes_on(fsm__exchange *ex) {
  if (ex->listener == NULL || ex->enough) return !ex->enough;
  if (ex->heard_ns == 0) ex->heard_ns = fsm__monotonic_ns();
  ex->silent = fsm__monotonic_ns() - ex->heard_ns > ex->listener->silence_ns;
  ex->enough = !ex->listener->alive(ex->listener->arg);
  return !ex->enough && !ex->silent;
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

size_t fsm__web_on_header(char *data, size_t size, size_t count, void *arg) {
  fsm__exchange *ex = arg;
  size_t len = size * count;
  const struct {
    const char *name, **to;
  } wanted[] = {{"ETag", &ex->reply->etag},
                {"X-Correlation-ID", &ex->reply->correlation},
                {"Content-Type", &ex->reply->type},
                {"Retry-After", &ex->reply->retry_after}};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    const char *value = header_value(ex->arena, data, len, wanted[i].name);
    if (value != NULL) *wanted[i].to = value;
  }
  keep_header(ex, data, len);
  return len;
}

/* ---- whose server it is --------------------------------------------------------------------------- */

int fsm__web_on_socket(void *arg, curl_socket_t fd, curlsocktype purpose) {
  fsm_web *web = arg;
  (void)purpose;
  web->fd = fd;
  return CURL_SOCKOPT_OK;
}

static bool is_ours(int fd) {
  struct ucred peer; /* of whoever called listen() */
  socklen_t len = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

/* Connected, nothing sent yet. */
int fsm__web_on_connected(void *arg, char *to, char *from, int to_port, int from_port) {
  (void)to, (void)from, (void)to_port, (void)from_port;
  fsm__exchange *ex = arg;
  ex->refused = !is_ours(ex->web->fd);
  return ex->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
