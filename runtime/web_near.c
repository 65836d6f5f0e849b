/* web_near.c: an exchange over a unix socket, by nothing but the system.
 *
 * The connection is kept between requests. One that the server has closed meanwhile is made anew before
 * anything is sent; when it goes afterwards nobody knows whether the request was taken, and only one that may
 * be taken twice is sent again: it changes nothing, or has an Idempotency-Key. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/web_reply.h"

enum { NS_PER_MS = 1000000, READ_BYTES = 64 * 1024, LISTENING_MS = 1000 };

struct fsm__near {
  int fd;      /* of the connection, -1 = there is none */
  int wake_fd; /* readable once it is interrupted */
  fsm__reply reply;
  char bytes[READ_BYTES];
};

/* A request under way. */
typedef struct flight {
  fsm_web *web;
  fsm__near *near;
  fsm__exchange *ex;
  int64_t until_ns; /* 0: without end */
  int fault;        /* an errno that says why it failed */
  bool late;
  bool cut; /* the answer came before all was sent */
} flight;

fsm_code fsm__near_open(fsm_web *web, fsm_error *err) {
  fsm__near *near = malloc(sizeof *near);
  if (near == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an HTTP client");
  near->fd = -1;
  near->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  web->near = near;
  return near->wake_fd >= 0 ? FSM_OK
                            : fsm_fail(err, FSM_EIO, "", "no descriptor for a client: %s", strerror(errno));
}

static void hang_up(fsm__near *near) {
  if (near->fd >= 0) close(near->fd);
  near->fd = -1;
}

void fsm__near_close(fsm__near *near) {
  if (near == NULL) return;
  hang_up(near);
  if (near->wake_fd >= 0) close(near->wake_fd);
  free(near);
}

void fsm__near_interrupt(fsm__near *near) { (void)eventfd_write(near->wake_fd, 1); }

/* ---- waiting ---------------------------------------------------------------------------------------- */

/* Until the connection is ready for one of these; 0: interrupted, or too late. */
static short wait_for(flight *f, short events) {
  struct pollfd fds[] = {{.fd = f->near->fd, .events = events}, {.fd = f->near->wake_fd, .events = POLLIN}};
  while (!atomic_load(&f->web->interrupted) && fsm__web_goes_on(f->ex)) {
    int wait_ms = f->ex->listener != NULL ? LISTENING_MS : -1;
    if (f->until_ns != 0) {
      const int64_t left_ns = f->until_ns - fsm__monotonic_ns();
      f->late = left_ns <= 0;
      if (f->late) return 0;
      wait_ms = left_ns / NS_PER_MS < INT32_MAX ? (int)(left_ns / NS_PER_MS) + 1 : INT32_MAX;
    }
    if (poll(fds, 2, wait_ms) > 0 && fds[0].revents != 0) return fds[0].revents;
  }
  return 0;
}

/* ---- the connection --------------------------------------------------------------------------------- */

static bool is_alive(const fsm__near *near) {
  struct pollfd fd = {.fd = near->fd, .events = POLLIN};
  return near->fd >= 0 && poll(&fd, 1, 0) == 0; /* nothing is due: what can be read is its end */
}

/* A listener whose queue is full lets connect() wait: as long as the whole is given for it. */
static bool dial(flight *f) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int64_t wait_ns = f->web->connect_timeout_ns;
  const struct timeval wait = {.tv_sec = wait_ns / 1000000000, .tv_usec = wait_ns % 1000000000 / 1000 + 1};
  const size_t len = strlen(f->web->socket);
  FSM_ASSERT(len < sizeof address.sun_path);
  memcpy(address.sun_path, f->web->socket, len + 1);
  hang_up(f->near);
  f->near->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (f->near->fd >= 0 && setsockopt(f->near->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
      connect(f->near->fd, (struct sockaddr *)&address, sizeof address) == 0)
    return true;
  f->fault = errno;
  f->late = f->fault == EAGAIN;
  hang_up(f->near);
  return false;
}

static fsm_code connected(flight *f, fsm_error *err) {
  if (!dial(f))
    return f->late ? fsm_fail(err, FSM_ETIMEOUT, f->web->socket, "no answer in time (it takes no connection)")
                   : fsm_fail(err, FSM_EUNREACHABLE, f->web->socket, "nobody listens there (%s)",
                              strerror(f->fault));
  if (!f->web->own_server || fsm__web_is_ours(f->near->fd)) return FSM_OK;
  f->ex->refused = true;
  hang_up(f->near);
  return fsm__web_ended(f->web, f->ex, err);
}

/* ---- what is sent ----------------------------------------------------------------------------------- */

static void make_request(const fsm_web *web, const fsm__exchange *ex, fsm_buf *out) {
  const fsm_web_request *request = ex->request;
  fsm_buf_printf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: %s\r\n", request->method,
                 request->path, web->agent);
  for (size_t i = 0; i < ex->sent_count; i++)
    fsm_buf_printf(out, "%s: %s\r\n", ex->sent[i].name, ex->sent[i].value);
  const bool bare = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
  if (request->body != NULL || !bare) fsm_buf_printf(out, "Content-Length: %zu\r\n", request->body_len);
  fsm_buf_str(out, "\r\n");
  if (request->body != NULL) fsm_buf_add(out, request->body, request->body_len);
}

