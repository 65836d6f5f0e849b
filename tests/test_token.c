/* test_token.c: what is taken as a bearer token, and above all what is not. */
#include "runtime/token.h"

#include <fcntl.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1700000000)
#define NOW_NS (NOW_S * 1000000000)
#define KEY "0123456789abcdef0123456789abcdef"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD "{\"sub\":\"ann\",\"jti\":\"s-1\",\"exp\":1700000600}"

/* ---- a token maker of our own, so that it can make what no library would --------------------------- */

static size_t encode(const unsigned char *in, size_t len, char *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t n = 0;
  uint32_t bits = 0;
  unsigned have = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | in[i];
    for (have += 8; have >= 6; have -= 6) out[n++] = digits[bits >> (have - 6) & 63];
  }
  if (have) out[n++] = digits[bits << (6 - have) & 63];
  out[n] = 0;
  return n;
}

static const char *sign(const EVP_MD *digest, const char *key, const char *header, const char *payload) {
  static char token[65536];
  size_t n = encode((const unsigned char *)header, strlen(header), token);
  token[n++] = '.';
  n += encode((const unsigned char *)payload, strlen(payload), token + n);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  assert_non_null(HMAC(digest, key, (int)strlen(key), (const unsigned char *)token, n, mac, &len));
  token[n++] = '.';
  encode(mac, len, token + n);
  return token;
}

static const char *token_of(const char *header, const char *payload) {
  return sign(EVP_sha256(), KEY, header, payload);
}

/* ---- verdicts ------------------------------------------------------------------------------------- */

static fsm_token_keys *the_key(void) {
  fsm_token_keys *keys = NULL;
  assert_int_equal(fsm_token_keys_secret(FSM_TOKEN_HS256, KEY, strlen(KEY), &keys, NULL), FSM_OK);
  return keys;
}

static fsm_code verify(const fsm_token_keys *keys, const char *token, size_t len, int64_t now_ns,
                       fsm_arena *arena, fsm_token_claims *out, fsm_error *err) {
  const fsm_token_rules rules = fsm_token_rules_new();
  return fsm_token_verify(keys, &rules, token, len, now_ns, arena, out, err);
}

static fsm_code verdict_n(const char *token, size_t len, fsm_error *err) {
  fsm_token_keys *key = the_key();
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_token_claims claims;
  /* Exactly as long as it is said to be, so that a read behind it is seen. */
  char *exact = malloc(len ? len : 1);
  assert_non_null(exact);
  memcpy(exact, token, len);
  fsm_code code = verify(key, exact, len, NOW_NS, &arena, &claims, err);
  free(exact);
  fsm_arena_free(&arena);
  fsm_token_keys_free(key);
  return code;
}

static void refused_at(const char *where, const char *token) {
  fsm_error err = {0};
  assert_int_equal(verdict_n(token, strlen(token), &err), FSM_ETOKEN);
  assert_string_equal(err.where, where);
  assert_true(*err.text);
}

static void taken(const char *token) {
  fsm_error err = {0};
  fsm_code code = verdict_n(token, strlen(token), &err);
  if (code != FSM_OK) print_error("%s: %s\n", err.where, err.text);
  assert_int_equal(code, FSM_OK);
}

/* ---- what is taken -------------------------------------------------------------------------------- */

static void a_good_token_gives_its_claims(void **state) {
  (void)state;
  fsm_token_keys *key = the_key();
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_token_claims claims;
  const char *token =
      token_of(HS256,
               "{\"sub\":\"ann\",\"jti\":\"s-1\",\"iss\":\"https://id\",\"exp\":1700000600,\"nbf\":"
               "1699999000,\"iat\":1699999000,\"roles\":[\"boss\",\"clerk\"],\"else\":{\"x\":[1]}}");
  assert_int_equal(verify(key, token, strlen(token), NOW_NS, &arena, &claims, NULL), FSM_OK);
  assert_string_equal(claims.sub, "ann");
  assert_string_equal(claims.jti, "s-1");
  assert_string_equal(claims.iss, "https://id");
  assert_int_equal(claims.roles.len, 2);
  assert_true(fsm_is_text(&claims.roles.items[1], "clerk"));
  assert_true(claims.exp_s == 1700000600.0);
  fsm_arena_free(&arena);
  fsm_token_keys_free(key);
}

