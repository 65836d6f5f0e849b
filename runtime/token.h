/* token.h: bearer tokens (JWT, RFC 7519, HS256 only): minted and verified. The one wrapper of libjwt.
 *
 * libjwt only computes the signature. The header is read by us, and alg pinned, before it sees the
 * token; claims are read by us after it, from the same bytes, with strict types. A token is taken when
 * its header has alg "HS256" and nothing but typ "JWT" and kid beside it; its signature is right under
 * the key; exp is there and not past, nbf and iat are not in the future (30 s leeway); aud, when there,
 * names "fsmd"; sub is there. Anything else is FSM_ETOKEN, err->where names the part ("header", "payload",
 * "signature", "exp", …) and err->text says why; neither ever holds a byte of the token.
 *
 * A key is what its file holds, less one newline at the end. Any thread; a key is const once loaded.
 */
#ifndef FSM_RUNTIME_TOKEN_H
#define FSM_RUNTIME_TOKEN_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_TOKEN_BYTES_MAX = 8192,
  FSM_TOKEN_KEY_MIN = 32, /* bytes: that of SHA-256, RFC 7518 3.2 */
  FSM_TOKEN_KEY_MAX = 4096,
  FSM_TOKEN_LEEWAY_S = 30,
  FSM_TOKEN_TEXT_MAX = 128, /* bytes of sub, jti and a role: printable UTF-8 */
  FSM_TOKEN_ISS_MAX = 256,
  FSM_TOKEN_ROLES_MAX = 32
};
#define FSM_TOKEN_AUDIENCE "fsmd"
#define FSM_TOKEN_TTL_MAX_S ((int64_t)10 * 366 * 24 * 3600)

typedef struct fsm_token_key fsm_token_key;

/* FSM_EARGUMENT with the path in err->where: not there, not a regular file, not owned by this user or
 * root, readable or writable by group or others, too short or too long. */
FSM_MUST_USE fsm_code fsm_token_key_load(const char *path, fsm_token_key **out, fsm_error *err);
/* A copy of len bytes (tests). FSM_EARGUMENT: length out of range. */
FSM_MUST_USE fsm_code fsm_token_key_new(const void *bytes, size_t len, fsm_token_key **out, fsm_error *err);
void fsm_token_key_free(fsm_token_key *key); /* wiped */

typedef struct fsm_token_claims {
  const char *sub;
  const char *jti, *iss; /* NULL = absent */
  fsm_value roles;       /* list of strings, null = absent */
  double exp_s;          /* Unix time, RFC 7519 NumericDate */
  double nbf_s, iat_s;   /* 0 = absent */
} fsm_token_claims;

/* Checks everything; *out lives in arena. */
FSM_MUST_USE fsm_code fsm_token_verify(const fsm_token_key *key, const char *token, size_t len,
                                       int64_t now_ns, fsm_arena *arena, fsm_token_claims *out,
                                       fsm_error *err);
/* The part of it that time changes: for a token that was verified before. */
FSM_MUST_USE fsm_code fsm_token_check_times(const fsm_token_claims *claims, int64_t now_ns, fsm_error *err);

/* Appends a token for sub, valid for ttl_s seconds from now. jti NULL: a fresh UUIDv7. roles: a list of
 * strings or NULL. FSM_EARGUMENT names the claim. */
FSM_MUST_USE fsm_code fsm_token_mint(const fsm_token_key *key, const char *sub, const char *jti,
                                     const fsm_value *roles, int64_t ttl_s, int64_t now_ns, fsm_buf *out,
                                     fsm_error *err);

/* The version of libjwt that this was built with, for --version. */
const char *fsm_token_library(void);

#ifdef __cplusplus
}
#endif
#endif
