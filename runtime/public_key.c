/* public_key.c: public keys over libcrypto. However a key came, it ends in `weigh`. */
#include "runtime/public_key.h"

#include <string.h>

#include "runtime/hash_impl.h"

enum { POINT_BYTES = 1 + 2 * FSM_P256_BYTES, RSA_E_MIN = 65537, E_BYTES_MAX = 4 };

static fsm_code refuse(fsm_error *err, const char *why) {
  return fsm_fail(err, FSM_EARGUMENT, "key", "%s", why);
}

/* ---- what is taken -------------------------------------------------------------------------------- */

static fsm_code weigh_rsa(const EVP_PKEY *key, fsm__public_key *out, fsm_error *err) {
  BIGNUM *e = NULL;
  int bits = EVP_PKEY_get_bits(key);
  if (bits < FSM_RSA_BITS_MIN || bits > FSM_RSA_BITS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "key", "an RSA key has %d to %d bits, this one has %d",
                    FSM_RSA_BITS_MIN, FSM_RSA_BITS_MAX, bits);
  bool good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bytes(e) <= E_BYTES_MAX &&
              BN_get_word(e) >= RSA_E_MIN && BN_is_odd(e);
  BN_free(e);
  if (!good) return refuse(err, "the exponent of the RSA key is not odd, 65537 or more and of 32 bits");
  out->kind = FSM__PUBLIC_RSA;
  out->signature_bytes = (size_t)EVP_PKEY_get_size(key);
  return FSM_OK;
}

static fsm_code weigh_ec(const EVP_PKEY *key, fsm__public_key *out, fsm_error *err) {
  char curve[64] = "";
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve, NULL) != 1 ||
      strcmp(curve, "prime256v1") != 0)
    return refuse(err, "the key is on another curve than P-256 (prime256v1)");
  out->kind = FSM__PUBLIC_P256;
  out->signature_bytes = 2 * FSM_P256_BYTES;
  return FSM_OK;
}

static bool is_sound(EVP_PKEY *key) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  bool sound = context != NULL && EVP_PKEY_public_check(context) == 1;
  EVP_PKEY_CTX_free(context);
  return sound;
}

static fsm_code write_pem(const EVP_PKEY *key, fsm_buf *out, fsm_error *err) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  long len = bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1 ? BIO_get_mem_data(bio, &text) : 0;
  if (len > 0) fsm_buf_add(out, text, (size_t)len);
  BIO_free(bio);
  return len > 0 && fsm_buf_ok(out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "key", "no memory for the key");
}

/* Frees key. */
static fsm_code weigh(EVP_PKEY *key, fsm__public_key *out, fsm_error *err) {
  fsm__public_key made = {.signature_bytes = 0};
  fsm_code code = EVP_PKEY_is_a(key, "RSA")  ? weigh_rsa(key, &made, err)
                  : EVP_PKEY_is_a(key, "EC") ? weigh_ec(key, &made, err)
                                             : refuse(err, "the key is neither RSA nor on a curve");
  if (code == FSM_OK && !is_sound(key)) code = refuse(err, "the numbers of the key make no public key");
  if (code == FSM_OK) code = write_pem(key, &made.pem, err);
  EVP_PKEY_free(key);
  if (code == FSM_OK)
    *out = made;
  else
    fsm_buf_free(&made.pem);
  return code;
}

/* ---- PEM ------------------------------------------------------------------------------------------ */

static bool holds(const char *text, size_t len, const char *word) {
  return memmem(text, len, word, strlen(word)) != NULL;
}

/* Without it libcrypto asks the terminal. */
static int no_password(char *out, int size, int writing, void *arg) {
  (void)out, (void)size, (void)writing, (void)arg;
  return -1;
}

fsm_code fsm__public_key_read(const char *text, size_t len, fsm__public_key *out, fsm_error *err) {
  static const char begin[] = "-----BEGIN ";
  FSM_ASSERT(text != NULL && out != NULL && len <= INT32_MAX);
  const char *first = memmem(text, len, begin, sizeof begin - 1);
  if (holds(text, len, "PRIVATE KEY"))
    return refuse(err,
                  "this is a private key, which only its issuer may have: give the public one (openssl pkey "
                  "-in FILE -pubout)");
  if (holds(text, len, "BEGIN CERTIFICATE"))
    return refuse(err, "this is a certificate: give its key (openssl x509 -in FILE -noout -pubkey)");
  if (holds(text, len, "BEGIN RSA PUBLIC KEY"))
    return refuse(err,
                  "this is a bare RSA key: write it as PUBLIC KEY (openssl rsa -RSAPublicKey_in -in FILE "
                  "-pubout)");
  if (first == NULL || !holds(first, len - (size_t)(first - text), "-----BEGIN PUBLIC KEY-----"))
    return refuse(err, "this is no public key in PEM (-----BEGIN PUBLIC KEY-----)");
  size_t rest = len - (size_t)(first + 1 - text);
  if (memmem(first + 1, rest, begin, sizeof begin - 1) != NULL)
    return refuse(err, "the file holds more than one key");
  BIO *bio = BIO_new_mem_buf(text, (int)len);
  EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
  BIO_free(bio);
  return key != NULL ? weigh(key, out, err) : refuse(err, "the public key cannot be read: it is damaged");
}

/* ---- numbers -------------------------------------------------------------------------------------- */

/* Takes what was pushed. */
static EVP_PKEY *made_of(const char *type, OSSL_PARAM_BLD *build) {
  EVP_PKEY *key = NULL;
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
    key = NULL;
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  return key;
}

fsm_code fsm__public_key_rsa(const fsm_value *n, const fsm_value *e, fsm__public_key *out, fsm_error *err) {
  FSM_ASSERT(n != NULL && e != NULL && out != NULL);
  if (n->len > FSM_RSA_BITS_MAX / 8 || e->len > E_BYTES_MAX)
    return refuse(err, "the numbers of the RSA key are too long");
  BIGNUM *modulus = BN_bin2bn((const unsigned char *)n->s, (int)n->len, NULL),
         *exponent = BN_bin2bn((const unsigned char *)e->s, (int)e->len, NULL);
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  EVP_PKEY *key = NULL;
  if (modulus != NULL && exponent != NULL && build != NULL &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
    key = made_of("RSA", build);
  OSSL_PARAM_BLD_free(build);
  BN_free(modulus);
  BN_free(exponent);
  return key != NULL ? weigh(key, out, err) : refuse(err, "the numbers n and e make no RSA key");
}

fsm_code fsm__public_key_p256(const fsm_value *x, const fsm_value *y, fsm__public_key *out, fsm_error *err) {
  FSM_ASSERT(x != NULL && y != NULL && out != NULL);
  unsigned char point[POINT_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
  if (x->len != FSM_P256_BYTES || y->len != FSM_P256_BYTES)
    return refuse(err, "x and y of a key on P-256 have 32 bytes each");
  memcpy(point + 1, x->s, FSM_P256_BYTES);
  memcpy(point + 1 + FSM_P256_BYTES, y->s, FSM_P256_BYTES);
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  EVP_PKEY *key = NULL;
  if (build != NULL &&
      OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
    key = made_of("EC", build);
  OSSL_PARAM_BLD_free(build);
  return key != NULL ? weigh(key, out, err) : refuse(err, "x and y are not a point of P-256");
}
