/* nats_keep.c: the queue's consumer, and deliveries from it.
 *
 * With each connection the consumer is made anew: it gives what is left from the front. Deliveries are
 * numbered by it; they are taken in this order or not at all: a gap (something was lost on the way, or
 * another daemon has taken the consumer) makes it anew. So what is here is always what the stream has next,
 * and in its order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/daemon/nats_impl.h"

#define SECOND_NS INT64_C(1000000000)
enum { PULL_S = 20, ACK_WAIT_S = 60, LOOK_MS = 1000, PAUSE_FIRST_MS = 250, PAUSE_MAX_MS = 10000 };

/* ---- deliveries: the library's thread ----------------------------------------------------------------- */

typedef struct delivery {
  uint64_t seq, number;
  int64_t stored_ns;
} delivery;

static bool read_number(const char *text, size_t len, uint64_t *out) {
  *out = 0;
  for (size_t i = 0; i < len; i++)
    if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*out, UINT64_C(10), out) ||
        __builtin_add_overflow(*out, (uint64_t)(text[i] - '0'), out))
      return false;
  return len > 0;
}

/* $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>; later servers have a domain
 * and an account in front of the stream, and a token behind. */
static bool read_ack(const fsm__nats_api *api, const char *subject, delivery *out) {
  const char *tokens[12];
  size_t lens[12], count = 0;
  if (strncmp(subject, "$JS.ACK.", 8) != 0) return false;
  for (const char *at = subject + 8; count < 12; count++) {
    tokens[count] = at;
    lens[count] = strcspn(at, ".");
    at += lens[count];
    if (!*at++) {
      count++;
      break;
    }
  }
  const size_t from = count >= 9 ? 2 : 0;
  uint64_t stored = 0;
  if (count < from + 7 || lens[from] != strlen(api->stream) ||
      memcmp(tokens[from], api->stream, lens[from]) != 0 || lens[from + 1] != strlen(api->consumer) ||
      memcmp(tokens[from + 1], api->consumer, lens[from + 1]) != 0)
    return false;
  if (!read_number(tokens[from + 3], lens[from + 3], &out->seq) ||
      !read_number(tokens[from + 4], lens[from + 4], &out->number) ||
      !read_number(tokens[from + 5], lens[from + 5], &stored) || stored > INT64_MAX)
    return false;
  out->stored_ns = (int64_t)stored;
  return true;
}

/* Its time, that of its token too, runs from where the queue has it. */
static void set_time(fsm__letter *letter, int64_t stored_ns) {
  const int64_t now_ns = fsm__wall_ns(), oldest_ns = now_ns - FSM__NATS_TOKEN_AGE_S * SECOND_NS;
  letter->received_ns = stored_ns < oldest_ns ? oldest_ns : stored_ns > now_ns ? now_ns : stored_ns;
}

static fsm__nats_queued *read_queued(fsm__nats_api *api, const fsm__bus_message *message,
                                     const delivery *from) {
  fsm__nats_queued *queued = calloc(1, sizeof *queued);
  if (!queued) return NULL;
  fsm_arena_init(&queued->arena, 0);
  queued->seq = from->seq;
  queued->ack = strdup(message->reply);
  if (!queued->ack || !fsm__letter_read(&queued->arena, message, 0, &queued->letter)) goto nomem;
  fsm__letter *letter = &queued->letter;
  const char **idem = &letter->headers[FSM__IDEMPOTENCY_KEY];
  set_time(letter, from->stored_ns);
  letter->reply = NULL;
  if (!*idem) *idem = letter->id;
  if (!*idem)
    *idem = fsm_arena_printf(&queued->arena, "%s:%llu:%lld", api->stream, (unsigned long long)from->seq,
                             (long long)from->stored_ns);
  if (!*idem) goto nomem;
  fsm__letter_ask(&queued->arena, true, letter);
  fsm__ask_lanes(letter->body.data ? letter->body.data : "", letter->body.len, &queued->lanes);
  return queued;
nomem:
  fsm__nats_queued_free(queued);
  return NULL;
}

static void make_anew(fsm__nats_api *api) { /* under the lock */
  api->synced = false;
  pthread_cond_signal(&api->asked);
}

/* An answer about what was asked for, not a message: there is none, its time is over, the consumer is gone.
 */
static void on_status(fsm__nats_api *api, const fsm__bus_message *message) {
  const char *dot = strrchr(message->subject, '.'), *status = fsm__bus_message_header(message, "Status"),
             *why = fsm__bus_message_header(message, "Description");
  uint64_t id = 0;
  pthread_mutex_lock(&api->lock);
  if (dot && read_number(dot + 1, strlen(dot + 1), &id) && id == api->epoch) {
    api->asked_for = 0;
    const bool gone = status && strcmp(status, "409") == 0 && why && strstr(why, "Deleted");
    if (message->no_responders || gone) make_anew(api);
    pthread_cond_signal(&api->asked);
  }
  pthread_mutex_unlock(&api->lock);
}

