/* ahead.c: a sorted list of ranges a table. See ahead.h. */
#include "runtime/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/overlay.h"

enum { TABLES_MAX = 32 };

typedef struct chunk {
  uint8_t *key;
  size_t key_len;
  uint64_t seq;
} chunk;

struct fsm__ahead {
  struct {
    chunk *chunks;
    size_t count, cap;
  } tables[TABLES_MAX];
};

fsm_code fsm__ahead_new(fsm__ahead **out, fsm_error *err) {
  *out = calloc(1, sizeof **out);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
}

void fsm__ahead_free(fsm__ahead *ahead) {
  if (ahead == NULL) return;
  for (unsigned t = 0; t < TABLES_MAX; t++) {
    for (size_t i = 0; i < ahead->tables[t].count; i++) free(ahead->tables[t].chunks[i].key);
    free(ahead->tables[t].chunks);
  }
  free(ahead);
}

static bool follows(const chunk *last, const void *key, size_t key_len, uint64_t seq) {
  if (last == NULL) return key_len == 0;
  return fsm__keys_compare(last->key, last->key_len, key, key_len) < 0 && seq >= last->seq;
}

fsm_code fsm__ahead_add(fsm__ahead *ahead, unsigned table, const void *key, size_t key_len, uint64_t seq,
                        fsm_error *err) {
  FSM_ASSERT(ahead && table < TABLES_MAX);
  size_t count = ahead->tables[table].count;
  const chunk *last = count > 0 ? &ahead->tables[table].chunks[count - 1] : NULL;
  if (!follows(last, key, key_len, seq))
    return fsm_fail(err, FSM_ECORRUPT, "snapshot", "chunk %zu of table %u does not follow the one before",
                    count, table);
  if (count == ahead->tables[table].cap) {
    size_t cap = count > 0 ? 2 * count : 16;
    chunk *grown = realloc(ahead->tables[table].chunks, cap * sizeof *grown);
    if (grown == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
    ahead->tables[table].chunks = grown;
    ahead->tables[table].cap = cap;
  }
  uint8_t *copy = malloc(key_len + 1);
  if (copy == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
  if (key_len > 0) memcpy(copy, key, key_len);
  ahead->tables[table].chunks[ahead->tables[table].count++] =
      (chunk){.key = copy, .key_len = key_len, .seq = seq};
  return FSM_OK;
}

uint64_t fsm__ahead_seq(const fsm__ahead *ahead, unsigned table, const void *key, size_t key_len) {
  FSM_ASSERT(ahead && table < TABLES_MAX);
  const chunk *chunks = ahead->tables[table].chunks;
  size_t low = 0, high = ahead->tables[table].count; /* chunks below low begin at or before key */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (fsm__keys_compare(chunks[middle].key, chunks[middle].key_len, key, key_len) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 ? chunks[low - 1].seq : 0;
}
