/* journal_idx_read.c: looking things up in an index file, block by block.
 *
 * Invariant: a block is used only when its number and checksum are right, and no place in it is taken that
 * the header does not give to its section.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/journal_idx.h"

static bool read_block(int fd, uint32_t number, uint8_t *out) {
  size_t len = 0;
  while (len < FSM__IDX_BLOCK) {
    ssize_t got = pread(fd, out + len, FSM__IDX_BLOCK - len, (off_t)number * FSM__IDX_BLOCK + (off_t)len);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    len += (size_t)got;
  }
  return true;
}

void fsm__idx_open(const fsm__journal *journal, const fsm__sealed *segment, fsm__idx *out, bool *usable) {
  char name[FSM_SEGMENT_NAME_BYTES];
  struct stat st;
  *usable = false;
  out->number = 0;
  out->image = NULL;
  fsm__index_name(segment->ordinal, name);
  out->fd = openat(journal->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (out->fd < 0) return;
  *usable = fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode) && read_block(out->fd, 0, out->block) &&
            fsm__idx_head_decode(out->block, journal, segment, (uint64_t)st.st_size, &out->head);
  if (!*usable) fsm__idx_close(out);
}

bool fsm__idx_intact(fsm__journal *journal, uint64_t seq) {
  fsm__sealed segment;
  fsm__idx idx;
  bool good = false;
  if (!fsm__sealed_of(journal, seq, &segment)) return true;
  fsm__idx_open(journal, &segment, &idx, &good);
  if (!good) return false;
  for (uint32_t n = 0; good && n < idx.head.blocks; n++)
    good = read_block(idx.fd, n, idx.block) && fsm__idx_block_intact(idx.block, n, idx.head.salt);
  fsm__idx_close(&idx);
  return good;
}

void fsm__idx_adopt(fsm__idx *idx, const fsm__journal *journal, const fsm__sealed *segment, uint8_t *image,
                    size_t len) {
  idx->fd = -1;
  idx->image = image;
  idx->number = 0;
  bool ours = fsm__idx_head_decode(image, journal, segment, len, &idx->head);
  FSM_ASSERT(ours);
}

void fsm__idx_close(fsm__idx *idx) {
  if (idx->fd >= 0) close(idx->fd);
  free(idx->image);
  idx->fd = -1;
  idx->image = NULL;
}

bool fsm__idx_is_of(const fsm__idx *idx, const fsm__sealed *segment) {
  return (idx->fd >= 0 || idx->image) && idx->head.ordinal == segment->ordinal &&
         idx->head.salt == segment->salt;
}

/* Of a section, counted from its first. */
static const uint8_t *block_of(fsm__idx *idx, unsigned section, uint32_t i) {
  uint32_t number = idx->head.sections[section].block + i;
  FSM_ASSERT(number && number < idx->head.blocks);
  if (idx->image) return idx->image + (size_t)number * FSM__IDX_BLOCK;
  if (idx->number == number) return idx->block;
  idx->number = 0;
  if (!read_block(idx->fd, number, idx->block) || !fsm__idx_block_intact(idx->block, number, idx->head.salt))
    return NULL;
  idx->number = number;
  return idx->block;
}

bool fsm__idx_item(fsm__idx *idx, unsigned section, uint32_t i, uint64_t *out) {
  FSM_ASSERT(section < FSM__IDX_FILTERS && i < idx->head.sections[section].items);
  const uint8_t *block = block_of(idx, section, i / FSM__IDX_ITEMS);
  if (!block) return false;
  *out = fsm__get64(block + i % FSM__IDX_ITEMS * 8);
  return true;
}

bool fsm__idx_lower_bound(fsm__idx *idx, unsigned section, uint64_t key, uint32_t *out) {
  uint32_t items = idx->head.sections[section].items, low = 0, high = items;
  while (low < high) { /* those below low are below key */
    uint32_t middle = low + (high - low) / 2;
    uint64_t item;
    if (!fsm__idx_item(idx, section, middle, &item)) return false;
    if (item < key)
      low = middle + 1;
    else
      high = middle;
  }
  *out = low;
  return true;
}

bool fsm__idx_may_have(fsm__idx *idx, fsm__find_what what, uint32_t hash, bool *may) {
  unsigned section = FSM__IDX_FILTERS + what;
  uint32_t blocks = idx->head.sections[section].items;
  *may = false;
  if (!blocks) return true;
  fsm__idx_probe probe = fsm__idx_probe_of(hash, blocks);
  const uint8_t *block = block_of(idx, section, probe.block);
  if (!block) return false;
  for (unsigned k = 0; k < FSM__IDX_BLOOM_PROBES; k++) {
    uint32_t bit = fsm__idx_probe_bit(&probe, k);
    if (!(block[bit / 8] >> bit % 8 & 1)) return true;
  }
  *may = true;
  return true;
}
