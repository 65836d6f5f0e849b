/* cors.c: origins are compared, never parsed from what a client says. */
#include "runtime/daemon/cors.h"

#include <string.h>

static bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool is_port(const char *text, const char *fallback) {
  unsigned n = 0;
  if (*text < '1' || *text > '9' || strlen(text) > 5) return false;
  for (const char *c = text; *c; c++) {
    if (*c < '0' || *c > '9') return false;
    n = n * 10 + (unsigned)(*c - '0');
  }
  return n <= 65535 && strcmp(text, fallback) != 0;
}

bool fsm__cors_is_origin(const char *text) {
  const bool secure = strncmp(text, "https://", 8) == 0;
  if (strlen(text) > FSM__ORIGIN_MAX || (!secure && strncmp(text, "http://", 7) != 0)) return false;
  const char *host = text + (secure ? 8 : 7), *end = host;
  if (*host == '[') {
    end += strspn(host + 1, "0123456789abcdef:") + 1;
    if (*end++ != ']') return false;
  } else {
    while (is_host_char(*end)) end++;
    if (end == host) return false;
  }
  return *end == 0 || (*end == ':' && is_port(end + 1, secure ? "443" : "80"));
}

const char *fsm__cors_allowed(const fsm__cors *cors, const fsm__request *request) {
  const char *origin = request->headers[FSM__ORIGIN];
  for (size_t i = 0; origin && i < cors->count; i++)
    if (strcmp(cors->origins[i], origin) == 0) return origin;
  return NULL;
}

bool fsm__cors_preflight(const fsm__cors *cors, fsm__request *request) {
  if (strcmp(request->method, "OPTIONS") != 0 || !request->headers[FSM__REQUEST_METHOD] ||
      !fsm__cors_allowed(cors, request))
    return false;
  request->status = 204;
  request->code = FSM_OK;
  return true;
}
