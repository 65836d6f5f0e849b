/* span.c: see span.h. */
#include "runtime/span.h"

#include <string.h>

#include "runtime/hash.h"

void fsm__span_id(const fsm_origin *origin, uint64_t seq, uint8_t out[8]) {
  char id[80];
  fsm_record_id(origin, seq, id, sizeof id);
  fsm__hash hash = fsm__sha256(id, strlen(id));
  hash.bytes[7] |= 1; /* all zeros are no id */
  memcpy(out, hash.bytes, 8);
}

fsm_value fsm__span_continue(fsm_arena *arena, const fsm_value *trace, const fsm_origin *origin,
                             uint64_t seq) {
  if (!fsm_is(trace, FSM_LIST) || trace->len != 3) return fsm_null();
  uint8_t span[8];
  fsm__span_id(origin, seq, span);
  fsm_value *items = fsm_arena_alloc(arena, 3 * sizeof *items);
  char *bytes = fsm_arena_strndup(arena, (const char *)span, sizeof span);
  if (items == NULL || bytes == NULL) return fsm_null();
  memcpy(items, trace->items, 3 * sizeof *items);
  items[1] = fsm_bytes(bytes, sizeof span);
  return fsm_list(items, 3);
}
