/* fuzz_wire.h: what comes over a network in small: targets token (bearer tokens), worker (requests of
 * workers) and http (request targets, traces, entity tags, ids of messages). */
#ifndef FSM_TESTS_FUZZ_WIRE_H
#define FSM_TESTS_FUZZ_WIRE_H

#include <openssl/hmac.h>

#include "runtime/daemon/headers.h"
#include "runtime/daemon/trace_context.h"
#include "runtime/daemon/target.h"
#include "runtime/filter.h"
#include "runtime/message.h"
#include "runtime/token.h"
#include "runtime/worker_request.h"
#include "schema/utf8.h"
#include "tests/fuzz/fuzz_definition.h"

/* ---- token --------------------------------------------------------------------------------------- */

#define TOKEN_KEY "0123456789abcdef0123456789abcdef"
#define TOKEN_NOW_S INT64_C(1700000000)

static const char *const token_tokens[] = {"sub",   "jti",  "iss", "exp",  "nbf",  "iat",      "aud",
                                           "roles", "alg",  "typ", "kid",  "crit", "HS256",    "JWT",
                                           "none",  "fsmd", "ann", ".",    "=",    "\xc2\x85", "HS384",
                                           "jwk",   "-",    "_",   "AAAA", "eyJ",  NULL};

static inline size_t token_encode(const uint8_t *in, size_t len, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t n = 0;
  uint32_t bits = 0;
  unsigned have = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | in[i];
    for (have += 8; have >= 6; have -= 6) out[n++] = digits[bits >> (have - 6) & 63];
  }
  if (have) out[n++] = digits[bits << (6 - have) & 63];
  return n;
}

/* Signed as it should be, whatever header and payload are. */
static inline size_t token_sign(const void *header, size_t header_len, const void *payload,
                                size_t payload_len, char *out) {
  size_t n = token_encode(header, header_len, out);
  out[n++] = '.';
  n += token_encode(payload, payload_len, out + n);
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned mac_len = 0;
  FSM_ASSERT(HMAC(EVP_sha256(), TOKEN_KEY, (int)strlen(TOKEN_KEY), (const uint8_t *)out, n, mac, &mac_len));
  out[n++] = '.';
  return n + token_encode(mac, mac_len, out + n);
}

enum { TOKEN_HEADERS = 2 };

