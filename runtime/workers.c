/* workers.c: one thread between the writer, which offers tasks and must not wait, and the bus, whose
 * threads must not wait either. Everyone hands it work under `lock`; it alone sends and submits what
 * is about offers. Offers wait in lanes, each service in one (some share one), which take turns. Invariant:
 * each task that was offered ends as STARTED or UNDELIVERED, or waits in a lane, `flights` or `unsent`, until
 * stop; what is dropped then, the runtime offers again at its next start.
 */
#include "runtime/workers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/message.h"
#include "runtime/task_copy.h"
#include "runtime/worker_request.h"
#include "schema/json.h"

enum { IDLE_MS = 1000, BUSY_MS = 10, LANES = 64 };

/* A task as it waits; task NULL: too many, only its token is kept. */
typedef struct offer {
  struct offer *next;
  uint8_t token[16];
  unsigned attempt, lane;
  fsm_task *task;
  fsm_arena arena;
} offer;

typedef struct lane {
  offer *first, **last;
  size_t count;  /* of those that wait */
  unsigned open; /* flights */
} lane;

typedef struct flight {
  uint8_t token[16];
  unsigned attempt, lane;
  int64_t until_ns;
  bool open;
} flight;

/* An outcome of an offer on its way to the runtime. */
typedef struct outcome {
  struct outcome *next;
  fsm_command_kind kind;
  uint8_t token[16];
  unsigned attempt;
} outcome;

/* A reply to a worker on its way to the bus. */
typedef struct reply {
  struct reply *next;
  char *subject;
  fsm_buf text;
  fsm__workers *workers;
} reply;

struct fsm__workers {
  fsm__bus *bus;
  unsigned inbox;
  char prefix[FSM_PREFIX_MAX + 1];
  fsm_runtime *runtime;
  pthread_t thread;
  bool started;

  pthread_mutex_t lock; /* all below */
  pthread_cond_t moved;
  bool woken, stopping;
  lane lanes[LANES];
  unsigned turn; /* the lane that is asked next */
  size_t offer_count;
  outcome *unsent, **unsent_end;
  reply *replies, **replies_end;
  flight flights[FSM_WORKERS_WINDOW]; /* of ids oldest … next - 1, at id % window */
  uint64_t oldest, next;
};

static void wake(fsm__workers *w) { /* under the lock */
  w->woken = true;
  pthread_cond_signal(&w->moved);
}

void fsm__workers_wake(fsm__workers *w) {
  FSM_ASSERT(w != NULL);
  pthread_mutex_lock(&w->lock);
  wake(w);
  pthread_mutex_unlock(&w->lock);
}

/* ---- offers ---- */

static void offer_free(offer *o) {
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
    wake(w);
    o = NULL;
  }
  pthread_mutex_unlock(&w->lock);
  if (o != NULL) offer_free(o);
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

