/* token_claims.c: what a token that is rightly signed says, by strict types, and whether it is for us and for
 * now. */
#include <math.h>
#include <string.h>

#include "runtime/token_impl.h"

#define TIME_MAX_S 253402300799.0 /* the end of the year 9999 */

static fsm_code bad(fsm_error *err, const char *where, const char *why) {
  return fsm_fail(err, FSM_ETOKEN, where, "%s", why);
}

fsm_token_rules fsm_token_rules_new(void) {
  static const char *const roles[] = {"roles", "scope", "groups"};
  return (fsm_token_rules){.leeway_s = FSM_TOKEN_LEEWAY_S,
                           .audience = FSM_TOKEN_AUDIENCE,
                           .admin_audience = FSM_TOKEN_ADMIN_AUDIENCE,
                           .sub_claim = "sub",
                           .session_claim = "jti",
                           .roles_claims = roles,
                           .roles_claim_count = sizeof roles / sizeof *roles};
}

/* By the very name first, as names may hold dots ("https://example.org/roles"), then as a path. */
static const fsm_value *claim(const fsm_value *payload, const char *name) {
  const fsm_value *found = fsm_map_get(payload, name);
  while (!found && payload && strchr(name, '.')) {
    size_t len = strcspn(name, ".");
    payload = fsm_map_getn(payload, name, len);
    name += len + 1;
    found = payload ? fsm_map_get(payload, name) : NULL;
  }
  return found;
}

/* ---- texts and times ------------------------------------------------------------------------------ */

static fsm_code read_text(fsm_arena *arena, const fsm_value *value, const char *name, size_t max,
                          const char **out, fsm_error *err) {
  if (!value) return FSM_OK;
  if (!fsm_is(value, FSM_STRING) || !fsm__token_printable(value->s, value->len, max))
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

fsm_code fsm_token_check_times(const fsm_token_rules *rules, const fsm_token_claims *claims, int64_t now_ns,
                               fsm_error *err) {
  FSM_ASSERT(rules && claims);
  const double now = (double)now_ns / 1e9, leeway = (double)rules->leeway_s;
  if (now_ns >= claims->until_ns) return bad(err, "kid", "the key is not taken any more");
  if (claims->exp_s <= now - leeway) return bad(err, "exp", "the token has expired");
  if (claims->nbf_s > now + leeway) return bad(err, "nbf", "the token is not valid yet");
  if (claims->iat_s > now + leeway) return bad(err, "iat", "the token was issued in the future");
  return FSM_OK;
}

/* ---- audience ------------------------------------------------------------------------------------- */

typedef struct named {
  bool legal, us, admins;
} named;

static bool is_ours(const fsm__token_key *key, const fsm_token_rules *rules, const fsm_value *name) {
  if (key->aud_count == 0) return fsm_is_text(name, rules->audience);
  for (size_t i = 0; i < key->aud_count; i++)
    if (fsm_is_text(name, key->aud[i])) return true;
  return false;
}

static named who_is_named(const fsm__token_key *key, const fsm_token_rules *rules, const fsm_value *aud) {
  named out = {.legal = true};
  const bool list = fsm_is(aud, FSM_LIST);
  for (uint32_t i = 0; i < (list ? aud->len : 1); i++) {
    const fsm_value *name = list ? &aud->items[i] : aud;
    out.legal &= fsm_is(name, FSM_STRING);
    out.us |= is_ours(key, rules, name);
    out.admins |= key->admin && fsm_is_text(name, rules->admin_audience);
  }
  return out;
}

static fsm_code read_audience(const fsm__token_key *key, const fsm_token_rules *rules,
                              const fsm_value *payload, bool *admin, fsm_error *err) {
  const fsm_value *aud = fsm_map_get(payload, "aud");
  if (!aud && key->aud_count == 0) return FSM_OK;
  if (!aud) return bad(err, "aud", "aud is missing");
  named who = who_is_named(key, rules, aud);
  if (!who.legal) return bad(err, "aud", "aud is neither a string nor a list of them");
  if (!who.us && !who.admins) return bad(err, "aud", "aud does not name us");
  *admin = who.admins;
  return FSM_OK;
}

/* ---- roles ---------------------------------------------------------------------------------------- */

typedef struct roles {
  fsm_value at[FSM_TOKEN_ROLES_MAX];
  uint32_t count;
  bool given;
} roles;

static fsm_code add_role(roles *out, const char *claim_name, const char *text, size_t len, fsm_error *err) {
  const fsm_value role = fsm_stringn(text, len);
  if (!fsm__token_printable(text, len, FSM_TOKEN_TEXT_MAX))
    return fsm_fail(err, FSM_ETOKEN, "roles", "%s has a role that is not 1 to %d printable bytes", claim_name,
                    FSM_TOKEN_TEXT_MAX);
  for (uint32_t i = 0; i < out->count; i++)
    if (fsm_value_same(&out->at[i], &role)) return FSM_OK;
  if (out->count == FSM_TOKEN_ROLES_MAX)
    return fsm_fail(err, FSM_ETOKEN, "roles", "there are more than %d roles", FSM_TOKEN_ROLES_MAX);
  out->at[out->count++] = role;
  return FSM_OK;
}

/* Words, as OAuth 2 writes scopes. */
static fsm_code add_words(roles *out, const char *claim_name, const fsm_value *text, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < text->len && code == FSM_OK;) {
    uint32_t end = i;
    while (end < text->len && text->s[end] != ' ') end++;
    if (end > i) code = add_role(out, claim_name, text->s + i, end - i, err);
    i = end + 1;
  }
  return code;
}

