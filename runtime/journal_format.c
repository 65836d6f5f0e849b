/* journal_format.c: the bytes of format 1: segment header, batch header, footer, frames.
 *
 * Integers are little endian. Every checksum covers its whole unit with the checksum's own field zero.
 * Invariant: what encode writes, decode reads back; what decode accepts has every length in bounds.
 *
 *   segment header, 512 bytes             batch header, 64 bytes
 *     0 magic  8 format 12 partition        0 magic ^ salt   8 number   16 synced
 *    16 store 32 epoch  36 zero            24 first seq     32 length   36 frames
 *    40 ordinal 48 bytes 56 first seq      40 records       44 kind     48 zero
 *    64 first batch 72 prev leaf           60 crc
 *   104 salt 112 zero 508 crc
 */
#include <string.h>

#include "runtime/crc32c.h"
#include "runtime/journal_impl.h"

enum { SEGMENT_CRC = FSM_JOURNAL_BLOCK - 4, SEGMENT_ZERO = 112, BATCH_ZERO = 48, BATCH_CRC = 60 };

static const uint8_t segment_magic[8] = {'F', 'S', 'M', 'L', 'O', 'G', '\r', '\n'};
static const uint64_t batch_magic = 0x48435441424d5346; /* "FSMBATCH" */
static const uint8_t zeroes[FSM_JOURNAL_BLOCK];

_Static_assert((int)FSM_FRAME_BYTES_MAX + FSM_FRAME_RECORDS_MAX * FSM__RECORD_HEAD + FSM__FRAME_HEAD +
                       FSM__BATCH_HEAD <=
                   (int)FSM_BATCH_BYTES_MAX,
               "a largest frame fits an empty batch");
_Static_assert((int)FSM_BATCH_BYTES_MAX + 3 * FSM_JOURNAL_BLOCK <= (int)FSM_SEGMENT_BYTES_MIN,
               "a largest batch fits an empty segment");

bool fsm__block_is_zero(const uint8_t block[FSM_JOURNAL_BLOCK]) {
  return memcmp(block, zeroes, FSM_JOURNAL_BLOCK) == 0;
}

void fsm__segment_encode(const fsm__segment_head *head, uint8_t block[FSM_JOURNAL_BLOCK]) {
  memset(block, 0, FSM_JOURNAL_BLOCK);
  memcpy(block, segment_magic, sizeof segment_magic);
  fsm__put32(block + 8, FSM_JOURNAL_FORMAT);
  fsm__put32(block + 12, head->origin.partition);
  memcpy(block + 16, head->origin.store, 16);
  fsm__put32(block + 32, head->origin.epoch);
  fsm__put64(block + 40, head->ordinal);
  fsm__put64(block + 48, head->bytes);
  fsm__put64(block + 56, head->first_seq);
  fsm__put64(block + 64, head->first_batch);
  memcpy(block + 72, head->prev.bytes, FSM_HASH_BYTES);
  fsm__put64(block + 104, head->salt);
  fsm__put32(block + SEGMENT_CRC, fsm__crc32c(0, block, FSM_JOURNAL_BLOCK));
}

static uint32_t segment_crc(const uint8_t *block) {
  return fsm__crc32c(fsm__crc32c(0, block, SEGMENT_CRC), zeroes, 4);
}