static void only_what_changes_nothing_may_be_left_out_or_added(void **state) {
  (void)state;
  taken(token_of(HS256, GOOD));
  taken(token_of("{\"alg\":\"HS256\"}", GOOD));
  taken(token_of("{\"typ\":\"jwt\",\"kid\":\"../../etc/passwd\",\"alg\":\"HS256\"}", GOOD));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600.5}"));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":\"fsmd\"}"));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":[\"other\",\"fsmd\"]}"));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":[]}"));
}

static void the_leeway_is_thirty_seconds_and_no_more(void **state) {
  (void)state;
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1699999971}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1699999970}"));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":1700000030}"));
  refused_at("nbf", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":1700000031}"));
  taken(token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"iat\":1700000030}"));
  refused_at("iat", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"iat\":1700000031}"));
}

/* ---- attacks on the form -------------------------------------------------------------------------- */

static void a_token_is_three_parts(void **state) {
  (void)state;
  refused_at("token", "");
  refused_at("token", "abc");
  refused_at("token", "abc.def");
  char four[4096];
  snprintf(four, sizeof four, "%s.x", token_of(HS256, GOOD));
  refused_at("token", four);
  refused_at("header", "..");
  refused_at("header", ".e30.");
}

static void a_token_that_is_cut_anywhere_is_refused(void **state) {
  (void)state;
  const char *token = token_of(HS256, GOOD);
  fsm_error err;
  for (size_t len = 0; len < strlen(token); len++) assert_int_equal(verdict_n(token, len, &err), FSM_ETOKEN);
}

static void a_token_with_any_character_changed_is_refused(void **state) {
  (void)state;
  char token[4096];
  snprintf(token, sizeof token, "%s", token_of(HS256, GOOD));
  fsm_error err;
  for (size_t i = 0; token[i]; i++) {
    char was = token[i];
    token[i] = was == 'A' ? 'B' : 'A';
    assert_int_equal(verdict_n(token, strlen(token), &err), FSM_ETOKEN);
    token[i] = was;
  }
  taken(token);
}

static void a_token_over_8_kb_is_refused_and_one_of_8_kb_is_not(void **state) {
  (void)state;
  char payload[8192];
  size_t fill = 6052;
  for (;; fill--) { /* the largest that still fits */
    snprintf(payload, sizeof payload, "{\"sub\":\"ann\",\"exp\":1700000600,\"x\":\"%0*d\"}", (int)fill, 0);
    if (strlen(token_of(HS256, payload)) <= FSM_TOKEN_BYTES_MAX) break;
  }
  taken(token_of(HS256, payload));
  snprintf(payload, sizeof payload, "{\"sub\":\"ann\",\"exp\":1700000600,\"x\":\"%0*d\"}", (int)fill + 3, 0);
  refused_at("token", token_of(HS256, payload));
}

static void a_part_that_is_not_base64url_is_refused(void **state) {
  (void)state;
  char token[4096];
  snprintf(token, sizeof token, "%s", token_of(HS256, GOOD));
  char *dot = strchr(token, '.');
  char was = dot[-1];
  for (const char *c = "=+/ \n%"; *c; c++) {
    dot[-1] = *c;
    refused_at("header", token);
  }
  dot[-1] = was;
  dot[1] = '=';
  refused_at("payload", token);
}

/* base64 of 32 bytes leaves two bits over; a lax reader takes four spellings of one signature. */
static void a_signature_has_one_spelling(void **state) {
  (void)state;
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  char token[4096];
  snprintf(token, sizeof token, "%s", token_of(HS256, GOOD));
  char *last = token + strlen(token) - 1;
  size_t digit = (size_t)(strchr(digits, *last) - digits);
  assert_int_equal(digit & 3, 0);
  for (size_t i = 1; i < 4; i++) {
    *last = digits[digit + i];
    refused_at("signature", token);
  }
}

