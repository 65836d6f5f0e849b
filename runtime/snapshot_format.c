/* snapshot_format.c: the header, the blocks' heads and the footer as bytes. See snapshot_impl.h.
 *
 *   header   magic 8 · format 4 · partition 4 · epoch 4 · 0 4 · store id 16 · A 8 · leaf at A 32 · made 8 ·
 *            0 4 · CRC 4
 *   block    magic 4 · table 4 · seq 8 · rows 4 · length of `from` 4 · length 4 · flags 4 · 0 4 · CRC 4,
 *            then `from`, rows
 *   footer   magic 4 · 0 4 · B 8 · leaf at B 32 · blocks 8 · rows 8 · SHA-256 of all before 32 · 0 4 · CRC 4
 *
 * A CRC is over its header and, of a block, the payload, with itself as zero. */
#include <stdio.h>
#include <string.h>

#include "runtime/crc32c.h"
#include "runtime/snapshot_impl.h"

static const uint8_t head_magic[8] = {'F', 'S', 'M', 'S', 'N', 'A', 'P', '\n'};
enum { BLOCK_MAGIC = 0x4b4c4253, FOOT_MAGIC = 0x444e4553, CRC_BYTES = 4 };

static void put(uint8_t *to, uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get(const uint8_t *from, unsigned bytes) {
  uint64_t number = 0;
  for (unsigned i = 0; i < bytes; i++) number |= (uint64_t)from[i] << (8 * i);
  return number;
}

static void seal(uint8_t *data, size_t len) {
  put(data + len - CRC_BYTES, fsm__crc32c(0, data, len - CRC_BYTES), 4);
}

static bool is_sealed(const uint8_t *data, size_t len) {
  return get(data + len - CRC_BYTES, 4) == fsm__crc32c(0, data, len - CRC_BYTES);
}

fsm__copied fsm__snapshot_copies(fsm__table table) {
  switch (table) {
    case FSM_T_MACHINES:
    case FSM_T_NAMES:
    case FSM_T_COUNTERS: return FSM__COPIED_AT_A;
    case FSM_T_IDS: return FSM__COPIED_NOT;
    default: return FSM__COPIED_IN_CHUNKS;
  }
}

void fsm__snapshot_head_encode(const fsm__snapshot_info *info, uint8_t out[FSM__SNAPSHOT_HEAD]) {
  memset(out, 0, FSM__SNAPSHOT_HEAD);
  memcpy(out, head_magic, 8);
  put(out + 8, FSM_SNAPSHOT_FORMAT, 4);
  put(out + 12, info->origin.partition, 4);
  put(out + 16, info->origin.epoch, 4);
  memcpy(out + 24, info->origin.store, 16);
  put(out + 40, info->from_seq, 8);
  memcpy(out + 48, info->from_leaf.bytes, FSM_HASH_BYTES);
  put(out + 80, (uint64_t)info->made_ns, 8);
  seal(out, FSM__SNAPSHOT_HEAD);
}

fsm_code fsm__snapshot_head_decode(const uint8_t data[FSM__SNAPSHOT_HEAD], const char *path,
                                   fsm__snapshot_info *out, fsm_error *err) {
  char where[FSM_WHERE_MAX];
  snprintf(where, sizeof where, "%.150s:0", path);
  if (memcmp(data, head_magic, 8) != 0)
    return fsm_fail(err, FSM_ECORRUPT, where, "this is not a snapshot: it begins with other bytes");
  if (!is_sealed(data, FSM__SNAPSHOT_HEAD))
    return fsm_fail(err, FSM_ECORRUPT, where, "the header of the snapshot has a wrong checksum");
  if (get(data + 8, 4) != FSM_SNAPSHOT_FORMAT)
    return fsm_fail(err, FSM_EVERSION, where, "the snapshot is of format %u, this program reads %d",
                    (unsigned)get(data + 8, 4), FSM_SNAPSHOT_FORMAT);
  *out = (fsm__snapshot_info){
      .origin = {.partition = (uint32_t)get(data + 12, 4), .epoch = (uint32_t)get(data + 16, 4)},
      .from_seq = get(data + 40, 8),
      .made_ns = (int64_t)get(data + 80, 8)};
  memcpy(out->origin.store, data + 24, 16);
  memcpy(out->from_leaf.bytes, data + 48, FSM_HASH_BYTES);
  return FSM_OK;
}

static uint32_t block_crc(const uint8_t head[FSM__BLOCK_HEAD], const void *a, size_t a_len, const void *b,
                          size_t b_len) {
  uint32_t crc = fsm__crc32c(0, head, FSM__BLOCK_HEAD - CRC_BYTES);
  if (a_len > 0) crc = fsm__crc32c(crc, a, a_len);
  return b_len > 0 ? fsm__crc32c(crc, b, b_len) : crc;
}

void fsm__block_encode(const fsm__block_head *head, const void *from, const void *rows, size_t rows_len,
                       uint8_t out[FSM__BLOCK_HEAD]) {
  memset(out, 0, FSM__BLOCK_HEAD);
  put(out, BLOCK_MAGIC, 4);
  put(out + 4, head->table, 4);
  put(out + 8, head->seq, 8);
  put(out + 16, head->count, 4);
  put(out + 20, head->from_len, 4);
  put(out + 24, head->length, 4);
  put(out + 28, (head->continued ? FSM__BLOCK_CONTINUED : 0) | (head->closing ? FSM__BLOCK_CLOSING : 0), 4);
  put(out + 36, block_crc(out, from, head->from_len, rows, rows_len), 4);
}

fsm__part fsm__block_decode(const uint8_t data[FSM__BLOCK_HEAD], fsm__block_head *out) {
  if (get(data, 4) == FOOT_MAGIC) return FSM__PART_FOOT;
  *out = (fsm__block_head){.table = (uint32_t)get(data + 4, 4),
                           .seq = get(data + 8, 8),
                           .count = (uint32_t)get(data + 16, 4),
                           .from_len = (uint32_t)get(data + 20, 4),
                           .length = (uint32_t)get(data + 24, 4),
                           .continued = get(data + 28, 4) == FSM__BLOCK_CONTINUED,
                           .closing = get(data + 28, 4) == FSM__BLOCK_CLOSING};
  bool legal = get(data, 4) == BLOCK_MAGIC && get(data + 28, 4) <= FSM__BLOCK_CLOSING &&
               out->length <= FSM_SNAPSHOT_BLOCK_MAX && out->from_len <= out->length &&
               out->from_len <= FSM_STORE_KEY_MAX;
  return legal ? FSM__PART_BLOCK : FSM__PART_NONE;
}

bool fsm__block_intact(const uint8_t head[FSM__BLOCK_HEAD], const void *payload, size_t len) {
  return get(head + 36, 4) == block_crc(head, payload, len, NULL, 0);
}

void fsm__snapshot_foot_encode(const fsm__snapshot_info *info, uint8_t out[FSM__SNAPSHOT_FOOT]) {
  memset(out, 0, FSM__SNAPSHOT_FOOT);
  put(out, FOOT_MAGIC, 4);
  put(out + 8, info->to_seq, 8);
  memcpy(out + 16, info->to_leaf.bytes, FSM_HASH_BYTES);
  put(out + 48, info->blocks, 8);
  put(out + 56, info->rows, 8);
  memcpy(out + 64, info->hash.bytes, FSM_HASH_BYTES);
  seal(out, FSM__SNAPSHOT_FOOT);
}

bool fsm__snapshot_foot_decode(const uint8_t data[FSM__SNAPSHOT_FOOT], fsm__snapshot_info *out) {
  if (get(data, 4) != FOOT_MAGIC || !is_sealed(data, FSM__SNAPSHOT_FOOT)) return false;
  out->to_seq = get(data + 8, 8);
  memcpy(out->to_leaf.bytes, data + 16, FSM_HASH_BYTES);
  out->blocks = get(data + 48, 8);
  out->rows = get(data + 56, 8);
  memcpy(out->hash.bytes, data + 64, FSM_HASH_BYTES);
  return true;
}
