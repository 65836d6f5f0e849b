/* token_form.c: three parts, one spelling each, and a header of which nothing is believed but alg and kid. */
#include <string.h>

#include "runtime/token_impl.h"
#include "schema/json.h"
#include "schema/utf8.h"

static fsm_code bad(fsm_error *err, const char *where, const char *why) {
  return fsm_fail(err, FSM_ETOKEN, where, "%s", why);
}

bool fsm__token_printable(const char *text, size_t len, size_t max) {
  if (len == 0 || len > max || !fsm__utf8_valid(text, len)) return false;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7f) return false;
    if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0) return false;
  }
  return true;
}

/* ---- base64url (RFC 4648 5, no padding) ----------------------------------------------------------- */

static int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

unsigned char *fsm__token_base64url(fsm_arena *arena, const char *text, size_t len, size_t *out_len) {
  if (len == 0 || len % 4 == 1) return NULL;
  unsigned char *out = fsm_arena_alloc(arena, len / 4 * 3 + 3);
  if (!out) return NULL;
  uint32_t bits = 0;
  unsigned have = 0;
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    int digit = digit_of(text[i]);
    if (digit < 0) return NULL;
    bits = bits << 6 | (uint32_t)digit;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out[n++] = (unsigned char)(bits >> have);
    bits &= (1u << have) - 1;
  }
  if (bits != 0) return NULL; /* a second spelling of the same bytes */
  *out_len = n;
  return out;
}

/* ---- parts ---------------------------------------------------------------------------------------- */

fsm_code fsm__token_split(const char *token, size_t len, fsm__token_parts *out, fsm_error *err) {
  if (len > FSM_TOKEN_BYTES_MAX)
    return fsm_fail(err, FSM_ETOKEN, "token", "the token is longer than %d bytes", FSM_TOKEN_BYTES_MAX);
  const char *first = len ? memchr(token, '.', len) : NULL;
  const char *rest = first ? first + 1 : NULL;
  const char *second = rest ? memchr(rest, '.', len - (size_t)(rest - token)) : NULL;
  if (!second) return bad(err, "token", "the token is not three parts with two dots");
  *out = (fsm__token_parts){token,
                            rest,
                            second + 1,
                            (size_t)(first - token),
                            (size_t)(second - rest),
                            len - (size_t)(second + 1 - token)};
  if (memchr(out->signature, '.', out->signature_len))
    return bad(err, "token", "the token has more than three parts");
  return FSM_OK;
}

fsm_code fsm__token_part(fsm_arena *arena, const char *name, const char *text, size_t len, fsm_value *out,
                         fsm_error *err) {
  size_t bytes = 0;
  unsigned char *json = fsm__token_base64url(arena, text, len, &bytes);
  if (!json) return bad(err, name, "this part of the token is not base64url");
  fsm_code code = fsm_json_parse(arena, (const char *)json, bytes, FSM_JSON_SORTED, out, NULL);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, name, "no memory for the token");
  if (code != FSM_OK)
    return bad(err, name, "this part of the token is not one JSON object without repeated names");
  if (!fsm_is(out, FSM_MAP)) return bad(err, name, "this part of the token is not a JSON object");
  return FSM_OK;
}

/* ---- header --------------------------------------------------------------------------------------- */

/* JWT alone: libjwt refuses all else, at+jwt of RFC 9068 too. */
static bool is_typ(const fsm_value *value) {
  return fsm_is(value, FSM_STRING) && value->len == 3 && strncasecmp(value->s, "JWT", 3) == 0;
}

static fsm_code read_member(const fsm_value *name, const fsm_value *value, fsm__token_header *out,
                            fsm_error *err) {
  if (fsm_is_text(name, "alg")) {
    if (!fsm_is(value, FSM_STRING) || !fsm_token_alg_parse(value->s, value->len, &out->alg))
      return bad(err, "header", "alg is none that is taken");
  } else if (fsm_is_text(name, "kid")) {
    if (!fsm_is(value, FSM_STRING) || !fsm__token_printable(value->s, value->len, FSM_TOKEN_TEXT_MAX))
      return bad(err, "header", "kid is not a short printable string");
    out->kid = value;
  } else if (fsm_is_text(name, "typ")) {
    if (!is_typ(value)) return bad(err, "header", "typ is not JWT");
  } else if (fsm_is_text(name, "x5t") || fsm_is_text(name, "x5t#S256")) {
    /* The hash of a certificate: some issuers say the kid this way too. Nothing is done with it. */
    if (!fsm_is(value, FSM_STRING)) return bad(err, "header", "a thumbprint is not a string");
  } else {
    return bad(err, "header", "the header has a member that is not alg, kid, typ or a thumbprint");
  }
  return FSM_OK;
}

/* Of the rest only what changes nothing is let through, so that no header can bring a key, a location of
 * one, or an extension. */
fsm_code fsm__token_header_read(const fsm_value *object, fsm__token_header *out, fsm_error *err) {
  *out = (fsm__token_header){.kid = NULL};
  for (uint32_t i = 0; i < object->len; i++) {
    fsm_code code = read_member(&object->pairs[i].key, &object->pairs[i].value, out, err);
    if (code != FSM_OK) return code;
  }
  return fsm_map_get(object, "alg") ? FSM_OK : bad(err, "header", "alg is missing");
}
