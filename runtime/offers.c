/* offers.c: a hash of offers and a heap of their times. See offers.h.
 *
 * An offer whose time changes gets another place in the heap; the old one is dropped when it comes up. An
 * offer lives until it is forgotten and its last place is gone. */
#include "runtime/offers.h"

#include <stdlib.h>
#include <string.h>

typedef struct offer {
  struct offer *next; /* in its bucket */
  uint64_t number;
  int64_t again_ns;
  unsigned places; /* in the heap, and in a line */
  unsigned untaken;
  bool forgotten, held;
  bool out;             /* offered, and not heard of since */
  struct offer *behind; /* in its line */
  char id[];
} offer;

typedef struct place {
  int64_t at_ns;
  offer *of;
} place;

typedef struct line {
  offer *first, *last;
} line;

struct fsm__offers {
  line *lines;
  size_t line_count;
  offer **buckets;
  size_t bucket_count, count;
  place *heap;
  size_t heap_count, heap_cap;
};

enum { BUCKETS_FIRST = 64 };

static offer **bucket_of(const fsm__offers *o, uint64_t number) {
  return &o->buckets[(number * 0x9E3779B97F4A7C15u >> 20) % o->bucket_count];
}

fsm_code fsm__offers_new(size_t lines, fsm__offers **out, fsm_error *err) {
  fsm__offers *o = calloc(1, sizeof *o);
  if (o != NULL) o->buckets = calloc(BUCKETS_FIRST, sizeof(offer *));
  if (o != NULL) o->lines = calloc(lines + 1, sizeof *o->lines);
  if (o == NULL || o->buckets == NULL || o->lines == NULL) {
    if (o != NULL) free(o->buckets), free(o->lines);
    free(o);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the offers");
  }
  o->bucket_count = BUCKETS_FIRST;
  o->line_count = lines;
  *out = o;
  return FSM_OK;
}

static void drop_place(offer *of) {
  if (--of->places == 0 && of->forgotten) free(of);
}

void fsm__offers_free(fsm__offers *o) {
  if (o == NULL) return;
  for (size_t b = 0; b < o->bucket_count; b++)
    for (offer *of = o->buckets[b]; of != NULL; of = of->next) of->forgotten = true;
  for (size_t i = 0; i < o->line_count; i++)
    for (offer *of = o->lines[i].first, *next; of != NULL; of = next) next = of->behind, drop_place(of);
  while (o->heap_count > 0) drop_place(o->heap[--o->heap_count].of);
  free(o->lines);
  free(o->heap);
  free(o->buckets);
  free(o);
}

/* ---- the heap: the earliest place first --------------------------------------------------------- */

static void swap(place *a, place *b) {
  place was = *a;
  *a = *b;
  *b = was;
}

static bool push(fsm__offers *o, offer *of, int64_t at_ns) {
  if (o->heap_count == o->heap_cap) {
    size_t cap = o->heap_cap ? o->heap_cap * 2 : 64;
    place *grown = realloc(o->heap, cap * sizeof *grown);
    if (grown == NULL) return false;
    o->heap = grown;
    o->heap_cap = cap;
  }
  size_t i = o->heap_count++;
  o->heap[i] = (place){at_ns, of};
  for (; i > 0 && o->heap[i].at_ns < o->heap[(i - 1) / 2].at_ns; i = (i - 1) / 2)
    swap(&o->heap[i], &o->heap[(i - 1) / 2]);
  of->places++;
  of->again_ns = at_ns;
  return true;
}

static offer *pop(fsm__offers *o) {
  offer *first = o->heap[0].of;
  o->heap[0] = o->heap[--o->heap_count];
  for (size_t i = 0;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < o->heap_count; child++)
      if (o->heap[child].at_ns < o->heap[least].at_ns) least = child;
    if (least == i) return first;
    swap(&o->heap[i], &o->heap[least]);
    i = least;
  }
}

/* ---- the hash ----------------------------------------------------------------------------------- */

static void widen(fsm__offers *o) {
  size_t wider = o->bucket_count * 2;
  offer **grown = calloc(wider, sizeof *grown);
  if (grown == NULL) return; /* longer chains, nothing worse */
  offer **old = o->buckets;
  size_t old_count = o->bucket_count;
  o->buckets = grown;
  o->bucket_count = wider;
  for (size_t b = 0; b < old_count; b++) {
    for (offer *of = old[b], *next; of != NULL; of = next) {
      offer **to = bucket_of(o, of->number);
      next = of->next;
      of->next = *to;
      *to = of;
    }
  }
  free(old);
}

