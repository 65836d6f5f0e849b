/* token.h: bearer tokens (JWT, RFC 7519): keys, verifying, minting.
 *
 * libjwt (wrapped by token.c) only computes signatures. The header is read by us, and alg and kid pinned,
 * before it sees the token; claims are read by us after it, from the same bytes, with strict types.
 *
 * Keys. A set has up to 64. Each has exactly one algorithm: HS256, HS384, HS512 (a secret of at least 32, 48,
 * 64 bytes), RS256 (RSA of 2048 bits and more) or ES256 (P-256); and may have kid, iss, aud. So a token is
 * checked under a key only when its alg is the key's: a public key is never a secret. A token names its key
 * by kid; where the set has a single key, kid may be left out, by the token as by the key.
 *
 * A token is taken when its header has alg and kid of a key, and beside them nothing but typ JWT
 * and thumbprints; its signature is right; exp is there and not past, nbf and iat are not in the future (with
 * leeway); iss is the key's, when the key has one; aud names the key's audience when it has one, else, when
 * aud is there, ours; or the audience of admins; the subject is there. Anything else is FSM_ETOKEN,
 * err->where names the part ("header", "kid", "payload", "signature", "exp", …) and err->text says why;
 * neither ever holds a byte of the token. That is for records: who sent the token is told no more than that
 * it is not taken.
 *
 * Any thread; a set is const once made, but for fsm_token_keys_renew.
 */
#ifndef FSM_RUNTIME_TOKEN_H
#define FSM_RUNTIME_TOKEN_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_TOKEN_BYTES_MAX = 8192,
  FSM_TOKEN_KEY_MIN = 32, /* bytes of a secret for HS256; 48, 64 for HS384, HS512: RFC 7518 3.2 */
  FSM_TOKEN_KEY_MAX = 4096,
  FSM_TOKEN_KEYS_MAX = 64,         /* in a set, with those that it still takes of an older one */
  FSM_TOKEN_FILE_MAX = 256 * 1024, /* bytes of a file of keys */
  FSM_TOKEN_LEEWAY_S = 30,         /* default */
  FSM_TOKEN_LEEWAY_MAX_S = 300,
  FSM_TOKEN_TEXT_MAX = 128, /* bytes of sub, jti, kid and a role: printable UTF-8 */
  FSM_TOKEN_ISS_MAX = 256,  /* and of an audience */
  FSM_TOKEN_ROLES_MAX = 32,
  FSM_TOKEN_CLAIM_MAX = 128 /* bytes of the name of a claim */
};
#define FSM_TOKEN_AUDIENCE "fsmd"
#define FSM_TOKEN_ADMIN_AUDIENCE "fsmd-admin"
#define FSM_TOKEN_TTL_MAX_S ((int64_t)10 * 366 * 24 * 3600)

typedef enum fsm_token_alg {
  FSM_TOKEN_HS256,
  FSM_TOKEN_HS384,
  FSM_TOKEN_HS512,
  FSM_TOKEN_RS256,
  FSM_TOKEN_ES256,
  FSM_TOKEN_ALG_COUNT
} fsm_token_alg;
const char *fsm_token_alg_name(fsm_token_alg alg);
bool fsm_token_alg_parse(const char *text, size_t len, fsm_token_alg *out); /* case counts */

/* ---- keys ----------------------------------------------------------------------------------------- */

typedef struct fsm_token_keys fsm_token_keys;

/* One secret. FSM_EARGUMENT: its length. */
FSM_MUST_USE fsm_code fsm_token_keys_secret(fsm_token_alg alg, const void *bytes, size_t len,
                                            fsm_token_keys **out, fsm_error *err);
/* One secret for HS256, without kid: what the file holds, less one newline at the end. FSM_EARGUMENT with the
 * path in err->where: not there, not a regular file, not owned by this user or root, readable or writable by
 * group or others, PEM, too short or too long. "credential:NAME" is $CREDENTIALS_DIRECTORY/NAME (systemd). */
