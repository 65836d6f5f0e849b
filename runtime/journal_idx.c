/* journal_idx.c: making an index file out of its segment, and its header.
 *
 * The segment is walked batch by batch as recovery walks it, every checksum computed: an index never takes
 * over damage. Everything is in memory until it is whole: 8 bytes for the place of a record and 8 for each of
 * its three texts.
 */
#include "runtime/journal_idx.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/crc32c.h"

enum { READ_AHEAD = 256 * 1024, SECTIONS_AT = 120, HEAD_ZERO = SECTIONS_AT + FSM__IDX_SECTIONS * 8 + 4 };
enum { NUMBER_AT = FSM__IDX_ITEMS * 8, CRC_AT = NUMBER_AT + 4 };

static const uint8_t index_magic[8] = {'F', 'S', 'M', 'I', 'N', 'D', 'E', 'X'};

_Static_assert(CRC_AT + 4 == FSM__IDX_BLOCK, "items, number and checksum fill a block");

/* ---- blocks and the header ---- */

static uint32_t block_crc(const uint8_t *block, uint64_t salt) {
  return fsm__crc32c((uint32_t)(salt ^ salt >> 32), block, CRC_AT);
}

void fsm__idx_block_seal(uint8_t *block, uint32_t number, uint64_t salt) {
  fsm__put32(block + NUMBER_AT, number);
  fsm__put32(block + CRC_AT, block_crc(block, salt));
}

bool fsm__idx_block_intact(const uint8_t *block, uint32_t number, uint64_t salt) {
  return fsm__get32(block + NUMBER_AT) == number && fsm__get32(block + CRC_AT) == block_crc(block, salt);
}

void fsm__idx_head_encode(const fsm__idx_head *head, uint8_t block[FSM__IDX_BLOCK]) {
  memset(block, 0, FSM__IDX_BLOCK);
  memcpy(block, index_magic, sizeof index_magic);
  fsm__put32(block + 8, FSM_INDEX_FORMAT);
  fsm__put32(block + 12, head->origin.partition);
  memcpy(block + 16, head->origin.store, 16);
  fsm__put32(block + 32, head->origin.epoch);
  fsm__put64(block + 40, head->ordinal);
  fsm__put64(block + 48, head->first_seq);
  fsm__put64(block + 56, head->count);
  memcpy(block + 64, head->leaf.bytes, FSM_HASH_BYTES);
  fsm__put64(block + 96, head->salt);
  fsm__put64(block + 104, (uint64_t)head->last_time_ns);
  fsm__put32(block + 112, head->blocks);
  for (unsigned i = 0; i < FSM__IDX_SECTIONS; i++) {
    fsm__put32(block + SECTIONS_AT + 8 * i, head->sections[i].block);
    fsm__put32(block + SECTIONS_AT + 8 * i + 4, head->sections[i].items);
  }
  fsm__idx_block_seal(block, 0, head->salt);
}

static uint32_t blocks_of(unsigned section, uint32_t items) {
  if (section >= FSM__IDX_FILTERS) return items;
  return items / FSM__IDX_ITEMS + (items % FSM__IDX_ITEMS != 0);
}

/* Each section follows the one before, and there are no more entries than records. */
static bool sections_fit(const fsm__idx_head *head) {
  uint64_t next = 1;
  for (unsigned i = 0; i < FSM__IDX_SECTIONS; i++) {
    if (head->sections[i].block != next) return false;
    if (i < FSM__IDX_FILTERS && head->sections[i].items > head->count) return false;
    next += blocks_of(i, head->sections[i].items);
  }
  return next == head->blocks && head->sections[FSM__IDX_OFFSETS].items == head->count;
}

bool fsm__idx_head_decode(const uint8_t block[FSM__IDX_BLOCK], const fsm__journal *journal,
                          const fsm__sealed *segment, uint64_t len, fsm__idx_head *out) {
  if (memcmp(block, index_magic, sizeof index_magic) != 0 || fsm__get32(block + 8) != FSM_INDEX_FORMAT)
    return false;
  if (!fsm__idx_block_intact(block, 0, segment->salt)) return false;
  fsm__idx_head head = {.ordinal = fsm__get64(block + 40),
                        .first_seq = fsm__get64(block + 48),
                        .count = fsm__get64(block + 56),
                        .salt = fsm__get64(block + 96),
                        .last_time_ns = (int64_t)fsm__get64(block + 104),
                        .blocks = fsm__get32(block + 112)};
  head.origin.partition = fsm__get32(block + 12);
  head.origin.epoch = fsm__get32(block + 32);
  memcpy(head.origin.store, block + 16, 16);
  memcpy(head.leaf.bytes, block + 64, FSM_HASH_BYTES);
  for (unsigned i = 0; i < FSM__IDX_SECTIONS; i++) {
    head.sections[i].block = fsm__get32(block + SECTIONS_AT + 8 * i);
    head.sections[i].items = fsm__get32(block + SECTIONS_AT + 8 * i + 4);
  }
  *out = head;
  return memcmp(head.origin.store, journal->origin.store, 16) == 0 &&
         head.origin.partition == journal->origin.partition && head.origin.epoch == segment->epoch &&
         head.ordinal == segment->ordinal && head.salt == segment->salt &&
         head.first_seq == segment->first_seq && head.first_seq + head.count == segment->last_seq + 1 &&
         memcmp(&head.leaf, &segment->leaf, sizeof head.leaf) == 0 &&
         len == (uint64_t)head.blocks * FSM__IDX_BLOCK && sections_fit(&head);
}