/* Until it is gone, or the server already answers or is away: then what it said is read. */
static bool send_all(flight *f, const fsm_buf *bytes) {
  for (size_t at = 0; at < bytes->len;) {
    const ssize_t sent = send(f->near->fd, bytes->data + at, bytes->len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      f->fault = errno;
      return errno == EPIPE || errno == ECONNRESET;
    }
    if (sent > 0) {
      at += (size_t)sent;
    } else {
      const short ready = wait_for(f, POLLIN | POLLOUT);
      if (ready == 0) return false;
      f->cut = (ready & POLLOUT) == 0;
      if (f->cut) return true;
    }
  }
  return true;
}

static bool receive(flight *f) {
  fsm__reply *reply = &f->near->reply;
  while (reply->part != FSM__REPLY_DONE) {
    const ssize_t got = recv(f->near->fd, f->near->bytes, sizeof f->near->bytes, MSG_DONTWAIT);
    if (got > 0) {
      if (!fsm__reply_take(reply, f->near->bytes, (size_t)got) || !fsm__web_goes_on(f->ex)) return false;
    } else if (got == 0) {
      return fsm__reply_end(reply);
    } else if (errno == EAGAIN || errno == EINTR) {
      if (wait_for(f, POLLIN) == 0) return false;
    } else {
      f->fault = errno;
      return false;
    }
  }
  return true;
}

static bool may_be_taken_twice(const fsm__exchange *ex) {
  if (strcmp(ex->request->method, "GET") == 0) return true;
  for (size_t i = 0; i < ex->sent_count; i++)
    if (strcasecmp(ex->sent[i].name, "Idempotency-Key") == 0) return true;
  return false;
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static bool exchange(flight *f, const fsm_buf *request) {
  f->fault = 0;
  fsm__reply_begin(&f->near->reply, f->ex);
  const bool whole = send_all(f, request) && receive(f);
  if (!whole || f->near->reply.last || f->cut || f->fault != 0) hang_up(f->near);
  return whole;
}

static fsm_code fault(const flight *f, fsm_error *err) {
  const char *where = f->web->socket, *wrong = f->near->reply.wrong;
  const fsm_code ended = fsm__web_ended(f->web, f->ex, err);
  if (ended != FSM_OK) return ended;
  if (f->late) return fsm_fail(err, FSM_ETIMEOUT, where, "no answer in time");
  return fsm_fail(err, FSM_EUNREACHABLE, where, "the connection failed (%s)",
                  wrong != NULL ? wrong : strerror(f->fault));
}

fsm_code fsm__near_do(fsm_web *web, fsm__exchange *ex, fsm_error *err) {
  flight f = {.web = web, .near = web->near, .ex = ex};
  fsm_buf request = {0};
  const bool kept = is_alive(f.near), again = may_be_taken_twice(ex);
  if (atomic_load(&web->interrupted)) return fsm__web_ended(web, ex, err);
  if (web->timeout_ns > 0 && ex->listener == NULL) f.until_ns = fsm__monotonic_ns() + web->timeout_ns;
  make_request(web, ex, &request);
  fsm_code code = fsm_buf_ok(&request) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a request");
  if (code == FSM_OK && !kept) code = connected(&f, err);
  bool whole = code == FSM_OK && exchange(&f, &request);
  const bool ours = f.late || ex->enough || ex->silent || atomic_load(&web->interrupted);
  if (code == FSM_OK && !whole && !ours && kept && again && !f.near->reply.begun) {
    code = connected(&f, err);
    whole = code == FSM_OK && exchange(&f, &request);
  }
  fsm_buf_free(&request);
  return code != FSM_OK || whole || ex->enough ? code : fault(&f, err);
}
