/* cursors.c: one small file, replaced as a whole.
 *
 * Layout, little endian: magic "FSMCUR01" ‖ u32 count ‖ entries ‖ u32 CRC-32C of all before. An entry:
 * name (32 bytes, NUL-padded) ‖ u32 epoch ‖ u64 seq ‖ leaf (32) ‖ i64 stream created ‖ u64 stream seq. A
 * reader sees the old file or the new one; a torn one is told by its checksum.
 */
#include "runtime/cursors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/crc32c.h"

enum {
  MAGIC_LEN = 8,
  NAME_LEN = FSM_SINK_NAME_MAX + 1,
  ENTRY_LEN = NAME_LEN + 4 + 8 + FSM_HASH_BYTES + 8 + 8,
  FILE_MAX = MAGIC_LEN + 4 + FSM_CURSORS_MAX * ENTRY_LEN + 4,
  PATH_LEN = 4096
};
static const char magic[MAGIC_LEN + 1] = "FSMCUR01";
_Static_assert(NAME_LEN == 32, "the name field is part of the format");

/* ---- bytes ---- */

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

static const uint8_t *take(const uint8_t *at, uint64_t *value, unsigned bytes) {
  *value = 0;
  for (unsigned i = 0; i < bytes; i++) *value |= (uint64_t)*at++ << (8 * i);
  return at;
}

static size_t encode(const fsm__cursor *cursors, size_t count, uint8_t out[FILE_MAX]) {
  uint8_t *at = out;
  memcpy(at, magic, MAGIC_LEN);
  at = put(at + MAGIC_LEN, count, 4);
  for (size_t i = 0; i < count; i++) {
    const fsm__cursor *c = &cursors[i];
    size_t len = strnlen(c->sink, NAME_LEN);
    FSM_ASSERT(len > 0 && len <= FSM_SINK_NAME_MAX);
    memset(at, 0, NAME_LEN);
    memcpy(at, c->sink, len);
    at = put(at + NAME_LEN, c->epoch, 4);
    at = put(at, c->seq, 8);
    memcpy(at, c->leaf.bytes, FSM_HASH_BYTES);
    at = put(at + FSM_HASH_BYTES, (uint64_t)c->stream_created_ns, 8);
    at = put(at, c->stream_seq, 8);
  }
  at = put(at, fsm__crc32c(0, out, (size_t)(at - out)), 4);
  return (size_t)(at - out);
}

/* A name of 1 to 31 bytes and zeroes behind it: one spelling only. */
static bool name_is_whole(const uint8_t *name) {
  size_t len = strnlen((const char *)name, NAME_LEN);
  if (len == 0 || len == NAME_LEN) return false;
  while (len < NAME_LEN && name[len] == '\0') len++;
  return len == NAME_LEN;
}

static bool decode(const uint8_t *data, size_t len, fsm__cursor *cursors, size_t *count) {
  uint64_t n, crc, number;
  if (len < MAGIC_LEN + 4 + 4 || memcmp(data, magic, MAGIC_LEN) != 0) return false;
  const uint8_t *at = take(data + MAGIC_LEN, &n, 4);
  if (n > FSM_CURSORS_MAX || len != MAGIC_LEN + 4 + n * ENTRY_LEN + 4) return false;
  (void)take(data + len - 4, &crc, 4);
  if (fsm__crc32c(0, data, len - 4) != crc) return false;
  for (size_t i = 0; i < n; i++) {
    fsm__cursor *c = &cursors[i];
    if (!name_is_whole(at)) return false;
    memcpy(c->sink, at, NAME_LEN);
    at = take(at + NAME_LEN, &number, 4);
    c->epoch = (uint32_t)number;
    at = take(at, &c->seq, 8);
    memcpy(c->leaf.bytes, at, FSM_HASH_BYTES);
    at = take(at + FSM_HASH_BYTES, &number, 8);
    c->stream_created_ns = (int64_t)number;
    at = take(at, &c->stream_seq, 8);
  }
  *count = n;
  return true;
}

