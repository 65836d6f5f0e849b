/* headers.c: what the headers of a request say beside who acts. */
#include "runtime/daemon/headers.h"

#include <arpa/inet.h>
#include <string.h>

#include "runtime/daemon/trace_context.h"
#include "runtime/hash.h"

/* 1..max printable ASCII characters, spaces inside included. */
static bool is_id(const char *text, size_t max) {
  size_t len = strlen(text);
  if (len == 0 || len > max) return false;
  for (size_t i = 0; i < len; i++)
    if (text[i] < ' ' || text[i] > '~') return false;
  return true;
}

fsm_code fsm__headers_correlation(fsm__request *request) {
  const char *given = request->headers[FSM__CORRELATION_ID];
  if (!given || !is_id(given, FSM_CORRELATION_MAX))
    return fsm__uuid7_drawn(request->draw, request->received_ns, request->correlation, NULL);
  memcpy(request->correlation, given, strlen(given) + 1);
  return FSM_OK;
}

fsm_code fsm__headers_check_ids(const fsm__request *request, fsm_error *err) {
  static const fsm__header ids[] = {FSM__CORRELATION_ID, FSM__REQUEST_ID, FSM__CAUSATION_ID,
                                    FSM__IDEMPOTENCY_KEY};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    const char *text = request->headers[ids[i]];
    if (text && !is_id(text, FSM_CORRELATION_MAX))
      return fsm_fail(err, FSM_EARGUMENT, fsm__header_name(ids[i]),
                      "the header is not 1 to %d printable ASCII characters", FSM_CORRELATION_MAX);
  }
  return FSM_OK;
}

bool fsm__headers_host_is_loopback(const fsm__request *request) {
  const char *host = request->headers[FSM__HOST];
  if (!host) return true; /* HTTP/1.0, which no browser speaks */
  size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
  char name[64];
  struct in_addr v4;
  if (len > strlen(host) || len >= sizeof name) return false;
  memcpy(name, host, len);
  name[len] = 0;
  if (inet_pton(AF_INET, name, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0;
}

static bool is_type(const fsm__request *request, const char *wanted) {
  const char *type = request->headers[FSM__CONTENT_TYPE];
  size_t len = strlen(wanted);
  if (!type || strncasecmp(type, wanted, len) != 0) return false;
  type += len;
  while (*type == ' ' || *type == '\t') type++;
  return *type == 0 || *type == ';';
}

bool fsm__headers_are_json(const fsm__request *request) { return is_type(request, "application/json"); }

bool fsm__headers_are_xml(const fsm__request *request) {
  return is_type(request, "application/scxml+xml") || is_type(request, "application/xml") ||
         is_type(request, "text/xml");
}

/* ---- commands ------------------------------------------------------------------------------------- */

int64_t fsm__etag_parse(const char *text) {
  size_t len = strlen(text);
  if (len < 3 || text[0] != '"' || text[len - 1] != '"' || (text[1] == '0' && len > 3)) return -1;
  int64_t rev = 0;
  for (size_t i = 1; i < len - 1; i++) {
    if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(rev, INT64_C(10), &rev) ||
        __builtin_add_overflow(rev, (int64_t)(text[i] - '0'), &rev))
      return -1;
  }
  return rev;
}

fsm_code fsm__headers_to_command(fsm__request *request, bool takes_idem, bool takes_revision,
                                 fsm_command *command, fsm_error *err) {
  const char *match = request->headers[FSM__IF_MATCH], *idem = request->headers[FSM__IDEMPOTENCY_KEY];
  /* A condition that is dropped silently is a promise broken silently. */
  if (idem && !takes_idem)
    return fsm_fail(err, FSM_EARGUMENT, "Idempotency-Key", "the header is not taken here");
  if (match && !takes_revision)
    return fsm_fail(err, FSM_EARGUMENT, "If-Match", "the header is not taken here");
  if (match && (command->expect_rev = fsm__etag_parse(match)) < 0)
    return fsm_fail(err, FSM_EARGUMENT, "If-Match", "the header is not one revision in quotes, as in \"7\"");
  command->idem = idem;
  command->correlation = request->correlation;
  command->request = request->headers[FSM__REQUEST_ID];
  command->causation = request->headers[FSM__CAUSATION_ID];
  command->actor = request->actor;
  fsm__trace_to_command(request, command);
  return FSM_OK;
}
