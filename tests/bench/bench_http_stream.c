/* bench_http_stream.c: what 1,000 streams of records cost those who send events.
 *
 * http_stream: durable events per second as http_send has them, while 1,000 server-sent streams with filters
 * are told TOLD_PER_S records per second in all; raw: the same without streams. On one daemon, in pairs whose
 * halves take turns at being first, so that a slow moment of the machine falls on both. So 1 - ratio is the
 * cost. As many streams name a user (of 64) as it takes for that at the speed of this machine, which is
 * measured before; the rest an instance (of 10,000). http_stream_deliveries: the records per second that the
 * streams got meanwhile; raw: what their filters want of the events that were sent. http_stream_cpu:
 * microseconds of the daemon's processor time for each event, deliveries included; raw: without streams. It
 * says the same where other programs take processors away.
 *
 * The streams are read by one thread of this process, which shares the processors with the rest. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_http.h"

static const char mark[] = "\ndata: {";

enum {
  STREAMS = 1000,
  TOLD_PER_S = 20000,
  PAIRS = 4,
  READY_MAX = 256,
  BYTES = 64 * 1024,
  KEPT = sizeof mark - 2, /* bytes that may be the begin of a mark */
  SETTLE_MS = 400
};

/* Of those who send: with the streams they still have this part. */
#define COST_AT_MOST 0.9

typedef struct stream {
  int fd;
  char last[KEPT];
} stream;

typedef struct listening {
  stream all[STREAMS];
  unsigned of_users;
  int epoll;
  pthread_t thread;
  _Atomic bool stop;
  _Atomic uint64_t records;
} listening;

/* bytes: what came, behind the room for what came before it. */
static void look(listening *l, stream *s, char *bytes, size_t len) {
  const char *end = bytes + KEPT + len, *at = bytes;
  uint64_t found = 0;
  memcpy(bytes, s->last, KEPT);
  while ((at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1)) != NULL) found++, at += sizeof mark - 1;
  memcpy(s->last, end - KEPT, KEPT);
  atomic_fetch_add_explicit(&l->records, found, memory_order_relaxed);
}

static void *listen_to_all(void *arg) {
  listening *l = arg;
  struct epoll_event ready[READY_MAX];
  static char bytes[KEPT + BYTES];
  while (!atomic_load(&l->stop)) {
    int n = epoll_wait(l->epoll, ready, READY_MAX, 100);
    for (int i = 0; i < n; i++) {
      stream *s = ready[i].data.ptr;
      ssize_t got = recv(s->fd, bytes + KEPT, BYTES, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) give_up("a stream ended");
      if (got > 0) look(l, s, bytes, (size_t)got);
    }
  }
  return NULL;
}

static void open_stream(listening *l, const http_daemon *d, unsigned i) {
  char request[4096], filter[64];
  if (i < l->of_users)
    snprintf(filter, sizeof filter, "user=user-%02u", i % HTTP_CLIENTS);
  else
    snprintf(filter, sizeof filter, "instance=i-%08u", i * (HTTP_INSTANCES / STREAMS));
  int len = snprintf(request, sizeof request,
                     "GET /v1/records?%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                     "Authorization: Bearer %s\r\n\r\n",
                     filter, d->tokens[i % HTTP_CLIENTS]);
  stream *s = &l->all[i];
  *s = (stream){.fd = http_connect(d->port)};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
  if (len <= 0 || len >= (int)sizeof request || send(s->fd, request, (size_t)len, MSG_NOSIGNAL) != len ||
      epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &event) != 0)
    give_up("a stream cannot be asked for");
}

static void settle(void) { nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 1000000}, NULL); }

static listening *open_streams(const http_daemon *d, unsigned of_users) {
  listening *l = calloc(1, sizeof *l);
  if (l == NULL || (l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) give_up("no memory");
  l->of_users = of_users;
  for (unsigned i = 0; i < STREAMS; i++) open_stream(l, d, i);
  if (pthread_create(&l->thread, NULL, listen_to_all, l) != 0) give_up("no thread");
  settle();
  return l;
}

static void close_streams(listening *l) {
  atomic_store(&l->stop, true);
  pthread_join(l->thread, NULL);
  for (unsigned i = 0; i < STREAMS; i++) close(l->all[i].fd);
  close(l->epoll);
  free(l);
}

/* ---- pairs --------------------------------------------------------------------------------------- */

typedef struct sum {
  double rate, cpu_us;
} sum;

typedef struct measured {
  sample sends, told, cpu;
} measured;

typedef struct pairs {
  http_daemon daemon;
  http_sends *events;
  unsigned of_users;
  double seconds; /* of a half */
  sum with, without;
  double told, records;
} pairs;

static double drive(pairs *p, double seconds, sum *out) {
  const double before = http_daemon_cpu_s(&p->daemon);
  const http_result result = http_drive_sends(&p->daemon, p->events, seconds);
  out->rate += result.rate / PAIRS;
  out->cpu_us += (http_daemon_cpu_s(&p->daemon) - before) * 1e6 / (double)result.answers / PAIRS;
  return result.rate;
}

/* Records per event that the streams want. */
static double each(unsigned of_users) {
  return (double)of_users / HTTP_CLIENTS + (double)(STREAMS - of_users) / HTTP_INSTANCES;
}

static unsigned users_for(double rate) {
  unsigned count = 0;
  while (count < STREAMS && each(count) * rate < TOLD_PER_S) count++;
  return count;
}

static void drive_with(pairs *p) {
  listening *l = open_streams(&p->daemon, p->of_users);
  const uint64_t seq = http_daemon_seq(&p->daemon), had = atomic_load(&l->records);
  drive(p, p->seconds, &p->with);
  settle();
  p->told += (double)(atomic_load(&l->records) - had);
  p->records += (double)(http_daemon_seq(&p->daemon) - seq);
  close_streams(l);
  settle();
}

static measured measure(const char *dir, double seconds) {
  pairs p = {.seconds = seconds / PAIRS};
  sum ignored = {0};
  http_daemon_start(&p.daemon, dir);
  http_daemon_fill(&p.daemon, HTTP_INSTANCES);
  p.events = http_sends_new(&p.daemon);
  p.of_users = users_for(drive(&p, p.seconds, &ignored) * COST_AT_MOST);
  for (unsigned i = 0; i < PAIRS; i++) {
    if (i % 2) drive_with(&p);
    drive(&p, p.seconds, &p.without);
    if (i % 2 == 0) drive_with(&p);
  }
  http_sends_free(p.events);
  http_daemon_stop(&p.daemon);
  return (measured){
      .sends = {.value = p.with.rate, .raw = p.without.rate},
      .told = {.value = p.told / p.records * p.with.rate, .raw = each(p.of_users) * p.with.rate},
      .cpu = {.value = p.with.cpu_us, .raw = p.without.cpu_us}};
}

/* One measurement gives all three figures: each is taken from it once. */
static const measured *figure_of(unsigned which, const char *dir, double seconds) {
  static measured last;
  static unsigned left;
  if (!(left >> which & 1)) last = measure(dir, seconds), left = 7;
  left &= ~(1U << which);
  return &last;
}

sample http_stream(const char *dir, double seconds) { return figure_of(0, dir, seconds)->sends; }
sample http_stream_deliveries(const char *dir, double seconds) { return figure_of(1, dir, seconds)->told; }
sample http_stream_cpu(const char *dir, double seconds) { return figure_of(2, dir, seconds)->cpu; }
