/* cursors.c: one small file per sink, replaced as a whole.
 *
 * Layout, little endian: magic "FSMCUR02" ‖ name (32 bytes, NUL-padded) ‖ u32 epoch ‖ u64 seq ‖ leaf (32) ‖
 * i64 stream created ‖ u64 stream seq ‖ u64 sent seq ‖ u64 settled seq ‖ u64 settled stream seq ‖ u64 stream
 * gone ‖ u64 dropped from ‖ u64 dropped to ‖ u32 flags (1 = spilled) ‖ u32 CRC-32C of all before. A reader
 * sees the old file or the new one; a torn one is told by its checksum. The file of all sinks ("FSMCUR01") is
 * cursors_old.c.
 */
#include "runtime/cursors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/cursors_old.h"
#include "runtime/files.h"

enum {
  MAGIC_LEN = 8,
  NAME_LEN = FSM_SINK_NAME_MAX + 1,
  FILE_LEN = MAGIC_LEN + NAME_LEN + 4 + 8 + FSM_HASH_BYTES + 8 * 8 + 4 + 4,
  SPILLED = 1
};
static const char magic[MAGIC_LEN + 1] = "FSMCUR02";
_Static_assert(NAME_LEN == 32, "the name field is part of the format");

/* ---- bytes ---- */

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

static uint64_t take(const uint8_t **at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint64_t) * (*at)++ << (8 * i);
  return value;
}

static void encode(const fsm__cursor *c, uint8_t out[FILE_LEN]) {
  uint8_t *at = out;
  memcpy(at, magic, MAGIC_LEN);
  at += MAGIC_LEN;
  memset(at, 0, NAME_LEN);
  memcpy(at, c->sink, strnlen(c->sink, FSM_SINK_NAME_MAX));
  at = put(at + NAME_LEN, c->epoch, 4);
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
  FSM_ASSERT(at == out + FILE_LEN);
}

/* A name and zeroes behind it: one spelling only. */
static bool take_name(const uint8_t *at, char out[NAME_LEN]) {
  size_t len = strnlen((const char *)at, NAME_LEN);
  if (len == NAME_LEN) return false;
  memcpy(out, at, NAME_LEN);
  while (len < NAME_LEN && at[len] == '\0') len++;
  return len == NAME_LEN && fsm__sink_name_fits(out);
}

static bool decode(const uint8_t *data, size_t len, fsm__cursor *c) {
  if (len != FILE_LEN || memcmp(data, magic, MAGIC_LEN) != 0) return false;
  const uint8_t *at = data + MAGIC_LEN, *end = data + FILE_LEN - 4;
  if (take(&end, 4) != fsm__crc32c(0, data, FILE_LEN - 4) || !take_name(at, c->sink)) return false;
  at += NAME_LEN;
  c->epoch = (uint32_t)take(&at, 4);
  c->seq = take(&at, 8);
  memcpy(c->leaf.bytes, at, FSM_HASH_BYTES);
  at += FSM_HASH_BYTES;
  c->stream_created_ns = (int64_t)take(&at, 8);
  c->stream_seq = take(&at, 8);
  c->sent_seq = take(&at, 8);
  c->settled_seq = take(&at, 8);
  c->settled_stream_seq = take(&at, 8);
  c->stream_gone = take(&at, 8);
  c->dropped_from = take(&at, 8);
  c->dropped_to = take(&at, 8);
  uint64_t flags = take(&at, 4);
  c->spilled = flags == SPILLED;
  bool range = c->dropped_from <= c->dropped_to && (c->dropped_from == 0) == (c->dropped_to == 0);
  return range && flags <= SPILLED && c->sent_seq <= c->seq && c->settled_seq <= c->seq;
}

