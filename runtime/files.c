/* files.c: see files.h. */
#include "runtime/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 256 * 1024, SYNC_EVERY_BYTES = 8 * 1024 * 1024 };

fsm_code fsm__path_of(fsm__path *out, fsm_error *err, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(out->text, sizeof out->text, format, args);
  va_end(args);
  if (len > 0 && (size_t)len < sizeof out->text) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "path", "a path is longer than %d bytes", FSM_PATH_MAX - 1);
}

fsm_code fsm__file_fault(fsm_error *err, const char *path, const char *what) {
  int e = errno;
  fsm_code code = e == ENOENT                                             ? FSM_ENOTFOUND
                  : e == EACCES || e == EPERM || e == ELOOP || e == EROFS ? FSM_EPERMISSION
                  : e == ENOSPC || e == EDQUOT                            ? FSM_EFULL
                  : e == ENOMEM                                           ? FSM_ENOMEM
                                                                          : FSM_EIO;
  return fsm_fail(err, code, path, "%s: %s", what, strerror(e));
}

bool fsm__path_exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

/* ---- directories -------------------------------------------------------------------------------- */

fsm_code fsm__dir_make(const char *path, fsm_error *err) {
  if (mkdir(path, 0700) == 0 || errno == EEXIST) return FSM_OK;
  return fsm__file_fault(err, path, "the directory cannot be made");
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

fsm_code fsm__dir_make_empty(const char *path, fsm_error *err) {
  fsm_code code = fsm__dir_make(path, err);
  if (code != FSM_OK) return code;
  DIR *dir = opendir(path);
  if (dir == NULL) return fsm__file_fault(err, path, "the directory cannot be read");
  bool empty = true;
  for (struct dirent *entry; empty && (entry = readdir(dir)) != NULL;) empty = is_dots(entry->d_name);
  closedir(dir);
  return empty ? FSM_OK : fsm_fail(err, FSM_EEXISTS, path, "the directory is not empty");
}

fsm_code fsm__dir_sync(const char *path, fsm_error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fsm__file_fault(err, path, "the directory cannot be opened");
  fsm_code code = fsync(fd) == 0 ? FSM_OK : fsm__file_fault(err, path, "the directory cannot be synced");
  close(fd);
  return code;
}

uint64_t fsm__dir_bytes(const char *path) {
  DIR *dir = opendir(path);
  uint64_t bytes = 0;
  if (dir == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    struct stat st;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
      bytes += (uint64_t)st.st_size;
  }
  closedir(dir);
  return bytes;
}

static void remove_at(int parent, const char *name, unsigned depth) {
  enum { DEPTH_MAX = 16 };
  if (unlinkat(parent, name, 0) == 0 || depth == DEPTH_MAX) return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (dir == NULL) {
    if (fd >= 0) close(fd);
    return;
  }
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if (!is_dots(entry->d_name)) remove_at(fd, entry->d_name, depth + 1);
  closedir(dir);
  (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void fsm__tree_remove(const char *path) { remove_at(AT_FDCWD, path, 0); }

/* ---- files -------------------------------------------------------------------------------------- */

static fsm_code write_all(int fd, const char *path, const void *data, size_t len, fsm_error *err) {
  for (size_t done = 0; done < len;) {
    ssize_t n = write(fd, (const char *)data + done, len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fsm__file_fault(err, path, "the file cannot be written");
    done += (size_t)n;
  }
  return FSM_OK;
}

static fsm_code sync_and_close(int fd, const char *path, fsm_code code, fsm_error *err) {
  if (code == FSM_OK && fsync(fd) != 0) code = fsm__file_fault(err, path, "the file cannot be synced");
  if (close(fd) != 0 && code == FSM_OK) code = fsm__file_fault(err, path, "the file cannot be closed");
  return code;
}

fsm_code fsm__file_write(const char *dir, const char *name, const void *data, size_t len, fsm_error *err) {
  fsm__path path, tmp;
  fsm_code code = fsm__path_of(&path, err, "%s/%s", dir, name);
  if (code == FSM_OK) code = fsm__path_of(&tmp, err, "%s/%s.tmp", dir, name);
  if (code != FSM_OK) return code;
  int fd = open(tmp.text, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fsm__file_fault(err, tmp.text, "the file cannot be made");
  code = sync_and_close(fd, tmp.text, write_all(fd, tmp.text, data, len, err), err);
  if (code == FSM_OK && rename(tmp.text, path.text) != 0)
    code = fsm__file_fault(err, path.text, "the file cannot be put in place");
  if (code == FSM_OK) return fsm__dir_sync(dir, err);
  (void)unlink(tmp.text);
  return code;
}

/* Called for each part of a file, in order. */
typedef fsm_code (*part_fn)(void *arg, const void *data, size_t len, fsm_error *err);

static fsm_code each_part(const char *path, part_fn fn, void *arg, fsm_error *err) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fsm__file_fault(err, path, "the file cannot be opened");
  void *part = malloc(COPY_BYTES);
  fsm_code code = part != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, path, "no memory to read the file");
  if (code == FSM_OK && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
    code = fsm_fail(err, FSM_EPERMISSION, path, "it is not a regular file");
  while (code == FSM_OK) {
    ssize_t n = read(fd, part, COPY_BYTES);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) code = fsm__file_fault(err, path, "the file cannot be read");
    if (n <= 0) break;
    code = fn(arg, part, (size_t)n, err);
  }
  free(part);
  close(fd);
  return code;
}

typedef struct reading {
  const char *path;
  size_t max;
  fsm_buf *out;
} reading;

static fsm_code keep_part(void *arg, const void *data, size_t len, fsm_error *err) {
  reading *r = arg;
  if (r->out->len + len > r->max)
    return fsm_fail(err, FSM_ETOOLARGE, r->path, "the file is longer than %zu bytes", r->max);
  fsm_buf_add(r->out, data, len);
  return fsm_buf_ok(r->out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, r->path, "no memory for the file");
}

fsm_code fsm__file_read(const char *path, size_t max, fsm_buf *out, fsm_error *err) {
  return each_part(path, keep_part, &(reading){.path = path, .max = max, .out = out}, err);
}

typedef struct copying {
  const char *to;
  int fd; /* -1 = only the hash is wanted */
  uint64_t bytes, unsynced;
  fsm__digest *digest;
} copying;

/* Synced as it goes: one fsync of a gigabyte at the end would hold up everybody else's. */
static fsm_code copy_part(void *arg, const void *data, size_t len, fsm_error *err) {
  copying *c = arg;
  fsm__digest_add(c->digest, data, len);
  c->bytes += len;
  c->unsynced += len;
  if (c->fd < 0) return FSM_OK;
  fsm_code code = write_all(c->fd, c->to, data, len, err);
  if (code != FSM_OK || c->unsynced < SYNC_EVERY_BYTES) return code;
  c->unsynced = 0;
  return fdatasync(c->fd) == 0 ? FSM_OK : fsm__file_fault(err, c->to, "the file cannot be synced");
}

static fsm_code digest_all(const char *path, copying *c, uint64_t *bytes, fsm__hash *hash, fsm_error *err) {
  c->digest = fsm__digest_new();
  if (c->digest == NULL) return fsm_fail(err, FSM_ENOMEM, path, "no memory to read the file");
  fsm_code code = each_part(path, copy_part, c, err);
  *hash = fsm__digest_end(c->digest);
  *bytes = c->bytes;
  return code;
}

fsm_code fsm__file_hash(const char *path, uint64_t *bytes, fsm__hash *hash, fsm_error *err) {
  return digest_all(path, &(copying){.fd = -1}, bytes, hash, err);
}

fsm_code fsm__file_copy(const char *from, const char *to, uint64_t *bytes, fsm__hash *hash, fsm_error *err) {
  copying c = {.to = to, .fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (c.fd < 0) return fsm__file_fault(err, to, "the file cannot be made");
  fsm_code code = sync_and_close(c.fd, to, digest_all(from, &c, bytes, hash, err), err);
  if (code != FSM_OK) (void)unlink(to);
  return code;
}

static fsm_code sync_parent(const char *path, fsm_error *err) {
  fsm__path parent;
  const char *slash = strrchr(path, '/');
  fsm_code code = slash == NULL ? fsm__path_of(&parent, err, ".")
                                : fsm__path_of(&parent, err, "%.*s/", (int)(slash - path), path);
  return code == FSM_OK ? fsm__dir_sync(parent.text, err) : code;
}

fsm_code fsm__file_move(const char *from, const char *to, fsm_error *err) {
  if (rename(from, to) != 0) return fsm__file_fault(err, from, "it cannot be moved");
  fsm_code code = sync_parent(to, err);
  return code == FSM_OK ? sync_parent(from, err) : code;
}