/* Hands outcomes to the runtime in their order; false = it is busy, the rest waits. */
static bool submit_outcomes(fsm__workers *w) {
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

static void send_offers(fsm__workers *w) {
  uint64_t id;
  for (offer *o = take_offer(w, &id); o != NULL; o = take_offer(w, &id)) {
    if (o->task == NULL || !send_offer(w, id, o)) {
      pthread_mutex_lock(&w->lock);
      close_flight(w, id, false);
      pthread_mutex_unlock(&w->lock);
    }
    offer_free(o);
  }
}

static void expire(fsm__workers *w) {
  int64_t now = fsm__monotonic_ns();
  pthread_mutex_lock(&w->lock);
  while (w->oldest < w->next && w->flights[w->oldest % FSM_WORKERS_WINDOW].until_ns <= now) {
    close_flight(w, w->oldest, false);
  }
  pthread_mutex_unlock(&w->lock);
}

static void send_replies(fsm__workers *w) {
  pthread_mutex_lock(&w->lock);
  reply *all = w->replies;
  w->replies = NULL;
  w->replies_end = &w->replies;
  pthread_mutex_unlock(&w->lock);
  for (reply *next; all != NULL; all = next) {
    next = all->next;
    /* A reply that is lost is asked for again: the command is durable and its repetition is told so. */
    fsm_code lost = fsm__bus_publish(w->bus, all->subject, NULL, 0, all->text.data, all->text.len, NULL);
    (void)lost;
    fsm_buf_free(&all->text);
    free(all->subject);
    free(all);
  }
}

/* ---- what the bus calls ---- */

static void on_accept(void *arg, uint64_t id, const fsm__bus_message *message) {
  fsm__workers *w = arg;
  bool accepted = !message->no_responders && message->len == 8 && memcmp(message->data, "accepted", 8) == 0;
  pthread_mutex_lock(&w->lock);
  close_flight(w, id, accepted);
  wake(w);
  pthread_mutex_unlock(&w->lock);
}

static reply *reply_new(fsm__workers *w, const char *subject) {
  reply *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->workers = w;
  r->subject = strdup(subject);
  if (r->subject == NULL) {
    free(r);
    return NULL;
  }
  return r;
}

static void reply_free(reply *r) {
  fsm_buf_free(&r->text);
  free(r->subject);
  free(r);
}

static void queue_reply(reply *r) {
  fsm__workers *w = r->workers;
  bool keep = fsm_buf_ok(&r->text);
  pthread_mutex_lock(&w->lock);
  keep = keep && !w->stopping;
  if (keep) {
    *w->replies_end = r;
    w->replies_end = &r->next;
    wake(w);
  }
  pthread_mutex_unlock(&w->lock);
  if (!keep) reply_free(r);
}

static void on_answer(void *arg, const fsm_answer *answer) { /* the writer's thread */
  reply *r = arg;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__worker_reply_write(&r->text, &arena, answer);
  fsm_arena_free(&arena);
  queue_reply(r);
}

static fsm_value worker_actor(fsm_pair pairs[2]) {
  fsm_value actor = fsm_null();
  pairs[0] = (fsm_pair){fsm_string("authn"), fsm_string("none")};
  pairs[1] = (fsm_pair){fsm_string("type"), fsm_string("worker")};
  return fsm_map(pairs, 2, &actor, NULL) == FSM_OK ? actor : fsm_null();
}

static void on_request(fsm__workers *w, fsm_command_kind kind, const fsm__bus_message *message) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  fsm_command command;
  fsm_pair pairs[2];
  reply *r = message->reply != NULL ? reply_new(w, message->reply) : NULL;
  fsm_code code = fsm__worker_request_read(&arena, kind, message->data, message->len, &command, &err);
  if (code == FSM_OK) {
    command.actor = worker_actor(pairs);
    code = fsm_submit(w->runtime, &command, r != NULL ? on_answer : NULL, r, &err);
    if (code == FSM_OK) r = NULL; /* on_answer has it */
  } else if (code == FSM_EMALFORMED || code == FSM_ETOOLARGE) {
    command = fsm__worker_request_refused(&arena, code, message->data, message->len);
    command.actor = worker_actor(pairs);
    fsm_code uncounted = fsm_submit(w->runtime, &command, NULL, NULL, NULL);
    (void)uncounted; /* the worker is told anyway */
  }
  if (r != NULL) {
    fsm__worker_error_write(&r->text, &err);
    queue_reply(r);
  }
  fsm_arena_free(&arena);
}

static void on_complete(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_COMPLETE, message);
}
static void on_fail(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_FAIL, message);
}
static void on_heartbeat(void *arg, const fsm__bus_message *message) {
  on_request(arg, FSM_CMD_TASK_HEARTBEAT, message);
}

/* ---- the thread ---- */

