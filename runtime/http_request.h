/* http_request.h: the input of the service `http` as a request, and what its answer means.
 *
 *   input   {url, method?, headers?, body?, timeout?, ok?}
 *           method   GET (without a body) or POST; or HEAD, PUT, PATCH, DELETE, OPTIONS
 *           headers  {name: text}; not those that frame a message (Host, Content-Length, …)
 *           body     a text is sent as it is (text/plain), anything else as JSON, unless headers name a type
 *           timeout  "5s"; never longer than the attempt
 *           ok       [201, "200-299", …]: which answers are good; else 2xx
 *   output  {status, headers, body}: headers by their names in lower case; body a value when it is JSON, else
 *           text, or bytes when it is no text; null when empty
 *
 * Sent besides: Idempotency-Key (the token of the task, the same in each attempt), X-Correlation-ID,
 * traceparent.
 *
 * An answer that is not good fails the attempt: 408, 425, 429 and 5xx may get another (not before
 * Retry-After, up to FSM_RETRY_AFTER_MAX_NS); anything else is final, a redirect too. No answer (nobody
 * there, out of time) may get another. */
#ifndef FSM_RUNTIME_HTTP_REQUEST_H
#define FSM_RUNTIME_HTTP_REQUEST_H

#include "runtime/fsm_runtime.h"
#include "runtime/web.h"

enum {
  FSM_HTTP_HEADERS_MAX = 32,    /* of the input */
  FSM_HTTP_OK_MAX = 32,         /* entries of ok */
  FSM_HTTP_BODY_MAX = 48 * 1024 /* bytes of an answer's body */
};

typedef struct fsm__http_request {
  fsm_web_request web; /* path = the URL */
  int64_t timeout_ns;  /* 0 = not said */
  struct {
    int from, to;
  } ok[FSM_HTTP_OK_MAX];
  unsigned ok_count;
} fsm__http_request;

/* FSM_EARGUMENT with the member; all of *out lives in arena or is the task's. */
FSM_MUST_USE fsm_code fsm__http_request_read(fsm_arena *arena, const fsm_task *task, fsm__http_request *out,
                                             fsm_error *err);
/* now_s: seconds since 1970, for a Retry-After that is a date. */
void fsm__http_reply_read(fsm_arena *arena, const fsm__http_request *request, const fsm_web_reply *reply,
                          int64_t now_s, fsm_service_result *out);

#endif
