/* store_dir.c: the directory of a store: made, checked, locked.
 *
 * One process at a time writes: it holds `lock` exclusively (flock) for life and keeps its pid in it.
 * Readers of a stopped store hold it shared, and open everything read-only. Nothing here follows a
 * symbolic link; the directory is 0700 and everything in it belongs to its owner alone, so nobody else
 * can put another file in place between a check and its use.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/store_impl.h"

static fsm_code system_fail(fsm_error *err, const char *where, const char *what) {
  int e = errno;
  fsm_code code = e == ENOENT                                             ? FSM_ENOTFOUND
                  : e == EACCES || e == EPERM || e == ELOOP || e == EROFS ? FSM_EPERMISSION
                  : e == ENOSPC || e == EDQUOT                            ? FSM_EFULL
                                                                          : FSM_EIO;
  return fsm_fail(err, code, where, "%s: %s", what, strerror(e));
}

/* Root may look at another user's stopped store, but would leave files behind that its owner cannot
 * open, so it may not write. */
static fsm_code check_dir(const fsm__store_dir *dir, struct stat *found, fsm_error *err) {
  if (fstat(dir->fd, found)) return system_fail(err, dir->path, "cannot look at the directory");
  uid_t me = geteuid();
  if (found->st_uid != me && !(dir->read_only && me == 0))
    return fsm_fail(err, FSM_EPERMISSION, dir->path, "the directory belongs to user %u, not to %u",
                    (unsigned)found->st_uid, (unsigned)me);
  if (found->st_mode & 077)
    return fsm_fail(err, FSM_EPERMISSION, dir->path, "the directory is open to others (mode %03o, not 700)",
                    (unsigned)(found->st_mode & 0777));
  return FSM_OK;
}

/* A missing file is fine. */
static fsm_code check_file(const fsm__store_dir *dir, uid_t owner, const char *name, off_t *size,
                           fsm_error *err) {
  struct stat found;
  *size = 0;
  if (fstatat(dir->fd, name, &found, AT_SYMLINK_NOFOLLOW))
    return errno == ENOENT ? FSM_OK : system_fail(err, name, "cannot look at the file");
  if (!S_ISREG(found.st_mode)) return fsm_fail(err, FSM_EPERMISSION, name, "it is not a regular file");
  if (found.st_uid != owner)
    return fsm_fail(err, FSM_EPERMISSION, name, "the file belongs to user %u, its directory to %u",
                    (unsigned)found.st_uid, (unsigned)owner);
  if (found.st_mode & 077)
    return fsm_fail(err, FSM_EPERMISSION, name, "the file is open to others (mode %03o, not 600)",
                    (unsigned)(found.st_mode & 0777));
  *size = found.st_size;
  return FSM_OK;
}

static bool is_making(const fsm__store_dir *dir) {
  struct stat st;
  return !fstatat(dir->fd, FSM_STORE_MAKING_FILE, &st, AT_SYMLINK_NOFOLLOW);
}

static fsm_code check_all(fsm__store_dir *dir, fsm_error *err) {
  struct stat own;
  off_t size, data = 0;
  fsm_code code = check_dir(dir, &own, err);
  if (!code) code = check_file(dir, own.st_uid, FSM_STORE_LOCK_FILE, &size, err);
  if (!code) code = check_file(dir, own.st_uid, FSM_STORE_READERS_FILE, &size, err);
  if (!code) code = check_file(dir, own.st_uid, FSM_STORE_DATA_FILE, &data, err);
  dir->empty = data < FSM_STORE_LEAST_BYTES || is_making(dir);
  return code;
}

/* The pid that the lock file names, when that process lives; else 0. */
static long holder(int lock_fd) {
  char text[24];
  ssize_t len = pread(lock_fd, text, sizeof text - 1, 0);
  if (len <= 0) return 0;
  text[len] = 0;
  long pid = strtol(text, NULL, 10);
  if (pid <= 0 || pid > INT32_MAX || (kill((pid_t)pid, 0) && errno != EPERM)) return 0;
  return pid;
}

/* A writer in whose way readers are can share the lock with them: only that tells them from a writer, for
 * a writer that was killed leaves its pid behind. *ours: they ended meanwhile, and the lock is ours. */
static bool shared(int lock_fd, bool *ours) {
  if (flock(lock_fd, LOCK_SH | LOCK_NB)) return false;
  *ours = !flock(lock_fd, LOCK_EX | LOCK_NB);
  return true;
}

