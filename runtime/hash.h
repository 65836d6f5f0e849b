/* hash.h: SHA-256 and random bytes; the wrapper of libcrypto. Any thread. */
#ifndef FSM_RUNTIME_HASH_H
#define FSM_RUNTIME_HASH_H

#include "fsm/fsm.h"

enum { FSM_HASH_BYTES = 32 };

typedef struct fsm__hash {
  uint8_t bytes[FSM_HASH_BYTES];
} fsm__hash;

/* SHA-256(data). Aborts only if libcrypto has no SHA-256 at all. */
fsm__hash fsm__sha256(const void *data, size_t len);
/* The leaf of a stored record (RFC 6962 2.1): SHA-256(0x00 ‖ data). */
fsm__hash fsm__leaf(const void *data, size_t len);
/* SHA-256 of what comes in parts. One thread at a time; end frees it. NULL without memory. */
typedef struct fsm__digest fsm__digest;
fsm__digest *fsm__digest_new(void);
void fsm__digest_add(fsm__digest *digest, const void *data, size_t len);
fsm__hash fsm__digest_end(fsm__digest *digest);
/* From the kernel; FSM_EIO when it cannot. */
FSM_MUST_USE fsm_code fsm__random(void *out, size_t len, fsm_error *err);
/* A UUIDv7 (RFC 9562 5.7) of unix time now_ns: 36 characters and a NUL. */
FSM_MUST_USE fsm_code fsm__uuid7(int64_t now_ns, char out[37], fsm_error *err);
/* Random bytes drawn many at a time, for one thread that needs many ids; {0} is empty. */
typedef struct fsm__draw {
  uint8_t bytes[1024];
  size_t left; /* the last of them */
} fsm__draw;
/* As fsm__uuid7; draw NULL = from the kernel. For ids that are no secret. */
FSM_MUST_USE fsm_code fsm__uuid7_drawn(fsm__draw *draw, int64_t now_ns, char out[37], fsm_error *err);
/* Lower-case hex and a NUL: out holds 2*len+1. */
void fsm__hex(const void *data, size_t len, char *out);
/* The public key of an Ed25519 seed (RFC 8032). */
bool fsm__ed25519_public(const uint8_t seed[32], uint8_t out[32]);

/* The version of libcrypto, for --version. */
const char *fsm__hash_library(void);

#endif
