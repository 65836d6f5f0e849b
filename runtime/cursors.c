/* cursors.c: one small file per sink (cursors_format.c), replaced as a whole: a reader sees the old file or
 * the new one; a torn one is told by its checksum. The file of all sinks ("FSMCUR01") is cursors_old.c. */
#include "runtime/cursors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cursors_format.h"
#include "runtime/cursors_old.h"
#include "runtime/files.h"

bool fsm__sink_name_fits(const char *name) {
  size_t len = strnlen(name, FSM__CURSOR_NAME);
  return len > 0 && len < FSM__CURSOR_NAME &&
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
  code = fsm__file_read(path.text, FSM__CURSOR_BYTES, &data, &fault);
  if (code == FSM_ENOTFOUND) {
    code = FSM_OK;
  } else if (code == FSM_ETOOLARGE ||
             (code == FSM_OK && (!fsm__cursor_decode((const uint8_t *)data.data, data.len, &found) ||
                                 strcmp(found.sink, sink) != 0))) {
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

/* Those that have a file of their own, unordered; only `sink` is filled in. */
static fsm_code list_own(const char *dir, fsm__cursor names[FSM_CURSORS_MAX], size_t *count, fsm_error *err) {
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
      snprintf(names[(*count)++].sink, FSM__CURSOR_NAME, "%.31s", entry->d_name);
  }
  closedir(files);
  return code;
}

/* Those of the old file that are not there yet. */
static fsm_code list_old(const char *dir, fsm__cursor names[FSM_CURSORS_MAX], size_t *count, fsm_error *err) {
  fsm__cursor old[FSM_CURSORS_MAX];
  size_t old_count = 0;
  const size_t own = *count;
  fsm_code code = fsm__cursors_old_load(dir, old, &old_count, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < old_count; i++) {
    bool has = false;
    for (size_t k = 0; k < own; k++) has = has || strcmp(names[k].sink, old[i].sink) == 0;
    if (has) continue;
    if (*count == FSM_CURSORS_MAX)
      return fsm_fail(err, FSM_EQUOTA, dir, "there are more than %d sinks", FSM_CURSORS_MAX);
    names[(*count)++] = old[i];
  }
  return FSM_OK;
}

fsm_code fsm__cursors_list(const char *dir, fsm__cursor names[FSM_CURSORS_MAX], size_t *count,
                           fsm_error *err) {
  FSM_ASSERT(dir != NULL && names != NULL && count != NULL);
  fsm_code code = list_own(dir, names, count, err);
  if (code == FSM_OK) code = list_old(dir, names, count, err);
  if (code == FSM_OK || code == FSM_ECORRUPT) qsort(names, *count, sizeof *names, by_name);
  return code;
}

fsm_code fsm__cursors_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX], size_t *count,
                           fsm_error *err) {
  FSM_ASSERT(dir != NULL && cursors != NULL && count != NULL);
  fsm__cursor names[FSM_CURSORS_MAX];
  size_t name_count = 0, found = 0;
  fsm_code damage = fsm__cursors_list(dir, names, &name_count, err);
  if (damage != FSM_OK && damage != FSM_ECORRUPT) return damage;
  for (size_t i = 0; i < name_count; i++) {
    bool there = false;
    fsm_code code =
        fsm__cursor_load(dir, names[i].sink, &cursors[found], &there, damage == FSM_OK ? err : NULL);
    if (code != FSM_OK && code != FSM_ECORRUPT) return code;
    if (code == FSM_ECORRUPT) damage = code;
    if (there) found++;
  }
  *count = found;
  return damage;
}

/* ---- writing ---- */

static fsm_code write_once(const char *path, const uint8_t *data, bool durable, fsm_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fsm__file_fault(err, path, "the file cannot be made");
  fsm_code code = FSM_OK;
  for (size_t done = 0; done < FSM__CURSOR_BYTES && code == FSM_OK;) {
    ssize_t n = write(fd, data + done, FSM__CURSOR_BYTES - done);
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
  uint8_t data[FSM__CURSOR_BYTES];
  fsm_code code = fsm__path_of(&sinks, err, "%s/sinks", dir);
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/%s", sinks.text, c->sink);
  if (code == FSM_OK) code = fsm__path_of(&tmp, err, "%s.tmp", path.text);
  bool first = code == FSM_OK && !fsm__path_exists(path.text);
  if (first) code = admit(dir, sinks.text, c->sink, err);
  if (code != FSM_OK) return code;
  fsm__cursor_encode(c, data);
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
  fsm_code code = list_own(dir, names, &count, err);
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
