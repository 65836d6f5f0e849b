/* why_stands.c: stands by what they are, in buckets. See why_stands.h. */
#include "runtime/why_stands.h"

#include <string.h>

static unsigned bucket_of(const fsm__why_stands *stands, const uint64_t *config) {
  uint64_t hash = 1469598103934665603u;
  for (unsigned i = 0; i < stands->words; i++) hash = (hash ^ config[i]) * 1099511628211u;
  return (unsigned)((hash ^ hash >> 32) % FSM__WHY_STAND_BUCKETS);
}

static bool same(const fsm__why_stands *stands, const fsm__why_stand *a, const fsm__why_stand *b) {
  const size_t bytes = stands->words * sizeof *a->kept;
  if (memcmp(a->at.config, b->at.config, bytes) != 0 || memcmp(a->kept, b->kept, bytes) != 0 ||
      a->field_count != b->field_count)
    return false;
  for (unsigned i = 0; i < a->field_count; i++)
    if (!fsm_value_same(&a->fields[i], &b->fields[i])) return false;
  return fsm_value_same(&a->at.context, &b->at.context) && fsm_value_same(&a->at.history, &b->at.history);
}

bool fsm__why_stands_begin(fsm__why_stands *stands, const fsm_machine *machine, fsm_arena *arena) {
  stands->words = fsm_machine_words(machine);
  stands->at = fsm_arena_alloc(arena, FSM_WHY_STATES_MAX * sizeof *stands->at);
  return stands->at != NULL;
}

bool fsm__why_stands_has(const fsm__why_stands *stands, const fsm__why_stand *one) {
  for (unsigned i = stands->buckets[bucket_of(stands, one->at.config)]; i > 0; i = stands->at[i - 1].next)
    if (same(stands, &stands->at[i - 1], one)) return true;
  return false;
}

bool fsm__why_stands_add(fsm__why_stands *stands, const fsm__why_stand *one) {
  const unsigned bucket = bucket_of(stands, one->at.config);
  if (stands->count == FSM_WHY_STATES_MAX) return false;
  stands->at[stands->count] = *one;
  stands->at[stands->count].next = stands->buckets[bucket];
  stands->buckets[bucket] = ++stands->count;
  return true;
}
