/* nats_queue.c: commands of the work queue on the loop: each begins when no earlier one of its instance is
 * left.
 *
 * Those that are here stand in the order of the stream. Looking from the front, each claims its lanes,
 * whether it runs, waits for a time to be over, or for one before it: so none overtakes, and those of other
 * instances run beside it. What comes twice, as deliveries may, is put where it stands already. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/nats_impl.h"

enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 5000, TOLD_MS = 10000 };

void fsm__nats_queued_free(fsm__nats_queued *queued) {
  fsm_buf_free(&queued->letter.body);
  fsm_arena_free(&queued->arena);
  free(queued->ack);
  free(queued);
}

static void let_go(fsm__nats_api *api, fsm__nats_queued *queued) {
  pthread_mutex_lock(&api->lock);
  api->held--;
  api->held_bytes -= fsm__letter_weight(&queued->letter);
  pthread_cond_signal(&api->asked);
  pthread_mutex_unlock(&api->lock);
  fsm__nats_queued_free(queued);
}

/* ---- into its place --------------------------------------------------------------------------------- */

static void take(fsm__nats_api *api, fsm__nats_queued *queued) {
  fsm__nats_queued **at = &api->queue;
  while (*at && (*at)->seq < queued->seq) at = &(*at)->next;
  if (*at && (*at)->seq == queued->seq) {
    char *ack = (*at)->ack;
    (*at)->ack = queued->ack; /* the newer one */
    queued->ack = ack;
    let_go(api, queued);
    return;
  }
  queued->next = *at;
  *at = queued;
}

void fsm__nats_queue_take(fsm__nats_api *api, fsm__nats_queued *delivered) {
  for (fsm__nats_queued *next; delivered; delivered = next) {
    next = delivered->next;
    take(api, delivered);
  }
}

/* ---- begun ------------------------------------------------------------------------------------------ */

static bool overlap(const fsm__lanes *a, const fsm__lanes *b) {
  for (int i = 0; i < FSM__LANE_WORDS; i++)
    if (a->bits[i] & b->bits[i]) return true;
  return false;
}

static void claim(fsm__lanes *claimed, const fsm__lanes *lanes) {
  for (int i = 0; i < FSM__LANE_WORDS; i++) claimed->bits[i] |= lanes->bits[i];
}

/* The message stays what it is, for it may be tried again. */
static bool begin(fsm__nats_api *api, fsm__nats_queued *queued) {
  fsm__call *call = fsm__call_new(api);
  if (!call) return false;
  call->ask = queued->letter.ask;
  call->queued = queued;
  call->letter = queued->letter;
  call->letter.body = (fsm_buf){0};
  fsm_buf_add(&call->letter.body, fsm_buf_text(&queued->letter.body), queued->letter.body.len);
  const char *to = queued->letter.reply_to;
  if (to && fsm__letter_may_reply_to(api->prefix, to)) call->reply = to;
  if (queued->letter.body.len > 0 && !call->letter.body.len) {
    fsm__call_free(call);
    return false;
  }
  queued->running = true;
  queued->attempts++;
  fsm__call_serve(call);
  return true;
}

void fsm__nats_queue_run(void *arg) {
  fsm__nats_api *api = arg;
  const int64_t now_ms = fsm__monotonic_ms();
  int64_t due_ms = INT64_MAX;
  fsm__lanes claimed = {0};
  if (!api->queue) return;
  pthread_mutex_lock(&api->lock);
  const bool draining = api->draining;
  pthread_mutex_unlock(&api->lock);
  for (fsm__nats_queued *q = api->queue; q && !draining; q = q->next) {
    if (!q->running && !overlap(&claimed, &q->lanes)) {
      if (q->not_before_ms <= now_ms && !begin(api, q)) q->not_before_ms = now_ms + PAUSE_FIRST_MS;
      if (!q->running && q->not_before_ms < due_ms) due_ms = q->not_before_ms;
    }
    claim(&claimed, &q->lanes);
  }
  if (due_ms < INT64_MAX) fsm__timer_start(api->clock, (uint64_t)(due_ms - now_ms), 0);
}

bool fsm__nats_queue_is_idle(const fsm__nats_api *api) {
  for (const fsm__nats_queued *q = api->queue; q; q = q->next)
    if (q->running) return false;
  return true;
}

/* ---- answered --------------------------------------------------------------------------------------- */

static void tell(fsm__nats_api *api, const fsm__call *call, const char *level, const char *message) {
  const int64_t now_ms = fsm__monotonic_ms();
  if (api->told_ms != 0 && now_ms - api->told_ms < TOLD_MS) return;
  api->told_ms = now_ms;
  FSM__LOG(api->server->log, level, message, fsm__text("stream", api->stream),
           fsm__number("sequence", call->queued->seq), fsm__number("status", (uint64_t)call->request.status),
           fsm__text("where", call->request.fault.where), fsm__text("detail", call->request.fault.text),
           fsm__text("correlation", call->request.correlation));
}

static void put_off(fsm__nats_api *api, fsm__call *call) {
  fsm__nats_queued *queued = call->queued;
  const unsigned doubled = queued->attempts < 8 ? queued->attempts - 1 : 7;
  const int64_t pause_ms = (int64_t)PAUSE_FIRST_MS << doubled;
  queued->not_before_ms = fsm__monotonic_ms() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
  atomic_fetch_add(&api->again, 1);
  tell(api, call, "warn", "a queued command waits, and later ones of its instance with it");
  fsm__call_free(call);
}

/* What nobody else has put on record: neither the runtime by its rules nor routes.c. */
static void record(fsm__nats_api *api, const fsm__call *call) {
  const fsm__request *request = &call->request;
  const fsm_error *fault = &request->fault;
  const bool recorded =
      fault->code == FSM_ETOKEN || fault->code == FSM_EPERMISSION || fault->code == FSM_EMALFORMED;
  if (!call->at_once || (*request->target && recorded)) return;
  fsm_buf text = {0};
  fsm_buf_printf(&text, "message %llu of the queue: %s: %s", (unsigned long long)call->queued->seq,
                 fault->where, fault->text);
  fsm__note_refusal(api->server, request, fault->code, &text);
  fsm_buf_free(&text);
}

void fsm__nats_queue_answered(fsm__nats_api *api, fsm__call *call) {
  fsm__nats_queued *queued = call->queued, **at = &api->queue;
  const int status = call->request.status;
  queued->running = false;
  if (status >= 500 && status != 504) {
    put_off(api, call);
    return;
  }
  if (status >= 400) record(api, call);
  atomic_fetch_add(status < 400 ? &api->taken : &api->refused, 1);
  while (*at != queued) at = &(*at)->next;
  *at = queued->next;
  call->ack = fsm_arena_strdup(&call->request.arena, queued->ack);
  if (*call->reply) call->reply = fsm_arena_strdup(&call->request.arena, call->reply);
  if (!call->reply) call->reply = "";
  fsm__nats_send(api, call);
  let_go(api, queued);
}
