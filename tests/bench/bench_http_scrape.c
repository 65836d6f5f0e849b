/* bench_http_scrape.c: what it costs those who send events that /metrics is asked for each second.
 *
 * http_scraped: durable events per second as http_send has them, with 100,000 instances and one client that
 * asks for /metrics each second; raw: the same without it, on the same daemon, half of it before and half
 * after. http_scraped_cpu: microseconds of the daemon's processor time for each event. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_http.h"

enum { INSTANCES = 100000, TEXT_MAX = 1024 * 1024, EACH_MS = 1000, LOOK_MS = 20 };

typedef struct scraping {
  const http_daemon *daemon;
  pthread_t thread;
  _Atomic bool stop;
  unsigned scrapes;
} scraping;

static void *scrape(void *arg) {
  static const char ask[] = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  scraping *s = arg;
  char *text = malloc(TEXT_MAX);
  int fd = http_connect(s->daemon->port);
  if (text == NULL) give_up("no memory");
  for (double due = 0; !atomic_load(&s->stop);) {
    const double now = now_s();
    if (now < due) {
      nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
      continue;
    }
    due = now + EACH_MS / 1e3;
    if (http_ask(fd, ask, sizeof ask - 1, text, TEXT_MAX) != 200 || !strstr(text, "fsm_instances"))
      give_up("/metrics: %.300s", text);
    s->scrapes++;
  }
  close(fd);
  free(text);
  return NULL;
}

typedef struct part {
  double rate, cpu_us;
} part;

static void drive(const http_daemon *d, http_sends *events, double seconds, part *out) {
  const double before = http_daemon_cpu_s(d);
  const http_result result = http_drive_sends(d, events, seconds);
  out->rate = result.rate;
  out->cpu_us = (http_daemon_cpu_s(d) - before) * 1e6 / (double)result.answers;
}

static void drive_scraped(const http_daemon *d, http_sends *events, double seconds, part *out) {
  scraping s = {.daemon = d};
  if (pthread_create(&s.thread, NULL, scrape, &s) != 0) give_up("no thread");
  drive(d, events, seconds, out);
  atomic_store(&s.stop, true);
  pthread_join(s.thread, NULL);
  if (s.scrapes == 0) give_up("/metrics was never asked for");
}

typedef struct measured {
  part with, before, after;
} measured;

static measured measure(const char *dir, double seconds) {
  http_daemon d;
  measured m = {0};
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, INSTANCES);
  http_sends *events = http_sends_new(&d);
  drive(&d, events, seconds / 2, &m.before);
  drive_scraped(&d, events, seconds, &m.with);
  drive(&d, events, seconds / 2, &m.after);
  http_sends_free(events);
  http_daemon_stop(&d);
  return m;
}

/* One measurement gives both figures: each is taken from it once. */
static const measured *figure_of(bool cpu, const char *dir, double seconds) {
  static measured last;
  static bool left[2];
  if (!left[cpu]) last = measure(dir, seconds), left[0] = left[1] = true;
  left[cpu] = false;
  return &last;
}

sample http_scraped(const char *dir, double seconds) {
  const measured *m = figure_of(false, dir, seconds);
  return (sample){.value = m->with.rate, .raw = (m->before.rate + m->after.rate) / 2};
}

sample http_scraped_cpu(const char *dir, double seconds) {
  const measured *m = figure_of(true, dir, seconds);
  return (sample){.value = m->with.cpu_us, .raw = (m->before.cpu_us + m->after.cpu_us) / 2};
}
