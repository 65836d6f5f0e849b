/* sink_file_disk.c: the files of the file sink.
 *
 * Invariant: what was appended and synced is whole records, in the open file or in one that was renamed from
 * it; bytes behind that are a fault's and are cut off before anything else is appended. Before each append
 * the open file is looked for by its name: whoever moved or deleted it has what was in it, and the next
 * records begin a new one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/sink_file_impl.h"

enum { FILE_MODE = 0640, DIR_MODE = 0750, TRIES = 3, NAMES_MAX = 1000, STAMP_LEN = 17 };

const char *fsm__file_extension(const char *format) {
  if (strcmp(format, "csv") == 0) return "csv";
  return strcmp(format, "msgpack") == 0 ? "msgpack" : "ndjson";
}

int64_t fsm__file_period(const fsm__file_out *out, int64_t now_ns) {
  return out->rotate_ns > 0 ? now_ns / out->rotate_ns : 0;
}

static uint64_t head_bytes(const fsm__file_out *out) { return out->head != NULL ? strlen(out->head) + 1 : 0; }

static fsm_code gone(const fsm__file_out *out, fsm_error *err) {
  return fsm_fail(err, FSM_ENOTFOUND, out->dir,
                  "the directory is gone: make it again or mount it, then publishing goes on");
}

static fsm_code fault(const fsm__file_out *out, const char *path, const char *what, fsm_error *err) {
  return errno == ENOENT ? gone(out, err) : fsm__file_fault(err, path, what);
}

/* ---- the lock ------------------------------------------------------------------------------------ */

static bool is_file_of(int fd, const char *path) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

void fsm__file_unlock(fsm__file_out *out) {
  if (out->lock_fd >= 0) close(out->lock_fd);
  out->lock_fd = -1;
}

static fsm_code lock(fsm__file_out *out, fsm_error *err) {
  fsm__path path;
  fsm_code code = fsm__path_of(&path, err, "%s/.%s.lock", out->dir, out->name);
  if (code != FSM_OK) return code;
  if (out->lock_fd >= 0 && is_file_of(out->lock_fd, path.text)) return FSM_OK;
  fsm__file_unlock(out);
  const int fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
  if (fd < 0) return fault(out, path.text, "the lock cannot be opened", err);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_file_of(fd, path.text)) {
    const bool other = errno == EWOULDBLOCK;
    close(fd);
    if (!other) return fsm__file_fault(err, path.text, "the lock cannot be taken");
    return fsm_fail(
        err, FSM_ELOCKED, path.text,
        "another process or sink writes the files of %s there: give one of them another directory",
        out->name);
  }
  out->lock_fd = fd;
  return FSM_OK;
}

/* ---- the open file ------------------------------------------------------------------------------- */

void fsm__file_close(fsm__file_out *out) {
  if (out->fd >= 0) close(out->fd);
  out->fd = -1;
  out->size = out->ahead = 0;
}

/* What a crash or a fault left behind the last whole record. */
static fsm_code cut_torn(fsm__file_out *out, fsm_error *err) {
  struct stat st;
  uint64_t end = 0;
  fsm_code code = fsm__tail_end(out->fd, out->current.text, out->format, &end, err);
  if (code != FSM_OK) return code;
  if (fstat(out->fd, &st) != 0)
    return fsm__file_fault(err, out->current.text, "the file cannot be looked at");
  if (end < (uint64_t)st.st_size && ftruncate(out->fd, (off_t)end) != 0)
    return fsm__file_fault(err, out->current.text, "the torn end of the file cannot be cut off");
  if (fdatasync(out->fd) != 0) /* what a writer before us left may be in memory only */
    return fsm__file_fault(err, out->current.text, "the file cannot be synced");
  out->size = end;
  out->begun_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  out->period = fsm__file_period(out, out->begun_ns); /* of what arrived last, so of all that is in it */
  return FSM_OK;
}

static fsm_code open_current(fsm__file_out *out, fsm_error *err) {
  struct stat st;
  fsm__line first;
  const char *path = out->current.text;
  fsm__file_close(out);
  out->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (out->fd < 0 && errno == ENOENT) return FSM_OK;
  if (out->fd < 0) return fsm__file_fault(err, path, "the file cannot be opened");
  fsm_code code = FSM_OK;
  if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode))
    code = fsm_fail(err, FSM_EIO, path, "that is no regular file");
  if (code == FSM_OK) code = cut_torn(out, err);
  if (code == FSM_OK) code = fsm__tail_first(out->fd, path, out->format, &first, err);
  if (code == FSM_OK)
    out->first_seq = first.seq;
  else
    fsm__file_close(out);
  return code;
}

