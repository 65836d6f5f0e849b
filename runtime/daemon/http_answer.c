/* http_answer.c: an answer goes out: its head, and what is on the log about it. */
#include <string.h>
#include "runtime/clock.h"

#include "runtime/daemon/gzip.h"
#include "runtime/daemon/http_impl.h"
#include "runtime/daemon/negotiate.h"
#include "runtime/daemon/problem.h"

enum { LOGGED_A_SECOND = 10 };

static bool is_read(const fsm__request *request) {
  return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static void header(struct MHD_Response *response, const char *name, const char *value) {
  if (value && *value) MHD_add_response_header(response, name, value); /* without memory it is left out */
}

static void cors_headers(const fsm__exchange *e, struct MHD_Response *response, int status) {
  const fsm__request *request = &e->request;
  const char *origin = fsm__cors_allowed(&e->listener->http->cors, request);
  if (!origin) return;
  header(response, "Access-Control-Allow-Origin", origin);
  if (status != 204) {
    header(response, "Access-Control-Expose-Headers", FSM__CORS_EXPOSED);
    return;
  }
  header(response, "Access-Control-Allow-Methods", FSM__CORS_METHODS);
  header(response, "Access-Control-Allow-Headers", FSM__CORS_HEADERS);
  header(response, "Access-Control-Max-Age", FSM__CORS_MAX_AGE);
}

static const char *vary_of(const fsm__exchange *e) {
  const bool by_origin = e->listener->http->cors.count > 0;
  if (!e->abandoned && e->request.varies) return by_origin ? "Accept-Encoding, Origin" : "Accept-Encoding";
  return by_origin ? "Origin" : NULL;
}

/* What only the request's own answer has. */
static void own_headers(const fsm__request *request, struct MHD_Response *response) {
  header(response, "ETag", request->etag);
  header(response, "Location", request->location);
  header(response, "Allow", request->allow);
  if (request->gzip) header(response, "Content-Encoding", "gzip");
  if (request->challenge)
    header(response, "WWW-Authenticate",
           request->headers[FSM__AUTHORIZATION] ? "Bearer realm=\"fsmd\", error=\"invalid_token\""
                                                : "Bearer realm=\"fsmd\"");
}

/* Of an abandoned one only what was there before it was handed over is looked at: the rest is in other hands.
 */
void fsm__http_reply_headers(const fsm__exchange *e, struct MHD_Response *response, int status,
                             bool problem) {
  const fsm__request *request = &e->request;
  if (status != 204 && status != 304)
    header(response, "Content-Type",
           problem                 ? "application/problem+json"
           : request->type != NULL ? request->type
                                   : "application/json");
  header(response, "X-Correlation-ID", request->correlation);
  /* What has a revision may be kept, and is asked for each time it is used. */
  header(response, "Cache-Control",
         !problem && *request->etag && is_read(request) ? "private, no-cache" : "no-store");
  if (status == 503 || status == 429) header(response, "Retry-After", "1");
  if (e->abandoned || request->close || e->listener->http->draining) header(response, "Connection", "close");
  header(response, "Vary", vary_of(e));
  cors_headers(e, response, status);
  if (!e->abandoned) own_headers(request, response);
}

void fsm__http_shape(fsm__request *request) {
  if (request->status == 200 && is_read(request) &&
      fsm__etag_is_among(request->headers[FSM__IF_NONE_MATCH], request->etag)) {
    request->status = 304;
    fsm_buf_reset(&request->out);
  }
  request->varies = request->out.len >= FSM__GZIP_MIN;
  request->gzip = request->varies && fsm__accepts_gzip(request->headers[FSM__ACCEPT_ENCODING]) &&
                  fsm__gzip(&request->out);
}

/* A line for each failure of ours, but never a flood of them. */
static void log_failure(fsm__http *http, const fsm__request *request) {
  int64_t second = request->received_ns / 1000000000;
  if (second != http->logged_second) http->logged_second = second, http->logged = 0;
  if (http->logged++ >= LOGGED_A_SECOND) return;
  FSM__LOG(http->log, "error", "request failed", fsm__text("method", request->method),
           fsm__text("target", request->target), fsm__number("status", (uint64_t)request->status),
           fsm__text("code", fsm_code_name(request->code)), fsm__text("where", request->fault.where),
           fsm__text("detail", request->fault.text), fsm__text("correlation", request->correlation));
}

/* What was asked and answered; off unless somebody looks for something. */
static void log_request(const fsm__http *http, const fsm__request *request, int status) {
  if (!fsm__log_has(http->log, FSM__LOG_DEBUG)) return;
  const int64_t took_ns = request->received_ns > 0 ? fsm__wall_ns() - request->received_ns : 0;
  FSM__LOG(http->log, "debug", "request", fsm__text("method", request->method),
           fsm__text("target", request->target), fsm__number("status", (uint64_t)status),
           fsm__text("code", fsm_code_name(request->code)),
           fsm__number("took_us", took_ns > 0 ? (uint64_t)took_ns / 1000 : 0),
           fsm__number("bytes", request->out.len), fsm__text("correlation", request->correlation));
}

enum MHD_Result fsm__http_reply(fsm__exchange *e) {
  fsm__request *request = &e->request;
  fsm_buf *text = e->abandoned ? &e->closed_text : &request->out;
  int status = e->abandoned ? fsm_code_http(FSM_ECLOSED) : request->status;
  bool problem = e->abandoned || request->code != FSM_OK;
  e->stage = ANSWERED;
  if (!fsm_buf_ok(text)) return MHD_NO;
  fsm__connection_answer(e->place, text->len);
  if (status >= 500 && status != 503) log_failure(e->listener->http, request);
  if (!e->abandoned) log_request(e->listener->http, request, status);
  struct MHD_Response *response =
      MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  fsm__http_reply_headers(e, response, status, problem);
  enum MHD_Result result = MHD_queue_response(e->connection, (unsigned)status, response);
  MHD_destroy_response(response);
  return result;
}

enum MHD_Result fsm__http_refuse(fsm__exchange *e, const fsm_error *err, int status) {
  e->request.close = true;
  fsm__problem(&e->request, err, status, NULL);
  return fsm__http_reply(e);
}

/* The request itself may be in another thread's hands: the answer is made beside it. */
void fsm__http_abandon(fsm__exchange *e) {
  fsm_error err = {0};
  fsm_fail(&err, FSM_ECLOSED, NULL,
           "the daemon stopped before the answer was there; the outcome is not known");
  fsm__problem_text(&e->closed_text, &err, fsm_code_http(FSM_ECLOSED), NULL, NULL, e->request.correlation);
  e->abandoned = true;
  e->stage = ANSWERED;
  MHD_resume_connection(e->connection);
}