void fsm__nats_delivery(void *arg, const fsm__bus_message *message) {
  fsm__nats_api *api = arg;
  delivery from;
  if (!message->reply || !read_ack(api, message->reply, &from)) {
    if (!message->reply) on_status(api, message);
    return;
  }
  fsm__nats_queued *queued = read_queued(api, message, &from);
  pthread_mutex_lock(&api->lock);
  const bool next = api->synced && !api->draining && from.number == api->next_delivery;
  if (next && queued) {
    api->next_delivery++;
    api->held++;
    api->held_bytes += fsm__letter_weight(&queued->letter);
    if (api->asked_for > 0) api->asked_for--;
    *api->delivered_end = queued;
    api->delivered_end = &queued->next;
    fsm__nats_turn_wanted(api);
    if (api->asked_for == 0) pthread_cond_signal(&api->asked);
    queued = NULL;
  } else if (api->synced && !api->draining) {
    make_anew(api);
  }
  pthread_mutex_unlock(&api->lock);
  if (queued) fsm__nats_queued_free(queued);
}

/* ---- the keeper's thread ------------------------------------------------------------------------------ */

static void wait_asked(fsm__nats_api *api, int64_t ms) { /* under the lock */
  const int64_t until_ms = fsm__monotonic_ms() + ms;
  const struct timespec until = fsm__timespec_of(until_ms * 1000000);
  (void)pthread_cond_timedwait(&api->asked, &api->lock, &until);
}

/* Connections made and lost; what the server denies us does not end one. */
static uint64_t life_of(fsm__bus *bus) {
  const uint64_t denials = fsm__bus_denials(bus, NULL, 0);
  return fsm__bus_life(bus) - denials;
}

static fsm_code make_consumer(fsm__nats_api *api, fsm_error *err) {
  const fsm__bus_queue queue = {.stream = api->stream,
                                .subject = api->subject,
                                .consumer = api->consumer,
                                .window = 2 * FSM__NATS_QUEUE_WINDOW,
                                .ack_wait_ns = ACK_WAIT_S * SECOND_NS};
  bool made = false;
  const uint64_t life = life_of(api->bus);
  fsm_code code = fsm__bus_queue_open(api->bus, &queue, &made, err);
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&api->lock);
  api->life = life;
  api->epoch++;
  api->next_delivery = 1;
  api->asked_for = 0;
  api->synced = true;
  pthread_mutex_unlock(&api->lock);
  if (made)
    FSM__LOG(api->server->log, "info", "the stream of the queue was made", fsm__text("stream", api->stream));
  return FSM_OK;
}

/* How many to ask for now; 0 = none. */
static unsigned wanted(fsm__nats_api *api) { /* under the lock */
  if (api->asked_for > 0 && fsm__monotonic_ms() >= api->asked_until_ms) api->asked_for = 0;
  if (!api->synced || api->draining || api->asked_for > 0 || api->held >= FSM__NATS_QUEUE_WINDOW ||
      api->held_bytes >= FSM__NATS_QUEUE_HELD_MAX)
    return 0;
  api->asked_for = (unsigned)(FSM__NATS_QUEUE_WINDOW - api->held);
  api->asked_until_ms = fsm__monotonic_ms() + (PULL_S + 2) * 1000;
  return api->asked_for;
}

static void ask(fsm__nats_api *api, unsigned count, uint64_t epoch) {
  char subject[128], body[128];
  snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.%s", api->stream, api->consumer);
  const int len = snprintf(body, sizeof body, "{\"batch\":%u,\"expires\":%lld,\"max_bytes\":%d}", count,
                           (long long)(PULL_S * SECOND_NS), (int)FSM__NATS_QUEUE_BYTES_MAX);
  if (fsm__bus_request(api->bus, api->box, epoch, subject, NULL, 0, body, (size_t)len, NULL) == FSM_OK)
    return;
  pthread_mutex_lock(&api->lock);
  make_anew(api);
  pthread_mutex_unlock(&api->lock);
}

/* One line when it begins to fail, and when it fails otherwise. */
static void tell(fsm__nats_api *api, fsm_error *told, fsm_code code, const fsm_error *err) {
  if (code == FSM_OK && told->code != FSM_OK)
    FSM__LOG(api->server->log, "info", "the queue goes on", fsm__text("stream", api->stream));
  if (code != FSM_OK && (told->code != code || strcmp(told->text, err->text) != 0))
    fsm__log_error(api->server->log, "the queue cannot be read; this is tried again", err);
  *told = code == FSM_OK ? (fsm_error){0} : *err;
}

static bool is_stale(fsm__nats_api *api) { return !api->synced || api->life != life_of(api->bus); }

void *fsm__nats_keeper(void *arg) {
  fsm__nats_api *api = arg;
  fsm_error told = {0};
  int64_t pause_ms = 0;
  pthread_mutex_lock(&api->lock);
  while (!api->stopping) {
    const bool stale = is_stale(api) && !api->draining;
    if (stale) api->synced = false;
    const unsigned count = wanted(api);
    const uint64_t epoch = api->epoch;
    if (count == 0 && !stale) wait_asked(api, LOOK_MS);
    if (stale && pause_ms > 0) wait_asked(api, pause_ms);
    pthread_mutex_unlock(&api->lock);
    if (count > 0) ask(api, count, epoch);
    if (stale && fsm__bus_connected(api->bus)) {
      fsm_error err = {0};
      const fsm_code code = make_consumer(api, &err);
      tell(api, &told, code, &err);
      pause_ms = code == FSM_OK ? 0 : pause_ms == 0 ? PAUSE_FIRST_MS : 2 * pause_ms;
      if (pause_ms > PAUSE_MAX_MS) pause_ms = PAUSE_MAX_MS;
    } else if (stale) {
      pause_ms = PAUSE_FIRST_MS;
    }
    pthread_mutex_lock(&api->lock);
  }
  pthread_mutex_unlock(&api->lock);
  return NULL;
}
