/* scratch_disk.h: a small disk of its own for a test: a tmpfs in a mount namespace of this process alone, and
 * a ballast file on it, which leaves exactly as much room as a test asks for. */
#ifndef SCRATCH_DISK_H
#define SCRATCH_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DISK_PAGE = 4096 };

static inline bool disk_put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  if (fd >= 0) close(fd);
  return good;
}

/* As root a mount namespace is enough; else one of users too, in which we are who we were. Before any thread.
 */
static inline bool disk_space_of_our_own(void) {
  char map[64];
  unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWNS) == 0) return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  if (!disk_put("/proc/self/uid_map", map) || !disk_put("/proc/self/setgroups", "deny")) return false;
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  return disk_put("/proc/self/gid_map", map) && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static inline bool disk_mount(const char *path, size_t bytes) {
  char how[64];
  snprintf(how, sizeof how, "size=%zu,mode=0700", bytes);
  return mount("fsm-test", path, "tmpfs", MS_NOSUID | MS_NODEV, how) == 0;
}

static inline void disk_unmount(const char *path) { (void)umount2(path, MNT_DETACH); }

static inline size_t disk_free(const char *path) {
  struct statvfs found;
  if (statvfs(path, &found) != 0) return 0;
  return (size_t)found.f_bavail * found.f_frsize;
}

static inline void disk_ballast_path(char out[128], const char *path) {
  snprintf(out, 128, "%s/ballast", path);
}

/* The room that is left, up to a page; nothing when there is less already. */
static inline void disk_leave(const char *path, size_t bytes) {
  char name[128];
  static const char zeroes[DISK_PAGE];
  disk_ballast_path(name, path);
  int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  for (size_t left = disk_free(path); left >= bytes + DISK_PAGE; left -= DISK_PAGE)
    if (write(fd, zeroes, sizeof zeroes) != (ssize_t)sizeof zeroes) break;
  close(fd);
}

static inline void disk_drop_ballast(const char *path) {
  char name[128];
  disk_ballast_path(name, path);
  unlink(name);
}

#endif
