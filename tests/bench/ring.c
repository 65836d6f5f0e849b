/* ring.c: see ring.h. */
#include "ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 3, CLIENTS_MAX = 512, HOT_PART = 20 };

static const char RING[] =
    "{\"id\":\"ring\",\"initial\":\"draft\",\"context\":{\"id\":\"D-1\",\"title\":\"Laptops\",\"amount\":"
    "4200,\"department\":\"it\",\"retries\":0,\"reviewId\":null},"
    "\"on\":{\"TOUCH\":{\"context\":{\"retries\":{\"@expr\":\"context.retries + 1\"}}}},\"states\":{"
    "\"draft\":{\"on\":{\"SUBMIT\":{\"target\":\"pendingReview\",\"guard\":{\"@expr\":\"context.amount < "
    "10000\"},\"context\":{\"retries\":{\"@expr\":\"context.retries + 1\"}}}}},"
    "\"pendingReview\":{\"on\":{\"REVIEW.DONE\":{\"target\":\"awaitingApproval\",\"context\":{\"reviewId\":{"
    "\"@expr\":\"event.reviewId\"}}}}},"
    "\"awaitingApproval\":{\"on\":{\"APPROVE\":\"draft\"}}}}";

const char *ring_definition(void) { return RING; }

/* One client: always one command in flight. */
typedef struct client {
  ring *of;
  unsigned next; /* instance */
  double due_s;  /* paced: when it was to be sent */
} client;

struct ring {
  char data[600];
  unsigned instances;
  uint8_t *at; /* which event comes next, by instance */
  fsm_runtime *runtime;
  double open_s;
  client clients[CLIENTS_MAX];
  unsigned stride;
  spread spread;
  uint64_t seed;
  pthread_mutex_t sending; /* an instance's events must be queued in their order */
  client *again[CLIENTS_MAX];
  unsigned again_count; /* refused as busy: the main thread sends them again */
  _Atomic uint64_t done;
  _Atomic unsigned running;
  _Atomic bool stop;
  /* paced */
  double *latencies;
  _Atomic size_t latency_count;
  size_t latency_cap;
};

/* ---- sending ------------------------------------------------------------------------------------ */

static uint64_t draw(ring *r) {
  r->seed ^= r->seed << 13;
  r->seed ^= r->seed >> 7;
  r->seed ^= r->seed << 17;
  return r->seed;
}

static unsigned pick(ring *r, unsigned last) {
  unsigned hot = r->instances / HOT_PART;
  switch (r->spread) {
    case SPREAD_EVEN: return (last + r->stride) % r->instances;
    case SPREAD_RANDOM:
    case SPREAD_TOUCH: return (unsigned)(draw(r) % r->instances);
    case SPREAD_HOT: break;
  }
  /* the hot ones are spread over all numbers, as they would be */
  if (draw(r) % HOT_PART != 0) return (unsigned)(draw(r) % hot) * HOT_PART;
  return (unsigned)(draw(r) % r->instances);
}

static void name_of(unsigned instance, char out[16]) { snprintf(out, 16, "i-%08u", instance); }

static fsm_code send_to(ring *r, unsigned instance, fsm_answer_fn answered, void *arg) {
  static const char *const events[EVENTS] = {"SUBMIT", "REVIEW.DONE", "APPROVE"};
  char id[16];
  fsm_error err;
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  fsm_pair review[1] = {{fsm_string("reviewId"), fsm_string("R-2026-000001")}};
  uint8_t at = r->at[instance];
  name_of(instance, id);
  command.instance = id;
  command.event = r->spread == SPREAD_TOUCH ? "TOUCH" : events[at];
  command.correlation = "5f2b7c1e-0000-7000-8000-000000000001";
  if (at == 1 && r->spread != SPREAD_TOUCH)
    command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = review};
  fsm_code code = fsm_submit(r->runtime, &command, answered, arg, &err);
  if (code != FSM_OK && code != FSM_EBUSY) give_up("submit: %s", err.text);
  if (code == FSM_OK && r->spread != SPREAD_TOUCH) r->at[instance] = (uint8_t)((at + 1) % EVENTS);
  return code;
}

static void answered(void *arg, const fsm_answer *answer);

static void send_next(client *c) {
  ring *r = c->of;
  pthread_mutex_lock(&r->sending);
  c->next = pick(r, c->next);
  if (send_to(r, c->next, answered, c) == FSM_EBUSY) r->again[r->again_count++] = c;
  pthread_mutex_unlock(&r->sending);
}

static void send_again(ring *r) {
  pthread_mutex_lock(&r->sending);
  while (r->again_count > 0) {
    client *c = r->again[r->again_count - 1];
    if (send_to(r, c->next, answered, c) == FSM_EBUSY) break;
    r->again_count--;
  }
  pthread_mutex_unlock(&r->sending);
}

static void answered(void *arg, const fsm_answer *answer) {
  client *c = arg;
  if (answer->error.code != FSM_OK) give_up("%s: %s", answer->error.where, answer->error.text);
  atomic_fetch_add_explicit(&c->of->done, 1, memory_order_relaxed);
  if (atomic_load(&c->of->stop))
    atomic_fetch_sub(&c->of->running, 1);
  else
    send_next(c);
}

/* ---- filling ------------------------------------------------------------------------------------ */

static void create_next(client *c);

