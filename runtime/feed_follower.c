/* feed_follower.c: what waits for one follower: texts that it shares with others, few of them. */
#include <stdlib.h>
#include <string.h>

#include "runtime/feed_impl.h"

/* ---- texts -------------------------------------------------------------------------------------- */

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record"); }

fsm_code fsm__text_new(fsm__feed *feed, const fsm__record_seen *seen, fsm_arena *scratch, fsm__text **out,
                       fsm_error *err) {
  const fsm__exported exported = {.origin = seen->origin,
                                  .data = seen->entry->record.data,
                                  .len = seen->entry->record.len,
                                  .seq = seen->entry->seq,
                                  .after = seen->entry->seq - 1,
                                  .bare = true,
                                  .mask = seen->mask};
  fsm_buf buf = {0};
  fsm_buf_printf(&buf, "id: %llu\nevent: %s\ndata: ", (unsigned long long)seen->entry->seq,
                 fsm_record_kind_name(seen->brief.kind));
  fsm_code code = fsm__format(feed->formatter, &exported, scratch, &buf, err);
  fsm_buf_str(&buf, "\n\n");
  fsm__text *text = NULL;
  if (code == FSM_OK && (!fsm_buf_ok(&buf) || (text = malloc(sizeof *text + buf.len)) == NULL))
    code = no_memory(err);
  if (text != NULL) {
    atomic_init(&text->refs, 1);
    text->seq = seen->entry->seq;
    text->len = buf.len;
    memcpy(text->at, buf.data, buf.len);
    atomic_fetch_add_explicit(&feed->texts, 1, memory_order_relaxed);
    *out = text;
  }
  fsm_buf_free(&buf);
  return code;
}

void fsm__text_drop(fsm__text *text) {
  if (text != NULL && atomic_fetch_sub_explicit(&text->refs, 1, memory_order_acq_rel) == 1) free(text);
}

/* ---- the queue, filled by the hand ---------------------------------------------------------------- */

static bool grow(fsm__follower *f) {
  const unsigned cap = f->cap != 0 ? f->cap * 2 : 16;
  fsm__text **queue = malloc(cap * sizeof *queue);
  if (queue == NULL) return false;
  for (unsigned i = 0; i < f->count; i++) queue[i] = f->queue[(f->first + i) % f->cap];
  free(f->queue);
  f->queue = queue;
  f->first = 0;
  f->cap = cap;
  return true;
}

fsm__offered fsm__follower_offer(fsm__follower *f, fsm__text *text, bool *ready) {
  fsm__offered done = FSM__OFFER_TAKEN;
  pthread_mutex_lock(&f->lock);
  if (f->count == FSM_FEED_QUEUE || (f->count > 0 && f->bytes + text->len > FSM_FEED_QUEUE_BYTES)) {
    done = FSM__OFFER_FULL;
    f->refused = text->len;
  } else if (f->count == f->cap && !grow(f)) {
    done = FSM__OFFER_NO_MEMORY;
  } else {
    atomic_fetch_add_explicit(&text->refs, 1, memory_order_relaxed);
    f->queue[(f->first + f->count++) % f->cap] = text;
    f->bytes += text->len;
    f->looked = text->seq;
  }
  pthread_mutex_unlock(&f->lock);
  if (done != FSM__OFFER_TAKEN) return done;
  f->seq = text->seq;
  atomic_fetch_add_explicit(&f->feed->deliveries, 1, memory_order_relaxed);
  if (fsm__feed_list(f)) *ready = true;
  return done;
}

void fsm__follower_looked(fsm__follower *f, bool live) {
  pthread_mutex_lock(&f->lock);
  f->live = live;
  f->looked = f->seq;
  pthread_mutex_unlock(&f->lock);
}

/* Half is free, and enough for what was refused: or it would be refused again, and again. */
static bool has_room(const fsm__follower *f) {
  return f->count == 0 || (f->count <= FSM_FEED_QUEUE / 2 && f->bytes <= FSM_FEED_QUEUE_BYTES / 2 &&
                           f->bytes + f->refused <= FSM_FEED_QUEUE_BYTES);
}

