/* notify.c: see notify.h. The protocol is small enough to do without libsystemd. */
#include "runtime/daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/clock.h"

enum { MESSAGE_MAX = 1024 };

/* A path, or @NAME in the abstract space. */
static fsm_code address_of(const char *text, struct sockaddr_un *to, socklen_t *size, fsm_error *err) {
  const size_t len = strlen(text);
  if ((*text != '/' && *text != '@') || len < 2)
    return fsm_fail(err, FSM_EARGUMENT, "NOTIFY_SOCKET", "it is the path of a unix socket, or @ and a name");
  if (len >= sizeof to->sun_path)
    return fsm_fail(err, FSM_EARGUMENT, "NOTIFY_SOCKET", "it is longer than a unix socket's path can be");
  *to = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(to->sun_path, text, len);
  if (*text == '@') to->sun_path[0] = 0;
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*text == '/'));
  return FSM_OK;
}

static bool read_number(const char *text, uint64_t *out) {
  char *end = NULL;
  errno = 0;
  const unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  *out = n;
  return end && !*end && errno == 0 && n > 0;
}

/* A third of what is allowed: one sign may be late. */
static fsm_code read_watchdog(const char *usec, const char *pid, uint64_t *ms, fsm_error *err) {
  uint64_t allowed = 0, whose = 0;
  if (!usec) return FSM_OK;
  if (!read_number(usec, &allowed))
    return fsm_fail(err, FSM_EARGUMENT, "WATCHDOG_USEC", "it is a number of microseconds");
  if (pid && !read_number(pid, &whose))
    return fsm_fail(err, FSM_EARGUMENT, "WATCHDOG_PID", "it is the id of a process");
  if (pid && whose != (uint64_t)getpid()) return FSM_OK; /* meant for another */
  *ms = allowed / 3000 > 0 ? allowed / 3000 : 1;
  return FSM_OK;
}

fsm_code fsm__notify_open(const char *socket_name, const char *watchdog_usec, const char *watchdog_pid,
                          fsm__notify *out, fsm_error *err) {
  struct sockaddr_un to;
  socklen_t size = 0;
  uint64_t watchdog_ms = 0;
  *out = (fsm__notify){.fd = -1};
  if (!socket_name || !*socket_name) return FSM_OK;
  fsm_code code = address_of(socket_name, &to, &size, err);
  if (code == FSM_OK) code = read_watchdog(watchdog_usec, watchdog_pid, &watchdog_ms, err);
  if (code != FSM_OK) return code;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fsm_fail(err, FSM_EIO, "NOTIFY_SOCKET", "no socket can be made: %m");
  if (connect(fd, (const struct sockaddr *)&to, size) != 0) {
    code = fsm_fail(err, FSM_EARGUMENT, "NOTIFY_SOCKET", "nobody listens there: %m");
    close(fd);
    return code;
  }
  *out = (fsm__notify){.fd = fd, .watchdog_ms = watchdog_ms};
  return FSM_OK;
}

void fsm__notify_close(fsm__notify *notify) {
  if (notify->fd >= 0) close(notify->fd);
  notify->fd = -1;
}

void fsm__notify_send(const fsm__notify *notify, const char *format, ...) {
  char text[MESSAGE_MAX];
  if (notify->fd < 0) return;
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (len <= 0) return;
  if ((size_t)len >= sizeof text) len = (int)sizeof text - 1;
  (void)!send(notify->fd, text, (size_t)len, MSG_NOSIGNAL);
}

void fsm__notify_reloading(const fsm__notify *notify) {
  fsm__notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)fsm__monotonic_ns() / 1000);
}