static void nul_bytes_do_not_end_a_token_early(void **state) {
  (void)state;
  char token[4096];
  snprintf(token, sizeof token, "%s", token_of(HS256, GOOD));
  size_t len = strlen(token);
  memcpy(token + len, "\0.x", 3);
  fsm_error err;
  assert_int_equal(verdict_n(token, len + 3, &err), FSM_ETOKEN);
  assert_int_equal(verdict_n(token, len + 1, &err), FSM_ETOKEN);
}

/* ---- attacks on the algorithm --------------------------------------------------------------------- */

static void no_algorithm_but_HS256_is_taken(void **state) {
  (void)state;
  static const char *const names[] = {"none",  "None",  "NONE",   "nOnE",  "HS384",
                                      "HS512", "RS256", "RS384",  "RS512", "ES256",
                                      "PS256", "hs256", "HS256 ", "",      "HS256\\u0000"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char header[128];
    snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[i]);
    refused_at("header", token_of(header, GOOD));
  }
  refused_at("header", sign(EVP_sha384(), KEY, "{\"alg\":\"HS384\"}", GOOD));
  refused_at("header", sign(EVP_sha512(), KEY, "{\"alg\":\"HS512\"}", GOOD));
}

static void an_unsigned_token_is_refused(void **state) {
  (void)state;
  char token[4096];
  snprintf(token, sizeof token, "%s", token_of("{\"alg\":\"none\"}", GOOD));
  strrchr(token, '.')[1] = 0;
  refused_at("header", token);
  snprintf(token, sizeof token, "%s", token_of(HS256, GOOD));
  strrchr(token, '.')[1] = 0;
  refused_at("signature", token);
}

static void alg_is_one_string(void **state) {
  (void)state;
  refused_at("header", token_of("{\"typ\":\"JWT\"}", GOOD));
  refused_at("header", token_of("{\"alg\":null}", GOOD));
  refused_at("header", token_of("{\"alg\":[\"HS256\"]}", GOOD));
  refused_at("header", token_of("{\"alg\":256}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"alg\":\"none\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"none\",\"alg\":\"HS256\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", GOOD));
}

static void a_header_brings_no_extension_and_no_key(void **state) {
  (void)state;
  refused_at("header", token_of("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"jwk\":{\"k\":\"AAAA\"}}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"jku\":\"http://evil\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"x5u\":\"http://evil\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"b64\":false}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"zip\":\"DEF\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"typ\":\"JWE\"}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"typ\":1}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"kid\":7}", GOOD));
}

static void a_part_is_one_json_object(void **state) {
  (void)state;
  refused_at("header", token_of("[\"HS256\"]", GOOD));
  refused_at("header", token_of("\"HS256\"", GOOD));
  refused_at("header", token_of(HS256 "{}", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\"", GOOD));
  refused_at("header", token_of("{\"alg\":\"HS256\",\"kid\":\"\xff\"}", GOOD));
  refused_at("payload", token_of(HS256, "[]"));
  refused_at("payload", token_of(HS256, "null"));
  refused_at("payload", token_of(HS256, GOOD "x"));
  refused_at("payload", token_of(HS256, "{\"sub\":\"ann\",\"sub\":\"root\",\"exp\":1700000600}"));
}

static void the_key_must_be_the_one(void **state) {
  (void)state;
  refused_at("signature", sign(EVP_sha256(), "0123456789abcdef0123456789abcdeF", HS256, GOOD));
  refused_at("signature", sign(EVP_sha256(), "", HS256, GOOD));
  refused_at("signature", sign(EVP_sha384(), KEY, HS256, GOOD));
  refused_at("signature", sign(EVP_sha1(), KEY, HS256, GOOD));
}

/* ---- attacks on the claims ------------------------------------------------------------------------ */

static void exp_is_a_number_that_is_there(void **state) {
  (void)state;
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\"}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":\"1700000600\"}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":null}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":true}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":[1700000600]}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":0}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":-1}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1e300}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":9223372036854775807}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1600000000}"));
  refused_at("exp", token_of(HS256, "{\"sub\":\"ann\",\"Exp\":1700000600}"));
}

