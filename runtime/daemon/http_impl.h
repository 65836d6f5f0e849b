/* http_impl.h: what the files http*.c share: together they wrap libmicrohttpd.
 *
 * http.c its life on the loop · http_connection.c what a connection may take · http_exchange.c one request,
 * its memory, its way back · http_read.c a request comes in · http_head.c its head, strictly · http_answer.c
 * an answer goes out · http_flow.c an answer that goes on · http_tls.c the certificate.
 *
 * Invariant: everything but fsm__http_finish runs on the loop's thread. An exchange has one reference of its
 * connection and one of whoever is answering; it is freed with the last. While it waits its connection
 * is suspended, so that the library neither reads nor ends it. */
#ifndef FSM_DAEMON_HTTP_IMPL_H
#define FSM_DAEMON_HTTP_IMPL_H

#include <microhttpd.h>
#include <pthread.h>

#include "runtime/daemon/http.h"

/* Holds the largest head, and one over it, with the library's own notes on each header; more than 32 KB and
 * whole pages, so that it is mapped. */
enum { FSM__CONNECTION_MEMORY = 36 * 1024 };

typedef enum fsm__stage { FRESH, READING, WAITING, ANSWERED } fsm__stage;

typedef struct fsm__listener {
  fsm__http *http;
  struct MHD_Daemon *daemon;
  fsm__watch *watch;
  fsm__policy policy;
  bool local, any_host;
  struct fsm__pair *pairs; /* certificates and keys, the one that is shown first; NULL = no TLS */
} fsm__listener;

/* http_connection.c */
typedef struct fsm__connection {
  fsm__listener *listener;
  int fd;
  bool reserve;      /* one of the last places */
  bool given_back;   /* its memory, until the next request */
  int64_t due_ms;    /* it is ended then; 0 = it is not */
  int64_t idle_ms;   /* since when there is no request; 0 = there is, or was none yet */
  void *memory;      /* where requests begin; NULL = not known */
  uint64_t consumed; /* bytes of requests that are over */
  struct fsm__connection *next, *prev;
} fsm__connection;

typedef struct fsm__exchange {
  fsm__request request; /* first: finish gets back from it */
  fsm__listener *listener;
  struct MHD_Connection *connection; /* NULL once it has ended */
  fsm__connection *place;            /* NULL: there was no memory for it, or the connection has ended */
  fsm__stage stage;
  const char *target_at,
      *head_at; /* where target and head lie in the library's memory, until the body comes */
  size_t target_len, head_bytes;
  unsigned refs;
  size_t got;     /* bytes of the body that came */
  size_t counted; /* of them in http->body_bytes */
  bool abandoned; /* at stop: answered with FSM_ECLOSED, whoever has the request still has it */
  fsm_buf closed_text;
  fsm__flow flow;                    /* pull is NULL when the answer is whole */
  bool flow_dry;                     /* suspended until there is something to pull */
  bool flow_ends;                    /* at the next pull */
  bool serving;                      /* `serve` is running */
  bool waits_long;                   /* for an answer, since the look before */
  struct fsm__exchange *next, *prev; /* among the active */
  struct fsm__exchange *next_done;
} fsm__exchange;

struct fsm__http {
  fsm__loop *loop;
  const fsm__log *log;
  fsm__serve_fn serve;
  void *arg;
  fsm__listener listeners[FSM__LISTENERS_MAX];
  size_t listener_count, body_bytes;
  fsm__http_limits limits;
  fsm__cors cors;
  int64_t now_ms; /* of the steady clock, when this turn began */
  fsm__connection *connections;
  unsigned tcp_count;
  uint64_t timed_out;
  fsm__timer *look;
  bool looking;
  fsm__exchange *active; /* with a connection */
  fsm__exchange *pool;   /* linked by next */
  unsigned pooled;
  bool draining;
  fsm__draw draw;             /* of correlations */
  fsm__loop_fn before, after; /* of a turn in which requests are read; NULL = nothing */
  void *around_arg;
  fsm__loop_fn idle;
  void *idle_arg;
  int64_t logged_second;
  unsigned logged;
  pthread_mutex_t mutex;     /* of done */
  fsm__exchange *done;       /* newest first, by next_done */
  fsm__exchange *late_flows; /* their connections had ended before; by next_done */
};

/* http_exchange.c */
fsm__exchange *fsm__exchange_new(fsm__listener *l, struct MHD_Connection *connection);
void fsm__exchange_drop(fsm__exchange *e);
void fsm__exchange_end(fsm__exchange *e); /* its connection has let go of it */
void fsm__exchange_uncount(fsm__exchange *e);
void fsm__exchange_free_pool(fsm__http *http);
void fsm__http_finish(fsm__request *request);
fsm__exchange *fsm__exchange_take_done(fsm__http *http); /* oldest first, by next_done */

/* http_read.c: libmicrohttpd's callbacks; cls is the listener. */
void *fsm__http_on_target(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result fsm__http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version, const char *data, size_t *len,
                                     void **context);

/* http_head.c: FSM_ENOMEM: there cannot even be an answer. *status 0 = that of the code. */
FSM_MUST_USE fsm_code fsm__http_read_head(fsm__exchange *e, const char *method, const char *version,
                                          int *status, fsm_error *err);

/* http_connection.c: a NULL connection is fine. */
void fsm__http_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                             enum MHD_ConnectionNotificationCode what);
fsm__connection *fsm__connection_of(struct MHD_Connection *mhd);
void fsm__connection_head(fsm__connection *c);                 /* a head has begun */
void fsm__connection_body(fsm__connection *c);                 /* it was read */
void fsm__connection_waits(fsm__connection *c);                /* for us */
void fsm__connection_answer(fsm__connection *c, size_t bytes); /* goes out */
void fsm__connection_idle(fsm__connection *c, size_t bytes);   /* a request of that many bytes is over */
void fsm__http_look(void *http);

/* http_answer.c */
/* What is whole takes the form that goes out: gzip, or nothing but "you have it". On the thread that made it.
 */
void fsm__http_shape(fsm__request *request);
enum MHD_Result fsm__http_reply(fsm__exchange *e);
void fsm__http_reply_headers(const fsm__exchange *e, struct MHD_Response *response, int status, bool problem);
/* A problem before the body was read: the connection cannot be used after it. */
enum MHD_Result fsm__http_refuse(fsm__exchange *e, const fsm_error *err, int status); /* 0 = the code's */
void fsm__http_abandon(fsm__exchange *e);                                             /* at stop */

/* http_tls.c: newest first. */
typedef struct fsm__pair fsm__pair;
/* In front of *pairs; FSM_EARGUMENT: it cannot be used, and *pairs is as it was. */
FSM_MUST_USE fsm_code fsm__pair_put(fsm__pair **pairs, const fsm__tls *pem, fsm_error *err);
void fsm__pairs_free(fsm__pair *pairs); /* NULL is fine */
/* For MHD_OPTION_HTTPS_CERT_CALLBACK: the newest of the connection's listener. */
void *fsm__pair_callback(void);

/* http_flow.c */
enum MHD_Result fsm__flow_reply(fsm__exchange *e);
void fsm__flow_end(fsm__exchange *e); /* at its next pull */
void fsm__flow_end_late(fsm__http *http);
void fsm__flow_gone(fsm__exchange *e); /* its connection has ended; safe when there is no flow */

#endif
