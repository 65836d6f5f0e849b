/* token.c: bearer tokens over libjwt, of which nothing is believed but a signature.
 *
 * Known of libjwt 1.10 to 1.17: it takes the algorithm from the token, ignores exp and nbf, and takes
 * anything under a NULL key. So: the three parts are split and decoded here, strictly (one spelling
 * per byte string); the header must be one of a few; only then does libjwt compare the signature; and
 * the claims are read from the very bytes that it covered.
 */
#include "runtime/token.h"

#include <fcntl.h>
#include <jwt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "schema/json.h"
#include "schema/utf8.h"

enum {
  SIGNATURE_CHARS = 43, /* base64url of 32 bytes */
  KEY_FILE_MAX = FSM_TOKEN_KEY_MAX + 1
};
#define TIME_MAX_S 253402300799.0 /* the end of the year 9999 */

struct fsm_token_key {
  size_t len;
  unsigned char bytes[FSM_TOKEN_KEY_MAX];
};

/* ---- keys ---------------------------------------------------------------------------------------- */

fsm_code fsm_token_key_new(const void *bytes, size_t len, fsm_token_key **out, fsm_error *err) {
  FSM_ASSERT(bytes && out);
  if (len < FSM_TOKEN_KEY_MIN || len > FSM_TOKEN_KEY_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "key", "a key has %d to %d bytes, this one has %zu",
                    FSM_TOKEN_KEY_MIN, FSM_TOKEN_KEY_MAX, len);
  fsm_token_key *key = calloc(1, sizeof *key);
  if (!key) return fsm_fail(err, FSM_ENOMEM, "key", "no memory for the key");
  memcpy(key->bytes, bytes, len);
  key->len = len;
  *out = key;
  return FSM_OK;
}

void fsm_token_key_free(fsm_token_key *key) {
  if (!key) return;
  explicit_bzero(key, sizeof *key);
  free(key);
}

static fsm_code check_key_file(int fd, const char *path, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fsm_fail(err, FSM_EARGUMENT, path, "the key file is not a regular file");
  if (st.st_uid != geteuid() && st.st_uid != 0)
    return fsm_fail(err, FSM_EARGUMENT, path,
                    "the key file belongs to user %u: it must be this user's or root's", (unsigned)st.st_uid);
  if (st.st_mode & (S_IRWXG | S_IRWXO))
    return fsm_fail(err, FSM_EARGUMENT, path,
                    "the key file has mode %04o: others may read or change it; set 0600",
                    (unsigned)(st.st_mode & 07777));
  return FSM_OK;
}

/* The whole content, at most size bytes; -1 when it cannot be read. */
static ssize_t read_all(int fd, unsigned char *out, size_t size) {
  size_t len = 0;
  while (len < size) {
    ssize_t got = read(fd, out + len, size - len);
    if (got < 0) return -1;
    if (got == 0) break;
    len += (size_t)got;
  }
  return (ssize_t)len;
}

fsm_code fsm_token_key_load(const char *path, fsm_token_key **out, fsm_error *err) {
  FSM_ASSERT(path && out);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, path, "the key file cannot be opened: %m");
  unsigned char text[KEY_FILE_MAX + 1];
  fsm_code code = check_key_file(fd, path, err);
  ssize_t len = code == FSM_OK ? read_all(fd, text, sizeof text) : 0;
  if (code == FSM_OK && len < 0) code = fsm_fail(err, FSM_EARGUMENT, path, "the key file cannot be read: %m");
  close(fd);
  if (code == FSM_OK) {
    size_t bytes = (size_t)len;
    if (bytes > 0 && text[bytes - 1] == '\n') bytes--;
    code = fsm_token_key_new(text, bytes, out, err);
    if (code != FSM_OK && err) fsm_fail(err, code, path, "%s", err->text);
  }
  explicit_bzero(text, sizeof text);
  return code;
}

/* ---- base64url (RFC 4648 5, no padding): exactly one spelling per byte string --------------------- */

static int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

/* The bytes in arena, NULL when text is not base64url or memory ran out. */
static unsigned char *base64url(fsm_arena *arena, const char *text, size_t len, size_t *out_len) {
  if (len == 0 || len % 4 == 1) return NULL;
  unsigned char *out = fsm_arena_alloc(arena, len / 4 * 3 + 3);
  if (!out) return NULL;
  uint32_t bits = 0;
  unsigned have = 0;
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    int digit = digit_of(text[i]);
    if (digit < 0) return NULL;
    bits = bits << 6 | (uint32_t)digit;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out[n++] = (unsigned char)(bits >> have);
    bits &= (1u << have) - 1;
  }
  if (bits != 0) return NULL; /* a second spelling of the same bytes */
  *out_len = n;
  return out;
}

