/* hash.c: SHA-256, random bytes and what is made of them; libcrypto's wrapper, with public_key.c.
 *
 * The digest is fetched once for the process and each thread keeps one context: a fetch per call costs
 * as much as hashing a record. The context of a thread is freed by its key's destructor.
 */
#include "runtime/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/hash_impl.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha256;

static void context_free(void *context) { EVP_MD_CTX_free(context); }

static void fetch(void) {
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  FSM_ASSERT(sha256);
  FSM_ASSERT(pthread_key_create(&context_key, context_free) == 0);
}

static EVP_MD_CTX *context_of_thread(void) {
  pthread_once(&once, fetch);
  EVP_MD_CTX *context = pthread_getspecific(context_key);
  if (context) return context;
  context = EVP_MD_CTX_new();
  FSM_ASSERT(context);
  FSM_ASSERT(pthread_setspecific(context_key, context) == 0);
  return context;
}

static fsm__hash digest(const void *first, size_t first_len, const void *data, size_t len) {
  FSM_ASSERT(data || !len);
  fsm__hash hash;
  unsigned int size = 0;
  EVP_MD_CTX *context = context_of_thread();
  int ok = EVP_DigestInit_ex2(context, sha256, NULL);
  if (first_len) ok = ok && EVP_DigestUpdate(context, first, first_len);
  if (len) ok = ok && EVP_DigestUpdate(context, data, len);
  ok = ok && EVP_DigestFinal_ex(context, hash.bytes, &size);
  FSM_ASSERT(ok && size == FSM_HASH_BYTES);
  return hash;
}

fsm__hash fsm__sha256(const void *data, size_t len) { return digest(NULL, 0, data, len); }

fsm__hash fsm__leaf(const void *data, size_t len) {
  static const uint8_t leaf_mark = 0x00;
  return digest(&leaf_mark, 1, data, len);
}

struct fsm__digest {
  EVP_MD_CTX *context;
};

fsm__digest *fsm__digest_new(void) {
  pthread_once(&once, fetch);
  fsm__digest *out = calloc(1, sizeof *out);
  if (out == NULL) return NULL;
  out->context = EVP_MD_CTX_new();
  if (out->context != NULL && EVP_DigestInit_ex2(out->context, sha256, NULL)) return out;
  EVP_MD_CTX_free(out->context);
  free(out);
  return NULL;
}

void fsm__digest_add(fsm__digest *parts, const void *data, size_t len) {
  FSM_ASSERT(len == 0 || EVP_DigestUpdate(parts->context, data, len));
}

fsm__hash fsm__digest_end(fsm__digest *parts) {
  fsm__hash hash;
  unsigned int size = 0;
  FSM_ASSERT(EVP_DigestFinal_ex(parts->context, hash.bytes, &size) && size == FSM_HASH_BYTES);
  EVP_MD_CTX_free(parts->context);
  free(parts);
  return hash;
}

fsm_code fsm__random(void *out, size_t len, fsm_error *err) {
  FSM_ASSERT(out || !len);
  uint8_t *at = out;
  while (len) {
    ssize_t got = getrandom(at, len, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fsm_fail(err, FSM_EIO, "getrandom", "no random bytes: %s", strerror(errno));
    at += got;
    len -= (size_t)got;
  }
  return FSM_OK;
}

static fsm_code drawn(fsm__draw *draw, void *out, size_t len, fsm_error *err) {
  if (draw == NULL) return fsm__random(out, len, err);
  if (draw->left < len) {
    fsm_code code = fsm__random(draw->bytes, sizeof draw->bytes, err);
    if (code != FSM_OK) return code;
    draw->left = sizeof draw->bytes;
  }
  draw->left -= len;
  memcpy(out, draw->bytes + draw->left, len);
  return FSM_OK;
}

fsm_code fsm__uuid7(int64_t now_ns, char out[37], fsm_error *err) {
  return fsm__uuid7_drawn(NULL, now_ns, out, err);
}

fsm_code fsm__uuid7_drawn(fsm__draw *draw, int64_t now_ns, char out[37], fsm_error *err) {
  uint8_t id[16];
  fsm_code code = drawn(draw, id, sizeof id, err);
  if (code) return code;
  uint64_t ms = now_ns > 0 ? (uint64_t)now_ns / 1000000 : 0;
  for (int i = 0; i < 6; i++) id[i] = (uint8_t)(ms >> (40 - 8 * i));
  id[6] = (uint8_t)(0x70 | (id[6] & 0x0f)); /* version 7 */
  id[8] = (uint8_t)(0x80 | (id[8] & 0x3f)); /* variant 10 */
  static const uint8_t groups[] = {4, 2, 2, 2, 6};
  const uint8_t *from = id;
  char *to = out;
  for (size_t g = 0; g < sizeof groups; g++) {
    if (g) *to++ = '-';
    fsm__hex(from, groups[g], to);
    from += groups[g];
    to += 2 * groups[g];
  }
  return FSM_OK;
}

void fsm__hex(const void *data, size_t len, char *out) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *from = data;
  for (size_t i = 0; i < len; i++) {
    *out++ = digits[from[i] >> 4];
    *out++ = digits[from[i] & 15];
  }
  *out = 0;
}

bool fsm__ed25519_public(const uint8_t seed[32], uint8_t out[32]) {
  FSM_ASSERT(seed != NULL && out != NULL);
  size_t len = 32;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
  bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == 32;
  EVP_PKEY_free(key);
  return ok;
}

const char *fsm__hash_library(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }
