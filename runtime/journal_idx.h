/* journal_idx.h: the index file of a sealed segment, `<ordinal>.idx`: where each record is, and which have an
 * instance, a correlation, a user or a trace.
 *
 * Blocks of 4096 bytes, each with a checksum of its own, so that a lookup reads and checks only what it
 * needs: block 0 the header, then nine sections of 8-byte items, integers little endian.
 *
 *   offsets        of record i: u32 place in the segment file (bit 31: last of its frame), u32 CRC-32C
 *   entries × 4    ascending: hash of the text << 32 | i; by instance, correlation, user, trace
 *   filters × 4    Bloom filters of the hashes, each hash in one block
 *
 * It is a hint that can be made again from its segment: what is found is compared with the record, what
 * is damaged, stale or missing is rebuilt. So it can cost time and never an answer.
 */
#ifndef FSM_RUNTIME_JOURNAL_IDX_H
#define FSM_RUNTIME_JOURNAL_IDX_H

#include "runtime/journal_impl.h"

enum {
  FSM_INDEX_FORMAT = 2,
  FSM__IDX_BLOCK = 4096,
  FSM__IDX_ITEMS = 511, /* of 8 bytes in a block; then the block's number and its checksum */
  FSM__IDX_BLOOM_BITS = FSM__IDX_ITEMS * 64,
  FSM__IDX_BLOOM_PER_KEY = 12,
  FSM__IDX_BLOOM_PROBES = 8
};

typedef enum fsm__idx_section {
  FSM__IDX_OFFSETS,
  FSM__IDX_ENTRIES, /* + fsm__find_what */
  FSM__IDX_FILTERS = FSM__IDX_ENTRIES + FSM__FIND_COUNT,
  FSM__IDX_SECTIONS = FSM__IDX_FILTERS + FSM__FIND_COUNT
} fsm__idx_section;

typedef struct fsm__idx_head {
  fsm_origin origin;
  uint64_t ordinal, salt, first_seq, count;
  fsm__hash leaf;       /* of the segment's footer */
  int64_t last_time_ns; /* of its last record; 0 = none, INT64_MAX = it cannot be read */
  struct {
    uint32_t block, items; /* first block; of a filter: items = blocks */
  } sections[FSM__IDX_SECTIONS];
  uint32_t blocks; /* of the file */
} fsm__idx_head;

/* A sealed segment, as the table had it. */
typedef struct fsm__sealed {
  uint64_t ordinal, bytes, salt, first_seq, last_seq, used;
  uint32_t epoch;
  fsm__hash leaf;
} fsm__sealed;

/* How long what is looked for is. */
size_t fsm__find_len(fsm__find_what what, const char *text);
/* A hash of a text under the salt of its segment; the low 32 bits are what entries hold. */
uint32_t fsm__idx_hash(uint64_t salt, const void *text, size_t len);

/* ---- making one ---- */

/* The whole file in *image (malloced). stop may be NULL; FSM_ECLOSED when it became true. Faults of the
 * segment: FSM_ECORRUPT, FSM_EIO. */
FSM_MUST_USE fsm_code fsm__idx_make(const fsm__journal *journal, const fsm__sealed *segment,
                                    const _Atomic bool *stop, uint8_t **image, size_t *len, fsm_error *err);
/* Where a hash has its bits: a block of the filter, and a walk in it. */
typedef struct fsm__idx_probe {
  uint32_t block, bit, step;
} fsm__idx_probe;
fsm__idx_probe fsm__idx_probe_of(uint32_t hash, uint32_t blocks);
static inline uint32_t fsm__idx_probe_bit(const fsm__idx_probe *probe, unsigned k) {
  return (probe->bit + k * probe->step) % FSM__IDX_BLOOM_BITS;
}

bool fsm__idx_block_intact(const uint8_t *block, uint32_t number, uint64_t salt);
void fsm__idx_block_seal(uint8_t *block, uint32_t number, uint64_t salt);
void fsm__idx_head_encode(const fsm__idx_head *head, uint8_t block[FSM__IDX_BLOCK]);
/* False: damaged, or not of this segment. len: of the file. */
bool fsm__idx_head_decode(const uint8_t block[FSM__IDX_BLOCK], const fsm__journal *journal,
                          const fsm__sealed *segment, uint64_t len, fsm__idx_head *out);

/* ---- reading one; a function that is false met damage, and the index is to be made again ---- */

typedef struct fsm__idx {
  int fd;         /* -1 = in memory, or closed */
  uint8_t *image; /* malloced; NULL = read from fd */
  fsm__idx_head head;
  uint32_t number; /* of the block below; 0 = none */
  uint8_t block[FSM__IDX_BLOCK];
} fsm__idx;

/* *usable false: there is none, or it cannot be used. */
void fsm__idx_open(const fsm__journal *journal, const fsm__sealed *segment, fsm__idx *out, bool *usable);
/* Is the index file of the sealed segment that holds seq there, of it, and every block of it intact? */
bool fsm__idx_intact(fsm__journal *journal, uint64_t seq);
/* From an image that fsm__idx_make gave; takes it over. */
void fsm__idx_adopt(fsm__idx *idx, const fsm__journal *journal, const fsm__sealed *segment, uint8_t *image,
                    size_t len);
void fsm__idx_close(fsm__idx *idx);
/* Is idx open on this segment? */
bool fsm__idx_is_of(const fsm__idx *idx, const fsm__sealed *segment);
FSM_MUST_USE bool fsm__idx_item(fsm__idx *idx, unsigned section, uint32_t i, uint64_t *out);
/* The first entry at or above key; items when there is none. */
FSM_MUST_USE bool fsm__idx_lower_bound(fsm__idx *idx, unsigned section, uint64_t key, uint32_t *out);
FSM_MUST_USE bool fsm__idx_may_have(fsm__idx *idx, fsm__find_what what, uint32_t hash, bool *may);

/* ---- keeping them (journal_indexer.c) ---- */

/* The sealed segment that holds seq, or false: it is not sealed, or pruned. */
bool fsm__sealed_of(fsm__journal *journal, uint64_t seq, fsm__sealed *out);
/* Opens the index of a segment; makes and, unless read_only, writes it when it cannot be used or when remake
 * says that damage was met. FSM_ENOTFOUND: the segment was pruned. */
FSM_MUST_USE fsm_code fsm__idx_get(fsm__journal *journal, const fsm__sealed *segment, bool remake,
                                   fsm__idx *out, fsm_error *err);

#endif