/* ---- the three parts ------------------------------------------------------------------------------ */

typedef struct parts {
  const char *header, *payload, *signature;
  size_t header_len, payload_len, signature_len;
} parts;

static fsm_code bad(fsm_error *err, const char *where, const char *why) {
  return fsm_fail(err, FSM_ETOKEN, where, "%s", why);
}

static fsm_code split(const char *token, size_t len, parts *out, fsm_error *err) {
  if (len > FSM_TOKEN_BYTES_MAX)
    return fsm_fail(err, FSM_ETOKEN, "token", "the token is longer than %d bytes", FSM_TOKEN_BYTES_MAX);
  const char *first = len ? memchr(token, '.', len) : NULL;
  const char *rest = first ? first + 1 : NULL;
  const char *second = rest ? memchr(rest, '.', len - (size_t)(rest - token)) : NULL;
  if (!second) return bad(err, "token", "the token is not three parts with two dots");
  *out = (parts){token,
                 rest,
                 second + 1,
                 (size_t)(first - token),
                 (size_t)(second - rest),
                 len - (size_t)(second + 1 - token)};
  if (memchr(out->signature, '.', out->signature_len))
    return bad(err, "token", "the token has more than three parts");
  return FSM_OK;
}

/* One part as a JSON object. */
static fsm_code read_part(fsm_arena *arena, const char *name, const char *text, size_t len, fsm_value *out,
                          fsm_error *err) {
  size_t bytes = 0;
  unsigned char *json = base64url(arena, text, len, &bytes);
  if (!json) return bad(err, name, "this part of the token is not base64url");
  fsm_code code = fsm_json_parse(arena, (const char *)json, bytes, FSM_JSON_SORTED, out, NULL);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, name, "no memory for the token");
  if (code != FSM_OK)
    return bad(err, name, "this part of the token is not one JSON object without repeated names");
  if (!fsm_is(out, FSM_MAP)) return bad(err, name, "this part of the token is not a JSON object");
  return FSM_OK;
}

static bool is_text_caseless(const fsm_value *value, const char *text) {
  size_t len = strlen(text);
  return fsm_is(value, FSM_STRING) && value->len == len && strncasecmp(value->s, text, len) == 0;
}

/* alg pinned before anyone acts on it; of the rest only what changes nothing is let through, so that
 * no header can bring a key, a location of one, or an extension. */
static fsm_code check_header(const fsm_value *header, fsm_error *err) {
  for (uint32_t i = 0; i < header->len; i++) {
    const fsm_value *name = &header->pairs[i].key, *value = &header->pairs[i].value;
    if (fsm_is_text(name, "alg")) {
      if (!fsm_is_text(value, "HS256")) return bad(err, "header", "alg is not HS256");
    } else if (fsm_is_text(name, "typ")) {
      if (!is_text_caseless(value, "JWT")) return bad(err, "header", "typ is not JWT");
    } else if (fsm_is_text(name, "kid")) {
      if (!fsm_is(value, FSM_STRING)) return bad(err, "header", "kid is not a string");
    } else {
      return bad(err, "header", "the header has a member that is not alg, typ or kid");
    }
  }
  if (!fsm_map_get(header, "alg")) return bad(err, "header", "alg is missing");
  return FSM_OK;
}

static fsm_code check_signature(const fsm_token_key *key, const char *token, size_t len, const parts *in,
                                fsm_arena *arena, fsm_error *err) {
  size_t bytes = 0;
  if (in->signature_len != SIGNATURE_CHARS || !base64url(arena, in->signature, in->signature_len, &bytes))
    return bad(err, "signature", "the signature is not 32 bytes of base64url");
  char *text = fsm_arena_strndup(arena, token, len);
  if (!text) return fsm_fail(err, FSM_ENOMEM, "token", "no memory for the token");
  jwt_t *jwt = NULL;
  bool good =
      jwt_decode(&jwt, text, key->bytes, (int)key->len) == 0 && jwt && jwt_get_alg(jwt) == JWT_ALG_HS256;
  jwt_free(jwt);
  return good ? FSM_OK : bad(err, "signature", "the signature is not right under the key");
}

/* ---- claims --------------------------------------------------------------------------------------- */

/* Not empty, UTF-8, no control character (C0, DEL, C1). */
static bool printable(const char *text, size_t len, size_t max) {
  if (len == 0 || len > max || !fsm__utf8_valid(text, len)) return false;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7f) return false;
    if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0) return false;
  }
  return true;
}

