/* nats_api.c: the API over NATS: it begins, its turns on the loop, it ends. */
#include "runtime/daemon/nats_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/nats_impl.h"
#include "runtime/daemon/problem.h"

enum { TURN_MAX = 256 }; /* requests in one turn of the loop, which has others to serve */

/* ---- a message comes in: the library's thread ------------------------------------------------------- */

typedef enum room { PLACED, REFUSED, DROPPED } room;

static room take_place(fsm__nats_api *api, fsm__call *call) {
  const size_t bytes = fsm__letter_weight(&call->letter);
  room got = DROPPED;
  pthread_mutex_lock(&api->lock);
  if (!api->draining && api->flight < FSM__NATS_FLIGHT_MAX &&
      api->flight_bytes + bytes <= FSM__NATS_BYTES_MAX) {
    api->flight++;
    api->flight_bytes += bytes;
    call->placed = true;
    call->counted = bytes;
    got = PLACED;
  } else if (api->refusing < FSM__NATS_FLIGHT_MAX) {
    api->refusing++;
    got = REFUSED;
  }
  pthread_mutex_unlock(&api->lock);
  return got;
}

/* Without the loop, which has enough to do, or is at its end. */
static void refuse(fsm__call *call) {
  fsm__request *request = &call->request;
  fsm__nats_api *api = call->api;
  pthread_mutex_lock(&api->lock);
  const bool draining = api->draining;
  pthread_mutex_unlock(&api->lock);
  request->received_ns = call->letter.received_ns;
  request->headers[FSM__CORRELATION_ID] = call->letter.headers[FSM__CORRELATION_ID];
  if (fsm__headers_correlation(request) != FSM_OK) request->correlation[0] = 0;
  if (draining)
    fsm__problem_make(request, FSM_ECLOSED, 0, NULL, "the daemon stops; nothing was done");
  else
    fsm__problem_make(request, FSM_EBUSY, 0, NULL, "too many requests are under way; try again");
  fsm__call_answered(request);
}

static void arrive(fsm__nats_api *api, fsm__call *call) {
  fsm__letter_ask(&call->request.arena, false, &call->letter);
  pthread_mutex_lock(&api->lock);
  fsm__call_add(&api->arrived, call);
  fsm__nats_turn_wanted(api);
  pthread_mutex_unlock(&api->lock);
}

static void on_command(void *arg, const fsm__bus_message *message) {
  fsm__nats_api *api = arg;
  fsm__call *call = fsm__call_new(api);
  if (!call || !fsm__letter_read(&call->request.arena, message, fsm__wall_ns(), &call->letter)) {
    atomic_fetch_add(&api->overrun, 1);
    if (call) fsm__call_free(call);
    return;
  }
  call->ask = call->letter.ask;
  if (call->letter.reply && fsm__letter_may_reply(api->prefix, call->letter.reply))
    call->reply = call->letter.reply;
  const bool heard = *call->reply || (!call->letter.reply && !fsm__ask_is_read(call->ask));
  const room got = heard ? take_place(api, call) : DROPPED;
  if (got == PLACED) arrive(api, call);
  if (got == REFUSED) refuse(call);
  if (got != DROPPED) return;
  atomic_fetch_add(heard ? &api->overrun : &api->unheard, 1);
  fsm__call_free(call);
}

static void on_changed(void *arg) {
  fsm__nats_api *api = arg;
  pthread_mutex_lock(&api->lock);
  pthread_cond_signal(&api->asked);
  pthread_mutex_unlock(&api->lock);
}

/* ---- turns ------------------------------------------------------------------------------------------ */

void fsm__nats_turn_wanted(fsm__nats_api *api) {
  if (api->posted) return;
  api->posted = true;
  fsm__loop_post(api->server->loop, &api->post);
}

static fsm__call *take_arrived(fsm__nats_api *api) {
  fsm__call *first = api->arrived.first, *last = first;
  for (int n = 1; last && last->next && n < TURN_MAX; n++) last = last->next;
  if (!last) return NULL;
  api->arrived.first = last->next;
  if (!last->next) api->arrived.last = NULL;
  last->next = NULL;
  if (api->arrived.first) fsm__nats_turn_wanted(api);
  return first;
}

static void call_idle(fsm__nats_api *api) {
  pthread_mutex_lock(&api->lock);
  const bool busy = api->flight > 0 || api->refusing > 0;
  pthread_mutex_unlock(&api->lock);
  if (!api->idle || busy || !fsm__nats_queue_is_idle(api)) return;
  fsm__loop_fn idle = api->idle;
  api->idle = NULL;
  idle(api->idle_arg);
}

static void turn(void *arg) {
  fsm__nats_api *api = arg;
  pthread_mutex_lock(&api->lock);
  api->posted = false;
  fsm__call *arrived = take_arrived(api), *answered = api->answered.first;
  fsm__nats_queued *delivered = api->delivered;
  api->answered = (fsm__call_list){0};
  api->delivered = NULL;
  api->delivered_end = &api->delivered;
  pthread_mutex_unlock(&api->lock);
  fsm_runtime_hold(api->server->runtime);
  for (fsm__call *next; arrived; arrived = next) {
    next = arrived->next;
    fsm__call_serve(arrived);
  }
  for (fsm__call *next; answered; answered = next) {
    next = answered->next;
    fsm__nats_queue_answered(api, answered);
  }
  fsm__nats_queue_take(api, delivered);
  fsm__nats_queue_run(api);
  fsm_runtime_go(api->server->runtime);
  call_idle(api);
}

