/* token.c: the one wrapper of libjwt, of which nothing is believed but a signature.
 *
 * Known of libjwt 1.10 to 1.17: it takes the algorithm from the token, ignores exp and nbf, and takes
 * anything under a NULL key. So: by the time it sees a token, that has been split and decoded here, strictly,
 * and its alg is that of the key; a key is never empty; what it answers is compared with that alg again; and
 * the claims are read from the very bytes that it covered.
 */
#include "runtime/token.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hash.h"
#include "runtime/token_impl.h"
#include "schema/json.h"

typedef struct algorithm {
  const char *name;
  jwt_alg_t jwt;
} algorithm;

static const algorithm algorithms[] = {
    {"HS256", JWT_ALG_HS256}, {"HS384", JWT_ALG_HS384}, {"HS512", JWT_ALG_HS512},
    {"RS256", JWT_ALG_RS256}, {"ES256", JWT_ALG_ES256},
};
_Static_assert(sizeof algorithms / sizeof *algorithms == FSM_TOKEN_ALG_COUNT, "one row each");

const char *fsm_token_alg_name(fsm_token_alg alg) {
  FSM_ASSERT((unsigned)alg < FSM_TOKEN_ALG_COUNT);
  return algorithms[alg].name;
}

bool fsm_token_alg_parse(const char *text, size_t len, fsm_token_alg *out) {
  for (int i = 0; i < FSM_TOKEN_ALG_COUNT; i++) {
    if (strlen(algorithms[i].name) != len || memcmp(algorithms[i].name, text, len) != 0) continue;
    *out = (fsm_token_alg)i;
    return true;
  }
  return false;
}

bool fsm__token_signed(const fsm__token_key *key, const char *token) {
  FSM_ASSERT(key->bytes != NULL && key->len >= FSM_TOKEN_KEY_MIN && key->signature_bytes > 0);
  jwt_t *jwt = NULL;
  bool good = jwt_decode(&jwt, token, key->bytes, (int)key->len) == 0 && jwt &&
              jwt_get_alg(jwt) == algorithms[key->alg].jwt;
  jwt_free(jwt);
  return good;
}

/* ---- verifying ------------------------------------------------------------------------------------ */

typedef struct asked {
  const fsm_token_keys *keys;
  const char *token; /* with a NUL behind it */
  fsm__token_header header;
  size_t signature_bytes;
  int64_t now_ns;
} asked;

/* The key it is to be checked under; what a key without kid is called is up to the token. */
static bool is_for(const fsm__token_key *key, const asked *a) {
  if (a->header.kid) return !*key->kid || fsm_is_text(a->header.kid, key->kid);
  return key->lone;
}

/* More than one may come into question only while one takes the place of the other. */
static fsm_code find_signer(const asked *a, const fsm__token_key **out, fsm_error *err) {
  bool named = false, timely = false, fits = false;
  for (size_t i = 0; i < a->keys->count; i++) {
    const fsm__token_key *key = &a->keys->at[i];
    if (!is_for(key, a)) continue;
    named = true;
    if (a->now_ns >= key->until_ns) continue;
    timely = true;
    if (key->alg != a->header.alg) continue;
    fits = true;
    if (key->signature_bytes != a->signature_bytes || !fsm__token_signed(key, a->token)) continue;
    *out = key;
    return FSM_OK;
  }
  if (!named)
    return fsm_fail(
        err, FSM_ETOKEN, "kid", "%s",
        a->header.kid ? "there is no key of this kid" : "kid is missing, and there are several keys");
  if (!timely) return fsm_fail(err, FSM_ETOKEN, "kid", "the key is not taken any more");
  if (!fits) return fsm_fail(err, FSM_ETOKEN, "header", "alg is not that of the key");
  return fsm_fail(err, FSM_ETOKEN, "signature", "the signature is not right under the key");
}

static fsm_code check_signature(asked *a, const fsm__token_parts *in, fsm_arena *arena,
                                const fsm__token_key **out, fsm_error *err) {
  if (!fsm__token_base64url(arena, in->signature, in->signature_len, &a->signature_bytes))
    return fsm_fail(err, FSM_ETOKEN, "signature", "the signature is not base64url");
  return find_signer(a, out, err);
}

fsm_code fsm_token_verify(const fsm_token_keys *keys, const fsm_token_rules *rules, const char *token,
                          size_t len, int64_t now_ns, fsm_arena *arena, fsm_token_claims *out,
                          fsm_error *err) {
  FSM_ASSERT(keys && rules && token && arena && out);
  fsm__token_parts in = {0};
  fsm_value header = fsm_null(), payload = fsm_null();
  fsm_token_claims claims = {0};
  const fsm__token_key *key = NULL;
  fsm_code code;
  if ((code = fsm__token_split(token, len, &in, err)) != FSM_OK) return code;
  asked a = {.keys = keys, .token = fsm_arena_strndup(arena, token, len), .now_ns = now_ns};
  if (!a.token) return fsm_fail(err, FSM_ENOMEM, "token", "no memory for the token");
  if ((code = fsm__token_part(arena, "header", in.header, in.header_len, &header, err)) != FSM_OK ||
      (code = fsm__token_header_read(&header, &a.header, err)) != FSM_OK ||
      (code = fsm__token_part(arena, "payload", in.payload, in.payload_len, &payload, err)) != FSM_OK ||
      (code = check_signature(&a, &in, arena, &key, err)) != FSM_OK ||
      (code = fsm__token_claims_read(key, rules, &payload, arena, &claims, err)) != FSM_OK ||
      (code = fsm_token_check_times(rules, &claims, now_ns, err)) != FSM_OK)
    return code;
  *out = claims;
  return FSM_OK;
}

