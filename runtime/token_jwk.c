/* token_jwk.c: one key as an identity provider publishes it (RFC 7517, 7518 6). */
#include <stdlib.h>
#include <string.h>

#include "runtime/public_key.h"
#include "runtime/token_impl.h"

static fsm_code wrong(fsm_error *err, const char *member, const char *why) {
  return fsm_fail(err, FSM_EARGUMENT, member, "%s", why);
}

static bool is_absent_or(const fsm_value *jwk, const char *name, const char *text) {
  const fsm_value *value = fsm_map_get(jwk, name);
  return !value || fsm_is_text(value, text);
}

/* For signatures, by an algorithm of ours, which is told by the kind of key when it is not said. */
static bool is_for_us(const fsm_value *jwk, fsm_token_alg *alg) {
  const fsm_value *kty = fsm_map_get(jwk, "kty"), *crv = fsm_map_get(jwk, "crv");
  const bool rsa = fsm_is_text(kty, "RSA");
  if (!rsa && !(fsm_is_text(kty, "EC") && crv && fsm_is_text(crv, "P-256"))) return false;
  *alg = rsa ? FSM_TOKEN_RS256 : FSM_TOKEN_ES256;
  return is_absent_or(jwk, "use", "sig") && is_absent_or(jwk, "alg", fsm_token_alg_name(*alg));
}

static fsm_code read_number(fsm_arena *arena, const fsm_value *jwk, const char *name, fsm_value *out,
                            fsm_error *err) {
  const fsm_value *text = fsm_map_get(jwk, name);
  size_t len = 0;
  unsigned char *bytes =
      text && fsm_is(text, FSM_STRING) ? fsm__token_base64url(arena, text->s, text->len, &len) : NULL;
  if (!bytes) return wrong(err, name, "it is not a number in base64url");
  *out = fsm_bytes(bytes, len);
  return FSM_OK;
}

static fsm_code make(fsm_arena *arena, const fsm_value *jwk, bool rsa, fsm__public_key *out, fsm_error *err) {
  fsm_value first, second;
  fsm_code code = read_number(arena, jwk, rsa ? "n" : "x", &first, err);
  if (code == FSM_OK) code = read_number(arena, jwk, rsa ? "e" : "y", &second, err);
  if (code != FSM_OK) return code;
  return rsa ? fsm__public_key_rsa(&first, &second, out, err)
             : fsm__public_key_p256(&first, &second, out, err);
}

static fsm_code read_kid(const fsm_value *jwk, fsm__token_key *key, fsm_error *err) {
  const fsm_value *kid = fsm_map_get(jwk, "kid");
  if (!kid) return FSM_OK;
  if (!fsm_is(kid, FSM_STRING) || !fsm__token_printable(kid->s, kid->len, FSM_TOKEN_TEXT_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "kid", "kid is not 1 to %d printable bytes", FSM_TOKEN_TEXT_MAX);
  memcpy(key->kid, kid->s, kid->len);
  key->kid[kid->len] = 0;
  return FSM_OK;
}

fsm_code fsm__token_jwk_read(fsm_arena *arena, const fsm_value *jwk, fsm__token_key *key, bool *skipped,
                             fsm_error *err) {
  const fsm_value *kty = fsm_map_get(jwk, "kty");
  fsm__public_key made = {.signature_bytes = 0};
  *skipped = false;
  if (!kty || !fsm_is(kty, FSM_STRING)) return wrong(err, "kty", "a key says its kind: kty");
  if (fsm_is_text(kty, "oct"))
    return wrong(err, "kty", "a secret does not belong in this file: give it as file");
  if (fsm_map_get(jwk, "d"))
    return wrong(err, "d", "this is a private key, which only its issuer may have: give the public one");
  if (!is_for_us(jwk, &key->alg)) {
    *skipped = true;
    return FSM_OK;
  }
  fsm_code code = read_kid(jwk, key, err);
  if (code == FSM_OK) code = make(arena, jwk, key->alg == FSM_TOKEN_RS256, &made, err);
  if (code != FSM_OK) return code;
  code = fsm__token_key_keep(key, made.pem.data, made.pem.len, made.signature_bytes, err);
  fsm_buf_free(&made.pem);
  return code;
}
