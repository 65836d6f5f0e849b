/* value_map.c: maps as sorted arrays: making, searching, merging.
 *
 * Sorted by fsm_value_compare with no key twice; so lookup is a binary search, merging is one walk,
 * and equal maps are equal entry by entry.
 */
#include <string.h>

#include "fsm/value.h"

/* ---- making ------------------------------------------------------------------------------------ */

static bool before(const fsm_pair *a, const fsm_pair *b) { return fsm_value_compare(&a->key, &b->key) < 0; }

static void insertion_sort(fsm_pair *pairs, size_t count) {
  for (size_t i = 1; i < count; i++) {
    fsm_pair pair = pairs[i];
    size_t at = i;
    for (; at > 0 && before(&pair, &pairs[at - 1]); at--) pairs[at] = pairs[at - 1];
    pairs[at] = pair;
  }
}

static void sift_down(fsm_pair *pairs, size_t root, size_t count) {
  fsm_pair pair = pairs[root];
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && before(&pairs[child], &pairs[child + 1])) child++;
    if (!before(&pair, &pairs[child])) break;
    pairs[root] = pairs[child];
  }
  pairs[root] = pair;
}

/* In place and n log n whatever the input: keys may be chosen by whoever sends the event. */
static void heap_sort(fsm_pair *pairs, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sift_down(pairs, i, count);
  for (size_t end = count - 1; end > 0; end--) {
    fsm_pair largest = pairs[0];
    pairs[0] = pairs[end];
    pairs[end] = largest;
    sift_down(pairs, 0, end);
  }
}

/* The index of the first pair that is not after its left neighbour; count when sorted. */
static size_t sorted_to(const fsm_pair *pairs, size_t count) {
  for (size_t i = 1; i < count; i++)
    if (!before(&pairs[i - 1], &pairs[i])) return i;
  return count;
}

static fsm_code fail_twice(const fsm_value *key, fsm_error *err) {
  if (key->type != FSM_STRING)
    return fsm_fail(err, FSM_EARGUMENT, "", "two entries of the map have the same %s key",
                    fsm_type_name((fsm_type)key->type));
  char where[FSM_WHERE_MAX * 2]; /* fsm_fail cuts at the limit, at a whole character */
  size_t len = key->len < sizeof where - 1 ? key->len : sizeof where - 1;
  if (len) memcpy(where, key->s, len);
  where[len] = 0;
  return fsm_fail(err, FSM_EARGUMENT, where, "the key is in the map twice");
}

fsm_code fsm_map(fsm_pair *pairs, size_t count, fsm_value *out, fsm_error *err) {
  FSM_ASSERT(out && (pairs || !count));
  if (count > UINT32_MAX) return fsm_fail(err, FSM_ETOOLARGE, "", "the map has too many entries");
  if (sorted_to(pairs, count) < count) {
    if (count <= 16)
      insertion_sort(pairs, count);
    else
      heap_sort(pairs, count);
    size_t twice = sorted_to(pairs, count);
    if (twice < count) return fail_twice(&pairs[twice].key, err);
  }
  *out = (fsm_value){.type = FSM_MAP, .len = (uint32_t)count, .pairs = pairs};
  return FSM_OK;
}

/* ---- searching --------------------------------------------------------------------------------- */

const fsm_value *fsm_map_getn(const fsm_value *map, const char *key, size_t len) {
  if (!map || map->type != FSM_MAP) return NULL;
  const fsm_pair *pairs = map->pairs;
  size_t low = 0, high = map->len;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const fsm_value *at = &pairs[middle].key;
    int order = (at->type > FSM_STRING) - (at->type < FSM_STRING);
    if (!order) {
      size_t both = at->len < len ? at->len : len;
      order = both ? memcmp(at->s, key, both) : 0;
      if (!order) order = (at->len > len) - (at->len < len);
    }
    if (order == 0) return &pairs[middle].value;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const fsm_value *fsm_map_get(const fsm_value *map, const char *key) {
  return fsm_map_getn(map, key, strlen(key));
}

const fsm_value *fsm_map_find(const fsm_value *map, const fsm_value *key) {
  FSM_ASSERT(key);
  if (!map || map->type != FSM_MAP) return NULL;
  if (key->type == FSM_STRING) return fsm_map_getn(map, key->s, key->len);
  size_t low = 0, high = map->len;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = fsm_value_compare(&map->pairs[middle].key, key);
    if (order == 0) return &map->pairs[middle].value;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const fsm_value *fsm_doc_get(const fsm_value *map, const char *key) {
  if (!map || map->type != FSM_MAP) return NULL;
  size_t len = strlen(key);
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_value *name = &map->pairs[i].key;
    if (name->type == FSM_STRING && name->len == len && memcmp(name->s, key, len) == 0)
      return &map->pairs[i].value;
  }
  return NULL;
}

/* ---- merging ----------------------------------------------------------------------------------- */

static bool empty(const fsm_value *map) { return map->type == FSM_NULL || map->len == 0; }

static bool mergeable(const fsm_value *map) { return map->type == FSM_NULL || map->type == FSM_MAP; }

fsm_code fsm_map_merge(fsm_arena *arena, const fsm_value *base, const fsm_value *patch, fsm_value *out) {
  FSM_ASSERT(arena && base && patch && out);
  if (!mergeable(base) || !mergeable(patch)) return FSM_EARGUMENT;
  if (empty(base) || empty(patch)) {
    const fsm_value *one = empty(base) ? patch : base;
    *out = empty(one) ? fsm_map_empty() : *one;
    return FSM_OK;
  }
  uint32_t most;
  if (__builtin_add_overflow(base->len, patch->len, &most)) return FSM_ETOOLARGE;
  fsm_pair *pairs = fsm_arena_zalloc(arena, most, sizeof *pairs);
  if (!pairs) return FSM_ENOMEM;
  uint32_t b = 0, p = 0, n = 0;
  while (b < base->len && p < patch->len) {
    int order = fsm_value_compare(&base->pairs[b].key, &patch->pairs[p].key);
    if (order <= 0) b++;
    pairs[n++] = order < 0 ? base->pairs[b - 1] : patch->pairs[p++];
  }
  while (b < base->len) pairs[n++] = base->pairs[b++];
  while (p < patch->len) pairs[n++] = patch->pairs[p++];
  *out = (fsm_value){.type = FSM_MAP, .len = n, .pairs = pairs};
  return FSM_OK;
}
