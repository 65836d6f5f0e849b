/* bench_publish_load.c: commands that are published while they run, into JetStream of a nats-server of its
 * own.
 *
 * publish_latency_*: from "the record is durable" (the runtime says so) to "a JetStream subscriber in this
 * process has it", at 5,000 transitions/s. publish_cost_half: transitions/s reached when half of the peak is
 * asked for, and in `raw` the same without a publisher. publish_cost_peak: the same with 64 clients that each
 * have one in flight; publish_lag and publish_catch_up: how far publishing was behind at the end of that, in
 * records, and the seconds until it was level. publish_outage: the 99th percentile of commands, at half of
 * the peak, without the server, and in `raw` with it; which comes first changes with each run.
 *
 * The server, the subscriber and the clients share the processors with what is measured. FSM_NATS_SERVER: the
 * program. */
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"
#include "runtime/publish.h"
#include "tests/nats_server.h"

enum { INSTANCES = 10000, CLIENTS = 64, PACE = 5000, LEVEL_S = 600 };

static void need(bool good, const char *what) {
  if (!good) give_up("publish: %s", what);
}

/* ---- a ring that is published ------------------------------------------------------------------- */

typedef struct stamps { /* when each record became durable, and was seen; by seq */
  double *durable, *seen;
  size_t count;
  uint64_t last;
  _Atomic uint64_t seen_count;
} stamps;

typedef struct published {
  nats_server server;
  fsm_publisher *publisher;
  ring *ring;
  stamps *stamps; /* NULL = nobody asks */
} published;

static void on_durable(void *arg, uint64_t seq) {
  published *p = arg;
  stamps *s = p->stamps;
  if (s != NULL) {
    double now = now_s();
    for (uint64_t i = s->last + 1; i <= seq && i < s->count; i++) s->durable[i] = now;
    s->last = seq;
  }
  fsm_publisher_durable(p->publisher, seq);
}

static void open_published(published *p) {
  fsm_error err;
  fsm_publisher_options options = {.url = p->server.url};
  if (fsm_publisher_new(&options, &p->publisher, &err) != FSM_OK) give_up("%s: %s", err.where, err.text);
  fsm_runtime_options runtime = {
      .task_ready = fsm_publisher_task, .task_arg = p->publisher, .durable = on_durable, .durable_arg = p};
  ring_open_as(p->ring, &runtime);
  if (fsm_publisher_start(p->publisher, ring_runtime(p->ring), &err) != FSM_OK)
    give_up("%s: %s", err.where, err.text);
}

static void close_published(published *p) {
  fsm_publisher_stop(p->publisher);
  ring_close(p->ring);
  fsm_publisher_free(p->publisher);
  p->publisher = NULL;
}

static uint64_t lag(published *p) {
  fsm_publisher_status s;
  fsm_publisher_status_get(p->publisher, &s);
  return s.durable_seq - s.published_seq;
}

/* Seconds until everything is published. */
static double level(published *p) {
  double begin = now_s();
  fsm_publisher_status s;
  do {
    usleep(1000);
    fsm_publisher_status_get(p->publisher, &s);
    need(now_s() - begin < LEVEL_S, s.last_error);
  } while (s.published_seq < s.durable_seq);
  return now_s() - begin;
}

static void begin(published *p, const char *dir) {
  memset(p, 0, sizeof *p);
  p->ring = ring_new(dir, INSTANCES);
  ring_close(p->ring);
  need(nats_server_new(&p->server), "no directory for a nats-server");
}

static void start_server(published *p) {
  need(nats_server_start(&p->server), "there is no nats-server (set FSM_NATS_SERVER)");
}

static void end(published *p) {
  ring_free(p->ring);
  nats_server_free(&p->server);
}

static double peak_without(published *p, double seconds) {
  ring_open(p->ring);
  double peak = ring_run(p->ring, CLIENTS, SPREAD_EVEN, seconds);
  ring_close(p->ring);
  return peak;
}

