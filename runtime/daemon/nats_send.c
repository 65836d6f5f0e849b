/* nats_send.c: the sender: answers and acknowledgements go out on a thread that may wait for the socket. */
#include <stdio.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/nats_impl.h"

enum { LAST_MS = 1000, FAILURES_A_SECOND = 10 };

static void leave(fsm__nats_api *api, fsm__call *call) {
  pthread_mutex_lock(&api->lock);
  if (call->placed) {
    api->flight--;
    api->flight_bytes -= call->counted;
  } else if (!call->queued) {
    api->refusing--;
  }
  if (api->draining) fsm__nats_turn_wanted(api);
  pthread_mutex_unlock(&api->lock);
  fsm__call_free(call);
}

static const char *text_or_null(const char *text) { return *text ? text : NULL; }

static fsm_code publish(fsm__nats_api *api, fsm__call *call) {
  fsm__request *request = &call->request;
  char status[16];
  snprintf(status, sizeof status, "%d", request->status);
  const bool wait = request->status == 503 || request->status == 429;
  const fsm__bus_header headers[] = {
      {"Fsm-Status", status},
      {"X-Correlation-ID", text_or_null(request->correlation)},
      {"Content-Type", request->status == 304    ? NULL
                       : request->code != FSM_OK ? "application/problem+json"
                                                 : "application/json"},
      {"ETag", text_or_null(request->etag)},
      {"Location", text_or_null(request->location)},
      {"Retry-After", wait ? "1" : NULL},
  };
  return fsm__bus_publish(api->bus, call->reply, headers, sizeof headers / sizeof *headers,
                          fsm_buf_text(&request->out), request->out.len, NULL);
}

/* A line for each failure of ours, but never a flood of them. */
static void log_call(fsm__nats_api *api, const fsm__call *call) {
  const fsm__request *request = &call->request;
  const fsm__log *log = api->server->log;
  const bool failed = request->status >= 500 && request->status != 503 && request->status != 504;
  const int64_t second = request->received_ns / 1000000000;
  if (second != api->failed_s) api->failed_s = second, api->failed = 0;
  if (!(failed && api->failed++ < FAILURES_A_SECOND) && !fsm__log_has(log, FSM__LOG_DEBUG)) return;
  FSM__LOG(log, failed ? "error" : "debug", failed ? "request failed" : "request",
           fsm__text("nats", fsm__ask_name(call->ask)), fsm__text("target", request->target),
           fsm__number("status", (uint64_t)request->status), fsm__text("code", fsm_code_name(request->code)),
           fsm__text("where", request->fault.where), fsm__text("detail", request->fault.text),
           fsm__text("correlation", request->correlation));
}

static void send_one(fsm__nats_api *api, fsm__call *call) {
  log_call(api, call);
  const bool late = call->request.status != 504 && fsm__wall_ns() > call->deadline_ns;
  if (*call->reply && late)
    atomic_fetch_add(&api->late, 1);
  else if (*call->reply && publish(api, call) != FSM_OK)
    atomic_fetch_add(&api->unsent, 1);
  /* One that is lost is not missed: the message comes again, and is known. */
  if (call->ack && fsm__bus_publish(api->bus, call->ack, NULL, 0, "+ACK", 4, NULL) != FSM_OK)
    atomic_fetch_add(&api->unsent, 1);
  leave(api, call);
}

void fsm__nats_send(fsm__nats_api *api, fsm__call *call) {
  pthread_mutex_lock(&api->lock);
  const bool first = api->outgoing.first == NULL;
  fsm__call_add(&api->outgoing, call);
  if (first) pthread_cond_signal(&api->moved);
  pthread_mutex_unlock(&api->lock);
}

/* The last answers are sent for as long as that is quick. */
static void drop_or_send(fsm__nats_api *api, fsm__call *call, int64_t *until_ms) {
  pthread_mutex_lock(&api->lock);
  const bool stopping = api->stopping;
  pthread_mutex_unlock(&api->lock);
  if (stopping && *until_ms == 0) *until_ms = fsm__monotonic_ms() + LAST_MS;
  if (!stopping || fsm__monotonic_ms() < *until_ms)
    send_one(api, call);
  else
    leave(api, call);
}

void *fsm__nats_sender(void *arg) {
  fsm__nats_api *api = arg;
  int64_t until_ms = 0;
  for (bool going = true; going;) {
    pthread_mutex_lock(&api->lock);
    while (!api->outgoing.first && !api->stopping) pthread_cond_wait(&api->moved, &api->lock);
    fsm__call *call = api->outgoing.first;
    api->outgoing = (fsm__call_list){0};
    going = call != NULL || !api->stopping;
    pthread_mutex_unlock(&api->lock);
    for (fsm__call *next; call; call = next) {
      next = call->next;
      drop_or_send(api, call, &until_ms);
    }
  }
  return NULL;
}
