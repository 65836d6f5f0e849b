/* token_key.c: one key: from which file, of whom, and fit for its algorithm or not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/public_key.h"
#include "runtime/token_impl.h"

static const char credential[] = "credential:";

void fsm__token_key_wipe(fsm__token_key *key) {
  if (key->bytes) explicit_bzero(key->bytes, key->len);
  free(key->bytes);
  for (size_t i = 0; i < key->aud_count; i++) free(key->aud[i]);
  free(key->aud);
  explicit_bzero(key, sizeof *key);
}

static bool is_secret(fsm_token_alg alg) { return alg <= FSM_TOKEN_HS512; }

fsm_code fsm__token_key_keep(fsm__token_key *key, const void *bytes, size_t len, size_t signature_bytes,
                             fsm_error *err) {
  key->bytes = malloc(len + 1);
  if (!key->bytes) return fsm_fail(err, FSM_ENOMEM, "key", "no memory for the key");
  memcpy(key->bytes, bytes, len);
  key->bytes[len] = 0;
  key->len = len;
  key->signature_bytes = signature_bytes;
  return FSM_OK;
}

fsm_code fsm__token_key_secret(fsm__token_key *key, const void *bytes, size_t len, fsm_error *err) {
  static const size_t least[] = {32, 48, 64}; /* the digest's: RFC 7518 3.2 */
  FSM_ASSERT(is_secret(key->alg) && bytes);
  if (len < least[key->alg] || len > FSM_TOKEN_KEY_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "key", "a key for %s has %zu to %d bytes, this one has %zu",
                    fsm_token_alg_name(key->alg), least[key->alg], FSM_TOKEN_KEY_MAX, len);
  if (memmem(bytes, len, "-----BEGIN ", 11))
    return fsm_fail(err, FSM_EARGUMENT, "key",
                    "this is PEM, not a secret for %s: a public key goes with RS256 or ES256",
                    fsm_token_alg_name(key->alg));
  return fsm__token_key_keep(key, bytes, len, least[key->alg], err);
}

/* ---- files ---------------------------------------------------------------------------------------- */

fsm_code fsm__token_file_path(fsm_arena *arena, const char *base, const char *name, const char **out,
                              fsm_error *err) {
  const size_t mark = sizeof credential - 1;
  if (strncmp(name, credential, mark) == 0) {
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (!name[mark] || strchr(name + mark, '/') || name[mark] == '.')
      return fsm_fail(err, FSM_EARGUMENT, name,
                      "the name of a credential has no / and does not begin with a dot");
    if (!dir || *dir != '/')
      return fsm_fail(err, FSM_EARGUMENT, name,
                      "CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential=%s:FILE", name + mark);
    *out = fsm_arena_printf(arena, "%s/%s", dir, name + mark);
  } else {
    *out =
        *name == '/' || !base ? fsm_arena_strdup(arena, name) : fsm_arena_printf(arena, "%s/%s", base, name);
  }
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, name, "no memory for the path");
}

typedef struct guard {
  bool secret;     /* nobody else may read it */
  bool credential; /* systemd hands it over with an access list, which looks like a group's right to read */
} guard;

static fsm_code check_file(int fd, const char *path, guard how, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fsm_fail(err, FSM_EARGUMENT, path, "the key file is not a regular file");
  if (st.st_uid != geteuid() && st.st_uid != 0)
    return fsm_fail(err, FSM_EARGUMENT, path,
                    "the key file belongs to user %u: it must be this user's or root's", (unsigned)st.st_uid);
  mode_t closed = how.secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
  if (how.credential && st.st_uid == 0) closed &= ~(mode_t)S_IRGRP;
  if (st.st_mode & closed)
    return fsm_fail(err, FSM_EARGUMENT, path, "the key file has mode %04o: others may %s it; set %s",
                    (unsigned)(st.st_mode & 07777), how.secret ? "read or change" : "change",
                    how.secret ? "0600" : "0644");
  return FSM_OK;
}

