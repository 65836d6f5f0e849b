/* inject.c: see inject.h. */
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t counted[CALL_COUNT];
static _Atomic bool armed;
static inject_call target;
static uint64_t target_nth;
static int target_errno;
static _Atomic int64_t nowhere_ns, *fired_ns = &nowhere_ns;
static _Atomic bool nowhere, *fired_in_journal = &nowhere;
static const _Atomic bool *is_open = &nowhere;

const char *inject_name(inject_call call) {
  static const char *const names[] = {
#define X(symbol, name) name,
      INJECT_CALLS(X)
#undef X
  };
  return names[call];
}

int64_t inject_now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void inject_arm(inject_call call, uint64_t nth, int errno_or_short) {
  for (int i = 0; i < CALL_COUNT; i++) atomic_store(&counted[i], 0);
  target = call;
  target_nth = nth;
  target_errno = errno_or_short;
  atomic_store(&armed, true);
}

void inject_off(void) { atomic_store(&armed, false); }
uint64_t inject_counted(inject_call call) { return atomic_load(&counted[call]); }

void inject_report(_Atomic int64_t *ns, _Atomic bool *journal, const _Atomic bool *open_now) {
  is_open = open_now;
  fired_ns = ns;
  fired_in_journal = journal;
}

/* Is this the call that fails? */
static bool fails(inject_call call) {
  if (!atomic_load_explicit(&armed, memory_order_relaxed)) return false;
  uint64_t n = atomic_fetch_add(&counted[call], 1);
  if (call != target || n != target_nth) return false;
  atomic_store(fired_ns, inject_now_ns());
  errno = target_errno;
  return true;
}

static bool of_journal(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, path, sizeof path - 1);
  if (len <= 0) return false;
  path[len] = '\0';
  /* a backup has copies of them */
  return strstr(path, "/journal/") != NULL && strstr(path, ".seg") != NULL &&
         strstr(path, "/backup/") == NULL;
}

/* The same for a call on a file: notes whose it was. A short one goes on with half of the bytes. */
static bool fails_on(inject_call call, int fd) {
  if (!fails(call)) return false;
  int saved = errno;
  atomic_store(fired_in_journal, atomic_load(is_open) && of_journal(fd));
  errno = saved;
  return true;
}

static size_t half(size_t len) { return len > 1 ? len / 2 : len; }

/* ---- allocations of our code -------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
  if (!fails(CALL_MALLOC)) return __real_malloc(size);
  errno = ENOMEM;
  return NULL;
}

void *__wrap_calloc(size_t count, size_t size) {
  if (!fails(CALL_MALLOC)) return __real_calloc(count, size);
  errno = ENOMEM;
  return NULL;
}

void *__wrap_realloc(void *at, size_t size) {
  if (!fails(CALL_MALLOC)) return __real_realloc(at, size);
  errno = ENOMEM;
  return NULL;
}

char *__wrap_strdup(const char *text) {
  if (!fails(CALL_MALLOC)) return __real_strdup(text);
  errno = ENOMEM;
  return NULL;
}

/* ---- system calls, LMDB's too ------------------------------------------------------------------- */

#pragma GCC visibility push(default)

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  if (fails_on(CALL_PWRITE, fd)) {
    if (target_errno != INJECT_SHORT) return -1;
    len = half(len);
  }
  return syscall(SYS_pwrite64, fd, data, len, at);
}
ssize_t pwrite64(int fd, const void *data, size_t len, off_t at) { return pwrite(fd, data, len, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  if (fails_on(CALL_PWRITEV, fd)) {
    if (target_errno != INJECT_SHORT) return -1;
    return syscall(SYS_pwrite64, fd, parts[0].iov_base, half(parts[0].iov_len), at);
  }
  return syscall(SYS_pwritev, fd, parts, count, at, 0);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
  return pwritev(fd, parts, count, at);
}

ssize_t write(int fd, const void *data, size_t len) {
  if (fd > 2 && fails_on(CALL_WRITE, fd)) {
    if (target_errno != INJECT_SHORT) return -1;
    len = half(len);
  }
  return syscall(SYS_write, fd, data, len);
}

ssize_t read(int fd, void *data, size_t len) {
  if (fails_on(CALL_READ, fd)) {
    if (target_errno != INJECT_SHORT) return -1;
    len = half(len);
  }
  return syscall(SYS_read, fd, data, len);
}

ssize_t pread(int fd, void *data, size_t len, off_t at) {
  if (fails_on(CALL_PREAD, fd)) {
    if (target_errno != INJECT_SHORT) return -1;
    len = half(len);
  }
  return syscall(SYS_pread64, fd, data, len, at);
}
ssize_t pread64(int fd, void *data, size_t len, off_t at) { return pread(fd, data, len, at); }

int fdatasync(int fd) { return fails_on(CALL_FDATASYNC, fd) ? -1 : 0; } /* the disk is memory here */
int fsync(int fd) { return fails_on(CALL_FSYNC, fd) ? -1 : 0; }

int ftruncate(int fd, off_t size) {
  return fails_on(CALL_FTRUNCATE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t at, off_t len) {
  return fails_on(CALL_FALLOCATE, fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, len);
}
int fallocate64(int fd, int mode, off_t at, off_t len) { return fallocate(fd, mode, at, len); }

static int opened(int dirfd, const char *name, int flags, mode_t mode) {
  return fails(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, dirfd, name, flags, mode);
}

#define MODE_OF(flags, mode)     \
  mode_t mode = 0;               \
  if ((flags)&O_CREAT) {         \
    va_list args;                \
    va_start(args, flags);       \
    mode = va_arg(args, mode_t); \
    va_end(args);                \
  }

int open(const char *name, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(AT_FDCWD, name, flags, mode);
}
int openat(int dirfd, const char *name, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(dirfd, name, flags, mode);
}
int openat64(int dirfd, const char *name, int flags, ...) {
  MODE_OF(flags, mode)
  return opened(dirfd, name, flags, mode);
}

void *mmap(void *where, size_t len, int prot, int flags, int fd, off_t at) {
  if (fd >= 0 && fails_on(CALL_MMAP, fd)) return MAP_FAILED;
  long got = syscall(SYS_mmap, where, len, prot, flags, fd, at);
  return (void *)got;
}
void *mmap64(void *where, size_t len, int prot, int flags, int fd, off_t at) {
  return mmap(where, len, prot, flags, fd, at);
}

int fcntl(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  void *arg = va_arg(args, void *);
  va_end(args);
  return fails_on(CALL_FCNTL, fd) ? -1 : (int)syscall(SYS_fcntl, fd, command, arg);
}
int fcntl64(int fd, int command, ...) {
  va_list args;
  va_start(args, command);
  void *arg = va_arg(args, void *);
  va_end(args);
  return fails_on(CALL_FCNTL, fd) ? -1 : (int)syscall(SYS_fcntl, fd, command, arg);
}

ssize_t getrandom(void *data, size_t len, unsigned flags) {
  if (fails(CALL_GETRANDOM)) {
    if (target_errno != INJECT_SHORT) return -1;
    len = half(len);
  }
  return syscall(SYS_getrandom, data, len, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  return fails(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int mkdirat(int dirfd, const char *name, mode_t mode) {
  return fails(CALL_MKDIR) ? -1 : (int)syscall(SYS_mkdirat, dirfd, name, mode);
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int unlinkat(int dirfd, const char *name, int flags) {
  return fails(CALL_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, dirfd, name, flags);
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

#pragma GCC visibility pop
