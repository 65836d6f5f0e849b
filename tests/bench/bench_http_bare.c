/* bench_http_bare.c: servers with nothing behind them, which give the bytes of one answer to every request:
 * one by libmicrohttpd, as fsmd uses it (one thread, epoll), one by epoll alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_http.h"

enum { CONNECTIONS = 16000, REQUEST_MAX = 8 * 1024, READY = 64 };

int http_listen(int *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, (struct sockaddr *)&at, &len) != 0)
    give_up("no port of 127.0.0.1 can be listened on: %s", strerror(errno));
  *port = ntohs(at.sin_port);
  return fd;
}

/* ---- by libmicrohttpd --------------------------------------------------------------------------- */

typedef struct prepared {
  struct MHD_Response *response;
  unsigned status;
} prepared;

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *len,
                                  void **context) {
  (void)url, (void)method, (void)version, (void)data;
  const prepared *p = cls;
  if (*context == NULL) return *context = cls, MHD_YES;
  if (*len > 0) return *len = 0, MHD_YES;
  return MHD_queue_response(connection, p->status, p->response);
}

/* The lines of the head but those that the library makes itself. */
static void add_headers(struct MHD_Response *response, char *head) {
  char *at = NULL;
  (void)strtok_r(head, "\r\n", &at); /* the status line */
  for (char *line; (line = strtok_r(NULL, "\r\n", &at)) != NULL;) {
    char *value = strstr(line, ": ");
    if (value == NULL || strncasecmp(line, "Content-Length", 14) == 0 || strncasecmp(line, "Date", 4) == 0)
      continue;
    *value = '\0';
    MHD_add_response_header(response, line, value + 2);
  }
}

static _Noreturn void serve_mhd(int fd, const char *answer) {
  prepared p = {.status = (unsigned)strtoul(answer + 9, NULL, 10)};
  const char *body = strstr(answer, "\r\n\r\n") + 4;
  char *head = strndup(answer, (size_t)(body - answer));
  p.response = MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
  add_headers(p.response, head);
  struct MHD_Daemon *daemon =
      MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, &p, MHD_OPTION_LISTEN_SOCKET, fd,
                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
  while (daemon != NULL && MHD_run_wait(daemon, -1) == MHD_YES) continue;
  _exit(1);
}

/* ---- by epoll ----------------------------------------------------------------------------------- */

typedef struct peer {
  int fd;
  size_t got;
  char in[REQUEST_MAX];
} peer;

static void accept_one(int epoll, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;
  if (fd < 0) return;
  peer *p = calloc(1, sizeof *p);
  if (p == NULL) _exit(1);
  p->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) _exit(1);
}

static bool is_whole(const char *in, size_t got) {
  const char *end = strstr(in, "\r\n\r\n"), *length = strstr(in, "\r\nContent-Length: ");
  size_t body = length != NULL && length < end ? strtoul(length + 18, NULL, 10) : 0;
  return end != NULL && got >= (size_t)(end + 4 - in) + body;
}

static void answer_one(peer *p, const char *answer, size_t len) {
  ssize_t n = recv(p->fd, p->in + p->got, sizeof p->in - 1 - p->got, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    close(p->fd);
    free(p);
    return;
  }
  p->in[p->got += (size_t)n] = '\0';
  if (!is_whole(p->in, p->got)) return;
  p->got = 0;
  if (send(p->fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len) _exit(1);
}

static _Noreturn void serve_epoll(int listener, const char *answer, size_t len) {
  struct epoll_event ready[READY], event = {.events = EPOLLIN, .data.ptr = NULL};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) _exit(1);
  for (;;) {
    int n = epoll_wait(epoll, ready, READY, -1);
    for (int i = 0; i < n; i++)
      if (ready[i].data.ptr == NULL)
        accept_one(epoll, listener);
      else
        answer_one(ready[i].data.ptr, answer, len);
  }
}

/* ---- as processes ------------------------------------------------------------------------------- */

void http_bare_start(http_bare *b, bare_kind kind, const char *answer, size_t len) {
  int fd = http_listen(&b->port);
  char *text = strndup(answer, len);
  if (text == NULL || (b->pid = fork()) < 0) give_up("no process for a bare server");
  if (b->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (kind == BARE_MHD) serve_mhd(fd, text);
    serve_epoll(fd, text, len);
  }
  close(fd);
  free(text);
}

void http_bare_stop(http_bare *b) {
  int status = 0;
  kill(b->pid, SIGKILL);
  if (waitpid(b->pid, &status, 0) != b->pid || !WIFSIGNALED(status)) give_up("the bare server failed");
}