static void wait_moved(fsm__workers *w, bool busy) {
  int64_t now = fsm__monotonic_ns(), until = now + (int64_t)(busy ? BUSY_MS : IDLE_MS) * 1000000;
  pthread_mutex_lock(&w->lock);
  if (w->oldest < w->next) {
    int64_t first = w->flights[w->oldest % FSM_WORKERS_WINDOW].until_ns;
    if (first < until) until = first;
  }
  const struct timespec t = fsm__timespec_of(until);
  while (!w->stopping && (busy || !w->woken)) {
    if (pthread_cond_timedwait(&w->moved, &w->lock, &t) != 0) break;
  }
  w->woken = false;
  pthread_mutex_unlock(&w->lock);
}

static bool stopping(fsm__workers *w) {
  pthread_mutex_lock(&w->lock);
  bool is = w->stopping;
  pthread_mutex_unlock(&w->lock);
  return is;
}

static void *run(void *arg) {
  fsm__workers *w = arg;
  while (!stopping(w)) {
    send_replies(w);
    send_offers(w);
    expire(w);
    bool idle = submit_outcomes(w);
    wait_moved(w, !idle);
  }
  send_replies(w);
  return NULL;
}

/* ---- life ---- */

static fsm_code declare(fsm__workers *w, fsm_error *err) {
  static const struct {
    const char *verb;
    fsm__bus_message_fn fn;
  } verbs[] = {{"complete", on_complete}, {"fail", on_fail}, {"heartbeat", on_heartbeat}};
  fsm_code code = fsm__bus_inbox(w->bus, on_accept, w, &w->inbox, err);
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0] && code == FSM_OK; i++) {
    char subject[FSM_PREFIX_MAX + 32];
    snprintf(subject, sizeof subject, "%s.cmd.task.%s", w->prefix, verbs[i].verb);
    code = fsm__bus_subscribe(w->bus, subject, "fsmd", verbs[i].fn, w, err);
  }
  return code;
}

fsm_code fsm__workers_new(fsm__bus *bus, const char *prefix, fsm__workers **out, fsm_error *err) {
  FSM_ASSERT(bus != NULL && prefix != NULL && strlen(prefix) <= FSM_PREFIX_MAX && out != NULL);
  fsm__workers *w = calloc(1, sizeof *w);
  if (w == NULL) return fsm_fail(err, FSM_ENOMEM, "workers", "no memory for the tasks' window");
  w->bus = bus;
  snprintf(w->prefix, sizeof w->prefix, "%s", prefix);
  for (unsigned i = 0; i < LANES; i++) w->lanes[i].last = &w->lanes[i].first;
  w->unsent_end = &w->unsent;
  w->replies_end = &w->replies;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&w->moved, &attr);
  pthread_condattr_destroy(&attr);
  fsm_code code = declare(w, err);
  if (code != FSM_OK) {
    fsm__workers_free(w);
    return code;
  }
  *out = w;
  return FSM_OK;
}

fsm_code fsm__workers_start(fsm__workers *w, fsm_runtime *runtime, fsm_error *err) {
  FSM_ASSERT(w != NULL && runtime != NULL && !w->started);
  w->runtime = runtime;
  if (pthread_create(&w->thread, NULL, run, w) != 0) {
    return fsm_fail(err, FSM_ENOMEM, "workers", "no thread for the tasks");
  }
  w->started = true;
  return FSM_OK;
}

void fsm__workers_stop(fsm__workers *w) {
  FSM_ASSERT(w != NULL);
  pthread_mutex_lock(&w->lock);
  w->stopping = true;
  wake(w);
  pthread_mutex_unlock(&w->lock);
  if (w->started) pthread_join(w->thread, NULL);
  w->started = false;
}

void fsm__workers_free(fsm__workers *w) {
  if (w == NULL) return;
  fsm__workers_stop(w);
  for (unsigned i = 0; i < LANES; i++)
    for (offer *o = w->lanes[i].first, *next; o != NULL; o = next) next = o->next, offer_free(o);
  for (outcome *o = w->unsent, *next; o != NULL; o = next) next = o->next, free(o);
  for (reply *r = w->replies, *next; r != NULL; r = next) next = r->next, reply_free(r);
  pthread_mutex_destroy(&w->lock);
  pthread_cond_destroy(&w->moved);
  free(w);
}