/* At most max bytes; one more is as good as too many. */
static fsm_code read_all(int fd, const char *path, size_t max, unsigned char *out, size_t *len,
                         fsm_error *err) {
  *len = 0;
  while (*len <= max) {
    ssize_t got = read(fd, out + *len, max + 1 - *len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fsm_fail(err, FSM_EARGUMENT, path, "the key file cannot be read: %m");
    if (got == 0) return FSM_OK;
    *len += (size_t)got;
  }
  return fsm_fail(err, FSM_EARGUMENT, path, "the key file has more than %zu bytes", max);
}

/* The content, into max + 1 bytes. */
static fsm_code read_file(const char *base, const char *name, guard how, size_t max, unsigned char *out,
                          size_t *len, fsm_error *err) {
  fsm_arena arena;
  const char *path = NULL;
  fsm_arena_init(&arena, 0);
  how.credential = strncmp(name, credential, sizeof credential - 1) == 0;
  fsm_code code = fsm__token_file_path(&arena, base, name, &path, err);
  int fd = code == FSM_OK ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
  if (code == FSM_OK && fd < 0)
    code = fsm_fail(err, FSM_EARGUMENT, path, "the key file cannot be opened: %m");
  if (code == FSM_OK) code = check_file(fd, path, how, err);
  if (code == FSM_OK) code = read_all(fd, path, max, out, len, err);
  if (fd >= 0) close(fd);
  fsm_arena_free(&arena);
  return code;
}

fsm_code fsm__token_file_read(const char *base, const char *name, fsm_buf *out, fsm_error *err) {
  unsigned char *text = malloc(FSM_TOKEN_FILE_MAX + 1);
  size_t len = 0;
  if (!text) return fsm_fail(err, FSM_ENOMEM, name, "no memory for the file of keys");
  fsm_code code = read_file(base, name, (guard){.secret = false}, FSM_TOKEN_FILE_MAX, text, &len, err);
  if (code == FSM_OK) fsm_buf_add(out, text, len);
  free(text);
  return code == FSM_OK && !fsm_buf_ok(out)
             ? fsm_fail(err, FSM_ENOMEM, name, "no memory for the file of keys")
             : code;
}

/* ---- what is in them ------------------------------------------------------------------------------ */

/* A fault of the content names the file. */
static fsm_code in_file(fsm_code code, const char *name, fsm_error *err) {
  if (code == FSM_OK || !err) return code;
  const fsm_error why = *err;
  return fsm_fail(err, code, name, "%s", why.text);
}

static size_t without_newline(const unsigned char *text, size_t len) {
  return len > 0 && text[len - 1] == '\n' ? len - 1 : len;
}

static fsm_code take_public(fsm__token_key *key, const unsigned char *text, size_t len, fsm_error *err) {
  fsm__public_key read = {.signature_bytes = 0};
  fsm_code code = fsm__public_key_read((const char *)text, len, &read, err);
  if (code != FSM_OK) return code;
  const bool rsa = read.kind == FSM__PUBLIC_RSA;
  code = rsa == (key->alg == FSM_TOKEN_RS256)
             ? fsm__token_key_keep(key, read.pem.data, read.pem.len, read.signature_bytes, err)
             : fsm_fail(err, FSM_EARGUMENT, "key", "%s needs %s key, and this is %s",
                        fsm_token_alg_name(key->alg), rsa ? "a P-256" : "an RSA", rsa ? "RSA" : "P-256");
  fsm_buf_free(&read.pem);
  return code;
}

fsm_code fsm__token_key_load(fsm__token_key *key, const char *base, const char *name, fsm_error *err) {
  enum { TEXT_MAX = 16 * 1024 };
  unsigned char text[TEXT_MAX + 1];
  const bool secret = is_secret(key->alg);
  size_t len = 0, max = secret ? FSM_TOKEN_KEY_MAX + 1 : TEXT_MAX;
  fsm_code code = read_file(base, name, (guard){.secret = secret}, max, text, &len, err);
  if (code == FSM_OK)
    code = in_file(secret ? fsm__token_key_secret(key, text, without_newline(text, len), err)
                          : take_public(key, text, len, err),
                   name, err);
  explicit_bzero(text, sizeof text);
  return code;
}

fsm_code fsm__token_key_load_signing(fsm__token_key *key, const char *path, fsm_error *err) {
  enum { TEXT_MAX = 16 * 1024 };
  if (is_secret(key->alg)) return fsm__token_key_load(key, NULL, path, err);
  unsigned char text[TEXT_MAX + 1];
  size_t len = 0;
  fsm_code code = read_file(NULL, path, (guard){.secret = true}, TEXT_MAX, text, &len, err);
  if (code == FSM_OK && !memmem(text, len, "PRIVATE KEY-----", 16))
    code = fsm_fail(err, FSM_EARGUMENT, path, "to sign with %s takes a private key in PEM",
                    fsm_token_alg_name(key->alg));
  if (code == FSM_OK && memmem(text, len, "ENCRYPTED", 9))
    code =
        fsm_fail(err, FSM_EARGUMENT, path, "the private key is encrypted: give it in the clear, mode 0600");
  if (code == FSM_OK) code = in_file(fsm__token_key_keep(key, text, len, 0, err), path, err);
  explicit_bzero(text, sizeof text);
  return code;
}
