/* public_key.h: keys that signatures are checked with: read strictly, weighed, and written anew as PEM.
 *
 * Taken are RSA of 2048 to 8192 bits with an odd exponent of 65537 to 2^32 - 1, and points of the curve
 * P-256. What comes out is SubjectPublicKeyInfo as PEM, made from the numbers alone, so that nobody behind
 * this sees the file. err->where is "key". No error holds a byte of the key. Any thread. */
#ifndef FSM_RUNTIME_PUBLIC_KEY_H
#define FSM_RUNTIME_PUBLIC_KEY_H

#include "fsm/fsm.h"

enum { FSM_RSA_BITS_MIN = 2048, FSM_RSA_BITS_MAX = 8192, FSM_P256_BYTES = 32 };

typedef struct fsm__public_key {
  enum { FSM__PUBLIC_RSA, FSM__PUBLIC_P256 } kind;
  size_t signature_bytes; /* of RS256; of ES256 as a token has it */
  fsm_buf pem;            /* the caller's to free */
} fsm__public_key;

/* A text that holds "-----BEGIN PUBLIC KEY-----" and nothing else in PEM. FSM_EARGUMENT. */
FSM_MUST_USE fsm_code fsm__public_key_read(const char *text, size_t len, fsm__public_key *out,
                                           fsm_error *err);
/* From big-endian numbers, as a JWK has them. */
FSM_MUST_USE fsm_code fsm__public_key_rsa(const fsm_value *n, const fsm_value *e, fsm__public_key *out,
                                          fsm_error *err);
FSM_MUST_USE fsm_code fsm__public_key_p256(const fsm_value *x, const fsm_value *y, fsm__public_key *out,
                                           fsm_error *err);

#endif
