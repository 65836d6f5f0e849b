/* waits.c: a binary heap. See waits.h. */
#include "runtime/waits.h"

#include <stdlib.h>

static bool before(const fsm__wait *a, const fsm__wait *b) {
  if (a->at_ns != b->at_ns) return a->at_ns < b->at_ns;
  if (a->due_ns != b->due_ns) return a->due_ns < b->due_ns;
  return a->order < b->order;
}

bool fsm__waits_add(fsm__waits *waits, const fsm__wait *wait) {
  if (waits->count == waits->cap) {
    size_t cap = waits->cap ? waits->cap * 2 : 64;
    fsm__wait *grown = realloc(waits->heap, cap * sizeof *grown);
    if (grown == NULL) return false;
    waits->heap = grown;
    waits->cap = cap;
  }
  size_t i = waits->count++;
  for (; i > 0 && before(wait, &waits->heap[(i - 1) / 2]); i = (i - 1) / 2)
    waits->heap[i] = waits->heap[(i - 1) / 2];
  waits->heap[i] = *wait;
  return true;
}

bool fsm__waits_take(fsm__waits *waits, int64_t now_ns, fsm__wait *out) {
  if (waits->count == 0 || waits->heap[0].at_ns > now_ns) return false;
  *out = waits->heap[0];
  const fsm__wait last = waits->heap[--waits->count];
  size_t i = 0;
  for (size_t child = 1; child < waits->count; child = 2 * i + 1) {
    if (child + 1 < waits->count && before(&waits->heap[child + 1], &waits->heap[child])) child++;
    if (!before(&waits->heap[child], &last)) break;
    waits->heap[i] = waits->heap[child];
    i = child;
  }
  if (waits->count > 0) waits->heap[i] = last;
  if (waits->count == 0) fsm__waits_clear(waits); /* what a clock that was set once took is given back */
  return true;
}

int64_t fsm__waits_next(const fsm__waits *waits) {
  return waits->count > 0 ? waits->heap[0].at_ns : INT64_MAX;
}

void fsm__waits_clear(fsm__waits *waits) {
  free(waits->heap);
  *waits = (fsm__waits){.heap = NULL};
}