uint32_t fsm__idx_hash(uint64_t salt, const void *text, size_t len) {
  const uint8_t *at = text;
  uint64_t h = salt ^ len * UINT64_C(0x9E3779B97F4A7C15);
  for (; len; at += len < 8 ? len : 8, len -= len < 8 ? len : 8) {
    uint64_t word = 0;
    memcpy(&word, at, len < 8 ? len : 8);
    h = (h ^ word) * UINT64_C(0xD6E8FEB86659FD93);
    h ^= h >> 32;
  }
  h *= UINT64_C(0xD6E8FEB86659FD93);
  return (uint32_t)(h >> 32 ^ h);
}

/* ---- collecting ---- */

typedef struct list {
  uint64_t *items;
  size_t count, cap;
} list;

typedef struct making {
  const fsm__sealed *segment;
  const _Atomic bool *stop;
  list offsets, entries[FSM__FIND_COUNT];
  uint32_t distinct[FSM__FIND_COUNT];
  int64_t last_time_ns;
} making;

static bool add(list *l, uint64_t item) {
  if (l->count == l->cap) {
    size_t cap = l->cap ? l->cap * 2 : 1024;
    uint64_t *wider = realloc(l->items, cap * sizeof *wider);
    if (!wider) return false;
    l->items = wider;
    l->cap = cap;
  }
  l->items[l->count++] = item;
  return true;
}

static bool add_term(making *m, fsm__find_what what, fsm_record_text text, uint32_t number) {
  if (!text.at) return true;
  uint64_t hash = fsm__idx_hash(m->segment->salt, text.at, text.len);
  return add(&m->entries[what], hash << 32 | number);
}

/* A record that cannot be read has no texts; verify says what is wrong with it. */
static bool add_record(making *m, const fsm__bytes *record, uint64_t at, bool frame_end) {
  uint32_t number = (uint32_t)m->offsets.count;
  uint64_t place = at | (frame_end ? UINT64_C(0x80000000) : 0);
  if (!add(&m->offsets, place | (uint64_t)fsm__crc32c(0, record->data, record->len) << 32)) return false;
  fsm_record_terms terms;
  fsm_record_brief brief;
  bool last = m->segment->first_seq + number == m->segment->last_seq;
  if (last) m->last_time_ns = fsm_record_peek(record->data, record->len, &brief) ? INT64_MAX : brief.time_ns;
  if (fsm_record_terms_read(record->data, record->len, &terms)) return true;
  return add_term(m, FSM__FIND_INSTANCE, terms.inst, number) &&
         add_term(m, FSM__FIND_CORRELATION, terms.corr, number) &&
         add_term(m, FSM__FIND_USER, terms.user, number) && add_term(m, FSM__FIND_TRACE, terms.trace, number);
}

static bool add_batch(making *m, const uint8_t *data, const fsm__batch_head *head, uint64_t at) {
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end;
  fsm__frames_start(&frames, data, head);
  while (fsm__frames_next(&frames, &record, &frame_end))
    if (!add_record(m, &record, at + (uint64_t)((const uint8_t *)record.data - data), frame_end))
      return false;
  return true;
}

static fsm_code walk_segment(making *m, fsm__window *window, fsm_error *err) {
  const fsm__sealed *segment = m->segment;
  fsm__walk walk = {.window = window,
                    .salt = segment->salt,
                    .at = FSM_JOURNAL_BLOCK,
                    .end = segment->used,
                    .next_seq = segment->first_seq};
  while (walk.at < segment->used) {
    fsm__batch_head head;
    const uint8_t *data;
    bool valid;
    uint64_t at = walk.at;
    if (m->stop && atomic_load(m->stop))
      return fsm_fail(err, FSM_ECLOSED, "journal", "the journal is being closed");
    fsm_code code = fsm__walk_next(&walk, &head, &data, &valid, err);
    if (code) return code;
    if (!valid)
      return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(segment->ordinal, at).text,
                      "the batch at seq %" PRIu64 " is damaged", walk.next_seq);
    if (head.kind == FSM__BATCH_DATA && !add_batch(m, data, &head, at))
      return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for an index");
  }
  if (walk.next_seq != segment->last_seq + 1)
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(segment->ordinal, walk.at).text,
                    "the segment ends with seq %" PRIu64 ", not with %" PRIu64, walk.next_seq - 1,
                    segment->last_seq);
  return FSM_OK;
}

static fsm_code collect(making *m, const fsm__journal *journal, fsm_error *err) {
  int fd;
  fsm__window window = {.data = NULL};
  fsm_code code = fsm__segment_open(journal->dir_fd, m->segment->ordinal, O_RDONLY, &fd, err);
  if (code) return code;
  fsm__window_open(&window, fd, m->segment->ordinal, m->segment->bytes, READ_AHEAD);
  code = walk_segment(m, &window, err);
  fsm__window_free(&window);
  close(fd);
  return code;
}