void fsm__follower_park(fsm__follower *f) {
  pthread_mutex_lock(&f->lock);
  const bool room = has_room(f) && !atomic_load(&f->gone);
  f->live = false;
  f->parked = !room && !atomic_load(&f->gone);
  const bool parked = f->parked;
  pthread_mutex_unlock(&f->lock);
  if (parked) return;
  if (room)
    fsm__feed_to_teller(f);
  else
    fsm__follower_drop(f);
}

void fsm__follower_end(fsm__follower *f, fsm_code code, const fsm_error *why) {
  pthread_mutex_lock(&f->lock);
  f->live = false;
  f->ended = code;
  f->why = *why;
  pthread_mutex_unlock(&f->lock);
  if (fsm__feed_list(f)) f->feed->options.ready(f->feed->options.arg);
  fsm__follower_drop(f);
}

/* ---- emptied by the one who follows --------------------------------------------------------------- */

/* The first text, without a reference of its own: nobody else takes it away. *unparked: there is room now. */
static fsm__text *first_of(fsm__follower *f) {
  pthread_mutex_lock(&f->lock);
  fsm__text *text = f->count > 0 ? f->queue[f->first] : NULL;
  pthread_mutex_unlock(&f->lock);
  return text;
}

static void pass(fsm__follower *f, fsm__text *text) {
  pthread_mutex_lock(&f->lock);
  f->first = (f->first + 1) % f->cap;
  f->count--;
  f->bytes -= text->len;
  const bool unparked = f->parked && has_room(f);
  if (unparked) f->parked = false;
  pthread_mutex_unlock(&f->lock);
  f->taken = 0;
  fsm__text_drop(text);
  if (unparked) fsm__feed_to_teller(f);
}

size_t fsm__follower_take(fsm__follower *f, char *out, size_t max) {
  size_t got = 0;
  fsm__text *text;
  while (got < max && (text = first_of(f)) != NULL) {
    const size_t left = text->len - f->taken, some = left < max - got ? left : max - got;
    memcpy(out + got, text->at + f->taken, some);
    got += some;
    f->taken += some;
    if (f->taken == text->len) pass(f, text);
  }
  return got;
}

fsm_code fsm__follower_ended(fsm__follower *f, fsm_error *why) {
  pthread_mutex_lock(&f->lock);
  const fsm_code code = f->ended;
  if (code != FSM_OK) *why = f->why;
  pthread_mutex_unlock(&f->lock);
  return code;
}

bool fsm__follower_between(const fsm__follower *f) { return f->taken == 0; }

uint64_t fsm__follower_began(const fsm__follower *f) { return f->began; }

/* What the teller had told before this look was in the queue of whoever is live. */
uint64_t fsm__follower_seq(fsm__follower *f) {
  const uint64_t told = atomic_load(&f->feed->told);
  pthread_mutex_lock(&f->lock);
  const uint64_t looked = f->live && told > f->looked ? told : f->looked;
  const uint64_t seq = f->count == 0 ? looked : 0;
  pthread_mutex_unlock(&f->lock);
  return seq;
}

void fsm__follower_leave(fsm__follower *f) {
  fsm__feed *feed = f->feed;
  pthread_mutex_lock(&f->lock);
  atomic_store(&f->gone, true);
  const bool parked = f->parked;
  f->parked = false;
  pthread_mutex_unlock(&f->lock);
  if (parked) fsm__follower_drop(f); /* the hand's, for nobody has it */
  feed->followers--;
  atomic_store(&feed->followed, feed->followers > 0);
  atomic_store(&feed->leaving, true);
  fsm__feed_wake_teller(feed);
  fsm__follower_drop(f);
}

/* ---- the last reference ---- */

static void follower_free(fsm__follower *f) {
  for (unsigned i = 0; i < f->count; i++) fsm__text_drop(f->queue[(f->first + i) % f->cap]);
  free(f->queue);
  fsm_arena_free(&f->arena);
  pthread_mutex_destroy(&f->lock);
  free(f);
}

void fsm__follower_drop(fsm__follower *f) {
  if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) follower_free(f);
}