/* Seeds: headers, then payloads. */
static inline void token_open(fuzz_run *run) {
  run->tokens = token_tokens;
  fuzz_seed_text(run, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
  fuzz_seed_text(run, "{\"kid\":\"k\",\"alg\":\"HS256\"}");
  fuzz_seed_text(run, "{\"sub\":\"ann\",\"jti\":\"s-1\",\"exp\":1700000600}");
  fuzz_seed_text(
      run,
      "{\"sub\":\"ann\",\"iss\":\"https://id\",\"exp\":1700000600.5,\"nbf\":1699999000,\"iat\":1699999000,"
      "\"aud\":[\"x\",\"fsmd\"],\"roles\":[\"boss\",\"clerk\"],\"else\":{\"x\":[1]}}");
  fsm_token_keys *keys = NULL;
  if (fsm_token_keys_secret(FSM_TOKEN_HS256, TOKEN_KEY, strlen(TOKEN_KEY), &keys, NULL) != FSM_OK)
    fail_msg("no key");
  run->own = keys;
}

static inline void token_close(fuzz_run *run) { fsm_token_keys_free(run->own); }

static inline fuzz_text token_part(fuzz_run *run, size_t first, size_t count) {
  const fuzz_seed *seed = &run->seeds[first + fuzz_below(run, count)];
  fsm_value tree;
  fsm_buf text = {0};
  if (fsm_json_parse(&run->arena, (const char *)seed->data, seed->len, FSM_JSON_AS_WRITTEN, &tree, NULL) !=
      FSM_OK)
    fail_msg("a seed is no JSON");
  if (fuzz_one_in(run, 2)) tree = fuzz_change_tree(run, &tree, &tree, false);
  fsm_json_write(&text, &tree);
  fuzz_text t = fuzz_text_of(run, fsm_buf_text(&text), text.len);
  if (fuzz_one_in(run, 6)) fuzz_change(run, &t);
  fsm_buf_free(&text);
  return t;
}

static inline void token_expect_claims(fuzz_run *run, const fsm_token_claims *c) {
  const double now = (double)TOKEN_NOW_S, leeway = FSM_TOKEN_LEEWAY_S;
  fuzz_expect(
      run,
      c->sub && *c->sub && strlen(c->sub) <= FSM_TOKEN_TEXT_MAX && fsm__utf8_valid(c->sub, strlen(c->sub)),
      "a taken token says who in short printable text");
  fuzz_expect(run, c->exp_s > now - leeway && c->nbf_s <= now + leeway && c->iat_s <= now + leeway,
              "a taken token's time is now");
  fuzz_expect(
      run,
      fsm_is(&c->roles, FSM_NULL) || (fsm_is(&c->roles, FSM_LIST) && c->roles.len <= FSM_TOKEN_ROLES_MAX),
      "roles are a short list");
}

static inline void token_one(fuzz_run *run) {
  static char signed_text[8 * FUZZ_BYTES_MAX];
  fuzz_text header = token_part(run, 0, TOKEN_HEADERS);
  fuzz_text payload = token_part(run, TOKEN_HEADERS, run->seed_count - TOKEN_HEADERS);
  size_t len = token_sign(header.data, header.len, payload.data, payload.len, signed_text);
  fuzz_text t = fuzz_text_of(run, signed_text, len);
  bool forged = fuzz_one_in(run, 2);
  if (forged) fuzz_change(run, &t);
  fuzz_input(run, t.data, t.len);
  bool same = t.len == len && memcmp(t.data, signed_text, len) == 0;
  fsm_token_claims claims = {.sub = fuzz_untouched};
  fsm_error err = fuzz_error();
  const fsm_token_rules rules = fsm_token_rules_new();
  fsm_code code = fsm_token_verify(run->own, &rules, (const char *)run->input, run->input_len,
                                   TOKEN_NOW_S * 1000000000, &run->arena, &claims, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code == FSM_OK) {
    fuzz_expect(run, same, "only what was signed is taken");
    token_expect_claims(run, &claims);
    return;
  }
  fuzz_expect(run, code == FSM_ETOKEN && claims.sub == fuzz_untouched,
              "a bad token is one, and gives no claims");
  const char *shown = (const char *)run->input;
  fuzz_expect(run, run->input_len < 24 || !memmem(err.text, strlen(err.text), shown, 24),
              "an error shows nothing of a token");
}

/* ---- worker -------------------------------------------------------------------------------------- */

static const char *const worker_tokens[] = {
    "token", "output", "error",   "final", "message", "00112233445566778899aabbccddeeff",
    "true",  "null",   "\\u0000", NULL};

static inline void worker_open(fuzz_run *run) {
  run->tokens = worker_tokens;
  fuzz_seed_text(
      run,
      "{\"token\":\"00112233445566778899aabbccddeeff\",\"output\":{\"reviewId\":\"r-1\",\"n\":[1,2.5]}}");
  fuzz_seed_text(
      run, "{\"token\":\"00112233445566778899AABBCCDDEEFF\",\"error\":{\"message\":\"no\"},\"final\":true}");
  fuzz_seed_text(run, "{\"token\":\"00112233445566778899aabbccddeeff\"}");
}

static inline void worker_one(fuzz_run *run) {
  static const fsm_command_kind kinds[] = {FSM_CMD_TASK_COMPLETE, FSM_CMD_TASK_FAIL, FSM_CMD_TASK_HEARTBEAT};
  document_input(run, 3);
  fsm_command command;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__worker_request_read(&run->arena, kinds[fuzz_below(run, 3)], (const char *)run->input,
                                           run->input_len, &command, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err) || code == FSM_OK) return;
  fuzz_expect(run, code == FSM_EMALFORMED || code == FSM_ETOOLARGE, "a bad request is malformed");
  command = fsm__worker_request_refused(&run->arena, code, (const char *)run->input, run->input_len);
  fuzz_expect(
      run,
      command.kind == FSM_CMD_REFUSED && fsm_is(&command.data, FSM_STRING) && command.data.len <= 4 * 256,
      "a refused request is kept in short");
  fsm_buf reply = {0};
  fsm_value back;
  fsm__worker_error_write(&reply, &err);
  fuzz_expect(run, fsm_json_parse(&run->arena, reply.data, reply.len, FSM_JSON_SORTED, &back, NULL) == FSM_OK,
              "what a worker is told is JSON");
  fsm_buf_free(&reply);
}

