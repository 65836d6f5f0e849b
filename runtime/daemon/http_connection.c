/* http_connection.c: what a connection may take: a place, time, memory.
 *
 * libmicrohttpd ends connections that are silent; a client that sends a byte now and then is never silent to
 * it. So each phase (head, body, answer) has a time of its own in which it is over, however busy it looks: a
 * look at all connections twice a second shuts down those that are past it. Places: the last few of the
 * listener on TCP are kept for who asks how we do (healthz and the like). Memory: the library zeroes all of a
 * connection's after each request, and so has it resident; of those that idle it is given back to the system.
 * The same look tells of clients that left while they waited.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/daemon/http_impl.h"

enum {
  LOOK_MS = 500,
  RESERVE_MS = 2000,      /* for the head, on a place of the reserve */
  GIVE_BACK_MS = 1000,    /* idle for that long */
  ANSWER_BYTES_A_MS = 16, /* an answer may take the idle timeout and a second for each 16 KB */
  RESERVE_MIN = 8,
  RESERVE_MAX = 64
};

unsigned fsm__http_reserve_of(unsigned connections) {
  const unsigned share = connections / 16;
  return share < RESERVE_MIN ? RESERVE_MIN : share < RESERVE_MAX ? share : RESERVE_MAX;
}

void fsm__http_measure(const fsm__http *http, fsm__http_figures *out) {
  *out = (fsm__http_figures){.connections = http->tcp_count,
                             .connections_max = http->limits.connections,
                             .reserve = fsm__http_reserve_of(http->limits.connections),
                             .body_bytes = http->body_bytes,
                             .timed_out = http->timed_out};
}

static void set_due(fsm__http *http, fsm__connection *c, int64_t ms) {
  c->due_ms = ms > 0 ? http->now_ms + ms : 0;
}

/* ---- phases --------------------------------------------------------------------------------------- */

void fsm__connection_head(fsm__connection *c) {
  if (!c) return;
  fsm__http *http = c->listener->http;
  const int64_t due = http->now_ms + http->limits.header_ms;
  if (c->due_ms == 0 || due < c->due_ms) c->due_ms = due;
  c->idle_ms = 0;
  c->given_back = false;
}

void fsm__connection_body(fsm__connection *c) {
  if (c) set_due(c->listener->http, c, c->listener->http->limits.body_ms);
}

void fsm__connection_waits(fsm__connection *c) {
  if (c) c->due_ms = 0;
}

void fsm__connection_answer(fsm__connection *c, size_t bytes) {
  if (c)
    set_due(c->listener->http, c, c->listener->http->limits.idle_ms + (int64_t)(bytes / ANSWER_BYTES_A_MS));
}

void fsm__connection_idle(fsm__connection *c, size_t bytes) {
  if (!c) return;
  fsm__http *http = c->listener->http;
  c->consumed += bytes;
  c->idle_ms = http->now_ms;
  set_due(http, c, http->limits.idle_ms + http->limits.header_ms);
}

/* ---- one comes, one goes -------------------------------------------------------------------------- */

static fsm__connection *opened(fsm__listener *l, struct MHD_Connection *mhd) {
  fsm__http *http = l->http;
  fsm__connection *c = calloc(1, sizeof *c);
  if (!l->local) http->tcp_count++;
  http->now_ms = fsm__monotonic_ms();
  if (!c) return NULL; /* one without limits of its own: the library's idle timeout remains */
  c->listener = l;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
  c->fd = info ? info->connect_fd : -1;
  const unsigned most = http->limits.connections;
  c->reserve = !l->local && http->tcp_count > most - fsm__http_reserve_of(most);
  set_due(http, c, c->reserve && http->limits.header_ms > RESERVE_MS ? RESERVE_MS : http->limits.header_ms);
  c->next = http->connections;
  if (c->next) c->next->prev = c;
  http->connections = c;
  if (!http->looking) fsm__timer_start(http->look, LOOK_MS, LOOK_MS);
  http->looking = true;
  return c;
}

static void ended(fsm__http *http, fsm__connection *c) {
  if (c->prev)
    c->prev->next = c->next;
  else
    http->connections = c->next;
  if (c->next) c->next->prev = c->prev;
  free(c);
}

void fsm__http_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode what) {
  fsm__listener *l = cls;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    *context = opened(l, connection);
    return;
  }
  if (!l->local) l->http->tcp_count--;
  if (*context) ended(l->http, *context);
  *context = NULL;
}

fsm__connection *fsm__connection_of(struct MHD_Connection *mhd) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

/* ---- looking -------------------------------------------------------------------------------------- */

/* Safe when every byte that came belonged to a request that is over: then there is nothing in the memory, and
 * it begins where each request began. That it was mapped, not allocated, is seen by its address. */
static void give_back(fsm__connection *c) {
  struct tcp_info told = {0};
  socklen_t size = sizeof told;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  c->given_back = true;
  if (!c->memory || (uintptr_t)c->memory % page != 0 || FSM__CONNECTION_MEMORY % page != 0) return;
  if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &told, &size) != 0 || told.tcpi_bytes_received != c->consumed)
    return;
  madvise(c->memory, FSM__CONNECTION_MEMORY, MADV_DONTNEED);
}

/* While it waits nobody reads its connection, so a client that leaves is seen here alone. One that closes
 * only its sending side counts as gone: over TCP the two look the same. */
static void look_at_waiting(fsm__exchange *e) {
  if (e->stage != WAITING || e->place == NULL || atomic_load(&e->request.gone)) return;
  struct pollfd side = {.fd = e->place->fd, .events = POLLRDHUP};
  if (e->waits_long && poll(&side, 1, 0) > 0) atomic_store(&e->request.gone, true);
  e->waits_long = true; /* most are answered before the next look */
}

void fsm__http_look(void *arg) {
  fsm__http *http = arg;
  http->now_ms = fsm__monotonic_ms();
  for (fsm__exchange *e = http->active; e; e = e->next) look_at_waiting(e);
  for (fsm__connection *c = http->connections; c; c = c->next) {
    if (c->due_ms > 0 && http->now_ms >= c->due_ms) {
      c->due_ms = 0;
      http->timed_out++;
      shutdown(c->fd, SHUT_RDWR); /* the library sees the end, and closes it */
    } else if (c->idle_ms > 0 && !c->given_back && http->now_ms - c->idle_ms >= GIVE_BACK_MS) {
      give_back(c);
    }
  }
  if (http->connections) return;
  fsm__timer_stop(http->look);
  http->looking = false;
}