static void times_have_strict_types(void **state) {
  (void)state;
  refused_at("nbf", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":\"0\"}"));
  refused_at("nbf", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":null}"));
  refused_at("nbf", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"nbf\":1800000000}"));
  refused_at("iat", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"iat\":{}}"));
  refused_at("iat", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"iat\":1800000000}"));
}

static void names_have_strict_types_and_lengths(void **state) {
  (void)state;
  char payload[1024];
  refused_at("sub", token_of(HS256, "{\"exp\":1700000600}"));
  refused_at("sub", token_of(HS256, "{\"sub\":7,\"exp\":1700000600}"));
  refused_at("sub", token_of(HS256, "{\"sub\":\"\",\"exp\":1700000600}"));
  refused_at("sub", token_of(HS256, "{\"sub\":\"a\\nb\",\"exp\":1700000600}"));
  refused_at("sub", token_of(HS256, "{\"sub\":\"a\\u009bb\",\"exp\":1700000600}"));
  snprintf(payload, sizeof payload, "{\"sub\":\"%0*d\",\"exp\":1700000600}", FSM_TOKEN_TEXT_MAX, 0);
  taken(token_of(HS256, payload));
  snprintf(payload, sizeof payload, "{\"sub\":\"%0*d\",\"exp\":1700000600}", FSM_TOKEN_TEXT_MAX + 1, 0);
  refused_at("sub", token_of(HS256, payload));
  refused_at("jti", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"jti\":7}"));
  refused_at("jti", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"jti\":null}"));
  snprintf(payload, sizeof payload, "{\"sub\":\"ann\",\"exp\":1700000600,\"jti\":\"%0*d\"}",
           FSM_TOKEN_TEXT_MAX + 1, 0);
  refused_at("jti", token_of(HS256, payload));
  refused_at("iss", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"iss\":[\"x\"]}"));
}

static void a_token_for_someone_else_is_refused(void **state) {
  (void)state;
  refused_at("aud", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":\"billing\"}"));
  refused_at("aud", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":[]}"));
  refused_at("aud", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":[\"fsmd\",7]}"));
  refused_at("aud", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"aud\":null}"));
}

static void roles_are_few_short_texts(void **state) {
  (void)state;
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":7}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":null}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":{\"boss\":true}}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":[1]}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"roles\":[\"\"]}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"groups\":[[]]}"));
  refused_at("roles", token_of(HS256, "{\"sub\":\"ann\",\"exp\":1700000600,\"scope\":\"a\\tb\"}"));
  char payload[1024];
  for (int count = FSM_TOKEN_ROLES_MAX; count <= FSM_TOKEN_ROLES_MAX + 1; count++) {
    int n = snprintf(payload, sizeof payload,
                     "{\"sub\":\"ann\",\"exp\":1700000600,\"scope\":\"r1\",\"roles\":[\"r1\"");
    for (int i = 2; i <= count; i++) n += snprintf(payload + n, sizeof payload - (size_t)n, ",\"r%d\"", i);
    snprintf(payload + n, sizeof payload - (size_t)n, "]}");
    if (count == FSM_TOKEN_ROLES_MAX)
      taken(token_of(HS256, payload));
    else
      refused_at("roles", token_of(HS256, payload));
  }
}

static void a_fault_never_holds_a_part_of_the_token(void **state) {
  (void)state;
  fsm_error err = {0};
  const char *token = token_of(HS256, "{\"sub\":7,\"exp\":1700000600,\"pw\":\"verysecretvalue\"}");
  assert_int_equal(verdict_n(token, strlen(token), &err), FSM_ETOKEN);
  assert_null(strstr(err.text, "verysecretvalue"));
  assert_null(strstr(err.text, "ey"));
}

/* ---- minting -------------------------------------------------------------------------------------- */

static char dir[64];
static const char *file_of(const void *bytes, size_t len, mode_t mode);

