/* feed.c: the life of a feed, and followers on their way between its threads. */
#include <stdlib.h>
#include <string.h>

#include "runtime/feed_impl.h"
#include "runtime/runtime_impl.h"

/* ---- on their way ------------------------------------------------------------------------------- */

void fsm__feed_wake_teller(fsm__feed *feed) {
  if (!atomic_exchange(&feed->wanted, true)) sem_post(&feed->tell);
}

void fsm__feed_durable(void *arg, uint64_t seq) {
  fsm__feed *feed = arg;
  (void)seq;
  if (atomic_load(&feed->followed)) fsm__feed_wake_teller(feed);
}

static void move(fsm__follower *f, fsm__follower **list) {
  pthread_mutex_lock(&f->feed->lock);
  f->next_moved = *list;
  *list = f;
  pthread_mutex_unlock(&f->feed->lock);
}

void fsm__feed_to_teller(fsm__follower *f) {
  fsm__feed *feed = f->feed;
  move(f, &feed->arriving);
  fsm__feed_wake_teller(feed);
}

void fsm__feed_to_catcher(fsm__follower *f) {
  fsm__feed *feed = f->feed;
  move(f, &feed->falling);
  sem_post(&feed->fall);
}

fsm__follower *fsm__feed_moved(fsm__feed *feed, fsm__follower **list) {
  pthread_mutex_lock(&feed->lock);
  fsm__follower *all = *list;
  *list = NULL;
  pthread_mutex_unlock(&feed->lock);
  return all;
}

/* ---- ready -------------------------------------------------------------------------------------- */

bool fsm__feed_list(fsm__follower *f) {
  fsm__feed *feed = f->feed;
  pthread_mutex_lock(&feed->lock);
  bool call = false;
  if (!f->listed) {
    atomic_fetch_add(&f->refs, 1);
    f->listed = true;
    f->next_ready = NULL;
    *feed->ready_end = f;
    feed->ready_end = &f->next_ready;
    call = !feed->signalled;
    feed->signalled = true;
  }
  pthread_mutex_unlock(&feed->lock);
  return call;
}

static fsm__follower *take_ready(fsm__feed *feed) {
  pthread_mutex_lock(&feed->lock);
  fsm__follower *f = feed->ready;
  if (f != NULL) {
    feed->ready = f->next_ready;
    if (feed->ready == NULL) feed->ready_end = &feed->ready;
    f->listed = false;
  } else {
    feed->signalled = false;
  }
  pthread_mutex_unlock(&feed->lock);
  return f;
}

void *fsm__feed_ready(fsm__feed *feed) {
  for (fsm__follower *f; (f = take_ready(feed)) != NULL;) {
    void *arg = atomic_load(&f->gone) ? NULL : f->arg;
    fsm__follower_drop(f);
    if (arg != NULL) return arg;
  }
  return NULL;
}

/* ---- following ---------------------------------------------------------------------------------- */

fsm_code fsm__feed_floor(const fsm__feed *feed, uint64_t seq, fsm_error *err) {
  const uint64_t first = fsm__journal_first_seq(feed->source.journal);
  if (seq + 1 >= first) return FSM_OK;
  return fsm_fail(err, FSM_ENOTFOUND, "after",
                  "archived: records before seq %llu are not kept here (see the archive)",
                  (unsigned long long)first);
}

static fsm_code place(const fsm__feed *feed, fsm__follower *f, uint64_t after, fsm_error *err) {
  const bool since = f->filter.since_ns != INT64_MIN;
  f->since = since;
  f->seq = after;
  if (after == FSM_FEED_NOW)
    f->seq = since ? fsm__journal_first_seq(feed->source.journal) - 1
                   : fsm__journal_durable_seq(feed->source.journal);
  f->looked = f->began = f->seq;
  const uint64_t durable = fsm__journal_durable_seq(feed->source.journal);
  if (f->seq > durable)
    return fsm_fail(err, FSM_EARGUMENT, "after",
                    "seq %llu is not written yet, the last is %llu: is this the same store?",
                    (unsigned long long)f->seq, (unsigned long long)durable);
  return fsm__feed_floor(feed, f->seq, err);
}

fsm_code fsm__feed_follow(fsm__feed *feed, const fsm_value *filter, uint64_t after, void *arg,
                          fsm__follower **out, fsm_error *err) {
  FSM_ASSERT(feed != NULL && filter != NULL && arg != NULL && out != NULL);
  if (!feed->running) return fsm_fail(err, FSM_ECLOSED, "records", "nothing can be followed any more");
  if (feed->followers >= feed->options.followers_max)
    return fsm_fail(err, FSM_EBUSY, "records", "%u follow already, which is the most (streams-max)",
                    feed->followers);
  fsm__follower *f = calloc(1, sizeof *f);
  if (f == NULL) return fsm_fail(err, FSM_ENOMEM, "records", "no memory for a stream");
  f->feed = feed;
  f->arg = arg;
  fsm_arena_init(&f->arena, 0);
  pthread_mutex_init(&f->lock, NULL);
  atomic_init(&f->refs, 2);
  fsm_code code = fsm__record_filter_read(&f->arena, filter, &f->filter, err);
  if (code == FSM_OK) code = place(feed, f, after, err);
  if (code != FSM_OK) {
    atomic_store(&f->refs, 1);
    fsm__follower_drop(f);
    return code;
  }
  feed->followers++;
  atomic_store(&feed->followed, true);
  fsm__feed_to_teller(f);
  *out = f;
  return FSM_OK;
}

