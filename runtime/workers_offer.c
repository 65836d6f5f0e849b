/* workers_offer.c: tasks to workers: lanes that take turns, requests under way, and what became of each. See
 * workers.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/task_copy.h"
#include "runtime/workers_impl.h"
#include "schema/json.h"

/* ---- offers ---- */

void fsm__workers_offer_free(offer *o) {
  fsm_arena_free(&o->arena);
  free(o);
}

static unsigned lane_of(const char *service) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (; *service != '\0'; service++) hash = (hash ^ (unsigned char)*service) * 16777619u;
  return (hash >> 16) % LANES;
}

void fsm__workers_offer(fsm__workers *w, const fsm_task *task) {
  FSM_ASSERT(w != NULL && task != NULL && task->service != NULL);
  offer *o = calloc(1, sizeof *o);
  if (o == NULL) return; /* it stays open in the store */
  memcpy(o->token, task->token, sizeof o->token);
  o->attempt = task->attempt;
  fsm_arena_init(&o->arena, 0);
  o->lane = lane_of(task->service);
  lane *in = &w->lanes[o->lane];
  pthread_mutex_lock(&w->lock);
  bool stopped = w->stopping,
       room = w->offer_count < FSM_WORKERS_QUEUE_MAX && in->count < FSM_WORKERS_SERVICE_MAX;
  pthread_mutex_unlock(&w->lock);
  if (room && !stopped) o->task = fsm__task_copy(&o->arena, task);
  pthread_mutex_lock(&w->lock);
  if (!w->stopping) {
    *in->last = o;
    in->last = &o->next;
    in->count++;
    w->offer_count++;
    fsm__workers_moved(w);
    o = NULL;
  }
  pthread_mutex_unlock(&w->lock);
  if (o != NULL) fsm__workers_offer_free(o);
}

/* ---- outcomes ---- */

static void add_outcome(fsm__workers *w, fsm_command_kind kind, const uint8_t token[16], unsigned attempt) {
  outcome *o = calloc(1, sizeof *o); /* under the lock */
  if (o == NULL) return;
  o->kind = kind;
  o->attempt = attempt;
  memcpy(o->token, token, sizeof o->token);
  *w->unsent_end = o;
  w->unsent_end = &o->next;
}

bool fsm__workers_submit(fsm__workers *w) {
  for (;;) {
    pthread_mutex_lock(&w->lock);
    outcome *o = w->unsent;
    pthread_mutex_unlock(&w->lock);
    if (o == NULL) return true;
    fsm_command command = fsm_command_new(o->kind);
    memcpy(command.token, o->token, sizeof command.token);
    command.attempt = o->attempt;
    /* Only this thread takes from the head, so o is ours until it is unlinked. */
    if (fsm_submit(w->runtime, &command, NULL, NULL, NULL) == FSM_EBUSY) return false;
    pthread_mutex_lock(&w->lock);
    w->unsent = o->next;
    if (w->unsent == NULL) w->unsent_end = &w->unsent;
    pthread_mutex_unlock(&w->lock);
    free(o);
  }
}

/* ---- sending ---- */

static void member(fsm_buf *out, const char *name, const char *text) {
  fsm_buf_printf(out, ",\"%s\":", name);
  if (text == NULL) {
    fsm_buf_str(out, "null");
  } else {
    fsm_json_quote(out, text, strlen(text));
  }
}

static void payload_of(fsm_buf *out, const fsm_task *task, const char *token) {
  fsm_buf_printf(out, "{\"token\":\"%s\"", token);
  member(out, "service", task->service);
  member(out, "instance", task->instance);
  member(out, "machine", task->machine);
  member(out, "invoke", task->invoke);
  fsm_buf_printf(out, ",\"attempt\":%u,\"attempts\":%u,\"input\":", task->attempt, task->attempts);
  fsm_json_write(out, &task->input);
  fsm_buf_char(out, '}');
}

