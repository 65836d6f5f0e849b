/* tls.c: the files are read once, before anything is served. What is in them is judged by who uses it. */
#include "runtime/daemon/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/web_secret.h"

static fsm_code check_file(int fd, const char *path, bool secret, size_t *size, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fsm_fail(err, FSM_EARGUMENT, path, "it is not a file");
  if (st.st_size == 0 || st.st_size > FSM__TLS_FILE_MAX)
    return fsm_fail(err, FSM_EARGUMENT, path, "it has not 1 to %d bytes", FSM__TLS_FILE_MAX);
  *size = (size_t)st.st_size;
  if (!secret) return FSM_OK;
  if ((st.st_mode & 077) != 0 && !fsm__secret_is_closed(path, st.st_mode, st.st_uid))
    return fsm_fail(err, FSM_EARGUMENT, path, "others may read or write the key (mode %04o): chmod 600",
                    (unsigned)st.st_mode & 07777);
  if (st.st_uid != geteuid() && st.st_uid != 0)
    return fsm_fail(err, FSM_EARGUMENT, path, "the key belongs to user %u, neither to this one nor to root",
                    (unsigned)st.st_uid);
  return FSM_OK;
}

static fsm_code read_all(int fd, const char *path, size_t size, fsm_buf *out, fsm_error *err) {
  if (!fsm_buf_reserve(out, size + 1)) return fsm_fail(err, FSM_ENOMEM, path, "no memory for the file");
  while (out->len < size) {
    const ssize_t got = read(fd, out->data + out->len, size - out->len);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fsm_fail(err, FSM_EARGUMENT, path, "it cannot be read");
    out->len += (size_t)got;
  }
  if (memchr(out->data, 0, size) || !memmem(out->data, size, "-----BEGIN ", 11))
    return fsm_fail(err, FSM_EARGUMENT, path, "it is not PEM: a block between -----BEGIN and -----END");
  return FSM_OK;
}

static fsm_code load(const char *path, bool secret, fsm_buf *out, fsm_error *err) {
  size_t size = 0;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, path, "it cannot be opened: %m");
  fsm_code code = check_file(fd, path, secret, &size, err);
  if (code == FSM_OK) code = read_all(fd, path, size, out, err);
  close(fd);
  return code;
}

fsm_code fsm__tls_load(const char *cert, const char *key, fsm__tls *out, fsm_error *err) {
  FSM_ASSERT(cert && key && out);
  *out = (fsm__tls){0};
  fsm_code code = load(cert, false, &out->cert, err);
  if (code == FSM_OK) code = load(key, true, &out->key, err);
  if (code != FSM_OK) fsm__tls_free(out);
  return code;
}

void fsm__tls_free(fsm__tls *tls) {
  if (tls->key.data) explicit_bzero(tls->key.data, tls->key.cap);
  fsm_buf_free(&tls->key);
  fsm_buf_free(&tls->cert);
}