/* ---- commit to subscriber ----------------------------------------------------------------------- */

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg) {
  (void)nc, (void)sub;
  published *p = arg;
  stamps *s = p->stamps;
  const char *text = NULL;
  if (natsMsgHeader_Get(msg, "Fsm-Seq", &text) == NATS_OK) {
    uint64_t seq = strtoull(text, NULL, 10);
    if (seq < s->count) s->seen[seq] = now_s();
    atomic_fetch_add(&s->seen_count, 1);
  }
  natsMsg_Destroy(msg);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of records from … on, sorted, in ms. */
static size_t latencies(const stamps *s, uint64_t from, double *out) {
  size_t n = 0;
  for (uint64_t i = from; i <= s->last && i < s->count; i++) {
    need(s->seen[i] > 0 && s->durable[i] > 0, "a record did not arrive");
    out[n++] = (s->seen[i] - s->durable[i]) * 1000;
  }
  qsort(out, n, sizeof *out, ascending);
  return n;
}

static double publish_latency(const char *dir, double seconds, unsigned percent) {
  published p;
  stamps s = {.count = (size_t)(PACE * seconds) + 4 * INSTANCES};
  begin(&p, dir);
  start_server(&p);
  open_published(&p);
  (void)level(&p);
  s.durable = calloc(s.count, sizeof *s.durable), s.seen = calloc(s.count, sizeof *s.seen);
  need(s.durable != NULL && s.seen != NULL, "no memory");
  fsm_publisher_status before;
  fsm_publisher_status_get(p.publisher, &before);
  s.last = before.durable_seq;
  p.stamps = &s;
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  natsSubscription *sub = NULL;
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = "FSM_EVT_0";
  options.Config.DeliverPolicy = js_DeliverNew;
  options.Config.AckPolicy = js_AckNone;
  need(natsConnection_ConnectTo(&nc, p.server.url) == NATS_OK, "no connection");
  need(natsConnection_JetStream(&js, nc, NULL) == NATS_OK, "no JetStream");
  need(js_Subscribe(&sub, js, "fsm.evt.>", on_message, &p, NULL, &options, NULL) == NATS_OK, "no subscriber");
  (void)ring_paced(p.ring, SPREAD_EVEN, PACE, seconds);
  (void)level(&p);
  uint64_t wanted = s.last - before.durable_seq;
  for (int i = 0; i < 10000 && atomic_load(&s.seen_count) < wanted; i++) usleep(1000);
  close_published(&p);
  natsSubscription_Destroy(sub);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  double *all = calloc(s.count, sizeof *all);
  need(all != NULL, "no memory");
  size_t n = latencies(&s, before.durable_seq + 1, all);
  need(n > 0, "nothing was sent");
  double value = all[n * percent / 100];
  free(all), free(s.durable), free(s.seen);
  end(&p);
  return value;
}

sample publish_latency_p50(const char *dir, double seconds) {
  return (sample){.value = publish_latency(dir, seconds, 50)};
}
sample publish_latency_p99(const char *dir, double seconds) {
  return (sample){.value = publish_latency(dir, seconds, 99)};
}

/* ---- what it costs commands --------------------------------------------------------------------- */

/* Transitions per second when so many are asked for. */
static double reached(ring *r, double per_second, double seconds) {
  double begin = now_s();
  (void)ring_paced(r, SPREAD_EVEN, per_second, seconds);
  return per_second * seconds / (now_s() - begin);
}

sample publish_cost_half(const char *dir, double seconds) {
  published p;
  sample s;
  begin(&p, dir);
  double half = peak_without(&p, seconds / 2) / 2;
  ring_open(p.ring);
  s.raw = reached(p.ring, half, seconds);
  ring_close(p.ring);
  start_server(&p);
  open_published(&p);
  (void)level(&p);
  s.value = reached(p.ring, half, seconds);
  close_published(&p);
  end(&p);
  return s;
}

typedef struct peak {
  double with, without, lag, catch_up_s;
} peak;

static peak at_peak(const char *dir, double seconds) {
  published p;
  begin(&p, dir);
  peak found = {.without = peak_without(&p, seconds)};
  start_server(&p);
  open_published(&p);
  (void)level(&p);
  found.with = ring_run(p.ring, CLIENTS, SPREAD_EVEN, seconds);
  found.lag = (double)lag(&p);
  found.catch_up_s = level(&p);
  close_published(&p);
  end(&p);
  return found;
}

sample publish_cost_peak(const char *dir, double seconds) {
  peak found = at_peak(dir, seconds);
  return (sample){found.with, found.without};
}
sample publish_lag(const char *dir, double seconds) { return (sample){.value = at_peak(dir, seconds).lag}; }
sample publish_catch_up(const char *dir, double seconds) {
  return (sample){.value = at_peak(dir, seconds).catch_up_s};
}

/* ---- without the server ------------------------------------------------------------------------- */

static double p99(published *p, bool there, double per_second, double seconds) {
  if (there) start_server(p);
  open_published(p);
  if (there) (void)level(p);
  (void)ring_paced(p->ring, SPREAD_EVEN, per_second, 1); /* both warm; without it, it has tried in vain */
  double found = ring_paced(p->ring, SPREAD_EVEN, per_second, seconds).p99;
  close_published(p);
  nats_server_kill(&p->server);
  return found;
}

sample publish_outage(const char *dir, double seconds) {
  static unsigned runs;
  published p;
  sample s = {0};
  begin(&p, dir);
  double half = peak_without(&p, seconds / 2) / 2;
  bool first = runs++ % 2 == 0;
  for (int i = 0; i < 2; i++) {
    bool there = (i == 0) == first;
    *(there ? &s.raw : &s.value) = p99(&p, there, half, seconds);
  }
  end(&p);
  return s;
}