/* ---- the file ---- */

static bool path_of(const char *dir, const char *name, char out[PATH_LEN]) {
  int n = snprintf(out, PATH_LEN, "%s/%s", dir, name);
  return n > 0 && n < PATH_LEN;
}

static fsm_code system_fault(fsm_error *err, const char *path, const char *what) {
  int saved = errno;
  fsm_code code = saved == ENOSPC || saved == EDQUOT ? FSM_EFULL : FSM_EIO;
  return fsm_fail(err, code, path, "%s failed: %s", what, strerror(saved));
}

/* -1 = failed; more than max = longer than any file of ours. */
static ssize_t read_all(int fd, uint8_t *out, size_t max) {
  size_t len = 0;
  while (len < max) {
    ssize_t n = read(fd, out + len, max - len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    len += (size_t)n;
  }
  return (ssize_t)len;
}

fsm_code fsm__cursors_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX], size_t *count,
                           fsm_error *err) {
  FSM_ASSERT(dir != NULL && cursors != NULL && count != NULL);
  char path[PATH_LEN];
  if (!path_of(dir, "cursors", path)) return fsm_fail(err, FSM_EARGUMENT, dir, "the path is too long");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    *count = 0;
    return FSM_OK;
  }
  if (fd < 0) return system_fault(err, path, "open");
  uint8_t data[FILE_MAX + 1];
  ssize_t len = read_all(fd, data, sizeof data);
  fsm_code code = len < 0 ? system_fault(err, path, "read") : FSM_OK;
  close(fd);
  if (code != FSM_OK) return code;
  fsm__cursor found[FSM_CURSORS_MAX];
  size_t n = 0;
  if (!decode(data, (size_t)len, found, &n)) {
    return fsm_fail(err, FSM_ECORRUPT, path, "the file of the sinks' cursors is damaged");
  }
  memcpy(cursors, found, n * sizeof *found);
  *count = n;
  return FSM_OK;
}

static fsm_code write_file(const char *path, const uint8_t *data, size_t len, bool durable, fsm_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_fault(err, path, "open");
  fsm_code code = FSM_OK;
  for (size_t done = 0; done < len && code == FSM_OK;) {
    ssize_t n = write(fd, data + done, len - done);
    if (n < 0 && errno != EINTR) code = system_fault(err, path, "write");
    if (n > 0) done += (size_t)n;
  }
  if (code == FSM_OK && durable && fsync(fd) != 0) code = system_fault(err, path, "fsync");
  if (close(fd) != 0 && code == FSM_OK) code = system_fault(err, path, "close");
  return code;
}

static fsm_code sync_dir(const char *dir, fsm_error *err) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_fault(err, dir, "open");
  fsm_code code = fsync(fd) == 0 ? FSM_OK : system_fault(err, dir, "fsync");
  close(fd);
  return code;
}

fsm_code fsm__cursors_save(const char *dir, const fsm__cursor *cursors, size_t count, bool durable,
                           fsm_error *err) {
  FSM_ASSERT(dir != NULL && (cursors != NULL || count == 0) && count <= FSM_CURSORS_MAX);
  char path[PATH_LEN], tmp[PATH_LEN];
  if (!path_of(dir, "cursors", path) || !path_of(dir, "cursors.tmp", tmp)) {
    return fsm_fail(err, FSM_EARGUMENT, dir, "the path is too long");
  }
  uint8_t data[FILE_MAX];
  size_t len = encode(cursors, count, data);
  fsm_code code = write_file(tmp, data, len, durable, err);
  if (code == FSM_OK && rename(tmp, path) != 0) code = system_fault(err, path, "rename");
  if (code != FSM_OK) {
    (void)unlink(tmp);
    return code;
  }
  return durable ? sync_dir(dir, err) : FSM_OK;
}
