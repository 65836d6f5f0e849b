/* bench_durable.c: durable transitions per second through the library: 10k instances, a client or 64.
 *
 * The process of PEERS.md as a ring, so that instances stay live: draft –SUBMIT [amount < 10000] / retries+1→
 * pendingReview –REVIEW.DONE / reviewId→ awaitingApproval –APPROVE→ draft; a context of six fields. The raw
 * limit is an overwrite log with as many bytes per fdatasync as the journal wrote per batch. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "runtime/runtime_impl.h"

enum { INSTANCES = 10000, EVENTS = 3, IN_FLIGHT_MAX = 64, SETUP_IN_FLIGHT = 512 };

static const char RING[] =
    "{\"id\":\"ring\",\"initial\":\"draft\",\"context\":{\"id\":\"D-1\",\"title\":\"Laptops\",\"amount\":"
    "4200,"
    "\"department\":\"it\",\"retries\":0,\"reviewId\":null},\"states\":{"
    "\"draft\":{\"on\":{\"SUBMIT\":{\"target\":\"pendingReview\",\"guard\":{\"@expr\":\"context.amount < "
    "10000\"},"
    "\"context\":{\"retries\":{\"@expr\":\"context.retries + 1\"}}}}},"
    "\"pendingReview\":{\"on\":{\"REVIEW.DONE\":{\"target\":\"awaitingApproval\",\"context\":{\"reviewId\":{"
    "\"@expr\":\"event.reviewId\"}}}}},"
    "\"awaitingApproval\":{\"on\":{\"APPROVE\":\"draft\"}}}}";

typedef struct load load;

/* One client: always one command in flight. */
typedef struct client {
  load *of;
  unsigned next; /* instance */
} client;

struct load {
  fsm_runtime *runtime;
  client clients[SETUP_IN_FLIGHT];
  unsigned client_count, stride;
  uint8_t at[INSTANCES]; /* which event comes next */
  fsm_value review;
  fsm_pair review_pair[1];
  _Atomic uint64_t done;
  _Atomic unsigned running;
  _Atomic bool stop;
};

static void send_next(client *c);

static void answered(void *arg, const fsm_answer *answer) {
  client *c = arg;
  if (answer->error.code != FSM_OK) give_up("%s: %s", answer->error.where, answer->error.text);
  atomic_fetch_add_explicit(&c->of->done, 1, memory_order_relaxed);
  c->next = (c->next + c->of->stride) % INSTANCES;
  if (atomic_load(&c->of->stop))
    atomic_fetch_sub(&c->of->running, 1);
  else
    send_next(c);
}

static void name_of(unsigned instance, char out[16]) { snprintf(out, 16, "i-%05u", instance); }

static void send_next(client *c) {
  static const char *const events[EVENTS] = {"SUBMIT", "REVIEW.DONE", "APPROVE"};
  char id[16];
  fsm_error err;
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  uint8_t *at = &c->of->at[c->next];
  name_of(c->next, id);
  command.instance = id;
  command.event = events[*at];
  command.correlation = "5f2b7c1e-0000-7000-8000-000000000001";
  if (*at == 1) command.data = c->of->review;
  *at = (uint8_t)((*at + 1) % EVENTS);
  if (fsm_submit(c->of->runtime, &command, answered, c, &err) != FSM_OK) give_up("submit: %s", err.text);
}

/* ---- filling the store -------------------------------------------------------------------------- */

static void create_next(client *c);

static void created(void *arg, const fsm_answer *answer) {
  client *c = arg;
  if (answer->error.code != FSM_OK) give_up("%s: %s", answer->error.where, answer->error.text);
  c->next += SETUP_IN_FLIGHT;
  if (c->next < INSTANCES)
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

static void await_idle(load *l) {
  while (atomic_load(&l->running) > 0) usleep(1000);
}

static void fill(load *l) {
  fsm_command deploy = fsm_command_new(FSM_CMD_DEPLOY);
  fsm_arena arena;
  fsm_answer answer;
  deploy.source = RING;
  deploy.source_len = strlen(RING);
  fsm_arena_init(&arena, 0);
  if (fsm_call(l->runtime, &deploy, &arena, &answer) != FSM_OK)
    give_up("deploy: %s: %s", answer.error.where, answer.error.text);
  fsm_arena_free(&arena);
  atomic_store(&l->running, SETUP_IN_FLIGHT);
  for (unsigned i = 0; i < SETUP_IN_FLIGHT; i++) {
    l->clients[i] = (client){.of = l, .next = i};
    create_next(&l->clients[i]);
  }
  await_idle(l);
}

/* ---- measuring ---------------------------------------------------------------------------------- */

static double measure(load *l, unsigned clients, double seconds) {
  atomic_store(&l->running, clients);
  atomic_store(&l->done, 0);
  l->stride = clients;
  double begin = now_s();
  for (unsigned i = 0; i < clients; i++) {
    l->clients[i] = (client){.of = l, .next = i};
    send_next(&l->clients[i]);
  }
  while (now_s() - begin < seconds) usleep(10000);
  uint64_t done = atomic_load(&l->done);
  double end = now_s();
  atomic_store(&l->stop, true);
  await_idle(l);
  return (double)done / (end - begin);
}

static sample durable(const char *dir, unsigned clients, double seconds) {
  load *l = calloc(1, sizeof *l);
  char data[600];
  fsm_error err;
  fsm__journal_stats before, after;
  if (l == NULL) give_up("no memory");
  snprintf(data, sizeof data, "%s/data", dir);
  if (fsm_runtime_open(&(fsm_runtime_options){.dir = data}, &l->runtime, NULL, &err) != FSM_OK)
    give_up("%s: %s", err.where, err.text);
  l->review_pair[0] = (fsm_pair){fsm_string("reviewId"), fsm_string("R-2026-000001")};
  l->review = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = l->review_pair};
  fill(l);
  fsm__journal_stats_get(fsm__runtime_journal(l->runtime), &before);
  sample s = {.value = measure(l, clients, seconds)};
  fsm__journal_stats_get(fsm__runtime_journal(l->runtime), &after);
  fsm_runtime_close(l->runtime);
  uint64_t batches = after.batches - before.batches, records = after.records - before.records;
  size_t bytes = batches > 0 ? (size_t)((after.bytes - before.bytes) / batches) : 512;
  s.raw = raw_overwrite(dir, bytes, seconds / 2) * (double)records / (double)(batches ? batches : 1);
  free(l);
  return s;
}

sample durable_c1(const char *dir, double seconds) { return durable(dir, 1, seconds); }
sample durable_c64_10k(const char *dir, double seconds) { return durable(dir, 64, seconds); }