fsm_code fsm__segment_decode(const uint8_t block[FSM_JOURNAL_BLOCK], uint64_t ordinal, fsm__segment_head *out,
                             fsm_error *err) {
  fsm__place place = fsm__place_of(ordinal, 0);
  if (memcmp(block, segment_magic, sizeof segment_magic) != 0)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "this is no segment header");
  /* Before the checksum, which a newer format may keep elsewhere. */
  uint32_t format = fsm__get32(block + 8);
  if (format > FSM_JOURNAL_FORMAT)
    return fsm_fail(err, FSM_EVERSION, place.text, "the segment has format %u, this program knows %d", format,
                    FSM_JOURNAL_FORMAT);
  if (segment_crc(block) != fsm__get32(block + SEGMENT_CRC))
    return fsm_fail(err, FSM_ECORRUPT, place.text, "the checksum of the segment header is wrong");
  fsm__segment_head head = {.ordinal = fsm__get64(block + 40),
                            .bytes = fsm__get64(block + 48),
                            .first_seq = fsm__get64(block + 56),
                            .first_batch = fsm__get64(block + 64),
                            .salt = fsm__get64(block + 104)};
  head.origin.partition = fsm__get32(block + 12);
  head.origin.epoch = fsm__get32(block + 32);
  memcpy(head.origin.store, block + 16, 16);
  memcpy(head.prev.bytes, block + 72, FSM_HASH_BYTES);
  if (format != FSM_JOURNAL_FORMAT || head.ordinal != ordinal || head.bytes < FSM_SEGMENT_BYTES_MIN ||
      head.bytes > FSM_SEGMENT_BYTES_MAX || head.bytes % FSM_JOURNAL_BLOCK || fsm__get32(block + 36) ||
      memcmp(block + SEGMENT_ZERO, zeroes, SEGMENT_CRC - SEGMENT_ZERO) != 0)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "a field of the segment header is out of bounds");
  *out = head;
  return FSM_OK;
}

uint64_t fsm__segment_ordinal(const uint8_t block[FSM_JOURNAL_BLOCK]) { return fsm__get64(block + 40); }

static uint32_t batch_crc(const uint8_t *batch, uint32_t length) {
  uint32_t crc = fsm__crc32c(fsm__crc32c(0, batch, BATCH_CRC), zeroes, 4);
  return fsm__crc32c(crc, batch + FSM__BATCH_HEAD, length - FSM__BATCH_HEAD);
}

void fsm__batch_encode(uint8_t *batch, const fsm__batch_head *head, uint64_t salt) {
  FSM_ASSERT(head->length >= FSM__BATCH_HEAD && head->length <= FSM_BATCH_BYTES_MAX);
  FSM_ASSERT(head->synced < head->number);
  memset(batch, 0, FSM__BATCH_HEAD);
  fsm__put64(batch, batch_magic ^ salt);
  fsm__put64(batch + 8, head->number);
  fsm__put64(batch + 16, head->synced);
  fsm__put64(batch + 24, head->first_seq);
  fsm__put32(batch + 32, head->length);
  fsm__put32(batch + 36, head->frames);
  fsm__put32(batch + 40, head->records);
  fsm__put32(batch + 44, head->kind);
  fsm__put32(batch + BATCH_CRC, batch_crc(batch, head->length));
}

/* Each kind has its shape, so that a header alone bounds everything a reader does. */
static bool shape_is_right(const fsm__batch_head *head) {
  uint32_t payload = head->length - FSM__BATCH_HEAD;
  switch (head->kind) {
    case FSM__BATCH_DATA:
      return head->frames && head->records >= head->frames &&
             payload / (FSM__RECORD_HEAD + 1) >= head->records;
    case FSM__BATCH_CONFIRM: return payload == 0 && !head->frames && !head->records;
    case FSM__BATCH_FOOTER: return payload == FSM__FOOTER_BYTES && !head->frames && !head->records;
  }
  return false;
}

bool fsm__batch_decode(const uint8_t *data, uint64_t salt, uint64_t room, fsm__batch_head *out) {
  if (fsm__get64(data) != (batch_magic ^ salt)) return false;
  fsm__batch_head head = {.number = fsm__get64(data + 8),
                          .synced = fsm__get64(data + 16),
                          .first_seq = fsm__get64(data + 24),
                          .length = fsm__get32(data + 32),
                          .frames = fsm__get32(data + 36),
                          .records = fsm__get32(data + 40),
                          .kind = (fsm__batch_kind)fsm__get32(data + 44)};
  if (head.length < FSM__BATCH_HEAD || head.length > FSM_BATCH_BYTES_MAX || head.length > room) return false;
  if (head.synced >= head.number || head.first_seq > UINT64_MAX - head.records) return false;
  if (!shape_is_right(&head) || memcmp(data + BATCH_ZERO, zeroes, BATCH_CRC - BATCH_ZERO) != 0) return false;
  *out = head;
  return true;
}

