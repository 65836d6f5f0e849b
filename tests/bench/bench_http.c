/* bench_http.c: the service as a client sees it, over keep-alive connections on loopback, with a verified
 * HS256 token in every request (64 users).
 *
 * http_send: durable events per second, 64 connections with one request on its way each, 10k instances. Each
 * answer is 200 only after fdatasync, and the run fails unless the journal grew by as many records as there
 * were answers. http_send_p99: the 99th percentile of the same, in ms. http_read: GET of an instance.
 * http_idle_10k: MB of anonymous memory that 10,000 connections add which have read once and then wait (with
 * fewer files than that allowed: of as many as there may be, counted up).
 *
 * raw: a bare libmicrohttpd with the same answer, by the same client, right after. http_bare: that server,
 * and as raw a bare epoll: what the library itself costs.
 *
 * The client is one thread and shares the processors with the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench_http.h"

enum { EVENTS = 3, REQUEST_MAX = 2048, IDLE = 10000, IDLE_FILES = 500, IDLE_S = 3, STILL_THERE = 100 };
#define WARM_S 0.5

/* ---- requests ----------------------------------------------------------------------------------- */

/* A connection has the instances of its own number, then each HTTP_CLIENTS further: so their events keep
 * their order. */
typedef struct script {
  unsigned instance;
  size_t len[EVENTS], at[EVENTS]; /* where the eight digits of the instance are */
  char bytes[EVENTS][REQUEST_MAX];
  unsigned event;
} script;

typedef struct asking {
  script connections[HTTP_CLIENTS];
  unsigned events;      /* kinds of requests */
  double each_s, due_s; /* paced: one so often, and the next one; 0 = as fast as they are answered */
} asking;

static void await_turn(asking *a) {
  const double now = now_s();
  if (a->due_s < now - 1) a->due_s = now; /* what was missed long ago is not made up for */
  if (a->due_s > now) nanosleep(&(struct timespec){.tv_nsec = (long)((a->due_s - now) * 1e9)}, NULL);
  a->due_s += a->each_s;
}

static void put_number(char *at, unsigned n) {
  for (int i = 7; i >= 0; i--, n /= 10) at[i] = (char)('0' + n % 10);
}

/* The first event goes to each instance of the connection, then the second, then the third, then again. */
static http_bytes next_request(void *arg, unsigned connection) {
  asking *a = arg;
  script *s = &a->connections[connection];
  const unsigned e = s->event;
  if (a->each_s > 0) await_turn(a);
  put_number(s->bytes[e] + s->at[e], s->instance);
  s->instance += HTTP_CLIENTS;
  if (s->instance >= HTTP_INSTANCES) {
    s->instance = connection;
    s->event = (e + 1) % a->events;
  }
  return (http_bytes){s->bytes[e], s->len[e]};
}

static void prepare(script *s, unsigned e, const char *format, const char *token, const char *body) {
  char length[96] = "";
  if (body[0] != '\0')
    snprintf(length, sizeof length, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
             strlen(body));
  int len = snprintf(s->bytes[e], REQUEST_MAX,
                     "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n%s\r\n%s", format, token,
                     length, body);
  if (len < 0 || len >= REQUEST_MAX) give_up("a token is too long");
  s->len[e] = (size_t)len;
  s->at[e] = (size_t)(strstr(s->bytes[e], "i-00000000") + 2 - s->bytes[e]);
}

static asking *sends(const http_daemon *d) {
  static asking a;
  static const char *const bodies[EVENTS] = {
      "{\"event\":\"SUBMIT\"}", "{\"event\":\"REVIEW.DONE\",\"data\":{\"reviewId\":\"R-2026-000001\"}}",
      "{\"event\":\"APPROVE\"}"};
  memset(&a, 0, sizeof a);
  a.events = EVENTS;
  for (unsigned i = 0; i < HTTP_CLIENTS; i++) {
    a.connections[i].instance = i;
    for (unsigned e = 0; e < EVENTS; e++)
      prepare(&a.connections[i], e, "POST /v1/instances/i-00000000/events", d->tokens[i], bodies[e]);
  }
  return &a;
}

static asking *reads(const http_daemon *d) {
  static asking a;
  memset(&a, 0, sizeof a);
  a.events = 1;
  for (unsigned i = 0; i < HTTP_CLIENTS; i++) {
    a.connections[i].instance = i;
    prepare(&a.connections[i], 0, "GET /v1/instances/i-00000000", d->tokens[i], "");
  }
  return &a;
}

/* ---- runs --------------------------------------------------------------------------------------- */

static http_result drive(int port, asking *what, double seconds) {
  static http_result result;
  const http_load load = {.port = port,
                          .connections = HTTP_CLIENTS,
                          .status = 200,
                          .warm_s = WARM_S,
                          .seconds = seconds,
                          .next = next_request,
                          .arg = what};
  http_run(&load, &result);
  return result;
}

struct http_sends {
  asking asking;
};

http_sends *http_sends_new(const http_daemon *d) {
  http_sends *s = malloc(sizeof *s);
  if (s == NULL) give_up("no memory");
  s->asking = *sends(d);
  return s;
}

