/* bench_http_load.c: many keep-alive connections from one thread, each with one request on its way.
 *
 * The invariant that makes a figure true: an answer counts once its head and its whole body are here and its
 * status is the expected one; whatever else comes (another status, a close, bytes behind an answer) ends the
 * program. When the time is over nothing more is asked and every answer that is due is waited for, so that
 * what was answered can be compared with what the daemon wrote. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_http.h"

enum { BUCKET_US = 10, BUCKETS = 1000 * 1000, READY_MAX = 256, STALLED_MS = 20000 };

typedef struct connection {
  int fd;
  double sent_s; /* 0 = nothing is on its way */
  size_t got;
  char in[HTTP_ANSWER_MAX];
} connection;

typedef struct run {
  const http_load *load;
  http_result *out;
  connection *all;
  int epoll;
  unsigned on_their_way;
  double from_s, until_s; /* what is measured */
  uint64_t measured;
  uint32_t *histogram; /* of BUCKET_US; the last bucket has all that is longer */
} run;

int http_connect(int port) {
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
    give_up("no connection to port %d: %s", port, strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* Bytes of the whole answer when its head is there, else 0; in is a text. */
static size_t answer_len(const char *in) {
  const char *end = strstr(in, "\r\n\r\n");
  if (end == NULL) return 0;
  const char *length = strcasestr(in, "\r\nContent-Length:");
  if (length == NULL || length > end) give_up("an answer without Content-Length: %.300s", in);
  return (size_t)(end + 4 - in) + strtoul(length + 17, NULL, 10);
}

static int answer_status(const char *in) {
  return strncmp(in, "HTTP/1.1 ", 9) == 0 ? (int)strtol(in + 9, NULL, 10) : 0;
}

static void send_all(int fd, const char *bytes, size_t len) {
  ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
  if (n != (ssize_t)len) give_up("a request of %zu bytes could not be sent: %s", len, strerror(errno));
}

int http_ask(int fd, const char *bytes, size_t len, char *out, size_t size) {
  size_t got = 0, whole = 0;
  send_all(fd, bytes, len);
  while (whole == 0 || got < whole) {
    ssize_t n = recv(fd, out + got, size - 1 - got, 0);
    if (n <= 0) give_up("no answer to %.60s: %s", bytes, n == 0 ? "closed" : strerror(errno));
    out[got += (size_t)n] = '\0';
    if (whole == 0) whole = answer_len(out);
    if (whole >= size) give_up("an answer of %zu bytes", whole);
  }
  return answer_status(out);
}

static void note(run *r, double now, double took) {
  if (now < r->from_s || now >= r->until_s) return;
  size_t bucket = (size_t)(took * 1e6 / BUCKET_US);
  r->histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  r->measured++;
  if (took * 1e3 > r->out->max_ms) r->out->max_ms = took * 1e3;
}

static double quantile(const run *r, double part) {
  uint64_t below = 0, wanted = (uint64_t)((double)r->measured * part);
  size_t i = 0;
  for (; i < BUCKETS - 1; i++)
    if ((below += r->histogram[i]) > wanted) break;
  return (double)(i + 1) * BUCKET_US / 1e3;
}

/* ---- connections -------------------------------------------------------------------------------- */

static void ask_next(run *r, connection *c, double now) {
  c->got = 0;
  c->sent_s = 0;
  if (r->load->seconds > 0 && now >= r->until_s) return;
  http_bytes next = r->load->next(r->load->arg, (unsigned)(c - r->all));
  if (next.data == NULL) return;
  c->sent_s = now;
  r->on_their_way++;
  send_all(c->fd, next.data, next.len);
}

static void take(run *r, connection *c) {
  ssize_t n = recv(c->fd, c->in + c->got, sizeof c->in - 1 - c->got, MSG_DONTWAIT);
  if (n <= 0) give_up("a connection ended: %s", n == 0 ? "closed by the server" : strerror(errno));
  if (c->sent_s == 0) give_up("an answer that nobody asked for");
  c->in[c->got += (size_t)n] = '\0';
  size_t whole = answer_len(c->in);
  if (whole == 0 || c->got < whole) {
    if (c->got == sizeof c->in - 1) give_up("an answer is too long");
    return;
  }
  if (c->got > whole) give_up("bytes behind an answer");
  if (answer_status(c->in) != r->load->status) give_up("not %d: %.900s", r->load->status, c->in);
  double now = now_s();
  note(r, now, now - c->sent_s);
  r->out->answers++;
  r->on_their_way--;
  if (r->out->answers == 1) memcpy(r->out->answer, c->in, r->out->answer_len = whole);
  ask_next(r, c, now);
}

static void open_all(run *r) {
  for (unsigned i = 0; i < r->load->connections; i++) {
    connection *c = &r->all[i];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = http_connect(r->load->port);
    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) give_up("epoll: %s", strerror(errno));
  }
}

static void drive(run *r) {
  struct epoll_event ready[READY_MAX];
  double begin = now_s();
  r->from_s = begin + r->load->warm_s;
  r->until_s = r->load->seconds > 0 ? r->from_s + r->load->seconds : begin + 3600;
  for (unsigned i = 0; i < r->load->connections; i++) ask_next(r, &r->all[i], begin);
  while (r->on_their_way > 0) {
    int n = epoll_wait(r->epoll, ready, READY_MAX, STALLED_MS);
    if (n == 0) give_up("%u answers did not come within %d s", r->on_their_way, STALLED_MS / 1000);
    for (int i = 0; i < n; i++) take(r, ready[i].data.ptr);
  }
  double end = now_s() < r->until_s ? now_s() : r->until_s;
  r->out->rate = (double)r->measured / (end - r->from_s);
}

void http_run(const http_load *load, http_result *out) {
  run r = {.load = load, .out = out, .epoll = epoll_create1(EPOLL_CLOEXEC)};
  memset(out, 0, sizeof *out);
  r.all = calloc(load->connections, sizeof *r.all);
  r.histogram = calloc(BUCKETS, sizeof *r.histogram);
  if (r.epoll < 0 || r.all == NULL || r.histogram == NULL) give_up("no memory");
  open_all(&r);
  drive(&r);
  out->p50_ms = quantile(&r, 0.5);
  out->p99_ms = quantile(&r, 0.99);
  for (unsigned i = 0; i < load->connections; i++) close(r.all[i].fd);
  close(r.epoll);
  free(r.histogram);
  free(r.all);
}