static void what_is_minted_is_verified_until_it_expires(void **state) {
  (void)state;
  fsm_token_keys *key = the_key();
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_buf token = {0};
  fsm_value names[] = {fsm_string("boss"), fsm_string("qu\"ote")};
  fsm_value roles = fsm_list(names, 2);
  fsm_token_claims claims;
  const fsm_token_order order = {
      .key_file = file_of(KEY, 32, 0600), .sub = "Änn", .roles = &roles, .ttl_s = 60};
  assert_int_equal(fsm_token_mint(&order, NOW_NS, &token, NULL), FSM_OK);
  assert_int_equal(verify(key, token.data, token.len, NOW_NS, &arena, &claims, NULL), FSM_OK);
  assert_string_equal(claims.sub, "Änn");
  assert_int_equal(strlen(claims.jti), 36);
  assert_true(fsm_is_text(&claims.roles.items[1], "qu\"ote"));
  assert_true(claims.exp_s == (double)NOW_S + 60);
  assert_false(claims.admin);
  int64_t later = NOW_NS + INT64_C(91) * 1000000000;
  assert_int_equal(verify(key, token.data, token.len, later, &arena, &claims, NULL), FSM_ETOKEN);
  fsm_buf_free(&token);
  fsm_arena_free(&arena);
  fsm_token_keys_free(key);
}

static void not_minted_at(const char *where, fsm_token_order order) {
  fsm_buf token = {0};
  fsm_error err = {0};
  order.key_file = file_of(KEY, 32, 0600);
  assert_int_equal(fsm_token_mint(&order, NOW_NS, &token, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, where);
  assert_int_equal(token.len, 0);
  fsm_buf_free(&token);
}

static void what_would_not_be_verified_is_not_minted(void **state) {
  (void)state;
  fsm_value seven = fsm_int(7);
  char longest[FSM_TOKEN_TEXT_MAX + 2];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = 0;
  not_minted_at("sub", (fsm_token_order){.sub = "", .jti = "s", .ttl_s = 60});
  not_minted_at("sub", (fsm_token_order){.sub = "a\xff", .jti = "s", .ttl_s = 60});
  not_minted_at("sub", (fsm_token_order){.sub = longest, .jti = "s", .ttl_s = 60});
  not_minted_at("jti", (fsm_token_order){.sub = "ann", .jti = "", .ttl_s = 60});
  not_minted_at("kid", (fsm_token_order){.sub = "ann", .kid = "", .ttl_s = 60});
  not_minted_at("iss", (fsm_token_order){.sub = "ann", .iss = "\n", .ttl_s = 60});
  not_minted_at("roles", (fsm_token_order){.sub = "ann", .roles = &seven, .ttl_s = 60});
  not_minted_at("aud", (fsm_token_order){.sub = "ann", .aud = &seven, .ttl_s = 60});
  not_minted_at("ttl", (fsm_token_order){.sub = "ann", .ttl_s = 0});
  not_minted_at("ttl", (fsm_token_order){.sub = "ann", .ttl_s = FSM_TOKEN_TTL_MAX_S + 1});
}

/* ---- key files ------------------------------------------------------------------------------------ */

static const char *file_of(const void *bytes, size_t len, mode_t mode) {
  static char path[128];
  snprintf(path, sizeof path, "%s/key", dir);
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, len), (ssize_t)len);
  assert_int_equal(fchmod(fd, mode), 0);
  close(fd);
  return path;
}

static fsm_code load(const char *path, fsm_error *err) {
  fsm_token_keys *key = NULL;
  fsm_code code = fsm_token_keys_load_secret(path, &key, err);
  fsm_token_keys_free(key);
  return code;
}

static int make_dir(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/test_token.XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}
static int drop_dir(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s/key", dir);
  unlink(path);
  return rmdir(dir);
}

static void a_key_file_is_for_its_owner_alone(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(load(file_of(KEY, 32, 0600), &err), FSM_OK);
  assert_int_equal(load(file_of(KEY, 32, 0400), &err), FSM_OK);
  static const mode_t open_modes[] = {0640, 0620, 0604, 0602, 0644, 0666, 0610, 0601};
  for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
    const char *path = file_of(KEY, 32, open_modes[i]);
    assert_int_equal(load(path, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, path);
  }
}