bool fsm__sink_name_fits(const char *name) {
  size_t len = strnlen(name, NAME_LEN);
  return len > 0 && len < NAME_LEN &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* ---- one file ---- */

static fsm_code name_fault(const char *sink, fsm_error *err) {
  return fsm_fail(err, FSM_EARGUMENT, "sink", "\"%.60s\" cannot name a sink: 1 to %d of A-Z a-z 0-9 _ -",
                  sink, FSM_SINK_NAME_MAX);
}

/* *there false: no such file. */
static fsm_code load_own(const char *dir, const char *sink, fsm__cursor *out, bool *there, fsm_error *err) {
  fsm__path path;
  fsm__cursor found;
  fsm_buf data = {0};
  fsm_error fault;
  *there = false;
  fsm_code code = fsm__path_of(&path, err, "%s/sinks/%s", dir, sink);
  if (code != FSM_OK) return code;
  code = fsm__file_read(path.text, FILE_LEN, &data, &fault);
  if (code == FSM_ENOTFOUND) {
    code = FSM_OK;
  } else if (code == FSM_ETOOLARGE ||
             (code == FSM_OK &&
              (!decode((const uint8_t *)data.data, data.len, &found) || strcmp(found.sink, sink) != 0))) {
    code = fsm_fail(err, FSM_ECORRUPT, path.text, "the cursor of the sink %s is damaged", sink);
  } else if (code != FSM_OK) {
    code = fsm_fail(err, code, fault.where, "%s", fault.text);
  } else {
    *out = found;
    *there = true;
  }
  fsm_buf_free(&data);
  return code;
}

fsm_code fsm__cursor_load(const char *dir, const char *sink, fsm__cursor *out, bool *there, fsm_error *err) {
  FSM_ASSERT(dir != NULL && sink != NULL && out != NULL && there != NULL);
  if (!fsm__sink_name_fits(sink)) return name_fault(sink, err);
  fsm__cursor old[FSM_CURSORS_MAX];
  size_t count = 0;
  fsm_code code = load_own(dir, sink, out, there, err);
  if (code != FSM_OK || *there) return code;
  code = fsm__cursors_old_load(dir, old, &count, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    if (strcmp(old[i].sink, sink) != 0) continue;
    *out = old[i];
    *there = true;
  }
  return code;
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const fsm__cursor *)a)->sink, ((const fsm__cursor *)b)->sink);
}

/* The names of the sinks that have a file, unordered; only `sink` is filled in. */
static fsm_code list_names(const char *dir, fsm__cursor names[FSM_CURSORS_MAX], size_t *count,
                           fsm_error *err) {
  fsm__path path;
  *count = 0;
  fsm_code code = fsm__path_of(&path, err, "%s/sinks", dir);
  if (code != FSM_OK) return code;
  DIR *files = opendir(path.text);
  if (files == NULL) return errno == ENOENT ? FSM_OK : fsm__file_fault(err, path.text, "it cannot be listed");
  const struct dirent *entry;
  while (code == FSM_OK && (entry = readdir(files)) != NULL) {
    if (!fsm__sink_name_fits(entry->d_name)) continue; /* parked records, temporary files */
    if (*count == FSM_CURSORS_MAX)
      code = fsm_fail(err, FSM_EQUOTA, path.text, "there are more than %d sinks", FSM_CURSORS_MAX);
    else
      snprintf(names[(*count)++].sink, NAME_LEN, "%.31s", entry->d_name);
  }
  closedir(files);
  return code;
}

/* Those of the old file that have no file of their own. */
static fsm_code add_old(const char *dir, const fsm__cursor *names, size_t name_count, fsm__cursor *cursors,
                        size_t *count, fsm_error *err) {
  fsm__cursor old[FSM_CURSORS_MAX];
  size_t old_count = 0, total = name_count;
  fsm_code code = fsm__cursors_old_load(dir, old, &old_count, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < old_count; i++) {
    bool has = false;
    for (size_t k = 0; k < name_count; k++) has = has || strcmp(names[k].sink, old[i].sink) == 0;
    if (has) continue;
    if (total++ == FSM_CURSORS_MAX)
      return fsm_fail(err, FSM_EQUOTA, dir, "there are more than %d sinks", FSM_CURSORS_MAX);
    cursors[(*count)++] = old[i];
  }
  return FSM_OK;
}

fsm_code fsm__cursors_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX], size_t *count,
                           fsm_error *err) {
  FSM_ASSERT(dir != NULL && cursors != NULL && count != NULL);
  fsm__cursor names[FSM_CURSORS_MAX];
  size_t name_count = 0, found = 0;
  fsm_code damage = FSM_OK, code = list_names(dir, names, &name_count, err);
  for (size_t i = 0; code == FSM_OK && i < name_count; i++) {
    bool there = false;
    fsm_code one = load_own(dir, names[i].sink, &cursors[found], &there, damage == FSM_OK ? err : NULL);
    if (one == FSM_ECORRUPT)
      damage = one;
    else
      code = one;
    if (there) found++;
  }
  if (code == FSM_OK) {
    code = add_old(dir, names, name_count, cursors, &found, damage == FSM_OK ? err : NULL);
    if (code == FSM_ECORRUPT) damage = code, code = FSM_OK;
  }
  if (code != FSM_OK) return code;
  qsort(cursors, found, sizeof *cursors, by_name);
  *count = found;
  return damage;
}

/* ---- writing ---- */