static void created(void *arg, const fsm_answer *answer) {
  client *c = arg;
  if (answer->error.code != FSM_OK) give_up("%s: %s", answer->error.where, answer->error.text);
  c->next += CLIENTS_MAX;
  if (c->next < c->of->instances)
    create_next(c);
  else
    atomic_fetch_sub(&c->of->running, 1);
}

static void create_next(client *c) {
  char id[16];
  fsm_error err;
  fsm_command command = fsm_command_new(FSM_CMD_START);
  name_of(c->next, id);
  command.machine = "ring";
  command.instance = id;
  if (fsm_submit(c->of->runtime, &command, created, c, &err) != FSM_OK) give_up("submit: %s", err.text);
}

static void await_idle(ring *r) {
  while (atomic_load(&r->running) > 0) {
    usleep(1000);
    send_again(r);
  }
}

static void deploy(ring *r) {
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  fsm_arena arena;
  fsm_answer answer;
  command.source = RING;
  command.source_len = strlen(RING);
  fsm_arena_init(&arena, 0);
  if (fsm_call(r->runtime, &command, &arena, &answer) != FSM_OK)
    give_up("deploy: %s: %s", answer.error.where, answer.error.text);
  fsm_arena_free(&arena);
}

static void fill(ring *r) {
  unsigned clients = r->instances < CLIENTS_MAX ? r->instances : CLIENTS_MAX;
  deploy(r);
  atomic_store(&r->running, clients);
  for (unsigned i = 0; i < clients; i++) {
    r->clients[i] = (client){.of = r, .next = i};
    create_next(&r->clients[i]);
  }
  await_idle(r);
}

/* ---- a ring ------------------------------------------------------------------------------------- */

fsm_runtime *ring_open_as(ring *r, const fsm_runtime_options *options) {
  fsm_error err;
  fsm_runtime_options all = *options;
  all.dir = r->data;
  double begin = now_s();
  if (fsm_runtime_open(&all, &r->runtime, NULL, &err) != FSM_OK) give_up("%s: %s", err.where, err.text);
  r->open_s = now_s() - begin;
  return r->runtime;
}

fsm_runtime *ring_open(ring *r) { return ring_open_as(r, &(fsm_runtime_options){0}); }

double ring_open_s(const ring *r) { return r->open_s; }
const char *ring_data(const ring *r) { return r->data; }
fsm_runtime *ring_runtime(ring *r) { return r->runtime; }

void ring_close(ring *r) {
  fsm_runtime_close(r->runtime);
  r->runtime = NULL;
}

ring *ring_new(const char *dir, unsigned instances) {
  ring *r = calloc(1, sizeof *r);
  if (r == NULL || (r->at = calloc(instances, 1)) == NULL) give_up("no memory");
  snprintf(r->data, sizeof r->data, "%s/data", dir);
  pthread_mutex_init(&r->sending, NULL);
  r->instances = instances;
  r->seed = 88172645463325252u;
  ring_open(r);
  fill(r);
  return r;
}

void ring_free(ring *r) {
  if (r->runtime != NULL) ring_close(r);
  pthread_mutex_destroy(&r->sending);
  free(r->latencies);
  free(r->at);
  free(r);
}

double ring_run(ring *r, unsigned clients, spread how, double seconds) {
  r->spread = how;
  r->stride = clients;
  atomic_store(&r->stop, false);
  atomic_store(&r->running, clients);
  atomic_store(&r->done, 0);
  double begin = now_s();
  for (unsigned i = 0; i < clients; i++) {
    r->clients[i] = (client){.of = r, .next = i};
    send_next(&r->clients[i]);
  }
  while (now_s() - begin < seconds) {
    usleep(1000);
    if (r->again_count > 0) send_again(r);
  }
  uint64_t done = atomic_load(&r->done);
  double end = now_s();
  atomic_store(&r->stop, true);
  await_idle(r);
  return (double)done / (end - begin);
}

/* ---- at a rate ---------------------------------------------------------------------------------- */

static void paced_answer(void *arg, const fsm_answer *answer) {
  client *c = arg;
  ring *r = c->of;
  if (answer->error.code != FSM_OK) give_up("%s: %s", answer->error.where, answer->error.text);
  size_t n = atomic_fetch_add(&r->latency_count, 1);
  if (n < r->latency_cap) r->latencies[n] = (now_s() - c->due_s) * 1000;
  free(c);
  atomic_fetch_sub(&r->running, 1);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

latency ring_paced(ring *r, spread how, double per_second, double seconds) {
  size_t total = (size_t)(per_second * seconds);
  r->spread = how;
  r->stride = 1;
  r->latency_cap = total;
  r->latencies = realloc(r->latencies, (total + 1) * sizeof *r->latencies);
  if (r->latencies == NULL) give_up("no memory");
  atomic_store(&r->latency_count, 0);
  atomic_store(&r->running, 0);
  double begin = now_s();
  unsigned instance = 0;
  for (size_t i = 0; i < total;) {
    double now = now_s() - begin;
    for (; i < total && (double)i / per_second <= now; i++) {
      client *c = malloc(sizeof *c);
      if (c == NULL) give_up("no memory");
      *c = (client){.of = r, .due_s = begin + (double)i / per_second};
      instance = pick(r, instance);
      atomic_fetch_add(&r->running, 1);
      while (send_to(r, instance, paced_answer, c) == FSM_EBUSY) usleep(200);
    }
    usleep(100);
  }
  await_idle(r);
  qsort(r->latencies, total, sizeof *r->latencies, ascending);
  return (latency){r->latencies[total / 2], r->latencies[total * 99 / 100], r->latencies[total - 1]};
}