static bool send_offer(fsm__workers *w, uint64_t id, offer *o) {
  const fsm_task *task = o->task;
  char token[33], attempt[16], attempts[16], deadline[40];
  fsm__hex(task->token, sizeof task->token, token);
  snprintf(attempt, sizeof attempt, "%u", task->attempt);
  snprintf(attempts, sizeof attempts, "%u", task->attempts);
  int64_t now = fsm__wall_ns();
  fsm_time_format(task->timeout_ns < INT64_MAX - now ? now + task->timeout_ns : INT64_MAX, deadline,
                  sizeof deadline);
  const fsm__bus_header headers[] = {
      {"Fsm-Task-Token", token},
      {"Fsm-Attempt", attempt},
      {"Fsm-Attempts", attempts},
      {"Fsm-Deadline", deadline},
      {"Fsm-Instance", task->instance},
      {"Fsm-Machine", task->machine},
      {"Fsm-Correlation-Id", task->correlation},
      {"traceparent", fsm__traceparent(&o->arena, &task->trace)},
      {"Content-Type", "application/json"},
  };
  fsm_buf subject = {0}, payload = {0};
  fsm_buf_printf(&subject, "%s.task.", w->prefix);
  fsm__bus_token(&subject, task->service);
  payload_of(&payload, task, token);
  const char *text = fsm_buf_text(&subject);
  bool sent = fsm_buf_ok(&subject) && fsm_buf_ok(&payload) && subject.len < FSM_BUS_SUBJECT_MAX &&
              fsm__bus_request(w->bus, w->inbox, id, text, headers, sizeof headers / sizeof headers[0],
                               payload.data, payload.len, NULL) == FSM_OK;
  fsm_buf_free(&subject);
  fsm_buf_free(&payload);
  return sent;
}

static void close_flight(fsm__workers *w, uint64_t id, bool accepted) { /* under the lock */
  flight *f = &w->flights[id % FSM_WORKERS_WINDOW];
  if (id < w->oldest || id >= w->next || !f->open) return;
  f->open = false;
  w->lanes[f->lane].open--;
  add_outcome(w, accepted ? FSM_CMD_TASK_STARTED : FSM_CMD_TASK_UNDELIVERED, f->token, f->attempt);
  while (w->oldest < w->next && !w->flights[w->oldest % FSM_WORKERS_WINDOW].open) w->oldest++;
}

/* The first offer of the next lane that may send one; NULL when there is none. */
static offer *next_in_turn(fsm__workers *w) { /* under the lock */
  if (w->next - w->oldest >= FSM_WORKERS_WINDOW) return NULL;
  for (unsigned i = 0; i < LANES; i++) {
    lane *in = &w->lanes[(w->turn + i) % LANES];
    offer *o = in->first;
    if (o == NULL || in->open >= FSM_WORKERS_SERVICE_WINDOW) continue;
    in->first = o->next;
    if (in->first == NULL) in->last = &in->first;
    in->count--;
    in->open++;
    w->offer_count--;
    w->turn = (w->turn + i + 1) % LANES;
    return o;
  }
  return NULL;
}

/* The next offer with its id, its flight open; NULL when there is none or no room. */
static offer *take_offer(fsm__workers *w, uint64_t *id) {
  pthread_mutex_lock(&w->lock);
  offer *o = next_in_turn(w);
  if (o != NULL) {
    *id = w->next++;
    flight *f = &w->flights[*id % FSM_WORKERS_WINDOW];
    *f = (flight){.attempt = o->attempt, .lane = o->lane, .open = true};
    f->until_ns = fsm__monotonic_ns() + (int64_t)FSM_WORKERS_ACCEPT_MS * 1000000;
    memcpy(f->token, o->token, sizeof f->token);
  }
  pthread_mutex_unlock(&w->lock);
  return o;
}

void fsm__workers_send(fsm__workers *w) {
  uint64_t id;
  for (offer *o = take_offer(w, &id); o != NULL; o = take_offer(w, &id)) {
    if (o->task == NULL || !send_offer(w, id, o)) {
      pthread_mutex_lock(&w->lock);
      close_flight(w, id, false);
      pthread_mutex_unlock(&w->lock);
    }
    fsm__workers_offer_free(o);
  }
}

void fsm__workers_expire(fsm__workers *w) {
  int64_t now = fsm__monotonic_ns();
  pthread_mutex_lock(&w->lock);
  while (w->oldest < w->next && w->flights[w->oldest % FSM_WORKERS_WINDOW].until_ns <= now) {
    close_flight(w, w->oldest, false);
  }
  pthread_mutex_unlock(&w->lock);
}

/* ---- what the bus calls ---- */

void fsm__workers_on_accept(void *arg, uint64_t id, const fsm__bus_message *message) {
  fsm__workers *w = arg;
  bool accepted = !message->no_responders && message->len == 8 && memcmp(message->data, "accepted", 8) == 0;
  pthread_mutex_lock(&w->lock);
  close_flight(w, id, accepted);
  fsm__workers_moved(w);
  pthread_mutex_unlock(&w->lock);
}
