/* nats_server.h: a private nats-server with JetStream for a test: free loopback port, own directory,
 * ended with the test. It can be killed and started again on the same port and directory. */
#ifndef FSM_TESTS_NATS_SERVER_H
#define FSM_TESTS_NATS_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct nats_server {
  char dir[64], url[64];
  int port;
  pid_t pid; /* 0 = not running */
} nats_server;

static inline const char *nats_server_program(void) {
  const char *named = getenv("FSM_NATS_SERVER");
  return named != NULL && named[0] != '\0' ? named : "nats-server";
}

static inline bool nats_server_there(void) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, 1), dup2(null, 2);
    execlp(nats_server_program(), "nats-server", "--version", (char *)NULL);
    _exit(127);
  }
  int status = -1;
  bool there = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!there) printf("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)\n");
  return there;
}

static inline struct sockaddr_in nats_server_address(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline bool nats_server_port_is_free(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = nats_server_address(port);
  bool is = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
  if (fd >= 0) close(fd);
  return is;
}

/* Below those that the kernel gives to whoever connects (32768 and up): while the server is away nobody is
 * given its port. 0 = none. */
static inline int nats_server_free_port(void) {
  enum { FIRST = 20000, COUNT = 12000 };
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  unsigned from = (unsigned)now.tv_nsec / 1000 + (unsigned)getpid() * 7919u;
  for (unsigned i = 0; i < COUNT; i++) {
    const int port = FIRST + (int)((from + i) % COUNT);
    if (nats_server_port_is_free(port)) return port;
  }
  return 0;
}

/* Directory and port only; nothing runs yet. */
static inline bool nats_server_new(nats_server *server) {
  memset(server, 0, sizeof *server);
  snprintf(server->dir, sizeof server->dir, "/tmp/fsm-nats-XXXXXX");
  if (mkdtemp(server->dir) == NULL) return false;
  server->port = nats_server_free_port();
  snprintf(server->url, sizeof server->url, "nats://127.0.0.1:%d", server->port);
  return server->port != 0;
}

static inline bool nats_server_answers(const nats_server *server) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = nats_server_address(server->port);
  char hello[5] = "";
  bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
            recv(fd, hello, 4, MSG_WAITALL) == 4 && strcmp(hello, "INFO") == 0;
  if (fd >= 0) close(fd);
  return ok;
}

/* Returns when the server takes connections. */
static inline bool nats_server_start(nats_server *server) {
  char port[16], log[96];
  snprintf(port, sizeof port, "%d", server->port);
  snprintf(log, sizeof log, "%s/log", server->dir);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execlp(nats_server_program(), "nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", server->dir,
           "-l", log, (char *)NULL);
    _exit(127);
  }
  if (pid < 0) return false;
  server->pid = pid;
  for (int i = 0; i < 3000; i++) {
    if (nats_server_answers(server)) return true;
    if (waitpid(pid, NULL, WNOHANG) == pid) break;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  server->pid = 0;
  return false;
}

static inline void nats_server_kill(nats_server *server) {
  if (server->pid == 0) return;
  kill(server->pid, SIGKILL);
  waitpid(server->pid, NULL, 0);
  server->pid = 0;
}

static inline int nats_server_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

static inline void nats_server_free(nats_server *server) {
  nats_server_kill(server);
  if (server->dir[0] != '\0') nftw(server->dir, nats_server_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
