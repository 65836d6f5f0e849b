/* listen.c: listening sockets: on this machine alone, unless TLS or a proxy guards them. */
#include "runtime/daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un local;
} address;

/* "host:port" with host up to the last colon, brackets taken off. */
static bool split(const char *text, char *host, size_t size, unsigned *port) {
  const char *colon = strrchr(text, ':');
  if (!colon || !colon[1] || strlen(colon + 1) > 5) return false;
  *port = 0;
  for (const char *c = colon + 1; *c; c++) {
    if (*c < '0' || *c > '9') return false;
    *port = *port * 10 + (unsigned)(*c - '0');
  }
  size_t len = (size_t)(colon - text);
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') text++, len -= 2;
  if (len == 0 || len >= size || *port > 65535) return false;
  memcpy(host, text, len);
  host[len] = 0;
  return true;
}

static bool is_loopback(const address *a) {
  if (a->any.sa_family == AF_INET) return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

static fsm_code resolve(const char *text, bool anywhere, address *out, socklen_t *len, fsm_error *err) {
  char host[FSM__ADDRESS_MAX];
  unsigned port;
  *out = (address){0};
  if (!split(text, host, sizeof host, &port))
    return fsm_fail(err, FSM_EARGUMENT, "--listen", "\"%s\" is not ADDRESS:PORT, such as 127.0.0.1:8480",
                    text);
  const char *name = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
  if (inet_pton(AF_INET, name, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons((uint16_t)port);
    *len = sizeof out->v4;
  } else if (inet_pton(AF_INET6, name, &out->v6.sin6_addr) == 1) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons((uint16_t)port);
    *len = sizeof out->v6;
  } else {
    return fsm_fail(err, FSM_EARGUMENT, "--listen", "\"%s\" is not an IP address or localhost", host);
  }
  if (!anywhere && !is_loopback(out))
    return fsm_fail(err, FSM_EARGUMENT, "--listen",
                    "%s is not a loopback address: give --tls-cert and --tls-key, or --behind-proxy when a "
                    "proxy does TLS",
                    host);
  return FSM_OK;
}

fsm_code fsm__listen_check(const char *text, bool anywhere, fsm_error *err) {
  address a;
  socklen_t len = 0;
  return resolve(text, anywhere, &a, &len, err);
}

static fsm_code open_socket(const address *a, socklen_t len, const char *option, const char *text, int *out,
                            fsm_error *err) {
  int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, option, "%s: no socket: %m", text);
  if (a->any.sa_family != AF_UNIX) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, &a->any, len) != 0 || listen(fd, BACKLOG) != 0) {
    fsm_fail(err, FSM_EARGUMENT, option, "cannot listen on %s: %m", text);
    close(fd);
    return FSM_EARGUMENT;
  }
  *out = fd;
  return FSM_OK;
}

fsm_code fsm__listen_tcp(const char *text, bool anywhere, int *fd, unsigned *port,
                         char shown[FSM__ADDRESS_MAX], fsm_error *err) {
  FSM_ASSERT(text && fd && port && shown);
  address a;
  socklen_t len = 0;
  fsm_code code = resolve(text, anywhere, &a, &len, err);
  if (code == FSM_OK) code = open_socket(&a, len, "--listen", text, fd, err);
  if (code != FSM_OK) return code;
  char host[INET6_ADDRSTRLEN] = "";
  len = sizeof a;
  FSM_ASSERT(getsockname(*fd, &a.any, &len) == 0);
  bool v4 = a.any.sa_family == AF_INET;
  *port = ntohs(v4 ? a.v4.sin_port : a.v6.sin6_port);
  inet_ntop(a.any.sa_family, v4 ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr, host, sizeof host);
  snprintf(shown, FSM__ADDRESS_MAX, v4 ? "%s:%u" : "[%s]:%u", host, *port);
  return FSM_OK;
}

/* Takes away what a daemon that is gone has left at path. */
static fsm_code clear_path(const char *path, const address *a, fsm_error *err) {
  struct stat st;
  if (lstat(path, &st) != 0) return FSM_OK;
  if (!S_ISSOCK(st.st_mode))
    return fsm_fail(err, FSM_EARGUMENT, "--socket", "%s is there and is not a socket", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, "--socket", "%s: no socket: %m", path);
  bool served = connect(fd, &a->any, sizeof a->local) == 0 || errno != ECONNREFUSED;
  close(fd);
  if (served) return fsm_fail(err, FSM_EARGUMENT, "--socket", "%s is in use by another process", path);
  if (unlink(path) != 0) return fsm_fail(err, FSM_EARGUMENT, "--socket", "%s cannot be replaced: %m", path);
  return FSM_OK;
}

fsm_code fsm__listen_unix(const char *path, bool others, int *fd, fsm_error *err) {
  FSM_ASSERT(path && fd && strlen(path) < sizeof((struct sockaddr_un){0}).sun_path);
  address a = {.local = {.sun_family = AF_UNIX}};
  memcpy(a.local.sun_path, path, strlen(path) + 1);
  fsm_code code = clear_path(path, &a, err);
  if (code != FSM_OK) return code;
  mode_t mask = umask(others ? 0111 : 0177);
  code = open_socket(&a, sizeof a.local, "--socket", path, fd, err);
  umask(mask);
  return code;
}

fsm_code fsm__port_file_write(const char *path, unsigned port, fsm_error *err) {
  char temporary[PATH_MAX], text[16];
  int len = snprintf(temporary, sizeof temporary, "%s.tmp", path);
  if (len < 0 || (size_t)len >= sizeof temporary)
    return fsm_fail(err, FSM_EARGUMENT, "--port-file", "the path is too long");
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, "--port-file", "%s cannot be written: %m", temporary);
  int size = snprintf(text, sizeof text, "%u\n", port);
  bool good = write(fd, text, (size_t)size) == size;
  good &= close(fd) == 0;
  if (!good || rename(temporary, path) != 0)
    return fsm_fail(err, FSM_EARGUMENT, "--port-file", "%s cannot be written: %m", path);
  return FSM_OK;
}