fsm_code fsm__file_open(fsm__file_out *out, bool make, fsm_error *err) {
  fsm_code code = fsm__path_of(&out->current, err, "%s/%s-current.%s", out->dir, out->name,
                               fsm__file_extension(out->format));
  if (code == FSM_OK && make && mkdir(out->dir, DIR_MODE) != 0 && errno != EEXIST)
    code = fsm__file_fault(err, out->dir, "the directory cannot be made");
  if (code == FSM_OK) code = lock(out, err);
  return code == FSM_OK ? open_current(out, err) : code;
}

static fsm_code write_all(fsm__file_out *out, const void *data, size_t len, fsm_error *err) {
  const char *at = data;
  while (len > 0) {
    const ssize_t n = write(out->fd, at, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fsm__file_fault(err, out->current.text, "the file cannot be written");
    at += n;
    len -= (size_t)n;
  }
  return FSM_OK;
}

static fsm_code create(fsm__file_out *out, uint64_t first_seq, int64_t period, fsm_error *err) {
  const char *path = out->current.text;
  out->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
  if (out->fd < 0) return fault(out, path, "the file cannot be made", err);
  out->size = 0;
  out->begun_ns = out->now();
  out->period = period;
  out->first_seq = first_seq;
  if (fchmod(out->fd, FILE_MODE) != 0) return fsm__file_fault(err, path, "the file's mode cannot be set");
  fsm_code code = fsm__dir_sync(out->dir, err);
  if (code != FSM_OK || out->head == NULL) return code;
  code = write_all(out, out->head, strlen(out->head), err);
  if (code == FSM_OK) code = write_all(out, "\n", 1, err);
  out->size = head_bytes(out);
  return code;
}

/* ---- appending ----------------------------------------------------------------------------------- */

/* Under its name, and as long as we left it? */
static bool is_as_it_was(const fsm__file_out *out) {
  struct stat st;
  return is_file_of(out->fd, out->current.text) && fstat(out->fd, &st) == 0 &&
         (uint64_t)st.st_size == out->size + out->ahead;
}

static bool is_deleted(const fsm__file_out *out) {
  struct stat st;
  return fstat(out->fd, &st) != 0 || st.st_nlink == 0;
}

/* The file that the next records go to. */
static fsm_code ready(fsm__file_out *out, size_t len, uint64_t first_seq, int64_t period, fsm_error *err) {
  fsm_code code = FSM_OK;
  if (out->fd < 0 || !is_as_it_was(out)) code = open_current(out, err);
  if (code == FSM_OK && out->ahead == 0 && fsm__file_is_due(out, len, period))
    code = fsm__file_rotate(out, err);
  if (code == FSM_OK && out->fd < 0) return create(out, first_seq, period, err);
  if (code == FSM_OK && out->ahead == 0 && out->size <= head_bytes(out)) { /* begun, and nothing came of it */
    out->begun_ns = out->now();
    out->period = period;
    out->first_seq = first_seq;
  }
  return code;
}

static fsm_code append(fsm__file_out *out, const void *data, size_t len, fsm_error *err) {
  FSM_ASSERT(out->ahead <= len);
  fsm_code code = write_all(out, (const char *)data + out->ahead, len - out->ahead, err);
  out->ahead = 0;
  if (code == FSM_OK && fdatasync(out->fd) != 0)
    code = fsm__file_fault(err, out->current.text, "the file cannot be synced");
  if (code == FSM_OK)
    out->size += len;
  else
    (void)!ftruncate(out->fd, (off_t)out->size); /* if not now, then when it is opened */
  return code;
}

fsm_code fsm__file_append(fsm__file_out *out, const void *data, size_t len, uint64_t first_seq,
                          int64_t period, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (unsigned tries = 0; tries < TRIES; tries++) {
    code = ready(out, len, first_seq, period, err);
    if (code == FSM_OK) code = append(out, data, len, err);
    if (code != FSM_OK) break;
    if (!is_deleted(out)) return FSM_OK; /* moved away: whoever did that has these records too */
    fsm__file_close(out);
    code = fsm_fail(err, FSM_EUNREACHABLE, out->current.text, "the file is deleted again and again");
  }
  fsm__file_close(out);
  return code;
}

void fsm__file_begin(fsm__file_out *out, const void *data, size_t len, uint64_t first_seq, int64_t period) {
  const uint64_t had = out->ahead;
  if (ready(out, len, first_seq, period, NULL) != FSM_OK) {
    fsm__file_close(out);
    return;
  }
  const uint64_t from = out->ahead == had ? had : 0; /* it is another file than before */
  if (write_all(out, (const char *)data + from, len - from, NULL) != FSM_OK) {
    (void)!ftruncate(out->fd, (off_t)out->size);
    out->ahead = 0;
    return;
  }
  (void)sync_file_range(out->fd, (off64_t)(out->size + from), (off64_t)(len - from), SYNC_FILE_RANGE_WRITE);
  out->ahead = len;
}

/* ---- rotation ------------------------------------------------------------------------------------ */

bool fsm__file_is_due(const fsm__file_out *out, size_t len, int64_t period) {
  if (out->fd < 0 || out->size <= head_bytes(out)) return false;
  return period > out->period || (out->rotate_bytes > 0 && out->size + len > out->rotate_bytes);
}

static fsm_code free_name(const fsm__file_out *out, const char *stem, const char *ext, fsm__path *to,
                          fsm_error *err) {
  fsm_code code = fsm__path_of(to, err, "%s/%s.%s", out->dir, stem, ext);
  for (unsigned i = 2; code == FSM_OK && i < NAMES_MAX && fsm__path_exists(to->text); i++)
    code = fsm__path_of(to, err, "%s/%s-%u.%s", out->dir, stem, i, ext);
  if (code == FSM_OK && fsm__path_exists(to->text))
    return fsm_fail(err, FSM_EEXISTS, to->text, "there are files of all names that this one could get");
  return code;
}

static fsm_code rename_to(const fsm__file_out *out, const char *from, const char *to, fsm_error *err) {
  if (rename(from, to) != 0) return fault(out, from, "the file cannot be renamed", err);
  return fsm__dir_sync(out->dir, err);
}

/* Names sort as the files came: where the clock went back, or records are given once more within a second,
 * the time is moved on. */
static time_t begun_behind_others(const fsm__file_out *out) {
  time_t begun = (time_t)(out->begun_ns / 1000000000);
  fsm__path newest;
  bool there;
  struct tm utc = {0};
  if (fsm__file_newest(out, &newest, &there, NULL) != FSM_OK || !there) return begun;
  const char *name = strrchr(newest.text, '/') + 1 + strlen(out->name) + 1;
  const char *seq = strptime(name, "%Y%m%dT%H%M%SZ", &utc);
  const time_t last = timegm(&utc);
  if (seq == NULL || begun > last) return begun;
  return out->first_seq > strtoull(seq + 1, NULL, 10) ? last : last + 1;
}

fsm_code fsm__file_rotate(fsm__file_out *out, fsm_error *err) {
  char stem[FSM_SINK_NAME_MAX + 64], stamp[STAMP_LEN];
  struct tm utc;
  fsm__path to;
  if (out->fd < 0) return FSM_OK;
  const time_t begun = begun_behind_others(out);
  gmtime_r(&begun, &utc);
  strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  snprintf(stem, sizeof stem, "%s-%s-%020" PRIu64, out->name, stamp, out->first_seq);
  fsm_code code = free_name(out, stem, fsm__file_extension(out->format), &to, err);
  if (code == FSM_OK) code = rename_to(out, out->current.text, to.text, err);
  fsm__file_close(out);
  return code;
}

/* NAME-YYYYMMDDThhmmssZ-… with our extension. */
static bool is_closed_name(const fsm__file_out *out, const char *name) {
  const size_t len = strlen(out->name);
  const char *dot = strrchr(name, '.');
  if (strncmp(name, out->name, len) != 0 || name[len] != '-' || dot == NULL) return false;
  const char *stamp = name + len + 1;
  return strspn(stamp, "0123456789") == 8 && stamp[8] == 'T' && strspn(stamp + 9, "0123456789") == 6 &&
         stamp[15] == 'Z' && stamp[16] == '-' && strcmp(dot + 1, fsm__file_extension(out->format)) == 0;
}

fsm_code fsm__file_newest(const fsm__file_out *out, fsm__path *path, bool *there, fsm_error *err) {
  char newest[256] = "";
  DIR *dir = opendir(out->dir);
  if (dir == NULL) return fault(out, out->dir, "the directory cannot be read", err);
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (is_closed_name(out, entry->d_name) && strcmp(entry->d_name, newest) > 0)
      snprintf(newest, sizeof newest, "%s", entry->d_name);
  closedir(dir);
  *there = newest[0] != '\0';
  return *there ? fsm__path_of(path, err, "%s/%s", out->dir, newest) : FSM_OK;
}

fsm_code fsm__file_set_aside(fsm__file_out *out, fsm_error *err) {
  fsm__path from, to;
  bool there = true;
  fsm_code code = fsm__file_rotate(out, err);
  while (code == FSM_OK) {
    code = fsm__file_newest(out, &from, &there, err);
    if (code != FSM_OK || !there) break;
    char stem[256];
    const char *name = strrchr(from.text, '/') + 1;
    snprintf(stem, sizeof stem, "aside-%.*s", (int)(strrchr(name, '.') - name), name);
    code = free_name(out, stem, fsm__file_extension(out->format), &to, err);
    if (code == FSM_OK) code = rename_to(out, from.text, to.text, err);
  }
  return code;
}