/* ---- life ------------------------------------------------------------------------------------------- */

static fsm_code declare(fsm__nats_api *api, fsm_error *err) {
  char subject[FSM_PREFIX_MAX + 16];
  snprintf(subject, sizeof subject, "%s.cmd.*", api->prefix);
  fsm_code code = fsm__bus_subscribe(api->bus, subject, "fsmd", on_command, api, err);
  if (!api->stream) return code;
  snprintf(api->subject, sizeof api->subject, "%s.queue.*", api->prefix);
  snprintf(api->consumer, sizeof api->consumer, "fsmd");
  if (code == FSM_OK) code = fsm__bus_box(api->bus, fsm__nats_delivery, api, &api->box, err);
  if (code == FSM_OK) code = fsm__bus_observe(api->bus, on_changed, api, err);
  if (code == FSM_OK) code = fsm__timer_new(api->server->loop, fsm__nats_queue_run, api, &api->clock, err);
  return code;
}

fsm_code fsm__nats_api_new(fsm__server *server, const fsm__nats_options *options, fsm__nats_api **out,
                           fsm_error *err) {
  FSM_ASSERT(strlen(options->prefix) <= FSM_PREFIX_MAX);
  fsm__nats_api *api = calloc(1, sizeof *api);
  if (!api) return fsm_fail(err, FSM_ENOMEM, "nats", "no memory for the API over NATS");
  api->server = server;
  api->prefix = options->prefix;
  api->policy = options->policy;
  api->stream = options->stream;
  api->post = (fsm__post){.fn = turn, .arg = api};
  api->delivered_end = &api->delivered;
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&api->lock, NULL);
  pthread_cond_init(&api->moved, &attr);
  pthread_cond_init(&api->asked, &attr);
  pthread_condattr_destroy(&attr);
  fsm_code code = fsm__bus_open(&options->bus, &api->bus, err);
  if (code == FSM_OK) code = declare(api, err);
  if (code != FSM_OK) {
    fsm__nats_api_free(api);
    return code;
  }
  *out = api;
  return FSM_OK;
}

fsm_code fsm__nats_api_start(fsm__nats_api *api, fsm_error *err) {
  api->sender_started = pthread_create(&api->sender, NULL, fsm__nats_sender, api) == 0;
  if (api->sender_started && api->stream)
    api->keeper_started = pthread_create(&api->keeper, NULL, fsm__nats_keeper, api) == 0;
  if (!api->sender_started || (api->stream && !api->keeper_started))
    return fsm_fail(err, FSM_ENOMEM, "nats", "no thread for the API over NATS");
  return fsm__bus_start(api->bus, err);
}

void fsm__nats_api_drain(fsm__nats_api *api) {
  if (!api) return;
  pthread_mutex_lock(&api->lock);
  api->draining = true;
  pthread_cond_signal(&api->asked);
  pthread_mutex_unlock(&api->lock);
}

void fsm__nats_api_on_idle(fsm__nats_api *api, fsm__loop_fn idle, void *arg) {
  if (!api) {
    idle(arg);
    return;
  }
  api->idle = idle;
  api->idle_arg = arg;
  pthread_mutex_lock(&api->lock);
  fsm__nats_turn_wanted(api);
  pthread_mutex_unlock(&api->lock);
}

static void stop_threads(fsm__nats_api *api) {
  pthread_mutex_lock(&api->lock);
  api->draining = api->stopping = true;
  api->posted = true; /* the loop turns no more */
  pthread_cond_signal(&api->moved);
  pthread_cond_signal(&api->asked);
  pthread_mutex_unlock(&api->lock);
  if (api->sender_started) pthread_join(api->sender, NULL);
  if (api->bus) fsm__bus_stop(api->bus); /* the keeper may be waiting inside */
  if (api->keeper_started) pthread_join(api->keeper, NULL);
}

static void free_calls(fsm__call_list *list) {
  for (fsm__call *call = list->first, *next; call; call = next) next = call->next, fsm__call_free(call);
}

static void free_queued(fsm__nats_queued *queued) {
  for (fsm__nats_queued *next; queued; queued = next) next = queued->next, fsm__nats_queued_free(queued);
}

void fsm__nats_api_free(fsm__nats_api *api) {
  if (!api) return;
  stop_threads(api);
  free_calls(&api->arrived);
  free_calls(&api->answered);
  free_calls(&api->outgoing);
  free_queued(api->delivered);
  free_queued(api->queue);
  fsm__timer_free(api->clock);
  fsm__bus_free(api->bus);
  pthread_mutex_destroy(&api->lock);
  pthread_cond_destroy(&api->moved);
  pthread_cond_destroy(&api->asked);
  free(api);
}
