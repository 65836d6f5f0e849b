/* token_impl.h: what the files of token.h share. */
#ifndef FSM_RUNTIME_TOKEN_IMPL_H
#define FSM_RUNTIME_TOKEN_IMPL_H

#include "runtime/token.h"

typedef struct fsm__token_key {
  fsm_token_alg alg;
  bool lone;    /* the only one of its set: kid is not needed */
  bool retired; /* of an older set */
  bool admin;   /* its tokens may be those of admins */
  char kid[FSM_TOKEN_TEXT_MAX + 1], iss[FSM_TOKEN_ISS_MAX + 1]; /* "" = none */
  char **aud;                                                   /* NULL = ours */
  size_t aud_count;
  int64_t until_ns;       /* not taken from then on */
  size_t signature_bytes; /* 0 = not checked with, only signed */
  size_t len;
  unsigned char *bytes; /* a secret, or PEM; a NUL behind it */
} fsm__token_key;

struct fsm_token_keys {
  fsm__token_key at[FSM_TOKEN_KEYS_MAX];
  size_t count, skipped;
};

/* ---- token_key.c: one key ---- */

void fsm__token_key_wipe(fsm__token_key *key);
/* A copy of what is checked with. */
FSM_MUST_USE fsm_code fsm__token_key_keep(fsm__token_key *key, const void *bytes, size_t len,
                                          size_t signature_bytes, fsm_error *err);
/* Its secret: a copy. */
FSM_MUST_USE fsm_code fsm__token_key_secret(fsm__token_key *key, const void *bytes, size_t len,
                                            fsm_error *err);
/* A secret or a public key, as key->alg asks for. base: the directory that relative paths are of. */
FSM_MUST_USE fsm_code fsm__token_key_load(fsm__token_key *key, const char *base, const char *name,
                                          fsm_error *err);
/* A private key or a secret, to sign with. */
FSM_MUST_USE fsm_code fsm__token_key_load_signing(fsm__token_key *key, const char *path, fsm_error *err);
/* A text that others may read, but only its owner may write. */
FSM_MUST_USE fsm_code fsm__token_file_read(const char *base, const char *name, fsm_buf *out, fsm_error *err);
/* The path of a name that may be relative or a credential, in arena; err->where is the name. */
FSM_MUST_USE fsm_code fsm__token_file_path(fsm_arena *arena, const char *base, const char *name,
                                           const char **out, fsm_error *err);

/* ---- token_jwk.c ---- */

/* A JWK: key's alg, kid and bytes. *skipped: it is not for us. */
FSM_MUST_USE fsm_code fsm__token_jwk_read(fsm_arena *arena, const fsm_value *jwk, fsm__token_key *key,
                                          bool *skipped, fsm_error *err);

/* ---- token_form.c ---- */

typedef struct fsm__token_parts {
  const char *header, *payload, *signature;
  size_t header_len, payload_len, signature_len;
} fsm__token_parts;

typedef struct fsm__token_header {
  fsm_token_alg alg;
  const fsm_value *kid; /* NULL = absent */
} fsm__token_header;

/* Not empty, UTF-8, no control character (C0, DEL, C1). */
bool fsm__token_printable(const char *text, size_t len, size_t max);
/* The bytes in arena, NULL when text is not base64url in its one spelling, or without memory. */
unsigned char *fsm__token_base64url(fsm_arena *arena, const char *text, size_t len, size_t *out_len);
FSM_MUST_USE fsm_code fsm__token_split(const char *token, size_t len, fsm__token_parts *out, fsm_error *err);
/* A part as a JSON object. */
FSM_MUST_USE fsm_code fsm__token_part(fsm_arena *arena, const char *name, const char *text, size_t len,
                                      fsm_value *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__token_header_read(const fsm_value *object, fsm__token_header *out, fsm_error *err);

/* ---- token_claims.c ---- */

FSM_MUST_USE fsm_code fsm__token_claims_read(const fsm__token_key *key, const fsm_token_rules *rules,
                                             const fsm_value *payload, fsm_arena *arena,
                                             fsm_token_claims *out, fsm_error *err);

/* ---- token.c: libjwt ---- */

/* Is the signature of token, NUL-terminated, right under the key? */
bool fsm__token_signed(const fsm__token_key *key, const char *token);

#endif
