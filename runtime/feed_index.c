/* feed_index.c: whom a record concerns. A follower stands under the one thing it asks for that fewest records
 * have; its whole filter is asked behind that. */
#include <string.h>

#include "runtime/feed_impl.h"

typedef enum term { INSTANCE = 1, CORRELATION, USER, MACHINE } term;

/* FNV-1a, of which thing first; never 0. */
static uint64_t hash_of(term what, const char *text, size_t len) {
  uint64_t hash = (UINT64_C(14695981039346656037) ^ what) * UINT64_C(1099511628211);
  for (size_t i = 0; i < len; i++) hash = (hash ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
  return hash != 0 ? hash : 1;
}

static fsm__follower **list_of(fsm__feed *feed, uint64_t hash) {
  return hash != 0 ? &feed->buckets[(hash ^ hash >> 32) % FSM__FEED_BUCKETS] : &feed->rest;
}

static uint64_t place_of(const fsm__record_filter *filter) {
  const char *machine = fsm__route_machine(filter->route);
  if (filter->instance != NULL) return hash_of(INSTANCE, filter->instance, strlen(filter->instance));
  if (filter->correlation != NULL)
    return hash_of(CORRELATION, filter->correlation, strlen(filter->correlation));
  if (filter->user != NULL) return hash_of(USER, filter->user, strlen(filter->user));
  return machine != NULL ? hash_of(MACHINE, machine, strlen(machine)) : 0;
}

void fsm__feed_attach(fsm__follower *f) {
  fsm__feed *feed = f->feed;
  f->hash = place_of(&f->filter);
  fsm__follower **list = list_of(feed, f->hash);
  f->next = *list;
  f->back = list;
  if (f->next != NULL) f->next->back = &f->next;
  *list = f;
  feed->live++;
}

void fsm__feed_detach(fsm__follower *f) {
  FSM_ASSERT(f->back != NULL && f->feed->live > 0);
  *f->back = f->next;
  if (f->next != NULL) f->next->back = f->back;
  f->next = NULL;
  f->back = NULL;
  f->feed->live--;
}

void fsm__feed_concerns(fsm__feed *feed, const fsm__record_seen *seen, fsm__concerned *out) {
  const fsm_record_terms *t = &seen->terms;
  const fsm_record_brief *b = &seen->brief;
  *out = (fsm__concerned){.list = 0};
  if (t->inst.at != NULL) out->hashes[0] = hash_of(INSTANCE, t->inst.at, t->inst.len);
  if (t->corr.at != NULL) out->hashes[1] = hash_of(CORRELATION, t->corr.at, t->corr.len);
  if (t->user.at != NULL) out->hashes[2] = hash_of(USER, t->user.at, t->user.len);
  if (b->mach != NULL) out->hashes[3] = hash_of(MACHINE, b->mach, b->mach_len);
  if (out->hashes[0] != 0) out->next = *list_of(feed, out->hashes[0]);
}

fsm__follower *fsm__feed_concerned(fsm__feed *feed, fsm__concerned *at) {
  for (;;) {
    const uint64_t hash = at->list < 4 ? at->hashes[at->list] : 0;
    while (at->next != NULL) {
      fsm__follower *found = at->next;
      at->next = found->next;
      if (found->hash == hash) return found;
    }
    if (at->list == 4) return NULL;
    at->list++;
    if (at->list == 4)
      at->next = feed->rest;
    else if (at->hashes[at->list] != 0)
      at->next = *list_of(feed, at->hashes[at->list]);
  }
}
