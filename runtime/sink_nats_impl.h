/* sink_nats_impl.h: what the files of the NATS sink share. */
#ifndef FSM_RUNTIME_SINK_NATS_IMPL_H
#define FSM_RUNTIME_SINK_NATS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/message.h"
#include "runtime/sink_nats.h"

/* A message that is built and not yet sent: whether an answer is asked for depends on what follows it. */
#define FSM_NATS_GONE_ANY UINT64_MAX /* as stream_gone of a cursor: whatever is gone, nothing is missing */

typedef struct fsm__nats_held {
  fsm_arena arena;
  fsm_buf payload;
  fsm__message message;
  uint64_t ticket, expected; /* the stream's last place when it arrives */
  bool full;
} fsm__nats_held;

typedef struct fsm__nats_sample { /* what was acked when; settles once seen again */
  uint64_t seq, stream_seq;
  int64_t time_ns;
} fsm__nats_sample;

typedef struct fsm__nats_given { /* of a ticket */
  uint64_t place;                /* where it will be; 0 = it was not sent */
  uint64_t seq;
  bool repair;
} fsm__nats_given;

typedef struct fsm__sink_nats {
  fsm__sink sink; /* first */
  const fsm__sink_config *config;
  fsm__bus *bus;
  bool own_bus;
  unsigned inbox;
  char name[FSM_SINK_NAME_MAX + 1];
  char stream[FSM_STREAM_NAME_MAX + 1], prefix[FSM_PREFIX_MAX + 1], subject[FSM_PREFIX_MAX + 8];
  fsm__formatter *formatter, *stored;
  void (*wake)(void *wake_arg);
  void *wake_arg;
  atomic_bool interrupted, cleared;

  /* of the outbox's thread */
  fsm__nats_held held[2]; /* the one that waits, and the one that is built */
  unsigned holding;       /* which one waits, if it is full */
  bool flushes;           /* whoever drives us calls flush: without it nothing may wait */
  uint64_t expected;      /* the stream's last place when the next message arrives */
  uint64_t tail;          /* place of the last ordinary message, sent or found */
  uint64_t repair;        /* with the place of one, the end of its id: unlike that of any other */
  uint64_t denials;       /* seen */
  unsigned unasked;       /* messages, and … */
  size_t unasked_bytes;   /* … bytes since an answer was asked for */
  fsm__nats_sample sample;
  int64_t known_created_ns;

  pthread_mutex_t lock;         /* all below */
  uint64_t *known, known_first; /* places that are known to hold nothing: below first, and these, ascending;
                                   changed by the outbox's thread alone */
  size_t known_count;
  uint64_t again_from, again_to; /* records whose ids are known there, and which are gone: given as repairs */
  uint64_t repaired;             /* the last place of a repair, */
  int64_t repaired_ns;           /* … and when it was acknowledged; 0 = none since we run */
  /* the chain of messages since the last look */
  uint64_t chain_first;   /* its first ticket; 0 = nothing is sent yet */
  uint64_t chain_next;    /* the ticket that comes next */
  uint64_t answered;      /* tickets up to this one have their answer */
  unsigned dense;         /* messages for each of which an answer is asked */
  bool broken;            /* refused: nothing goes through any more until the next look */
  fsm__nats_given *given; /* of ticket t at t % FSM_SINK_WINDOW_MAX */
} fsm__sink_nats;

/* The stream as it is, and ours alone: made, checked. */
fsm_code fsm__nats_stream(fsm__sink_nats *s, fsm__bus_stream *out, fsm_error *err);
fsm_code fsm__nats_safe(const fsm__sink_nats *s, const fsm__bus_stream *stream, fsm_error *err);

fsm_code fsm__nats_publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err);
fsm_code fsm__nats_flush(fsm__sink *sink, fsm_error *err);
/* Of the bus, for what was asked in publish and flush. */
void fsm__nats_on_answer(void *arg, uint64_t ticket, const fsm__bus_message *message);
fsm_code fsm__nats_prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err);
fsm_code fsm__nats_reconcile(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                             fsm__sink_lost *lost, fsm_error *err);

/* The last place of the run of places known to hold nothing that `place` is in; 0 = in none. Under the lock.
 */
uint64_t fsm__nats_empty_to(const fsm__sink_nats *s, uint64_t place);
/* The stream ends at `last`: a loss of its tail may have taken repairs with it, which then are to be found
 * missing again. */
void fsm__nats_heed_tail(fsm__sink_nats *s, uint64_t last, fsm__cursor *cursor);

/* What a message of the stream is. */
typedef struct fsm__nats_seen {
  bool there, ours; /* ours: its id has our form */
  bool repair;
  fsm_origin origin;
  uint64_t seq, tail;
  char leaf[2 * FSM_HASH_BYTES + 1]; /* "" = not given */
} fsm__nats_seen;

/* place 0 and one that is empty: not there. */
fsm_code fsm__nats_look(fsm__sink_nats *s, uint64_t place, fsm__nats_seen *out, fsm_error *err);

/* One answer of the server to a message: {"stream":"S","seq":7,"duplicate":true} or {"error":{…}}. */
typedef struct fsm__nats_answer {
  uint64_t seq; /* 0 = none */
  bool duplicate, error, ours;
  unsigned js_code;
  char text[160];
} fsm__nats_answer;
void fsm__nats_answer_read(const char *data, size_t len, const char *stream, fsm__nats_answer *out);

#endif
