/* bench_http.h: the daemon under load over HTTP. See bench_http.c.
 *
 * bench_http_load.c is the client: one thread, epoll, no pipelining, requests that stand ready, each answer
 * looked at. bench_http_daemon.c starts the real fsmd on a directory of its own; bench_http_bare.c serves the
 * same bytes with nothing behind them. */
#ifndef FSM_BENCH_HTTP_H
#define FSM_BENCH_HTTP_H

#include <stdbool.h>

#include "bench.h"
#include "fsm/fsm.h"

enum { HTTP_ANSWER_MAX = 16 * 1024, HTTP_CLIENTS = 64, HTTP_INSTANCES = 10000 };

/* ---- load --------------------------------------------------------------------------------------- */

typedef struct http_bytes {
  const char *data; /* NULL = this connection asks no more */
  size_t len;
} http_bytes;

typedef struct http_load {
  int port;
  unsigned connections;
  int status;             /* of every answer; any other ends the program */
  double warm_s, seconds; /* seconds 0 = until no connection asks more */
  http_bytes (*next)(void *arg, unsigned connection);
  void *arg;
} http_load;

typedef struct http_result {
  uint64_t answers; /* all of them, warming up included */
  double rate;      /* of the time that was measured */
  double p50_ms, p99_ms, max_ms;
  char answer[HTTP_ANSWER_MAX]; /* one, head and body */
  size_t answer_len;
} http_result;

void http_run(const http_load *load, http_result *out);
int http_connect(int port);
/* One request there and its answer into out, a text; returns the status. */
int http_ask(int fd, const char *bytes, size_t len, char *out, size_t size);

/* ---- what is driven ----------------------------------------------------------------------------- */

typedef struct http_daemon {
  pid_t pid;
  int port;
  char dir[600], socket[640];
  char *tokens[HTTP_CLIENTS]; /* each connection is a user of its own */
} http_daemon;

void http_daemon_start(http_daemon *d, const char *dir);
/* The events of http_send, from the first one of new instances on; each drive goes on with those that follow.
 */
typedef struct http_sends http_sends;
http_sends *http_sends_new(const http_daemon *d);
void http_sends_free(http_sends *sends);
http_result http_drive_sends(const http_daemon *d, http_sends *sends, double seconds);
/* The same, so many a second at most; 0 = as http_drive_sends. */
http_result http_drive_paced(const http_daemon *d, http_sends *sends, double rate, double seconds);
void http_daemon_stop(http_daemon *d); /* SIGTERM; it must end well */
/* A definition, and instances of it named i-00000000 and so on. */
void http_daemon_fill(http_daemon *d, unsigned instances);
double http_daemon_cpu_s(const http_daemon *d); /* processor time so far */
uint64_t http_daemon_seq(const http_daemon *d); /* of the last durable record */

typedef enum bare_kind { BARE_MHD, BARE_EPOLL } bare_kind;
typedef struct http_bare {
  pid_t pid;
  int port;
} http_bare;

/* A process that gives this answer to every request: by libmicrohttpd, or by nothing but epoll. */
void http_bare_start(http_bare *b, bare_kind kind, const char *answer, size_t len);
void http_bare_stop(http_bare *b);
/* A socket that listens on a free port of 127.0.0.1. */
int http_listen(int *port);

#endif
