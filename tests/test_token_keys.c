/* test_token_keys.c: sets of keys: which one a token is checked under, and one set in place of another. */
#include "runtime/token.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1700000000)
#define NOW_NS (NOW_S * SECOND)
#define SECOND INT64_C(1000000000)

static char dir[64];

static const char *file_of(const char *name, const char *text) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fchmod(fileno(file), 0600), 0);
  fclose(file);
  return path;
}

static int make_dir(void **state) {
  (void)state;
  snprintf(dir, sizeof dir, "/tmp/test_token_keys.XXXXXX");
  if (!mkdtemp(dir)) return -1;
  file_of("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  file_of("b", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  return 0;
}
static int drop_dir(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "keys"};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    unlink(path);
  }
  return rmdir(dir);
}

static fsm_token_keys *keys_of(const char *json) {
  fsm_token_keys *keys = NULL;
  fsm_error err = {0};
  fsm_code code = fsm_token_keys_load(file_of("keys", json), &keys, &err);
  if (code != FSM_OK) print_error("%s: %s\n", err.where, err.text);
  assert_int_equal(code, FSM_OK);
  return keys;
}

#define A "{\"keys\":[{\"kid\":\"a\",\"alg\":\"HS256\",\"file\":\"a\"}]}"
#define B "{\"keys\":[{\"kid\":\"b\",\"alg\":\"HS256\",\"file\":\"b\"}]}"
#define BOTH                                                                                               \
  "{\"keys\":[{\"kid\":\"a\",\"alg\":\"HS256\",\"file\":\"a\"},{\"kid\":\"b\",\"alg\":\"HS256\",\"file\":" \
  "\"b\"}]}"

/* The verdict on a token that is signed with the secret of that name. */
static fsm_code verdict(const fsm_token_keys *keys, const char *secret, const char *kid, int64_t now_ns,
                        const char **where) {
  static fsm_error err;
  char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, secret);
  const fsm_token_order order = {.key_file = path, .kid = kid, .sub = "ann", .ttl_s = 1000};
  const fsm_token_rules rules = fsm_token_rules_new();
  fsm_buf token = {0};
  fsm_arena arena;
  fsm_token_claims claims;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_token_mint(&order, NOW_NS, &token, NULL), FSM_OK);
  err = (fsm_error){0};
  fsm_code code = fsm_token_verify(keys, &rules, token.data, token.len, now_ns, &arena, &claims, &err);
  if (where) *where = err.where;
  fsm_arena_free(&arena);
  fsm_buf_free(&token);
  return code;
}

static void kid_is_needed_where_there_are_several_keys(void **state) {
  (void)state;
  const char *where = NULL;
  fsm_token_keys *one = keys_of(A), *both = keys_of(BOTH);
  assert_int_equal(verdict(one, "a", NULL, NOW_NS, NULL), FSM_OK);
  assert_int_equal(verdict(one, "a", "a", NOW_NS, NULL), FSM_OK);
  assert_int_equal(verdict(one, "a", "b", NOW_NS, &where), FSM_ETOKEN);
  assert_string_equal(where, "kid");
  assert_int_equal(verdict(both, "a", NULL, NOW_NS, &where), FSM_ETOKEN);
  assert_string_equal(where, "kid");
  assert_int_equal(verdict(both, "a", "a", NOW_NS, NULL), FSM_OK);
  assert_int_equal(verdict(both, "a", "b", NOW_NS, &where), FSM_ETOKEN);
  assert_string_equal(where, "signature");
  fsm_token_keys_free(one);
  fsm_token_keys_free(both);
}

static void what_is_gone_is_taken_to_the_end_of_the_overlap(void **state) {
  (void)state;
  fsm_token_keys *keys = keys_of(B);
  fsm_token_keys_renew(keys, keys_of(A), NOW_NS, 10 * SECOND);
  assert_int_equal(fsm_token_keys_count(keys), 2);
  assert_int_equal(verdict(keys, "a", "a", NOW_NS + 10 * SECOND - 1, NULL), FSM_OK);
  assert_int_equal(verdict(keys, "b", "b", NOW_NS + 10 * SECOND, NULL), FSM_OK);
  const char *where = NULL;
  assert_int_equal(verdict(keys, "a", "a", NOW_NS + 10 * SECOND, &where), FSM_ETOKEN);
  assert_string_equal(where, "kid");
  assert_true(fsm_token_keys_prune(keys, NOW_NS + 10 * SECOND - 1) == NOW_NS + 10 * SECOND);
  assert_int_equal(fsm_token_keys_count(keys), 2);
  assert_true(fsm_token_keys_prune(keys, NOW_NS + 10 * SECOND) == INT64_MAX);
  assert_int_equal(fsm_token_keys_count(keys), 1);
  fsm_token_keys_free(keys);
}

static void without_overlap_nothing_is_taken_over(void **state) {
  (void)state;
  fsm_token_keys *keys = keys_of(B);
  fsm_token_keys_renew(keys, keys_of(BOTH), NOW_NS, 0);
  assert_int_equal(fsm_token_keys_count(keys), 1);
  fsm_token_keys_free(keys);
}