/* ---- writing down ---- */

static int ascending(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static uint32_t sort(list *l) {
  uint32_t distinct = 0;
  if (l->count > 1) qsort(l->items, l->count, sizeof *l->items, ascending);
  for (size_t i = 0; i < l->count; i++) distinct += !i || l->items[i] >> 32 != l->items[i - 1] >> 32;
  return distinct;
}

static fsm__idx_head lay_out(const making *m, const fsm__journal *journal) {
  const fsm__sealed *segment = m->segment;
  fsm__idx_head head = {.origin = {.partition = journal->origin.partition, .epoch = segment->epoch},
                        .ordinal = segment->ordinal,
                        .salt = segment->salt,
                        .first_seq = segment->first_seq,
                        .count = m->offsets.count,
                        .leaf = segment->leaf,
                        .last_time_ns = m->last_time_ns};
  memcpy(head.origin.store, journal->origin.store, sizeof head.origin.store);
  uint32_t next = 1;
  for (unsigned i = 0; i < FSM__IDX_SECTIONS; i++) {
    const list *l =
        i < FSM__IDX_ENTRIES ? &m->offsets : &m->entries[(i - FSM__IDX_ENTRIES) % FSM__FIND_COUNT];
    uint64_t bits =
        i < FSM__IDX_FILTERS ? 0 : (uint64_t)m->distinct[i - FSM__IDX_FILTERS] * FSM__IDX_BLOOM_PER_KEY;
    uint32_t items =
        (uint32_t)(i < FSM__IDX_FILTERS ? l->count : (bits + FSM__IDX_BLOOM_BITS - 1) / FSM__IDX_BLOOM_BITS);
    head.sections[i].block = next;
    head.sections[i].items = items;
    next += blocks_of(i, items);
  }
  head.blocks = next;
  return head;
}

static void put_items(uint8_t *image, const fsm__idx_head *head, unsigned section, const list *l) {
  uint8_t *first = image + (size_t)head->sections[section].block * FSM__IDX_BLOCK;
  for (size_t i = 0; i < l->count; i++)
    fsm__put64(first + i / FSM__IDX_ITEMS * FSM__IDX_BLOCK + i % FSM__IDX_ITEMS * 8, l->items[i]);
}

fsm__idx_probe fsm__idx_probe_of(uint32_t hash, uint32_t blocks) {
  uint64_t h = (hash + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
  h = (h ^ h >> 31) * UINT64_C(0x94D049BB133111EB);
  h ^= h >> 29;
  return (fsm__idx_probe){.block = (uint32_t)((h >> 40) * blocks >> 24),
                          .bit = (uint32_t)h & 0xFFFFF,
                          .step = (uint32_t)(h >> 20 & 0xFFFFF) | 1};
}

static void put_filter(uint8_t *image, const fsm__idx_head *head, unsigned section, const list *l) {
  uint8_t *first = image + (size_t)head->sections[section].block * FSM__IDX_BLOCK;
  for (size_t i = 0; i < l->count; i++) {
    fsm__idx_probe probe = fsm__idx_probe_of((uint32_t)(l->items[i] >> 32), head->sections[section].items);
    uint8_t *block = first + (size_t)probe.block * FSM__IDX_BLOCK;
    for (unsigned k = 0; k < FSM__IDX_BLOOM_PROBES; k++) {
      uint32_t bit = fsm__idx_probe_bit(&probe, k);
      block[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
  }
}

static fsm_code write_down(making *m, const fsm__journal *journal, uint8_t **image, size_t *len,
                           fsm_error *err) {
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) m->distinct[what] = sort(&m->entries[what]);
  fsm__idx_head head = lay_out(m, journal);
  *len = (size_t)head.blocks * FSM__IDX_BLOCK;
  *image = calloc(head.blocks, FSM__IDX_BLOCK);
  if (!*image) return fsm_fail(err, FSM_ENOMEM, "journal", "no memory for an index");
  put_items(*image, &head, FSM__IDX_OFFSETS, &m->offsets);
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) {
    put_items(*image, &head, FSM__IDX_ENTRIES + what, &m->entries[what]);
    put_filter(*image, &head, FSM__IDX_FILTERS + what, &m->entries[what]);
  }
  fsm__idx_head_encode(&head, *image);
  for (uint32_t i = 1; i < head.blocks; i++)
    fsm__idx_block_seal(*image + (size_t)i * FSM__IDX_BLOCK, i, head.salt);
  return FSM_OK;
}

fsm_code fsm__idx_make(const fsm__journal *journal, const fsm__sealed *segment, const _Atomic bool *stop,
                       uint8_t **image, size_t *len, fsm_error *err) {
  making m = {.segment = segment, .stop = stop};
  fsm_code code = collect(&m, journal, err);
  if (!code) code = write_down(&m, journal, image, len, err);
  free(m.offsets.items);
  for (unsigned what = 0; what < FSM__FIND_COUNT; what++) free(m.entries[what].items);
  return code;
}