static fsm_code lock(fsm__store_dir *dir, fsm_error *err) {
  int flags = dir->read_only ? O_RDONLY : O_RDWR | O_CREAT;
  dir->lock_fd = openat(dir->fd, FSM_STORE_LOCK_FILE, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (dir->lock_fd < 0) return system_fail(err, dir->path, "cannot open the lock file");
  if (!flock(dir->lock_fd, (dir->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB)) return FSM_OK;
  if (errno != EWOULDBLOCK) return system_fail(err, dir->path, "cannot lock");
  bool ours = false;
  if (!dir->read_only && shared(dir->lock_fd, &ours))
    return ours ? FSM_OK : fsm_fail(err, FSM_ELOCKED, dir->path, FSM_STORE_READ_ELSEWHERE);
  long pid = holder(dir->lock_fd);
  if (pid) return fsm_fail(err, FSM_ELOCKED, dir->path, "process %ld holds it", pid);
  return fsm_fail(err, FSM_ELOCKED, dir->path, "another process holds it");
}

static fsm_code open_dir(fsm__store_dir *dir, bool make, fsm_error *err) {
  if (make && mkdir(dir->path, 0700) && errno != EEXIST)
    return system_fail(err, dir->path, "cannot make the directory");
  dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (dir->fd < 0 && errno == ENOTDIR)
    return fsm_fail(err, FSM_EPERMISSION, dir->path, "it is not a directory, or a symbolic link");
  if (dir->fd < 0) return system_fail(err, dir->path, "cannot open the directory");
  return FSM_OK;
}

fsm_code fsm__store_dir_open(fsm__store_dir *dir, const char *path, bool read_only, bool make,
                             fsm_error *err) {
  FSM_ASSERT(dir && path && !(read_only && make));
  *dir = (fsm__store_dir){.path = strdup(path), .fd = -1, .lock_fd = -1, .read_only = read_only};
  if (!dir->path) return fsm_fail(err, FSM_ENOMEM, path, "no memory to open the store");
  fsm_code code = open_dir(dir, make, err);
  if (!code) code = check_all(dir, err);
  if (!code && dir->empty && !make) code = fsm_fail(err, FSM_ENOTFOUND, path, "there is no store");
  if (!code) code = lock(dir, err);
  if (!code) code = check_all(dir, err); /* again: the one who held the lock may have made the data file */
  if (code) fsm__store_dir_close(dir);
  return code;
}

void fsm__store_dir_close(fsm__store_dir *dir) {
  if (dir->claimed && ftruncate(dir->lock_fd, 0)) dir->claimed = false; /* a stale pid is looked through */
  if (dir->lock_fd >= 0) close(dir->lock_fd);
  if (dir->fd >= 0) close(dir->fd);
  free(dir->path);
  *dir = (fsm__store_dir){.fd = -1, .lock_fd = -1};
}

void fsm__store_dir_claim(fsm__store_dir *dir) {
  FSM_ASSERT(!dir->read_only && dir->lock_fd >= 0);
  char text[24];
  int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  /* It only serves a message: a full disk must not keep anyone from opening. */
  if (ftruncate(dir->lock_fd, 0) || pwrite(dir->lock_fd, text, (size_t)len, 0) < 0) return;
  dir->claimed = true;
}

/* What a disk without room, or a loss of power, left of the first pages: LMDB would take it for damage. The
 * mark is durable before there is a data file, and gone, durably, before anything counts on the store. */
static fsm_code begin_making(const fsm__store_dir *dir, fsm_error *err) {
  int fd = openat(dir->fd, FSM_STORE_MAKING_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return system_fail(err, FSM_STORE_MAKING_FILE, "cannot make the file");
  close(fd);
  if (fsync(dir->fd)) return system_fail(err, dir->path, "cannot sync the directory");
  if (!unlinkat(dir->fd, FSM_STORE_DATA_FILE, 0) || errno == ENOENT) return FSM_OK;
  return system_fail(err, FSM_STORE_DATA_FILE, "cannot remove what was never a store");
}

fsm_code fsm__store_dir_made(const fsm__store_dir *dir, fsm_error *err) {
  if (unlinkat(dir->fd, FSM_STORE_MAKING_FILE, 0) && errno != ENOENT)
    return system_fail(err, FSM_STORE_MAKING_FILE, "cannot remove the file");
  if (fsync(dir->fd)) return system_fail(err, dir->path, "cannot sync the directory");
  return FSM_OK;
}

fsm_code fsm__store_dir_prepare(const fsm__store_dir *dir, fsm_error *err) {
  FSM_ASSERT(!dir->read_only && dir->lock_fd >= 0);
  fsm_code code = dir->empty ? begin_making(dir, err) : FSM_OK;
  if (code) return code;
  int fd = openat(dir->fd, FSM_STORE_READERS_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return system_fail(err, FSM_STORE_READERS_FILE, "cannot open the file");
  int fault;
  do fault = posix_fallocate(fd, 0, FSM_STORE_READERS_BYTES);
  while (fault == EINTR);
  close(fd);
  errno = fault;
  return fault ? system_fail(err, FSM_STORE_READERS_FILE, "no room for LMDB's lock file") : FSM_OK;
}

fsm_code fsm__store_dir_sync(const fsm__store_dir *dir, fsm_error *err) {
  if (fsync(dir->fd)) return system_fail(err, dir->path, "cannot sync the directory");
  int parent = openat(dir->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return system_fail(err, dir->path, "cannot open the parent directory");
  fsm_code code = fsync(parent) ? system_fail(err, dir->path, "cannot sync the parent directory") : FSM_OK;
  close(parent);
  return code;
}

bool fsm__store_dir_holds(const fsm__store_dir *dir, const char *name, int fd) {
  struct stat opened, named;
  return !fstat(fd, &opened) && !fstatat(dir->fd, name, &named, AT_SYMLINK_NOFOLLOW) &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}