static offer *find(const fsm__offers *o, uint64_t number, const char *id) {
  for (offer *of = *bucket_of(o, number); of != NULL; of = of->next)
    if (of->number == number && strcmp(of->id, id) == 0) return of;
  return NULL;
}

bool fsm__offers_note(fsm__offers *o, uint64_t number, const char *id, int64_t now_ns) {
  offer *of = find(o, number, id);
  if (of == NULL) {
    if (o->count >= o->bucket_count) widen(o);
    size_t len = strlen(id) + 1;
    of = calloc(1, sizeof *of + len);
    if (of == NULL) return false;
    memcpy(of->id, id, len);
    of->number = number;
    of->out = true;
    if (!push(o, of, now_ns + FSM_OFFER_AGAIN_NS)) {
      free(of);
      return false;
    }
    offer **bucket = bucket_of(o, number);
    of->next = *bucket;
    *bucket = of;
    o->count++;
    return true;
  }
  of->untaken = 0;
  of->out = true;
  return push(o, of, now_ns + FSM_OFFER_AGAIN_NS);
}

void fsm__offers_undelivered(fsm__offers *o, uint64_t number, int64_t now_ns) {
  for (offer *of = *bucket_of(o, number); of != NULL; of = of->next) {
    if (of->number != number) continue;
    int64_t wait = FSM_UNDELIVERED_NS << (of->untaken < 8 ? of->untaken : 8);
    of->untaken++;
    of->out = false;
    (void)push(o, of, now_ns + (wait < FSM_UNDELIVERED_MAX_NS ? wait : FSM_UNDELIVERED_MAX_NS));
  }
}

bool fsm__offers_out(const fsm__offers *o, uint64_t number) {
  for (const offer *of = *bucket_of(o, number); of != NULL; of = of->next)
    if (of->number == number && of->out) return true;
  return false;
}

bool fsm__offers_take(fsm__offers *o, int64_t now_ns, uint64_t *number, const char **id) {
  while (o->heap_count > 0 && o->heap[0].at_ns <= now_ns) {
    int64_t at_ns = o->heap[0].at_ns;
    offer *of = pop(o);
    bool due = !of->forgotten && of->again_ns == at_ns;
    if (due) {
      of->out = true;
      (void)push(o, of, now_ns + FSM_OFFER_AGAIN_NS);
      *number = of->number;
      *id = of->id;
    }
    drop_place(of);
    if (due) return true;
  }
  return false;
}

/* ---- lines --------------------------------------------------------------------------------------- */

void fsm__offers_hold(fsm__offers *o, uint64_t number, const char *id, unsigned number_of_line) {
  FSM_ASSERT(number_of_line < o->line_count);
  offer *of = find(o, number, id);
  line *in = &o->lines[number_of_line];
  if (of == NULL) return;
  of->again_ns = INT64_MAX; /* its places in the heap say nothing any more */
  if (of->held) return;
  of->held = true;
  of->behind = NULL;
  of->places++;
  if (in->last == NULL)
    in->first = of;
  else
    in->last->behind = of;
  in->last = of;
}

bool fsm__offers_waits(const fsm__offers *o, unsigned number_of_line) {
  return o->lines[number_of_line].first != NULL;
}

bool fsm__offers_call(fsm__offers *o, unsigned number_of_line, int64_t now_ns, uint64_t *number,
                      const char **id) {
  FSM_ASSERT(number_of_line < o->line_count);
  line *in = &o->lines[number_of_line];
  while (in->first != NULL) {
    offer *of = in->first;
    in->first = of->behind;
    if (in->first == NULL) in->last = NULL;
    of->held = false;
    bool open = !of->forgotten;
    if (open) {
      (void)push(o, of, now_ns + FSM_OFFER_AGAIN_NS);
      *number = of->number;
      *id = of->id;
    }
    drop_place(of);
    if (open) return true;
  }
  return false;
}

void fsm__offers_forget(fsm__offers *o, uint64_t number, const char *id) {
  for (offer **at = bucket_of(o, number); *at != NULL; at = &(*at)->next) {
    offer *of = *at;
    if (of->number != number || strcmp(of->id, id) != 0) continue;
    *at = of->next;
    o->count--;
    of->forgotten = true;
    if (of->places == 0) free(of);
    return;
  }
}

int64_t fsm__offers_next(const fsm__offers *o) { return o->heap_count > 0 ? o->heap[0].at_ns : INT64_MAX; }

size_t fsm__offers_count(const fsm__offers *o) { return o->count; }
