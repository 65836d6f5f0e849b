/* cursors_format.c: a cursor as bytes.
 *
 * Little endian: magic "FSMCUR02" ‖ name (32 bytes, NUL-padded) ‖ u32 epoch ‖ u64 seq ‖ leaf (32) ‖ i64
 * stream created ‖ u64 stream seq ‖ u64 sent seq ‖ u64 settled seq ‖ u64 settled stream seq ‖ u64 stream gone
 * ‖ u64 dropped from ‖ u64 dropped to ‖ u32 flags (1 = spilled) ‖ u32 CRC-32C of all before.
 */
#include "runtime/cursors_format.h"

#include <string.h>

#include "runtime/crc32c.h"

enum { SPILLED = 1 };
static const char magic[FSM__CURSOR_MAGIC + 1] = "FSMCUR02";

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

uint64_t fsm__cursor_take(const uint8_t **at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint64_t) * (*at)++ << (8 * i);
  return value;
}

void fsm__cursor_encode(const fsm__cursor *c, uint8_t out[FSM__CURSOR_BYTES]) {
  uint8_t *at = out;
  memcpy(at, magic, FSM__CURSOR_MAGIC);
  at += FSM__CURSOR_MAGIC;
  memset(at, 0, FSM__CURSOR_NAME);
  memcpy(at, c->sink, strnlen(c->sink, FSM_SINK_NAME_MAX));
  at = put(at + FSM__CURSOR_NAME, c->epoch, 4);
  at = put(at, c->seq, 8);
  memcpy(at, c->leaf.bytes, FSM_HASH_BYTES);
  at = put(at + FSM_HASH_BYTES, (uint64_t)c->stream_created_ns, 8);
  at = put(at, c->stream_seq, 8);
  at = put(at, c->sent_seq, 8);
  at = put(at, c->settled_seq, 8);
  at = put(at, c->settled_stream_seq, 8);
  at = put(at, c->stream_gone, 8);
  at = put(at, c->dropped_from, 8);
  at = put(at, c->dropped_to, 8);
  at = put(at, c->spilled ? SPILLED : 0, 4);
  at = put(at, fsm__crc32c(0, out, (size_t)(at - out)), 4);
  FSM_ASSERT(at == out + FSM__CURSOR_BYTES);
}

bool fsm__cursor_take_name(const uint8_t **at, char out[FSM__CURSOR_NAME]) {
  size_t len = strnlen((const char *)*at, FSM__CURSOR_NAME);
  if (len == FSM__CURSOR_NAME) return false;
  memcpy(out, *at, FSM__CURSOR_NAME);
  while (len < FSM__CURSOR_NAME && (*at)[len] == '\0') len++;
  *at += FSM__CURSOR_NAME;
  return len == FSM__CURSOR_NAME && fsm__sink_name_fits(out);
}

bool fsm__cursor_decode(const uint8_t *data, size_t len, fsm__cursor *c) {
  if (len != FSM__CURSOR_BYTES || memcmp(data, magic, FSM__CURSOR_MAGIC) != 0) return false;
  const uint8_t *at = data + FSM__CURSOR_MAGIC, *end = data + FSM__CURSOR_BYTES - 4;
  if (fsm__cursor_take(&end, 4) != fsm__crc32c(0, data, FSM__CURSOR_BYTES - 4) ||
      !fsm__cursor_take_name(&at, c->sink))
    return false;
  c->epoch = (uint32_t)fsm__cursor_take(&at, 4);
  c->seq = fsm__cursor_take(&at, 8);
  memcpy(c->leaf.bytes, at, FSM_HASH_BYTES);
  at += FSM_HASH_BYTES;
  c->stream_created_ns = (int64_t)fsm__cursor_take(&at, 8);
  c->stream_seq = fsm__cursor_take(&at, 8);
  c->sent_seq = fsm__cursor_take(&at, 8);
  c->settled_seq = fsm__cursor_take(&at, 8);
  c->settled_stream_seq = fsm__cursor_take(&at, 8);
  c->stream_gone = fsm__cursor_take(&at, 8);
  c->dropped_from = fsm__cursor_take(&at, 8);
  c->dropped_to = fsm__cursor_take(&at, 8);
  uint64_t flags = fsm__cursor_take(&at, 4);
  c->spilled = flags == SPILLED;
  bool range = c->dropped_from <= c->dropped_to && (c->dropped_from == 0) == (c->dropped_to == 0);
  return range && flags <= SPILLED && c->sent_seq <= c->seq && c->settled_seq <= c->seq;
}
