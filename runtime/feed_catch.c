/* feed_catch.c: the catcher: the journal, in chunks, to those who are behind, each in turn. Who is level with
 * what the teller keeps goes to the teller; whose queue is full goes to nobody, and the take that makes room
 * sends it to the teller. What a filter names is looked up in the journal's indexes. */
#include <errno.h>
#include <sys/resource.h>

#include "runtime/feed_impl.h"

enum { CHUNK_LOOKED = 1024, CHUNK_FOUND = 256, NICE = 10 };

typedef enum outcome { MORE, LEVEL, FULL, GONE, FAULT } outcome;

typedef struct catching {
  fsm__feed *feed;
  fsm__follower *f;
  uint64_t to; /* at least level with the teller once it is there */
  bool ready;
} catching;

static fsm_code pass_on(catching *c, const fsm__journal_entry *entry, bool *full, fsm_error *err) {
  fsm__feed *feed = c->feed;
  fsm__record_seen seen;
  fsm__text *text = NULL;
  bool matches = false;
  *full = false;
  fsm_arena_reset(&feed->caught);
  fsm_code code = fsm__record_see(&seen, &feed->source.origin, feed->source.masks, entry, &feed->caught, err);
  if (code == FSM_OK) code = fsm__record_filter_asks(&c->f->filter, &feed->source.instances, &seen, &matches, err);
  if (code == FSM_OK && !matches) c->f->seq = entry->seq;
  if (code != FSM_OK || !matches) return code;
  code = fsm__text_new(feed, &seen, &feed->caught, &text, err);
  if (code != FSM_OK) return code;
  const fsm__offered offered = fsm__follower_offer(c->f, text, &c->ready);
  fsm__text_drop(text);
  *full = offered == FSM__OFFER_FULL;
  return offered == FSM__OFFER_NO_MEMORY ? fsm_fail(err, FSM_ENOMEM, "", "no memory for a stream") : FSM_OK;
}

/* ---- a chunk ------------------------------------------------------------------------------------ */

static fsm_code all_of(catching *c, outcome *out, fsm_error *err) {
  fsm__journal_cursor *reader = c->feed->reader;
  fsm__journal_cursor_seek(reader, c->f->seq + 1);
  for (unsigned n = 0; n < CHUNK_LOOKED && c->f->seq < c->to; n++) {
    fsm__journal_entry entry;
    bool found = false, full = false;
    fsm_code code = fsm__journal_next(reader, &entry, &found, err);
    if (code == FSM_OK && found) code = pass_on(c, &entry, &full, err);
    if (code != FSM_OK) return code;
    FSM_ASSERT(found); /* it is durable */
    if (full) return *out = FULL, FSM_OK;
  }
  return FSM_OK;
}

static fsm_code by_name(catching *c, fsm__finder *finder, outcome *out, fsm_error *err) {
  for (unsigned n = 0; n < CHUNK_FOUND; n++) {
    fsm__journal_entry entry;
    bool found = false, full = false;
    fsm_code code = fsm__finder_next(finder, &entry, &found, err);
    if (code != FSM_OK) return code;
    if (!found) return c->f->seq = c->to, FSM_OK;
    code = pass_on(c, &entry, &full, err);
    if (code != FSM_OK) return code;
    if (full) return *out = FULL, FSM_OK;
  }
  return FSM_OK;
}

static bool is_named(const fsm__record_filter *filter) {
  return filter->instance != NULL || filter->correlation != NULL || filter->user != NULL;
}

static fsm_code named(catching *c, outcome *out, fsm_error *err) {
  const fsm__record_filter *filter = &c->f->filter;
  const uint64_t after = c->f->seq;
  const fsm__find wanted = {.texts = {[FSM__FIND_INSTANCE] = filter->instance,
                                      [FSM__FIND_CORRELATION] = filter->correlation,
                                      [FSM__FIND_USER] = filter->user},
                            .after = after,
                            .before = c->to + 1};
  fsm__finder *finder = NULL;
  fsm_code code = fsm__journal_find(c->feed->source.journal, &wanted, &finder, err);
  if (code != FSM_OK) return code;
  code = by_name(c, finder, out, err);
  fsm__finder_close(finder);
  /* A search passes over what is pruned meanwhile. */
  return code == FSM_OK ? fsm__feed_floor(c->feed, after, err) : code;
}

static fsm_code chunk(catching *c, outcome *out, fsm_error *err) {
  fsm__follower *f = c->f;
  uint64_t from = 0;
  fsm_code code = FSM_OK;
  *out = MORE;
  if (f->since) {
    code = fsm__record_since(c->feed->source.journal, c->feed->reader, f->filter.since_ns, &from, err);
    if (code == FSM_OK && from > f->seq + 1) f->seq = from - 1;
    f->since = code != FSM_OK;
  }
  if (code == FSM_OK) code = fsm__feed_floor(c->feed, f->seq, err);
  if (code == FSM_OK && f->seq < c->to)
    code = is_named(&f->filter) ? named(c, out, err) : all_of(c, out, err);
  if (code == FSM_ENOTFOUND) (void)fsm__feed_floor(c->feed, f->seq, err);
  if (code == FSM_OK && *out == MORE && f->seq >= c->to) *out = LEVEL;
  return code;
}

/* True: it stays here. */
static bool serve(fsm__feed *feed, fsm__follower *f) {
  catching c = {.feed = feed, .f = f, .to = atomic_load(&feed->told)};
  outcome out = GONE;
  fsm_error why;
  fsm_code code = atomic_load(&f->gone) ? FSM_OK : chunk(&c, &out, &why);
  if (code != FSM_OK) out = FAULT;
  if (out == MORE || out == LEVEL) fsm__follower_looked(f, false);
  if (c.ready) feed->options.ready(feed->options.arg);
  if (out == MORE) return true;
  atomic_fetch_sub(&feed->behind, 1);
  switch (out) {
    case LEVEL: fsm__feed_to_teller(f); break;
    case FULL: fsm__follower_park(f); break;
    case FAULT: fsm__follower_end(f, code, &why); break;
    default: fsm__follower_drop(f); break;
  }
  return false;
}

/* ---- the thread --------------------------------------------------------------------------------- */

/* Those that came, behind those that are here. */
static void take_in(fsm__feed *feed, fsm__follower **mine) {
  while (*mine != NULL) mine = &(*mine)->next_moved;
  *mine = fsm__feed_moved(feed, &feed->falling);
}

void *fsm__feed_catcher(void *arg) {
  fsm__feed *feed = arg;
  fsm__follower *mine = NULL;
  (void)setpriority(PRIO_PROCESS, 0, NICE);
  while (!atomic_load(&feed->stopping)) {
    if (mine == NULL)
      while (sem_wait(&feed->fall) != 0 && errno == EINTR) continue;
    take_in(feed, &mine);
    for (fsm__follower **at = &mine; *at != NULL && !atomic_load(&feed->stopping);) {
      fsm__follower *f = *at, *next = f->next_moved;
      if (serve(feed, f))
        at = &f->next_moved;
      else
        *at = next;
    }
  }
  for (fsm__follower *next; mine != NULL; mine = next) {
    next = mine->next_moved;
    fsm__follower_drop(mine);
  }
  return NULL;
}
