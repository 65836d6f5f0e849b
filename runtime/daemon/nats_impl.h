/* nats_impl.h: what the files nats_*.c share.
 *
 * nats_api.c life, and turns on the loop · nats_letter.c a message, copied · nats_call.c a request under way
 * · nats_send.c the sender · nats_queue.c the queue on the loop · nats_keep.c its consumer · nats_ask.c what
 * is asked for.
 *
 * Invariant: a call is in one place: `arrived`, in the hands of whoever serves it, `answered` (the queue's),
 * or `outgoing`; only the sender frees it. A queued message is in `queue` from its delivery until its answer
 * is for good; in it they stand in the order of the stream. */
#ifndef FSM_DAEMON_NATS_IMPL_H
#define FSM_DAEMON_NATS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/daemon/nats_api.h"
#include "runtime/daemon/nats_ask.h"
#include "runtime/message.h"

/* A message as it came. Its strings lie in the arena that it was read into. */
typedef struct fsm__letter {
  fsm__ask ask;
  const char *reply; /* where the answer goes; NULL = nobody waits for it */
  const char *headers[FSM__HEADER_COUNT];
  const char *repeated, *deadline, *timeout, *id, *reply_to;
  const char *wrong; /* with its headers; NULL = nothing */
  size_t count, bytes;
  fsm_buf body;
  fsm__asked asked;
  bool too_large;
  int64_t received_ns;
} fsm__letter;

struct fsm__nats_queued;

typedef struct fsm__call {
  fsm__request request; /* first: finish gets back from it */
  fsm__nats_api *api;
  struct fsm__call *next;
  fsm__ask ask;
  const char *reply; /* "" = none; in the request's arena */
  const char *ack;   /* NULL = it needs none */
  struct fsm__nats_queued *queued;
  fsm__letter letter; /* its headers are the request's */
  int64_t deadline_ns;
  size_t counted; /* bytes */
  bool placed;    /* in flight */
  bool at_once;   /* answered on the loop, without the runtime */
} fsm__call;

typedef struct fsm__nats_queued {
  struct fsm__nats_queued *next;
  fsm_arena arena;
  fsm__letter letter;
  uint64_t seq;
  char *ack;
  fsm__lanes lanes;
  bool running;
  unsigned attempts;
  int64_t not_before_ms;
} fsm__nats_queued;

typedef struct fsm__call_list {
  fsm__call *first, *last;
} fsm__call_list;

enum { FSM__NATS_CLASSES = 4 }; /* 2xx with 3xx, 4xx, 5xx, not answered */

struct fsm__nats_api {
  fsm__server *server;
  fsm__bus *bus;
  const char *prefix;
  fsm__policy policy;
  pthread_t sender;
  bool sender_started, bus_started;
  fsm__post post;

  pthread_mutex_t lock; /* all until the next group */
  pthread_cond_t moved; /* the sender's, and … */
  pthread_cond_t asked; /* … the keeper's */
  bool posted, stopping, draining;
  fsm__call_list arrived, answered, outgoing;
  size_t flight, flight_bytes, refusing;
  /* the queue: of the keeper and the library's thread */
  const char *stream;
  char consumer[16], subject[FSM_PREFIX_MAX + 16];
  unsigned box;
  pthread_t keeper;
  bool keeper_started, synced;
  uint64_t life, epoch, next_delivery;
  unsigned asked_for; /* messages that are to come of what was asked for */
  int64_t asked_until_ms;
  size_t held, held_bytes; /* messages that are here */
  fsm__nats_queued *delivered, **delivered_end;

  /* the loop's */
  fsm__nats_queued *queue;
  fsm__timer *clock;
  fsm__draw draw;
  fsm__loop_fn idle;
  void *idle_arg;
  int64_t told_ms;
  /* the sender's */
  int64_t failed_s;
  unsigned failed;

  /* figures */
  _Atomic uint64_t requests[FSM__ASK_COUNT][FSM__NATS_CLASSES];
  _Atomic uint64_t late, unsent, overrun, unheard, taken, refused, again;
};

/* ---- nats_letter.c ---- */

/* false: there is no memory. What is wrong with it is noted in it. */
bool fsm__letter_read(fsm_arena *arena, const fsm__bus_message *message, int64_t now_ns, fsm__letter *out);
/* Reads its body, which may take its time: not on the loop. */
void fsm__letter_ask(fsm_arena *arena, bool queued, fsm__letter *letter);
/* Bytes that it takes, and its body when it is read. */
size_t fsm__letter_weight(const fsm__letter *letter);
/* May an answer go there? Not to JetStream, the system, or whoever serves this prefix. */
bool fsm__letter_may_reply(const char *prefix, const char *subject);
/* The header Fsm-Reply-To: a subject in _INBOX. or <prefix>.answer. */
bool fsm__letter_may_reply_to(const char *prefix, const char *subject);
/* INT64_MAX = none. */
FSM_MUST_USE fsm_code fsm__letter_deadline(const fsm__letter *letter, int64_t *out, fsm_error *err);

/* ---- nats_call.c ---- */

fsm__call *fsm__call_new(fsm__nats_api *api);
void fsm__call_free(fsm__call *call);
/* On the loop's thread: serves it; its answer goes its way. */
void fsm__call_serve(fsm__call *call);
/* Any thread: the answer stands. */
void fsm__call_answered(fsm__request *request);
void fsm__call_add(fsm__call_list *list, fsm__call *call);

/* ---- nats_send.c ---- */

void fsm__nats_send(fsm__nats_api *api, fsm__call *call); /* any thread; takes it */
void *fsm__nats_sender(void *api);

/* ---- nats_api.c ---- */

void fsm__nats_turn_wanted(fsm__nats_api *api); /* under the lock */

/* ---- nats_queue.c: on the loop ---- */

void fsm__nats_queue_take(fsm__nats_api *api, fsm__nats_queued *delivered);
void fsm__nats_queue_answered(fsm__nats_api *api, fsm__call *call);
void fsm__nats_queue_run(void *api);
bool fsm__nats_queue_is_idle(const fsm__nats_api *api);
void fsm__nats_queued_free(fsm__nats_queued *queued);

/* ---- nats_keep.c ---- */

void fsm__nats_delivery(void *api, const fsm__bus_message *message);
void *fsm__nats_keeper(void *api);

#endif
