/* sink_file_pipe.c: standard output. It is written in pieces that a pipe takes whole, each when there is room
 * for it: so a reader that stands still holds up this sink alone, and not its end either. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/sink_file_impl.h"

enum { SLICE_MS = 100 };

/* Without a signal to the process when nobody reads. */
static ssize_t write_quietly(int fd, const char *data, size_t len) {
  sigset_t pipe_set, pending, before;
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  sigpending(&pending);
  const bool was = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
  const ssize_t n = write(fd, data, len);
  const int fault = errno;
  if (n < 0 && fault == EPIPE && !was) (void)sigtimedwait(&pipe_set, NULL, &(struct timespec){.tv_sec = 0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = fault;
  return n;
}

static fsm_code await_room(fsm__pipe_out *out, int64_t until_ns, fsm_error *err) {
  struct pollfd p = {.fd = out->fd, .events = POLLOUT};
  for (;;) {
    if (atomic_load(&out->stop)) return fsm_fail(err, FSM_ECLOSED, "stdout", "it is shutting down");
    const int n = poll(&p, 1, SLICE_MS);
    if (n > 0 && (p.revents & POLLOUT)) return FSM_OK;
    if (n > 0) return fsm_fail(err, FSM_EUNREACHABLE, "stdout", "nobody reads standard output any more");
    if (n < 0 && errno != EINTR)
      return fsm__file_fault(err, "stdout", "standard output cannot be waited for");
    if (fsm__monotonic_ns() >= until_ns)
      return fsm_fail(err, FSM_ETIMEOUT, "stdout", "whoever reads standard output stands still");
  }
}

/* *done: how much of it is out. */
static fsm_code write_all(fsm__pipe_out *out, const char *data, size_t len, size_t *done, fsm_error *err) {
  int64_t until_ns = fsm__monotonic_ns() + out->timeout_ns;
  for (*done = 0; *done < len;) {
    fsm_code code = await_room(out, until_ns, err);
    if (code != FSM_OK) return code;
    const size_t piece = len - *done < PIPE_BUF ? len - *done : PIPE_BUF;
    const ssize_t n = write_quietly(out->fd, data + *done, piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0 && errno == EPIPE)
      return fsm_fail(err, FSM_EUNREACHABLE, "stdout", "nobody reads standard output any more");
    if (n < 0) return fsm__file_fault(err, "stdout", "standard output cannot be written");
    *done += (size_t)n;
    until_ns = fsm__monotonic_ns() + out->timeout_ns;
  }
  return FSM_OK;
}

/* Keeps the rest of the line in whose midst it ended. */
static void keep_torn(fsm__pipe_out *out, const char *data, size_t len, size_t done) {
  fsm_buf rest = {.len = 0};
  if (done < len && done > 0 && data[done - 1] != '\n') {
    const char *newline = memchr(data + done, '\n', len - done);
    fsm_buf_add(&rest, data + done, newline != NULL ? (size_t)(newline + 1 - data) - done : len - done);
  }
  fsm_buf_free(&out->torn);
  out->torn = rest;
}

fsm_code fsm__pipe_write(fsm__pipe_out *out, const char *data, size_t len, fsm_error *err) {
  size_t done = 0;
  fsm_code code = FSM_OK;
  if (out->torn.len > 0) {
    code = write_all(out, out->torn.data, out->torn.len, &done, err);
    out->torn.len -= done;
    memmove(out->torn.data, out->torn.data + done, out->torn.len);
    if (code != FSM_OK) return code;
  }
  code = write_all(out, data, len, &done, err);
  if (code != FSM_OK) keep_torn(out, data, len, done);
  return code;
}