static fsm_code read_text(fsm_arena *arena, const fsm_value *claims, const char *name, size_t max,
                          const char **out, fsm_error *err) {
  const fsm_value *value = fsm_map_get(claims, name);
  if (!value) return FSM_OK;
  if (!fsm_is(value, FSM_STRING) || !printable(value->s, value->len, max))
    return fsm_fail(err, FSM_ETOKEN, name, "%s is not a string of 1 to %zu printable bytes", name, max);
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, name, "no memory for the token");
}

static fsm_code read_time(const fsm_value *claims, const char *name, double *out, fsm_error *err) {
  const fsm_value *value = fsm_map_get(claims, name);
  if (!value) return FSM_OK;
  double seconds = fsm_is(value, FSM_INT)      ? (double)value->i
                   : fsm_is(value, FSM_UINT)   ? (double)value->u
                   : fsm_is(value, FSM_DOUBLE) ? value->d
                                               : NAN;
  if (!(seconds > 0 && seconds <= TIME_MAX_S))
    return fsm_fail(err, FSM_ETOKEN, name, "%s is not a time in seconds since 1970", name);
  *out = seconds;
  return FSM_OK;
}

static bool audience_names_us(const fsm_value *aud) {
  if (fsm_is(aud, FSM_STRING)) return fsm_is_text(aud, FSM_TOKEN_AUDIENCE);
  if (!fsm_is(aud, FSM_LIST)) return false;
  bool named = false;
  for (uint32_t i = 0; i < aud->len; i++) {
    if (!fsm_is(&aud->items[i], FSM_STRING)) return false;
    named |= fsm_is_text(&aud->items[i], FSM_TOKEN_AUDIENCE);
  }
  return named;
}

static bool roles_legal(const fsm_value *roles) {
  if (!fsm_is(roles, FSM_LIST) || roles->len > FSM_TOKEN_ROLES_MAX) return false;
  for (uint32_t i = 0; i < roles->len; i++) {
    const fsm_value *role = &roles->items[i];
    if (!fsm_is(role, FSM_STRING) || !printable(role->s, role->len, FSM_TOKEN_TEXT_MAX)) return false;
  }
  return true;
}

static fsm_code read_claims(fsm_arena *arena, const fsm_value *payload, fsm_token_claims *out,
                            fsm_error *err) {
  fsm_code code;
  if ((code = read_text(arena, payload, "sub", FSM_TOKEN_TEXT_MAX, &out->sub, err)) != FSM_OK ||
      (code = read_text(arena, payload, "jti", FSM_TOKEN_TEXT_MAX, &out->jti, err)) != FSM_OK ||
      (code = read_text(arena, payload, "iss", FSM_TOKEN_ISS_MAX, &out->iss, err)) != FSM_OK ||
      (code = read_time(payload, "exp", &out->exp_s, err)) != FSM_OK ||
      (code = read_time(payload, "nbf", &out->nbf_s, err)) != FSM_OK ||
      (code = read_time(payload, "iat", &out->iat_s, err)) != FSM_OK)
    return code;
  if (!out->sub) return bad(err, "sub", "sub is missing");
  if (out->exp_s == 0) return bad(err, "exp", "exp is missing");
  const fsm_value *aud = fsm_map_get(payload, "aud"), *roles = fsm_map_get(payload, "roles");
  if (aud && !audience_names_us(aud)) return bad(err, "aud", "aud does not name " FSM_TOKEN_AUDIENCE);
  if (roles && !roles_legal(roles))
    return fsm_fail(err, FSM_ETOKEN, "roles", "roles is not a list of at most %d short strings",
                    FSM_TOKEN_ROLES_MAX);
  if (roles) out->roles = *roles;
  return FSM_OK;
}

fsm_code fsm_token_check_times(const fsm_token_claims *claims, int64_t now_ns, fsm_error *err) {
  FSM_ASSERT(claims);
  double now = (double)now_ns / 1e9;
  if (claims->exp_s <= now - FSM_TOKEN_LEEWAY_S) return bad(err, "exp", "the token has expired");
  if (claims->nbf_s > now + FSM_TOKEN_LEEWAY_S) return bad(err, "nbf", "the token is not valid yet");
  if (claims->iat_s > now + FSM_TOKEN_LEEWAY_S) return bad(err, "iat", "the token was issued in the future");
  return FSM_OK;
}