static bool is_scope(const char *name) {
  const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
  return strcmp(last, "scope") == 0 || strcmp(last, "scp") == 0;
}

static fsm_code add_claim(roles *out, const char *name, const fsm_value *value, fsm_error *err) {
  fsm_code code = FSM_OK;
  out->given = true;
  if (fsm_is(value, FSM_STRING))
    return is_scope(name) ? add_words(out, name, value, err) : add_role(out, name, value->s, value->len, err);
  if (!fsm_is(value, FSM_LIST))
    return fsm_fail(err, FSM_ETOKEN, "roles", "%s is neither a text nor a list of them", name);
  for (uint32_t i = 0; i < value->len && code == FSM_OK; i++)
    code = fsm_is(&value->items[i], FSM_STRING)
               ? add_role(out, name, value->items[i].s, value->items[i].len, err)
               : fsm_fail(err, FSM_ETOKEN, "roles", "%s has a member that is no text", name);
  return code;
}

static fsm_code read_roles(const fsm_token_rules *rules, const fsm_value *payload, fsm_arena *arena,
                           fsm_value *out, fsm_error *err) {
  roles found = {.count = 0};
  for (size_t i = 0; i < rules->roles_claim_count; i++) {
    const fsm_value *value = claim(payload, rules->roles_claims[i]);
    fsm_code code = value ? add_claim(&found, rules->roles_claims[i], value, err) : FSM_OK;
    if (code != FSM_OK) return code;
  }
  if (!found.given) return FSM_OK;
  fsm_value view = fsm_list(found.at, found.count);
  return fsm_value_copy(arena, &view, out, err);
}

/* ---- all of it ------------------------------------------------------------------------------------ */

fsm_code fsm__token_claims_read(const fsm__token_key *key, const fsm_token_rules *rules,
                                const fsm_value *payload, fsm_arena *arena, fsm_token_claims *out,
                                fsm_error *err) {
  fsm_code code;
  out->until_ns = key->until_ns;
  if ((code = read_text(arena, claim(payload, rules->sub_claim), rules->sub_claim, FSM_TOKEN_TEXT_MAX,
                        &out->sub, err)) != FSM_OK ||
      (code = read_text(arena, claim(payload, rules->session_claim), rules->session_claim, FSM_TOKEN_TEXT_MAX,
                        &out->jti, err)) != FSM_OK ||
      (code = read_text(arena, fsm_map_get(payload, "iss"), "iss", FSM_TOKEN_ISS_MAX, &out->iss, err)) !=
          FSM_OK ||
      (code = read_time(payload, "exp", &out->exp_s, err)) != FSM_OK ||
      (code = read_time(payload, "nbf", &out->nbf_s, err)) != FSM_OK ||
      (code = read_time(payload, "iat", &out->iat_s, err)) != FSM_OK)
    return code;
  if (!out->sub) return fsm_fail(err, FSM_ETOKEN, rules->sub_claim, "%s is missing", rules->sub_claim);
  if (out->exp_s == 0) return bad(err, "exp", "exp is missing");
  if (*key->iss && (!out->iss || strcmp(out->iss, key->iss) != 0))
    return bad(err, "iss", "iss is not that of the key");
  if ((code = read_audience(key, rules, payload, &out->admin, err)) != FSM_OK) return code;
  return read_roles(rules, payload, arena, &out->roles, err);
}