FSM_MUST_USE fsm_code fsm_token_keys_load_secret(const char *path, fsm_token_keys **out, fsm_error *err);
/* A file of keys: {"keys": [KEY…]}, where KEY is one of
 *   {"alg", "file", "kid"?, …}  file: as above for HS…, else a public key in PEM that only its owner may
 *                               write; a path (relative to the file of keys) or credential:NAME
 *   {"jwks": FILE, …}           the keys of an identity provider, as it publishes them (RFC 7517)
 *   {"kty": "RSA" | "EC", …}    one such key; so a JWKS is a file of keys too. What is not for signatures, or
 *                               of another algorithm, is skipped; secrets and private keys are refused
 * and … is iss? (text), aud? (text or list: its tokens must name one), admin? (false: its tokens are never
 * those of admins), until? (RFC 3339: not taken from then on). Several keys need a kid each, no two the same
 * one. FSM_EARGUMENT: err->where is the path, err->text names the place in the file. */
FSM_MUST_USE fsm_code fsm_token_keys_load(const char *path, fsm_token_keys **out, fsm_error *err);
void fsm_token_keys_free(fsm_token_keys *keys); /* wiped; NULL is fine */

/* Takes what `old` has, and fresh has not, into fresh for overlap_ns more, so that tokens in flight stay
 * good; frees old. Over FSM_TOKEN_KEYS_MAX the oldest go. */
void fsm_token_keys_renew(fsm_token_keys *fresh, fsm_token_keys *old, int64_t now_ns, int64_t overlap_ns);
/* Wipes what was taken over and is not taken any more; when the next of it ends, INT64_MAX = there is none.
 */
int64_t fsm_token_keys_prune(fsm_token_keys *keys, int64_t now_ns);
size_t fsm_token_keys_count(const fsm_token_keys *keys);
/* Which there are, for people: "RS256:k1 HS256"; never what is in them. */
void fsm_token_keys_names(const fsm_token_keys *keys, fsm_buf *out);
size_t fsm_token_keys_skipped(const fsm_token_keys *keys); /* of a JWKS */

/* ---- tokens --------------------------------------------------------------------------------------- */

/* What is asked of claims. Strings are the caller's. A claim is a member of the payload by that very name,
 * else a path through it: "realm_access.roles". */
typedef struct fsm_token_rules {
  int64_t leeway_s;
  const char *audience, *admin_audience;
  const char *sub_claim, *session_claim;
  /* Together, each once: lists of texts; a text, which is one role, but in scope and scp words. */
  const char *const *roles_claims;
  size_t roles_claim_count;
} fsm_token_rules;
fsm_token_rules fsm_token_rules_new(void); /* the defaults: sub, jti; roles, scope, groups */

typedef struct fsm_token_claims {
  const char *sub;
  const char *jti, *iss; /* NULL = absent */
  fsm_value roles;       /* list of strings, null = absent */
  bool admin;            /* aud names the audience of admins, and the key may */
  double exp_s;          /* Unix time, RFC 7519 NumericDate */
  double nbf_s, iat_s;   /* 0 = absent */
  int64_t until_ns;      /* the key is not taken from then on; INT64_MAX = always */
} fsm_token_claims;

/* Checks everything; *out lives in arena. */
FSM_MUST_USE fsm_code fsm_token_verify(const fsm_token_keys *keys, const fsm_token_rules *rules,
                                       const char *token, size_t len, int64_t now_ns, fsm_arena *arena,
                                       fsm_token_claims *out, fsm_error *err);
/* The part of it that time changes: for a token that was verified before, under the same keys. */
FSM_MUST_USE fsm_code fsm_token_check_times(const fsm_token_rules *rules, const fsm_token_claims *claims,
                                            int64_t now_ns, fsm_error *err);

/* ---- minting, for development --------------------------------------------------------------------- */

typedef struct fsm_token_order {
  const char *key_file; /* a secret; for RS256, ES256 a private key in PEM; nobody else may read it */
  fsm_token_alg alg;
  const char *kid, *iss; /* NULL = none */
  const char *sub;
  const char *jti;        /* NULL: a fresh UUIDv7 */
  const fsm_value *roles; /* list of strings, NULL = none */
  const fsm_value *aud;   /* a string or a list of them, NULL = none */
  int64_t ttl_s;          /* from now */
} fsm_token_order;

/* Appends a token. FSM_EARGUMENT names the claim, or the file. */
FSM_MUST_USE fsm_code fsm_token_mint(const fsm_token_order *order, int64_t now_ns, fsm_buf *out,
                                     fsm_error *err);

/* The version of libjwt that this was built with, for --version. */
const char *fsm_token_library(void);

#ifdef __cplusplus
}
#endif
#endif