static bool frames_are_whole(const uint8_t *batch, const fsm__batch_head *head) {
  fsm__frames frames;
  fsm__frames_start(&frames, batch, head);
  fsm__bytes record;
  uint32_t records = 0, ends = 0;
  bool frame_end = true;
  while (fsm__frames_next(&frames, &record, &frame_end)) records++, ends += frame_end;
  return frames.at == frames.end && frame_end && records == head->records && ends == head->frames;
}

bool fsm__batch_intact(const uint8_t *data, const fsm__batch_head *head) {
  if (batch_crc(data, head->length) != fsm__get32(data + BATCH_CRC)) return false;
  return head->kind != FSM__BATCH_DATA || frames_are_whole(data, head);
}

void fsm__footer_encode(const fsm__footer *footer, uint8_t out[FSM__FOOTER_BYTES]) {
  fsm__put64(out, footer->last_seq);
  memcpy(out + 8, footer->leaf.bytes, FSM_HASH_BYTES);
  fsm__put64(out + 40, footer->used);
}

fsm__footer fsm__footer_decode(const uint8_t data[FSM__FOOTER_BYTES]) {
  fsm__footer footer = {.last_seq = fsm__get64(data), .used = fsm__get64(data + 40)};
  memcpy(footer.leaf.bytes, data + 8, FSM_HASH_BYTES);
  return footer;
}

void fsm__frames_start(fsm__frames *frames, const uint8_t *batch, const fsm__batch_head *head) {
  *frames = (fsm__frames){.at = batch + FSM__BATCH_HEAD, .end = batch + head->length};
}

static bool enter_frame(fsm__frames *frames) {
  size_t room = (size_t)(frames->end - frames->at);
  if (room < FSM__FRAME_HEAD) return false;
  uint32_t length = fsm__get32(frames->at), count = fsm__get32(frames->at + 4);
  if (length < FSM__FRAME_HEAD || length > room || !count) return false;
  frames->frame_end = frames->at + length;
  frames->left = count;
  frames->at += FSM__FRAME_HEAD;
  return true;
}

bool fsm__frames_next(fsm__frames *frames, fsm__bytes *record, bool *frame_end) {
  if (!frames->left && !enter_frame(frames)) return false;
  size_t room = (size_t)(frames->frame_end - frames->at);
  if (room < FSM__RECORD_HEAD) return false;
  uint32_t length = fsm__get32(frames->at);
  if (!length || length > room - FSM__RECORD_HEAD) return false;
  bool last = frames->left == 1;
  if (last && length != room - FSM__RECORD_HEAD) return false;
  *record = (fsm__bytes){frames->at + FSM__RECORD_HEAD, length};
  *frame_end = last;
  frames->at += FSM__RECORD_HEAD + length;
  frames->left--;
  return true;
}

size_t fsm__frame_put(uint8_t *to, const fsm__bytes *records, size_t count, size_t bytes) {
  fsm__put32(to, (uint32_t)bytes);
  fsm__put32(to + 4, (uint32_t)count);
  uint8_t *at = to + FSM__FRAME_HEAD;
  for (size_t i = 0; i < count; i++) {
    fsm__put32(at, (uint32_t)records[i].len);
    memcpy(at + FSM__RECORD_HEAD, records[i].data, records[i].len);
    at += FSM__RECORD_HEAD + records[i].len;
  }
  FSM_ASSERT((size_t)(at - to) == bytes);
  return bytes;
}