/* ---- minting -------------------------------------------------------------------------------------- */

static bool is_text(const char *text, size_t max) { return fsm__token_printable(text, strlen(text), max); }

static bool are_texts(const fsm_value *list, size_t count_max, size_t max) {
  if (!fsm_is(list, FSM_LIST) || list->len > count_max) return false;
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *item = &list->items[i];
    if (!fsm_is(item, FSM_STRING) || !fsm__token_printable(item->s, item->len, max)) return false;
  }
  return true;
}

static fsm_code wrong(fsm_error *err, const char *claim, size_t max) {
  return fsm_fail(err, FSM_EARGUMENT, claim, "%s is not 1 to %zu printable bytes", claim, max);
}

static fsm_code check_order(const fsm_token_order *o, const char *jti, fsm_error *err) {
  if (!is_text(o->sub, FSM_TOKEN_TEXT_MAX)) return wrong(err, "sub", FSM_TOKEN_TEXT_MAX);
  if (!is_text(jti, FSM_TOKEN_TEXT_MAX)) return wrong(err, "jti", FSM_TOKEN_TEXT_MAX);
  if (o->kid && !is_text(o->kid, FSM_TOKEN_TEXT_MAX)) return wrong(err, "kid", FSM_TOKEN_TEXT_MAX);
  if (o->iss && !is_text(o->iss, FSM_TOKEN_ISS_MAX)) return wrong(err, "iss", FSM_TOKEN_ISS_MAX);
  if (o->roles && !are_texts(o->roles, FSM_TOKEN_ROLES_MAX, FSM_TOKEN_TEXT_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "roles",
                    "roles is not a list of at most %d strings of 1 to %d printable bytes",
                    FSM_TOKEN_ROLES_MAX, FSM_TOKEN_TEXT_MAX);
  const fsm_value alone = o->aud ? fsm_list(o->aud, 1) : fsm_null();
  if (o->aud &&
      !are_texts(fsm_is(o->aud, FSM_STRING) ? &alone : o->aud, FSM_TOKEN_ROLES_MAX, FSM_TOKEN_ISS_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "aud",
                    "aud is not a string, or a list of at most %d, of printable bytes", FSM_TOKEN_ROLES_MAX);
  if (o->ttl_s < 1 || o->ttl_s > FSM_TOKEN_TTL_MAX_S)
    return fsm_fail(err, FSM_EARGUMENT, "ttl", "the lifetime is not 1 second to 10 years");
  return FSM_OK;
}

static bool add_json(jwt_t *jwt, const char *claim, const fsm_value *value) {
  if (!value) return true;
  fsm_buf json = {0};
  fsm_buf_printf(&json, "{\"%s\":", claim);
  fsm_json_write(&json, value);
  fsm_buf_char(&json, '}');
  bool good = jwt_add_grants_json(jwt, fsm_buf_text(&json)) == 0 && fsm_buf_ok(&json);
  fsm_buf_free(&json);
  return good;
}

/* NULL = the key is not for it, or no memory. */
static char *encode(const fsm_token_order *o, const fsm__token_key *key, const char *jti, int64_t now_ns) {
  const long now_s = (long)(now_ns / 1000000000);
  char *text = NULL;
  jwt_t *jwt = NULL;
  if (jwt_new(&jwt) == 0 && jwt_set_alg(jwt, algorithms[o->alg].jwt, key->bytes, (int)key->len) == 0 &&
      (!o->kid || jwt_add_header(jwt, "kid", o->kid) == 0) && jwt_add_grant(jwt, "sub", o->sub) == 0 &&
      (!o->iss || jwt_add_grant(jwt, "iss", o->iss) == 0) && jwt_add_grant(jwt, "jti", jti) == 0 &&
      jwt_add_grant_int(jwt, "iat", now_s) == 0 &&
      jwt_add_grant_int(jwt, "exp", now_s + (long)o->ttl_s) == 0 && add_json(jwt, "roles", o->roles) &&
      add_json(jwt, "aud", o->aud))
    text = jwt_encode_str(jwt);
  jwt_free(jwt);
  return text;
}

fsm_code fsm_token_mint(const fsm_token_order *order, int64_t now_ns, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(order && order->key_file && order->sub && out && (unsigned)order->alg < FSM_TOKEN_ALG_COUNT);
  char made[37];
  fsm__token_key key = {.alg = order->alg};
  fsm_code code = order->jti ? FSM_OK : fsm__uuid7(now_ns, made, err);
  if (code == FSM_OK) code = check_order(order, order->jti ? order->jti : made, err);
  if (code == FSM_OK) code = fsm__token_key_load_signing(&key, order->key_file, err);
  if (code != FSM_OK) return code;
  char *text = encode(order, &key, order->jti ? order->jti : made, now_ns);
  fsm__token_key_wipe(&key);
  if (!text)
    return fsm_fail(err, FSM_EARGUMENT, order->key_file, "the key cannot sign with %s",
                    fsm_token_alg_name(order->alg));
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
