/* beats.c: a hash of tokens. Tasks that end leave their entry behind; a sweep drops it when the table would
 * have to grow, so that it holds at most about twice what is alive. See beats.h. */
#include "runtime/beats.h"

#include <stdlib.h>
#include <string.h>

typedef struct beat {
  struct beat *next;
  uint8_t token[16];
  int64_t silent_ns;
} beat;

struct fsm__beats {
  beat **buckets;
  size_t bucket_count, count;
};

enum { BUCKETS_FIRST = 64 };

/* The back of a token is a hash already. */
static beat **bucket_of(const fsm__beats *b, const uint8_t token[16]) {
  uint64_t hash = 0;
  memcpy(&hash, token + 8, sizeof hash);
  return &b->buckets[hash % b->bucket_count];
}

static beat **find(const fsm__beats *b, const uint8_t token[16]) {
  beat **at = bucket_of(b, token);
  while (*at != NULL && memcmp((*at)->token, token, sizeof(*at)->token) != 0) at = &(*at)->next;
  return at;
}

fsm_code fsm__beats_new(fsm__beats **out, fsm_error *err) {
  fsm__beats *b = calloc(1, sizeof *b);
  if (b != NULL) b->buckets = calloc(BUCKETS_FIRST, sizeof(beat *));
  if (b == NULL || b->buckets == NULL) {
    free(b);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the heartbeats");
  }
  b->bucket_count = BUCKETS_FIRST;
  *out = b;
  return FSM_OK;
}

void fsm__beats_free(fsm__beats *b) {
  if (b == NULL) return;
  for (size_t i = 0; i < b->bucket_count; i++)
    for (beat *at = b->buckets[i], *next; at != NULL; at = next) next = at->next, free(at);
  free(b->buckets);
  free(b);
}

static void sweep(fsm__beats *b, int64_t now_ns) {
  for (size_t i = 0; i < b->bucket_count; i++) {
    for (beat **at = &b->buckets[i]; *at != NULL;) {
      beat *old = *at;
      if (old->silent_ns > now_ns) {
        at = &old->next;
        continue;
      }
      *at = old->next;
      free(old);
      b->count--;
    }
  }
}

static void widen(fsm__beats *b) {
  fsm__beats wider = {.bucket_count = b->bucket_count * 2, .count = b->count};
  wider.buckets = calloc(wider.bucket_count, sizeof(beat *));
  if (wider.buckets == NULL) return; /* longer chains, nothing worse */
  for (size_t i = 0; i < b->bucket_count; i++) {
    for (beat *at = b->buckets[i], *next; at != NULL; at = next) {
      beat **to = bucket_of(&wider, at->token);
      next = at->next;
      at->next = *to;
      *to = at;
    }
  }
  free(b->buckets);
  *b = wider;
}

void fsm__beats_note(fsm__beats *b, const uint8_t token[16], int64_t silent_ns, int64_t now_ns) {
  beat **at = find(b, token);
  if (*at != NULL) {
    (*at)->silent_ns = silent_ns;
    return;
  }
  if (b->count >= b->bucket_count) {
    sweep(b, now_ns);
    if (b->count > b->bucket_count / 2) widen(b);
    at = bucket_of(b, token);
  }
  beat *made = calloc(1, sizeof *made);
  if (made == NULL) return;
  memcpy(made->token, token, sizeof made->token);
  made->silent_ns = silent_ns;
  made->next = *at;
  *at = made;
  b->count++;
}

int64_t fsm__beats_take(fsm__beats *b, const uint8_t token[16]) {
  beat **at = find(b, token), *found = *at;
  if (found == NULL) return 0;
  int64_t silent_ns = found->silent_ns;
  *at = found->next;
  free(found);
  b->count--;
  return silent_ns;
}

size_t fsm__beats_count(const fsm__beats *b) { return b->count; }
