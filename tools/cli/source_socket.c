/* source_socket.c: whether a socket in a data directory is a daemon's, of this user or of root, that nobody
 * else can have put there; and whether anybody listens on it. */
#include "tools/cli/source_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/web.h"

static bool is_ours(const struct stat *info) { return info->st_uid == geteuid() || info->st_uid == 0; }

/* Whoever can put a socket there would be told the token and believed what it answers. */
static fsm_code check_private(const char *dir, const struct stat *dir_info, const char *path,
                              const struct stat *info, fsm_error *err) {
  static const char own[] =
      "belongs to user %u, neither to this user nor to root; "
      "if it is to be trusted, name it: --socket PATH";
  unsigned mode = (unsigned)(dir_info->st_mode & 07777);
  if (!is_ours(dir_info)) return fsm_fail(err, FSM_EPERMISSION, dir, own, (unsigned)dir_info->st_uid);
  if ((mode & (S_IWGRP | S_IWOTH)) != 0)
    return fsm_fail(err, FSM_EPERMISSION, dir, "others may put files there: mode %04o: set 0700", mode);
  if (!S_ISSOCK(info->st_mode)) return fsm_fail(err, FSM_EPERMISSION, path, "is not a socket");
  if (!is_ours(info)) return fsm_fail(err, FSM_EPERMISSION, path, own, (unsigned)info->st_uid);
  return FSM_OK;
}

static bool has(int dir, const char *name) {
  struct stat info;
  return fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static fsm_code look_into(int fd, const char *dir, const char *path, fsm_error *err) {
  struct stat dir_info, info;
  if (fstat(fd, &dir_info) != 0)
    return fsm_fail(err, FSM_EIO, dir, "cannot be looked at: %s", strerror(errno));
  if (fstatat(fd, CLI_SOCKET_NAME, &info, AT_SYMLINK_NOFOLLOW) == 0)
    return check_private(dir, &dir_info, path, &info, err);
  if (errno != ENOENT)
    return fsm_fail(err, FSM_EPERMISSION, dir, "cannot be looked into: %s", strerror(errno));
  if (has(fd, "store") || has(fd, "journal")) return FSM_ENOTFOUND;
  return fsm_fail(err, FSM_EARGUMENT, dir, "is not a data directory of fsmd: it has no store and no journal");
}

fsm_code cli_socket_look(const char *dir, const char *path, fsm_error *err) {
  int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return FSM_ENOTFOUND;
  if (fd < 0 && errno == ENOTDIR) return fsm_fail(err, FSM_EARGUMENT, dir, "is not a data directory");
  if (fd < 0)
    return fsm_fail(err, errno == EACCES ? FSM_EPERMISSION : FSM_EIO, dir, "cannot be opened: %s",
                    strerror(errno));
  fsm_code code = look_into(fd, dir, path, err);
  close(fd);
  return code;
}

fsm_code cli_socket_knock(const char *path, fsm_error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path)
    return fsm_fail(err, FSM_EARGUMENT, path, "a socket path has at most %d bytes", FSM_WEB_SOCKET_MAX);
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fsm_fail(err, FSM_EIO, path, "no socket can be made: %s", strerror(errno));
  int failed = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
  close(fd);
  if (failed == 0) return FSM_OK;
  if (failed == ENOENT || failed == ECONNREFUSED) return FSM_ENOTFOUND;
  if (failed == EACCES || failed == EPERM)
    return fsm_fail(err, FSM_EPERMISSION, path, "the daemon's socket is not open to this user");
  return fsm_fail(err, FSM_EUNREACHABLE, path, "%s", strerror(failed));
}
