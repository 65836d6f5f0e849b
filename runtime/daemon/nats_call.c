/* nats_call.c: one request under way, from its message to its answer. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/nats_impl.h"
#include "runtime/daemon/negotiate.h"
#include "runtime/daemon/problem.h"

enum { HEADERS_ROOM = 2048 };

void fsm__call_add(fsm__call_list *list, fsm__call *call) {
  call->next = NULL;
  *(list->first ? &list->last->next : &list->first) = call;
  list->last = call;
}

fsm__call *fsm__call_new(fsm__nats_api *api) {
  fsm__call *call = calloc(1, sizeof *call);
  if (!call) return NULL;
  call->api = api;
  call->deadline_ns = INT64_MAX;
  call->reply = "";
  call->request.finish = fsm__call_answered;
  call->request.policy = api->policy;
  call->request.any_host = true;
  call->request.method = call->request.target = "";
  fsm_arena_init(&call->request.arena, 0);
  return call;
}

void fsm__call_free(fsm__call *call) {
  fsm_buf_free(&call->letter.body);
  fsm_buf_free(&call->request.body);
  fsm_buf_free(&call->request.out);
  fsm_arena_free(&call->request.arena);
  free(call);
}

/* ---- the answer ----------------------------------------------------------------------------------- */

static unsigned class_of(int status) { return status < 400 ? 0 : status < 500 ? 1 : 2; }

/* What the server does not carry is told instead: a read has to ask for less, a command was done. */
static void fit(fsm__call *call) {
  fsm__request *request = &call->request;
  const size_t max = fsm__bus_payload_max(call->api->bus), len = request->out.len;
  if (max == 0 || len + HEADERS_ROOM <= max) return;
  const int status = request->status;
  if (fsm__ask_is_read(call->ask))
    fsm__problem_make(
        request, FSM_ETOOLARGE, 0, "answer",
        "the answer has %zu bytes, and the NATS server carries %zu: ask for a page (limit, after)", len, max);
  else
    fsm__problem_make(request, FSM_ETOOLARGE, 0, "answer",
                      "the command is done, with status %d; its answer has %zu bytes, and the NATS server "
                      "carries %zu",
                      status, len, max);
}

static void shape(fsm__call *call) {
  fsm__request *request = &call->request;
  if (request->status == 200 && fsm__ask_is_read(call->ask) &&
      fsm__etag_is_among(request->headers[FSM__IF_NONE_MATCH], request->etag)) {
    request->status = 304;
    fsm_buf_reset(&request->out);
  }
  if (!fsm_buf_ok(&request->out)) { /* there was no memory for it, and for a word about that there is */
    fsm_buf_free(&request->out);
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
  }
  fit(call);
}

static void count_bytes(fsm__call *call) {
  fsm__nats_api *api = call->api;
  if (!call->placed) return;
  pthread_mutex_lock(&api->lock);
  api->flight_bytes += call->request.out.len;
  call->counted += call->request.out.len;
  pthread_mutex_unlock(&api->lock);
}

void fsm__call_answered(fsm__request *request) {
  fsm__call *call = (fsm__call *)(void *)request;
  fsm__nats_api *api = call->api;
  shape(call);
  count_bytes(call);
  atomic_fetch_add(&api->requests[call->ask][class_of(request->status)], 1);
  if (!call->queued) {
    fsm__nats_send(api, call);
    return;
  }
  pthread_mutex_lock(&api->lock);
  fsm__call_add(&api->answered, call);
  fsm__nats_turn_wanted(api);
  pthread_mutex_unlock(&api->lock);
}

/* ---- serving -------------------------------------------------------------------------------------- */

static fsm_code check(fsm__call *call, fsm_error *err) {
  const fsm__letter *letter = &call->letter;
  fsm_code code = FSM_OK;
  if (letter->wrong) return fsm_fail(err, FSM_EMALFORMED, "header", "%s", letter->wrong);
  if (letter->repeated) return fsm_fail(err, FSM_EMALFORMED, letter->repeated, "the header is there twice");
  if (call->ask == FSM__ASK_UNKNOWN)
    return fsm_fail(err, FSM_ENOTFOUND, "subject",
                    "nothing is served under this subject: there are start, send, get, list, admin, deploy");
  if (call->queued && letter->reply_to && !fsm__letter_may_reply_to(call->api->prefix, letter->reply_to))
    return fsm_fail(err, FSM_EARGUMENT, "Fsm-Reply-To", "an answer goes below _INBOX. or %s.answer.",
                    call->api->prefix);
  if ((code = fsm__letter_deadline(letter, &call->deadline_ns, err)) != FSM_OK) return code;
  if (fsm__wall_ns() < call->deadline_ns) return FSM_OK;
  return fsm_fail(err, FSM_ETIMEOUT, letter->deadline ? "Fsm-Deadline" : "Fsm-Timeout",
                  "its time was over before it was begun; nothing was done");
}

/* True: the answer stands. */
static bool serve(fsm__call *call) {
  fsm__request *request = &call->request;
  fsm_error err = {0};
  if (fsm__headers_correlation(request) != FSM_OK) {
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the request");
    return true;
  }
  if (check(call, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  request->body = call->letter.body;
  call->letter.body = (fsm_buf){0};
  request->body_too_large = call->letter.too_large;
  if (!request->headers[FSM__CONTENT_TYPE]) request->headers[FSM__CONTENT_TYPE] = "application/json";
  fsm__asked_put(&call->letter.asked, request);
  return fsm__routes_serve(call->api->server, request);
}

void fsm__call_serve(fsm__call *call) {
  fsm__nats_api *api = call->api;
  fsm__request *request = &call->request;
  memcpy(request->headers, call->letter.headers, sizeof request->headers);
  request->received_ns = call->letter.received_ns;
  request->draw = &api->draw;
  if (!serve(call)) return;
  call->at_once = true;
  fsm__call_answered(request);
}