/* ---- http ---------------------------------------------------------------------------------------- */

static const char *const http_tokens[] = {
    "%2F", "%00",  "%",      "%zz", "%C3%A4", "%ff",    "&",   "=",   "?",     "/", "+",
    "#",   "key:", "after=", "d",   "ms",     "limit=", "00-", "-01", "\"7\"", ".", "18446744073709551616",
    NULL};

static inline void http_open(fuzz_run *run) {
  run->tokens = http_tokens;
  fuzz_seed_text(run, "/v1/instances/doc%2Fkey%3aA%20+%26/history?after=12&limit=100&state=a%2Eb+c");
  fuzz_seed_text(run, "/v1/machines//document-approval?x=&y&z=%C3%A4");
  fuzz_seed_text(
      run,
      "/a/b/c/d/e/f/g/h/i/j?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11&l=12&m=13&n=14&o=15&p=16&q=17");
  fuzz_seed_text(run, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  fuzz_seed_text(run, "\"9223372036854775807\"");
  fuzz_seed_text(run, "2d3h4m5s6ms");
  fuzz_seed_text(run, "61626364656667686162636465666768.3.7.18446744073709551615");
}

static inline void http_expect_target(fuzz_run *run, const char *text) {
  fsm__target target;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__target_parse(&run->arena, text, &target, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_EMALFORMED && err.where[0], "a bad target is malformed and says where");
    return;
  }
  fuzz_expect(run, target.segment_count <= FSM__SEGMENTS_MAX + 1 && target.param_count <= FSM__PARAMS_MAX,
              "a target is bounded");
  for (size_t i = 0; i < target.segment_count && i < FSM__SEGMENTS_MAX; i++)
    fuzz_expect(run, fsm__utf8_valid(target.segments[i], strlen(target.segments[i])), "a segment is UTF-8");
  for (size_t i = 0; i < target.param_count; i++)
    fuzz_expect(run,
                fsm__target_param(&target, target.params[i].name) == target.params[i].value ||
                    fsm_filter_repeats(target.params[i].name),
                "a parameter is there once, but those that may repeat");
}

static inline void http_one(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  fuzz_change(run, &t);
  if (t.len == FUZZ_BYTES_MAX) t.len--;
  for (size_t i = 0; i < t.len; i++) t.data[i] = t.data[i] ? t.data[i] : '0'; /* a header holds no NUL */
  t.data[t.len] = '\0';
  fuzz_input(run, t.data, t.len + 1);
  const char *text = (const char *)run->input;
  http_expect_target(run, text);
  fsm_value trace;
  if (fsm__trace_parse(&run->arena, text, &trace)) {
    const char *again = fsm__traceparent(&run->arena, &trace);
    fuzz_expect(run, again && strncmp(again + 2, text + 2, 50) == 0, "a trace is written as it was read");
  }
  int64_t ns = -1;
  if (fsm_duration_parse(text, &ns, NULL) == FSM_OK) {
    char again[64];
    fsm_duration_format(ns, again, sizeof again);
    fuzz_expect(run, ns >= 0 && again[0], "a duration is not below zero and can be shown");
  }
  int64_t rev = fsm__etag_parse(text);
  char etag[32];
  snprintf(etag, sizeof etag, "\"%" PRId64 "\"", rev);
  fuzz_expect(run, rev >= -1 && (rev < 0 || strcmp(etag, text) == 0), "a revision has one spelling");
  fsm_origin origin;
  uint64_t seq;
  if (!fsm__message_id_read(text, &origin, &seq)) return;
  char id[FSM_MESSAGE_ID_MAX];
  fsm_record_id(&origin, seq, id, sizeof id);
  fuzz_expect(run, strcmp(id, text) == 0, "an event id has one spelling");
}

#endif
