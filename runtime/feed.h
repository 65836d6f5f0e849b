/* feed.h: the audit log as it grows, to many who follow it, each with a filter (runtime/record_filter.h).
 *
 * A record is read, looked at and written as text once, whoever follows: one thread (the teller) goes over
 * what became durable, asks only those whose filter can want it (an index by instance, correlation, user,
 * machine), and hands each the same text. Followers that are further behind than what the teller keeps in
 * memory are read for from the journal by another thread, in chunks, until they are level.
 *
 * Nobody is buffered for without bound: what waits for a follower is at most FSM_FEED_QUEUE texts and
 * FSM_FEED_QUEUE_BYTES; over that it has only its place in the journal, and goes on from there once it has
 * taken half. So a follower gets every record that it wants, in order, once, for as long as the journal has
 * them; one that falls behind what retention keeps is ended with that reason.
 *
 * A text is a server-sent event: "id: SEQ\nevent: KIND\ndata: RECORD\n\n", RECORD as in a page of records.
 *
 * Threads. fsm__feed_durable: any, never blocks. follow, ready and all of a follower: one thread at a time,
 * which waits for nobody's work there.
 */
#ifndef FSM_RUNTIME_FEED_H
#define FSM_RUNTIME_FEED_H

#include "runtime/fsm_runtime.h"

enum {
  FSM_FEED_FOLLOWERS_MAX = 65536,
  FSM_FEED_FOLLOWERS_DEFAULT = 2048,
  FSM_FEED_RING = 1024,                  /* newest records that the teller keeps */
  FSM_FEED_RING_BYTES = 4 * 1024 * 1024, /* of them; the newest one always */
  FSM_FEED_QUEUE = 512,                  /* texts that wait for one follower */
  FSM_FEED_QUEUE_BYTES = 64 * 1024,      /* of them; one always */
  /* Between two rounds of the teller; what becomes durable meanwhile is one round, and one wake-up for each
   * who gets some of it. The longer one after a round with that many deliveries. */
  FSM_FEED_PAUSE_MS = 2,
  FSM_FEED_PAUSE_BUSY_MS = 10,
  FSM_FEED_BUSY = 32
};

typedef struct fsm__feed fsm__feed;
typedef struct fsm__follower fsm__follower;

typedef struct fsm__feed_options {
  unsigned followers_max; /* 0 = FSM_FEED_FOLLOWERS_DEFAULT */
  unsigned ring;          /* 0 = FSM_FEED_RING, which is the most */
  /* Followers have something: ask fsm__feed_ready until it says NULL, after which this is called again. A
   * thread of the feed; must not block. */
  void (*ready)(void *arg);
  void *arg;
} fsm__feed_options;

/* new → open the runtime with fsm__feed_durable → start → … → stop → close the runtime → free. */
FSM_MUST_USE fsm_code fsm__feed_new(const fsm__feed_options *options, fsm__feed **out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__feed_start(fsm__feed *feed, fsm_runtime *runtime, fsm_error *err);
void fsm__feed_stop(fsm__feed *feed);
/* Every follower has left. NULL is fine. */
void fsm__feed_free(fsm__feed *feed);
/* durable_seq moved: for fsm_runtime_options. Costs nothing while nobody follows. */
void fsm__feed_durable(void *feed, uint64_t seq);

typedef struct fsm__feed_stats {
  unsigned followers, behind;       /* now; behind: read for from the journal */
  uint64_t told, texts, deliveries; /* looked at up to; made; handed to followers, since start */
} fsm__feed_stats;
void fsm__feed_stats_get(fsm__feed *feed, fsm__feed_stats *out);

/* ---- followers ---- */

/* From now on. */
#define FSM_FEED_NOW UINT64_MAX

/* The records behind `after` that the filter (a document, null = all) wants. FSM_EBUSY: followers_max.
 * FSM_ENOTFOUND: `after` is below what is kept. FSM_EARGUMENT: it is not written yet. FSM_ECLOSED: stopped.
 * Faults of the filter: err->where is a pointer. With a `since` and FSM_FEED_NOW: from there. */
FSM_MUST_USE fsm_code fsm__feed_follow(fsm__feed *feed, const fsm_value *filter, uint64_t after, void *arg,
                                       fsm__follower **out, fsm_error *err);
void fsm__follower_leave(fsm__follower *follower);
/* The arg of one that has something, or has ended; NULL: none now. */
void *fsm__feed_ready(fsm__feed *feed);
/* Bytes of its texts into out; 0: none now. A text may come in parts. */
size_t fsm__follower_take(fsm__follower *follower, char *out, size_t max);
/* It gets no more than what waits for it, and why; FSM_OK: it goes on. */
fsm_code fsm__follower_ended(fsm__follower *follower, fsm_error *why);
/* Is what was taken whole texts? */
bool fsm__follower_between(const fsm__follower *follower);
/* The seq that it began behind. */
uint64_t fsm__follower_began(const fsm__follower *follower);
/* All it wants up to this seq was taken; 0: not known now, something waits. */
uint64_t fsm__follower_seq(fsm__follower *follower);

#endif
