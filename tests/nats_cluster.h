/* nats_cluster.h: three nats-servers with JetStream on loopback that know each other. */
#ifndef FSM_TESTS_NATS_CLUSTER_H
#define FSM_TESTS_NATS_CLUSTER_H

#include "nats_server.h"

enum { NATS_CLUSTER = 3 };

typedef struct nats_cluster {
  nats_server servers[NATS_CLUSTER]; /* named s0, s1, s2 */
  int route_ports[NATS_CLUSTER];
  char urls[256];
} nats_cluster;

static inline bool nats_cluster_start_one(nats_cluster *c, int i) {
  nats_server *s = &c->servers[i];
  char path[96], routes[256] = "", log[96];
  for (int k = 0, len = 0; k < NATS_CLUSTER; k++) {
    len += snprintf(routes + len, sizeof routes - (size_t)len, "%s\"nats://127.0.0.1:%d\"", k > 0 ? ", " : "",
                    c->route_ports[k]);
  }
  snprintf(path, sizeof path, "%s/server.conf", s->dir);
  snprintf(log, sizeof log, "%s/log", s->dir);
  FILE *f = fopen(path, "w");
  if (f == NULL) return false;
  fprintf(f,
          "listen: \"127.0.0.1:%d\"\nserver_name: s%d\njetstream { store_dir: \"%s\" }\n"
          "cluster { name: fsm, listen: \"127.0.0.1:%d\", no_advertise: true, routes: [%s] }\n",
          s->port, i, s->dir, c->route_ports[i], routes);
  fclose(f);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execlp(nats_server_program(), "nats-server", "-c", path, "-l", log, (char *)NULL);
    _exit(127);
  }
  if (pid < 0) return false;
  s->pid = pid;
  for (int k = 0; k < 6000; k++) {
    if (nats_server_answers(s)) return true;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  return false;
}

static inline void nats_cluster_free(nats_cluster *c) {
  for (int i = 0; i < NATS_CLUSTER; i++) nats_server_free(&c->servers[i]);
}

static inline bool nats_cluster_start(nats_cluster *c) {
  bool ok = true;
  memset(c, 0, sizeof *c);
  for (int i = 0; i < NATS_CLUSTER && ok; i++) {
    nats_server other = {.port = 0};
    ok = nats_server_new(&c->servers[i]) && nats_server_new(&other); /* a port of each more, for routes */
    c->route_ports[i] = other.port;
    nats_server_free(&other);
    size_t len = strlen(c->urls);
    snprintf(c->urls + len, sizeof c->urls - len, "%s%s", i > 0 ? "," : "", c->servers[i].url);
  }
  for (int i = 0; i < NATS_CLUSTER && ok; i++) ok = nats_cluster_start_one(c, i);
  return ok;
}

#endif
