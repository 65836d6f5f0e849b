/* proxy.h: a TCP proxy in a thread of the test, for what networks do: silence, half of it, resets, slowness,
 * delay.
 *
 * One thread and poll; each direction of a connection is a queue of bytes with the time from which they may
 * go on. */
#ifndef FSM_TESTS_PROXY_H
#define FSM_TESTS_PROXY_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PROXY_LINKS = 32, PROXY_QUEUE = 64 * 1024, PROXY_TURN_MS = 2 };

typedef struct proxy_pipe {
  unsigned char data[PROXY_QUEUE];
  size_t len;
  int64_t due_ns;    /* of what is in it */
  int64_t filled_ns; /* the allowance of a slow one */
} proxy_pipe;

typedef struct proxy_link {
  int client, server; /* -1 = unused */
  bool dead_up, dead_down;
  proxy_pipe up, down;
} proxy_link;

typedef struct proxy {
  int listener, port, target;
  atomic_bool stop;
  atomic_bool hole;   /* those that are connected now say and hear nothing any more */
  atomic_bool half;   /* … hear nothing any more */
  atomic_bool reset;  /* … are reset */
  atomic_int up_rate; /* bytes a second towards the server; 0 = no limit */
  atomic_int down_ms; /* what comes from the server comes so much later */
  pthread_t thread;
  proxy_link links[PROXY_LINKS];
} proxy;

static inline int64_t proxy_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void proxy_drop(proxy_link *l, bool reset) {
  struct linger hard = {.l_onoff = 1, .l_linger = 0};
  if (reset) {
    setsockopt(l->client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    setsockopt(l->server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  close(l->client);
  close(l->server);
  l->client = l->server = -1;
}

static inline void proxy_accept(proxy *p) {
  int client = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0) return;
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)p->target),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  proxy_link *free_one = NULL;
  for (int i = 0; i < PROXY_LINKS; i++) {
    if (p->links[i].client < 0) free_one = &p->links[i];
  }
  if (free_one == NULL || server < 0 || connect(server, (struct sockaddr *)&to, sizeof to) != 0) {
    close(client);
    if (server >= 0) close(server);
    return;
  }
  fcntl(server, F_SETFL, O_NONBLOCK);
  free_one->client = client;
  free_one->server = server;
  free_one->dead_up = free_one->dead_down = false;
  free_one->up.len = free_one->down.len = 0;
}

/* false = the connection is over. */
static inline bool proxy_move(int from, int to, proxy_pipe *q, bool dead, int rate, int delay_ms) {
  int64_t now = proxy_now();
  if (q->len < PROXY_QUEUE && (delay_ms == 0 || q->len == 0)) {
    ssize_t n = recv(from, q->data + q->len, PROXY_QUEUE - q->len, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) return false;
    if (n > 0 && q->len == 0) q->due_ns = now + (int64_t)delay_ms * 1000000;
    if (n > 0) q->len += (size_t)n;
  }
  if (dead) q->len = 0;
  if (q->len == 0) q->filled_ns = now;
  if (q->len == 0 || now < q->due_ns) return true;
  size_t most = q->len;
  if (rate > 0) {
    size_t allowed = (size_t)((now - q->filled_ns) * rate / 1000000000);
    if (allowed == 0) return true;
    if (allowed < most) most = allowed;
    q->filled_ns = now;
  }
  ssize_t n = send(to, q->data, most, MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  memmove(q->data, q->data + n, q->len - (size_t)n);
  q->len -= (size_t)n;
  return true;
}

static inline void *proxy_run(void *arg) {
  proxy *p = arg;
  while (!atomic_load(&p->stop)) {
    bool hole = atomic_exchange(&p->hole, false), half = atomic_exchange(&p->half, false);
    bool reset = atomic_exchange(&p->reset, false);
    struct pollfd fds[2 * PROXY_LINKS + 1] = {{.fd = p->listener, .events = POLLIN}};
    nfds_t count = 1;
    for (int i = 0; i < PROXY_LINKS; i++) {
      proxy_link *l = &p->links[i];
      if (l->client < 0) continue;
      if (hole) l->dead_up = true;
      if (hole || half) l->dead_down = true;
      if (reset || !proxy_move(l->client, l->server, &l->up, l->dead_up, atomic_load(&p->up_rate), 0) ||
          !proxy_move(l->server, l->client, &l->down, l->dead_down, 0, atomic_load(&p->down_ms))) {
        proxy_drop(l, reset);
        continue;
      }
      if (l->up.len == 0) fds[count++] = (struct pollfd){.fd = l->client, .events = POLLIN};
      if (l->down.len == 0) fds[count++] = (struct pollfd){.fd = l->server, .events = POLLIN};
    }
    poll(fds, count, PROXY_TURN_MS);
    if ((fds[0].revents & POLLIN) != 0) proxy_accept(p);
  }
  for (int i = 0; i < PROXY_LINKS; i++) {
    if (p->links[i].client >= 0) proxy_drop(&p->links[i], true);
  }
  return NULL;
}

/* Listens on a free port of loopback, and connects each one to target there. NULL on any failure. */
static inline proxy *proxy_start(int target) {
  proxy *p = calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  for (int i = 0; i < PROXY_LINKS; i++) p->links[i].client = p->links[i].server = -1;
  p->target = target;
  p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, len) != 0 ||
      listen(p->listener, 16) != 0 || getsockname(p->listener, (struct sockaddr *)&at, &len) != 0 ||
      pthread_create(&p->thread, NULL, proxy_run, p) != 0) {
    if (p->listener >= 0) close(p->listener);
    free(p);
    return NULL;
  }
  p->port = ntohs(at.sin_port);
  return p;
}

static inline void proxy_free(proxy *p) {
  if (p == NULL) return;
  atomic_store(&p->stop, true);
  pthread_join(p->thread, NULL);
  close(p->listener);
  free(p);
}

#endif
