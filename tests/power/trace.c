/* trace.c: see trace.h. The calls go on to the kernel by syscall(2). */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, FILES_MAX = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_SIZE];
static size_t root_len;
static bool on, no_room;
static op *ops;
static size_t count, cap;
static ino_t inodes[FILES_MAX]; /* of file number i; 0 = its inode is free again */
static unsigned files;

/* ---- keeping ------------------------------------------------------------------------------------ */

static op *keep(op_kind kind) {
  if (count == cap) {
    cap = cap ? 2 * cap : 1024;
    ops = realloc(ops, cap * sizeof *ops);
    if (ops == NULL) abort();
  }
  ops[count] = (op){.kind = kind};
  return &ops[count++];
}

/* The part of an absolute path that is below the root; NULL outside. */
static const char *below(const char *path) {
  if (!on || strncmp(path, root, root_len) != 0) return NULL;
  if (path[root_len] == '\0') return "";
  return path[root_len] == '/' ? path + root_len + 1 : NULL;
}

static bool path_of_fd(int fd, char out[PATH_SIZE]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, out, PATH_SIZE - 1);
  if (len < 0) return false;
  out[len] = '\0';
  return true;
}

/* Of (dirfd, name), for calls that take both. */
static bool path_at(int dirfd, const char *name, char out[PATH_SIZE]) {
  if (name[0] == '/') return snprintf(out, PATH_SIZE, "%s", name) < PATH_SIZE;
  char base[PATH_SIZE];
  if (dirfd == AT_FDCWD ? getcwd(base, sizeof base) == NULL : !path_of_fd(dirfd, base)) return false;
  return snprintf(out, PATH_SIZE, "%s/%s", base, name) < PATH_SIZE;
}

/* The number of an open file below the root, which is noted when it is seen for the first time; -1 = none of
 * ours. */