fsm_code fsm_token_verify(const fsm_token_key *key, const char *token, size_t len, int64_t now_ns,
                          fsm_arena *arena, fsm_token_claims *out, fsm_error *err) {
  FSM_ASSERT(key && key->len >= FSM_TOKEN_KEY_MIN && token && arena && out);
  parts in = {0};
  fsm_value header = fsm_null(), payload = fsm_null();
  fsm_token_claims claims = {0};
  fsm_code code;
  if ((code = split(token, len, &in, err)) != FSM_OK ||
      (code = read_part(arena, "header", in.header, in.header_len, &header, err)) != FSM_OK ||
      (code = check_header(&header, err)) != FSM_OK ||
      (code = read_part(arena, "payload", in.payload, in.payload_len, &payload, err)) != FSM_OK ||
      (code = check_signature(key, token, len, &in, arena, err)) != FSM_OK ||
      (code = read_claims(arena, &payload, &claims, err)) != FSM_OK ||
      (code = fsm_token_check_times(&claims, now_ns, err)) != FSM_OK)
    return code;
  *out = claims;
  return FSM_OK;
}

/* ---- minting -------------------------------------------------------------------------------------- */

static fsm_code check_minted(const char *sub, const char *jti, const fsm_value *roles, int64_t ttl_s,
                             fsm_error *err) {
  if (!printable(sub, strlen(sub), FSM_TOKEN_TEXT_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "sub", "sub is not 1 to %d printable bytes", FSM_TOKEN_TEXT_MAX);
  if (!printable(jti, strlen(jti), FSM_TOKEN_TEXT_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "jti", "jti is not 1 to %d printable bytes", FSM_TOKEN_TEXT_MAX);
  if (roles && !fsm_is(roles, FSM_NULL) && !roles_legal(roles))
    return fsm_fail(err, FSM_EARGUMENT, "roles",
                    "roles is not a list of at most %d strings of 1 to %d printable bytes",
                    FSM_TOKEN_ROLES_MAX, FSM_TOKEN_TEXT_MAX);
  if (ttl_s < 1 || ttl_s > FSM_TOKEN_TTL_MAX_S)
    return fsm_fail(err, FSM_EARGUMENT, "ttl", "the lifetime is not 1 second to 10 years");
  return FSM_OK;
}

static bool add_roles(jwt_t *jwt, const fsm_value *roles) {
  if (!roles || fsm_is(roles, FSM_NULL)) return true;
  fsm_buf json = {0};
  fsm_buf_str(&json, "{\"roles\":");
  fsm_json_write(&json, roles);
  fsm_buf_char(&json, '}');
  bool good = jwt_add_grants_json(jwt, fsm_buf_text(&json)) == 0 && fsm_buf_ok(&json);
  fsm_buf_free(&json);
  return good;
}

fsm_code fsm_token_mint(const fsm_token_key *key, const char *sub, const char *jti, const fsm_value *roles,
                        int64_t ttl_s, int64_t now_ns, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(key && sub && out);
  char made[37];
  fsm_code code = jti ? FSM_OK : fsm__uuid7(now_ns, made, err);
  if (code == FSM_OK) code = check_minted(sub, jti ? jti : made, roles, ttl_s, err);
  if (code != FSM_OK) return code;
  long now_s = (long)(now_ns / 1000000000);
  jwt_t *jwt = NULL;
  char *text = NULL;
  if (jwt_new(&jwt) == 0 && jwt_set_alg(jwt, JWT_ALG_HS256, key->bytes, (int)key->len) == 0 &&
      jwt_add_grant(jwt, "sub", sub) == 0 && jwt_add_grant(jwt, "jti", jti ? jti : made) == 0 &&
      jwt_add_grant_int(jwt, "iat", now_s) == 0 && jwt_add_grant_int(jwt, "exp", now_s + (long)ttl_s) == 0 &&
      add_roles(jwt, roles))
    text = jwt_encode_str(jwt);
  jwt_free(jwt);
  if (!text) return fsm_fail(err, FSM_ENOMEM, "token", "the token cannot be made");
  if (strlen(text) <= FSM_TOKEN_BYTES_MAX)
    fsm_buf_str(out, text);
  else
    code =
        fsm_fail(err, FSM_EARGUMENT, "roles", "the token would be longer than %d bytes", FSM_TOKEN_BYTES_MAX);
  free(text);
  if (code == FSM_OK && !fsm_buf_ok(out))
    code = fsm_fail(err, FSM_ENOMEM, "token", "no memory for the token");
  return code;
}

const char *fsm_token_library(void) { return FSM_JWT_VERSION; }