static void a_key_file_of_another_user_is_refused(void **state) {
  (void)state;
  if (geteuid() != 0) skip();
  fsm_error err = {0};
  const char *path = file_of(KEY, 32, 0600);
  assert_int_equal(chown(path, 12345, 12345), 0);
  assert_int_equal(load(path, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "12345"));
}

static void a_key_has_at_least_32_bytes_after_one_newline_is_gone(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(load(file_of(KEY "\n", 33, 0600), &err), FSM_OK);
  assert_int_equal(load(file_of(KEY, 31, 0600), &err), FSM_EARGUMENT);
  assert_int_equal(load(file_of("0123456789abcdef0123456789abcde\n", 32, 0600), &err), FSM_EARGUMENT);
  assert_int_equal(load(file_of("0123456789abcdef0123456789abcde\n\n", 33, 0600), &err), FSM_OK);
  assert_int_equal(load(file_of("", 0, 0600), &err), FSM_EARGUMENT);
  static char large[FSM_TOKEN_KEY_MAX + 2];
  memset(large, 'k', sizeof large);
  assert_int_equal(load(file_of(large, FSM_TOKEN_KEY_MAX, 0600), &err), FSM_OK);
  assert_int_equal(load(file_of(large, FSM_TOKEN_KEY_MAX + 1, 0600), &err), FSM_EARGUMENT);
  large[FSM_TOKEN_KEY_MAX] = '\n';
  assert_int_equal(load(file_of(large, FSM_TOKEN_KEY_MAX + 1, 0600), &err), FSM_OK);
  assert_int_equal(load(file_of(large, FSM_TOKEN_KEY_MAX + 2, 0600), &err), FSM_EARGUMENT);
}

static void a_key_file_is_a_file(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(load(dir, &err), FSM_EARGUMENT);
  assert_int_equal(load("/dev/zero", &err), FSM_EARGUMENT);
  char path[128];
  snprintf(path, sizeof path, "%s/none", dir);
  assert_int_equal(load(path, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_token_gives_its_claims),
      cmocka_unit_test(only_what_changes_nothing_may_be_left_out_or_added),
      cmocka_unit_test(the_leeway_is_thirty_seconds_and_no_more),
      cmocka_unit_test(a_token_is_three_parts),
      cmocka_unit_test(a_token_that_is_cut_anywhere_is_refused),
      cmocka_unit_test(a_token_with_any_character_changed_is_refused),
      cmocka_unit_test(a_token_over_8_kb_is_refused_and_one_of_8_kb_is_not),
      cmocka_unit_test(a_part_that_is_not_base64url_is_refused),
      cmocka_unit_test(a_signature_has_one_spelling),
      cmocka_unit_test(nul_bytes_do_not_end_a_token_early),
      cmocka_unit_test(no_algorithm_but_HS256_is_taken),
      cmocka_unit_test(an_unsigned_token_is_refused),
      cmocka_unit_test(alg_is_one_string),
      cmocka_unit_test(a_header_brings_no_extension_and_no_key),
      cmocka_unit_test(a_part_is_one_json_object),
      cmocka_unit_test(the_key_must_be_the_one),
      cmocka_unit_test(exp_is_a_number_that_is_there),
      cmocka_unit_test(times_have_strict_types),
      cmocka_unit_test(names_have_strict_types_and_lengths),
      cmocka_unit_test(a_token_for_someone_else_is_refused),
      cmocka_unit_test(roles_are_few_short_texts),
      cmocka_unit_test(a_fault_never_holds_a_part_of_the_token),
      cmocka_unit_test(what_is_minted_is_verified_until_it_expires),
      cmocka_unit_test(what_would_not_be_verified_is_not_minted),
      cmocka_unit_test(a_key_file_is_for_its_owner_alone),
      cmocka_unit_test(a_key_file_of_another_user_is_refused),
      cmocka_unit_test(a_key_has_at_least_32_bytes_after_one_newline_is_gone),
      cmocka_unit_test(a_key_file_is_a_file),
  };
  return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