void http_sends_free(http_sends *s) { free(s); }

http_result http_drive_sends(const http_daemon *d, http_sends *s, double seconds) {
  return drive(d->port, &s->asking, seconds);
}

http_result http_drive_paced(const http_daemon *d, http_sends *s, double rate, double seconds) {
  s->asking.each_s = rate > 0 ? 1 / rate : 0;
  return drive(d->port, &s->asking, seconds);
}

static http_result drive_bare(bare_kind kind, const http_result *like, asking *what, double seconds) {
  http_bare bare;
  http_bare_start(&bare, kind, like->answer, like->answer_len);
  http_result result = drive(bare.port, what, seconds);
  http_bare_stop(&bare);
  return result;
}

/* Sends and, right after, the same to the bare server. */
static void send_both(const char *dir, double seconds, http_result *ours, http_result *bare) {
  http_daemon d;
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, HTTP_INSTANCES);
  const uint64_t before = http_daemon_seq(&d);
  *ours = drive(d.port, sends(&d), seconds);
  const uint64_t records = http_daemon_seq(&d) - before;
  if (records != ours->answers)
    give_up("%llu sends were answered, and %llu records are in the journal",
            (unsigned long long)ours->answers, (unsigned long long)records);
  *bare = drive_bare(BARE_MHD, ours, sends(&d), seconds / 2);
  http_daemon_stop(&d);
}

/* One measurement gives both figures: each is taken from it once. */
static sample send_figure(bool p99, const char *dir, double seconds) {
  static http_result ours, bare;
  static bool left[2];
  if (!left[p99]) send_both(dir, seconds, &ours, &bare), left[0] = left[1] = true;
  left[p99] = false;
  return p99 ? (sample){.value = ours.p99_ms, .raw = bare.p99_ms}
             : (sample){.value = ours.rate, .raw = bare.rate};
}

sample http_send(const char *dir, double seconds) { return send_figure(false, dir, seconds); }
sample http_send_p99(const char *dir, double seconds) { return send_figure(true, dir, seconds); }

sample http_read(const char *dir, double seconds) {
  http_daemon d;
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, HTTP_INSTANCES);
  http_result ours = drive(d.port, reads(&d), seconds);
  if (strstr(ours.answer, "\"ring\"") == NULL) give_up("an answer without the instance: %s", ours.answer);
  http_result bare = drive_bare(BARE_MHD, &ours, reads(&d), seconds / 2);
  http_daemon_stop(&d);
  return (sample){.value = ours.rate, .raw = bare.rate};
}

sample http_bare_library(const char *dir, double seconds) {
  http_daemon d;
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, HTTP_INSTANCES);
  http_result like = drive(d.port, sends(&d), WARM_S);
  sample s = {.value = drive_bare(BARE_MHD, &like, sends(&d), seconds / 2).rate};
  s.raw = drive_bare(BARE_EPOLL, &like, sends(&d), seconds / 2).rate;
  http_daemon_stop(&d);
  return s;
}

/* ---- connections that wait ---------------------------------------------------------------------- */

static void read_once(int fd, const script *s) {
  char answer[HTTP_ANSWER_MAX];
  if (http_ask(fd, s->bytes[0], s->len[0], answer, sizeof answer) != 200) give_up("not 200: %s", answer);
}

static unsigned idle_count(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) give_up("the limit of open files is not told");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) give_up("the limit of open files cannot be raised");
  return files.rlim_cur > IDLE + IDLE_FILES ? IDLE : (unsigned)files.rlim_cur * 3 / 4;
}

/* MB of the process that the connections add; some of them must still be served in the end. */
static double idle_mb(pid_t pid, int port, const asking *what) {
  static int fds[IDLE];
  const unsigned count = idle_count();
  for (unsigned i = 0; i < HTTP_CLIENTS; i++)
    read_once(fds[0] = http_connect(port), &what->connections[i]), close(fds[0]);
  double before = rss_anon_mb(pid);
  for (unsigned i = 0; i < count; i++)
    read_once(fds[i] = http_connect(port), &what->connections[i % HTTP_CLIENTS]);
  nanosleep(&(struct timespec){.tv_sec = IDLE_S}, NULL); /* what is given back is given back by then */
  double after = rss_anon_mb(pid);
  for (unsigned i = 0; i < count; i += count / STILL_THERE)
    read_once(fds[i], &what->connections[i % HTTP_CLIENTS]);
  for (unsigned i = 0; i < count; i++) close(fds[i]);
  return (after - before) * IDLE / count;
}

sample http_idle_10k(const char *dir, double seconds) {
  (void)seconds;
  http_daemon d;
  http_bare bare;
  http_daemon_start(&d, dir);
  http_daemon_fill(&d, HTTP_INSTANCES);
  http_result like = drive(d.port, reads(&d), WARM_S);
  sample s = {.value = idle_mb(d.pid, d.port, reads(&d))};
  http_bare_start(&bare, BARE_MHD, like.answer, like.answer_len);
  s.raw = idle_mb(bare.pid, bare.port, reads(&d));
  http_bare_stop(&bare);
  http_daemon_stop(&d);
  return s;
}
