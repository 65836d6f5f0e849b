/* feed_tell.c: the teller. What became durable, in rounds; those who arrive, between them.
 *
 * told: the last seq that all who are live were asked about. The ring holds ring_first … told, from which one
 * who arrives is made level; who is further behind goes to the catcher. With nobody live the ring stays as it
 * is, and is filled anew when the next one arrives. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "runtime/feed_impl.h"

enum { ROUND_MAX = 1024, NICE = 5 };

/* ---- the ring ----------------------------------------------------------------------------------- */

static fsm__kept *kept_of(fsm__feed *feed, uint64_t seq) { return &feed->ring[seq % feed->options.ring]; }

static void forget_first(fsm__feed *feed) {
  const uint64_t first = atomic_load(&feed->ring_first);
  fsm__kept *kept = kept_of(feed, first);
  feed->ring_bytes -= kept->bytes.len;
  fsm__text_drop(kept->text);
  kept->text = NULL;
  if (kept->bytes.cap > 8 * 1024) /* what was large once is not kept */
    fsm_buf_free(&kept->bytes);
  else
    fsm_buf_reset(&kept->bytes);
  atomic_store(&feed->ring_first, first + 1);
}

static void forget_all(fsm__feed *feed, uint64_t told) {
  while (atomic_load(&feed->ring_first) <= atomic_load(&feed->told)) forget_first(feed);
  atomic_store(&feed->told, told);
  atomic_store(&feed->ring_first, told + 1);
}

