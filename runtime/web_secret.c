/* web_secret.c: see web_secret.h. Whether the file is another one is asked of its inode, size and time,
 * before each use: a stat is nothing beside a request. */
#include "runtime/web_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fsm__secret {
  const char *name;
  char *path;
  dev_t dev;
  ino_t ino;
  struct timespec changed;
  bool read;
  char text[FSM_SECRET_MAX + 2]; /* a line end and a NUL behind it */
};

static bool is_credential(const char *path) {
  const char *dir = getenv("CREDENTIALS_DIRECTORY");
  const size_t len = dir != NULL ? strlen(dir) : 0;
  if (len < 2 || *dir != '/' || strncmp(path, dir, len) != 0 || path[len] != '/') return false;
  const char *name = path + len + 1;
  return *name != 0 && *name != '.' && strchr(name, '/') == NULL;
}

bool fsm__secret_is_closed(const char *path, unsigned mode, unsigned uid) {
  const unsigned closed = uid == 0 && is_credential(path) ? 037 : 077;
  return (mode & closed) == 0 && (uid == geteuid() || uid == 0);
}

static fsm_code check(const char *name, const char *path, const struct stat *st, fsm_error *err) {
  if (!S_ISREG(st->st_mode)) return fsm_fail(err, FSM_EARGUMENT, name, "%s is not a file", path);
  if (!fsm__secret_is_closed(path, st->st_mode, st->st_uid))
    return fsm_fail(err, FSM_EPERMISSION, name,
                    "others may read %s (mode %04o); it must be this user's or root's, and 0600 or 0400",
                    path, (unsigned)(st->st_mode & 07777));
  return FSM_OK;
}

static fsm_code open_file(const char *name, const char *path, int *fd, struct stat *st, fsm_error *err) {
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0 || fstat(*fd, st) != 0) {
    int fault = errno;
    if (*fd >= 0) close(*fd);
    return fsm_fail(err, FSM_EARGUMENT, name, "%s cannot be read: %s", path, strerror(fault));
  }
  fsm_code code = check(name, path, st, err);
  if (code != FSM_OK) close(*fd);
  return code;
}

fsm_code fsm__secret_check(const char *name, const char *path, fsm_error *err) {
  FSM_ASSERT(name != NULL && path != NULL);
  int fd;
  struct stat st;
  fsm_code code = open_file(name, path, &fd, &st, err);
  if (code == FSM_OK) close(fd);
  return code;
}

/* One line of printable text; its end is cut off. */
static fsm_code trim(fsm__secret *s, size_t len, fsm_error *err) {
  if (len > 0 && s->text[len - 1] == '\n') len--;
  if (len > 0 && s->text[len - 1] == '\r') len--;
  s->text[len] = '\0';
  if (len == 0) return fsm_fail(err, FSM_EARGUMENT, s->name, "%s is empty", s->path);
  if (len > FSM_SECRET_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, s->name, "%s has more than %d bytes", s->path, FSM_SECRET_MAX);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)s->text[i] < 0x20 || s->text[i] == 0x7f)
      return fsm_fail(err, FSM_EARGUMENT, s->name, "%s is not one line of text", s->path);
  return FSM_OK;
}

static fsm_code load(fsm__secret *s, fsm_error *err) {
  int fd;
  struct stat st;
  fsm_code code = open_file(s->name, s->path, &fd, &st, err);
  if (code != FSM_OK) return code;
  size_t len = 0;
  ssize_t got = 1;
  while (len < sizeof s->text && (got = read(fd, s->text + len, sizeof s->text - len)) > 0)
    len += (size_t)got;
  close(fd);
  if (got < 0)
    code = fsm_fail(err, FSM_EARGUMENT, s->name, "%s cannot be read: %s", s->path, strerror(errno));
  else if (len == sizeof s->text)
    code = fsm_fail(err, FSM_ETOOLARGE, s->name, "%s has more than %d bytes", s->path, FSM_SECRET_MAX);
  else
    code = trim(s, len, err);
  s->read = code == FSM_OK;
  if (!s->read) explicit_bzero(s->text, sizeof s->text);
  s->dev = st.st_dev, s->ino = st.st_ino, s->changed = st.st_ctim;
  return code;
}

fsm_code fsm__secret_open(const char *name, const char *path, fsm__secret **out, fsm_error *err) {
  FSM_ASSERT(name != NULL && path != NULL && out != NULL);
  fsm__secret *s = calloc(1, sizeof *s);
  if (s != NULL) s->path = strdup(path);
  if (s == NULL || s->path == NULL) {
    free(s);
    return fsm_fail(err, FSM_ENOMEM, name, "no memory for a secret");
  }
  s->name = name;
  fsm_code code = load(s, err);
  if (code == FSM_OK)
    *out = s;
  else
    fsm__secret_free(s);
  return code;
}

fsm_code fsm__secret_read(fsm__secret *s, const char **text, fsm_error *err) {
  FSM_ASSERT(s != NULL && text != NULL);
  struct stat st;
  bool same = s->read && stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino &&
              st.st_ctim.tv_sec == s->changed.tv_sec && st.st_ctim.tv_nsec == s->changed.tv_nsec;
  fsm_code code = same ? FSM_OK : load(s, err);
  if (code == FSM_OK) *text = s->text;
  return code;
}

void fsm__secret_free(fsm__secret *s) {
  if (s == NULL) return;
  explicit_bzero(s->text, sizeof s->text);
  free(s->path);
  free(s);
}
