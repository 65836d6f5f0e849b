/* journal_floor.c: the file `floor`: which segment the log starts with, once older ones were pruned.
 *
 * 128 bytes, replaced as a whole (tmp, fsync, rename, fsync of the directory), so that after a crash it is
 * the old one or the new one:
 *
 *   0 magic  8 format  12 partition  16 store  32 epoch  36 zero  40 ordinal  48 first seq
 *  56 first batch  64 prev leaf  96 zero  124 crc
 *
 * Invariant: it is durable before the first segment below it is unlinked. So a first segment that it names
 * and that is not there was lost; a segment below it was pruned, and only its unlink is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/journal_impl.h"

enum { FLOOR_ZERO = 96, FLOOR_CRC = FSM_FLOOR_BYTES - 4 };
/* Synced in pieces, so that a large file never stands in the way of a commit's sync. */
enum { PIECE = 1024 * 1024 };

static const uint8_t floor_magic[8] = {'F', 'S', 'M', 'F', 'L', 'O', 'O', 'R'};

fsm__journal_floor fsm__floor_none(const fsm_origin *origin) {
  fsm__journal_floor floor = {.origin = *origin, .ordinal = 1, .first_seq = 1, .first_batch = 1};
  floor.origin.epoch = 0;
  return floor;
}

fsm__chain fsm__floor_chain(const fsm__journal_floor *floor) {
  return (fsm__chain){.next_seq = floor->first_seq,
                      .number = floor->first_batch - 1,
                      .epoch = floor->origin.epoch,
                      .leaf = floor->prev};
}

void fsm__floor_encode(const fsm__journal_floor *floor, uint8_t out[FSM_FLOOR_BYTES]) {
  memset(out, 0, FSM_FLOOR_BYTES);
  memcpy(out, floor_magic, sizeof floor_magic);
  fsm__put32(out + 8, FSM_JOURNAL_FORMAT);
  fsm__put32(out + 12, floor->origin.partition);
  memcpy(out + 16, floor->origin.store, 16);
  fsm__put32(out + 32, floor->origin.epoch);
  fsm__put64(out + 40, floor->ordinal);
  fsm__put64(out + 48, floor->first_seq);
  fsm__put64(out + 56, floor->first_batch);
  memcpy(out + 64, floor->prev.bytes, FSM_HASH_BYTES);
  fsm__put32(out + FLOOR_CRC, fsm__crc32c(0, out, FLOOR_CRC));
}

fsm_code fsm__floor_decode(const uint8_t *data, size_t len, fsm__journal_floor *out, fsm_error *err) {
  static const uint8_t zeroes[FLOOR_CRC - FLOOR_ZERO];
  if (len != FSM_FLOOR_BYTES || memcmp(data, floor_magic, sizeof floor_magic) != 0)
    return fsm_fail(err, FSM_ECORRUPT, FSM_FLOOR_NAME, "this is no floor of a journal");
  /* Before the checksum, which a newer format may keep elsewhere. */
  uint32_t format = fsm__get32(data + 8);
  if (format > FSM_JOURNAL_FORMAT)
    return fsm_fail(err, FSM_EVERSION, FSM_FLOOR_NAME, "the floor has format %u, this program knows %d",
                    format, FSM_JOURNAL_FORMAT);
  if (fsm__crc32c(0, data, FLOOR_CRC) != fsm__get32(data + FLOOR_CRC))
    return fsm_fail(err, FSM_ECORRUPT, FSM_FLOOR_NAME, "the checksum of the floor is wrong");
  fsm__journal_floor floor = {.ordinal = fsm__get64(data + 40),
                              .first_seq = fsm__get64(data + 48),
                              .first_batch = fsm__get64(data + 56)};
  floor.origin.partition = fsm__get32(data + 12);
  floor.origin.epoch = fsm__get32(data + 32);
  memcpy(floor.origin.store, data + 16, 16);
  memcpy(floor.prev.bytes, data + 64, FSM_HASH_BYTES);
  if (format != FSM_JOURNAL_FORMAT || !floor.ordinal || !floor.first_seq || !floor.first_batch ||
      fsm__get32(data + 36) || memcmp(data + FLOOR_ZERO, zeroes, sizeof zeroes) != 0)
    return fsm_fail(err, FSM_ECORRUPT, FSM_FLOOR_NAME, "a field of the floor is out of bounds");
  *out = floor;
  return FSM_OK;
}

/* ---- the file ---- */

static int write_tmp(int dir_fd, const char *tmp, const void *data, size_t len) {
  int fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int fault = 0;
  for (size_t at = 0; !fault && at < len; at += PIECE) {
    size_t piece = len - at < PIECE ? len - at : PIECE;
    fault = fsm__write_at(fd, (const uint8_t *)data + at, piece, at);
    if (!fault && fsync(fd)) fault = errno;
  }
  if (close(fd) && !fault) fault = errno;
  return fault;
}

int fsm__replace_file(int dir_fd, const char *name, const void *data, size_t len) {
  char tmp[FSM__NAME_BYTES + 4];
  int n = snprintf(tmp, sizeof tmp, "%s.tmp", name);
  FSM_ASSERT(n > 0 && (size_t)n < sizeof tmp);
  int fault = write_tmp(dir_fd, tmp, data, len);
  if (!fault && renameat(dir_fd, tmp, dir_fd, name)) fault = errno;
  if (fault) {
    unlinkat(dir_fd, tmp, 0);
    return fault;
  }
  return fsync(dir_fd) ? errno : 0;
}

fsm_code fsm__floor_write(int dir_fd, const fsm__journal_floor *floor, fsm_error *err) {
  FSM_ASSERT(floor->ordinal && floor->first_seq && floor->first_batch);
  uint8_t data[FSM_FLOOR_BYTES];
  fsm__floor_encode(floor, data);
  int fault = fsm__replace_file(dir_fd, FSM_FLOOR_NAME, data, sizeof data);
  if (!fault) return FSM_OK;
  return fsm_fail(err, fault == ENOSPC || fault == EDQUOT ? FSM_EFULL : FSM_EIO, FSM_FLOOR_NAME,
                  "the floor cannot be written: %s", strerror(fault));
}

fsm_code fsm__floor_read(int dir_fd, fsm__journal_floor *out, bool *there, fsm_error *err) {
  *there = false;
  int fd = openat(dir_fd, FSM_FLOOR_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return FSM_OK;
  if (fd < 0) return fsm_fail(err, FSM_EIO, FSM_FLOOR_NAME, "open: %s", strerror(errno));
  uint8_t data[FSM_FLOOR_BYTES + 1];
  size_t len = 0;
  ssize_t got;
  do {
    got = read(fd, data + len, sizeof data - len);
    if (got > 0) len += (size_t)got;
  } while (len < sizeof data && (got > 0 || (got < 0 && errno == EINTR)));
  int fault = got < 0 ? errno : 0;
  close(fd);
  if (fault) return fsm_fail(err, FSM_EIO, FSM_FLOOR_NAME, "read: %s", strerror(fault));
  fsm_code code = fsm__floor_decode(data, len, out, err);
  *there = code == FSM_OK;
  return code;
}