static int file_of(int fd) {
  struct stat st;
  char path[PATH_SIZE];
  if (!on || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return -1;
  for (unsigned i = files; i-- > 0;)
    if (inodes[i] == st.st_ino) return (int)i;
  if (!path_of_fd(fd, path) || below(path) == NULL) return -1;
  if (files == FILES_MAX) abort();
  op *made = keep(OP_CREATE);
  made->path = strdup(below(path));
  made->file = files;
  inodes[files] = st.st_ino;
  return (int)files++;
}

/* ---- the calls ---------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *data, size_t len) {
  return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

/* LMDB must find them too. */
#pragma GCC visibility push(default)

static void note_write(int fd, const struct iovec *parts, int part_count, uint64_t at, size_t len) {
  int file = file_of(fd);
  if (file < 0 || len == 0) return;
  uint8_t *data = malloc(len);
  if (data == NULL) abort();
  size_t got = 0;
  for (int i = 0; i < part_count && got < len; i++) {
    size_t part = parts[i].iov_len < len - got ? parts[i].iov_len : len - got;
    memcpy(data + got, parts[i].iov_base, part);
    got += part;
  }
  if (all_zero(data, len)) free(data), data = NULL;
  op *o = keep(OP_WRITE);
  o->file = (unsigned)file;
  o->at = at;
  o->len = len;
  o->data = data;
  o->durable = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

static bool fits(int fd, uint64_t end) {
  struct stat st;
  if (!no_room || file_of(fd) < 0 || fstat(fd, &st) != 0 || (uint64_t)st.st_size >= end) return true;
  errno = ENOSPC;
  return false;
}

static uint64_t bytes_of(const struct iovec *parts, int part_count) {
  uint64_t bytes = 0;
  for (int i = 0; i < part_count; i++) bytes += parts[i].iov_len;
  return bytes;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  pthread_mutex_lock(&lock);
  ssize_t done = fits(fd, (uint64_t)at + len) ? syscall(SYS_pwrite64, fd, data, len, at) : -1;
  const struct iovec part = {(void *)(uintptr_t)data, len};
  if (done > 0) note_write(fd, &part, 1, (uint64_t)at, (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) { return pwrite(fd, data, len, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int part_count, off_t at) {
  pthread_mutex_lock(&lock);
  const bool room = fits(fd, (uint64_t)at + bytes_of(parts, part_count));
  ssize_t done = room ? syscall(SYS_pwritev, fd, parts, part_count, at, 0) : -1;
  if (done > 0) note_write(fd, parts, part_count, (uint64_t)at, (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int part_count, off_t at) {
  return pwritev(fd, parts, part_count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int part_count) {
  pthread_mutex_lock(&lock);
  off_t at = on ? lseek(fd, 0, SEEK_CUR) : -1;
  const bool room = at < 0 || fits(fd, (uint64_t)at + bytes_of(parts, part_count));
  ssize_t done = room ? syscall(SYS_writev, fd, parts, part_count) : -1;
  if (done > 0 && at >= 0) note_write(fd, parts, part_count, (uint64_t)at, (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *data, size_t len) {
  const struct iovec part = {(void *)(uintptr_t)data, len};
  return writev(fd, &part, 1);
}

static int traced_sync(long call, int fd) {
  char path[PATH_SIZE];
  struct stat st;
  pthread_mutex_lock(&lock);
  size_t since = count;
  int file = file_of(fd);
  bool dir =
      on && file < 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && path_of_fd(fd, path) && below(path);
  if (file >= 0) since = count;
  pthread_mutex_unlock(&lock);
  int done =
      (file >= 0 || dir) ? 0 : (int)syscall(call, fd); /* the trace is the disk: nothing is waited for */
  pthread_mutex_lock(&lock);
  if (file >= 0) {
    op *o = keep(OP_SYNC);
    o->file = (unsigned)file;
    o->since = since;
  } else if (dir) {
    op *o = keep(OP_SYNC_DIR);
    o->path = strdup(below(path));
    o->since = since;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int fdatasync(int fd) { return traced_sync(SYS_fdatasync, fd); }
int fsync(int fd) { return traced_sync(SYS_fsync, fd); }

int ftruncate(int fd, off_t size) {
  pthread_mutex_lock(&lock);
  int done = fits(fd, (uint64_t)size) ? (int)syscall(SYS_ftruncate, fd, size) : -1;
  int file = done == 0 ? file_of(fd) : -1;
  if (file >= 0) {
    op *o = keep(OP_TRUNCATE);
    o->file = (unsigned)file;
    o->at = (uint64_t)size;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int openat(int dirfd, const char *name, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  pthread_mutex_lock(&lock);
  int fd = (int)syscall(SYS_openat, dirfd, name, flags, mode);
  if (fd >= 0 && (flags & O_CREAT)) {
    int file = file_of(fd);
    if (file >= 0 && (flags & O_TRUNC)) {
      op *o = keep(OP_TRUNCATE);
      o->file = (unsigned)file;
    }
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

int openat64(int dirfd, const char *name, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
  va_end(args);
  return openat(dirfd, name, flags, mode);
}

int open(const char *name, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
  va_end(args);
  return openat(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
  va_end(args);
  return openat(AT_FDCWD, name, flags, mode);
}

static void note_path(op_kind kind, const char *path, const char *to) {
  if (below(path) == NULL) return;
  op *o = keep(kind);
  o->path = strdup(below(path));
  if (to != NULL) o->to = strdup(below(to) ? below(to) : "");
}

int mkdirat(int dirfd, const char *name, mode_t mode) {
  char path[PATH_SIZE];
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_mkdirat, dirfd, name, mode);
  if (done == 0 && path_at(dirfd, name, path)) note_path(OP_MKDIR, path, NULL);
  pthread_mutex_unlock(&lock);
  return done;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  char path[PATH_SIZE], target[PATH_SIZE];
  pthread_mutex_lock(&lock);
  int done = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
  if (done == 0 && path_at(from_dir, from, path) && path_at(to_dir, to, target))
    note_path(OP_RENAME, path, target);
  pthread_mutex_unlock(&lock);
  return done;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int dirfd, const char *name, int flags) {
  char path[PATH_SIZE];
  struct stat st;
  pthread_mutex_lock(&lock);
  bool found = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  int done = (int)syscall(SYS_unlinkat, dirfd, name, flags);
  if (done == 0 && found && path_at(dirfd, name, path) && below(path)) {
    note_path(OP_UNLINK, path, NULL);
    for (unsigned i = 0; i < files; i++)
      if (inodes[i] == st.st_ino) inodes[i] = 0;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

#pragma GCC visibility pop

/* ---- from outside ------------------------------------------------------------------------------- */

void trace_begin(const char *path) {
  pthread_mutex_lock(&lock);
  snprintf(root, sizeof root, "%s", path);
  root_len = strlen(root);
  ops = NULL;
  count = cap = 0;
  files = 0;
  no_room = false;
  on = true;
  pthread_mutex_unlock(&lock);
}

trace trace_end(void) {
  pthread_mutex_lock(&lock);
  on = false;
  trace done = {ops, count};
  ops = NULL;
  count = cap = 0;
  pthread_mutex_unlock(&lock);
  return done;
}

void trace_free(trace *t) {
  for (size_t i = 0; i < t->count; i++) {
    free(t->ops[i].data);
    free(t->ops[i].path);
    free(t->ops[i].to);
  }
  free(t->ops);
  *t = (trace){NULL, 0};
}

void trace_mark(uint64_t number) {
  pthread_mutex_lock(&lock);
  if (on) keep(OP_MARK)->at = number;
  pthread_mutex_unlock(&lock);
}

size_t trace_count(void) {
  pthread_mutex_lock(&lock);
  size_t now = count;
  pthread_mutex_unlock(&lock);
  return now;
}

void trace_full(bool full) {
  pthread_mutex_lock(&lock);
  no_room = full;
  pthread_mutex_unlock(&lock);
}