static fsm_code write_once(const char *path, const uint8_t *data, bool durable, fsm_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fsm__file_fault(err, path, "the file cannot be made");
  fsm_code code = FSM_OK;
  for (size_t done = 0; done < FILE_LEN && code == FSM_OK;) {
    ssize_t n = write(fd, data + done, FILE_LEN - done);
    if (n < 0 && errno != EINTR) code = fsm__file_fault(err, path, "write failed");
    if (n > 0) done += (size_t)n;
  }
  if (code == FSM_OK && durable && fsync(fd) != 0) code = fsm__file_fault(err, path, "fsync failed");
  if (close(fd) != 0 && code == FSM_OK) code = fsm__file_fault(err, path, "close failed");
  return code;
}

/* A first one: there must be room for it, and a directory. */
static fsm_code admit(const char *dir, const char *sinks, const char *sink, fsm_error *err) {
  fsm__cursor all[FSM_CURSORS_MAX];
  size_t count = 0;
  if (!fsm__path_exists(sinks)) {
    fsm_code code = fsm__dir_make(sinks, err);
    if (code == FSM_OK) code = fsm__dir_sync(dir, err);
    if (code != FSM_OK) return code;
  }
  fsm_code code = fsm__cursors_load(dir, all, &count, NULL);
  if (code == FSM_OK && count == FSM_CURSORS_MAX) {
    code = FSM_EQUOTA;
    for (size_t i = 0; i < count; i++)
      if (strcmp(all[i].sink, sink) == 0) code = FSM_OK; /* so far in the old file */
  }
  if (code == FSM_EQUOTA) return fsm_fail(err, code, sink, "there are %d sinks already", FSM_CURSORS_MAX);
  return FSM_OK; /* what is wrong with others is theirs */
}

fsm_code fsm__cursor_save(const char *dir, const fsm__cursor *c, bool durable, fsm_error *err) {
  FSM_ASSERT(dir != NULL && c != NULL && c->sent_seq <= c->seq && c->settled_seq <= c->seq);
  if (!fsm__sink_name_fits(c->sink)) return name_fault(c->sink, err);
  fsm__path sinks, path, tmp;
  uint8_t data[FILE_LEN];
  fsm_code code = fsm__path_of(&sinks, err, "%s/sinks", dir);
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/%s", sinks.text, c->sink);
  if (code == FSM_OK) code = fsm__path_of(&tmp, err, "%s.tmp", path.text);
  bool first = code == FSM_OK && !fsm__path_exists(path.text);
  if (first) code = admit(dir, sinks.text, c->sink, err);
  if (code != FSM_OK) return code;
  encode(c, data);
  code = write_once(tmp.text, data, durable, err);
  if (code == FSM_OK && rename(tmp.text, path.text) != 0)
    code = fsm__file_fault(err, path.text, "the file cannot be put in place");
  if (code != FSM_OK) {
    (void)unlink(tmp.text);
    return code;
  }
  if (!durable) return FSM_OK;
  code = fsm__dir_sync(sinks.text, err);
  if (code == FSM_OK) fsm__cursors_old_let_go(dir);
  return code;
}

/* One that goes meanwhile is fine: a newer one is in its place, or the sink is no more. */
static fsm_code sync_one(const char *path, fsm_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno == ENOENT ? FSM_OK : fsm__file_fault(err, path, "the file cannot be opened");
  fsm_code code = fsync(fd) != 0 ? fsm__file_fault(err, path, "fsync failed") : FSM_OK;
  close(fd);
  return code;
}

fsm_code fsm__cursors_sync(const char *dir, fsm_error *err) {
  FSM_ASSERT(dir != NULL);
  fsm__cursor names[FSM_CURSORS_MAX];
  fsm__path path;
  size_t count = 0;
  fsm_code code = list_names(dir, names, &count, err);
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    code = fsm__path_of(&path, err, "%s/sinks/%s", dir, names[i].sink);
    if (code == FSM_OK) code = sync_one(path.text, err);
  }
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/cursors", dir);
  if (code == FSM_OK) code = sync_one(path.text, err);
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/sinks", dir);
  if (code == FSM_OK && fsm__path_exists(path.text)) code = fsm__dir_sync(path.text, err);
  return code == FSM_OK ? fsm__dir_sync(dir, err) : code;
}

fsm_code fsm__cursor_remove(const char *dir, const char *sink, fsm_error *err) {
  FSM_ASSERT(dir != NULL && sink != NULL);
  if (!fsm__sink_name_fits(sink)) return name_fault(sink, err);
  fsm__path sinks, path;
  fsm_code code = fsm__cursors_old_forget(dir, sink, err);
  if (code == FSM_OK) code = fsm__path_of(&sinks, err, "%s/sinks", dir);
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/%s", sinks.text, sink);
  if (code != FSM_OK || !fsm__path_exists(path.text)) return code;
  if (unlink(path.text) != 0) return fsm__file_fault(err, path.text, "it cannot be removed");
  return fsm__dir_sync(sinks.text, err);
}