/* ---- life --------------------------------------------------------------------------------------- */

fsm_code fsm__feed_new(const fsm__feed_options *options, fsm__feed **out, fsm_error *err) {
  FSM_ASSERT(options->ready != NULL && options->ring <= FSM_FEED_RING);
  FSM_ASSERT(options->followers_max <= FSM_FEED_FOLLOWERS_MAX);
  fsm__feed *feed = calloc(1, sizeof *feed);
  if (feed == NULL) return fsm_fail(err, FSM_ENOMEM, "records", "no memory for streams of records");
  feed->options = *options;
  if (feed->options.followers_max == 0) feed->options.followers_max = FSM_FEED_FOLLOWERS_DEFAULT;
  if (feed->options.ring == 0) feed->options.ring = FSM_FEED_RING;
  feed->ready_end = &feed->ready;
  pthread_mutex_init(&feed->lock, NULL);
  sem_init(&feed->tell, 0, 0);
  sem_init(&feed->fall, 0, 0);
  fsm_arena_init(&feed->scratch, 0);
  fsm_arena_init(&feed->caught, 0);
  feed->ring = calloc(feed->options.ring, sizeof *feed->ring);
  fsm_code code =
      feed->ring != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "records", "no memory for streams of records");
  if (code == FSM_OK) code = fsm__formatter_new(&(fsm__format_options){0}, &feed->formatter, err);
  if (code != FSM_OK) {
    fsm__feed_free(feed);
    return code;
  }
  *out = feed;
  return FSM_OK;
}

fsm_code fsm__feed_start(fsm__feed *feed, fsm_runtime *runtime, fsm_error *err) {
  FSM_ASSERT(feed != NULL && !feed->running && runtime != NULL);
  const fsm__feed_source *source = &feed->source;
  feed->source = (fsm__feed_source){.journal = fsm__runtime_journal(runtime),
                                    .masks = fsm__runtime_masks(runtime),
                                    .origin = fsm__runtime_origin(runtime),
                                    .instances = {.store = fsm__runtime_store(runtime),
                                                  .catalog = fsm__runtime_catalog(runtime),
                                                  .journal = fsm__runtime_journal(runtime)}};
  const uint64_t durable = fsm__journal_durable_seq(source->journal);
  atomic_store(&feed->told, durable);
  atomic_store(&feed->ring_first, durable + 1);
  fsm_code code = fsm__journal_cursor_open(source->journal, 1, &feed->cursor, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(source->journal, 1, &feed->reader, err);
  if (code != FSM_OK) return code;
  if (pthread_create(&feed->teller, NULL, fsm__feed_teller, feed) != 0)
    return fsm_fail(err, FSM_ENOMEM, "records", "no thread for streams of records");
  if (pthread_create(&feed->catcher, NULL, fsm__feed_catcher, feed) != 0) {
    atomic_store(&feed->stopping, true);
    sem_post(&feed->tell);
    pthread_join(feed->teller, NULL);
    return fsm_fail(err, FSM_ENOMEM, "records", "no thread for streams of records");
  }
  feed->running = true;
  return FSM_OK;
}

static void drop_moved(fsm__feed *feed, fsm__follower **list) {
  for (fsm__follower *f = fsm__feed_moved(feed, list), *next; f != NULL; f = next) {
    next = f->next_moved;
    fsm__follower_drop(f);
  }
}

void fsm__feed_stop(fsm__feed *feed) {
  if (feed->running) {
    atomic_store(&feed->stopping, true);
    sem_post(&feed->tell);
    sem_post(&feed->fall);
    pthread_join(feed->teller, NULL);
    pthread_join(feed->catcher, NULL);
    fsm__feed_teller_end(feed);
  }
  feed->running = false;
  fsm__journal_cursor_close(feed->cursor);
  fsm__journal_cursor_close(feed->reader);
  feed->cursor = feed->reader = NULL;
}

void fsm__feed_free(fsm__feed *feed) {
  if (feed == NULL) return;
  fsm__feed_stop(feed);
  drop_moved(feed, &feed->arriving); /* also those that a take sent after the stop */
  drop_moved(feed, &feed->falling);
  (void)fsm__feed_ready(feed);
  FSM_ASSERT(feed->followers == 0 && feed->ready == NULL);
  fsm__formatter_free(feed->formatter);
  free(feed->ring);
  fsm_arena_free(&feed->scratch);
  fsm_arena_free(&feed->caught);
  sem_destroy(&feed->tell);
  sem_destroy(&feed->fall);
  pthread_mutex_destroy(&feed->lock);
  free(feed);
}

void fsm__feed_stats_get(fsm__feed *feed, fsm__feed_stats *out) {
  *out = (fsm__feed_stats){.followers = feed->followers,
                           .behind = atomic_load(&feed->behind),
                           .told = atomic_load(&feed->told),
                           .texts = atomic_load(&feed->texts),
                           .deliveries = atomic_load(&feed->deliveries)};
}
