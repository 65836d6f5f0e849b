/* bench_http_stream.c: what 1,000 streams of records cost those who send events.
 *
 * http_stream: durable events per second as http_send has them, while 1,000 server-sent streams with filters
 * (most name an instance, 122 a user) are told two records of each event; raw: the same without streams, on
 * the same daemon, half of it before and half after. So 1 - ratio is the cost. http_stream_deliveries: the
 * records per second that the streams got meanwhile; raw: what their filters want of the events that were
 * sent. http_stream_cpu: microseconds of the daemon's processor time for each event, deliveries included;
 * raw: without streams. It says the same where other programs take processors away.
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

enum { STREAMS = 1000, OF_USERS = 122, READY_MAX = 256, SETTLE_S = 1 };

typedef struct stream {
  int fd;
  unsigned matched; /* bytes of MARK that the last bytes were */
} stream;

typedef struct listening {
  stream all[STREAMS];
  int epoll;
  pthread_t thread;
  _Atomic bool stop;
  _Atomic uint64_t records;
} listening;

static const char mark[] = "\ndata: {";

static void look(listening *l, stream *s, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] != mark[s->matched]) s->matched = 0;
    if (bytes[i] == mark[s->matched]) s->matched++;
    if (s->matched < sizeof mark - 1) continue;
    s->matched = 0;
    atomic_fetch_add_explicit(&l->records, 1, memory_order_relaxed);
  }
}

static void *listen_to_all(void *arg) {
  listening *l = arg;
  struct epoll_event ready[READY_MAX];
  static char bytes[64 * 1024];
  while (!atomic_load(&l->stop)) {
    int n = epoll_wait(l->epoll, ready, READY_MAX, 100);
    for (int i = 0; i < n; i++) {
      stream *s = ready[i].data.ptr;
      ssize_t got = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) give_up("a stream ended");
      if (got > 0) look(l, s, bytes, (size_t)got);
    }
  }
  return NULL;
}

static void open_stream(listening *l, const http_daemon *d, unsigned i) {
  char request[4096], filter[64];
  if (i < OF_USERS)
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

static listening *open_streams(const http_daemon *d) {
  listening *l = calloc(1, sizeof *l);
  if (l == NULL || (l->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) give_up("no memory");
  for (unsigned i = 0; i < STREAMS; i++) open_stream(l, d, i);
  if (pthread_create(&l->thread, NULL, listen_to_all, l) != 0) give_up("no thread");
  nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
  return l;
}

static void close_streams(listening *l) {
  atomic_store(&l->stop, true);
  pthread_join(l->thread, NULL);
  for (unsigned i = 0; i < STREAMS; i++) close(l->all[i].fd);
  close(l->epoll);
  free(l);
}

static double cpu_s(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "r");
  size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL) fclose(file);
  text[len] = '\0';
  char *at = strrchr(text, ')');
  for (unsigned field = 2; at != NULL && field < 14; field++) at = strchr(at + 1, ' ');
  if (at == NULL) give_up("%s cannot be read", path);
  const unsigned long user = strtoul(at, &at, 10), kernel = strtoul(at, NULL, 10);
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

typedef struct measured {
  sample sends, told, cpu;
} measured;

static http_result drive(const http_daemon *d, http_sends *events, double seconds, double *cpu_us) {
  const double before = cpu_s(d->pid);
  const http_result result = http_drive_sends(d, events, seconds);
  *cpu_us = (cpu_s(d->pid) - before) * 1e6 / (double)result.answers;
  return result;
}

static measured both(const char *dir, double seconds) {
  http_daemon d;
  double cpu_before, cpu_with, cpu_after;
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, HTTP_INSTANCES);
  http_sends *events = http_sends_new(&d);
  const double before = drive(&d, events, seconds / 2, &cpu_before).rate;
  listening *l = open_streams(&d);
  const uint64_t seq = http_daemon_seq(&d), had = atomic_load(&l->records);
  const double begin = now_s(), with = drive(&d, events, seconds, &cpu_with).rate, took = now_s() - begin;
  nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
  const double got = (double)(atomic_load(&l->records) - had), records = (double)(http_daemon_seq(&d) - seq);
  close_streams(l);
  nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
  const double after = drive(&d, events, seconds / 2, &cpu_after).rate;
  http_sends_free(events);
  http_daemon_stop(&d);
  const double each = (double)OF_USERS / HTTP_CLIENTS + (double)(STREAMS - OF_USERS) / HTTP_INSTANCES;
  return (measured){.sends = {.value = with, .raw = (before + after) / 2},
                    .told = {.value = got / took, .raw = records * each / took},
                    .cpu = {.value = cpu_with, .raw = (cpu_before + cpu_after) / 2}};
}

sample http_stream(const char *dir, double seconds) { return both(dir, seconds).sends; }
sample http_stream_deliveries(const char *dir, double seconds) { return both(dir, seconds).told; }
sample http_stream_cpu(const char *dir, double seconds) { return both(dir, seconds).cpu; }
