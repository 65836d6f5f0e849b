/* masks.c: masks by the hash of their definition, sorted, under a lock. See masks.h. */
#include "runtime/masks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  uint8_t def[FSM_HASH_BYTES];
  const fsm_mask *mask; /* NULL: it marks nothing */
} entry;

struct fsm__masks {
  pthread_rwlock_t lock;
  fsm_arena arena; /* of the masks */
  entry *entries;
  size_t count, cap;
};

fsm_code fsm__masks_new(fsm__masks **out, fsm_error *err) {
  fsm__masks *masks = calloc(1, sizeof *masks);
  if (masks == NULL || pthread_rwlock_init(&masks->lock, NULL) != 0) {
    free(masks);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for masks");
  }
  fsm_arena_init(&masks->arena, 0);
  *out = masks;
  return FSM_OK;
}

void fsm__masks_free(fsm__masks *masks) {
  if (masks == NULL) return;
  pthread_rwlock_destroy(&masks->lock);
  fsm_arena_free(&masks->arena);
  free(masks->entries);
  free(masks);
}

/* Where it is, or where it belongs. */
static size_t place_of(const fsm__masks *masks, const uint8_t def[FSM_HASH_BYTES], bool *found) {
  size_t from = 0, to = masks->count;
  *found = false;
  while (from < to && !*found) {
    size_t at = from + (to - from) / 2;
    int order = memcmp(masks->entries[at].def, def, FSM_HASH_BYTES);
    *found = order == 0;
    if (order == 0) return at;
    if (order < 0)
      from = at + 1;
    else
      to = at;
  }
  return from;
}

static fsm_code add(fsm__masks *masks, const uint8_t def[FSM_HASH_BYTES], const char *definition, size_t len,
                    fsm_error *err) {
  bool found = false;
  const size_t at = place_of(masks, def, &found);
  entry made = {.mask = NULL};
  if (found) return FSM_OK;
  if (masks->count == masks->cap) {
    size_t cap = masks->cap ? masks->cap * 2 : 16;
    entry *grown = realloc(masks->entries, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for masks");
    masks->entries = grown;
    masks->cap = cap;
  }
  memcpy(made.def, def, FSM_HASH_BYTES);
  fsm_code code = fsm_mask_of(&masks->arena, definition, len, &made.mask, err);
  if (code != FSM_OK) return code;
  memmove(masks->entries + at + 1, masks->entries + at, (masks->count - at) * sizeof made);
  masks->entries[at] = made;
  masks->count++;
  return FSM_OK;
}

fsm_code fsm__masks_add(fsm__masks *masks, const uint8_t def[32], const char *definition, size_t len,
                        fsm_error *err) {
  FSM_ASSERT(masks != NULL && def != NULL && definition != NULL);
  pthread_rwlock_wrlock(&masks->lock);
  fsm_code code = add(masks, def, definition, len, err);
  pthread_rwlock_unlock(&masks->lock);
  return code;
}

fsm_code fsm__masks_find(fsm__masks *masks, const uint8_t def[32], const fsm_mask **out, fsm_error *err) {
  FSM_ASSERT(masks != NULL && def != NULL && out != NULL);
  bool found = false;
  pthread_rwlock_rdlock(&masks->lock);
  const size_t at = place_of(masks, def, &found);
  if (found) *out = masks->entries[at].mask;
  pthread_rwlock_unlock(&masks->lock);
  if (found) return FSM_OK;
  return fsm_fail(err, FSM_ENOTFOUND, "def",
                  "the machine of a record is not known: what it marks cannot be told");
}