/* Else a key that goes would be kept alive by whoever sends SIGHUP often enough. */
static void another_reading_does_not_lengthen_an_overlap(void **state) {
  (void)state;
  fsm_token_keys *keys = keys_of(B);
  fsm_token_keys_renew(keys, keys_of(A), NOW_NS, 10 * SECOND);
  for (int i = 1; i <= 5; i++) {
    fsm_token_keys *fresh = keys_of(B);
    fsm_token_keys_renew(fresh, keys, NOW_NS + i * SECOND, 10 * SECOND);
    keys = fresh;
  }
  assert_int_equal(fsm_token_keys_count(keys), 2);
  assert_int_equal(verdict(keys, "a", "a", NOW_NS + 9 * SECOND, NULL), FSM_OK);
  assert_int_equal(verdict(keys, "a", "a", NOW_NS + 10 * SECOND, NULL), FSM_ETOKEN);
  fsm_token_keys_free(keys);
}

static void a_key_that_comes_back_is_one_of_the_file_again(void **state) {
  (void)state;
  fsm_token_keys *keys = keys_of(B), *back = keys_of(BOTH);
  fsm_token_keys_renew(keys, keys_of(A), NOW_NS, 10 * SECOND);
  fsm_token_keys_renew(back, keys, NOW_NS + SECOND, 10 * SECOND);
  assert_int_equal(fsm_token_keys_count(back), 2);
  assert_int_equal(verdict(back, "a", "a", NOW_NS + 100 * SECOND, NULL), FSM_OK);
  fsm_token_keys_free(back);
}

static void a_key_ends_when_its_entry_says_so(void **state) {
  (void)state;
  fsm_token_keys *keys =
      keys_of("{\"keys\":[{\"alg\":\"HS256\",\"file\":\"a\",\"until\":\"2023-11-14T22:13:21Z\"}]}");
  assert_int_equal(verdict(keys, "a", NULL, NOW_NS, NULL), FSM_OK);
  assert_int_equal(verdict(keys, "a", NULL, NOW_NS + SECOND - 1, NULL), FSM_OK);
  assert_int_equal(verdict(keys, "a", NULL, NOW_NS + SECOND, NULL), FSM_ETOKEN);
  assert_true(fsm_token_keys_prune(keys, NOW_NS + SECOND) == INT64_MAX);
  assert_int_equal(fsm_token_keys_count(keys), 1); /* as the file has it */
  fsm_token_keys_free(keys);
}

static void a_set_has_64_keys_and_no_more(void **state) {
  (void)state;
  fsm_buf text = {0};
  fsm_token_keys *keys = NULL;
  fsm_error err = {0};
  for (int count = FSM_TOKEN_KEYS_MAX; count <= FSM_TOKEN_KEYS_MAX + 1; count++) {
    fsm_buf_reset(&text);
    fsm_buf_str(&text, "{\"keys\":[");
    for (int i = 0; i < count; i++)
      fsm_buf_printf(&text, "%s{\"kid\":\"k%d\",\"alg\":\"HS256\",\"file\":\"a\"}", i ? "," : "", i);
    fsm_buf_str(&text, "]}");
    fsm_code code = fsm_token_keys_load(file_of("keys", fsm_buf_text(&text)), &keys, &err);
    assert_int_equal(code, count <= FSM_TOKEN_KEYS_MAX ? FSM_OK : FSM_EARGUMENT);
    if (code != FSM_OK) break;
    fsm_token_keys *old = keys_of(B);
    fsm_token_keys_renew(keys, old, NOW_NS, 10 * SECOND); /* there is no room for more */
    assert_int_equal(fsm_token_keys_count(keys), FSM_TOKEN_KEYS_MAX);
    fsm_token_keys_free(keys);
  }
  assert_non_null(strstr(err.text, "more than 64 keys"));
  fsm_buf_free(&text);
}

static void a_secret_is_as_long_as_its_digest_at_least(void **state) {
  (void)state;
  static const size_t least[] = {32, 48, 64};
  char secret[64];
  memset(secret, 's', sizeof secret);
  for (int alg = FSM_TOKEN_HS256; alg <= FSM_TOKEN_HS512; alg++) {
    fsm_token_keys *keys = NULL;
    assert_int_equal(fsm_token_keys_secret((fsm_token_alg)alg, secret, least[alg] - 1, &keys, NULL),
                     FSM_EARGUMENT);
    assert_int_equal(fsm_token_keys_secret((fsm_token_alg)alg, secret, least[alg], &keys, NULL), FSM_OK);
    fsm_token_keys_free(keys);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kid_is_needed_where_there_are_several_keys),
      cmocka_unit_test(what_is_gone_is_taken_to_the_end_of_the_overlap),
      cmocka_unit_test(without_overlap_nothing_is_taken_over),
      cmocka_unit_test(another_reading_does_not_lengthen_an_overlap),
      cmocka_unit_test(a_key_that_comes_back_is_one_of_the_file_again),
      cmocka_unit_test(a_key_ends_when_its_entry_says_so),
      cmocka_unit_test(a_set_has_64_keys_and_no_more),
      cmocka_unit_test(a_secret_is_as_long_as_its_digest_at_least),
  };
  return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