/* The record behind told; *out is in the ring, but not yet counted as told. */
static fsm_code keep_next(fsm__feed *feed, fsm__kept **out, fsm_error *err) {
  fsm__journal_entry entry;
  bool found = false;
  const uint64_t seq = atomic_load(&feed->told) + 1;
  fsm__journal_cursor_seek(feed->cursor, seq);
  fsm_code code = fsm__journal_next(feed->cursor, &entry, &found, err);
  if (code != FSM_OK) return code;
  FSM_ASSERT(found && entry.seq == seq); /* it is durable */
  while (seq - atomic_load(&feed->ring_first) >= feed->options.ring ||
         (feed->ring_bytes > 0 && feed->ring_bytes + entry.record.len > FSM_FEED_RING_BYTES))
    forget_first(feed);
  fsm__kept *kept = kept_of(feed, seq);
  fsm_buf_reset(&kept->bytes);
  fsm_buf_add(&kept->bytes, entry.record.data, entry.record.len);
  if (!fsm_buf_ok(&kept->bytes)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  feed->ring_bytes += kept->bytes.len;
  kept->entry = entry;
  kept->entry.record = (fsm__bytes){kept->bytes.data, kept->bytes.len};
  *out = kept;
  return FSM_OK;
}

/* ---- one record, one follower --------------------------------------------------------------------- */

typedef struct telling {
  fsm__feed *feed;
  fsm__kept *kept;
  fsm__record_seen seen;
  bool ready;
} telling;

static fsm_code see(telling *t, fsm_error *err) {
  fsm_arena_reset(&t->feed->scratch);
  const fsm__feed_source *source = &t->feed->source;
  return fsm__record_see(&t->seen, &source->origin, source->masks, &t->kept->entry, &t->feed->scratch, err);
}

/* *full: it wants this one, and has no room for it. */
static fsm_code tell(telling *t, fsm__follower *f, bool *full, fsm_error *err) {
  bool matches = false;
  *full = false;
  fsm_code code = fsm__record_filter_asks(&f->filter, &t->feed->source.instances, &t->seen, &matches, err);
  if (code == FSM_OK && matches && t->kept->text == NULL)
    code = fsm__text_new(t->feed, &t->seen, &t->feed->scratch, &t->kept->text, err);
  if (code != FSM_OK) return code;
  if (!matches) {
    f->seq = t->kept->entry.seq;
    return FSM_OK;
  }
  const fsm__offered offered = fsm__follower_offer(f, t->kept->text, &t->ready);
  if (offered == FSM__OFFER_NO_MEMORY) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a stream");
  *full = offered == FSM__OFFER_FULL;
  return FSM_OK;
}

/* ---- those who are live ------------------------------------------------------------------------- */

static void tell_live(telling *t, fsm__follower *f) {
  fsm_error why;
  bool full = false;
  if (t->kept->entry.seq <= f->seq) return; /* it began behind this one */
  const bool gone = atomic_load(&f->gone);
  fsm_code code = gone ? FSM_OK : tell(t, f, &full, &why);
  if (code == FSM_OK && !full && !gone) return;
  fsm__feed_detach(f);
  f->seq = t->kept->entry.seq - 1;
  if (gone)
    fsm__follower_drop(f);
  else if (full)
    fsm__follower_park(f);
  else
    fsm__follower_end(f, code, &why);
}

static void end_all(fsm__feed *feed, fsm_code code, const fsm_error *why) {
  for (unsigned i = 0; i <= FSM__FEED_BUCKETS; i++) {
    fsm__follower **list = i < FSM__FEED_BUCKETS ? &feed->buckets[i] : &feed->rest;
    while (*list != NULL) {
      fsm__follower *f = *list;
      fsm__feed_detach(f);
      fsm__follower_end(f, code, why);
    }
  }
}

static fsm_code tell_next(fsm__feed *feed, bool *ready, fsm_error *err) {
  telling t = {.feed = feed};
  fsm__concerned at;
  fsm_code code = keep_next(feed, &t.kept, err);
  if (code == FSM_OK) code = see(&t, err);
  if (code != FSM_OK) return code;
  fsm__feed_concerns(feed, &t.seen, &at);
  for (fsm__follower *f; (f = fsm__feed_concerned(feed, &at)) != NULL;) tell_live(&t, f);
  atomic_store(&feed->told, t.kept->entry.seq);
  *ready |= t.ready;
  return FSM_OK;
}

/* True: there is more to tell. */
static bool tell_round(fsm__feed *feed) {
  const uint64_t durable = fsm__journal_durable_seq(feed->source.journal);
  bool ready = false;
  fsm_error why;
  for (unsigned n = 0; n < ROUND_MAX && atomic_load(&feed->told) < durable; n++) {
    fsm_code code = tell_next(feed, &ready, &why);
    if (code == FSM_OK) continue;
    if (code == FSM_ENOTFOUND) (void)fsm__feed_floor(feed, atomic_load(&feed->told), &why);
    end_all(feed, code, &why); /* who comes again finds the same place by the catcher */
    forget_all(feed, durable);
  }
  if (ready) feed->options.ready(feed->options.arg);
  return atomic_load(&feed->told) < durable;
}

/* ---- those who arrive --------------------------------------------------------------------------- */

/* With nobody live nothing was told lately: the newest records are read anew. */
static void refill(fsm__feed *feed) {
  const uint64_t durable = fsm__journal_durable_seq(feed->source.journal),
                 first = fsm__journal_first_seq(feed->source.journal), told = atomic_load(&feed->told),
                 empty = atomic_load(&feed->ring_first) > told;
  if (feed->live > 0 || (told == durable && !empty)) return;
  if (empty || durable - told > feed->options.ring) {
    const uint64_t begin = durable > feed->options.ring ? durable - feed->options.ring : 0;
    forget_all(feed, begin + 1 >= first ? begin : first - 1);
  }
}

/* Through what the ring has behind its place; *full as of tell. */
static fsm_code make_level(fsm__feed *feed, fsm__follower *f, bool *full, fsm_error *err) {
  telling t = {.feed = feed};
  fsm_code code = FSM_OK;
  *full = false;
  while (code == FSM_OK && !*full && f->seq < atomic_load(&feed->told)) {
    t.kept = kept_of(feed, f->seq + 1);
    code = see(&t, err);
    if (code == FSM_OK) code = tell(&t, f, full, err);
  }
  if (t.ready) feed->options.ready(feed->options.arg);
  return code;
}

static void arrive(fsm__feed *feed, fsm__follower *f) {
  fsm_error why;
  bool full = false;
  fsm_code code = FSM_OK;
  if (atomic_load(&f->gone)) {
    fsm__follower_drop(f);
    return;
  }
  if (f->since || f->seq + 1 < atomic_load(&feed->ring_first)) {
    atomic_fetch_add(&feed->behind, 1);
    fsm__feed_to_catcher(f);
    return;
  }
  code = make_level(feed, f, &full, &why);
  if (code != FSM_OK) {
    fsm__follower_end(f, code, &why);
  } else if (full) {
    fsm__follower_park(f);
  } else {
    fsm__feed_attach(f);
    if (f->seq == atomic_load(&feed->told)) fsm__follower_looked(f, true);
  }
}

/* Between any two of them what is new is told to those who are there. */
static void receive(fsm__feed *feed) {
  for (fsm__follower *f = fsm__feed_moved(feed, &feed->arriving), *next; f != NULL; f = next) {
    next = f->next_moved;
    refill(feed);
    while (tell_round(feed) && !atomic_load(&feed->stopping)) continue;
    arrive(feed, f);
  }
}

static void sweep(fsm__feed *feed) {
  for (unsigned i = 0; i <= FSM__FEED_BUCKETS; i++)
    for (fsm__follower *f = i < FSM__FEED_BUCKETS ? feed->buckets[i] : feed->rest, *next; f != NULL;
         f = next) {
      next = f->next;
      if (!atomic_load(&f->gone)) continue;
      fsm__feed_detach(f);
      fsm__follower_drop(f);
    }
}

/* ---- the thread --------------------------------------------------------------------------------- */

static void pause_for(int64_t ms) {
  const struct timespec pause = {.tv_nsec = ms * 1000000};
  (void)nanosleep(&pause, NULL);
}

/* Waking a reader costs more than what it is told: where much is told, more of it is told at once. */
static int64_t pause_ms(fsm__feed *feed, uint64_t *deliveries) {
  const uint64_t before = *deliveries;
  *deliveries = atomic_load_explicit(&feed->deliveries, memory_order_relaxed);
  return *deliveries - before >= FSM_FEED_BUSY ? FSM_FEED_PAUSE_BUSY_MS : FSM_FEED_PAUSE_MS;
}

void *fsm__feed_teller(void *arg) {
  fsm__feed *feed = arg;
  uint64_t deliveries = 0;
  (void)setpriority(PRIO_PROCESS, 0, NICE); /* this thread's alone: commands come first */
  while (!atomic_load(&feed->stopping)) {
    while (sem_wait(&feed->tell) != 0 && errno == EINTR) continue;
    atomic_store(&feed->wanted, false);
    if (atomic_exchange(&feed->leaving, false)) sweep(feed);
    receive(feed);
    while (feed->live > 0 && tell_round(feed) && !atomic_load(&feed->stopping)) continue;
    pause_for(pause_ms(feed, &deliveries));
  }
  return NULL;
}

void fsm__feed_teller_end(fsm__feed *feed) {
  for (unsigned i = 0; i <= FSM__FEED_BUCKETS; i++) {
    fsm__follower **list = i < FSM__FEED_BUCKETS ? &feed->buckets[i] : &feed->rest;
    while (*list != NULL) {
      fsm__follower *f = *list;
      fsm__feed_detach(f);
      fsm__follower_drop(f);
    }
  }
  forget_all(feed, atomic_load(&feed->told));
  for (unsigned i = 0; i < feed->options.ring; i++) fsm_buf_free(&feed->ring[i].bytes);
}
