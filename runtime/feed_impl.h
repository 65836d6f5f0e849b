/* feed_impl.h: what the files of the feed share.
 *
 *   feed.c           life, messages between the threads
 *   feed_follower.c  what waits for one follower
 *   feed_index.c     whom a record concerns
 *   feed_tell.c      the teller: what became durable, once, to those who are level
 *   feed_catch.c     the catcher: the journal, to those who are behind
 *
 * A follower is always in one hand: the teller's (it arrives, or is live: in the index), the catcher's, or
 * nobody's (parked: its queue is full; the take that makes room gives it to the teller). That hand has one
 * reference; the one who follows has another, the list of those who are ready a third. Its seq is the hand's.
 *
 * Locks, for a few instructions each, none within another but the feed's within a follower's: a follower's
 * (queue), the feed's (lists of those on their way, of those who are ready).
 */
#ifndef FSM_RUNTIME_FEED_IMPL_H
#define FSM_RUNTIME_FEED_IMPL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "runtime/feed.h"
#include "runtime/format.h"
#include "runtime/journal.h"
#include "runtime/masks.h"
#include "runtime/record_filter.h"

/* What is followed. */
typedef struct fsm__feed_source {
  fsm__journal *journal;
  fsm__masks *masks;
  fsm_origin origin;
  fsm__label_source instances;
} fsm__feed_source;

/* Shared, immutable. */
typedef struct fsm__text {
  _Atomic unsigned refs;
  uint64_t seq;
  size_t len;
  char at[];
} fsm__text;

struct fsm__follower {
  fsm__feed *feed;
  void *arg;
  fsm_arena arena; /* of the filter */
  fsm__record_filter filter;
  _Atomic unsigned refs;
  _Atomic bool gone;

  /* The hand's. */
  uint64_t seq;                /* looked at up to it */
  bool since;                  /* its place is still to be looked for by time */
  uint64_t hash;               /* in the index; 0 = asked for every record */
  fsm__follower *next, **back; /* in the index */
  fsm__follower *next_moved;   /* on its way between hands, or in the catcher's list */

  pthread_mutex_t lock; /* of all below */
  fsm__text **queue;    /* a ring */
  unsigned first, count, cap;
  size_t bytes;
  size_t refused; /* bytes of the text that there was no room for */
  bool live, parked;
  uint64_t looked; /* all that it wants up to here is, or was, in the queue */
  fsm_code ended;
  fsm_error why;

  size_t taken; /* bytes of the first text; the taker's */
  uint64_t began;
  fsm__follower *next_ready; /* the feed's lock */
  bool listed;
};

/* A record that the teller keeps. */
typedef struct fsm__kept {
  fsm__journal_entry entry; /* its bytes are in `bytes` */
  fsm_buf bytes;
  fsm__text *text; /* NULL: nobody wanted it yet */
} fsm__kept;

enum { FSM__FEED_BUCKETS = 4096 };

struct fsm__feed {
  fsm__feed_options options;
  fsm__feed_source source;
  fsm__formatter *formatter;
  bool running;
  _Atomic bool stopping;
  unsigned followers; /* the one who follows' */
  _Atomic bool followed;
  _Atomic uint64_t told, ring_first, texts, deliveries;
  _Atomic unsigned behind;

  pthread_mutex_t lock;
  fsm__follower *arriving, *falling; /* to the teller, to the catcher */
  fsm__follower *ready, **ready_end;
  bool signalled; /* options.ready was called, or will be at once */

  /* The teller's. */
  pthread_t teller;
  sem_t tell;
  _Atomic bool wanted, leaving; /* posted; some in the index are gone */
  fsm__journal_cursor *cursor;
  fsm__kept *ring; /* by seq modulo options.ring */
  size_t ring_bytes;
  fsm_arena scratch;
  fsm__follower *buckets[FSM__FEED_BUCKETS], *rest;
  unsigned live;

  /* The catcher's. */
  pthread_t catcher;
  sem_t fall;
  fsm__journal_cursor *reader;
  fsm_arena caught;
};

/* ---- feed.c ---- */

void fsm__feed_wake_teller(fsm__feed *feed);
void fsm__feed_to_teller(fsm__follower *follower);
void fsm__feed_to_catcher(fsm__follower *follower);
/* All on their way, in any order; linked by next_moved. */
fsm__follower *fsm__feed_moved(fsm__feed *feed, fsm__follower **list);
/* True: the caller calls options.ready when it is done. */
bool fsm__feed_list(fsm__follower *follower);
void fsm__follower_drop(fsm__follower *follower); /* a reference */
fsm_code fsm__feed_floor(const fsm__feed *feed, uint64_t seq, fsm_error *err);

/* ---- feed_follower.c ---- */

FSM_MUST_USE fsm_code fsm__text_new(fsm__feed *feed, const fsm__record_seen *seen, fsm_arena *scratch,
                                    fsm__text **out, fsm_error *err);
void fsm__text_drop(fsm__text *text); /* NULL is fine */

typedef enum fsm__offered { FSM__OFFER_TAKEN, FSM__OFFER_FULL, FSM__OFFER_NO_MEMORY } fsm__offered;
/* The next text; *ready as of fsm__feed_list. Full: its seq stays before this text. */
fsm__offered fsm__follower_offer(fsm__follower *follower, fsm__text *text, bool *ready);
/* Out of the hand, until a take makes room; at once to the teller when one just did. The hand's reference
 * goes with it. */
void fsm__follower_park(fsm__follower *follower);
void fsm__follower_looked(fsm__follower *follower, bool live);
/* The last that it is told; the hand lets go of it. */
void fsm__follower_end(fsm__follower *follower, fsm_code code, const fsm_error *why);

/* ---- feed_index.c ---- */

void fsm__feed_attach(fsm__follower *follower);
void fsm__feed_detach(fsm__follower *follower);
/* All that a record may concern, one after the other; *next from the call before. */
typedef struct fsm__concerned {
  uint64_t hashes[4];
  unsigned list; /* 4: those that are asked for every record */
  fsm__follower *next;
} fsm__concerned;
void fsm__feed_concerns(fsm__feed *feed, const fsm__record_seen *seen, fsm__concerned *out);
/* NULL: no more. The one given may be detached. */
fsm__follower *fsm__feed_concerned(fsm__feed *feed, fsm__concerned *at);

void *fsm__feed_teller(void *feed);
void *fsm__feed_catcher(void *feed);
/* At stop: the threads are gone, and let go of whom they had. */
void fsm__feed_teller_end(fsm__feed *feed);

#endif
